"""The importance-weighted bound and its three gradients, against their definitions."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp

from aejax import config as configs
from aejax import models
from aejax.data.types import Spec
from aejax.models.parts import losses
from aejax.models.vae.bounds import iwae
from configs.base import get_config

pytestmark = pytest.mark.slow

D, K = 5, 2
SPEC = Spec((D,), "table", "unit", 1.0, (), (), np.zeros(D, np.float32), None, None)


def make(bound, **keys) -> Any:
    changes = {"model.bound": bound, "model.latent_dim": K, "model.hidden": ()}
    changes |= {f"model.{key}": value for key, value in keys.items()}
    return models.make(configs.replaced(get_config(), changes).model, SPEC)


@pytest.fixture(scope="module")
def bits():
    return jnp.float32(np.random.default_rng(4).integers(0, 2, (6, D)))


def loss(model, params, x, seed=0, beta=1.0):
    value, (metrics, _) = model.loss(params, (), jax.random.key(seed), {"x": x}, beta=jnp.float32(beta))
    return value, metrics


def test_the_bound_is_the_log_of_the_mean_weight(bits):
    model = make("iwae", num_samples=3, num_bounds=2, hidden=(4,))
    params = model.init(jax.random.key(1))[0]
    log_w = np.asarray(model.log_weights(params, jax.random.key(0), bits, 6), np.float64).reshape(2, 3, -1)
    value, metrics = loss(model, params, bits)
    expected = (logsumexp(log_w, axis=1) - np.log(3)).mean()
    np.testing.assert_allclose([-value, metrics["bound"]], expected, rtol=1e-5)
    assert metrics["bound"] > log_w.mean()


def test_one_sample_is_the_vae_with_the_kl_by_monte_carlo(bits):
    single, many = make("elbo"), make("iwae", num_samples=1, num_bounds=20_000)
    params = single.init(jax.random.key(1))[0]
    value, metrics = loss(many, params, bits, beta=2.0)
    mean, logvar = single.posterior(params, bits)
    expected = metrics["reconstruction"] + 2.0 * losses.kl_standard_normal(mean, logvar).sum(axis=-1).mean()
    np.testing.assert_allclose(value, expected, rtol=0.01)
    np.testing.assert_allclose(metrics["bound"], metrics["elbo"], rtol=0.01)


@pytest.mark.parametrize("gradient", ["stl", "dreg"])
def test_the_other_gradients_leave_the_value_and_the_decoder_alone(bits, gradient):
    keys = {"num_samples": 3, "num_bounds": 2, "hidden": (4,)}
    plain, other = (make("iwae", **keys, gradient=name) for name in ("reparametrized", gradient))
    params = plain.init(jax.random.key(1))[0]
    values, gradients = zip(
        *(jax.value_and_grad(lambda p, m=m: loss(m, p, bits)[0])(params) for m in (plain, other)), strict=True
    )
    np.testing.assert_allclose(values[1], values[0], rtol=1e-6)
    same = jax.tree.map(lambda a, b: np.allclose(a, b, rtol=1e-4, atol=1e-6), *gradients)
    assert all(jax.tree.leaves(same["decoder"])) and not any(jax.tree.leaves(same["encoder"]))


def encoder_gradient_by_definition(model, params, x, seed, power):
    """Σ (w / Σw)^power ∂log w/∂z ∂z/∂φ for one bound of three draws, with φ in log q(z) fixed; summed draw by draw."""
    epsilon = jax.random.normal(jax.random.key(seed), (3, len(x), K))

    def draw(params, s):
        mean, logvar = model.posterior(params, x)
        return mean + jnp.exp(0.5 * logvar) * epsilon[s]

    def log_w(z):
        mean, logvar = model.posterior(params, x)
        prior, posterior = losses.standard_normal_log_prob(z), losses.normal_log_prob(z, mean, logvar)
        logits = z @ params["decoder"]["Dense_0"]["kernel"] + params["decoder"]["Dense_0"]["bias"][None]
        return losses.bernoulli_log_likelihood(x, logits) + prior - posterior

    share = jax.nn.softmax(jnp.stack([log_w(draw(params, s)) for s in range(3)]), axis=0)
    total = jax.tree.map(jnp.zeros_like, params)
    for s in range(3):
        slope = jax.grad(lambda z, s=s: (share[s] ** power * log_w(z)).mean())(draw(params, s))
        part = jax.grad(lambda p, s=s, slope=slope: (slope * draw(p, s)).sum())(params)
        total = jax.tree.map(jnp.add, total, part)
    return total["encoder"]


@pytest.mark.parametrize(("gradient", "power"), [("stl", 1), ("dreg", 2)])
def test_the_encoders_gradient_is_that_of_its_paper(bits, gradient, power):
    model = make("iwae", num_samples=3, gradient=gradient)
    params = model.init(jax.random.key(1))[0]
    ours = jax.grad(lambda p: -loss(model, p, bits)[0])(params)["encoder"]
    expected = encoder_gradient_by_definition(model, params, bits, 0, power)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), ours, expected)


@pytest.mark.parametrize("beta", [1.0, 3.0])
def test_the_doubly_reparametrized_gradient_is_unbiased(bits, beta):
    def encoder_gradients(gradient):
        model = make("iwae", num_samples=4, gradient=gradient)
        params = model.init(jax.random.key(1))[0]

        def one(seed):
            grad = jax.grad(lambda p: model.loss(p, (), jax.random.key(seed), {"x": bits}, beta=jnp.float32(beta))[0])
            return grad(params)["encoder"]["Dense_0"]["kernel"].ravel()

        return np.asarray(jax.jit(jax.vmap(one))(jnp.arange(4000)), np.float64)

    plain, dreg = encoder_gradients("reparametrized"), encoder_gradients("dreg")
    standard_error = np.sqrt((plain.var(axis=0) + dreg.var(axis=0)) / len(plain))
    assert (np.abs(plain.mean(axis=0) - dreg.mean(axis=0)) / standard_error).max() < 4.5
    assert np.linalg.norm(plain.mean(axis=0)) > 20 * np.linalg.norm(standard_error)  # else zero would pass too


def test_iwae_bound_by_hand():
    log_w = jnp.log(jnp.array([[1.0], [3.0], [2.0], [2.0]]))
    np.testing.assert_allclose(iwae.bound(log_w, (1, 4)), np.log(2.0), rtol=1e-6)
    np.testing.assert_allclose(iwae.bound(log_w, (2, 2)), np.log(2.0), rtol=1e-6)
    np.testing.assert_allclose(iwae.bound(log_w, (4, 1)), np.log(12) / 4, rtol=1e-6)
