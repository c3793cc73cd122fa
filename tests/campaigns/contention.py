"""Commands that meet in one run directory: a second training, and evaluations while a training runs.

One training wins, the other is refused with one line; what reads either works or is refused with one line.
"""

import random
import time
from pathlib import Path

from tests.campaigns import commands, kills

SMALL, FULL = 1, 40
prepare = kills.prepare


def case(context: kills.Context, number: int, chosen: random.Random, folder: Path) -> str:
    """Starts a training, and another command after a random time."""
    workdir = folder / "run"
    if chosen.random() < 0.3:  # another host's lock, which nobody holds
        workdir.mkdir()
        (workdir / ".lock").write_text("process 1 on elsewhere\n")
    first = commands.start(commands.command(workdir, kills.EPOCHS))
    time.sleep(chosen.uniform(0.0, 1.2) * context.seconds)
    name = chosen.choice(["train", "train", "evaluate", "embed", "sample"])
    words = commands.command(workdir, kills.EPOCHS, name)
    words += ["--member=0"] if name in ("embed", "sample") else []
    words += [f"--output={folder / 'codes.npz'}"] if name == "embed" else []
    words += ["--projection=pca"] if name == "evaluate" else []
    second = commands.start(words)
    outcomes = [commands.finish(process) for process in (first, second)]
    for code, said in outcomes:
        assert code == 0 or (code == 2 and said.splitlines()[-1].startswith("error: ")), said
    if name != "train":
        assert outcomes[0][0] == 0, outcomes[0][1]
    again, said = commands.finish(commands.start(commands.command(workdir, kills.EPOCHS)))
    assert again == 0 and commands.bits(workdir) == context.bits, said
    return f"{name} exits {outcomes[1][0]}" + ("" if outcomes[0][0] == 0 else ", the first is refused")
