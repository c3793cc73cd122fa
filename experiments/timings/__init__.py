"""What `experiments.benchmark` times, one thing per file, and how: in turn, so that all meet the same machine.

A contender is a function of no arguments that returns a context manager. It builds the contender and yields
run(steps), which takes that many steps and returns the work done, in the unit of its file. Building imports jax or
torch; naming the contenders imports neither.
"""

import statistics
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from functools import cache

import numpy as np

Run = Callable[[int], int]
Contenders = dict[str, Callable[[], AbstractContextManager[Run]]]

ROWS = 60_000
SECONDS = 3.0  # a timing takes about this long, like a chunk of a run: each copies the states of its members once


@cache
def rows() -> np.ndarray:
    """The training rows of all contenders: random bytes [ROWS, 784]."""
    return np.random.default_rng(0).integers(0, 256, (ROWS, 784), np.uint8)


def label(name: str, members: int) -> str:
    """The name of a contender that trains this many members."""
    return f"{name}, {members} member{'s' * (members != 1)}"


def seconds_per_work(run: Run, steps: int) -> float:
    """Takes steps and returns the seconds per unit of work."""
    started = time.perf_counter()
    work = run(steps)
    return (time.perf_counter() - started) / work


def steps_within(run: Run, most: int) -> int:
    """How many steps take about SECONDS, at most `most`; the first step, which compiles, does not count."""
    work = run(1)
    return max(1, min(most, int(SECONDS / (work * min(seconds_per_work(run, 1) for _ in range(3))))))


def measure(contenders: Contenders, repeats: int, most: int) -> dict[str, list[float]]:
    """Seconds per unit of work of every contender in each of `repeats` rounds; a round times every contender once.

    A round before them, which warms caches and threads, does not count.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    with ExitStack() as stack:
        runs = {name: stack.enter_context(start()) for name, start in contenders.items()}
        steps = {name: steps_within(run, most) for name, run in runs.items()}
        for _ in range(1 + repeats):
            for name, run in runs.items():
                seconds[name].append(seconds_per_work(run, steps[name]))
    return {name: times[1:] for name, times in seconds.items()}


def best(seconds: dict[str, list[float]], names: Iterable[str]) -> list[float] | None:
    """The times of the contender with the least median, among those of `names` that were timed; None without any."""
    return min((seconds[name] for name in names if name in seconds), key=statistics.median, default=None)
