"""Selects by validation: which parameters of a member are kept, and when it stops early."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from aejax.keys import LOW
from aejax.types import HParams, Kept, TrainState


def is_asked(train: Any) -> bool:
    """Whether `config.train` selects anything."""
    return train.keep == "best" or train.patience > 0


def begin(train: Any, state: TrainState) -> TrainState:
    """The state before the first step, with room for what is kept."""
    if not is_asked(train):
        return state
    chosen = (state.params, state.stats) if train.keep == "best" else ()
    return state._replace(kept=Kept(jnp.float32(jnp.inf), jnp.int32(-1), jnp.int32(-1), chosen))


def select(train: Any, steps_per_epoch: int, hp: HParams, state: TrainState, value: Float[Array, ""]) -> TrainState:
    """The state after a validation that found this value of `train.monitor`: keeps the best, and may stop the member.

    A member stops after `train.patience` epochs without a better value; epochs of a warm-up do not count. What a member
    keeps no longer changes once it has stopped.
    """
    kept, step = state.kept, state.step
    loss = value if train.monitor in LOW else -value
    better = loss < kept.loss  # false for NaN, and for a member that has stopped: its loss stays what it was
    now = Kept(loss, step, kept.stopped, (state.params, state.stats) if kept.chosen else ())
    kept = jax.tree.map(lambda new, old: jnp.where(better, new, old), now, kept)
    if train.patience:
        waited = step - jnp.maximum(kept.step, warmup_end(hp))
        stops = (kept.stopped < 0) & (waited >= train.patience * steps_per_epoch)
        kept = kept._replace(stopped=jnp.where(stops, step, kept.stopped))
    return state._replace(kept=kept)


def warmup_end(hp: HParams) -> Float[Array, ""]:
    """The step at which the last warm-up ends, of the objective or of the learning rate."""
    steps = [value for name, value in hp.objective.items() if name.endswith("_warmup")]
    return jnp.stack([hp.optimizer["warmup"], *steps]).max()


def chosen(state: TrainState) -> TrainState:
    """The state [M, ...] with the kept parameters in place of the last ones, for members that keep some."""
    if not (state.kept and state.kept.chosen):
        return state

    def choose(best, last):
        return np.where((state.kept.step >= 0).reshape(-1, *[1] * (last.ndim - 1)), best, last)

    params, stats = jax.tree.map(choose, state.kept.chosen, (state.params, state.stats))
    return state._replace(params=params, stats=stats)


def facts(state: TrainState) -> dict[str, Any]:
    """The steps at which members [M] diverged and stopped, and of their kept parameters; −1 where it did not happen."""
    steps = {"diverged": state.diverged}
    if state.kept:
        steps["stopped"] = state.kept.stopped
        if state.kept.chosen:
            steps["kept"] = state.kept.step
    return {name: np.asarray(step).tolist() for name, step in steps.items()}


def all_stopped(facts: dict[str, Any]) -> bool:
    """Whether no member of a group trains any longer."""
    return min(facts.get("stopped", [-1])) >= 0


def statuses(facts: dict[str, Any], steps_per_epoch: int, is_done: bool, otherwise: str) -> list[str]:
    """The members' statuses, as "done, stopped after epoch 9, kept epoch 6"; "diverged at step 40" comes first."""

    def status(diverged: int, stopped: int, kept: int) -> str:
        if diverged >= 0:
            return f"diverged at step {diverged}"
        words = ["done" if is_done or stopped >= 0 else otherwise]
        words += [f"stopped after epoch {stopped / steps_per_epoch:g}"] if stopped >= 0 else []
        words += [f"kept epoch {kept / steps_per_epoch:g}"] if kept >= 0 else []
        return ", ".join(words)

    never = [-1] * len(facts["diverged"])
    return list(map(status, facts["diverged"], facts.get("stopped", never), facts.get("kept", never)))
