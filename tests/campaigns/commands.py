"""The runs that the campaigns disturb, as commands and in this process, and what they must end on."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax

from aejax import records
from aejax.engine import programs, run
from aejax.engine.directory import newest_state
from aejax.plan import Plan, parse_axis
from tests.conftest import ROOT, small_config

SWEEP = ("model.latent_dim=1,2", "seed=0,1")  # two groups of two members


def command(workdir: Path, epochs: int = 12, name: str = "train") -> list[str]:
    """A launcher on a small VAE of two members, which saves after every epoch."""
    words = [sys.executable, "-m", f"experiments.{name}", f"--workdir={workdir}"]
    if name != "train":
        return words
    words += ["--config=configs/vae.py", "--config.model.hidden=(8,)", f"--config.train.epochs={epochs}"]
    return [*words, "--sweep", "objective.beta=1,4"]


def start(words: list[str], variables: dict[str, str] | None = None, cwd: Path = ROOT) -> subprocess.Popen[str]:
    """Starts a command; its stdout and stderr are one pipe."""
    env = os.environ | {"NPROC": "2", "PYTHONPATH": str(ROOT)} | (variables or {})
    return subprocess.Popen(words, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process: subprocess.Popen[str], seconds: float = 300.0) -> tuple[int, str]:
    """The exit code of a command and what it said; raises if that holds a traceback or a warning."""
    said = process.communicate(timeout=seconds)[0]
    assert "Traceback" not in said and "Warning:" not in said, said
    return process.returncode, said


def config_of(**train: Any) -> Any:
    """An autoencoder that compiles in a second."""
    config: Any = small_config()
    config.model.name, config.model.hidden, config.train.epochs = "autoencoder", (), 2
    config.train.update(train)
    return config


def train(workdir: Path, config: Any = None) -> Path:
    """Trains `config_of()` over SWEEP in this process."""
    config = config or config_of()
    return run.run(Plan.make(config, [parse_axis(axis, config) for axis in SWEEP]), workdir)


def bits(workdir: Path) -> tuple[Any, ...]:
    """What a finished run ends on: of each group the step and the state, and its metrics and members."""
    states = []
    for group in programs.make_groups(Plan.read(workdir)):
        step, state, _ = newest_state(workdir, group.number, programs.state_shapes(group.task, group.members))
        states.append((step, [leaf.tobytes() for leaf in jax.tree.leaves(state)]))
    lines = sorted(map(str, records.read_lines(workdir / "metrics.jsonl")))
    return states, lines, (workdir / "members.csv").read_bytes()


def shim(folder: Path) -> Path | None:
    """The library of shim.c, compiled; None without a C compiler."""
    if not (compiler := shutil.which("cc")):
        return None
    library = folder / "shim.so"
    source = Path(__file__).with_name("shim.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
    return library
