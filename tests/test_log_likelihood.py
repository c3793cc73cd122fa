"""log p(x) by importance sampling against densities that are known exactly."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from aejax import config as configs
from aejax import models
from aejax.data.types import Spec
from aejax.engine.streams import EVALUATION, stream
from aejax.metrics import log_likelihood
from aejax.models.parts import losses
from aejax.models.vae.posteriors.gaussian import draw
from aejax.types import Autoencoder, HParams, Task, TrainState
from configs.base import get_config

pytestmark = pytest.mark.slow

D, K = 5, 2
SPEC = Spec((D,), "table", "unit", 1.0, (), (), np.zeros(D, np.float32), None, None)


def make(name, spec=SPEC, **keys) -> Any:
    changes = {"model.name": name, "model.latent_dim": K, "model.hidden": ()}
    changes |= {f"model.{key}": value for key, value in keys.items()}
    return models.make(configs.replaced(get_config(), changes).model, spec)


@cache
def compiled(model, num_samples, size):
    return jax.jit(lambda params, key, x: log_likelihood.weigh(model, params, key, x, num_samples, size))


def weigh(model, params, x, num_samples, size, seed=0):
    sums, curve = compiled(model, num_samples, size)(params, jax.random.key(seed), jnp.asarray(x))
    log_p, ess = log_likelihood.log_mean(sums, num_samples), log_likelihood.effective_sample_size(sums)
    return np.asarray(log_p), np.asarray(ess), np.asarray(curve)


def task(model, batch_size):
    return Task(model, model.loss, lambda numbers, step: None, lambda key, batch: batch, False, 0, 1, batch_size)


def evaluate(model, params, x, num_samples, batch_size):
    hp = HParams(jnp.uint32(0), {}, {})
    state = TrainState(jnp.int32(0), jnp.int32(-1), params, (), ())
    return log_likelihood.measure(task(model, batch_size), state, hp, {"x": jnp.asarray(x)}, num_samples)


@pytest.fixture(scope="module")
def linear_vae():
    """A linear Gaussian VAE whose q is not the true posterior, rows, and log p(x) = log N(b, WWᵀ + σ²)."""
    model = make("vae", likelihood="gaussian", variance=0.3)
    params = model.init(jax.random.key(0))[0]
    rng = np.random.default_rng(0)
    w, b = rng.normal(size=(K, D)), rng.normal(size=D)
    params["decoder"]["Dense_0"] = {"kernel": jnp.float32(w), "bias": jnp.float32(b)}
    params["encoder"]["Dense_0"]["kernel"] *= jnp.array([[0.3, 0.3, 0.0, 0.0]])  # σ = 1: wider than the true posterior
    x = np.float32(rng.normal(size=(7, K)) @ w + b + 0.5 * rng.normal(size=(7, D)))
    covariance: Any = w.T @ w + 0.3 * np.eye(D)
    return model, params, x, stats.multivariate_normal(b, covariance).logpdf(x)


def test_a_linear_vae_gets_its_exact_density_within_its_standard_error(linear_vae):
    model, params, x, exact = linear_vae
    log_p, ess, _ = weigh(model, params, x, 40_000, 100)
    errors = np.sqrt(1 / ess - 1 / 40_000)
    assert errors.max() < 0.1  # else the next line would pass for any estimate
    assert (np.abs(log_p - exact) / errors).max() < 4


def test_the_standard_error_is_the_spread_over_seeds(linear_vae):
    model, params, x, _ = linear_vae
    draws = [weigh(model, params, x[:3], 2000, 100, seed) for seed in range(60)]
    spread = np.std([log_p for log_p, _, _ in draws], axis=0, ddof=1)
    claimed = np.mean([np.sqrt(1 / ess - 1 / 2000) for _, ess, _ in draws], axis=0)
    np.testing.assert_allclose(claimed, spread, rtol=0.35)


def test_with_the_true_posterior_one_sample_is_exact():
    """Probabilistic PCA as a VAE with its exact posterior as the proposal: the estimate equals scipy's density."""
    rng = np.random.default_rng(1)
    x = np.float32(rng.normal(size=(50, D)) @ rng.normal(size=(D, D)))
    fitted = make("ppca")
    params = fitted.fit(jnp.asarray(x))
    variance = jnp.exp(params["logvar"])

    def log_weights(params, key, x, num_samples):
        mean, logvar = fitted.posterior(params, x)
        z = draw(key, mean, logvar, num_samples)
        x_hat = jax.vmap(lambda z: fitted.decode(params, z))(z)
        log_likelihood = losses.normal_log_prob(x_hat, x[None], jnp.broadcast_to(params["logvar"], (1, 1, D)))
        return log_likelihood + fitted.log_prior(params, z) - losses.normal_log_prob(z, mean[None], logvar[None])

    log_p, ess, _ = weigh(fitted._replace(log_weights=log_weights), params, x, 10, 5)
    covariance: Any = np.asarray(params["factors"] @ params["factors"].T + variance * jnp.eye(D), np.float64)
    exact = stats.multivariate_normal(np.asarray(params["mean"], np.float64), covariance).logpdf(x)
    np.testing.assert_allclose(log_p, exact, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(ess, 10, rtol=1e-4)


def test_a_discrete_code_is_enumerated():
    """z has eight values and x five bits: log p(x) is a sum over the eight, whatever proposal draws z."""
    rng = np.random.default_rng(2)
    log_prior = np.log(rng.dirichlet(np.ones(8))).astype(np.float32)
    logits = rng.normal(size=(8, D)).astype(np.float32)
    x = rng.integers(0, 2, (6, D)).astype(np.float32)
    joint = -(np.logaddexp(0, logits)[:, None] - x * logits[:, None]).sum(axis=-1) + log_prior[:, None]

    def log_weights(params, key, x, num_samples):
        z = jax.random.randint(key, (num_samples, len(x)), 0, 8)
        return jnp.asarray(joint)[z, jnp.arange(len(x))[None]] + jnp.log(8.0)

    model = Autoencoder(init=None, loss=None, encode=None, log_weights=log_weights)  # pyright: ignore
    log_p, ess, _ = weigh(model, {}, x, 20_000, 200)
    assert (np.abs(log_p - logsumexp(joint, axis=0)) * np.sqrt(ess)).max() < 4


@pytest.mark.parametrize("sd", [1.0, 30.0])
def test_streaming_is_log_sum_exp_however_large_the_weights(sd):
    log_w = jnp.float32(np.random.default_rng(3).normal(size=(12, 4)) * sd - 500)
    zeros = jnp.zeros(4)
    sums = log_likelihood.Weights(zeros - jnp.inf, zeros, zeros)
    for part in (log_w[:1], log_w[1:7], log_w[7:]):
        sums = log_likelihood.add(sums, part)
    np.testing.assert_allclose(log_likelihood.log_mean(sums, 12), logsumexp(log_w, axis=0) - np.log(12), rtol=1e-6)
    expected = np.exp(2 * np.asarray(logsumexp(log_w, axis=0)) - logsumexp(2 * np.asarray(log_w), axis=0))
    np.testing.assert_allclose(log_likelihood.effective_sample_size(sums), expected, rtol=1e-4)


def test_a_weight_of_zero_is_no_end():
    zeros = jnp.zeros(2)
    sums = log_likelihood.Weights(zeros - jnp.inf, zeros, zeros)
    for part in ([[-jnp.inf, 0.0]], [[2.0, -jnp.inf]]):
        sums = log_likelihood.add(sums, jnp.array(part))
    np.testing.assert_allclose(log_likelihood.log_mean(sums, 2), [2 - np.log(2), -np.log(2)], rtol=1e-6)


def test_the_curve_notes_the_estimate_of_the_first_samples(linear_vae):
    model, params, x, _ = linear_vae
    assert log_likelihood.curve_samples(60, 5) == [5, 15, 35, 60]
    _, _, curve = weigh(model, params, x, 60, 5)
    for row, num_samples in zip(curve, (5, 15, 35, 60), strict=True):
        np.testing.assert_allclose(row, weigh(model, params, x, num_samples, 5)[0], rtol=1e-5)


def test_the_size_of_a_chunk_divides_the_samples_and_fits():
    assert [log_likelihood.chunk_size(5000, rows) for rows in (1000, 300, 3000)] == [2, 5, 1]
    assert log_likelihood.chunk_size(7, 100) == 7


def test_a_short_last_batch_counts_by_its_rows(linear_vae):
    model, params, x, exact = linear_vae
    x = jnp.asarray(x)
    metrics = evaluate(model, params, x, 4000, batch_size=3)
    np.testing.assert_allclose(metrics["nll"], -exact.mean(), atol=5 * float(metrics["nll_stderr"]))
    keys = [jax.random.split(jax.random.fold_in(stream(jnp.uint32(0), EVALUATION), i))[1] for i in range(3)]
    parts = [log_likelihood.weigh(model, params, k, x[3 * i : 3 * i + 3], 4000, 500)[0] for i, k in enumerate(keys)]
    expected = np.concatenate([log_likelihood.log_mean(sums, 4000) for sums in parts])
    np.testing.assert_allclose(metrics["nll"], -expected.mean(), rtol=1e-5)
    np.testing.assert_allclose(metrics["curve"][-1], metrics["nll"])
    ess = np.concatenate([log_likelihood.effective_sample_size(sums) for sums in parts])
    np.testing.assert_allclose(metrics["nll_stderr"], np.sqrt((1 / ess - 1 / 4000).sum()) / len(x), rtol=1e-4)
    np.testing.assert_allclose(metrics["ess"], ess.mean(), rtol=1e-5)
