"""Every estimator of the ELBO's gradient is unbiased; reparametrization makes its variance small.

The gradient of this model is known: z ~ N(0, 1), x|z ~ N(z, ½) and x = 1, so the posterior is N(⅔, ⅓). q is another
Gaussian. ELBO = log p(x) − KL[q ‖ posterior], so the gradient of the ELBO is minus that of the KL.
"""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from aejax.models.parts import losses
from aejax.reports import figures
from experiments.claims import Row, _figures
from experiments.claims import _estimators as estimators
from experiments.claims._estimators import Normal

X, NOISE = 1.0, 0.5  # the observation, and the variance of x given z
POSTERIOR = Normal(jnp.full(1, 2 / 3), jnp.full(1, 0.5 * np.log(1 / 3)))
Q = Normal(jnp.full(1, 0.2), jnp.full(1, np.log(0.8)))
DRAWS = (1, 4, 16, 64)  # L
NODES = 80  # of a Gauss-Hermite rule: exact for polynomials up to degree 159; log w̄ to float32 precision
MOST_ERRORS = 4.0  # largest distance from the exact value, in standard errors


def log_joint(z: jax.Array) -> jax.Array:
    """log p(x, z) = log N(z; 0, 1) + log N(x; z, ½): nats."""
    log_prior = -0.5 * (jnp.square(z) + jnp.log(2 * jnp.pi)).sum()
    return log_prior - 0.5 * (jnp.square(X - z) / NOISE + jnp.log(2 * jnp.pi * NOISE)).sum()


def elbo(q: Normal) -> jax.Array:
    """log p(x) − KL[q ‖ posterior], with log p(x) = log N(x; 0, 1 + ½)."""
    log_p = -0.5 * (X**2 / (1 + NOISE) + jnp.log(2 * jnp.pi * (1 + NOISE)))
    return log_p - losses.kl_normal(q.mean, 2 * q.log_sigma, POSTERIOR.mean, 2 * POSTERIOR.log_sigma).sum()


def estimator_list() -> dict[str, Callable[..., Normal]]:
    """The six estimators by name; the baseline is an ELBO estimated from 100 other draws."""
    other = jax.random.normal(jax.random.key(1), (100, 1))
    baseline = estimators.log_weights(Q, log_joint, estimators.draw(Q, other)).mean()
    return {
        "score function": estimators.score_function,
        "score function, baseline": partial(estimators.score_function, baseline=baseline),
        "reparametrized": estimators.reparametrized,
        "STL": estimators.sticking_the_landing,
        "IWAE": estimators.importance_weighted,
        "DReG": estimators.doubly_reparametrized,
    }


class Simulated(NamedTuple):
    """Many independent estimates [n, 2] of the gradient with respect to (mean, log σ), from L draws each."""

    gradients: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        return self.gradients.mean(axis=0)

    @property
    def variance(self) -> float:
        """The sum of the variances of both components."""
        return float(self.gradients.var(axis=0, ddof=1).sum())

    def signal_to_noise(self, signal: np.ndarray) -> float:
        """‖E g‖ over the standard deviation of g (Rainforth et al. 2018, for a vector)."""
        return float(np.linalg.norm(signal) / np.sqrt(self.variance))

    def errors(self, exact: np.ndarray) -> float:
        """The larger distance of a component's mean from its exact value, in standard errors."""
        standard_errors = self.gradients.std(axis=0, ddof=1) / len(self.gradients) ** 0.5
        return float((np.abs(self.mean - exact) / standard_errors).max())

    def log_variance_error(self) -> float:
        """The standard error of log variance, from the fourth moments (the delta method)."""
        squares = np.square(self.gradients - self.mean).sum(axis=1)
        return float(squares.std(ddof=1) / squares.mean() / len(squares) ** 0.5)


def gradients(estimator: Callable[..., Normal], q: Normal, epsilon: Any) -> np.ndarray:
    """The estimates [n, 2 k] from n sets of noise [n, L, k], in float64."""
    estimates = jax.jit(jax.vmap(lambda noise: jnp.concatenate(estimator(q, log_joint, noise))))(epsilon)
    return np.asarray(estimates, np.float64)


@cache
def simulate(fast: bool) -> dict[tuple[str, int], Simulated]:
    """Every estimator at every L, each with its own noise."""
    num = 20_000 if fast else 200_000
    cases = [(name, size) for name in estimator_list() for size in DRAWS]
    keys = jax.random.split(jax.random.key(0), len(cases))
    return {
        (name, size): Simulated(gradients(estimator_list()[name], Q, jax.random.normal(key, (num, size, 1))))
        for (name, size), key in zip(cases, keys, strict=True)
    }


def signal_to_noise(fast: bool) -> dict[str, np.ndarray]:
    """Every estimator's ratio by L; the signal is the ELBO's exact gradient, for IWAE and DReG the mean of DReG."""
    simulated, elbo_gradient = simulate(fast), np.concatenate(jax.grad(elbo)(Q))
    ratios = {}
    for name in estimator_list():
        bound = name in ("IWAE", "DReG")
        signals = [simulated["DReG", size].mean if bound else elbo_gradient for size in DRAWS]
        ratios[name] = np.array(
            [simulated[name, size].signal_to_noise(signal) for size, signal in zip(DRAWS, signals, strict=True)]
        )
    return ratios


def exact_variance(estimator: Callable[..., Normal]) -> float:
    """The variance of an estimate from one draw, by Gauss-Hermite quadrature over its noise."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    values, weights = gradients(estimator, Q, jnp.float32(nodes)[:, None, None]), weights / weights.sum()
    return float((weights @ np.square(values) - np.square(weights @ values)).sum())


def exact_bound_gradient(step: float = 1e-4) -> np.ndarray:
    """The gradient of the bound with two draws, by quadrature over both and central differences in float64."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    pairs = np.stack(np.meshgrid(nodes, nodes), axis=-1).reshape(-1, 2)
    joint = np.outer(weights, weights).ravel() / weights.sum() ** 2

    def bound(phi):
        mean, log_sigma = phi
        z = mean + np.exp(log_sigma) * pairs
        log_p = -0.5 * (z**2 + (X - z) ** 2 / NOISE + 2 * np.log(2 * np.pi) + np.log(NOISE))
        log_q = -0.5 * (pairs**2 + np.log(2 * np.pi)) - log_sigma
        return joint @ (np.logaddexp.reduce(log_p - log_q, axis=1) - np.log(2))

    phi = np.concatenate(Q).astype(np.float64)
    return np.array([(bound(phi + e) - bound(phi - e)) / (2 * step) for e in step * np.eye(2)])


def measure(fast: bool) -> list[Row]:
    simulated, methods = simulate(fast), estimator_list()
    exact = np.concatenate(jax.grad(elbo)(Q)).astype(np.float64)
    rows = []
    for name in methods:  # with one draw, the bound of the last two is the ELBO
        rows.append(
            Row(
                f"{name}, L = 1: distance from the exact gradient (standard errors)",
                MOST_ERRORS,
                simulated[name, 1].errors(exact),
                "at most",
                "ELBO in closed form",
            )
        )
    bound_gradient = exact_bound_gradient()
    noise = jax.random.normal(jax.random.key(2), (20_000 if fast else 200_000, 2, 1))
    for name in ("IWAE", "DReG"):
        errors = Simulated(gradients(methods[name], Q, noise)).errors(bound_gradient)
        what = f"{name}, L = 2: distance from the exact gradient (standard errors)"
        rows.append(Row(what, MOST_ERRORS, errors, "at most", "bound by quadrature"))
    reference = simulated["reparametrized", 1]
    for name in ("score function", "score function, baseline", "STL"):
        one = simulated[name, 1]
        ratio = one.variance / reference.variance
        error = ratio * np.hypot(one.log_variance_error(), reference.log_variance_error())
        expected = exact_variance(methods[name]) / exact_variance(methods["reparametrized"])
        interval = f"95 % interval {ratio - 1.96 * error:.3g} to {ratio + 1.96 * error:.3g}"
        what = f"variance of {name} / reparametrized, L = 1 ({interval})"
        rows.append(Row(what, expected, ratio, MOST_ERRORS * error, "quadrature"))
    variance = gradients(methods["STL"], POSTERIOR, noise[:1000, :1]).var(axis=0).sum()
    rows.append(Row("STL: variance where q is the posterior", 0.0, variance, 1e-10, "Roeder et al. 2017"))
    for name, slope, source in (("IWAE", -0.5, "Rainforth et al. 2018"), ("DReG", 0.5, "Tucker et al. 2018")):
        measured = np.polyfit(np.log(DRAWS[1:]), np.log(signal_to_noise(fast)[name][1:]), 1)[0]
        rows.append(Row(f"{name}: signal-to-noise ratio ~ L to the power", slope, measured, 0.1, source))
    return rows


def draw(directory: Path, fast: bool) -> None:
    """Variance and signal-to-noise ratio of every estimator by L."""
    simulated = simulate(fast)
    lines = [
        (name, np.array([simulated[name, size].variance for size in DRAWS]), ratios)
        for name, ratios in signal_to_noise(fast).items()
    ]
    figures.save(directory / "estimators.png", _figures.draw_estimators(np.array(DRAWS), lines))
