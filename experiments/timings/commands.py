"""Whole processes: seconds from the start of a process to its first step, and the peak memory of each contender."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import configs
from experiments.timings import aejax_steps, alone, label, torch_steps

PINNED = ("JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE", "JAX_NUM_CPU_DEVICES")  # by this process
BATCH_SIZE = 128


def starts(repeats: int) -> dict[str, list[float]]:
    """Seconds of whole commands in each round: with an empty folder of compiled programs ("cold"), then again ("warm").

    aejax trains an epoch of the digits, from its config to a saved run; PyTorch only builds a member and takes a step.
    """
    seconds: dict[str, list[float]] = {}
    for _ in range(repeats):
        for name in ["aejax", *(["PyTorch eager", "PyTorch compiled"] if torch_steps.is_installed() else [])]:
            with tempfile.TemporaryDirectory() as folder:
                for state in ("cold", "warm"):
                    command = (
                        train_digits(f"{folder}/{state}")
                        if name == "aejax"
                        else alone.command(label(name, 1), BATCH_SIZE)
                    )
                    started = time.perf_counter()
                    call(command, folder)
                    seconds.setdefault(f"{name}, {state}", []).append(time.perf_counter() - started)
    return seconds


def peak_memory(members: Sequence[int]) -> dict[str, int]:
    """Bytes that a process holds at most if it trains only this contender; n processes hold n times what one does."""
    names = [*aejax_steps.steps(BATCH_SIZE, members), *torch_steps.steps(BATCH_SIZE, members)]
    apart = [name for name in names if name.endswith("processes")]
    with tempfile.TemporaryDirectory() as folder:
        peaks = {
            name: int(call(alone.command(name, BATCH_SIZE), folder).split()[-1]) for name in names if name not in apart
        }
    return peaks | {name: alone.members_of(name) * peaks[label("PyTorch torch.func", 1)] for name in apart}


def train_digits(workdir: str) -> list[str]:
    """The command that trains an epoch of the embedded digits."""
    recipe = Path(configs.__file__ or "").parent / "vae.py"
    options = [f"--config={recipe}", "--config.train.epochs=1", f"--workdir={workdir}"]
    return [sys.executable, "-m", "experiments.train", *options]


def call(command: Sequence[str], folder: str) -> str:
    """Runs a command that takes one step and keeps its compiled programs in `folder`; returns what it prints."""
    own = {name: value for name, value in os.environ.items() if name not in PINNED}
    caches = {"XDG_CACHE_HOME": folder, "TORCHINDUCTOR_CACHE_DIR": f"{folder}/inductor"}
    done = subprocess.run(command, input="1\n", capture_output=True, text=True, env=own | caches)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stdout
