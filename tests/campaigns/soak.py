"""One training that is killed up to a thousand times ends on the bits of one that is not."""

import random
from pathlib import Path

from tests.campaigns import kills

SMALL, FULL = 0, 1
EPOCHS = 6000  # a process gets some epochs on before it is killed


def prepare(folder: Path) -> kills.Context:
    return kills.prepare(folder, EPOCHS)._replace(once_saved=True)


def case(context: kills.Context, number: int, chosen: random.Random, folder: Path) -> str:
    """Kills each process at a random time, or as soon as it has saved a step."""
    return f"disturbed {kills.disturb(context, chosen, folder / 'run', 1000)} times"
