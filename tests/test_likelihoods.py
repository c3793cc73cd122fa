"""Likelihoods p(x|z): link, density and draws against scipy, and the data that each refuses."""

import itertools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from aejax import config as configs
from aejax.data.types import SUPPORTS, Condition, Spec
from aejax.errors import UserError
from aejax.keys import base_config, files
from aejax.models import vae
from aejax.models.parts import counts
from tests import layers

NAMES = files("models/vae/likelihoods")


COUNTS = ("poisson", "negative_binomial", "zero_inflated_negative_binomial")


def make(name, support=None, **keys):
    """The likelihood for three features of a kind of data, the first that it takes unless one is given."""
    support = support or vae.module("likelihoods", name).SUPPORTS[-1]
    changes = {"model.likelihood": name} | {f"model.{key}": value for key, value in keys.items()}
    scale = 1 / 255 if name == "discretized_logistic" else 1.0
    sizes = {"categories": (3,), "mixed": (2,)}.get(support, ())
    blocks = tuple(Condition(f"c{size}", tuple("abc"[:size]), 0.0, 1.0, 0.0) for size in sizes)
    spec = Spec((3,), "table", support, scale, (), (), np.full(3, 0.5, np.float32), None, None, categories=blocks)
    return vae.make_likelihood(configs.replaced(base_config(), changes).model, spec)


def parameters(chosen):
    """Its own parameters, moved away from their start."""
    own = jax.tree.map(lambda leaf: leaf + 0.3 * jnp.arange(leaf.size).reshape(leaf.shape), chosen.init(None))
    return {"likelihood": own}


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
def test_the_link_says_in_words_what_the_mean_is(name):
    for keys in [{}, *([{"library_size": "observed"}] if name in COUNTS else [])]:
        chosen = make(name, output_activation="softplus", **keys)
        np.testing.assert_allclose(chosen.mean(jnp.asarray(OUTPUT)), layers.mean(chosen.link, OUTPUT), rtol=1e-5)


OUTPUT = np.array([[-1.0, 0.2, 1.5]], np.float32)
X_COUNTS = np.stack([np.arange(40, dtype=np.float32)] * 3, axis=1)  # each feature has the counts 0 to 39


def negative_binomial(x, mean, theta):
    return stats.nbinom.logpmf(x, theta, theta / (theta + mean))


@pytest.mark.parametrize("name", COUNTS)
def test_counts_have_the_masses_of_scipy(name):
    chosen = make(name)
    params, output = parameters(chosen), jnp.asarray(OUTPUT.repeat(len(X_COUNTS), axis=0))
    mean, own = np.exp(OUTPUT.astype(float)), params["likelihood"]
    theta = np.exp(np.float64(own["log_theta"])) if own else None
    if name == "poisson":
        expected = stats.poisson.logpmf(X_COUNTS, mean)
    else:
        expected = negative_binomial(X_COUNTS, mean, theta)
    if name == "zero_inflated_negative_binomial":
        zero = special.expit(np.float64(own["zero_logit"]))
        expected = np.log((1 - zero) * np.exp(expected) + zero * (X_COUNTS == 0))
    np.testing.assert_allclose(chosen.mean(output), mean.repeat(len(X_COUNTS), axis=0), rtol=1e-5)
    ours = np.asarray(chosen.log_prob(params, jnp.asarray(X_COUNTS), output))
    np.testing.assert_allclose(ours, expected.sum(axis=1), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("log_theta", [-4.0, 2.9, 2.999, 3.1, 6.0, 14.0])
def test_a_negative_binomial_keeps_its_digits_for_any_dispersion(log_theta):
    """In float32, log Γ(x + θ) − log Γ(θ) alone would be wrong by 0.1 at log θ = 11."""
    x, log_mean = jnp.asarray(X_COUNTS), jnp.asarray(OUTPUT.repeat(len(X_COUNTS), axis=0))
    ours = counts.log_negative_binomial(x, log_mean, jnp.full(3, log_theta))
    exact = negative_binomial(X_COUNTS, np.exp(OUTPUT.astype(float)), np.exp(log_theta))
    np.testing.assert_allclose(ours, exact, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", COUNTS)
def test_counts_of_an_observed_library_share_its_total(name):
    """The decoder's output only shares the total: adding a constant to it changes nothing."""
    chosen = make(name, library_size="observed")
    params, x = parameters(chosen), jnp.asarray(X_COUNTS[5:15])
    output = jnp.asarray(OUTPUT.repeat(len(x), axis=0))
    shares = special.softmax(OUTPUT.astype(float), axis=1)
    np.testing.assert_allclose(chosen.mean(output)[0], 1.5 * shares[0], rtol=1e-5)  # the mean row has a total of 1.5
    np.testing.assert_allclose(chosen.log_prob(params, x, output + 3.0), chosen.log_prob(params, x, output), rtol=1e-4)
    if name == "poisson":  # given its total, a row of Poissons is multinomial
        total = np.asarray(x).sum(axis=1)
        expected = stats.multinomial.logpmf(np.asarray(x), total, shares) + stats.poisson.logpmf(total, total)
        np.testing.assert_allclose(chosen.log_prob(params, x, output), expected, rtol=1e-4)


def test_a_negative_binomial_ends_as_a_poisson_and_without_extra_zeros_the_inflated_one_is_it():
    x, output = jnp.asarray(X_COUNTS), jnp.asarray(OUTPUT.repeat(len(X_COUNTS), axis=0))
    own = {"log_theta": jnp.full(3, 11.0), "zero_logit": jnp.full(3, -40.0)}
    binomial, inflated, poisson = (make(name) for name in (COUNTS[1], COUNTS[2], COUNTS[0]))
    limit = binomial.log_prob({"likelihood": own}, x[:8], output[:8])
    np.testing.assert_allclose(limit, poisson.log_prob({}, x[:8], output[:8]), rtol=1e-3)
    own["log_theta"] = jnp.zeros(3)
    both = [chosen.log_prob({"likelihood": own}, x, output) for chosen in (binomial, inflated)]
    np.testing.assert_allclose(*both, rtol=1e-6)


def density(chosen, params, output, points):
    """p of a single feature at some points; the other features stay where they are."""
    x = np.full((len(points), 3), 0.5, np.float32)
    x[:, 1] = points
    outputs = jnp.full((len(points), 3), output, jnp.float32)
    fixed = stats_of_others(chosen, params, output)
    return np.exp(np.asarray(chosen.log_prob(params, jnp.asarray(x), outputs), np.float64) - fixed)


def stats_of_others(chosen, params, output):
    """log p of the features 0 and 2 at 0.5: half of what three equal features have, if all outputs are equal."""
    x = jnp.full((1, 3), 0.5)
    return float(chosen.log_prob(params, x, jnp.full((1, 3), output))[0]) * 2 / 3


@pytest.mark.parametrize("logit", [-30.0, -3.0, -0.1001, -0.0999, 0.0, 1e-4, 0.7, 12.0, 90.0])
def test_a_continuous_bernoulli_integrates_to_one_and_has_its_mean(logit):
    chosen = make("continuous_bernoulli")
    points = np.linspace(0.0, 1.0, 4001)
    p = density(chosen, {}, logit, points) if abs(logit) < 20 else None
    exact = np.log(logit / (1 - np.exp(-logit))) - logit if logit > 0 else None
    if p is not None:
        np.testing.assert_allclose(np.trapezoid(p, points), 1.0, rtol=1e-3)
        np.testing.assert_allclose(np.trapezoid(p * points, points), chosen.mean(jnp.float32(logit)), rtol=1e-3)
    elif exact is not None:  # the density at 0 is l / (eˡ − 1)
        ours = chosen.log_prob({}, jnp.zeros((1, 3)), jnp.full((1, 3), logit))
        np.testing.assert_allclose(ours, 3 * exact, rtol=1e-5)
    slope = jax.grad(lambda logit: chosen.log_prob({}, jnp.full((1, 3), 0.3), jnp.full((1, 3), logit))[0])(logit)
    mean = float(chosen.mean(jnp.float32(logit)))
    np.testing.assert_allclose(slope, 3 * (0.3 - mean), rtol=1e-3, atol=1e-4)  # of an exponential family


@pytest.mark.parametrize("learned", [False, True])
def test_a_laplace_density_is_that_of_scipy(learned, rows):
    chosen = make("laplace", variance=0.4, learn_variance=learned)
    params = {"likelihood": {"logvar": jnp.float32(0.9)}} if learned else {}
    scale = np.sqrt((np.exp(0.9) if learned else 0.4) / 2)
    expected = stats.laplace.logpdf(*(np.float64(values) for values in rows), scale).sum(axis=1)
    np.testing.assert_allclose(chosen.log_prob(params, *map(jnp.asarray, rows)), expected, rtol=1e-5)


@pytest.mark.parametrize("log_scale", [-7.0, -3.0, 0.0])
def test_a_discretized_logistic_sums_to_one_over_the_bytes(log_scale):
    chosen = make("discretized_logistic")
    params = {"likelihood": {"log_scale": jnp.float32(log_scale)}}
    x = jnp.tile(jnp.arange(256.0)[:, None] / 255, (1, 3))
    for logit in (-6.0, 0.3, 9.0):
        log_p = np.asarray(chosen.log_prob(params, x, jnp.full((256, 3), logit)), np.float64) / 3
        np.testing.assert_allclose(np.exp(log_p).sum(), 1.0, rtol=1e-3)
        edges = (np.arange(257) - 0.5) / 255
        edges[[0, -1]] = -np.inf, np.inf
        exact = np.diff(stats.logistic.cdf(edges, special.expit(logit), np.exp(log_scale)))
        np.testing.assert_allclose(np.exp(log_p), exact, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_draws_have_the_mean_and_the_density_of_the_likelihood(name):
    """The mean of many draws is the reported mean; the mean of their log density is minus the entropy of one row."""
    chosen = make(name, variance=0.3)
    if chosen.sample is None:
        return  # not a density: nothing to draw
    params = parameters(chosen)
    output = jnp.tile(jnp.asarray(OUTPUT), (50_000, 1))
    x = chosen.sample(params, jax.random.key(0), output)
    spread = np.asarray(x).std(axis=0) / np.sqrt(len(x))
    mean = np.asarray(chosen.mean(output))[0]
    if name == "zero_inflated_negative_binomial":  # the mean that it reports is without the extra zeros
        mean = special.expit(-params["likelihood"]["zero_logit"]) * mean
    tolerance = 2e-3 if name == "discretized_logistic" else 0.0  # the outermost bytes take the tails
    assert (np.abs(np.asarray(x).mean(axis=0) - mean) < 4.5 * spread + tolerance).all()
    log_p = np.asarray(chosen.log_prob(params, x, output), np.float64)
    if name == "gaussian":
        np.testing.assert_allclose(-log_p.mean(), 1.5 * np.log(2 * np.pi * np.e * 0.3), rtol=0.01)
    if name == "laplace":
        np.testing.assert_allclose(-log_p.mean(), 3 * (1 + np.log(2 * np.sqrt(0.15))), rtol=0.01)
    if name == "bernoulli":
        p = special.expit(np.array([-1.0, 0.2, 1.5]))
        np.testing.assert_allclose(-log_p.mean(), (special.entr(p) + special.entr(1 - p)).sum(), rtol=0.01)
    if name == "poisson":
        np.testing.assert_allclose(-log_p.mean(), stats.poisson.entropy(np.exp(OUTPUT)).sum(), rtol=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_a_likelihood_takes_its_kinds_of_data_and_names_those_that_fit_the_others(name):
    for support in SUPPORTS:
        if support in vae.module("likelihoods", name).SUPPORTS:
            make(name, support)
            continue
        with pytest.raises(
            UserError, match=rf"model.likelihood={name} needs .*{re.escape(SUPPORTS[support])}"
        ) as error:
            make(name, support)
        listed = (
            str(error.value).partition("use --config.model.likelihood=")[2].partition(", or rescale")[0].split(" or ")
        )
        assert listed and name not in listed
        for other in listed:
            make(other, support)


def test_bytes_are_what_a_discretized_logistic_needs():
    spec = Spec((3,), "image", "unit", 1.0, (), (), np.full(3, 0.5, np.float32), None, None)
    config = configs.replaced(base_config(), {"model.likelihood": "discretized_logistic"})
    with pytest.raises(UserError, match="needs images of bytes .*continuous_bernoulli"):
        vae.make_likelihood(config.model, spec)


def blocks(*sizes, numbers=0):
    """The spec of a table of some numbers and of one-hot blocks with these sizes."""
    columns = tuple(Condition(f"c{place}", tuple("abcdef"[:size]), 0.0, 1.0, 0.0) for place, size in enumerate(sizes))
    width = numbers + sum(sizes)
    kind = "mixed" if numbers else "categories"
    return Spec((width,), "table", kind, 1.0, (), (), np.full(width, 0.5, np.float32), None, None, categories=columns)


def of_blocks(spec, **keys):
    keys = {"likelihood": "mixed" if spec.support == "mixed" else "categorical"} | keys
    return vae.make_likelihood(
        configs.replaced(base_config(), {f"model.{key}": value for key, value in keys.items()}).model, spec
    )


def every_row(*sizes):
    """All one-hot rows of blocks with these sizes."""
    places = np.array(list(itertools.product(*map(range, sizes))))
    return np.concatenate([np.eye(size)[places[:, j]] for j, size in enumerate(sizes)], axis=1).astype(np.float32)


def test_categories_have_the_masses_of_scipy_and_sum_to_one():
    sizes, rng = (3, 1, 2, 4), np.random.default_rng(0)
    x, output = every_row(*sizes), rng.normal(size=10).astype(np.float32) * 3
    chosen = of_blocks(blocks(*sizes))
    log_p = np.asarray(chosen.log_prob({}, jnp.asarray(x), jnp.tile(output, (len(x), 1))), np.float64)
    parts = np.split(output.astype(float), np.cumsum(sizes)[:-1])
    expected = sum(
        stats.multinomial.logpmf(part, 1, special.softmax(logits))
        for part, logits in zip(np.split(x, np.cumsum(sizes)[:-1], axis=1), parts, strict=True)
    )
    np.testing.assert_allclose(log_p, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.exp(log_p).sum(), 1.0, rtol=1e-5)
    mean = np.asarray(chosen.mean(jnp.asarray(output[None])))[0]
    np.testing.assert_allclose(mean, np.exp(log_p) @ x, rtol=1e-4)  # the sum over all rows
    assert chosen.sample
    drawn = np.asarray(chosen.sample({}, jax.random.key(0), jnp.tile(output, (50, 1))))
    assert {row.tobytes() for row in drawn} <= {row.tobytes() for row in x}  # one category in each block


def test_two_categories_are_a_bernoulli_of_the_difference_of_the_outputs():
    output = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
    x = every_row(2, 2, 2)[[0, 3, 5, 6]]
    ours = of_blocks(blocks(2, 2, 2)).log_prob({}, jnp.asarray(x), jnp.asarray(output))
    logit = output[:, 1::2] - output[:, ::2]
    bernoulli = make("bernoulli").log_prob({}, jnp.asarray(x[:, 1::2]), jnp.asarray(logit))
    np.testing.assert_allclose(ours, bernoulli, rtol=1e-5)


def test_a_mixed_row_has_the_density_of_its_numbers_and_the_mass_of_its_categories():
    rng = np.random.default_rng(0)
    chosen = of_blocks(blocks(3, 2, numbers=2), learn_variance=True, variance_kind="feature", variance=0.5)
    own = {"likelihood": {"logvar": jnp.asarray([0.3, -0.8])}}
    assert jax.tree.map(jnp.shape, own["likelihood"]) == jax.tree.map(jnp.shape, chosen.init(jax.random.key(0)))
    numbers, output = rng.normal(size=(6, 2)), rng.normal(size=(6, 7)).astype(np.float32)
    x = np.concatenate([numbers, every_row(3, 2)], axis=1).astype(np.float32)
    sigma = np.exp([0.15, -0.4])
    expected = stats.norm.logpdf(x[:, :2], output[:, :2], sigma).sum(axis=1)
    expected += (x[:, 2:5] * special.log_softmax(output[:, 2:5], axis=1)).sum(axis=1)
    expected += (x[:, 5:] * special.log_softmax(output[:, 5:], axis=1)).sum(axis=1)
    np.testing.assert_allclose(chosen.log_prob(own, jnp.asarray(x), jnp.asarray(output)), expected, rtol=1e-5)
    with pytest.raises(UserError, match="variance_kind=optimal does not fit model.likelihood=mixed"):
        of_blocks(blocks(2, numbers=1), learn_variance=True, variance_kind="optimal")
