"""The commands that reproduce a run."""

import shlex
from collections.abc import Iterable
from typing import Any

from aejax import config as configs
from aejax.errors import UserError
from aejax.keys import base_config
from aejax.plan import Axis, Plan, parse_axis

START = "python -m experiments."


def train(plan: Plan, workdir: str) -> list[str]:
    """The words of the command that trains a plan; [] if a sweep from Python has values that no flag can hold.

    Keys that no member reads are left out.
    """
    leaves, defaults = configs.flatten(plan.config), configs.flatten(base_config())
    programs = plan.programs
    words = [f"{START}train --config=base"]
    for path, value in leaves.items():
        if value != defaults[path] and not all(configs.without_effect(program, path) for program in programs):
            words.append(flag(f"config.{path}", text_of(value)))
    for axis in plan.axes:
        if not (values := values_of(axis, plan)):
            return []
        words.append(f"--sweep {shlex.quote(f'{axis.path}={values}')}")
    return [*words, *["--zip"] * plan.zip, flag("workdir", workdir)]


def evaluate(rows: Iterable[dict[str, Any]], workdir: str) -> list[str]:
    """The words of the command that evaluates a run into these rows of results.csv."""
    return [f"{START}evaluate {flag('workdir', workdir)}", *options(rows)]


def options(rows: Iterable[dict[str, Any]]) -> list[str]:
    """The flags of `evaluate` without which some columns of these rows of results.csv would be missing."""
    rows = list(rows)
    counts = {
        flag: max((str(row.get(name) or "").removesuffix(".0") for row in rows), default="", key=len)
        for flag, name in (("num_samples", "num_samples"), ("ais", "ais_steps"))
    }
    probed = any(row.get(name) for row in rows for name in ("probe_accuracy", "mig"))
    return [f"--{flag}={count}" for flag, count in counts.items() if count] + ["--probe"] * probed


def flag(name: str, value: str) -> str:
    """A flag as a shell reads it."""
    return shlex.quote(f"--{name}={value}")


def text_of(value: Any) -> str:
    """A value as `--config` reads it."""
    return value if isinstance(value, str) else repr(value)


def values_of(axis: Axis, plan: Plan) -> str:
    """The values of an axis as `--sweep` reads them; "" if it cannot."""
    first, last = axis.values[0], axis.values[-1]
    if axis.path == "seed" and len(axis.values) > 1 and axis.values == tuple(range(first, last + 1)):
        return f"{first}:{last + 1}"
    values = ",".join(map(text_of, axis.values))
    try:
        return values if parse_axis(f"{axis.path}={values}", plan.config) == axis else ""
    except UserError:
        return ""
