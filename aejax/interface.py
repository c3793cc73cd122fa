"""The Python API of aejax: train, evaluate and use models; imports no jax before a function is called.

Threads, devices and precision are pinned as on the command line. If jax is already imported, they are left as they are.
In both cases environment.json records them.
"""

import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from aejax import config as configs
from aejax import records
from aejax.config import Config
from aejax.engine import environment
from aejax.plan import Plan, make_axis, parts

if TYPE_CHECKING:
    from aejax.trained import Trained


class Run(NamedTuple):
    """A trained run."""

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

    `sweep` maps paths to values, as in {"objective.beta": [1, 4, 10], "seed": range(4)}. All combinations are trained,
    or with `zip` the first value of each path, then the second of each, ... `shard` "i/n" trains the i-th (from 0) of n
    parts.
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
    workdir: str | Path,
    num_samples: int = 0,
    probe: bool = False,
    projection: str = "tsne",
    ais: int = 0,
    partial: bool = False,
) -> list[dict[str, Any]]:
    """Evaluates every member of a run, or of all its shards, on the test rows; returns the rows of results.csv.

    Nats are per example. `num_samples` above 0 estimates log p(x) by importance sampling; `ais` above 0 bounds it from
    both sides in that number of annealing steps; `probe` predicts classes and factors from the codes. `partial` leaves
    out shards that are not there. Writes tables, figures and report.html to the run directory; `projection` ("tsne",
    "pca" or "umap") draws codes of more than two units.
    """
    plans = parts(Path(workdir), partial).values()
    pin(sum(len(plan.members) for plan in plans), Path(workdir))
    from aejax.reports.write import write_report

    return write_report(Path(workdir), projection, num_samples, probe, ais, partial).results


def load(workdir: str | Path, member: int | None = None) -> "Trained":
    """Loads the trained member with this number in members.csv, which may be omitted if there is only one."""
    parts(Path(workdir), partial=True)
    pin(1, Path(workdir))
    from aejax import trained

    return trained.load(Path(workdir), member)


def fit(config: Config, x: Any, y: Any = None, *, workdir: str | Path | None = None) -> "Trained":
    """Trains a config on rows x [N, ...], also scipy's sparse ones, and labels y [N]: strings, integers, or floats.

    x may be a data frame of pandas, polars or pyarrow; config.data.label_column, id_column, categorical_columns, ...
    then name its columns, as those of a file. `config.data` sets the splits, binarization and standardization; labels
    that are real numbers need config.data.label_kind = "number". `workdir` keeps the run with x and y (data.npz, or
    data.parquet), so that it can be evaluated; the same call resumes it.
    """
    configs.check_types(config)
    from aejax.data import readers
    from aejax.data.readers import npz, parquet

    label_column = config.data.label_column or ("y" if y is not None else "")
    table = readers.as_table(x, y, label_column)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(workdir or temporary).resolve() / ("data.npz" if table is None else "data.parquet")
        named = {"data.name": "arrays", "data.path": str(path) if workdir else ""}
        if table is not None:
            x, y, named["data.label_column"] = table, None, label_column
        plan = Plan.make(configs.replaced(config, named))
        pin(1, path.parent, config)
        from aejax import data, trained
        from aejax.engine import run as engine

        dataset = data.of_arrays(x, y, plan.config.data)
        engine.run(plan, path.parent, dataset)
        if workdir and not path.exists():
            with records.writing(path) as file:
                npz.save(file, x, y) if table is None else parquet.save(file, table)
        return trained.load(path.parent, 0, dataset)


def pin(num_members: int, directory: Path, config: Config | None = None) -> None:
    """Calls `environment.pin`, unless jax is already imported."""
    if "jax" not in sys.modules:
        environment.pin(num_members, config.train.deterministic if config else True, directory)
