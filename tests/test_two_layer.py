"""Two stochastic layers against the exact Gaussian marginal of linear ones, and against scipy: VAE and IWAE."""

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
from aejax.metrics import log_likelihood
from aejax.models import vae
from configs.base import get_config

pytestmark = pytest.mark.slow

D, K1, K2 = 5, 3, 2
SPEC = Spec((D,), "table", "real", 1.0, (), (), np.zeros(D, np.float32), None, None)


def settings(**keys):
    changes = {
        "posterior": "two_layer",
        "prior": "two_layer",
        "latent_dim": K1,
        "second_latent_dim": K2,
        "likelihood": "gaussian",
    }
    changes |= {"hidden": (), "second_hidden": (), "variance": 0.3, **keys}
    return configs.replaced(get_config(), {f"model.{key}": v for key, v in changes.items()}).model


def make(**keys) -> Any:
    return models.make(settings(**keys), SPEC)


@pytest.fixture(scope="module")
def linear():
    """Linear layers: a model, its parameters, the moments of z1, rows, and their exact log p(x)."""
    model, rng = make(), np.random.default_rng(0)
    params = model.init(jax.random.key(0))[0]
    w1, b1, w2, b2 = (0.7 * rng.normal(size=shape) for shape in ((K1, D), (D,), (K2, K1), (K1,)))
    log_sigma = np.array([-0.5, 0.0, -0.2])
    params["decoder"]["Dense_0"] = {"kernel": jnp.float32(w1), "bias": jnp.float32(b1)}
    down = np.concatenate([w2, np.zeros((K2, K1))], axis=1), np.concatenate([b2, log_sigma])
    params["prior"]["Dense_0"] = dict(zip(("kernel", "bias"), map(jnp.float32, down), strict=True))
    covariance = w2.T @ w2 + np.diag(np.exp(2 * log_sigma))
    of_x: Any = w1.T @ covariance @ w1 + 0.3 * np.eye(D)
    # The proposals have the exact posterior means, but are wider and uncorrelated, so that the weights vary a little.
    for name, matrix, from_, to in (
        ("first", np.linalg.solve(of_x, w1.T @ covariance), b2 @ w1 + b1, b2),
        ("second", np.linalg.solve(covariance, w2.T), b2, np.zeros(K2)),
    ):
        up = np.concatenate([matrix, 0 * matrix], axis=1), np.concatenate([to - from_ @ matrix, 0 * to - 0.1])
        params["encoder"][name]["Dense_0"] = dict(zip(("kernel", "bias"), map(jnp.float32, up), strict=True))
    marginal = stats.multivariate_normal(b2 @ w1 + b1, of_x)
    x = np.float32(marginal.rvs(6, random_state=1))
    return model, params, (b2, covariance), x, marginal.logpdf(x)


def test_linear_layers_get_their_exact_density_within_its_standard_error(linear):
    model, params, _, x, exact = linear
    num_samples = 100_000
    sums, _ = log_likelihood.weigh(model, params, jax.random.key(0), jnp.asarray(x), num_samples, 1000)
    errors = np.sqrt(1 / np.asarray(log_likelihood.effective_sample_size(sums)) - 1 / num_samples)
    assert errors.max() < 0.05  # else the next line would pass for any estimate
    assert (np.abs(log_likelihood.log_mean(sums, num_samples) - exact) / errors).max() < 4


def test_draws_of_the_prior_have_the_marginal_moments_of_z1(linear):
    model, params, (mean, covariance), _, _ = linear
    z1 = np.asarray(model.sample_prior(params, jax.random.key(1), 200_000))
    assert z1.shape == (200_000, K1)
    assert (np.abs(z1.mean(axis=0) - mean) < 4.5 * np.sqrt(np.diag(covariance) / len(z1))).all()
    np.testing.assert_allclose(np.cov(z1, rowvar=False), covariance, atol=0.02)


def test_the_elbo_is_the_mean_log_weight_and_beta_weighs_the_kl():
    """The loss uses the closed-form KL of z2, the weights estimate it from draws: the means agree."""
    model = make(num_samples=20_000, variance=2.0, hidden=(4,), second_hidden=(4,), activation="tanh")
    params, x = model.init(jax.random.key(2))[0], jnp.float32(np.random.default_rng(3).normal(size=(4, D)))
    params["encoder"]["second"]["Dense_1"]["bias"] += jnp.array([1.0, 1.0, 0.0, 0.0])  # a KL that would be missed
    loss, (metrics, _) = model.loss(params, (), jax.random.key(4), {"x": x}, beta=jnp.float32(3.0))
    weights = np.asarray(model.log_weights(params, jax.random.key(5), x, 20_000))
    error = np.sqrt(2 * (weights.var(axis=0) / 20_000).mean() / 4)  # of the difference of the two means over 4 rows
    assert abs(metrics["elbo"] - weights.mean()) < 4.5 * error
    np.testing.assert_allclose(loss, metrics["reconstruction"] + 3.0 * metrics["kl"], rtol=1e-6)
    assert 5 * error < metrics["kl_second"] < metrics["kl"]  # else a loss without it would pass


def test_the_closed_form_is_the_kl_of_linear_layers(linear):
    """KL[q(z1, z2|x) ‖ p(z1, z2)] of jointly Gaussian z1, z2, from the joint moments."""
    _, params, _, x, _ = linear
    model = make(num_samples=50_000)
    layers = params["encoder"]["second"]["Dense_0"], params["prior"]["Dense_0"]
    (up, down), (up_bias, bias) = zip(
        *((np.asarray(a["kernel"], float), np.asarray(a["bias"], float)) for a in layers), strict=True
    )
    mean, logvar = (np.asarray(a, np.float64) for a in model.posterior(params, jnp.asarray(x)))
    v, first = up[:, :K2], np.diag(np.exp(logvar[0]))
    q = np.block([[first, first @ v], [v.T @ first, v.T @ first @ v + np.diag(np.exp(2 * up_bias[K2:]))]])
    w2, noise = down[:, :K1], np.diag(np.exp(2 * bias[K1:]))
    p = np.block([[w2.T @ w2 + noise, w2.T], [w2, np.eye(K2)]])
    gap = np.concatenate([mean - bias[:K1], mean @ v + up_bias[:K2]], axis=1)
    inverse = np.linalg.inv(p)
    quadratic = np.einsum("bi,ij,bj->b", gap, inverse, gap)
    exact = 0.5 * (np.trace(inverse @ q) + quadratic - K1 - K2 + np.linalg.slogdet(p)[1] - np.linalg.slogdet(q)[1])
    metrics = model.loss(params, (), jax.random.key(6), {"x": jnp.asarray(x)}, beta=jnp.float32(1.0))[1][0]
    np.testing.assert_allclose(metrics["kl"], exact.mean(), rtol=0.01)


def test_the_importance_weighted_bound_of_many_draws_is_the_exact_density(linear):
    """With one draw, the bound is the ELBO, which is far below."""
    _, params, _, x, exact = linear
    batch = {"x": jnp.asarray(x)}
    many, one = make(bound="iwae", num_samples=20_000), make(bound="iwae", num_bounds=20_000)
    loss, (metrics, _) = many.loss(params, (), jax.random.key(7), batch, beta=jnp.float32(1.0))
    np.testing.assert_allclose([-loss, metrics["bound"]], exact.mean(), atol=0.02)
    loss, (metrics, _) = one.loss(params, (), jax.random.key(8), batch, beta=jnp.float32(1.0))
    np.testing.assert_allclose(-loss, metrics["elbo"], atol=0.02)
    assert metrics["elbo"] < exact.mean() - 0.2


def test_beta_weighs_the_log_ratio_of_every_weight():
    keys = {"num_samples": 3, "num_bounds": 2, "hidden": (4,), "second_hidden": (4,)}
    config, model = settings(bound="iwae", **keys), make(bound="iwae", **keys)
    params, x = model.init(jax.random.key(2))[0], jnp.float32(np.random.default_rng(3).normal(size=(4, D)))
    z = vae.part("posteriors", "two_layer")(config, SPEC).draw(params, jax.random.key(4), x, 6).z
    x_hat = model.decode(params, z[..., :K1].reshape(-1, K1)).reshape(6, 4, D)
    log_likelihood = stats.norm.logpdf(x, np.float64(x_hat), np.sqrt(0.3)).sum(axis=-1)
    log_ratio = log_likelihood - np.float64(model.log_weights(params, jax.random.key(4), x, 6))

    def expected(beta):
        log_w = log_likelihood - beta * log_ratio
        return (logsumexp(log_w.reshape(2, 3, -1), axis=1) - np.log(3)).mean()

    loss, (metrics, _) = model.loss(params, (), jax.random.key(4), {"x": x}, beta=jnp.float32(2.5))
    np.testing.assert_allclose([-loss, metrics["bound"]], [expected(2.5), expected(1.0)], rtol=1e-5)
    assert abs(expected(2.5) - expected(1.0)) > 0.1
