"""Models whose optimum is known: against scipy, scikit-learn and closed forms."""

from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats
from sklearn.decomposition import PCA

from aejax import config as configs
from aejax import models
from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models.parts import losses
from configs.base import get_config

pytestmark = pytest.mark.slow

D, K = 6, 2


def make(name, mean=None, **keys) -> Any:
    """A model of rows with six features."""
    mean = np.zeros(D, np.float32) if mean is None else mean
    spec = Spec((D,), "table", "real", 1.0, (), (), mean, None, None)
    changes = {"model.name": name, "model.latent_dim": K} | {f"model.{key}": value for key, value in keys.items()}
    return models.make(configs.replaced(get_config(), changes).model, spec)


@pytest.fixture(scope="module")
def x():
    """Rows [300, 6] of unequal variances, correlated and not centered."""
    rng = np.random.default_rng(0)
    return (rng.normal(size=(300, D)) * (2.0, 1.5, 1.0, 0.5, 0.4, 0.3)) @ np.linalg.qr(rng.normal(size=(D, D)))[0] + 3.0


# Probabilistic PCA


@pytest.fixture(scope="module")
def params():
    """Factors that are not orthogonal, unlike those of a fit."""
    rng = np.random.default_rng(1)
    return {"mean": rng.normal(size=D), "factors": rng.normal(size=(D, K)), "logvar": np.array(-0.7)}


@cache
def compiled_log_p(model):
    def one(params, row):
        return -model.loss(params, (), jax.random.key(0), {"x": row[None]})[0]

    return jax.jit(jax.vmap(one, in_axes=(None, 0)))


def log_p(model, params, x):
    """log p(x) of each row, from the loss of one row at a time."""
    return compiled_log_p(model)(jax.tree.map(jnp.float32, params), jnp.float32(x))


def test_ppca_has_the_likelihood_of_its_gaussian(params, x):
    covariance = params["factors"] @ params["factors"].T + np.exp(params["logvar"]) * np.eye(D)
    expected = stats.multivariate_normal(params["mean"], covariance).logpdf(x)
    np.testing.assert_allclose(log_p(make("ppca"), params, x), expected, rtol=1e-5, atol=1e-4)


def test_ppca_encodes_to_the_mean_of_the_posterior(params, x):
    model, w, variance = make("ppca"), params["factors"], np.exp(params["logvar"])
    m = w.T @ w + variance * np.eye(K)
    mean, logvar = model.posterior(jax.tree.map(jnp.float32, params), jnp.float32(x))
    np.testing.assert_allclose(mean, (x - params["mean"]) @ w @ np.linalg.inv(m), rtol=1e-4, atol=1e-5)
    expected = np.log(variance * np.diag(np.linalg.inv(m)))
    np.testing.assert_allclose(logvar, np.broadcast_to(expected, (len(x), K)), rtol=1e-5)
    np.testing.assert_array_equal(mean, model.encode(jax.tree.map(jnp.float32, params), jnp.float32(x)))


def test_a_fit_is_that_of_scikit_learn(x):
    """Ours divides the covariance by N, scikit-learn by N − 1: it is fitted to rows shrunk to undo that."""
    fitted = make("ppca").fit(jnp.float32(x))
    shrunk = x.mean(axis=0) + (x - x.mean(axis=0)) * np.sqrt((len(x) - 1) / len(x))
    oracle = PCA(K).fit(shrunk)
    np.testing.assert_allclose(log_p(make("ppca"), fitted, x), oracle.score_samples(x), rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(np.exp(fitted["logvar"]), oracle.noise_variance_, rtol=1e-5)


def test_no_other_parameters_are_more_likely_than_a_fit(x):
    model = make("ppca")
    fitted = model.fit(jnp.float32(x))
    best = log_p(model, fitted, x).mean()
    for seed in range(5):
        keys = dict(zip(fitted, jax.random.split(jax.random.key(seed), 3), strict=True))
        moved = {name: leaf + 0.05 * jax.random.normal(keys[name], leaf.shape) for name, leaf in fitted.items()}
        assert log_p(model, moved, x).mean() < best


def test_a_ppca_draws_what_it_was_fitted_to(x):
    model = make("ppca")
    fitted = model.fit(jnp.float32(x))
    means = np.asarray(model.decode(fitted, model.sample_prior(fitted, jax.random.key(0), 50_000)))
    values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
    kept = (vectors[:, -K:] * (values[-K:] - values[:-K].mean())) @ vectors[:, -K:].T
    np.testing.assert_allclose(np.cov(means.T), kept, atol=0.1)


def test_rows_without_noise_get_a_finite_likelihood():
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(50, K)) @ rng.normal(size=(K, D))
    for rows in (flat, flat[:1], np.repeat(flat[:1], 5, axis=0)):
        fitted = make("ppca").fit(jnp.float32(rows))
        assert all(np.isfinite(leaf).all() for leaf in fitted.values())
        assert np.isfinite(log_p(make("ppca"), fitted, rows)).all()


def test_a_density_in_small_units_is_that_of_the_rows_in_large_ones(x):
    model, unit = make("ppca"), 1e-12
    small = log_p(model, model.fit(jnp.float32(unit * x)), unit * x)
    np.testing.assert_allclose(small + D * np.log(unit), log_p(model, model.fit(jnp.float32(x)), x), rtol=1e-3)


def test_a_ppca_without_noise_is_refused():
    with pytest.raises(
        UserError, match="model.latent_dim=6 must be less than the number of features, 6: use at most 5, or"
    ):
        make("ppca", latent_dim=6)


# The regularized linear autoencoder


def regularized(x, penalty):
    """The loss as a function of (W1, W2) on centered rows, in float64, per example (Kunin et al. 2019)."""
    centered = x - x.mean(axis=0)

    def loss(encoder, decoder):
        residual = centered - centered @ encoder @ decoder
        return np.square(residual).sum(axis=1).mean() + penalty * (np.square(encoder).sum() + np.square(decoder).sum())

    return loss


def test_the_linear_autoencoder_has_the_loss_of_the_paper(x):
    model = make("linear_autoencoder", np.float32(x.mean(axis=0)))
    params, _ = model.init(jax.random.key(0))
    (loss, (metrics, _)), gradient = jax.jit(jax.value_and_grad(model.loss, has_aux=True))(
        params, (), jax.random.key(1), {"x": jnp.float32(x)}, weight_penalty=jnp.float32(0.3)
    )
    encoder, decoder = (np.asarray(params[name], np.float64) for name in ("encoder", "decoder"))
    expected = regularized(x, 0.3)
    np.testing.assert_allclose(loss, expected(encoder, decoder), rtol=1e-5)
    np.testing.assert_allclose(metrics["reconstruction"], regularized(x, 0.0)(encoder, decoder), rtol=1e-5)
    for place in ((0, 0), (4, 1)):
        step = np.zeros_like(encoder)
        step[place] = 1e-5
        slope = (expected(encoder + step, decoder) - expected(encoder - step, decoder)) / 2e-5
        np.testing.assert_allclose(gradient["encoder"][place], slope, rtol=1e-3, atol=1e-3)
        slope = (expected(encoder, decoder + step.T) - expected(encoder, decoder - step.T)) / 2e-5
        np.testing.assert_allclose(gradient["decoder"].T[place], slope, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("penalty", "kept"), [(0.5, 2), (3.0, 1), (50.0, 0)])
def test_the_closed_form_is_the_optimum_of_the_loss(x, penalty, kept):
    """At W1 = W2ᵀ with sᵢ² = 1 − λ/σᵢ² along the eigenvectors, the gradient is 0 and the loss is smallest nearby."""
    values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
    values, vectors = values[::-1][:K], vectors[:, ::-1][:, :K]
    shrunk = np.maximum(0.0, 1.0 - penalty / values)
    assert (shrunk > 0).sum() == kept
    weights = vectors * np.sqrt(shrunk)
    model = make("linear_autoencoder", np.float32(x.mean(axis=0)))
    params = {"encoder": jnp.float32(weights), "decoder": jnp.float32(weights.T)}

    @jax.jit
    def loss(params):
        return model.loss(params, (), jax.random.key(0), {"x": jnp.float32(x)}, weight_penalty=jnp.float32(penalty))[0]

    assert max(abs(leaf).max() for leaf in jax.tree.leaves(jax.grad(loss)(params))) < 1e-4
    for key in jax.random.split(jax.random.key(1), 5):
        keys = dict(zip(params, jax.random.split(key), strict=True))
        moved = {name: leaf + 0.1 * jax.random.normal(keys[name], leaf.shape) for name, leaf in params.items()}
        assert loss(moved) > loss(params)


# Divergences


@pytest.mark.parametrize("setting", [(0.0, 1.0, 0.0, 1.0), (1.5, 0.4, -0.5, 1.0), (-1.0, 2.0, 0.3, 0.7)])
def test_the_general_kl_equals_quadrature(setting):
    mean0, sigma0, mean1, sigma1 = setting
    p, q = partial(stats.norm.logpdf, loc=mean0, scale=sigma0), partial(stats.norm.logpdf, loc=mean1, scale=sigma1)
    expected, _ = integrate.quad(lambda z: np.exp(p(z)) * (p(z) - q(z)), mean0 - 12 * sigma0, mean0 + 12 * sigma0)
    logvar0, logvar1 = (jnp.float32(2 * np.log(sigma)) for sigma in (sigma0, sigma1))
    kl = losses.kl_normal(jnp.float32(mean0), logvar0, jnp.float32(mean1), logvar1)
    np.testing.assert_allclose(kl, expected, rtol=1e-5, atol=1e-6)


def test_the_kl_against_the_prior_is_a_case_of_the_general_one():
    mean, logvar = (jnp.float32(v) for v in np.random.default_rng(0).normal(size=(2, 5, 3)))
    zero = jnp.zeros_like(mean)
    expected = losses.kl_normal(mean, logvar, zero, zero)
    np.testing.assert_allclose(losses.kl_standard_normal(mean, logvar), expected, rtol=1e-6, atol=1e-6)


def test_the_discrete_kl_equals_scipy():
    p, q = np.random.default_rng(0).dirichlet(np.ones(5), (2, 7)).astype(np.float32)
    p[0] = 0, 0.5, 0.5, 0, 0  # 0 log 0 = 0
    np.testing.assert_allclose(
        losses.kl_discrete(jnp.asarray(p), jnp.asarray(q)), stats.entropy(p, q, axis=1), rtol=1e-4
    )
    assert losses.kl_discrete(jnp.array([0.5, 0.5]), jnp.array([1.0, 0.0])) == np.inf
