"""One training that is killed up to a thousand times ends on the bits of one that is not."""

import random
from pathlib import Path

from tests.campaigns import kills

SMALL, FULL = 0, 1
EPOCHS = 300  # a process that lives long enough saves one of them, and a third do


def prepare(folder: Path) -> kills.Context:
    return kills.prepare(folder, EPOCHS)


def case(context: kills.Context, number: int, chosen: random.Random, folder: Path) -> str:
    """Kills within the first third of the time that a training takes, so that it hardly ever gets on."""
    hurried = context._replace(seconds=context.seconds / 3)
    return f"disturbed {kills.disturb(hurried, chosen, folder / 'run', 1000)} times"
