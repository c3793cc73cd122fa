"""Kills and stops a training at random times and at random calls to the file system, until it ends by itself.

No saved step is lost, and the run ends on the bits of one that nobody disturbed.
"""

import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

from aejax.engine import checkpoint
from tests.campaigns import commands

SMALL, FULL = 1, 200  # about two kills or signals each
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)
EPOCHS = 12


class Context(NamedTuple):
    seconds: float  # of a training that nobody disturbs
    calls: int  # to the file system; 0 if there is no compiler for the shim
    shim: Path | None
    bits: tuple[Any, ...]
    epochs: int
    once_saved: bool = False  # whether a process is disturbed as soon as it has saved a step, if not before


def prepare(folder: Path, epochs: int = EPOCHS) -> Context:
    """Trains without disturbance. Later runs are faster: they find its programs compiled."""
    library, started = commands.shim(folder), time.monotonic()
    variables = {"LD_PRELOAD": str(library), "SHIM_FOLDER": str(folder / "run"), "SHIM_COUNT": str(folder / "calls")}
    process = commands.start(commands.command(folder / "run", epochs), variables if library else {})
    code, said = commands.finish(process)
    assert code == 0, said
    calls = int((folder / "calls").read_text()) if library else 0
    return Context(0.7 * (time.monotonic() - started), calls, library, commands.bits(folder / "run"), epochs)


def case(context: Context, number: int, chosen: random.Random, folder: Path) -> str:
    """Disturbs a run up to three times."""
    return f"disturbed {disturb(context, chosen, folder / 'run', chosen.randrange(1, 4))} times"


def disturb(context: Context, chosen: random.Random, workdir: Path, most: int) -> int:
    """Disturbs a run until it ends, `most` times at most; it never goes back before its newest sealed step."""
    newest, times, is_done = -1, 0, False
    while times < most and not is_done:
        has_calls = context.shim and not context.once_saved
        kind = chosen.choice(["kill", "kill", "signal", "call"] if has_calls else ["kill", "signal"])
        variables = {}
        if kind == "call":
            variables = {"LD_PRELOAD": str(context.shim), "SHIM_FOLDER": str(workdir), "SHIM_ERRNO": "0"}
            variables["SHIM_NTH"] = str(chosen.randrange(1, context.calls + 1))
        process = commands.start(commands.command(workdir, context.epochs), variables)
        number = signal.SIGKILL if kind != "signal" else chosen.choice(STOPS)
        if kind != "call":
            wait(process, chosen.uniform(0.1, 1.0) * context.seconds, workdir if context.once_saved else None)
            process.send_signal(number)
        stopped = time.monotonic()
        code, said = commands.finish(process)
        assert kind == "call" or time.monotonic() - stopped < 20, f"{number.name}: {time.monotonic() - stopped:.0f} s"
        assert code in (0, -number, 128 + number), said
        before, newest = newest, max(steps_in(workdir), default=-1)
        assert newest >= before, f"step {before} is lost: {said}"
        times, is_done = times + 1, code == 0
    code, said = commands.finish(commands.start(commands.command(workdir, context.epochs)))
    assert code == 0 and commands.bits(workdir) == context.bits, said
    return times


def wait(process: subprocess.Popen[str], seconds: float, workdir: Path | None) -> None:
    """Waits so long, or until the process ends, or until it has saved a step in `workdir`."""
    end, saved = time.monotonic() + seconds, steps_in(workdir)
    while process.poll() is None and time.monotonic() < end and steps_in(workdir) == saved:
        time.sleep(0.01)


def steps_in(workdir: Path | None) -> list[int]:
    """The sealed steps of a run of one group; [] without a run."""
    return checkpoint.sealed_steps(workdir / "checkpoints" / "0") if workdir else []
