"""Hostile keys, values, sweeps, flags and data files, given to `train --dry_run`.

The program understands them or refuses them in one line with exit code 2. Nothing in them is executed, nothing is
written, and no control character reaches the terminal.
"""

import pickle
import random
import re
import sys
import time
from pathlib import Path

import numpy as np

from aejax.keys import KEYS
from tests.campaigns import commands

SMALL, FULL = 4, 400
VALUES = (
    *"nan -inf 1e39 1e-60 -1 0 1e400 0x10 1_000 ١٢ 1,2 [1,2 (1,) None True {} () (1e9,) (1000000000,) ten 2.5".split(),
    *"../../etc/passwd /dev/null =1+1 @x <script> %s%n `touch(EXECUTED)` $(touch;EXECUTED)".split(),
    *("", " ", "9" * 30, "a" * 5000, "\x1b[31mred\x1b[0m", "a\nb", "a\rb", "\u202eabc", "\udcff"),
    "__import__('os').system('touch EXECUTED')",
)
SWEEPS = (
    *"seed=0:200000 seed=0:99999999999999 seed=5:5 seed=0:3:0 seed seed= =1 seed=1,1 a.b=1 config=1".split(),
    *"objective.beta=linspace(0,1,1e10) objective.beta=geomspace(0,1,3) objective.beta=linspace(0,1,f)".split(),
    *"objective.beta=[1,4] objective.beta=1e39,1 model.hidden=(8,),(9,) data.path=\x1b[31m,b".split(),
)
FLAGS = (
    *"--epochs=3 --model.latent_dim=3 model.latent_dim=3 --dry-run --shard=1/0 --shard=9/3 --zip -v -- --help=".split(),
    *"--config=vae --config=nothing.py --config=/dev/null --config=README.md --config.=3 --config".split(),
    *"--config.model=3 --config.model.name.x=1 --workdir=\x1b[31m".split(),
    "--workdir=" + "w" * 300,
)


class Executed:
    """Unpickling this writes a file."""

    def __reduce__(self):
        return (open, ("EXECUTED", "w"))


def prepare(folder: Path) -> None:
    """Nothing is shared."""


def case(_: None, number: int, chosen: random.Random, folder: Path) -> str:
    """One or two hostile things beside `--dry_run`."""
    words = [sys.executable, "-m", "experiments.train", "--dry_run", f"--workdir={folder / 'run'}"]
    words += ["--config=" + str(commands.ROOT / "configs" / chosen.choice(["vae.py", "sparse_l1.py", "table.py"]))]
    for kind in chosen.sample(["value", "sweep", "flag", "file"], chosen.randrange(1, 3)):
        words += {"value": value, "sweep": sweep, "flag": flag, "file": file}[kind](chosen, folder)
    folder.joinpath("here").mkdir()
    before = {path.name for path in folder.iterdir()}
    started = time.monotonic()
    process = commands.start([word for word in words if "\0" not in word], cwd=folder / "here")
    code, said = commands.finish(process, 120)
    where = f"{words}: {said}"
    assert time.monotonic() - started < 60, where
    assert code in (0, 2) and "Warning: " not in said, where
    assert code == 0 or said.rstrip("\n").splitlines()[-1].startswith("error: "), where
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u202a-\u202e]", said), where
    assert {path.name for path in folder.iterdir()} == before and not any((folder / "here").iterdir()), where
    return f"exit {code}"


def value(chosen: random.Random, folder: Path) -> list[str]:
    return [f"--config.{chosen.choice(sorted(KEYS))}={chosen.choice(VALUES)}"]


def sweep(chosen: random.Random, folder: Path) -> list[str]:
    random_sweep = f"{chosen.choice(sorted(KEYS))}={chosen.choice(VALUES)},{chosen.choice(VALUES)}"
    return ["--sweep", chosen.choice([*SWEEPS, random_sweep])]


def flag(chosen: random.Random, folder: Path) -> list[str]:
    return [chosen.choice(FLAGS)]


def file(chosen: random.Random, folder: Path) -> list[str]:
    """A file that is empty, random, cut off, of objects, of another kind than its name says, or of odd numbers."""
    suffix = chosen.choice([".npy", ".npz", ".csv", ".csv.gz", ".mtx", ".tsv", ".txt", ".parquet", ".h5ad", ""])
    path = folder / f"data{suffix}"
    x = np.array([[1.0, np.nan], [np.inf, 1e300], [0.0, -1.0]] * 20)
    if (kind := chosen.randrange(7)) == 0:
        path.write_bytes(b"")
    elif kind == 1:
        path.write_bytes(chosen.randbytes(500))
    elif kind == 2:
        path.write_bytes(pickle.dumps(Executed()))
    elif kind == 3:
        path.write_text("a,b\n1,2\n3\n\x1b[31m,5\n" + "x," * 200)
    else:
        with open(path, "wb") as target:
            if kind == 4:
                np.save(target, np.array([Executed()], dtype=object), allow_pickle=True)
            elif kind == 5:
                np.savez(target, x=x, y=["\x1b[31m"] * 60)
            else:
                np.save(target, x)
        if chosen.random() < 0.3:
            path.write_bytes(path.read_bytes()[: chosen.randrange(200)])
    return ["--config.data.name=arrays", f"--config.data.path={path}"]
