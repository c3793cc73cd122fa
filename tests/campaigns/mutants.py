"""One-line slips that a good engineer makes, each of which must turn a test red; case N is mutant N.

mutants/ROOM.toml holds those of a room: the file, the text before and after, the tests that concern it and, where they
may stay green, why it is no fault. A case patches a copy of the repository and runs these tests there.
"""

import functools
import os
import random
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

from tests.conftest import ROOT

FOLDERS = ("aejax", "configs", "docs", "experiments", "notebooks", "tests")
COPIED = (*FOLDERS, "*.md", "*.toml", "*.yml", "*.cff", "Makefile", "requirements.txt")


class Mutant(NamedTuple):
    name: str
    file: str
    before: str  # occurs in the file once
    after: str
    tests: list[str]  # of the folder tests: files, or FILE::TEST where a file takes long
    bits: bool = False  # also those of them that compare bits
    harmless: str = ""  # why it is no fault


def read() -> list[Mutant]:
    """The mutants of all rooms."""
    rooms = sorted(Path(__file__).with_suffix("").glob("*.toml"))
    return [Mutant(name, **facts) for room in rooms for name, facts in tomllib.loads(room.read_text()).items()]


MUTANTS = read()
SMALL, FULL = 0, len(MUTANTS)


def prepare(folder: Path) -> Path:
    """Copies what tests read; later imports take this copy, not an installed one."""
    for path in (path for pattern in COPIED for path in ROOT.glob(pattern)):
        copy = functools.partial(shutil.copytree, ignore=shutil.ignore_patterns("__pycache__"))
        (copy if path.is_dir() else shutil.copy)(path, folder / path.name)
    words = [sys.executable, "-c", "import aejax; print(aejax.__file__)"]
    assert start(words, folder).stdout.strip() == str(folder / "aejax" / "__init__.py")
    return folder


def start(words: list[str], copy: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command in the copy, which shares compiled programs, as `make test` compiles them."""
    emitters = "--xla_cpu_use_fusion_emitters=false" * (sys.version_info < (3, 12))
    variables = {
        "NPROC": "2",
        "PYTHONPATH": str(copy),
        "XLA_FLAGS": f"--xla_backend_optimization_level=0 {emitters} --xla_cpu_parallel_codegen_split_count=1",
        "JAX_ENABLE_COMPILATION_CACHE": "true",
        "JAX_COMPILATION_CACHE_DIR": str(copy / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    return subprocess.run(words, cwd=copy, env=os.environ | variables, capture_output=True, text=True, timeout=900)


def is_green(copy: Path, tests: tuple[str, ...], bits: bool) -> bool:
    """Whether tests pass; raises if they cannot be run."""
    words = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "" if bits else "not bits"]
    result = start([*words, *(f"tests/{name}" for name in tests)], copy)
    assert result.returncode in (0, 1), result.stdout + result.stderr
    return result.returncode == 0


@functools.cache
def check(copy: Path, tests: tuple[str, ...], bits: bool) -> None:
    """Raises if tests fail without a mutant."""
    assert is_green(copy, tests, bits), f"{tests} fail without a mutant"


def case(copy: Path, number: int, chosen: random.Random, folder: Path) -> str:
    """Whether the tests notice the mutant; raises if they do not and nothing says that it is harmless."""
    mutant, tests = MUTANTS[number], tuple(MUTANTS[number].tests)
    check(copy, tests, mutant.bits)
    path = copy / mutant.file
    text = path.read_text(encoding="utf-8")
    assert text.count(mutant.before) == 1, f"{mutant.name}: {mutant.file} has its text before not once"
    path.write_text(text.replace(mutant.before, mutant.after), encoding="utf-8")
    try:
        if not is_green(copy, tests, mutant.bits):
            return "red"
    finally:
        path.write_text(text, encoding="utf-8")
    assert mutant.harmless, f"{mutant.name}: {', '.join(tests)} stay green"
    return "green, and no fault"
