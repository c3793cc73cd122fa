"""The host loop: trains a plan into a run directory; resumes interrupted runs.

A run of one member is a sweep without axes. The config alone fixes the steps at which metrics are written. Wall time
moves the progress bar and decides on saves; a save within an epoch keeps the running totals of the metrics, and what a
run computes does not depend on where it was saved. So the same command ends on the same bits, interrupted or not.
"""

import math
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from aejax import records, tensorboard
from aejax.data.types import Dataset
from aejax.engine import checkpoint, programs, selection, sweep
from aejax.engine.directory import METRICS, check_plan, lines_digest, newest_seals, open_run
from aejax.engine.programs import Group, Programs
from aejax.engine.progress import progress, say
from aejax.errors import Interrupted
from aejax.plan import Plan, check_beside
from aejax.types import TrainState

SAVE_SECONDS = 10.0  # a save takes a tenth of a second: as long as several epochs of a small run
CHUNK_SECONDS = 3.0  # how long the device works before the host looks at signals and moves the progress bar
# SLURM sends one of the first three before it takes a machine away; the last says that the terminal is closed.
STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)


def run(plan: Plan, workdir: str | Path, dataset: Dataset | None = None) -> Path:
    """Trains the members of a plan that are not trained yet; returns the run directory.

    Loads the data that the config names, unless `dataset` is given. Raises UserError for unusable input, before
    anything is written, and Interrupted after a signal.
    """
    directory = plan.directory(workdir)
    check_beside(Path(workdir), plan)
    check_plan(directory, plan)
    tensorboard.check(plan)
    groups = programs.make_groups(plan, dataset)
    statuses = {member.index: "waiting" for member in plan.members}
    with records.lock(directory), stop_signals() as stopped:
        sealed = newest_seals(directory, groups, say)
        config = open_run(directory, plan, groups, sealed, say)
        write_members(directory, plan, statuses)
        for line in programs.what_was_read(groups):
            say(line)
        for group in groups:
            update = partial(update_members, directory, plan, statuses, group)
            train_group(group, config, directory, sealed.get(group.number, (-1, {})), update, stopped)
    words = [status.partition(",")[0] for status in statuses.values()]
    counts = ", ".join(f"{number} {status}" for status, number in Counter(words).items())
    say(f"{directory} is trained: {counts}")
    return directory


def train_group(
    group: Group,
    config: dict[str, Any],
    directory: Path,
    newest: tuple[int, dict[str, Any]],
    update: Callable[[dict[str, Any], bool], Mapping[int, str]],
    stopped: list[int],
) -> None:
    """Trains a group from its newest step and seal to its last step; drops later rows of metrics.jsonl first."""
    checkpoints, metrics = checkpoint.of_group(directory, group.number), directory / METRICS
    num_members, total, (saved, facts) = len(group.members), group.total_steps, newest
    if saved == total or selection.all_stopped(facts):
        update(facts, True)
        return
    mine = {member.index for member in group.members}
    records.keep_lines(metrics, lambda row: row["member"] not in mine or row["step"] <= saved)
    lines, run_digest = lines_digest(metrics, mine, saved), records.digest(config)
    compiled = programs.compile_group(group, config["lanes"][str(group.number)])
    state, totals, step = restored(group, compiled, checkpoints, saved, facts)
    train, next_save, latest_save = trainer(compiled), 0.0, latest(group)
    mirrored = tensorboard.mirrored(metrics, group.members)
    with checkpoint.saver(checkpoints) as save, progress(group, step) as show, mirrored as mirror:

        def seal(step: int, state: TrainState, facts: dict[str, Any]) -> None:
            save(step, sweep.unpad(state, num_members), {**facts, "run": run_digest, "lines": lines.hexdigest()})

        for last_visit, visit, is_save in visits(group, step):
            while step < visit:
                if step > max(saved, 0) and (stopped or time.monotonic() >= latest_save):
                    sums = {name: values.tolist() for name, values in sweep.unpad(totals, num_members).items()}
                    seal(step, state, {**selection.facts(without_trees(state, num_members)), "totals": sums})
                    saved, latest_save = step, latest(group)
                if stopped:
                    raise interrupted(stopped[0], step, saved)
                state, totals, step = train(state, totals, step, visit)
                show(step)
            measured = compiled.evaluate(state) if compiled.evaluate else {}
            rows = metric_rows(group, state, totals, measured, step, step - last_visit)
            lines.update(records.append_lines(metrics, rows))
            mirror(rows)
            totals = compiled.zero_totals()
            if state.kept:
                state = compiled.select(state, measured[group.config.train.monitor])
            facts = selection.facts(without_trees(state, num_members))
            is_done = step == total or selection.all_stopped(facts)
            show(step, rows, update(facts, is_done))
            if is_done or (is_save and time.monotonic() >= next_save):
                seal(step, state, facts)
                saved, next_save, latest_save = step, time.monotonic() + SAVE_SECONDS, latest(group)
            if is_done:
                return


def latest(group: Group) -> float:
    """The time at which the next save is due, wherever the training stands."""
    minutes = group.config.train.save_every_minutes
    return time.monotonic() + 60 * minutes if minutes else math.inf


def without_trees(state: TrainState, num_members: int) -> TrainState:
    """The small parts of the members' states, as numpy."""
    return sweep.unpad(state._replace(params=(), stats=(), opt_state=()), num_members)


def restored(
    group: Group, compiled: Programs, checkpoints: Path, saved: int, seal: dict[str, Any]
) -> tuple[TrainState, Any, int]:
    """The padded state and totals of the saved step, and that step; those before the first step if none is saved."""
    if saved <= 0:
        return compiled.state, compiled.zero_totals(), 0
    like = programs.state_shapes(group.task, group.members)
    state = sweep.pad(checkpoint.restore(checkpoints, saved, like), compiled.mesh, compiled.lanes)
    say(f"group {group.number} resumes at step {saved} of {group.total_steps}")
    if "totals" not in seal:
        return state, compiled.zero_totals(), saved
    totals = {name: np.array(values, np.float32) for name, values in seal["totals"].items()}
    return state, sweep.pad(totals, compiled.mesh, compiled.lanes), saved


def visits(group: Group, start: int) -> Iterator[tuple[int, int, bool]]:
    """The visits after the step `start`: the step of the one before, its own, and whether a save is due there too.

    The config alone fixes the steps of visits; at each, metrics are written.
    """
    every_epochs, total = group.config.log.every_epochs, group.total_steps
    step = start // period(group, every_epochs) * period(group, every_epochs)
    while True:
        before, step = step, next_end(group, step, every_epochs)
        yield before, step, step >= next_end(group, before, group.config.train.save_every_epochs)
        if step == total:
            return


def period(group: Group, every_epochs: int) -> int:
    """The steps of so many epochs; 1 for a model in closed form."""
    return max(group.task.steps_per_epoch, 1) * every_epochs


def next_end(group: Group, step: int, every_epochs: int) -> int:
    """The next step that ends an `every_epochs`-th epoch, or the training."""
    steps = period(group, every_epochs)
    return min((step // steps + 1) * steps, group.total_steps)


def trainer(compiled: Programs) -> Callable[[Any, Any, int, int], tuple[Any, Any, int]]:
    """train(state, totals, step, stop) -> (state, totals, step), which runs for CHUNK_SECONDS, at most to `stop`."""
    chunk, order, is_first = 1, compiled.order, True

    def train(state, totals, step, stop):
        nonlocal chunk, order, is_first
        end, started = min(stop, step + chunk), time.monotonic()
        state, totals, order = jax.block_until_ready(compiled.train((state, totals, order), step, end, is_first))
        is_first = False
        chunk = max(1, int((end - step) * CHUNK_SECONDS / (time.monotonic() - started)))
        return state, totals, end

    return train


def interrupted(number: int, step: int, saved: int) -> Interrupted:
    """The exception that ends a run after a signal."""
    kept = "saved; the same command resumes" if saved == step else "no step is done yet; the same command starts over"
    return Interrupted(number, f"{signal.Signals(number).name} at step {step}: {kept}")


def metric_rows(group: Group, state: Any, totals: Any, measured: Any, step: int, steps: int) -> list[dict[str, Any]]:
    """The rows of a visit: the training means since the last one, then the validation means, of members that train."""
    splits = {"train": {name: np.asarray(value) / steps for name, value in totals.items()}} if steps else {}
    if measured:
        splits["valid"] = {name: np.asarray(value) for name, value in measured.items()}
    place = {"step": step, "epoch": step / max(group.task.steps_per_epoch, 1)}
    reached = np.asarray(state.step)
    return [
        {"member": member.index, **place, "split": split} | {name: value[lane].item() for name, value in values.items()}
        for split, values in splits.items()
        for lane, member in enumerate(group.members)
        if reached[lane] == step
    ]


def update_members(
    directory: Path, plan: Plan, statuses: dict[int, str], group: Group, facts: dict[str, Any], is_done: bool
) -> dict[int, str]:
    """Updates the statuses of a group, and members.csv if one changes; members of later groups stay "waiting"."""
    before = dict(statuses)
    found = selection.statuses(facts, group.task.steps_per_epoch, is_done, "running")
    statuses.update(zip([member.index for member in group.members], found, strict=True))
    if statuses != before:
        write_members(directory, plan, statuses)
    return statuses


def write_members(directory: Path, plan: Plan, statuses: dict[int, str]) -> None:
    """Writes members.csv."""
    rows = [{**member.row, "status": statuses[member.index]} for member in plan.members]
    records.write_csv(directory / "members.csv", rows)


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Yields a list that receives the first of STOP; a second SIGINT, SIGTERM or SIGUSR1 ends the process at once.

    A SIGHUP that is ignored stays ignored: nohup asks for that.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    terminals = [stream for stream in (1, 2) if os.isatty(stream)]

    def receive(number, frame):
        received.append(number)
        signal.signal(number, before[number] if number != signal.SIGHUP else signal.SIG_IGN)  # a shell sends another
        if number == signal.SIGHUP:
            with open(os.devnull, "w") as nowhere:
                for stream in terminals:  # a write to a closed terminal fails
                    os.dup2(nowhere.fileno(), stream)

    before = {number: signal.getsignal(number) for number in STOP}
    for number, handler in before.items():
        if (number, handler) != (signal.SIGHUP, signal.SIG_IGN):
            signal.signal(number, receive)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
