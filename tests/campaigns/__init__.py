"""Campaigns against the whole program: kills, damage, faults of the disk, contention, sweeps, odd rows, input, mutants.

    python -m tests.campaigns --seed=1                  # a few cases of each, a minute
    python -m tests.campaigns --seed=1 --scale=full     # thousands, hours
    python -m tests.campaigns --replay=damage:1:17      # one case again

A file here is a campaign. It has `FULL` and `SMALL`, its numbers of cases, and prepare(folder) -> context and
case(context, number, random, folder) -> outcome. A case makes all its choices by its number and by `random`, which
depends only on the seed and the number. It returns a word that says what happened, and raises if something was lost,
or wrong in silence, or ended in a traceback.
"""

import importlib
import os
import random
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

NAMES = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py") if path.stem not in ("commands", "shim"))


class Result(NamedTuple):
    """The outcomes of a campaign, and for each failure the command that repeats it and what it said."""

    outcomes: Counter[str]
    failures: list[tuple[str, str]]


@contextmanager
def prepared(name: str) -> Iterator[tuple[Any, Any]]:
    """Yields a campaign's module and its context. Processes keep what they compile, as those of users do."""
    module: Any = importlib.import_module(f"tests.campaigns.{name}")
    with tempfile.TemporaryDirectory(prefix=f"campaign-{name}-") as folder, patch.dict(os.environ):
        os.environ.update(JAX_ENABLE_COMPILATION_CACHE="true", XDG_CACHE_HOME=f"{folder}/cache")
        os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)
        yield module, module.prepare(Path(folder))


def run_case(module: Any, context: Any, seed: int, number: int) -> str:
    """The outcome of one case, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="case-") as folder:
        return module.case(context, number, random.Random(f"{seed}/{number}"), Path(folder))


def run(name: str, seed: int, is_full: bool, say: Callable[[str], None] = lambda line: None) -> Result:
    """Runs the cases of a campaign; says what fails at once, and every twentieth case how many ended how."""
    result = Result(Counter(), [])
    with prepared(name) as (module, context):
        for number in range(module.FULL if is_full else module.SMALL):
            replay = f"python -m tests.campaigns --replay={name}:{seed}:{number}"
            try:
                result.outcomes[run_case(module, context, seed, number)] += 1
            except Exception:
                result.failures.append((replay, traceback.format_exc()))
                say(f"FAILED {replay}\n{result.failures[-1][1]}")
            if (number + 1) % 20 == 0:
                say(f"{name}, {number + 1} cases: {words(result)}")
    return result


def words(result: Result) -> str:
    """How many cases ended how."""
    return ", ".join(f"{number} {outcome}" for outcome, number in result.outcomes.most_common())
