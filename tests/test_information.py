"""What a code tells of its input, against closed forms of Gaussians."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats
from scipy.special import logsumexp

from aejax import information, losses


def test_the_aggregate_is_a_mixture():
    rng = np.random.default_rng(0)
    z, mean, logvar = (jnp.float32(rng.normal(size=(7, 3))) for _ in range(3))
    parts = [stats.norm(m, np.exp(0.5 * v)).logpdf(z).sum(axis=1) for m, v in zip(mean, logvar, strict=True)]
    expected = logsumexp(np.stack(parts), axis=0) - np.log(7)
    np.testing.assert_allclose(information.log_aggregate(z, mean, logvar), expected, rtol=1e-5)


def test_a_gaussian_channel_has_its_closed_form():
    """mean ~ N(0, 3) and σ² = 1: I = ½ log 4 per unit, and the aggregate is N(0, 4)."""
    mean = jnp.sqrt(3.0) * jax.random.normal(jax.random.key(0), (2000, 1))
    got, aggregate = information.surgery(jax.random.key(1), mean, jnp.zeros_like(mean))
    np.testing.assert_allclose(got, 0.5 * np.log(4), atol=0.05)
    np.testing.assert_allclose(aggregate, 0.5 * (4 - 1 - np.log(4)), atol=0.1)


def test_the_two_parts_add_up_to_the_kl():
    keys = jax.random.split(jax.random.key(2), 2)
    mean, logvar = jax.random.normal(keys[0], (2000, 4)), 0.3 * jax.random.normal(keys[1], (2000, 4)) - 2.0
    kl = losses.kl_standard_normal(mean, logvar).sum(axis=-1).mean()
    np.testing.assert_allclose(sum(information.surgery(jax.random.key(3), mean, logvar)), kl, rtol=0.03)


def test_a_code_that_knows_its_row_tells_log_n_and_a_collapsed_one_nothing():
    apart = 100.0 * jnp.arange(50.0)[:, None]
    told, _ = information.surgery(jax.random.key(4), apart, jnp.zeros((50, 1)))
    np.testing.assert_allclose(told, np.log(50), rtol=1e-3)
    nothing, kl = information.surgery(jax.random.key(5), jnp.zeros((50, 3)), jnp.zeros((50, 3)))
    np.testing.assert_allclose([nothing, kl], 0.0, atol=1e-5)
