"""Single steps of a stub model, by hand; tests/test_reference.py has whole trainings."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from aejax.engine import train
from aejax.engine.streams import INIT, stream
from aejax.types import Autoencoder, HParams, Task, TrainState

MODEL = Autoencoder(
    init=lambda key: (jnp.float32(0.0), ()),
    loss=lambda params, stats, key, batch: (batch["x"].sum() + params, ({}, stats)),
    encode=lambda params, x: x,
)
HP = HParams(jnp.uint32(0), {}, {})


def task_of(model, preprocess=lambda key, batch: batch):
    return Task(model, model.loss, lambda numbers, step: optax.sgd(0.1), preprocess, False, 1, 1, 1)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_the_first_loss_that_is_not_finite_is_the_divergence(bad):
    """The loss of a step is its x; the second and the fourth are not finite."""
    task, params = task_of(MODEL), jnp.float32(0.0)
    state = TrainState(jnp.int32(0), jnp.int32(-1), params, (), optax.sgd(0.1).init(params))
    diverged = []
    for x in (1.0, bad, 2.0, bad):
        state, _ = train.train_step(task, state, HP, {"x": jnp.full((1, 1), x, jnp.float32)})
        diverged.append(int(state.diverged))
    assert diverged == [-1, 1, 1, 1]


def test_a_closed_form_is_fitted_to_rows_as_training_sees_them():
    """The fit of this model returns its rows, which are bits drawn with a key of the stream of initial values."""
    rows = jnp.full((50, 2), 0.5)
    task = task_of(
        MODEL._replace(fit=lambda x: x),
        lambda key, batch: {"x": jax.random.bernoulli(key, batch["x"]).astype(jnp.float32)},
    )
    found = train.init_state(task, HP, {"x": rows}).params
    drawn = jax.random.bernoulli(jax.random.fold_in(stream(jnp.uint32(0), INIT), 1), rows)
    np.testing.assert_array_equal(found, np.asarray(drawn, np.float32))
