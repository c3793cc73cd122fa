"""Codes on the sphere: normalizer, mean and KL against Bessel functions and quadrature, draws against their density."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, special, stats

from aejax import config as configs
from aejax import models
from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models.vae import part
from aejax.models.vae.posteriors import von_mises_fisher as vmf
from configs.base import get_config

pytestmark = pytest.mark.slow

D, B = 5, 3
SPEC = Spec((D,), "table", "unit", 1.0, (), (), np.zeros(D, np.float32), None, None)
KAPPA = np.array([0.05, 1.0, 12.0, 300.0, 8000.0])


def config_of(k, **keys) -> Any:
    keys = {"latent_dim": k, "hidden": (), "posterior": "von_mises_fisher", "prior": "uniform_sphere"} | keys
    return configs.replaced(get_config(), {f"model.{key}": value for key, value in keys.items()}).model


def log_bessel(order, kappa):
    return np.log(special.ive(order, kappa)) + kappa


def mean_cosine(k, kappa):
    """A(κ) = I_{K/2}(κ) / I_{K/2 − 1}(κ)."""
    return special.ive(k / 2, kappa) / special.ive(k / 2 - 1, kappa)


@pytest.mark.parametrize("k", [2, 3, 11, 50])
def test_the_grid_gives_the_normalizer_of_bessel_functions_and_its_derivative(k):
    def log_normalizer(kappa):
        return vmf.log_area(k - 1) + vmf.angles(kappa, k)[2]

    kappa = jnp.float32(KAPPA)
    expected = k / 2 * np.log(2 * np.pi) + log_bessel(k / 2 - 1, KAPPA) - (k / 2 - 1) * np.log(KAPPA)
    np.testing.assert_allclose(log_normalizer(kappa), expected, rtol=2e-6, atol=2e-4)
    slope = jax.grad(lambda kappa: log_normalizer(kappa).sum())(kappa)
    np.testing.assert_allclose(slope, mean_cosine(k, KAPPA), rtol=3e-4)


@pytest.fixture(scope="module", params=[2, 3, 11])
def drawn(request):
    """K, the posterior's draws, μ and κ in float64, for rows with concentrations of about 1, 12 and 300."""
    k = request.param
    config = config_of(k)
    posterior = part("posteriors", "von_mises_fisher")(config, SPEC)
    params = {"encoder": posterior.init(jax.random.key(0))}
    x = jnp.float32(np.random.default_rng(0).uniform(size=(B, D)))
    kernel = params["encoder"]["Dense_0"]["kernel"]
    target = jnp.array([0.5, 11.0, 299.0])  # softplus(t) is about t
    column = jnp.linalg.lstsq(x, target)[0]
    params["encoder"]["Dense_0"]["kernel"] = kernel.at[:, k].set(column)
    draws = jax.jit(lambda key: posterior.draw(params, key, x, 20_000))(jax.random.key(1))
    kappa = 1.0 + np.log1p(np.exp(np.float64(target)))
    mean = np.asarray(posterior.encode(params, x), np.float64)
    return k, draws, mean / np.linalg.norm(mean, axis=1, keepdims=True), kappa


def test_log_q_is_scipys(drawn):
    k, draws, mean, kappa = drawn
    z = np.asarray(draws.z[:50], np.float64)
    np.testing.assert_allclose(np.linalg.norm(z, axis=-1), 1.0, atol=1e-5)
    z /= np.linalg.norm(z, axis=-1, keepdims=True)
    for row in range(B):
        expected = stats.vonmises_fisher(mean[row], kappa[row]).logpdf(z[:, row])
        np.testing.assert_allclose(draws.log_q[:50, row], expected, rtol=1e-4, atol=2e-3)


def test_draws_have_their_distribution(drawn):
    """cos θ by Kolmogorov and Smirnov against quadrature, E z = A(κ) μ, and no direction around μ is preferred."""
    k, draws, mean, kappa = drawn
    z = np.asarray(draws.z, np.float64)
    for row in range(B):
        theta = np.linspace(0.0, np.pi, 400_001)[1:-1]
        below = np.cumsum(np.exp(kappa[row] * (np.cos(theta) - 1.0)) * np.sin(theta) ** (k - 2))
        cosine = np.clip(z[:, row] @ mean[row], -1.0, 1.0)
        share = np.interp(np.arccos(cosine), theta, below / below[-1])
        assert stats.kstest(share, "uniform").pvalue > 1e-3
        around = z[:, row] - cosine[:, None] * mean[row]
        error = around.std(axis=0) / np.sqrt(len(z))
        assert (np.abs(around.mean(axis=0)) < 4.5 * error).all()
        spread = around.T @ around / len(z) / ((1.0 - cosine**2).mean() / (k - 1))
        np.testing.assert_allclose(spread, np.eye(k) - np.outer(mean[row], mean[row]), atol=0.06)
        error = cosine.std() / np.sqrt(len(z))
        assert np.abs(cosine.mean() - mean_cosine(k, kappa[row])) < 4.5 * error


def test_the_kl_is_that_of_quadrature(drawn):
    k, draws, _, kappa = drawn
    config = config_of(k)
    prior = part("priors", "uniform_sphere")(config, SPEC, part("posteriors", "von_mises_fisher")(config, SPEC))
    for row in range(B):

        def density(theta, row=row):
            return np.exp(kappa[row] * (np.cos(theta) - 1.0)) * np.sin(theta) ** (k - 2)

        total = integrate.quad(density, 0.0, np.pi, epsabs=0, limit=200, points=[0.1, 0.5])[0]
        uniform = integrate.quad(lambda theta: np.sin(theta) ** (k - 2), 0.0, np.pi)[0]

        def integrand(theta, density=density, total=total, row=row, uniform=uniform):
            log_ratio = kappa[row] * (np.cos(theta) - 1.0) - np.log(total) + np.log(uniform)
            return density(theta) / total * log_ratio

        expected = integrate.quad(integrand, 0.0, np.pi, epsabs=0, limit=200, points=[0.1, 0.5])[0]
        np.testing.assert_allclose(prior.kl({}, draws).value[row], expected, rtol=2e-4)


@pytest.mark.parametrize("k", [2, 3, 11])
def test_the_gradient_through_draws_is_that_of_the_mean(k):
    """d/dκ E cos θ = 1 − A² − (K − 1) A / κ, and the mean of cos² θ is 1 − (K − 1) A / κ."""
    kappa = np.array([1.5, 12.0, 300.0])

    def means(kappa):
        edges, mass, _ = vmf.angles(kappa, k)
        cosine = jnp.cos(vmf.draw_angles(jax.random.key(3), edges, mass, 20_000))
        return cosine, jnp.square(cosine)

    slopes = jax.jit(lambda kappa: jax.jvp(means, (kappa,), (jnp.ones(3),))[1])(jnp.float32(kappa))

    def second(kappa):
        return 1.0 - (k - 1) * mean_cosine(k, kappa) / kappa

    a, step = mean_cosine(k, kappa), 1e-4 * kappa
    expected = 1 - a**2 - (k - 1) * a / kappa, (second(kappa + step) - second(kappa - step)) / (2 * step)
    for slope, exact in zip(slopes, expected, strict=True):
        error = np.asarray(slope).std(axis=0) / np.sqrt(20_000)
        assert (np.abs(slope.mean(axis=0) - exact) < 4.5 * error).all() and (error < 0.05 * np.abs(exact)).all()


def test_a_circle_needs_two_coordinates():
    with pytest.raises(UserError, match=r"at least two coordinates, not model\.latent_dim=1: use .*=3"):
        models.make(config_of(1), SPEC)
