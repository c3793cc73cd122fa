"""Published numbers beside our own, one table per file with `ROWS`; the filename is the table's name.

A row is a recipe with some values changed. It is trained and evaluated like any run, in its own directory, so an
interrupted row resumes. `changes` sets the paper's schedule as far as it is known. `fast` cuts that to about an hour on
two CPU cores; it is None if that is impossible. A row that was not run says why.
"""

import importlib
import re
import time
from pathlib import Path
from typing import Any, NamedTuple

from aejax import config as configs
from aejax import data, records
from aejax.config import Config

NAMES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py")))
MNIST = {"data.name": "mnist", "data.valid_fraction": 0.0}
SPARING = {"log.every_epochs": 10, "train.save_every_epochs": 10}


class Row(NamedTuple):
    """A published number, and how to reproduce it."""

    what: str
    published: float | None
    source: str
    recipe: str  # a file of configs/
    changes: dict[str, Any]
    fast: dict[str, Any] | None
    metric: str = "nll_dynamic"
    num_samples: int = 5000  # importance samples; 0: the metric needs none
    seeds: int = 1
    probe: bool = False


class Outcome(NamedTuple):
    """The measurements of a row, or the reason why there are none."""

    summary: dict[str, Any]  # the one row of summary.csv; {} if nothing was measured
    seconds: dict[str, float]  # of training and evaluation
    reason: str = ""


def config_of(row: Row, fast: bool) -> Config:
    """The config that a row is trained with; raises UserError for invalid values."""
    changes = row.changes | ((row.fast or {}) if fast else {})
    config = configs.replaced(importlib.import_module(f"configs.{row.recipe}").get_config(), SPARING | changes)
    configs.check(config, changes)
    return config


def directory_of(row: Row, fast: bool) -> str:
    """The name of a row's run directory."""
    return re.sub(r"[^a-z0-9]+", "-", row.what.lower()).strip("-") + ("-fast" if fast else "")


def missing(config: Config) -> str:
    """How to get the data of a row if they are missing; "" if they are there."""
    from aejax.data import tfds

    if config.data.name in data.sources():
        path = Path(config.data.path)
        return (
            ""
            if not config.data.path or path.exists()
            else f"AEJAX_RAW_DATA must name a directory with {'/'.join(path.parts[-2:])}"
        )
    found = tfds.find(config.data.name, tfds.root(config.data.data_dir))
    return "" if found else f"python -m experiments.prepare_data --name={config.data.name}"


def measure(row: Row, fast: bool, runs: Path) -> Outcome:
    """Trains and evaluates a row in its directory under `runs`, or reads the results that are there already."""
    from aejax.engine import run
    from aejax.plan import Plan, parse_axis
    from aejax.reports.write import write_report

    if fast and row.fast is None:
        return Outcome({}, {}, "not run: needs an accelerator")
    config = config_of(row, fast)
    if absent := missing(config):
        return Outcome({}, {}, f"not run: {absent}")
    directory = runs / directory_of(row, fast)
    clock = directory / "seconds.json"
    seconds = records.read_json(clock) if clock.exists() else {"training": 0.0, "evaluation": 0.0}

    def timed(phase: str, work: Any) -> Any:
        started = time.monotonic()
        try:
            return work()
        finally:  # a stopped training resumes its clock too
            seconds[phase] += time.monotonic() - started
            records.write_json(clock, seconds)

    def train() -> None:
        run.run(Plan.make(config, [parse_axis(f"seed=0:{row.seeds}", config)]), directory)

    if is_measured(row, directory):
        train()  # raises UserError if the directory has another config, else does nothing
    else:
        timed("training", train)
        seconds["evaluation"] = 0.0
        timed("evaluation", lambda: write_report(directory, "pca", row.num_samples, row.probe))
    [summary] = records.read_csv(directory / "summary.csv")
    return Outcome({name: float(value) for name, value in summary.items() if value}, seconds)


def is_measured(row: Row, directory: Path) -> bool:
    """Whether a directory holds the final results of a row."""
    rows = records.read_csv(directory / "results.csv")
    samples = str(row.num_samples) if row.num_samples else ""
    return bool(rows) and all(
        not member["status"].startswith("unfinished")
        and member.get("num_samples", "") == samples
        and (bool(member.get(row.metric)) or member["status"].startswith("diverged"))
        for member in rows
    )


def line(row: Row, outcome: Outcome, fast: bool) -> dict[str, Any]:
    """A row of the printed table: the published value, ours with both errors, schedule and wall time."""
    published = "" if row.published is None else f"{row.published:g} ({row.source})"
    start = {"model": row.what, "metric": row.metric, "published": published}
    if outcome.reason:
        return start | {"ours": outcome.reason}
    mean, sd = outcome.summary.get(row.metric), outcome.summary.get(f"{row.metric}_sd")
    ours = "" if mean is None else f"{mean:.5g}" + (f" ± {sd:.2g}" if sd is not None else "")
    counts = f"(n = {outcome.summary['n']:g}" + (
        f", {lost:g} diverged)" if (lost := outcome.summary["diverged"]) else ")"
    )
    error, ess = (outcome.summary.get(name) for name in ("nll_stderr", "ess"))
    minutes = ", ".join(f"{phase} {seconds / 60:.1f} min" for phase, seconds in outcome.seconds.items())
    return start | {
        "ours": f"{ours} {counts}".strip(),
        "difference": "" if row.published is None or mean is None else f"{mean - row.published:+.3g}",
        "Monte Carlo error": "" if error is None else f"{error:.2g}",
        "ESS": "" if ess is None else f"{ess:.3g}",
        "S": row.num_samples or "",
        "schedule": schedule(config_of(row, fast)),
        "wall time": minutes,
    }


def schedule(config: Config) -> str:
    """The training schedule of a config, in words."""
    optimizer, train, objective = config.optimizer, config.train, configs.objective_of(config)
    rate = f"{optimizer.learning_rate:g}"
    if optimizer.schedule != "constant":
        rate += f" to {optimizer.learning_rate * optimizer.final_fraction:.2g} ({optimizer.schedule})"
    text = f"{train.epochs} epochs, batch {train.batch_size}, {optimizer.name} {rate}"
    warmups = {name.removesuffix("_warmup"): steps for name, steps in objective.items() if name.endswith("_warmup")}
    return text + "".join(f", {name} warm-up {steps:g} steps" for name, steps in warmups.items() if steps)
