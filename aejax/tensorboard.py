"""Mirrors a run for TensorBoard in RUN/tensorboard: curves while it trains, then figures, codes and test metrics.

The mirror is made anew from the run's own files whenever `train` or `evaluate` starts. Nothing is read from it.
"""

import importlib.util
import math
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from aejax import config as configs
from aejax import records
from aejax.errors import UserError
from aejax.metrics import METRICS
from aejax.plan import Member, Plan

FOLDER = "tensorboard"
MOST_MEMBERS = 100  # with curves: each has an open file and a thread
EVALUATION = "evaluation"  # the folder of figures and codes

Rows = Iterable[Mapping[str, Any]]  # of metrics.jsonl


def check(plan: Plan) -> None:
    """Raises UserError if a plan asks for TensorBoard and tensorboardX is not installed."""
    if plan.config.log.tensorboard and not importlib.util.find_spec("tensorboardX"):
        raise UserError("log.tensorboard=True needs tensorboardX: pip install 'aejax[tensorboard]'")


@contextmanager
def mirrored(metrics: Path, members: Sequence[Member]) -> Iterator[Callable[[Rows], None]]:
    """Yields add(rows), which adds rows of metrics.jsonl to the curves of the first MOST_MEMBERS members, if asked to.

    The curves start with the rows that are there, without what an earlier process wrote.
    """
    if not members[0].config.log.tensorboard:
        yield lambda rows: None
        return
    from tensorboardX import SummaryWriter

    with ExitStack() as stack:
        writers = {}
        for member in members[:MOST_MEMBERS]:
            shutil.rmtree(folder := metrics.parent / FOLDER / name_of(member), ignore_errors=True)
            writers[member.index] = stack.enter_context(SummaryWriter(str(folder), flush_secs=10))

        def add(rows: Rows) -> None:
            for row in rows:
                if row["member"] in writers:
                    for name, value in metrics_of(row):
                        writers[row["member"]].add_scalar(f"{name}/{row['split']}", value, row["step"])

        add(records.read_lines(metrics) if metrics.exists() else [])
        yield add


def metrics_of(row: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The metrics of a row of metrics.jsonl; those that are not finite are null there."""
    for name, value in row.items():
        if name not in ("member", "step", "epoch", "split"):
            yield name, math.nan if value is None else value


def name_of(member: Member) -> str:
    """The folder of a member: "3_beta=4.0,seed=1"."""
    swept = ",".join(f"{path.rpartition('.')[2]}={value}" for path, value in member.swept.items())
    return re.sub(r"[^\w.=,+-]", "_", f"{member.index}_{swept}".rstrip("_"))[:100]


def write_evaluation(
    run: Path,
    members: Sequence[Member],
    results: Rows,
    figures: Iterable[tuple[Path, str, str]],
    codes: Iterable[tuple[str, np.ndarray, Sequence[str] | None]],
) -> None:
    """Mirrors what `evaluate` found: the test metrics of each member as HParams, figures, and codes for the projector.

    `figures` are PNGs with captions and alternative texts; `codes` have a name, codes [N, K] and the rows' labels.
    """
    from tensorboardX import SummaryWriter

    folder = run / FOLDER / EVALUATION
    shutil.rmtree(folder, ignore_errors=True)
    with SummaryWriter(str(folder)) as writer:
        for path, caption, _ in figures:
            with Image.open(path) as picture:
                writer.add_image(path.stem, np.asarray(picture.convert("RGB")), dataformats="HWC")
            writer.add_text(path.stem, caption)
        for name, mat, labels in codes:
            writer.add_embedding(mat, labels, tag=name)
        for member, row in zip(members, results, strict=True):
            finite = {f"{name}/test": row[name] for name in METRICS if math.isfinite(row.get(name, math.nan))}
            asked = {path: plain(value) for path, value in (member.swept or configs.flatten(member.config)).items()}
            writer.add_hparams(asked, finite, name=name_of(member))


def plain(value: Any) -> Any:
    """A value that HParams can hold."""
    return value if isinstance(value, bool | int | float | str) else str(value)
