"""The Kullback-Leibler formulas equal quadrature and Monte Carlo, diverge for σ → 0, and are not symmetric."""

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from scipy import integrate, stats

from aejax.models.parts import losses
from aejax.reports import figures
from experiments.claims import Row, _figures

SIGMAS = np.geomspace(0.02, 3.0, 200)
DRAWN = 1000  # L of the estimates in the picture
LECTURE = "the lecture's slide"


def measure(fast: bool) -> list[Row]:
    del fast
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(6), (2, 20)).astype(np.float32)
    discrete = np.abs(losses.kl_discrete(jnp.asarray(p), jnp.asarray(q)) - stats.entropy(p, q, axis=1)).max()
    grid = np.array([(m0, s0, m1, s1) for m0 in (-1, 0.3) for s0 in (0.3, 1) for m1 in (0, 1) for s1 in (0.7, 1, 2)])
    m0, s0, m1, s1 = grid.T
    mean0, logvar0, mean1, logvar1 = m0, 2 * np.log(s0), m1, 2 * np.log(s1)
    general = np.asarray(losses.kl_normal(*map(jnp.float32, (mean0, logvar0, mean1, logvar1))))
    reversed_ = np.asarray(losses.kl_normal(*map(jnp.float32, (mean1, logvar1, mean0, logvar0))))
    quadrature = np.array([kl_quadrature(*setting) for setting in grid])
    slide = np.log(s1 / s0) + (s0**2 + (m0 - m1) ** 2) / (2 * s1**2) - 0.5
    standard = np.asarray(losses.kl_standard_normal(*(jnp.float32(v)[None] for v in (mean0, logvar0))))[0]
    standard_quadrature = np.array([kl_quadrature(m, s, 0.0, 1.0) for m, s in zip(m0, s0, strict=True)])
    tiny = np.asarray(kl_curve(np.array([1e-6, 1e-5, 1e-4, 1e-3])))
    equal = np.asarray(losses.kl_normal(*map(jnp.float32, (mean0, logvar0, mean0, logvar0))))
    few, many = (monte_carlo(0.5, 0.6, num) for num in (10_000, 1_000_000))
    errors = abs(many[0] - kl_quadrature(0.5, 0.6, 0.0, 1.0)) / many[1]
    return [
        Row("discrete: largest difference from scipy (nats)", 0.0, discrete, 1e-6, "scipy.stats.entropy"),
        Row("Gaussian: largest difference from quadrature", 0.0, difference(general, quadrature), 1e-6, "quadrature"),
        Row("Gaussian: largest difference from the slide's formula", 0.0, difference(general, slide), 1e-6, LECTURE),
        Row("against N(0, 1): from quadrature", 0.0, difference(standard, standard_quadrature), 1e-6, "quadrature"),
        Row("σ → 0: rise per decade of σ (nats)", np.log(10), np.diff(-tiny).mean(), 1e-5, "−log σ"),
        Row("σ = 1e-6: KL (nats)", 13.0, tiny[0], "at least", LECTURE),
        Row("zero where both are equal", 0.0, np.abs(equal).max(), 0.0, LECTURE),
        Row("never negative", 0.0, min(general.min(), standard.min()), "at least", LECTURE),
        Row("asymmetry: largest KL[p‖q] − KL[q‖p] (nats)", 0.1, np.abs(general - reversed_).max(), "at least", LECTURE),
        Row("Monte Carlo, L = 1,000,000: standard errors from the formula", 4.0, errors, "at most", "z-test"),
        Row("Monte Carlo: its error falls as 1/√L, at L × 100", 10.0, few[1] / many[1], 0.3, "central limit theorem"),
    ]


def difference(values: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference in nats, or relative to the expected value if that is above 1 nat."""
    return float((np.abs(values - expected) / np.maximum(1.0, expected)).max())


def kl_quadrature(mean0: float, sigma0: float, mean1: float, sigma1: float) -> float:
    """KL[N(mean0, sigma0²) ‖ N(mean1, sigma1²)] by numerical integration: nats."""
    p: Any = stats.norm(mean0, sigma0)
    q: Any = stats.norm(mean1, sigma1)
    bounds = mean0 - 12 * sigma0, mean0 + 12 * sigma0
    return integrate.quad(lambda z: p.pdf(z) * (p.logpdf(z) - q.logpdf(z)), *bounds, epsabs=1e-11, epsrel=1e-11)[0]


def kl_curve(sigmas: np.ndarray) -> np.ndarray:
    """KL[N(0, σ²) ‖ N(0, 1)] of every σ: nats."""
    logvar = jnp.float32(2 * np.log(sigmas))[None]
    return np.asarray(losses.kl_standard_normal(jnp.zeros_like(logvar), logvar))[0]


def monte_carlo(mean: float, sigma: float, num: int, seed: int = 0) -> tuple[float, float]:
    """KL[N(mean, σ²) ‖ N(0, 1)] as an average of log q(z) − log p(z) over L draws of z, and its standard error."""
    z = mean + sigma * np.random.default_rng(seed).normal(size=num)
    log_ratio = stats.norm.logpdf(z, mean, sigma) - stats.norm.logpdf(z)
    return log_ratio.mean(), log_ratio.std(ddof=1) / np.sqrt(num)


def draw(directory: Path, fast: bool) -> None:
    """The lecture's curve, with Monte-Carlo estimates on it."""
    del fast
    marks = np.geomspace(0.03, 2.5, 12)
    estimates = np.array([monte_carlo(0.0, sigma, DRAWN, seed) for seed, sigma in enumerate(marks)])
    figures.save(directory / "kl_curve.png", _figures.draw_kl_curve(SIGMAS, kl_curve(SIGMAS), marks, estimates, DRAWN))
