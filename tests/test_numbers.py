"""The first twenty steps of every recipe: every parameter moves, and the metrics equal the recorded ones.

Change the numbers only on purpose. If you change them or add a recipe, say so, and record them (all of them, or those
of the named recipes) with the compiler's default flags:

    python -m tests.test_numbers [NAME ...]
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from aejax.engine import programs, train
from aejax.plan import Plan
from tests.conftest import ROOT, write_books, write_table
from tests.test_contracts import RECIPES, recipe

pytestmark = pytest.mark.slow

FILE = ROOT / "tests" / "numbers.json"
STEPS, KEPT = 20, (0, 1, 4, 9, 19)
# Other compiler flags sum in another order. After twenty steps, numbers differ by at most 3e-6 (relative), but `mmd`
# and `total_correlation`, which are small differences of large sums, by up to 2e-5.
TOLERANCE: dict[str, Any] = {"rtol": 1e-5, "atol": 1e-6}
# Flows, and draws from a grid, amplify rounding a thousandfold within twenty steps, so only the first of the kept steps
# are compared.
COMPARED = {"flow_vae": 3, "sphere_vae": 3}


def member_of(config):
    """(task, hp, training rows) of the only member of a config."""
    [group] = programs.make_groups(Plan.make(config))
    hp = jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), programs.hparams(group.members))
    return group.task, hp, group.dataset.train


def norm_beside(optimizer):
    """The optimizer, with the norm of the last gradient in its state: (state, norm)."""

    def transformation(numbers, step):
        inner = optimizer(numbers, step)

        def update(updates, state, params=None):
            norm = optax.tree.norm(updates)
            updates, state = inner.update(updates, state[0], params)
            return updates, (state, norm)

        return optax.GradientTransformation(lambda params: (inner.init(params), jnp.float32(0.0)), update)

    return transformation


def first_steps(config):
    """(state before, state after, {"loss", "gradient_norm", metrics}: [steps] each); a fitted model has one step."""
    task, hp, rows = member_of(config)
    task = task._replace(optimizer=norm_beside(task.optimizer))
    per_epoch = max(task.num_rows // task.batch_size, 1)
    start = state = jax.jit(lambda hp, rows: train.init_state(task, hp, rows))(hp, rows)
    step = jax.jit(lambda state, hp, batch: train.train_step(task, state, hp, batch))
    order_key = jax.random.fold_in(jax.random.key(hp.seed), 2)
    found = []
    for number in range(1 if task.model.fit else STEPS):
        epoch, place = divmod(number, per_epoch)
        order = np.asarray(jax.random.permutation(jax.random.fold_in(order_key, epoch), task.num_rows))
        chosen = order[place * task.batch_size :][: task.batch_size]
        state, metrics = step(state, hp, {name: values[chosen] for name, values in rows.items()})
        norm = {} if task.model.fit else {"gradient_norm": state.opt_state[1]}  # at the optimum it is only rounding
        found.append(metrics | norm)
    return start, state, {name: np.stack([np.asarray(values[name]) for values in found]) for name in found[0]}


@pytest.fixture(scope="module", params=RECIPES[1:])  # base, the first, is vae
def steps(request, table_csv, books_ndjson):
    """The name of a recipe, and its first steps."""
    return request.param, *first_steps(recipe(request.param, table_csv, books_ndjson))


def test_a_recipe_learns_something(steps):
    _, start, state, found = steps
    assert all(np.isfinite(values).all() for values in [*jax.tree.leaves(start.params), *found.values()])
    assert state.step == len(found["loss"]) and state.diverged == -1
    moved = jax.tree.map(lambda a, b: bool(np.any(np.asarray(a) != np.asarray(b))), start.params, state.params)
    assert all(jax.tree.leaves(moved)), moved  # every parameter moves
    assert jax.tree.map(jnp.shape, start) == jax.tree.map(jnp.shape, state)
    assert jax.tree.map(jnp.result_type, start) == jax.tree.map(jnp.result_type, state)


def test_the_first_steps_of_a_recipe_have_the_recorded_numbers(steps):
    name, _, _, found = steps
    recorded = json.loads(FILE.read_text())
    if name not in recorded:
        pytest.skip(f"no numbers of {name} yet: python -m tests.test_numbers {name}")
    assert set(found) == set(recorded[name])
    for metric, values in found.items():
        num = COMPARED.get(name, len(KEPT))
        np.testing.assert_allclose(kept(values)[:num], recorded[name][metric][:num], **TOLERANCE, err_msg=metric)


def kept(values):
    """The values at the steps KEPT; a fitted model has only the first."""
    return [float(f"{values[step]:.8g}") for step in KEPT if step < len(values)]


def record(names):
    """Writes numbers.json, one line for each recipe: the whole file, or only the lines of `names`."""
    numbers = json.loads(FILE.read_text()) if names else {}
    with tempfile.TemporaryDirectory() as folder:
        data = write_table(Path(folder)), write_books(Path(folder))
        for name in names or RECIPES[1:]:
            *_, found = first_steps(recipe(name, *data))
            numbers[name] = {metric: kept(values) for metric, values in found.items()}
    lines = [f"{json.dumps(name)}: {json.dumps(numbers[name])}" for name in sorted(numbers)]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    record(sys.argv[1:])
