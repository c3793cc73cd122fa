"""Single steps of a stub model, by hand; tests/test_reference.py has whole trainings."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from aejax.engine import train
from aejax.types import Autoencoder, HParams, Task, TrainState


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_the_first_loss_that_is_not_finite_is_the_divergence(bad):
    """The loss of a step is its x; the second and the fourth are not finite."""
    model = Autoencoder(
        init=lambda key: (jnp.float32(0.0), ()),
        loss=lambda params, stats, key, batch: (batch["x"].sum() + params, ({}, stats)),
        encode=lambda params, x: x,
    )
    task = Task(model, model.loss, lambda numbers, step: optax.sgd(0.1), lambda key, batch: batch, False, 1, 1, 1)
    hp, params = HParams(jnp.uint32(0), {}, {}), jnp.float32(0.0)
    state = TrainState(jnp.int32(0), jnp.int32(-1), params, (), optax.sgd(0.1).init(params))
    diverged = []
    for x in (1.0, bad, 2.0, bad):
        state, _ = train.train_step(task, state, hp, {"x": jnp.full((1, 1), x, jnp.float32)})
        diverged.append(int(state.diverged))
    assert diverged == [-1, 1, 1, 1]
