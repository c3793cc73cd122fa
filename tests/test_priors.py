"""Learned priors against scipy and the VAE with an N(0, I) prior, and gated layers against numpy."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logsumexp

from aejax import config as configs
from aejax import models
from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models.parts import networks
from aejax.models.vae.priors import vamp
from configs.base import get_config

pytestmark = pytest.mark.slow

D, K, C = 5, 2, 3
MEAN = np.array([0.0, 0.25, 0.5, 0.75, 1.0], np.float32)
SPEC = Spec((D,), "table", "binary", 1.0, (), (), MEAN, None, None)
NAMES = "Dense", "Gate"  # A x + a and B x + b
X = jnp.float32(np.random.default_rng(0).integers(0, 2, (6, D)))


def settings(**keys):
    changes = {"latent_dim": K, "hidden": (4,), "num_components": C, **keys}
    return configs.replaced(get_config(), {f"model.{key}": value for key, value in changes.items()}).model


def make(spec=SPEC, **keys):
    model: Any = models.make(settings(**keys), spec)
    return model, model.init(jax.random.key(0))[0]


@pytest.fixture(scope="module")
def mixture():
    """A mixture of three Gaussians, its weights, means and standard deviations."""
    rng = np.random.default_rng(1)
    pi, mean, sigma = rng.dirichlet(np.ones(C)), 2.0 * rng.normal(size=(C, K)), np.exp(0.5 * rng.normal(size=(C, K)))
    learned = {
        "logits": jnp.float32(np.log(pi) + 7.0),
        "mean": jnp.float32(mean),
        "logvar": jnp.float32(2 * np.log(sigma)),
    }
    return learned, pi, mean, sigma


def prior_log_prob(model, params, num_samples=4, **keys):
    """log p(z) of the draws z in log_weights, from the difference to the same model with prior N(0, I); and z."""
    mean, logvar = model.posterior(params, X)
    z = mean[None] + jnp.exp(0.5 * logvar)[None] * jax.random.normal(jax.random.key(3), (num_samples, *mean.shape))
    normal = make(prior="standard_normal", **keys)[0]
    ours, theirs = (np.asarray(m.log_weights(params, jax.random.key(3), X, num_samples)) for m in (model, normal))
    return ours - theirs + stats.norm.logpdf(np.asarray(z)).sum(axis=-1), np.asarray(z)


def mixture_log_prob(z, pi, mean, sigma):
    return np.asarray(logsumexp(stats.norm.logpdf(z[..., None, :], mean, sigma).sum(axis=-1), b=pi, axis=-1))


def test_the_prior_has_the_density_of_its_own_draws(mixture):
    learned, pi, mean, sigma = mixture
    model, params = make(prior="mixture")
    params["prior"] = learned
    z = model.sample_prior(params, jax.random.key(9), 7)
    found = model.log_prior(params, z)
    np.testing.assert_allclose(found, mixture_log_prob(np.asarray(z), pi, mean, sigma), rtol=1e-4, atol=1e-5)


def test_a_mixtures_weights_have_the_density_that_scipy_gives_it(mixture):
    learned, *moments = mixture
    model, params = make(prior="mixture")
    ours, z = prior_log_prob(model, params | {"prior": learned})
    np.testing.assert_allclose(ours, mixture_log_prob(z, *moments), rtol=1e-4, atol=1e-4)


def test_one_standard_component_is_the_standard_normal():
    model, params = make(prior="mixture", num_components=1)
    params["prior"]["mean"] = jnp.zeros((1, K))
    plain: Any = models.make(settings(prior="standard_normal"), SPEC)
    ours, expected = (m.log_weights(params, jax.random.key(3), X, 7) for m in (model, plain))
    np.testing.assert_allclose(ours, expected, rtol=1e-6)
    metrics = model.loss(params, (), jax.random.key(3), {"x": X}, beta=jnp.float32(1.0))[1][0]
    np.testing.assert_allclose(metrics["elbo"], plain.log_weights(params, jax.random.key(3), X, 1).mean(), rtol=1e-5)


@pytest.mark.parametrize("num", [1, C])
@pytest.mark.parametrize("support", ["binary", "real"])
def test_a_vamp_prior_is_the_mean_of_the_posteriors_at_its_pseudo_inputs(support, num):
    keys = {"spec": SPEC._replace(support=support), "num_components": num, "likelihood": "gaussian"}
    model, params = make(prior="vamp", **keys)
    u = params["prior"]["pseudo_inputs"]
    mean, logvar = map(np.asarray, model.posterior(params, u if support == "real" else jax.nn.sigmoid(u)))
    ours, z = prior_log_prob(model, params, **keys)
    expected = mixture_log_prob(z, np.ones(num) / num, mean, np.exp(0.5 * logvar))
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("support", "scale"), [("binary", 1.0), ("counts", 1.0), ("counts", 1000.0), ("real", 1.0)])
def test_pseudo_inputs_start_around_the_training_mean_and_differ(support, scale):
    spec = SPEC._replace(support=support, mean=SPEC.mean * np.float32(scale))
    u = make(spec, prior="vamp", num_components=2000, likelihood="gaussian")[1]["prior"]["pseudo_inputs"]
    assert u.shape == (2000, D)
    expected = np.clip(MEAN, 0.01, 0.99) if support == "binary" else MEAN * scale
    assert support == "real" or (vamp.bounded(u, spec) >= 0.0).all()  # as the data are
    np.testing.assert_allclose(vamp.bounded(jnp.median(u, axis=0)[None], spec)[0], expected, atol=0.1)
    np.testing.assert_allclose(u.std(axis=0), 1.0, atol=0.1)


def moments_of(pi, mean, sigma):
    first = pi @ mean
    return first, pi @ (np.square(sigma) + np.square(mean)) - np.square(first)


@pytest.mark.parametrize("prior", ["standard_normal", "mixture", "vamp"])
def test_draws_have_the_moments_of_the_prior(prior, mixture):
    learned, *moments = mixture
    model, params = make(prior=prior)
    if prior == "mixture":
        params["prior"] = learned
    elif prior == "vamp":
        params["prior"]["pseudo_inputs"] *= 10.0  # else the components hardly differ
        mean, logvar = model.posterior(params, jax.nn.sigmoid(params["prior"]["pseudo_inputs"]))
        moments = np.ones(C) / C, np.asarray(mean), np.exp(0.5 * np.asarray(logvar))
        assert moments[1].std(axis=0).max() > 0.1
    else:
        moments = np.ones(1), np.zeros((1, K)), np.ones((1, K))
    z = np.asarray(model.sample_prior(params, jax.random.key(5), 100_000), np.float64)
    mean, variance = moments_of(*moments)
    assert (np.abs(z.mean(axis=0) - mean) < 4.5 * np.sqrt(variance / len(z))).all()
    np.testing.assert_allclose(z.var(axis=0), variance, rtol=0.03)


def test_the_kl_is_that_of_one_gaussian_in_the_mean():
    """With one component N(m, v), the mean over many draws agrees with the KL's closed form; beta weights the KL."""
    model, params = make(prior="mixture", num_components=1, num_samples=20_000)
    params["prior"] |= {"mean": jnp.array([[1.0, -0.5]]), "logvar": jnp.array([[0.5, -0.3]])}
    loss, (metrics, _) = model.loss(params, (), jax.random.key(6), {"x": X}, beta=jnp.float32(2.0))
    q, p = jax.tree.map(np.asarray, (model.posterior(params, X), (params["prior"]["mean"], params["prior"]["logvar"])))
    exact = 0.5 * (p[1] - q[1] + (np.exp(q[1]) + np.square(q[0] - p[0])) / np.exp(p[1]) - 1.0)
    np.testing.assert_allclose(metrics["kl"], exact.sum(axis=-1).mean(), rtol=0.02)
    np.testing.assert_allclose(loss, metrics["reconstruction"] + 2.0 * metrics["kl"], rtol=1e-6)


# Gated layers


@pytest.mark.parametrize("of", [networks.encoder, networks.decoder])
def test_a_gated_layer_is_numpys(of):
    config = settings(gated=True, hidden=(4, 3) if of is networks.encoder else (3, 4))
    net = networks.encoder(config, SPEC, 2 * K) if of is networks.encoder else networks.decoder(config, SPEC)
    params = jax.tree.map(lambda leaf: np.asarray(leaf) + 0.3, net.init(jax.random.key(7)))  # biases count too
    rows = hidden = np.random.default_rng(8).normal(size=(6, D if of is networks.encoder else K)).astype(np.float32)
    for layer in (0, 1):
        a, b = (hidden @ params[f"{name}_{layer}"]["kernel"] + params[f"{name}_{layer}"]["bias"] for name in NAMES)
        hidden = a * expit(b)
    expected = hidden @ params["Dense_2"]["kernel"] + params["Dense_2"]["bias"]
    np.testing.assert_allclose(net.apply(params, jnp.asarray(rows)), expected, rtol=1e-5, atol=1e-6)


def test_gates_need_an_mlp():
    with pytest.raises(UserError, match="model.gated=True"):
        make(SPEC._replace(shape=(4, 4, 1)), gated=True, network="conv")
