"""Damages one file of a run directory, then reads the run and trains it again.

Whatever was damaged is named, or mended, or made no difference. The file that is put back makes the run what it was.
"""

import io
import random
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

from aejax import trained
from aejax.engine import programs
from aejax.errors import UserError
from aejax.plan import Plan
from tests.campaigns import commands

SMALL, FULL = 2, 2500


class Context(NamedTuple):
    finished: Path
    stopped: Path  # the same run, as a kill after its first epochs leaves it
    other: Path  # a run of the same shapes with other settings
    bits: tuple[Any, ...]


def prepare(folder: Path) -> Context:
    """Trains two runs, and undoes the end of one of them."""
    finished = commands.train(folder / "finished")
    config = commands.config_of()
    config.optimizer.learning_rate = 0.1
    other, stopped = commands.train(folder / "other", config), folder / "stopped"
    shutil.copytree(finished, stopped)
    shutil.rmtree(stopped / "checkpoints" / "1" / "20")
    return Context(finished, stopped, other, commands.bits(finished))


def flip(path: Path, chosen: random.Random, _: Path) -> None:
    content = bytearray(path.read_bytes())
    content[chosen.randrange(len(content))] ^= 1 << chosen.randrange(8)
    path.write_bytes(content)


def cut(path: Path, chosen: random.Random, _: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: chosen.randrange(len(content))])


def delete(path: Path, chosen: random.Random, _: Path) -> None:
    path.unlink()


def zero(path: Path, chosen: random.Random, _: Path) -> None:
    content = bytearray(path.read_bytes())
    first = chosen.randrange(len(content))
    last = min(len(content), first + chosen.randrange(1, 512))
    content[first:last] = bytes(last - first)
    path.write_bytes(content)


def append(path: Path, chosen: random.Random, _: Path) -> None:
    path.write_bytes(path.read_bytes() + chosen.randbytes(chosen.randrange(1, 64)))


def repeat_a_line(path: Path, chosen: random.Random, _: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    place = chosen.randrange(len(lines))
    path.write_bytes(b"".join([*lines[: place + 1], *lines[place:]]))


def exchange(path: Path, chosen: random.Random, same: Path) -> None:
    """Puts another run's file in its place, if that has one."""
    if same.exists():
        shutil.copy(same, path)


def make_a_directory(path: Path, chosen: random.Random, _: Path) -> None:
    path.unlink()
    path.mkdir()


KINDS = (*(flip,) * 12, cut, delete, zero, append, repeat_a_line, exchange, make_a_directory)  # 4 of 5 flip a bit


def read(workdir: Path) -> list[Any]:
    """What `evaluate` and `embed` read of a run before they measure."""
    groups = [trained.load_group(workdir, group) for group in programs.make_groups(Plan.read(workdir))]
    return [(group.step, group.rows, trained.load(workdir, 3).params["encoder"]) for group in groups]


def case(context: Context, number: int, chosen: random.Random, folder: Path) -> str:
    """Damages a file that a directory or a file was chosen for first, so that small files are hit as often as large."""
    source = chosen.choice([context.finished, context.finished, context.stopped])
    workdir = Path(shutil.copytree(source, folder / "run"))
    places = ["config.json", "data.json", "environment.json", "members.csv", "metrics.jsonl", *["checkpoints"] * 3]
    place = workdir / chosen.choice(places)
    path = chosen.choice(sorted(p for p in place.rglob("*") if p.is_file())) if place.is_dir() else place
    before, expected = path.read_bytes(), str(read(workdir))
    chosen.choice(KINDS)(path, chosen, context.other / path.relative_to(workdir))
    said = io.StringIO()
    outcome, is_lost = "no difference", False
    with redirect_stderr(said), redirect_stdout(said):
        try:
            if str(read(workdir)) != expected:
                is_named = path.name in said.getvalue() or (
                    path.name == "seal.json" and f"{path.parent}/" in said.getvalue()
                )
                assert is_named, f"{path} is read in silence"  # another run's seal differs from the files beside it
                outcome = "named, and the step before is read"
        except (UserError, OSError) as error:
            check_words(error, path, said.getvalue())
            outcome = "refused by name"
        try:
            commands.train(workdir)
            if path.is_dir():
                outcome += ", made anew"
            elif path.name in said.getvalue():
                outcome += ", named in training"
            found, expected = commands.bits(workdir), context.bits
            is_lost = path.name == "metrics.jsonl" and f"{path} is missing" in said.getvalue()
            if is_lost:
                found, expected = found[::2], expected[::2]  # without its rows
            assert found == expected, f"{path}: other bits ({said.getvalue()})"
        except (UserError, OSError) as error:
            check_words(error, path, said.getvalue())
            outcome += ", refused in training"
        if path.is_dir():
            path.rmdir()
        path.write_bytes(before)
        if is_lost and source == context.stopped:  # the training went on without its rows, and sealed that
            return outcome
        if path.name == "metrics.jsonl" or workdir / "checkpoints" not in path.parents:
            commands.train(workdir)
            assert commands.bits(workdir) == context.bits, f"{path} was put back: other bits"
    return outcome


def check_words(error: Exception, path: Path, said: str) -> None:
    """The error is one line; it, or a line before it, names the file, or the one that is bound to it."""
    named = path.name in f"{error} {said}" or path.name in ("config.json", "data.json")
    assert "\n" not in str(error) and named, f"{path}: {error}"
