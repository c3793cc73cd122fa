"""A posterior through inverse autoregressive flows: determinants by jax's own derivatives, and densities of draws."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aejax import config as configs
from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models.vae import part
from aejax.models.vae.posteriors import iaf
from configs.base import get_config

pytestmark = pytest.mark.slow

D, B, S = 5, 3, 4
SPEC = Spec((D,), "table", "unit", 1.0, (), (), np.zeros(D, np.float32), None, None)


def make(k, **keys) -> Any:
    """The posterior, and parameters that make flows far from the identity."""
    keys = {"latent_dim": k, "hidden": (7,), "num_flows": 2, "activation": "tanh"} | keys
    posterior = part("posteriors", "iaf")(
        configs.replaced(get_config(), {f"model.{key}": value for key, value in keys.items()}).model, SPEC
    )
    params = posterior.init(jax.random.key(0))
    flows = {name: jax.tree.map(lambda leaf: 2.0 * leaf - 1.0, params[name]) for name in params if name != "first"}
    return posterior, {"encoder": params | flows}


@pytest.fixture(scope="module")
def x():
    return jnp.float32(np.random.default_rng(0).uniform(size=(B, D)))


def network(seed, k, hidden):
    """A flow's function of rows [h, z], with masks."""
    rng, seen = np.random.default_rng(seed), iaf.masks(hidden, k)
    matrices = [jnp.float32(mask * rng.normal(size=mask.shape)) for mask in seen]

    def apply(rows):
        for matrix in matrices[:-1]:
            rows = jnp.tanh(rows @ matrix)
        return rows @ matrices[-1] + 0.5

    return apply


@pytest.mark.parametrize(("k", "hidden"), [(4, (9, 6)), (2, ()), (1, (3,))])
def test_the_determinant_is_that_of_the_jacobian_and_the_context_reaches_every_unit(k, hidden):
    flows = [network(seed, k, hidden) for seed in range(2)]
    rng = np.random.default_rng(5)
    z, context = jnp.float32(rng.normal(size=(S, B, k))), jnp.float32(rng.normal(size=(B, k)))
    _, ours = iaf.push(flows, z, context)

    def one(z, context):
        return iaf.push(flows, z[None, None], context[None])[0][0, 0]

    of_all = jax.vmap(jax.vmap(jax.jacfwd(one, (0, 1))), (0, None))
    jacobian, of_context = jax.jit(of_all)(z, context)
    sign, expected = np.linalg.slogdet(np.asarray(jacobian, np.float64))
    np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-4)
    assert np.abs(sign).all() and np.abs(expected).max() > 0.1
    assert (np.abs(of_context).max(axis=(0, 1, 3)) > 1e-3).all()


def test_one_flow_is_autoregressive_with_every_earlier_unit_seen():
    """Before the order is reversed, unit i depends on the units up to i, and on all of those."""
    z, context = jnp.ones((1, 1, 4)), jnp.ones((1, 4))
    jacobian = jax.jacfwd(lambda z: iaf.push([network(0, 4, (12,))], z, context)[0][0, 0, ::-1])(z)[:, 0, 0]
    np.testing.assert_array_equal(np.asarray(jacobian) != 0.0, np.tri(4, dtype=bool))


@pytest.mark.parametrize("k", [1, 2])
def test_draws_have_the_density_that_they_claim(k, x):
    """The mean of 1/q(z) over the draws that fall in a box is the volume of the box, as far as q is not small in it."""
    posterior, params = make(k)
    draws = jax.jit(lambda key: posterior.draw(params, key, x, 40_000))(jax.random.key(1))
    z, log_q = np.asarray(draws.z, np.float64), np.asarray(draws.log_q, np.float64)
    low, high = np.quantile(z, [0.25, 0.75], axis=0)
    inside = ((z > low) & (z < high)).all(axis=-1)
    w = np.where(inside, np.exp(-log_q), 0.0) / (high - low).prod(axis=-1)
    error = w.std(axis=0) / np.sqrt(len(w))
    assert (error < 0.03).all() and (np.abs(w.mean(axis=0) - 1.0) < 4 * error).all()


def test_the_code_is_the_mean_pushed_through_the_flows(x):
    """Draws with σ → 0 are the code."""
    posterior, params = make(3)
    head = params["encoder"]["first"]["Dense_1"]
    head["bias"] = head["bias"].at[3:6].set(-20.0)
    z = posterior.draw(params, jax.random.key(0), x, 2).z
    np.testing.assert_allclose(z[0], posterior.encode(params, x), rtol=1e-4, atol=1e-5)
    plain = make(3, num_flows=0)[0].encode(params, x)
    assert np.abs(plain - posterior.encode(params, x)).max() > 0.1


def test_gated_layers_are_refused():
    with pytest.raises(UserError, match="model.posterior=iaf does not support gated layers: use --config.model.gated"):
        make(2, gated=True)
