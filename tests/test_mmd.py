"""The MMD-VAE: equal to the VAE if the MMD has weight 0; MMD² against its closed form between Gaussians."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aejax import config as configs
from aejax import models
from aejax.data.types import Spec
from aejax.models.vae.bounds import mmd
from configs.base import get_config

pytestmark = pytest.mark.slow

D, K = 5, 3
SPEC = Spec((D,), "table", "unit", 1.0, (), (), np.zeros(D, np.float32), None, None)


def make(bound) -> Any:
    changes = {"model.bound": bound, "model.latent_dim": K, "model.hidden": (4,), "model.num_samples": 2}
    return models.make(configs.replaced(get_config(), changes).model, SPEC)


@pytest.fixture(scope="module")
def rows():
    return jnp.float32(np.random.default_rng(0).uniform(size=(6, D)))


def closed_form(mean, v, k):
    """MMD² of N(mean, v I) and N(0, I), from three E exp(−‖d‖² / 2k) with Gaussian d of mean m and variance u."""

    def expected_kernel(m, u):
        return (k / (k + u)) ** (k / 2) * np.exp(-np.square(m).sum() / (2 * (k + u)))

    return expected_kernel(0.0, 2 * v) - 2 * expected_kernel(mean, v + 1.0) + expected_kernel(0.0, 2.0)


def estimates(mean, v, num, repeats):
    """Estimates of MMD² from `repeats` batches of `num` draws from N(mean, v I)."""
    epsilon = np.random.default_rng(1).normal(size=(repeats, num, len(mean)))
    z = jnp.float32(mean + np.sqrt(v) * epsilon)
    return np.asarray(jax.jit(jax.vmap(mmd.squared_mmd))(z), np.float64)


@pytest.mark.parametrize(
    ("mean", "v"), [([0.0, 0.0, 0.0], 1.0), ([1.0, -0.5, 2.0], 1.0), ([0.0, 0.0, 0.0], 0.1), ([0.7], 4.0)]
)
def test_the_estimate_is_unbiased_for_gaussians(mean, v):
    """Also for equal distributions (MMD² = 0) and few draws: a biased estimate is off by about 1 / num."""
    values, exact = estimates(mean, v, 8, 20_000), closed_form(np.asarray(mean), v, len(mean))
    standard_error = values.std() / np.sqrt(len(values))
    assert standard_error < 0.002
    assert abs(values.mean() - exact) / standard_error < 4
    if v == 1.0 and not any(mean):
        assert exact == pytest.approx(0.0, abs=1e-12) and (values < 0).any()
    else:
        assert exact > 0.01  # else zero would pass


def test_one_large_batch_is_near_the_closed_form():
    mean = np.array([1.0, -0.5, 2.0])
    np.testing.assert_allclose(estimates(mean, 0.5, 2000, 1)[0], closed_form(mean, 0.5, 3), rtol=0.05)


def test_a_batch_of_one_row_is_finite():
    assert jnp.isfinite(mmd.squared_mmd(jnp.zeros((1, K))))


@pytest.mark.parametrize("beta", [1.0, 4.0])
def test_without_mmd_the_loss_is_the_vaes(rows, beta):
    vae, model = make("elbo"), make("mmd")
    params, weights = vae.init(jax.random.key(0))[0], {"beta": jnp.float32(beta)}

    def value(params, model, **more):
        return model.loss(params, (), jax.random.key(1), {"x": rows}, **weights, **more)[0]

    def both(model, **more):
        return jax.value_and_grad(value)(params, model, **more)

    (ours, gradient) = both(model, mmd=jnp.float32(0.0))
    (expected, expected_gradient) = both(vae, free_bits=jnp.float32(0.0))
    np.testing.assert_allclose(ours, expected, rtol=1e-6)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7), gradient, expected_gradient)


def test_mmd_weighs_the_codes_drawn_for_the_reconstruction(rows):
    model = make("mmd")
    params = model.init(jax.random.key(0))[0]

    def loss(weight):
        weights = {"beta": jnp.float32(0.0), "mmd": jnp.float32(weight)}
        return model.loss(params, (), jax.random.key(1), {"x": rows}, **weights)

    (without, (metrics, _)), (value, _) = loss(0.0), loss(100.0)
    np.testing.assert_allclose(value - without, 100.0 * metrics["mmd"], rtol=1e-3)
    mean, logvar = model.posterior(params, rows)
    epsilon = jax.random.normal(jax.random.key(1), (2, *mean.shape))
    z = mean[None] + jnp.exp(0.5 * logvar)[None] * epsilon
    np.testing.assert_allclose(metrics["mmd"], np.mean([mmd.squared_mmd(draw) for draw in z]), rtol=1e-5)
