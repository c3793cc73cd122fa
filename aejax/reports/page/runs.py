"""What a page shows of evaluated runs, read from their directories. Imports no jax."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from aejax import config as configs
from aejax import records
from aejax.errors import UserError
from aejax.metrics import METRICS, SEEDS
from aejax.plan import Member, Plan, parts, shards_of
from aejax.reports.settings import setting_name

Row = dict[str, Any]
COLUMNS = {"member", "seed", "status"}  # of results.csv, beside keys and metrics
COUNTS = {"n", "unfinished", "diverged"}  # of summary.csv


class Run(NamedTuple):
    """An evaluated run, or what is there of its shards."""

    name: str
    directory: Path
    plan: Plan  # of the whole sweep
    results: list[Row]  # of results.csv; numbers as numbers, None if they are missing or not finite
    summary: list[Row]  # of summary.csv, likewise
    visits: list[Row]  # of metrics.jsonl
    data: list[Row]  # of data.json: one for each group
    environment: Row  # the last of environment.json; {} if it is missing or damaged

    @property
    def members(self) -> list[Member]:
        """The members of the rows of `results`."""
        return [self.plan.sweep[int(row["member"])] for row in self.results]


class Setting(NamedTuple):
    """The members of a run that share their swept values, and their row of summary.csv."""

    run: Run
    label: str  # "β = 4"; the run's name before it if there are several; "" for the only setting of the only run
    config: dict[str, Any]  # the leaves of its members' config, but for the seed
    summary: Row
    results: list[Row]


def read(directory: Path) -> Run:
    """Reads an evaluated run; raises UserError that names the command to type if there is none."""
    if not (shards_of(directory) or (directory / "config.json").exists()):
        raise UserError(
            f"{directory} is not a run directory: it has no config.json; "
            f"`python -m experiments.train --config=RECIPE --workdir={directory}` trains one"
        )
    plans = parts(directory, partial=True)
    plan = next(iter(plans.values()))._replace(shard="")
    results, summary = (table(directory / f"{name}.csv") for name in ("results", "summary"))
    if not (results and summary):
        raise UserError(
            f"{directory} is not evaluated: type `python -m experiments.evaluate --workdir={directory}` first"
        )
    visits = [row for part in plans for row in records.read_lines(part / "metrics.jsonl", lambda row: "split" in row)]
    data = [entry for part in plans for entry in records.read_json(part / "data.json").values()]
    environment = environment_of(next(iter(plans)))
    run = Run(directory.resolve().name, directory, plan, results, summary, visits, data, environment)
    check(run)
    return run


def check(run: Run) -> None:
    """Raises Damaged unless results.csv and summary.csv are of this run and of one another."""
    try:
        found = {tuple(member.setting.values()) for member in run.members}
        ours = all(COLUMNS <= set(row) for row in run.results) and all(COUNTS <= set(row) for row in run.summary)
    except (IndexError, KeyError, ValueError):
        ours, found = False, ()
    if not ours or len(found) != len(run.summary):
        raise records.Damaged(run.directory / "results.csv", "its members are not those of the run or of summary.csv")


def read_all(directories: Sequence[Path]) -> list[Run]:
    """Reads several runs; those of the same name are told apart by their paths.

    Raises UserError for a run that is given twice, and as `read` does.
    """
    whole = [directory.resolve() for directory in directories]
    if repeated := [given for given, path in zip(directories, whole, strict=True) if whole.count(path) > 1]:
        raise UserError(f"{repeated[0]} is given twice: name each run once")
    found = [read(directory) for directory in directories]
    names = [run.name for run in found]
    return [run if names.count(run.name) == 1 else run._replace(name=str(run.directory)) for run in found]


def environment_of(directory: Path) -> Row:
    """The last entry of environment.json; {} if it is missing or damaged: only `train` needs it, and makes it anew."""
    try:
        return records.read_json(directory / "environment.json")[-1]
    except UserError:
        return {}


def table(path: Path) -> list[Row]:
    """The rows of a CSV; metrics and counts are numbers, or None if they are missing or not finite."""
    numbers = {*METRICS, *(f"{name}_sd" for name in METRICS), *SEEDS, *COUNTS}

    def value(name: str, text: str) -> Any:
        return number(text) if name in numbers else text

    try:
        return [{name: value(name, text) for name, text in row.items()} for row in records.read_csv(path)]
    except (TypeError, ValueError) as error:
        raise records.Damaged(path, error) from None


def number(text: str) -> float | None:
    """The number of a cell; None if it is empty or not finite."""
    value = float(text) if text else math.nan
    return value if math.isfinite(value) else None


def settings(runs: Sequence[Run]) -> list[Setting]:
    """The settings of all runs, in the order of their members."""
    return [setting for run in runs for setting in settings_of(run, len(runs) > 1)]


def settings_of(run: Run, named: bool) -> Iterator[Setting]:
    """The settings of a run, in the order of summary.csv; labels begin with the run's name if `named`."""
    groups: dict[tuple[Any, ...], list[tuple[Member, Row]]] = {}
    leaves = configs.flatten(run.plan.config)
    for member, row in zip(run.members, run.results, strict=True):
        groups.setdefault(tuple(member.setting.values()), []).append((member, row))
    for group, summary in zip(groups.values(), run.summary, strict=True):
        first = group[0][0]
        label = ", ".join(filter(None, [run.name * named, setting_name(first.setting)]))
        yield Setting(run, label, leaves | first.setting, summary, [row for _, row in group])


def swept_paths(found: Sequence[Setting]) -> list[str]:
    """The keys that tell settings apart: those that are swept, and those in which the runs differ."""
    runs = list({setting.run.directory: setting.run for setting in found}.values())
    swept = dict.fromkeys(axis.path for run in runs for axis in run.plan.axes if axis.path != "seed")
    first, *others = (configs.flatten(run.plan.config) for run in runs)
    differing = [path for path in first if any(other[path] != first[path] for other in others)]
    return [*swept, *(path for path in differing if path not in swept and path != "seed")]


def value_of(setting: Setting, path: str) -> Any:
    """The value of a key; None if nothing reads it."""
    return None if configs.without_effect(setting.config, path) else setting.config[path]


def known_metrics(found: Sequence[Setting]) -> list[str]:
    """The metrics that some setting has, in the order of METRICS."""
    return [name for name in (*METRICS, *SEEDS) if any(setting.summary.get(name) is not None for setting in found)]
