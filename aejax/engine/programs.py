"""Groups of members that share their static settings, and the three programs compiled for each group."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from aejax import config as configs
from aejax import data, models
from aejax.config import Config
from aejax.data import checks, sparse, summary
from aejax.data.types import Dataset, Spec
from aejax.engine import environment, optimizers, preprocess, selection, sweep, train
from aejax.errors import UserError
from aejax.keys import HIGH, LOW
from aejax.metrics import averages
from aejax.plan import Member, Plan
from aejax.types import Autoencoder, HParams, Task, TrainState

# XLA's options for a program that takes a thousand times as long to compile as to run.
RUNS_ONCE: Any = {"xla_backend_optimization_level": 0}


class Group(NamedTuple):
    """Members that share compiled programs, with their config, data and task."""

    number: int
    members: list[Member]
    config: Config  # the first member's; all members share its static part
    dataset: Dataset
    task: Task

    @property
    def total_steps(self) -> int:
        return total_steps(self.task, self.config)


class Programs(NamedTuple):
    """Programs compiled ahead of time: other shapes raise, nothing recompiles. M is padded to whole lanes x devices."""

    mesh: jax.sharding.Mesh
    lanes: int
    state: TrainState  # [M, ...] before the first step
    order: jax.Array  # int32 [M, N]: memory for the order of an epoch's rows
    train: Callable[..., Any]  # ((state, totals, order), start, stop, is_first) -> (state, totals, order)
    evaluate: Callable[[TrainState], dict[str, jax.Array]] | None  # on the validation rows; None if there are none
    zero_totals: Callable[[], dict[str, jax.Array]]
    select: Callable[[TrainState, jax.Array], TrainState]  # (state, `train.monitor`), see selection.py


def make_groups(plan: Plan, given: Dataset | None = None) -> list[Group]:
    """Loads the data (unless `given`) and makes models; raises UserError before anything is compiled or written."""
    datasets: dict[str, Dataset] = {}

    def make_group(number: int, members: list[Member]) -> Group:
        config = members[0].config
        source = str(configs.to_json(config.data))
        if source not in datasets:
            datasets[source] = given or data.load(config.data)
        dataset = datasets[source]
        leaves = configs.flatten(config)
        if not any(configs.without_effect(leaves, f"model.{key}") for key in ("likelihood", "library_size")):
            checks.check_counts(dataset, config.model.likelihood, config.model.library_size)
        task = make_task(config, dataset.spec, num_rows(dataset.train))
        check_columns(config, task.model, dataset)
        group = Group(number, members, config, dataset, task)
        check_size(group)
        check_selection(group)
        check_cycles(group)
        return group

    return [make_group(number, members) for number, members in plan.groups.items()]


def check_columns(config: Config, model: Autoencoder, dataset: Dataset) -> None:
    """Raises UserError if the data lack a column that the model's loss reads."""
    if missing := [name for name in model.columns if name not in dataset.train]:
        raise UserError(
            f"model.name={config.model.name} needs `{missing[0]}`, which data.name={config.data.name} does not have "
            f"(it has {', '.join(dataset.train)}): choose other data or another model.name"
        )


def check_selection(group: Group) -> None:
    """Raises UserError if `train.keep` or `train.patience` need validation rows or a metric that do not exist."""
    asked = group.config.train
    if not selection.is_asked(asked):
        return
    key = "train.keep=best" if asked.keep == "best" else f"train.patience={asked.patience}"
    if not num_rows(group.dataset.valid):
        raise UserError(f"{key} needs validation rows, and there are none: set data.valid_fraction above 0")
    hp = jax.tree.map(lambda leaf: leaf[0], hparams(group.members[:1]))
    state = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape[1:], a.dtype), state_shapes(group.task, group.members))
    valid = shapes(group.dataset.valid)
    known = jax.eval_shape(lambda *member: averages.measure(group.task, *member), state, hp, valid)
    if asked.monitor not in known:
        names = ", ".join(name for name in (*LOW, *HIGH) if name in known)
        raise UserError(
            f"train.monitor={asked.monitor} is not a metric of model.name={group.config.model.name}: use one of {names}"
        )


def check_size(group: Group) -> None:
    """Raises UserError if the states, the rows and a layer do not fit in memory: of the devices, or the host's.

    It will take more than this, so a training that passes may still be too large.
    """
    task, config, devices = group.task, group.config, min(jax.device_count(), len(group.members))
    block = max(config.train.lanes, 1) * devices
    state = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state_shapes(task, group.members[:1])))
    layer = widest_layer(config)
    padded = -(-len(group.members) // block) * block
    needed = padded * (state + 4 * task.num_rows) + block * layer + num_bytes(group.dataset)
    stats = jax.local_devices()[0].memory_stats() or {}
    here = stats["bytes_limit"] * devices if "bytes_limit" in stats else environment.host_memory()
    if needed > here:
        raise UserError(
            f"group {group.number} needs at least {needed / 1e9:,.1f} GB of memory, and there are {here / 1e9:,.1f}: "
            f"{padded} states of {state / 1e9:,.3g} GB, {block} times {layer / 1e9:,.3g} GB of a layer in a step, and "
            f"the rows; lower {', '.join(['model.latent_dim', 'model.hidden', 'train.batch_size', *draws_of(config)])} "
            "or train.lanes, or --shard a sweep"
        )


def draws_of(config: Config) -> dict[str, int]:
    """The keys that multiply the rows of a batch in the model, with their values."""
    leaves = configs.flatten(config)
    keys = ("model.num_samples", "model.num_bounds", "model.negative_ratio")
    return {path: leaves[path] for path in keys if not configs.without_effect(leaves, path)}


def widest_layer(config: Config) -> int:
    """The bytes of a batch's activations in the widest dense layer."""
    model, leaves = config.model, configs.flatten(config)
    hidden = () if configs.without_effect(leaves, "model.hidden") else model.hidden
    return 4 * max([model.latent_dim, *hidden]) * config.train.batch_size * math.prod(draws_of(config).values())


def check_cycles(group: Group) -> None:
    """Raises UserError for a cycle of a weight that never ends its warm-up or has none, or that patience waits for."""
    asked: Any = hparams(group.members).objective
    if "beta_cycle" not in asked:
        return
    for cycle, warmup in zip(asked["beta_cycle"].tolist(), asked["beta_warmup"].tolist(), strict=True):
        if cycle and not 0 < warmup < cycle:
            raise UserError(
                f"objective.beta_cycle={cycle:g} repeats a warm-up of objective.beta_warmup={warmup:g} steps: give a "
                "warm-up above 0 and below the cycle"
            )
        if cycle and group.config.train.patience:
            raise UserError(
                f"train.patience={group.config.train.patience} counts no epochs of a warm-up, and "
                f"objective.beta_cycle={cycle:g} repeats it to the end: set one of them to 0"
            )


def total_steps(task: Task, config: Config) -> int:
    """The steps of a whole training; 0 for a model in closed form."""
    return 0 if task.model.fit else task.steps_per_epoch * config.train.epochs


def num_rows(split: dict[str, Any]) -> int:
    """The number of rows of a split."""
    return sparse.num_rows(next(iter(split.values())))


def shapes(split: dict[str, Any]) -> dict[str, jax.ShapeDtypeStruct]:
    """The rows of a split as they lie on the device: without values, and dense."""
    return {name: jax.ShapeDtypeStruct(values.shape, values.dtype) for name, values in split.items()}


def num_bytes(dataset: Dataset) -> int:
    """The bytes of the training and validation rows on the device."""
    return sum(leaf.size * leaf.dtype.itemsize for split in dataset[:2] for leaf in shapes(split).values())


def what_was_read(groups: list[Group]) -> list[str]:
    """What was understood of each data set, line by line; of sparse rows, also what of them goes to the device."""
    lines = []
    for group in groups:
        dataset = group.dataset
        lines += summary.lines(dataset, group.config.data)
        if sparse.is_sparse(x := dataset.train.get("x", ())):
            rows = num_rows(dataset.train) + num_rows(dataset.valid)
            size = f"{rows} x {x.shape[1]} {x.dtype}, {num_bytes(dataset) / 1e6:.1f} MB"
            lines.append(f"the sparse rows are dense on the device: {size}")
    return list(dict.fromkeys(lines))


def make_task(config: Config, spec: Spec, num_rows: int) -> Task:
    """The task of a config with `num_rows` training rows; raises UserError for settings that do not fit the data."""
    model = models.make(config.model, spec)
    if config.train.batch_size > num_rows and not model.fit:
        raise UserError(
            f"train.batch_size={config.train.batch_size} is more than the {num_rows} training rows: "
            f"use at most {num_rows}"
        )
    total_steps = num_rows // config.train.batch_size * config.train.epochs
    if total_steps > configs.LARGEST_INTEGER and not model.fit:
        raise UserError(
            f"train.epochs={config.train.epochs} is {total_steps} steps: at most {configs.LARGEST_INTEGER} are possible"
        )
    return Task(
        model=model,
        loss=models.make(config.model, spec, config.train.precision).loss,
        optimizer=optimizers.make(config.optimizer.name, config.optimizer.schedule, total_steps),
        preprocess=preprocess.make(config.data.binarization, spec),
        grey_images=spec.kind == "image" and spec.bounded,
        num_rows=num_rows,
        batch_size=min(config.train.batch_size, num_rows),  # a closed form takes all rows, also if there are fewer
        evaluate_batch_size=config.evaluate.batch_size,
        mean=spec.mean,
    )


def hparams(members: list[Member]) -> HParams:
    """The traced hyper-parameters of all members: numpy arrays [M]."""

    def stack(section: str, values: dict[str, Any]) -> dict[str, Any]:
        return {
            name: np.array([member.swept.get(f"{section}.{name}", value) for member in members], np.float32)
            for name, value in values.items()
            if isinstance(value, float)
        }

    first: Any = members[0].config  # what is read depends on static values only, which all share
    seeds: Any = np.array([member.swept.get("seed", first.seed) for member in members], np.uint32)
    return HParams(
        seed=seeds,
        objective=stack("objective", configs.objective_of(first)),
        optimizer=stack("optimizer", dict(first.optimizer.items())),
    )


def compile_group(group: Group, lanes: int) -> Programs:
    """Compiles a group's programs (init, train, evaluate) for blocks of `lanes` members, and runs init.

    The programs compile side by side, because XLA takes one core for each and releases Python's lock.
    """
    task, mesh, can_stop = group.task, sweep.make_mesh(len(group.members)), group.config.train.patience > 0
    hp = sweep.pad(hparams(group.members), mesh, lanes)
    rows, valid = sweep.replicate((group.dataset.train, group.dataset.valid), mesh)

    def init_member(_, hp, rows):
        return (), train.init_state(task, hp, rows)

    def train_member(carry, member, rows, *steps):
        hp, stopped = member

        def chunk(carry):
            return train.train_chunk(task, carry, hp, rows, *steps)

        return lax.cond(stopped < 0, chunk, lambda carry: carry, carry) if can_stop else chunk(carry), ()

    names, zeros = metric_names(group), np.zeros(len(hp.seed), np.float32)

    def zero_totals():
        return sweep.pad({name: zeros for name in names}, mesh, lanes)

    order = sweep.pad(np.zeros((len(hp.seed), task.num_rows), np.int32), mesh, lanes)
    options = RUNS_ONCE if jax.default_backend() == "cpu" else None
    init = sweep.Mapped(mesh, lanes, init_member, (), hp, rows, options=options)
    state = init.out_info[1]
    carry, members = (state, zero_totals(), order), (hp, state.step if can_stop else ())
    steps = np.int32(0), np.int32(0), np.bool_(True)
    chunk = sweep.Mapped(mesh, lanes, train_member, carry, members, rows, *steps)
    evaluate = None
    if num_rows(group.dataset.valid):
        evaluate = compile_evaluate(group, mesh, lanes, state, valid, averages.measure)

    def train_steps(carry, start, stop, is_first):
        """Trains without what is kept: the program, and so its bits, do not depend on it."""
        state, *others = carry
        members = hp, state.kept.stopped if can_stop else ()
        steps = np.int32(start), np.int32(stop), np.bool_(is_first)
        (state_after, *others), _ = chunk((state._replace(kept=()), *others), members, rows, *steps)
        return state_after._replace(kept=state.kept), *others

    begin, select = (partial(step, group.config.train) for step in (selection.begin, selection.select))
    members = partial(jax.jit, out_shardings=NamedSharding(mesh, P("sweep")))  # else constants are on every device
    select = members(jax.vmap(partial(select, task.steps_per_epoch)), donate_argnums=1)
    _, begun = init((), hp, rows)
    return Programs(
        mesh=mesh,
        lanes=lanes,
        state=members(jax.vmap(begin))(begun) if selection.is_asked(group.config.train) else begun,
        order=order,
        train=train_steps,
        evaluate=evaluate,
        zero_totals=zero_totals,
        select=partial(select, hp),
    )


def compile_evaluate(
    group: Group,
    mesh: jax.sharding.Mesh,
    lanes: int,
    state: TrainState,
    rows: dict[str, jax.Array],
    measure: Callable[[Task, TrainState, HParams, dict[str, jax.Array]], dict[str, jax.Array]],
) -> Callable[[TrainState], dict[str, jax.Array]]:
    """Compiles `measure`, a function of one member and `rows`, for all members; returns a function of their state."""
    hp = sweep.pad(hparams(group.members), mesh, lanes)

    def evaluate_member(_, member, rows):
        state, hp = member
        return (), measure(group.task, state, hp, rows)

    evaluate = sweep.Mapped(mesh, lanes, evaluate_member, (), (state._replace(kept=()), hp), rows)
    return lambda state: evaluate((), (state._replace(kept=()), hp), rows)[1]


def state_shapes(task: Task, members: list[Member]) -> TrainState:
    """The shapes and dtypes of the saved state of all members."""
    hp = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((), leaf.dtype), hparams(members[:1]))
    untrained = task._replace(model=task.model._replace(fit=None))  # has the same shapes but needs no rows
    begin = members[0].config.train
    state = jax.eval_shape(lambda hp: selection.begin(begin, train.init_state(untrained, hp, {})), hp)
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((len(members), *leaf.shape), leaf.dtype), state)


def metric_names(group: Group) -> list[str]:
    """The metrics of a training step, found by tracing it."""
    hp = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((), leaf.dtype), hparams(group.members[:1]))
    batch = {
        name: jax.ShapeDtypeStruct((group.task.batch_size, *values.shape[1:]), values.dtype)
        for name, values in group.dataset.train.items()
    }

    def step(hp, batch):
        return train.train_step(group.task, train.init_state(group.task, hp, batch), hp, batch)[1]

    return list(jax.eval_shape(step, hp, batch))


def lane_memory(group: Group) -> tuple[int, int]:
    """Bytes of one member's state, and of the temporaries that each lane adds in training; compiles a step to know."""
    one = group._replace(members=group.members[:1])
    hp = jax.tree.map(lambda leaf: leaf[0], hparams(one.members))
    state = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape[1:], a.dtype), state_shapes(group.task, one.members))
    totals = {name: jax.ShapeDtypeStruct((), jnp.float32) for name in metric_names(one)}
    order = jax.ShapeDtypeStruct((group.task.num_rows,), jnp.int32)
    step, held, rows = np.int32(0), jax.tree.leaves((state, order)), shapes(group.dataset.train)
    program = jax.jit(lambda *arguments: train.train_chunk(group.task, *arguments), donate_argnums=0)
    program = program.lower((state._replace(kept=()), totals, order), hp, rows, step, step, np.bool_(True)).compile()
    analysis: Any = program.memory_analysis()
    return sum(leaf.size * leaf.dtype.itemsize for leaf in held), analysis.temp_size_in_bytes


def resolve_lanes(group: Group) -> int:
    """`train.lanes`; if it is 0, one lane on CPU, else as many as fit in 0.8 of a device's memory."""
    if group.config.train.lanes or jax.default_backend() == "cpu":
        return group.config.train.lanes or 1
    stats = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" not in stats:
        return 1
    members = -(-len(group.members) // min(len(group.members), jax.device_count()))
    return fit_lanes(0.8 * stats["bytes_limit"] - num_bytes(group.dataset), *lane_memory(group), members)


def fit_lanes(free: float, state: int, temporary: int, members: int) -> int:
    """The most lanes that fit in `free` bytes: all states stay resident; a lane adds temporaries and a state's copy."""
    return int(np.clip((free - members * state) // (temporary + state), 1, members))
