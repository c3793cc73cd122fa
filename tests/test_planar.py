"""A posterior through planar flows: identities, determinants by jax's own derivatives, invertibility."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aejax import config as configs
from aejax import models
from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models.parts import losses
from aejax.models.vae.posteriors import planar
from configs.base import get_config

pytestmark = pytest.mark.slow

D, K, S, B = 5, 3, 4, 6
SPEC = Spec((D,), "table", "unit", 1.0, (), (), np.zeros(D, np.float32), None, None)


def make(posterior, **keys) -> Any:
    changes = {"model.posterior": posterior, "model.latent_dim": K, "model.hidden": (4,)}
    changes |= {f"model.{key}": value for key, value in keys.items()}
    return models.make(configs.replaced(get_config(), changes).model, SPEC)


@pytest.fixture(scope="module")
def bits():
    return jnp.float32(np.random.default_rng(0).integers(0, 2, (B, D)))


def flows_of(seed, num, scale):
    """u, w, b of some flows, [F, B, 2K + 1]."""
    return jnp.float32(scale * np.random.default_rng(seed).normal(size=(num, B, 2 * K + 1)))


def points(seed):
    return jnp.float32(np.random.default_rng(seed).normal(size=(S, B, K)))


def padded(params, num, w):
    """A VAE's parameters with added heads for flows with u = 0 and w, b equal to `w`."""
    layer = params["encoder"]["Dense_1"]
    flows = np.tile(np.r_[np.zeros(K), np.full(K + 1, w)], num).astype(np.float32)
    kernel = jnp.concatenate([layer["kernel"], jnp.zeros((len(layer["kernel"]), len(flows)))], axis=1)
    head = {"kernel": kernel, "bias": jnp.concatenate([layer["bias"], flows])}
    return {**params, "encoder": {**params["encoder"], "Dense_1": head}}


def test_without_flows_it_is_the_vae_to_the_bit(bits):
    vae, model = make("gaussian"), make("planar", num_flows=0)
    params = vae.init(jax.random.key(0))[0]
    np.testing.assert_array_equal(
        model.log_weights(params, jax.random.key(1), bits, S), vae.log_weights(params, jax.random.key(1), bits, S)
    )
    np.testing.assert_array_equal(model.encode(params, bits), vae.encode(params, bits))


@pytest.mark.parametrize("w", [0.0, 0.7])
def test_flows_with_zero_u_are_the_identity(bits, w):
    vae, model = make("gaussian"), make("planar", num_flows=3)
    params = vae.init(jax.random.key(0))[0]
    ours = model.log_weights(padded(params, 3, w), jax.random.key(1), bits, S)
    np.testing.assert_allclose(ours, vae.log_weights(params, jax.random.key(1), bits, S), rtol=1e-5)
    np.testing.assert_allclose(model.encode(padded(params, 3, w), bits), vae.encode(params, bits), atol=1e-6)
    gradient = jax.grad(lambda p: model.log_weights(p, jax.random.key(1), bits, S).sum())(padded(params, 3, w))
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def test_the_code_is_the_mean_pushed_through_the_flows(bits):
    """A VAE's parameters with two flows, the same for all rows, applied in order."""
    vae, model = make("gaussian"), make("planar", num_flows=2)
    plain = vae.init(jax.random.key(0))[0]
    params, flows = padded(plain, 2, 0.0), flows_of(5, 2, 1.0)[:, :1]
    layer = params["encoder"]["Dense_1"]
    layer["bias"] = layer["bias"].at[2 * K :].set(flows.ravel())
    z = mean = vae.encode(plain, bits)
    for flow in jnp.tile(flows, (1, B, 1)):
        z = planar.planar(z[None], flow[:, :K], flow[:, K : 2 * K], flow[:, -1])[0][0]
    np.testing.assert_allclose(model.encode(params, bits), z, rtol=1e-5, atol=1e-6)
    assert np.abs(z - mean).max() > 0.1


@pytest.mark.parametrize("scale", [0.5, 3.0])
def test_the_determinant_is_that_of_the_jacobian(scale):
    flows, z = flows_of(1, 3, scale), points(2)
    _, ours = planar.push(z, flows)

    def one(z, flows):
        return planar.push(z[None, None], flows[:, None])[0][0, 0]

    jacobian = jax.vmap(jax.vmap(jax.jacfwd(one), (0, 1)), (0, None))(z, flows)
    assert jacobian.shape == (S, B, K, K)
    sign, expected = np.linalg.slogdet(np.asarray(jacobian, np.float64))
    assert (sign == 1).all()
    np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-3)
    assert np.abs(expected).max() > 0.1  # else zero would pass too


@pytest.mark.parametrize("pull", [0.0, -3.0, -1000.0])
def test_a_flow_is_invertible_however_far_u_points_against_w(pull):
    """Along w the map is strictly increasing if wᵀû > −1; u = pull w violates that unless u is corrected."""
    w = flows_of(3, 1, 1.0)[0, :1, :K]
    at = jnp.linspace(-2.0, 2.0, 401)[:, None, None] * (w / jnp.square(w).sum())[None]
    z, log_determinant = planar.planar(at, pull * w, w, jnp.zeros(1))
    assert jnp.isfinite(log_determinant).all()
    along = np.asarray((z * w[None]).sum(axis=-1))[:, 0]
    assert (np.diff(along) > (0.0 if pull > -100 else -1e-3)).all()  # at −1000 only rounding is left near 0


def test_the_loss_is_the_mean_log_weight_and_its_parts(bits):
    model = make("planar", num_flows=2, num_samples=S)
    params = model.init(jax.random.key(0))[0]
    value, (metrics, _) = model.loss(params, (), jax.random.key(1), {"x": bits}, beta=jnp.float32(1.0))
    np.testing.assert_allclose(value, -model.log_weights(params, jax.random.key(1), bits, S).mean(), rtol=1e-5)
    value, _ = model.loss(params, (), jax.random.key(1), {"x": bits}, beta=jnp.float32(3.0))
    np.testing.assert_allclose(value, metrics["reconstruction"] + 3.0 * metrics["kl"], rtol=1e-5)


def test_weights_average_to_the_evidence_of_a_decoder_that_ignores_z(bits):
    """log (1/S) Σ p(x|z) p(z) / q(z|x) tends to log p(x) for any flow; here p(x|z) = p(x), so E[p(z) / q(z)] = 1."""
    model = make("planar", num_flows=2)
    params = model.init(jax.random.key(0))[0]
    last = params["decoder"]["Dense_1"]
    params["decoder"]["Dense_1"] = {"kernel": 0.0 * last["kernel"], "bias": jnp.arange(D) - 2.0}
    last = params["encoder"]["Dense_1"]
    kernel = last["kernel"].at[:, K : 2 * K].set(0.0)
    bias = last["bias"].at[K : 2 * K].set(0.5)  # q0 is wider than the prior, so weights are bounded
    params["encoder"]["Dense_1"] = {"kernel": kernel, "bias": bias}
    w = np.exp(np.asarray(model.log_weights(params, jax.random.key(2), bits, 40_000), np.float64))
    exact = np.exp(losses.bernoulli_log_likelihood(bits, jnp.tile(jnp.arange(D) - 2.0, (B, 1))))
    standard_error = w.std(axis=0) / np.sqrt(len(w))
    assert (standard_error < 0.05 * exact).all()
    assert (np.abs(w.mean(axis=0) - exact) / standard_error).max() < 4


def test_a_vamp_prior_needs_a_density_that_a_flow_lacks():
    with pytest.raises(UserError, match="model.prior=vamp .* model.posterior=planar lacks: use .*posterior=gaussian"):
        make("planar", prior="vamp")


def test_a_gradient_without_the_score_needs_a_density_that_a_flow_lacks():
    with pytest.raises(UserError, match="model.gradient=stl .* model.posterior=planar lacks"):
        make("planar", bound="iwae", gradient="stl")
