"""What `import aejax` offers: train, evaluate and use models from Python; no jax before a function is called.

Threads, devices and precision are pinned as on the command line, unless jax is imported already: then they are as they
are. In both cases environment.json records them.
"""

import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from aejax import config as configs
from aejax import records
from aejax.config import Config
from aejax.engine import environment
from aejax.plan import Plan, make_axis, parts

if TYPE_CHECKING:
    from aejax.trained import Trained


class Run(NamedTuple):
    """A run that is trained."""

    directory: Path
    members: list[dict[str, Any]]  # rows: member, group, seed, the swept values, and status ("done", "diverged at ...")


def run(
    config: Config,
    workdir: str | Path,
    sweep: Mapping[str, Iterable[Any]] | None = None,
    zip: bool = False,
    shard: str = "",
) -> Run:
    """Trains a config, or every member of a sweep of it, in a run directory; the same call resumes.

    `sweep` maps paths to values, as in {"objective.beta": [1, 4, 10], "seed": range(4)}: all combinations, or with
    `zip` the first of each, the second of each, ... `shard` "i/n" trains the i-th (from 0) of n parts.
    """
    configs.check_types(config)
    plan = Plan.make(config, [make_axis(path, values, config) for path, values in (sweep or {}).items()], zip, shard)
    directory = plan.directory(workdir)
    pin(len(plan.members), directory, config)
    from aejax.engine import run as engine

    engine.run(plan, workdir)
    status = {int(row["member"]): row["status"] for row in records.read_csv(directory / "members.csv")}
    return Run(directory, [{**member.row, "status": status[member.index]} for member in plan.members])


def evaluate(
    workdir: str | Path, num_samples: int = 0, probe: bool = False, projection: str = "tsne"
) -> list[dict[str, Any]]:
    """Tests every member of a run, or of all its shards; returns a row for each, as results.csv has them.

    Nats are per example. With `num_samples` log p(x) is estimated by importance sampling; with `probe` classes and
    factors are read from the codes. Tables, figures and report.html are in the run directory afterwards, where codes
    of more than two units are drawn by `projection` ("tsne", "pca" or "umap").
    """
    plans = parts(Path(workdir)).values()
    pin(sum(len(plan.members) for plan in plans), Path(workdir))
    from aejax.reports.write import write_report

    return write_report(Path(workdir), projection, num_samples, probe).results


def load(workdir: str | Path, member: int | None = None) -> "Trained":
    """One trained member of a run, by its number in members.csv; with a single member it need not be named."""
    parts(Path(workdir))
    pin(1, Path(workdir))
    from aejax import trained

    return trained.load(Path(workdir), member)


def fit(config: Config, x: Any, y: Any = None, *, workdir: str | Path | None = None) -> "Trained":
    """Trains a config on rows x [N, ...] and labels y [N] in memory: strings, integers, or floats.

    Splits, binarization and standardization are those of `config.data`; labels that are real numbers need
    config.data.label_kind = "number". `workdir` keeps the run with x and y (data.npz), so that it can be evaluated; the
    same call resumes it.
    """
    configs.check_types(config)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(workdir or temporary).resolve() / "data.npz"
        named = {"data.name": "arrays", "data.path": str(path) if workdir else ""}
        plan = Plan.make(configs.replaced(config, named))
        pin(1, path.parent, config)
        from aejax import data, trained
        from aejax.engine import run as engine

        dataset = data.of_arrays(x, y, plan.config.data)
        engine.run(plan, path.parent, dataset)
        if workdir and not path.exists():
            np.savez(path, **({"x": x} if y is None else {"x": x, "y": y}))
        return trained.load(path.parent, 0, dataset)


def pin(num_members: int, directory: Path, config: Config | None = None) -> None:
    """`environment.pin`, unless it comes too late."""
    if "jax" not in sys.modules:
        environment.pin(num_members, config.train.deterministic if config else True, directory)
