"""What a person sees of a training: on a terminal a bar and a table of the members, else about LINES lines."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import MappingProxyType
from typing import Any

import numpy as np
from tqdm import tqdm

from aejax.engine.programs import Group
from aejax.errors import printable
from aejax.keys import KEYS
from aejax.metrics import headlines
from aejax.plan import Member

LINES = 20  # of progress for a group, if stderr is not a terminal
MOST_MEMBERS = 20  # in the table
REDRAWN = 0.2  # seconds between two drawings of the table

Rows = Sequence[dict[str, Any]]  # of metrics.jsonl


def say(message: str) -> None:
    """Prints a line to stderr, above the progress bar if there is one."""
    tqdm.write(printable(message), file=sys.stderr)


@contextmanager
def progress(group: Group, step: int) -> Iterator[Callable[..., None]]:
    """Yields show(step), which moves the bar, and show(step, rows, statuses) for the rows of a visit.

    A line comes whenever there are metrics if the config says how often: if log.every_epochs is not its default.
    """
    per_epoch, total, first = max(group.task.steps_per_epoch, 1), group.total_steps, step
    every, started, due, unsaid = group.config.log.every_epochs, None, step, ""
    apart = total / LINES if every == KEYS["log.every_epochs"].default else 0
    with (
        tqdm(total=total, initial=step, unit="step", desc=f"group {group.number}", disable=None) as bar,
        table([] if bar.disable else group.members) as draw,
    ):

        def show(step: int, rows: Rows | None = None, statuses: Mapping[int, str] = MappingProxyType({})) -> None:
            nonlocal due, first, started, unsaid
            if started is None:  # the first chunk waits for its program
                first, started = step, time.monotonic()
            bar.update(step - bar.n)
            if rows is None:
                return
            if not bar.disable:
                bar.set_postfix_str(describe(rows))
                draw(rows, statuses)
                return
            pace = speed(step - first, total - step, time.monotonic() - started)
            unsaid = f"group {group.number} epoch {step / per_epoch:g} of {total / per_epoch:g}: {describe(rows)}{pace}"
            if step >= due or step == total:
                say(unsaid)
                due, unsaid = step + apart, ""

        yield show
    if unsaid:  # all members have stopped early
        say(unsaid)


def describe(rows: Rows) -> str:
    """One line of the last split's headline metrics: means over the members whose values are finite."""
    if not (rows := last_split(rows)):
        return "fitted"
    names = headlines(rows[0])
    if not (healthy := [row for row in rows if all(np.isfinite(row[name]) for name in names)]):
        return f"{rows[0]['split']} metrics not finite"
    means = ", ".join(f"{name} {np.mean([row[name] for row in healthy]):.4g}" for name in names)
    others = f", {len(rows) - len(healthy)} not finite" if len(healthy) < len(rows) else ""
    return f"{rows[0]['split']} {means}" + (f" (mean of {len(healthy)} members{others})" if len(rows) > 1 else "")


def last_split(rows: Rows) -> Rows:
    """The rows of the validation split if there are some, else those of the training split."""
    return [row for row in rows if row["split"] == rows[-1]["split"]]


def speed(done: int, left: int, seconds: float) -> str:
    """The steps per second and the time left; "" before the first step is done."""
    if not done or not seconds:
        return ""
    rest = f", {tqdm.format_interval(left * seconds / done)} left" if left else ""
    return f"; {float(f'{done / seconds:.3g}'):,g} steps/s{rest}"


@contextmanager
def table(members: Sequence[Member]) -> Iterator[Callable[[Rows, Mapping[int, str]], None]]:
    """Yields draw(rows, statuses), which draws a line for each member below the bar; the last ones stay.

    The first members are shown if not all fit on the terminal. One alone has no table.
    """
    size = shutil.get_terminal_size()
    shown = members[: max(0, min(MOST_MEMBERS, size.lines - 5))] if len(members) > 1 else []
    latest: dict[int, dict[str, Any]] = {}
    lines, drawn = [], 0.0
    with ExitStack() as stack:
        bars = [
            stack.enter_context(tqdm(bar_format="{desc}", position=1 + place, leave=False))
            for place in range(len(shown) + 1)
            if shown
        ]

        def draw(rows: Rows, statuses: Mapping[int, str]) -> None:
            nonlocal lines, drawn
            latest.update({row["member"]: row for row in last_split(rows)})
            lines = lines_of(shown, latest, statuses) if shown else []
            if time.monotonic() - drawn >= REDRAWN:
                drawn = time.monotonic()
                for bar, line in zip(bars, lines, strict=True):
                    bar.set_description_str(printable(line)[: size.columns - 1])

        yield draw
    for line in lines:
        say(line)


def lines_of(
    members: Sequence[Member], latest: Mapping[int, Mapping[str, Any]], statuses: Mapping[int, str]
) -> list[str]:
    """The lines of a table: swept values, the latest headline metrics and the status of each member, in columns."""
    names = headlines(next(iter(latest.values()), {}))[:3]
    header = ["member", *(path.rpartition(".")[2] for path in members[0].swept), *names, "status"]
    lines = [header]
    for member in members:
        row = latest.get(member.index, {})
        numbers = [f"{row[name]:.5g}" if name in row else "" for name in names]
        lines.append([str(member.index), *map(str, member.swept.values()), *numbers, statuses[member.index]])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join([*map(str.rjust, line[:-1], widths), line[-1]]) for line in lines]
