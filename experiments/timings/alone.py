"""Trains one contender in a process of its own.

    python -m experiments.timings.alone NAME BATCH_SIZE

Takes as many steps as each line of stdin says, and answers each with the work done. At the end of stdin it prints the
process's peak memory in bytes.
"""

import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aejax.engine import environment
from experiments.timings import Run


def command(name: str, batch_size: int, python: str = sys.executable) -> list[str]:
    """The command line of such a process."""
    return [python, "-m", "experiments.timings.alone", name, str(batch_size)]


@contextmanager
def together(commands: Sequence[Sequence[str]], environment: Mapping[str, str]) -> Iterator[Run]:
    """Such processes that take their steps at the same time; the work is their sum."""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers: list[Any] = [subprocess.Popen(command, env=os.environ | environment, **pipes) for command in commands]

    def run(steps: int) -> int:
        for worker in workers:
            print(steps, file=worker.stdin, flush=True)
        return sum(int(worker.stdout.readline()) for worker in workers)

    try:
        yield run
    finally:
        for worker in workers:
            worker.communicate()


def members_of(name: str) -> int:
    """How many members a contender trains at once: its name ends in "8 members" or "2 processes"."""
    return int(name.split()[-2])


def peak_memory() -> int:
    """The largest resident memory of this process: bytes."""
    status = Path("/proc/self/status")
    if status.exists() and (peak := re.search(r"VmHWM:\s*(\d+) kB", status.read_text())):
        return int(peak[1]) * 1024  # on Linux, ru_maxrss also counts the process that started this one
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main(name: str, batch_size: int) -> None:
    from experiments.timings import aejax_steps, torch_steps

    members = members_of(name)
    environment.pin(members)
    contenders = aejax_steps.steps(batch_size, [members]) | torch_steps.steps(batch_size, [members])
    with contenders[name]() as run:
        for line in sys.stdin:
            print(run(int(line)), flush=True)
    print(peak_memory())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
