"""The metrics that are measured for a group on the test rows, and their names."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aejax import config as configs
from aejax.engine import programs
from aejax.metrics import METRICS
from aejax.plan import Plan, parse_axis
from aejax.reports import measure
from aejax.types import TrainState


@pytest.mark.parametrize(("name", "sampled"), [("vae", True), ("made", False), ("ppca", False), ("autoencoder", False)])
def test_only_a_density_that_is_not_exact_is_sampled(small, name, sampled):
    small.model.name, small.data.binarization = name, "none" if name == "ppca" else "dynamic"
    small.model.likelihood = "gaussian" if name == "ppca" else "bernoulli"
    [group] = programs.make_groups(Plan.make(small))
    hp = jax.tree.map(lambda leaf: leaf[0], programs.hparams(group.members))
    state = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), programs.state_shapes(group.task, group.members)
    )
    found = partial(measure.metrics_of(group, 4 if group.task.model.log_weights else 0), group.task)
    found = jax.eval_shape(found, state, hp, group.dataset.test)
    assert ("ess" in found) == sampled and ("nll" in found) == (name != "autoencoder")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "nll_grey"),
        ({"data.binarization": "dynamic"}, "nll_dynamic"),
        ({"data.binarization": "threshold"}, "nll_threshold"),
        ({"model.likelihood": "gaussian"}, "nll"),
        ({"model.name": "ppca", "model.likelihood": "gaussian"}, "nll"),
    ],
)
def test_the_name_of_log_p_says_what_was_done_to_the_pixels(small, changes, name):
    [group] = programs.make_groups(Plan.make(configs.replaced(small, changes)))
    assert measure.nll_name(group) == name


def test_groups_read_the_data_of_their_own_keys(small):
    axes = [parse_axis(text, small) for text in ("model.latent_dim=2,3", "data.valid_fraction=0.1,0.5")]
    groups = programs.make_groups(Plan.make(small, axes))
    assert [programs.num_rows(group.dataset.valid) for group in groups] == [144, 719, 144, 719]
    assert groups[0].dataset is groups[2].dataset  # which is read once


@pytest.mark.slow
def test_probes_read_factors_and_classes(small):
    """The codes are those of an untrained β-TC-VAE with three units; the second member has diverged."""
    small.data.name, small.data.test_fraction, small.data.valid_fraction = "sprites", 0.05, 0.9
    small.model.bound, small.model.latent_dim = "beta_tc", 3
    [group] = programs.make_groups(Plan.make(small, [parse_axis("seed=0,1", small)]))
    params = jax.jit(group.task.model.init)(jax.random.key(0))[0]
    params = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf * jnp.nan]), params)
    state = TrainState(jnp.zeros(2), jnp.zeros(2), params, (), ())
    measure.check(group, 0, probe=True)
    found, diverged = measure.probe_members(group, state)
    assert {"probe_accuracy", "mig", "sap", "dci_disentanglement", "dci_informativeness"} <= set(found)
    assert set(found) <= set(METRICS)
    assert diverged == {}


def test_seeds_agree_by_the_codes_of_each_members_own_parameters(small):
    """The third of three members has diverged."""
    small.model.hidden = ()
    [group] = programs.make_groups(Plan.make(small, [parse_axis("seed=4,5,6", small)]))
    model, x = group.task.model, group.dataset.test["x"]
    inits = [model.init(jax.random.key(seed))[0] for seed in (0, 1)]
    params = jax.tree.map(lambda *leaves: jnp.stack([*leaves, leaves[0] * jnp.nan]), *inits)
    found = measure.seed_codes(group, TrainState(jnp.zeros(3), jnp.zeros(3), params, (), ()))
    assert [index for index, _ in found] == [0, 1]
    for (_, codes), init in zip(found, inits, strict=True):
        np.testing.assert_allclose(codes, model.encode(init, jnp.asarray(x)), rtol=1e-4, atol=1e-5)
