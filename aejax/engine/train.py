"""Trains one member: pure functions without a member axis.

The result depends only on the hyper-parameters and the seed. The seed gives four streams of keys. The step is folded
into the key of its noise, the epoch into that of its order: no random state is carried, and any step can be repeated.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Bool, Float, Int

from aejax.engine.streams import INIT, NOISE, ORDER, stream
from aejax.types import Batch, HParams, Metrics, Task, TrainState, weights_of

Carry = tuple[TrainState, Metrics, Int[Array, " N"]]  # state, totals, and the order of the rows in this epoch


def init_state(task: Task, hp: HParams, rows: Batch) -> TrainState:
    """The state before the first step; a closed-form model is fitted to all rows here and needs no steps."""
    key = stream(hp.seed, INIT)
    params, stats = task.model.init(key)
    if task.model.fit:
        params = task.model.fit(task.preprocess(jax.random.fold_in(key, 1), rows)["x"])
    step = jnp.int32(0)
    return TrainState(step, jnp.int32(-1), params, stats, task.optimizer(hp.optimizer, step).init(params))


def warmed(objective: Mapping[str, Any], step: Int[Array, ""]) -> dict[str, Float[Array, ""]]:
    """The loss's weights at a step: NAME × min(1, (step + 1) / NAME_warmup), anew every NAME_cycle steps."""
    weights = weights_of(objective)
    for name in weights:
        if (warmup := objective.get(f"{name}_warmup")) is not None:
            passed = step + 1
            if (cycle := objective.get(f"{name}_cycle")) is not None:
                passed = jnp.where(cycle > 0, jnp.mod(step, jnp.maximum(cycle, 1.0)) + 1.0, passed)
            weights[name] *= jnp.minimum(1.0, passed / jnp.maximum(warmup, 1.0))
    return weights


def train_step(task: Task, state: TrainState, hp: HParams, batch: Batch) -> tuple[TrainState, Metrics]:
    """One gradient step on a batch of raw rows; loss and metrics are from before the update."""
    key = jax.random.fold_in(stream(hp.seed, NOISE), state.step)
    preprocess_key, loss_key = jax.random.split(key)
    (loss, (metrics, stats)), gradient = jax.value_and_grad(task.loss, has_aux=True)(
        state.params,
        state.stats,
        loss_key,
        task.preprocess(preprocess_key, batch),
        **warmed(hp.objective, state.step),
    )
    optimizer = task.optimizer(hp.optimizer, state.step)
    updates, opt_state = optimizer.update(gradient, state.opt_state, state.params)
    params = jax.tree.map(jnp.add, state.params, updates)
    if task.model.follow:
        params = task.model.follow(params, stats)
    diverged = jnp.where((state.diverged < 0) & ~jnp.isfinite(loss), state.step, state.diverged)
    return TrainState(state.step + 1, diverged, params, stats, opt_state), {"loss": loss, **metrics}


def train_chunk(
    task: Task,
    carry: Carry,
    hp: HParams,
    rows: Batch,
    start: Int[Array, ""],
    stop: Int[Array, ""],
    is_first: Bool[Array, ""],
) -> Carry:
    """Trains from step `start` up to `stop`, across epochs; adds each step's metrics to the totals.

    An epoch's order is drawn once: if `start` lies within an epoch, the carry holds it, unless the chunk `is_first`.
    Bounds and `is_first` are arguments, not parts of the carry: all members share them, so they are scalars under vmap.
    """
    per_epoch = task.steps_per_epoch

    def epoch(number, carry):
        state, totals, order = carry
        begin = number * per_epoch

        def draw():
            return jax.random.permutation(jax.random.fold_in(stream(hp.seed, ORDER), number), task.num_rows)

        order = lax.cond(is_first | (start <= begin), draw, lambda: order)

        def step(number_of_step, carry):
            state, totals = carry
            chosen = lax.dynamic_slice(order, ((number_of_step - begin) * task.batch_size,), (task.batch_size,))
            state, metrics = train_step(task, state, hp, {name: values[chosen] for name, values in rows.items()})
            return state, jax.tree.map(jnp.add, totals, metrics)

        first, last = jnp.maximum(start, begin), jnp.minimum(stop, begin + per_epoch)
        return *lax.fori_loop(first, last, step, (state, totals)), order

    return lax.fori_loop(start // per_epoch, (stop + per_epoch - 1) // per_epoch, epoch, carry)
