"""The only host loop: a config and its sweep to a run directory, resumed wherever it was left.

A run of one member is a sweep without axes. Rows of metrics and saves fall on steps that the config fixes; wall time
moves the progress bar only. Whatever happens, the same command ends on the same bits.
"""

import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
from tqdm import tqdm

from aejax import axes, checkpoint, data, environment, programs, records, sweep
from aejax import config as configs
from aejax.config import Config
from aejax.errors import Interrupted, UserError
from aejax.metrics import headlines
from aejax.programs import Group

CHUNK_SECONDS = 1.0  # how long the device works before the host looks at signals and moves the progress bar


def say(message: str) -> None:
    """Prints a line to stderr, above the progress bar if there is one."""
    tqdm.write(message, file=sys.stderr)


def run(
    config: Config,
    workdir: str | Path,
    sweep_axes: list[axes.Axis] | None = None,
    zipped: bool = False,
    shard: str = "",
) -> Path:
    """Trains all members of a sweep (one without axes), or one shard of them; returns the run directory.

    Raises UserError for input that cannot be used, before anything is written; Interrupted after a signal.
    """
    sweep_axes = sweep_axes or []
    members = axes.members(config, sweep_axes, zipped)
    members = axes.shard(members, shard) if shard else members
    directory = axes.run_directory(workdir, shard)
    plan = {
        "config": configs.to_json(config),
        "axes": [{"path": axis.path, "values": list(axis.values)} for axis in sweep_axes],
        "zip": zipped,
        "shard": shard,
    }
    check_plan(directory, plan)
    groups = programs.make_groups(members)
    with records.lock(directory), stop_signals() as stopped:
        lanes = open_directory(directory, plan, groups)
        statuses, length = {member.index: "waiting" for member in members}, 0
        for group in groups:
            length = train_group(group, lanes[str(group.number)], directory, length, statuses, stopped)
    counts = ", ".join(f"{number} {status}" for status, number in Counter(statuses.values()).items())
    say(f"{directory} is trained: {counts}; test it with python -m experiments.evaluate --workdir={workdir}")
    return directory


def check_plan(directory: Path, plan: dict[str, Any]) -> None:
    """Raises UserError with the difference if a directory holds the run of another plan."""
    path = directory / "config.json"
    if not path.exists():
        return
    old = records.read_json(path)

    def flat(plan: dict[str, Any]) -> dict[str, Any]:
        sweeps = {f"--sweep {axis['path']}": axis["values"] for axis in plan["axes"]}
        leaves = configs.flatten(configs.from_json(plan["config"]))
        return leaves | sweeps | {"--zip": plan["zip"], "--shard": plan["shard"]}

    if change := configs.difference(flat(old), flat(plan)):
        raise UserError(f"{directory} holds another run ({change}): choose another --workdir, or those settings")


def open_directory(directory: Path, plan: dict[str, Any], groups: list[Group]) -> dict[str, int]:
    """Writes what describes a run, or checks it against what was written; returns the lanes of every group."""
    path = directory / "config.json"
    facts = {
        str(group.number): {
            "sha256": group.dataset.sha256,
            "rows": {split: programs.num_rows(getattr(group.dataset, split)) for split in data.SPLITS},
            "spec": data.spec_to_json(group.dataset.spec),
        }
        for group in groups
    }
    current = environment.describe()
    if path.exists():
        known = records.read_json(directory / "data.json")
        for number, fact in facts.items():
            if known[number]["sha256"] != fact["sha256"]:
                raise UserError(f"the data of {directory} have changed since the run began: choose another --workdir")
        history = records.read_json(directory / "environment.json")
        if change := configs.difference(history[-1], current):
            say(f"the environment has changed, bits may differ from here on: {change}")
            records.write_json(directory / "environment.json", [*history, current])
        return records.read_json(path)["lanes"]
    lanes = {str(group.number): programs.resolve_lanes(group) for group in groups}
    rows = [
        {"member": member.index, "group": member.group, "seed": member.config.seed, **member.swept, "status": "waiting"}
        for member in sorted((member for group in groups for member in group.members), key=lambda m: m.index)
    ]
    records.write_csv(directory / "members.csv", rows)
    records.write_json(directory / "data.json", facts)
    records.write_json(directory / "environment.json", [current])
    records.write_json(path, {**plan, "lanes": lanes})  # last: its presence says that the others are whole
    return lanes


def train_group(
    group: Group, lanes: int, directory: Path, length: int, statuses: dict[int, str], stopped: list[int]
) -> int:
    """Trains a group to its last step from its newest good checkpoint; returns the length of metrics.jsonl."""
    checkpoints, metrics = directory / "checkpoints" / str(group.number), directory / "metrics.jsonl"
    num_members, total = len(group.members), group.total_steps
    saved, seal = checkpoint.newest(checkpoints, say) or (-1, {"metrics_bytes": length, "diverged": []})
    length = seal["metrics_bytes"]
    if saved == total:
        update_members(directory, group, statuses, seal["diverged"], "done")
        return length
    records.cut(metrics, length)
    compiled = programs.compile_group(group, lanes)
    state, step, last_row = compiled.state, max(saved, 0), max(saved, 0)
    if step:
        like = programs.state_shapes(group.task, group.members)
        state = sweep.pad(checkpoint.restore(checkpoints, step, like), compiled.mesh, lanes)
        say(f"group {group.number} resumes at step {step} of {total}")
    totals, chunk = compiled.zero_totals(), 1
    with checkpoint.saver(checkpoints) as save, progress(group, step) as show:
        while saved < total:
            row = next_visit(group, step, group.config.log.every_epochs)
            if step < row:
                stop, started = min(row, step + chunk), time.monotonic()
                state, totals = jax.block_until_ready(compiled.train((state, totals), step, stop))
                chunk = max(1, int((stop - step) * CHUNK_SECONDS / (time.monotonic() - started)))
                step = stop
                show(step, "")
            if step == row:
                rows = metric_rows(group, compiled, state, totals, step, step - last_row)
                show(step, describe(rows))
                length = records.append_lines(metrics, rows)
                diverged = np.asarray(state.diverged)[:num_members].tolist()
                update_members(directory, group, statuses, diverged, "done" if step == total else "running")
                if step >= next_visit(group, max(saved, 0), group.config.train.save_every_epochs):
                    save(step, sweep.unpad(state, num_members), {"metrics_bytes": length, "diverged": diverged})
                    saved = step
                totals, last_row = compiled.zero_totals(), step
            if stopped and step < total:
                name = signal.Signals(stopped[0]).name
                kept = f"saved at step {saved}, the same command resumes"
                kept = kept if saved >= 0 else "nothing is saved yet, the same command starts anew"
                raise Interrupted(stopped[0], f"{name} at step {step}: {kept}")
    return length


def next_visit(group: Group, step: int, every_epochs: int) -> int:
    """The next step at which every `every_epochs`-th epoch, or the training, ends."""
    period = max(group.task.steps_per_epoch, 1) * every_epochs
    return min((step // period + 1) * period, group.total_steps)


def metric_rows(
    group: Group, compiled: programs.Programs, state: Any, totals: Any, step: int, steps: int
) -> list[dict[str, Any]]:
    """The rows of a visit: of every member the means over the training steps since the last, then those on valid."""
    splits = {"train": {name: np.asarray(value) / steps for name, value in totals.items()}} if steps else {}
    if compiled.evaluate:
        splits["valid"] = {name: np.asarray(value) for name, value in compiled.evaluate(state).items()}
    place = {"step": step, "epoch": step / max(group.task.steps_per_epoch, 1)}
    return [
        {"member": member.index, **place, "split": split} | {name: value[lane].item() for name, value in values.items()}
        for split, values in splits.items()
        for lane, member in enumerate(group.members)
    ]


def describe(rows: list[dict[str, Any]]) -> str:
    """The means over the finite members, if there are any, of the last split's metrics, on one line."""
    if not rows:
        return "fitted"
    rows = [row for row in rows if row["split"] == rows[-1]["split"]]
    names = headlines(rows[0])
    healthy = [row for row in rows if all(np.isfinite(row[name]) for name in names)] or rows
    means = ", ".join(f"{name} {np.mean([row[name] for row in healthy]):.4g}" for name in names)
    others = f", {len(rows) - len(healthy)} not finite" if len(healthy) < len(rows) else ""
    return f"{rows[0]['split']} {means}" + (f" (mean of {len(healthy)} members{others})" if len(rows) > 1 else "")


def update_members(directory: Path, group: Group, statuses: dict[int, str], diverged: list[int], other: str) -> None:
    """Writes members.csv with the group's statuses brought up to date; groups still to come are "waiting"."""
    for member, step in zip(group.members, diverged, strict=True):
        statuses[member.index] = f"diverged at step {step}" if step >= 0 else other
    rows = records.read_csv(directory / "members.csv")
    for row in rows:
        row["status"] = statuses[int(row["member"])]
    records.write_csv(directory / "members.csv", rows)


@contextmanager
def progress(group: Group, step: int) -> Iterator[Callable[[int, str], None]]:
    """Yields show(step, metrics): a bar with the time to go on a terminal, else a line whenever there are metrics."""
    per_epoch, total = max(group.task.steps_per_epoch, 1), group.total_steps
    with tqdm(total=total, initial=step, unit="step", desc=f"group {group.number}", disable=None) as bar:

        def show(step: int, metrics: str) -> None:
            bar.update(step - bar.n)
            if metrics and bar.disable:
                say(f"group {group.number} epoch {step / per_epoch:g} of {total / per_epoch:g}: {metrics}")
            elif metrics:
                bar.set_postfix_str(metrics)

        yield show


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Yields a list that the first SIGINT or SIGTERM is put in; a second one ends the process at once."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def receive(number, frame):
        received.append(number)
        signal.signal(number, before[number])

    before = {number: signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
