"""Every meaningful combination of posterior, prior, likelihood and bound works; the others are refused."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp

from aejax import config as configs
from aejax import models
from aejax.data.types import Condition, Spec
from aejax.engine import optimizers, train
from aejax.errors import UserError
from aejax.keys import base_config, files
from aejax.models import vae
from aejax.models.parts import losses
from aejax.types import HParams, Task, conditioned

pytestmark = pytest.mark.slow

D, K, B, S = 5, 2, 6, 4
X = jnp.float32(np.random.default_rng(0).integers(0, 2, (B, D)))  # bits, and so also counts and real numbers
PARTS = {kind: files(f"models/vae/{kind}") for kind in ("posteriors", "priors", "likelihoods", "bounds")}
SMALL = {"latent_dim": K, "second_latent_dim": 3, "hidden": (4,), "second_hidden": (4,), "num_components": 3}
SMALL |= {"num_flows": 2, "num_samples": S, "activation": "tanh"}


def config_of(**keys):
    return configs.replaced(base_config(), {f"model.{key}": value for key, value in (SMALL | keys).items()})


def model_of(config) -> Any:
    """The model on bits, seen as the first kind of data that its likelihood takes."""
    support, *_ = vae.module("likelihoods", config.model.likelihood).SUPPORTS
    scale = 1 / 255 if config.model.likelihood == "discretized_logistic" else 1.0
    spec = Spec((D,), "table", support, scale, (), (), np.full(D, 0.5, np.float32), None, None)
    if config.model.prior == "conditional":
        spec = spec._replace(conditions=(Condition("batch", ("A", "B"), 0.0, 1.0, 0.0),))
    return models.make(config.model, spec)


def make(**keys) -> Any:
    return model_of(config_of(**keys))


def is_meant(posterior, prior, likelihood, bound):
    """Which combinations the parts accept, written down again without asking the parts."""
    return (
        (posterior == "two_layer") == (prior == "two_layer")
        and (posterior == "von_mises_fisher") == (prior == "uniform_sphere")
        and (prior != "vamp" or posterior == "gaussian")
        and likelihood != "squared_error"
        and (bound not in ("beta_tc", "dip") or (posterior, prior) == ("gaussian", "standard_normal"))
        and (bound != "mmd" or prior == "standard_normal")
    )


COMMON = ("bernoulli", "gaussian", "squared_error")  # the other likelihoods meet two bounds and no other part
FEW = ("iaf", "von_mises_fisher")  # to the learned priors and other likelihoods they are what `planar` is
LEARNED = ("conditional", "mixture")
HELD = ("capacity", "constrained")  # bounds that use the KL as the ELBO does: they meet one likelihood
ALL = [
    combination
    for combination in itertools.product(*PARTS.values())
    if (combination[0] not in FEW or (combination[1] not in LEARNED and combination[2] == "bernoulli"))
    and (combination[3] not in HELD or combination[2] == "bernoulli")
    and (
        combination[2] in COMMON
        or (combination[:2] == ("gaussian", "standard_normal") and combination[3] in ("elbo", "iwae", "beta_tc"))
    )
]
MEANT = [combination for combination in ALL if is_meant(*combination)]


def covering(combinations):
    """Few combinations that hold every posterior × prior × bound, and every likelihood × bound, of all of them."""

    def parts(c):
        return {(c[0], c[1], c[3]), (c[2], c[3])}

    chosen, left = [], set().union(*map(parts, combinations))
    while left:
        chosen.append(max(combinations, key=lambda c: len(parts(c) & left)))
        left -= parts(chosen[-1])
    return chosen


NAMES = ("posterior", "prior", "likelihood", "bound")


@pytest.mark.parametrize("combination", covering(MEANT), ids="-".join)
def test_a_combination_trains_and_its_bound_is_its_weights(combination):
    """Two steps are finite and move every parameter; the bound equals the one from the same draws' log weights."""
    config: Any = config_of(**dict(zip(NAMES, combination, strict=True)))
    model = model_of(config)
    step_of = optimizers.make("sgd", "constant", 2)
    task = Task(model, model.loss, step_of, lambda key, batch: batch, False, B, B, B)
    numbers = {name: jnp.float32(value) for name, value in config.optimizer.items() if isinstance(value, float)}
    objective = {name: jnp.float32(value) for name, value in configs.objective_of(config).items()}
    hp = HParams(jnp.uint32(0), objective, numbers)
    batch = {"x": X} | ({"c": jnp.eye(2)[jnp.arange(B) % 2]} if config.model.prior == "conditional" else {})

    @jax.jit
    def step(state):
        weights = train.warmed(hp.objective, state.step)
        value, (found, _) = model.loss(state.params, state.stats, jax.random.key(1), batch, **weights)
        log_w = model.log_weights(state.params, jax.random.key(1), conditioned(X, batch), S)
        return *train.train_step(task, state, hp, batch), value, found, log_w

    start = jax.jit(lambda hp: train.init_state(task, hp, batch))(hp)
    middle, _, value, found, log_w = step(start)
    state, metrics, *_ = step(middle)
    assert all(np.isfinite(metric) for metric in metrics.values())
    moved = jax.tree.map(lambda a, b: bool((a != b).any()), start.params, state.params)
    assert all(jax.tree.leaves(moved)), moved
    np.testing.assert_allclose(found["elbo"], -(found["reconstruction"] + found["kl"]), rtol=1e-6)
    log_w = np.asarray(log_w, np.float64)
    posterior, prior, _, bound = combination
    if bound == "iwae":
        np.testing.assert_allclose(-value, (logsumexp(log_w, axis=0) - np.log(S)).mean(), rtol=1e-5)
    elif bound == "elbo" and not model.kl_of_units and prior not in ("two_layer", "uniform_sphere"):  # a Monte Carlo KL
        np.testing.assert_allclose(-value, log_w.mean(), rtol=1e-5)
    elif bound == "beta_tc":  # at beta = 1 its parts add up to the Monte Carlo KL
        np.testing.assert_allclose(-value, log_w.mean(), rtol=1e-5)
    elif bound in ("constrained", "capacity"):  # at multiplier or β 1 it is the ELBO, but for the target
        kl, target = found["kl"], objective["kl_target" if bound == "constrained" else "capacity"]
        np.testing.assert_allclose(
            value, found["reconstruction"] + (kl - target if bound == "constrained" else abs(kl - target)), rtol=1e-5
        )
    elif bound in ("mmd", "dip"):  # at weight 0 it is the ELBO
        np.testing.assert_allclose(-value, found["elbo"], rtol=1e-6)
    else:  # the KL is in closed form, or half of it: close to the Monte Carlo KL
        assert abs(-value - log_w.mean()) < 4.5 * log_w.std(axis=0).mean() / np.sqrt(S * B)


@pytest.mark.parametrize("combination", sorted({*ALL} - {*MEANT}), ids="-".join)
def test_another_combination_is_refused_with_its_reason_and_a_remedy(combination):
    with pytest.raises(UserError, match=r"model\.(posterior|prior|likelihood|bound)=\w+ .*: use ") as error:
        make(**dict(zip(NAMES, combination, strict=True)))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("prior", ["standard_normal", "mixture", "vamp"])
def test_many_importance_samples_meet_the_sum_over_a_grid(prior):
    """The mean weight is an unbiased estimate of p(x) for every prior; two latent units allow quadrature over z."""
    model = make(prior=prior, bound="iwae")
    params = model.init(jax.random.key(0))[0]
    axis = np.linspace(-8.0, 8.0, 161, dtype=np.float32)
    z = jnp.asarray(np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, K))
    log_prior = np.asarray(model.log_prior(params, z), np.float64)
    p = np.asarray(model.decode(params, z), np.float64)  # probabilities of bits
    log_likelihood = np.asarray(X) @ np.log(p).T + (1 - np.asarray(X)) @ np.log1p(-p).T
    exact = logsumexp(log_likelihood + log_prior, axis=1) + 2 * np.log(axis[1] - axis[0])
    log_w = np.asarray(model.log_weights(params, jax.random.key(2), X, 20_000), np.float64)
    w = np.exp(log_w - exact)  # its mean is 1
    error = w.std(axis=0) / np.sqrt(len(w))
    assert (error < 0.1).all() and (np.abs(w.mean(axis=0) - 1.0) < 4.5 * error).all()
    np.testing.assert_allclose(np.exp(np.asarray(logsumexp(log_prior))) * (axis[1] - axis[0]) ** 2, 1.0, rtol=1e-3)


def test_free_bits_cost_nothing_below_and_the_kl_above():
    model = make()
    params = model.init(jax.random.key(1))[0]
    mean, logvar = model.posterior(params, X)
    units = np.asarray(losses.kl_standard_normal(mean, logvar)).mean(axis=0)
    floor = float(units.mean())  # one unit below, one above
    value, (metrics, _) = model.loss(
        params, (), jax.random.key(0), {"x": X}, beta=jnp.float32(3.0), free_bits=jnp.float32(floor)
    )
    np.testing.assert_allclose(value, metrics["reconstruction"] + 3 * np.maximum(units, floor).sum(), rtol=1e-5)
    np.testing.assert_allclose(metrics["kl"], units.sum(), rtol=1e-5)
