"""From a run directory back to trained members: their test metrics, tables and figures.

A directory of shards is read as the one run that its shards are parts of.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from aejax import axes, checkpoint, data, models, programs, records, sweep
from aejax import config as configs
from aejax.errors import UserError
from aejax.types import Autoencoder, Params, Spec


class Trained(NamedTuple):
    """One trained member, ready for use without its training data."""

    member: axes.Member
    model: Autoencoder
    params: Params
    spec: Spec


def parts(workdir: Path) -> list[Path]:
    """The run directories of a workdir: itself, or its shards; raises UserError if it is none or shards are missing."""
    shards = sorted(path.parent for path in workdir.glob("shards/*-of-*/config.json"))
    if not shards:
        return [workdir]
    counts = {path.name.partition("-of-")[2] for path in shards}
    expected = [f"{index}-of-{count}" for count in counts for index in range(int(count))]
    missing = sorted(set(expected) - {path.name for path in shards})
    if len(counts) > 1 or missing:
        raise UserError(f"{workdir}/shards is not one whole sweep: {', '.join(missing)} missing")
    return shards


def read_members(directory: Path) -> list[axes.Member]:
    """The members of a run directory, from config.json."""
    plan = records.read_json(directory / "config.json")
    config = configs.from_json(plan["config"])

    def typed(value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    sweep_axes = [axes.Axis(axis["path"], tuple(typed(value) for value in axis["values"])) for axis in plan["axes"]]
    members = axes.members(config, sweep_axes, plan["zip"])
    return axes.shard(members, plan["shard"]) if plan["shard"] else members


def newest_state(directory: Path, number: int, like: Any) -> tuple[int, Any]:
    """The newest good step of a group and its state; raises UserError if there is none, or not such a one."""
    checkpoints = directory / "checkpoints" / str(number)
    found = checkpoint.newest(checkpoints, print)
    if not found:
        raise UserError(f"{directory} has no checkpoint of group {number} yet: train it first")
    try:
        return found[0], checkpoint.restore(checkpoints, found[0], like)
    except checkpoint.Damaged as damage:
        raise UserError(f"{damage}: use the version of aejax that wrote it") from None
