"""Information between code and input, against closed forms for Gaussians."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from aejax.metrics import information
from aejax.models.parts import losses
from aejax.types import Autoencoder, HParams, Task, TrainState

pytestmark = pytest.mark.slow


def test_the_aggregate_is_a_mixture():
    rng = np.random.default_rng(0)
    z, mean, logvar = (jnp.float32(rng.normal(size=(7, 3))) for _ in range(3))
    parts = [stats.norm.logpdf(z, m, np.exp(0.5 * v)).sum(axis=1) for m, v in zip(mean, logvar, strict=True)]
    expected = logsumexp(np.stack(parts), axis=0) - np.log(7)
    np.testing.assert_allclose(information.log_aggregate(z, mean, logvar), expected, rtol=1e-5)


def test_a_gaussian_channel_has_its_closed_form():
    """mean ~ N(0, 3) and σ² = 1: I = ½ log 4 per unit, and the aggregate is N(0, 4)."""
    mean = jnp.sqrt(3.0) * jax.random.normal(jax.random.key(0), (2000, 1))
    found = information.surgery(jax.random.key(1), mean, jnp.zeros_like(mean))
    np.testing.assert_allclose(found["mutual_information"], 0.5 * np.log(4), atol=0.05)
    np.testing.assert_allclose(found["aggregate_kl"], 0.5 * (4 - 1 - np.log(4)), atol=0.1)


def test_the_two_parts_add_up_to_the_kl():
    keys = jax.random.split(jax.random.key(2), 2)
    mean, logvar = jax.random.normal(keys[0], (2000, 4)), 0.3 * jax.random.normal(keys[1], (2000, 4)) - 2.0
    kl = losses.kl_standard_normal(mean, logvar).sum(axis=-1).mean()
    np.testing.assert_allclose(sum(information.surgery(jax.random.key(3), mean, logvar).values()), kl, rtol=0.03)


def test_a_code_that_knows_its_row_tells_log_n_and_a_collapsed_one_nothing():
    apart = 100.0 * jnp.arange(50.0)[:, None]
    told = information.surgery(jax.random.key(4), apart, jnp.zeros((50, 1)), None)
    np.testing.assert_allclose(told["mutual_information"], np.log(50), rtol=1e-3)
    assert set(told) == {"mutual_information"}  # without a prior there is no distance to it
    nothing = information.surgery(jax.random.key(5), jnp.zeros((50, 3)), jnp.zeros((50, 3)))
    np.testing.assert_allclose(list(nothing.values()), 0.0, atol=1e-5)


def test_the_aggregate_is_compared_with_the_models_own_prior():
    """The aggregate N(5, 1) equals the prior N(5, 1) and is 12.5 nats from N(0, 1)."""
    mean = 5.0 + 0.6 * jax.random.normal(jax.random.key(6), (2000, 1))
    logvar = jnp.full_like(mean, 2 * np.log(0.8))
    own = information.surgery(jax.random.key(7), mean, logvar, lambda z: losses.standard_normal_log_prob(z - 5.0))
    np.testing.assert_allclose(own["aggregate_kl"], 0.0, atol=0.02)
    other = information.surgery(jax.random.key(7), mean, logvar)
    np.testing.assert_allclose(other["aggregate_kl"], 12.5, atol=0.3)


@pytest.mark.parametrize("log_prior", [None, lambda params, z: losses.standard_normal_log_prob(z - params)])
def test_a_model_is_compared_with_its_own_prior_if_it_knows_one(log_prior):
    """The codes' aggregate N(5, 1) equals this model's prior and is 12.5 nats from N(0, 1)."""
    model = Autoencoder(
        init=lambda key: (jnp.float32(5.0), ()),
        loss=lambda params, stats, key, batch: (batch["x"].mean(), ({}, ())),
        encode=lambda params, x: x,
        posterior=lambda params, x: (x, jnp.full_like(x, 2 * np.log(0.8))),
        log_prior=log_prior,
    )
    task = Task(model, model.loss, lambda numbers, step: None, lambda key, batch: batch, False, 2000, 1, 1000)
    state, hp = TrainState(jnp.int32(0), jnp.int32(-1), jnp.float32(5.0), (), ()), HParams(jnp.uint32(0), {}, {})
    x = 5.0 + 0.6 * jax.random.normal(jax.random.key(8), (2000, 1))
    found = information.measure(task, state, hp, {"x": x})
    assert ("aggregate_kl" in found) == (log_prior is not None) and "unit_kl" not in found
    if log_prior:
        np.testing.assert_allclose(found["aggregate_kl"], 0.0, atol=0.02)
