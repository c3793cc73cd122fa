"""The KL that is held instead of weighed, capacities and cyclical weights, against their definitions."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from aejax import config as configs
from aejax import models
from aejax.data.types import Spec
from aejax.engine import programs, train
from aejax.errors import UserError
from aejax.keys import base_config
from aejax.plan import Plan

D, K, B = 4, 2, 256
VALUES = np.array([3.0, 2.0, 0.5, 0.1])  # eigenvalues of the rows' covariance
X = np.random.default_rng(0).normal(size=(B, D))
X = np.linalg.qr(X - X.mean(axis=0))[0] * np.sqrt(B * VALUES)
SPEC = Spec((D,), "table", "real", 1.0, (), (), np.zeros(D, np.float32), None, None)
BATCH = {"x": jnp.asarray(X, jnp.float32)}


def make(**keys) -> Any:
    keys = {"latent_dim": K, "hidden": (), "likelihood": "gaussian"} | keys
    config = configs.replaced(base_config(), {f"model.{key}": value for key, value in keys.items()})
    return models.make(config.model, SPEC)


def loss_of(model, stats, **weights):
    params = jax.jit(model.init)(jax.random.key(0))[0]
    weights = {name: jnp.float32(value) for name, value in weights.items()}
    return jax.jit(model.loss)(params, stats, jax.random.key(1), BATCH, **weights)


@pytest.mark.parametrize("target", [60.0, 80.0, 0.8])
def test_the_multiplier_grows_with_the_excess_of_the_kl_and_weighs_it(target):
    model, stats = make(bound="constrained"), {"log_multiplier": jnp.float32(0.7)}
    assert model.init(jax.random.key(0))[1] == {"log_multiplier": 0.0}
    value, (metrics, after) = loss_of(model, stats, kl_target=target, kl_rate=0.1)
    excess = float(metrics["kl"]) - target  # about 73.6 minus the target
    np.testing.assert_allclose(value, metrics["reconstruction"] + np.exp(0.7) * excess, rtol=1e-5)
    np.testing.assert_allclose(after["log_multiplier"], 0.7 + 0.1 * min(excess / target, 1.0), rtol=1e-5)
    np.testing.assert_allclose(metrics["multiplier"], np.exp(0.7), rtol=1e-6)


@pytest.mark.slow
def test_a_linear_vae_finds_the_multiplier_in_closed_form():
    """At σ² = 1, units with eigenvalues 3 and 2 have the rate ½ log(3/β) + ½ log(2/β): 0.5 nats at β = √(6/e)."""
    model, optimizer = make(bound="constrained"), optax.adam(optax.cosine_decay_schedule(3e-2, 4000))

    @jax.jit
    def trained():
        params, stats = model.init(jax.random.key(0))

        def step(number, carry):
            params, stats, state, total = carry
            weights = {"kl_target": jnp.float32(0.5), "kl_rate": jnp.float32(0.02)}
            key = jax.random.fold_in(jax.random.key(1), number)
            gradient, (metrics, stats) = jax.grad(model.loss, has_aux=True)(params, stats, key, BATCH, **weights)
            updates, state = optimizer.update(gradient, state)
            late = jnp.where(number >= 3000, 1e-3, 0.0)
            total += late * jnp.stack([metrics["kl"], metrics["multiplier"]])
            return optax.apply_updates(params, updates), stats, state, total

        return jax.lax.fori_loop(0, 4000, step, (params, stats, optimizer.init(params), jnp.zeros(2)))[-1]

    kl, multiplier = trained()
    np.testing.assert_allclose(kl, 0.5, rtol=0.01)
    np.testing.assert_allclose(multiplier, np.sqrt(6 / np.e), rtol=0.02)


@pytest.mark.parametrize("capacity", [60.0, 80.0])  # the KL is about 73.6
def test_a_kl_above_and_below_the_capacity_is_penalized(capacity):
    value, (metrics, _) = loss_of(make(bound="capacity"), (), beta=3.0, capacity=capacity)
    np.testing.assert_allclose(value, metrics["reconstruction"] + 3.0 * abs(float(metrics["kl"]) - capacity), rtol=1e-5)


def test_a_cyclical_weight_starts_anew():
    def weights(step, cycle):
        objective = {"beta": 4.0, "beta_warmup": 5.0, "beta_cycle": cycle, "free_bits": 0.5}
        found = train.warmed(jax.tree.map(jnp.float32, objective), jnp.int32(step))
        assert set(found) == {"beta", "free_bits"} and found["free_bits"] == 0.5
        return float(found["beta"])

    expected = [0.8, 1.6, 2.4, 3.2, 4.0, 4.0, 4.0] * 2
    np.testing.assert_allclose([weights(step, 7.0) for step in range(14)], expected, rtol=1e-6)
    np.testing.assert_allclose([weights(step, 0.0) for step in range(14)], (expected[:7] + [4.0] * 7), rtol=1e-6)


@pytest.mark.parametrize(
    ("warmup", "patience", "words"),
    [(0.0, 0, "beta_warmup=0 steps"), (7.0, 0, "beta_warmup=7 steps"), (3.0, 2, "train.patience=2 counts no epochs")],
)
def test_a_cycle_that_means_nothing_is_refused(small, warmup, patience, words):
    changes = {"objective.beta_cycle": 7.0, "objective.beta_warmup": warmup, "train.patience": patience}
    with pytest.raises(UserError, match=words):
        programs.make_groups(Plan.make(configs.replaced(small, changes)))
    programs.make_groups(
        Plan.make(configs.replaced(small, changes | {"objective.beta_warmup": 3.0, "train.patience": 0}))
    )
