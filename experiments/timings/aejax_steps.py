"""Training steps of the lecture's VAE as a run takes them: 784-512-20, Bernoulli, Adam; the work is member-steps."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from experiments.timings import ROWS, Contenders, Run, label, rows

# The keys that each setting changes.
SETTINGS: dict[str, dict[str, Any]] = {"aejax": {}, "aejax bf16": {"train.precision": "bf16"}}


def steps(batch_size: int, members: Sequence[int]) -> Contenders:
    """Every setting with every number of members."""
    return {
        label(name, number): partial(train, batch_size, number, changes)
        for name, changes in SETTINGS.items()
        for number in members
    }


@contextmanager
def train(batch_size: int, num_members: int, changes: dict[str, Any]) -> Iterator[Run]:
    """Compiles the program of a run; an epoch's order is drawn when the epoch begins, as in a run."""
    import jax

    from aejax.engine import programs

    group = make_group(batch_size, num_members, changes)
    compiled = programs.compile_group(group, programs.resolve_lanes(group))
    carry, step = (compiled.state, compiled.zero_totals(), compiled.order), 0

    def run(steps: int) -> int:
        nonlocal carry, step
        carry = jax.block_until_ready(compiled.train(carry, step, step + steps, step == 0))
        step += steps
        return steps * num_members

    yield run


def make_group(batch_size: int, num_members: int, changes: dict[str, Any]) -> Any:
    """The members of a sweep over seeds, with ROWS training rows and a thousand test rows."""
    from aejax.engine import programs

    plan, dataset = make_plan(batch_size, num_members, changes), make_dataset()
    [members] = plan.groups.values()
    task = programs.make_task(plan.config, dataset.spec, ROWS)
    return programs.Group(0, members, plan.config, dataset, task)


def make_plan(batch_size: int, num_members: int, changes: dict[str, Any]) -> Any:
    """A sweep over seeds."""
    from aejax import config as configs
    from aejax.plan import Axis, Plan
    from configs import vae

    model = {"model.latent_dim": 20, "train.batch_size": batch_size}
    return Plan.make(configs.replaced(vae.get_config(), model | changes), [Axis("seed", tuple(range(num_members)))])


def make_dataset() -> Any:
    """ROWS training rows and a thousand test rows."""
    from aejax.data.types import Dataset, Spec

    x = rows().reshape(ROWS, 28, 28, 1)
    spec = Spec((28, 28, 1), "image", "unit", 1 / 255, (), (), x.mean(axis=0, dtype=np.float32) / 255, None, None)
    return Dataset({"x": x}, {"x": x[:0]}, {"x": x[:1000]}, spec, {}, "")
