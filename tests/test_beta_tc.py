"""The β-TC-VAE: its three terms against loops and Gaussians, their sum against the KL, its loss against the VAE's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from aejax import config as configs
from aejax import models
from aejax.data.types import Spec
from aejax.models.parts import losses
from aejax.models.vae.bounds import beta_tc
from aejax.models.vae.posteriors.gaussian import draw
from configs.base import get_config

pytestmark = pytest.mark.slow

D, K = 5, 3
decomposed = jax.jit(beta_tc.decomposed)
SPEC = Spec((D,), "table", "unit", 1.0, (), (), np.zeros(D, np.float32), None, None)


def make(bound):
    changes = {"model.bound": bound, "model.latent_dim": K, "model.hidden": (4,), "model.num_samples": 2}
    changes |= {"model.num_samples": 1, "model.num_bounds": 2} if bound == "iwae" else {}
    return models.make(configs.replaced(get_config(), changes).model, SPEC)


@pytest.fixture(scope="module")
def rows():
    return jnp.float32(np.random.default_rng(0).uniform(size=(6, D)))


def posterior(num, k, seed=0):
    """z, mean and logvar [num, k]; z is drawn from N(mean, exp(logvar))."""
    rng = np.random.default_rng(seed)
    mean, logvar = (jnp.float32(rng.normal(size=(num, k))) for _ in range(2))
    return draw(jax.random.key(seed), mean, logvar, 1)[0], mean, logvar


def test_the_terms_are_those_of_loops_over_the_batch():
    z, mean, logvar = (np.asarray(values, np.float64) for values in posterior(7, K))
    log_conditional, log_joint, log_product, log_prior = np.zeros((4, 7))
    for i in range(7):
        log_q = np.zeros((7, K))
        for j in range(7):
            for k in range(K):
                log_q[j, k] = stats.norm.logpdf(z[i, k], mean[j, k], np.exp(0.5 * logvar[j, k]))
        log_conditional[i] = log_q[i].sum()
        log_joint[i] = logsumexp(log_q.sum(axis=1)) - np.log(7)
        log_product[i] = sum(logsumexp(log_q[:, k]) - np.log(7) for k in range(K))
        log_prior[i] = stats.norm.logpdf(z[i]).sum()
    expected = [
        (log_conditional - log_joint).mean(),
        (log_joint - log_product).mean(),
        (log_product - log_prior).mean(),
    ]
    np.testing.assert_allclose(decomposed(*posterior(7, K)), expected, rtol=1e-4)


def test_the_terms_add_up_to_the_kl_by_monte_carlo():
    z, mean, logvar = posterior(50, 4, seed=1)
    kl = (losses.normal_log_prob(z, mean, logvar) - losses.standard_normal_log_prob(z)).mean()
    np.testing.assert_allclose(sum(decomposed(z, mean, logvar)), kl, rtol=1e-5)


def test_gaussian_codes_have_their_closed_forms():
    """mean ~ N(0, C) and σ² = s: q(z) = N(0, S) with S = C + s I, and TC is −½ log det of the correlations of S."""
    s, covariance = 0.5, np.array([[1.5, 1.2], [1.2, 1.5]])
    mean = jnp.float32(np.random.default_rng(2).multivariate_normal(np.zeros(2), covariance, 2000))
    logvar = jnp.full_like(mean, np.log(s))
    total = covariance + s * np.eye(2)
    log_det = np.log(np.linalg.det(total))
    mi, tc, dimension_kl = decomposed(draw(jax.random.key(2), mean, logvar, 1)[0], mean, logvar)
    np.testing.assert_allclose(mi, 0.5 * (log_det - 2 * np.log(s)), atol=0.05)
    np.testing.assert_allclose(tc, -0.5 * (log_det - 2 * np.log(total[0, 0])), atol=0.05)
    np.testing.assert_allclose(dimension_kl, total[0, 0] - 1.0 - np.log(total[0, 0]), atol=0.1)


@pytest.mark.parametrize("num", [8, 32])
def test_a_code_that_knows_its_row_tells_log_b_however_many_rows_there_are(num):
    """Each of three units identifies the row: I(x; z) is log B and the total correlation is 2 log B."""
    apart = 100.0 * jnp.arange(float(num))[:, None] * jnp.ones((1, 3))
    mi, tc, _ = decomposed(apart, apart, jnp.zeros_like(apart))
    np.testing.assert_allclose([mi, tc], np.log(num) * np.array([1, 2]), rtol=1e-4)


def test_with_beta_1_the_loss_is_a_vaes_whose_kl_is_by_monte_carlo(rows):
    """The reference is the iwae bound with one draw: its KL is the mean of log q(z|x) − log p(z), by the same draws."""
    params = jax.jit(make("elbo").init)(jax.random.key(0))[0]

    def both(name):
        def value(params):
            return make(name).loss(params, (), jax.random.key(1), {"x": rows}, beta=jnp.float32(1.0))[0]

        return jax.jit(jax.value_and_grad(value))(params)

    (ours, gradient), (expected, expected_gradient) = both("beta_tc"), both("iwae")
    np.testing.assert_allclose(ours, expected, rtol=1e-6)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), gradient, expected_gradient)


def test_beta_weighs_the_total_correlation_alone_and_the_elbo_is_the_vaes(rows):
    params = jax.jit(make("beta_tc").init)(jax.random.key(0))[0]

    def loss_of(name, **weights):
        weights = {name: jnp.float32(value) for name, value in weights.items()}
        loss = jax.jit(make(name).loss)
        return loss(params, (), jax.random.key(1), {"x": rows}, **weights)

    (one, (metrics, _)), (seven, (same, _)) = loss_of("beta_tc", beta=1.0), loss_of("beta_tc", beta=7.0)
    np.testing.assert_allclose(seven - one, 6.0 * metrics["total_correlation"], rtol=1e-4)
    assert metrics == same and metrics["total_correlation"] > 0.0
    expected = loss_of("elbo", beta=1.0, free_bits=0.0)[1][0]
    for name, value in expected.items():
        np.testing.assert_allclose(metrics[name], value, rtol=1e-6)
