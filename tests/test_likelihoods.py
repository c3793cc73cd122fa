"""Likelihoods p(x|z): link, density and draws against scipy, and the data that each refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from aejax import config as configs
from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.keys import base_config, files
from aejax.models import vae

NAMES = files("models/vae/likelihoods")


def make(name, support="unit", **keys):
    changes = {"model.likelihood": name} | {f"model.{key}": value for key, value in keys.items()}
    spec = Spec((3,), "table", support, 1.0, (), (), np.full(3, 0.5, np.float32), None, None)
    return vae.part("likelihoods", name)(configs.replaced(base_config(), changes).model, spec)


def taken(name, support):
    """The likelihood with a variance of 0.3 if it has one; None if it refuses such data."""
    try:
        return make(name, support, variance=0.3)
    except UserError:
        return None


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return np.float32(rng.uniform(size=(4, 3))), np.float32(rng.normal(size=(4, 3)))


@pytest.mark.parametrize("activation", ["identity", "sigmoid"])
@pytest.mark.parametrize("name", ["bernoulli", "gaussian", "squared_error"])
def test_a_likelihood_reads_the_decoders_output_as_its_mean(name, activation, rows):
    """log_prob(x, output) equals scipy's with the mean that the likelihood reports."""
    chosen = make(name, output_activation=activation, variance=1.5)
    x, output = (np.float64(values) for values in rows)
    mean = special.expit(output) if "sigmoid" in (activation, {"bernoulli": "sigmoid"}.get(name)) else output
    expected = {
        "bernoulli": lambda: special.xlogy(x, mean) + special.xlog1py(1 - x, -mean),
        "gaussian": lambda: stats.norm.logpdf(x, mean, np.sqrt(1.5)),
        "squared_error": lambda: -((x - mean) ** 2),
    }[name]()
    np.testing.assert_allclose(chosen.mean(jnp.asarray(rows[1])), mean, rtol=1e-5)
    np.testing.assert_allclose(chosen.log_prob({}, *map(jnp.asarray, rows)), expected.sum(axis=1), rtol=1e-5)


def test_a_learned_variance_is_the_likelihoods_own_parameter(rows):
    chosen = make("gaussian", learn_variance=True, variance=0.4)
    params = {"likelihood": chosen.init(jax.random.key(0))}
    np.testing.assert_allclose(params["likelihood"]["logvar"], np.log(0.4), rtol=1e-6)
    params["likelihood"]["logvar"] = jnp.float32(0.9)
    expected = stats.norm.logpdf(*(np.float64(values) for values in rows), np.exp(0.45)).sum(axis=1)
    np.testing.assert_allclose(chosen.log_prob(params, *map(jnp.asarray, rows)), expected, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_draws_have_the_mean_and_the_density_of_the_likelihood(name):
    """The mean of many draws is the reported mean; the mean of their log density is minus the entropy of one row."""
    chosen = next(chosen for support in ("unit", "real") if (chosen := taken(name, support)))
    if chosen.sample is None:
        return  # not a density: nothing to draw
    output = jnp.tile(jnp.array([[-1.0, 0.2, 1.5]]), (50_000, 1))
    x = chosen.sample({}, jax.random.key(0), output)
    spread = np.asarray(x).std(axis=0) / np.sqrt(len(x))
    assert (np.abs(np.asarray(x).mean(axis=0) - np.asarray(chosen.mean(output))[0]) < 4.5 * spread).all()
    log_p = np.asarray(chosen.log_prob({}, x, output), np.float64)
    if name == "gaussian":
        np.testing.assert_allclose(-log_p.mean(), 1.5 * np.log(2 * np.pi * np.e * 0.3), rtol=0.01)
    if name == "bernoulli":
        p = special.expit(np.array([-1.0, 0.2, 1.5]))
        np.testing.assert_allclose(-log_p.mean(), (special.entr(p) + special.entr(1 - p)).sum(), rtol=0.01)


def test_bernoulli_refuses_real_data_and_the_others_take_it():
    with pytest.raises(UserError, match=r"model.likelihood=bernoulli .* use --config.model.likelihood=gaussian"):
        make("bernoulli", "real")
    for name in ("gaussian", "squared_error"):
        make(name, "real")
