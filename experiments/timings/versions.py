"""The same steps under several Python interpreters, each with its own versions of JAX, in turn."""

import itertools
import json
import subprocess
from collections.abc import Sequence
from functools import partial
from typing import Any

from aejax.errors import UserError
from experiments.timings import Contenders, aejax_steps, alone, measure, verdicts

SLOWER = 1.1  # a version that costs more than this, as a part of another, is named
MEMBERS = (1, 8)
FACTS = "import json, jax, sys; print(json.dumps([jax.__version__, sys.version.split()[0]]))"


def compare(pythons: Sequence[str], batch_size: int, repeats: int, most: int) -> list[dict[str, Any]]:
    """A row for each kind of step and pair of interpreters: ms per member and step, the ratio, and which is slower."""
    names = {describe(python): python for python in pythons}
    kinds = list(aejax_steps.steps(batch_size, MEMBERS))
    contenders: Contenders = {
        f"{version}: {kind}": partial(alone.together, [alone.command(kind, batch_size, python)], {})
        for kind in kinds
        for version, python in names.items()
    }
    seconds = measure(contenders, repeats, most)
    rows = []
    for kind, (one, other) in itertools.product(kinds, itertools.combinations(names, 2)):
        times, others = seconds[f"{one}: {kind}"], seconds[f"{other}: {kind}"]
        cost = {version: sorted(found)[len(found) // 2] * 1e3 for version, found in ((one, times), (other, others))}
        rows.append({"": kind} | cost | verdicts.ratio(others, times) | {"verdict": slower(one, times, other, others)})
    return rows


def slower(one: str, times: Sequence[float], other: str, others: Sequence[float]) -> str:
    """Names the version that costs more than SLOWER times the other, if the spread allows."""
    if verdicts.compare(others, times, SLOWER) == "slower":
        return f"{other} is more than {SLOWER - 1:.0%} slower"
    if verdicts.compare(times, others, SLOWER) == "slower":
        return f"{one} is more than {SLOWER - 1:.0%} slower"
    return f"no version is clearly more than {SLOWER - 1:.0%} slower"


def describe(python: str) -> str:
    """The versions of an interpreter: "jax 0.10.2, Python 3.11.7"; raises UserError if it has no jax."""
    try:
        done = subprocess.run([python, "-c", FACTS], capture_output=True, text=True)
    except OSError as error:
        raise UserError(
            f"--pythons: {python} does not start ({error.strerror}): name interpreters that have jax"
        ) from error
    if done.returncode:
        raise UserError(f"--pythons: {python} has no jax: install the requirements there, or name another interpreter")
    jax, version = json.loads(done.stdout)
    return f"jax {jax}, Python {version}"
