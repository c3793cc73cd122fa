"""The files that describe a run, and what binds them to its checkpoints.

config.json, data.json and each entry of environment.json hold the sha256 of their content. config.json also holds that
of data.json, and each checkpoint holds that of config.json and of its group's lines of metrics.jsonl. So a file that is
damaged, or another run's, is found before it is used. A run directory may be copied and moved.
"""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from aejax import config as configs
from aejax import data, records
from aejax.engine import checkpoint, environment, programs
from aejax.engine.programs import Group
from aejax.errors import UserError
from aejax.plan import Plan
from aejax.types import TrainState

Say = Callable[[str], None]
Sealed = dict[int, tuple[int, dict[str, Any]]]  # for each group, its newest undamaged step and the seal of that step

CONFIG, DATA, ENVIRONMENT, METRICS = "config.json", "data.json", "environment.json", "metrics.jsonl"


def check_plan(directory: Path, plan: Plan) -> None:
    """Raises UserError if a directory holds a run of another plan; a damaged config.json is left to `open_run`."""
    try:
        known = Plan.read(directory) if (directory / CONFIG).exists() else plan
    except records.Damaged:
        return
    if change := known.difference(plan):
        raise UserError(f"{directory} holds another run ({change}): choose another --workdir, or restore its settings")


def newest_seals(directory: Path, groups: list[Group], say: Say) -> Sealed:
    """The newest undamaged step of every group that has one."""
    found = {group.number: checkpoint.newest(checkpoint.of_group(directory, group.number), say) for group in groups}
    return {number: seal for number, seal in found.items() if seal}


def open_run(directory: Path, plan: Plan, groups: list[Group], sealed: Sealed, say: Say) -> dict[str, Any]:
    """Writes the files that describe a new run, or checks those of an old one; returns the content of config.json.

    A file that is damaged or missing is made anew, and named, if the checkpoints show that it held the same. Raises
    UserError if the data have changed, or if a file or checkpoint is of another run.
    """
    facts = {
        str(group.number): {
            "sha256": group.dataset.sha256,
            "rows": {split: programs.num_rows(getattr(group.dataset, split)) for split in data.SPLITS},
            "spec": data.spec_to_json(group.dataset.spec),
        }
        for group in groups
    }
    described, config = (read(directory / name, say) for name in (DATA, CONFIG))
    for number, fact in (described or {}).items():
        if fact["sha256"] != facts[number]["sha256"]:
            raise UserError(f"the data of {directory} have changed since the run began: choose another --workdir")
    is_new = config is None
    if config is None:
        lanes = {str(group.number): programs.resolve_lanes(group) for group in groups}
        config = {**plan.to_json(), "lanes": lanes, "data": records.digest(facts)}
    check_data(directory, config, described or facts)
    for group in groups:
        step, seal = sealed.get(group.number, (-1, {}))
        check_seal(directory, config, seal)
        check_lines(directory, [member.index for member in group.members], step, seal, say)
    if described is None:
        records.write_json(directory / DATA, records.sealed(facts))
    note_environment(directory / ENVIRONMENT, say)
    if is_new:
        records.write_json(directory / CONFIG, records.sealed(config))  # last: it marks the others as complete
    return config


def read(path: Path, say: Say) -> Any:
    """The content of a JSON file; None if there is none, or if it is damaged, which is said."""
    try:
        return records.read_json(path) if path.exists() else None
    except records.Damaged as damage:
        say(f"{damage}; it is made anew")
        return None


def note_environment(path: Path, say: Say) -> None:
    """Adds the environment to environment.json, and says so, if it differs from the last one there."""
    history, current = read(path, say) or [], environment.describe()
    if history and (change := configs.difference(history[-1], current)):
        say(f"the environment has changed, bits may differ from here on: {change}")
    if not history or history[-1] != current:
        records.write_json(path, [records.sealed(entry) for entry in (*history, current)])


def check_data(directory: Path, config: dict[str, Any], facts: dict[str, Any]) -> None:
    """Raises UserError if data.json is not the one that config.json names; runs from before it did pass."""
    if config.get("data") not in (None, records.digest(facts)):
        raise UserError(f"{directory / DATA} is not that of this run: restore it, or choose another --workdir")


def check_seal(directory: Path, config: dict[str, Any], seal: dict[str, Any]) -> None:
    """Raises UserError if a checkpoint is not of the run that config.json describes; old seals name no run and pass."""
    if seal.get("run") not in (None, records.digest(config)):
        raise UserError(
            f"{directory / CONFIG} is not the one with which {directory / 'checkpoints'} were trained: restore it, or "
            "choose another --workdir"
        )


def check_lines(directory: Path, members: Collection[int], step: int, seal: dict[str, Any], say: Say) -> None:
    """Raises UserError if the members' lines of metrics.jsonl up to a step are not those that its seal names.

    A file that somebody deleted is only said to be missing: nothing but curves depends on it.
    """
    path = directory / METRICS
    if "lines" in seal and not path.exists():
        say(f"{path} is missing: there are no curves of the steps up to {step}")
    elif "lines" in seal and lines_digest(path, members, step).hexdigest() != seal["lines"]:
        raise UserError(
            f"{path} differs from what was sealed at step {step}: restore it, or delete it to go on without these rows"
        )


def lines_digest(path: Path, members: Collection[int], step: int) -> Any:
    """The sha256 of the members' lines of metrics.jsonl up to a step, to be updated with the lines that follow."""
    return records.lines_digest(path, lambda row: row["member"] in members and row["step"] <= step)


def newest_state(directory: Path, group: int, like: TrainState) -> tuple[int, TrainState, dict[str, Any]]:
    """The newest undamaged step of a group, its state as numpy arrays, and its seal.

    Raises UserError if there is none, or if it is not of the run that config.json and data.json describe.
    """
    found = checkpoint.newest(checkpoint.of_group(directory, group), print)
    if not found:
        raise UserError(f"{directory} has no undamaged checkpoint of group {group}: train it first")
    step, seal = found
    config = records.read_json(directory / CONFIG)
    check_data(directory, config, records.read_json(directory / DATA))
    check_seal(directory, config, seal)
    return step, checkpoint.restore(checkpoint.of_group(directory, group), step, like), seal
