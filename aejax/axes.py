"""From `--sweep PATH=VALUES` to members: a product (or zip) of axes, grouped by their static values.

Imports no jax. Members are numbered in the order of the sweep, the last axis fastest.
"""

import itertools
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aejax import config as configs
from aejax.config import Config
from aejax.errors import UserError


class Axis(NamedTuple):
    """One swept path and its values."""

    path: str
    values: tuple[Any, ...]


class Member(NamedTuple):
    """One training: its number in the whole sweep, its program's number, its swept values and its resolved config."""

    index: int
    group: int
    swept: dict[str, Any]
    config: Config


def parse_axis(text: str, config: Config) -> Axis:
    """PATH=VALUES as an axis, each value of its leaf's type; raises UserError that says what is wrong.

    VALUES: `1,4,10`, `0:8` (0 to 7), `0:8:2`, `geomspace(1e-4,1e-2,5)` or `linspace(0,1,11)`.
    """
    path, equals, written = text.partition("=")
    if not equals or not written:
        raise UserError(f"--sweep {text}: write PATH=VALUES, as in --sweep objective.beta=1,4,10")
    default = configs.read(config, path)
    values = tuple(configs.parse(path, value, default) for value in expand(path, written.strip()))
    repeated = [value for value, other in itertools.combinations(values, 2) if value == other]
    if repeated:
        raise UserError(f"--sweep {text}: {repeated[0]} stands twice")
    return Axis(path, values)


def expand(path: str, written: str) -> list[str]:
    """The single values that VALUES stands for, as text."""
    if call := re.fullmatch(r"(geomspace|linspace)\(([^,()]+),([^,()]+),([^,()]+)\)", written):
        name, *numbers = call.groups()
        try:
            start, stop, num = float(numbers[0]), float(numbers[1]), int(numbers[2])
            if num < 1 or not np.isfinite([start, stop]).all() or (name == "geomspace" and start * stop <= 0):
                raise ValueError
        except ValueError:
            raise UserError(f"--sweep {path}={written}: write {name}(START,STOP,NUMBER)") from None
        return [repr(float(value)) for value in getattr(np, name)(start, stop, num)]
    if bounds := re.fullmatch(r"(\d+):(\d+)(?::(\d+))?", written):
        start, stop, step = int(bounds[1]), int(bounds[2]), int(bounds[3] or 1)
        if step == 0 or start >= stop:
            raise UserError(f"--sweep {path}={written} is an empty range")
        return [str(value) for value in range(start, stop, step)]
    values = [value.strip() for value in re.split(r",(?![^(\[]*[)\]])", written)]  # commas outside brackets
    if "" in values:
        raise UserError(f"--sweep {path}={written} has an empty value")
    return values


def members(config: Config, axes: list[Axis], zipped: bool) -> list[Member]:
    """All members of a sweep (one without axes); UserError for axes that do not fit and values out of bounds."""
    resolved = resolve(config, axes, zipped)
    for member in resolved:
        configs.check(member.config, member.swept)
    return resolved


def resolve(config: Config, axes: list[Axis], zipped: bool) -> list[Member]:
    """The members of a sweep that was checked before, as one that is read from a run directory."""
    paths = [axis.path for axis in axes]
    if repeated := {path for path in paths if paths.count(path) > 1}:
        raise UserError(f"--sweep {repeated.pop()} stands twice: give all its values in one")
    if zipped and len({len(axis.values) for axis in axes}) > 1:
        lengths = ", ".join(f"{axis.path} has {len(axis.values)}" for axis in axes)
        raise UserError(f"--zip needs axes of one length: {lengths}")
    combine = zip if zipped and axes else itertools.product
    settings = [dict(zip(paths, values, strict=True)) for values in combine(*(axis.values for axis in axes))]
    resolved = [configs.replaced(config, swept) for swept in settings]
    keys = [static_part(member) for member in resolved]
    groups = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return [
        Member(index, groups[key], swept, member)
        for index, (key, swept, member) in enumerate(zip(keys, settings, resolved, strict=True))
    ]


def static_part(config: Config) -> str:
    """All that a program is compiled for, as one string."""
    leaves = configs.flatten(config)
    return json.dumps({path: value for path, value in leaves.items() if not configs.is_traced(path, value)})


def shard(all_members: list[Member], text: str) -> list[Member]:
    """The members of shard "i/n": every n-th, from the i-th, counted from 0."""
    numbers = re.fullmatch(r"(\d+)/(\d+)", text)
    if not numbers or int(numbers[1]) >= int(numbers[2]):
        raise UserError(f"--shard={text}: write i/n with i from 0 to n - 1, as in --shard=0/4")
    chosen = all_members[int(numbers[1]) :: int(numbers[2])]
    if not chosen:
        raise UserError(f"--shard={text}: the sweep has only {len(all_members)} members")
    return chosen


def run_directory(workdir: str | Path, shard: str) -> Path:
    """Where a run, or one shard of it, lives."""
    return Path(workdir) / "shards" / shard.replace("/", "-of-") if shard else Path(workdir)


def setting(member: Member) -> dict[str, Any]:
    """The swept values without the seed: members that share them are repetitions."""
    return {path: value for path, value in member.swept.items() if path != "seed"}
