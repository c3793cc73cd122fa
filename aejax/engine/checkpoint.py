"""Checkpoints that detect damage: an orbax payload, a seal with the sha256 of every file, then one atomic rename.

A step appears with its seal; one without it is damaged. Orbax alone restores a flipped bit silently and never falls
back to an older step.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from aejax import records
from aejax.errors import UserError
from aejax.types import TrainState

KEEP = 2  # sealed steps: the newest, and one to fall back to
SEAL = "seal.json"


class Damaged(Exception):
    """The files of a step differ from its seal."""


def describe(tree: Any) -> dict[str, list]:
    """{path: [shape, dtype]} of every array in a tree."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path): [list(leaf.shape), str(leaf.dtype)] for path, leaf in leaves}


def digest(path: Path) -> str:
    """The sha256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def contents(directory: Path) -> dict[str, Path]:
    """Every file below a directory except the seal, by relative path."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path for path in files if path.name != SEAL}


def payload(state: TrainState) -> dict[str, Any]:
    """What orbax writes: the state, without `kept` if nothing is, as in runs from before there was such a field."""
    return {name: part for name, part in state._asdict().items() if name != "kept" or part}


def write_step(directory: Path, step: int, state: TrainState, facts: dict[str, Any]) -> None:
    """Writes, seals and renames one step, then deletes the steps that are no longer needed."""
    temporary = directory / f".{step}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    if shutil.disk_usage(temporary).free < sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves(state)):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(temporary))  # orbax's threads would print tracebacks
    with ocp.StandardCheckpointer() as checkpointer:
        try:
            checkpointer.save((temporary / "state").absolute(), payload(state))
            checkpointer.wait_until_finished()
        except ValueError as error:  # tensorstore's, for what the operating system refuses
            if not (code := re.search(r"os_error_code='(\d+)'", str(error))):
                raise
            raise OSError(int(code[1]), os.strerror(int(code[1])), str(temporary)) from None
    files = contents(temporary)
    seal = {"step": step, **facts, "tree": describe(state), "files": {name: digest(p) for name, p in files.items()}}
    (temporary / SEAL).write_text(json.dumps(records.sealed(seal), indent=1) + "\n")
    for path in [*temporary.rglob("*"), temporary]:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    if (target := directory / str(step)).exists():  # it is damaged: an intact step would have been resumed
        shutil.rmtree(aside := directory / f"{step}.damaged", ignore_errors=True)
        os.rename(target, aside)
    os.rename(temporary, target)
    records.sync_directory(directory)
    older = [other for other in sealed_steps(directory) if other < step]  # a newer one is damaged and does not count
    for old in older[KEEP - 1 :]:
        shutil.rmtree(directory / str(old))


def sealed_steps(directory: Path) -> list[int]:
    """The steps that were sealed, newest first."""
    return sorted((int(step.name) for step in directory.glob("*") if step.name.isdecimal()), reverse=True)


def read_seal(directory: Path, step: int) -> dict[str, Any]:
    """Checks every file of a step against its seal; returns the seal or raises Damaged naming the first mismatch."""
    path = directory / str(step)
    try:
        tree = json.loads((path / SEAL).read_text())
        seal = records.unsealed(path / SEAL, tree)
        intact = "sha256" in tree
    except (OSError, ValueError, TypeError, records.Damaged):
        intact, seal = False, {}
    if not intact:
        raise Damaged(f"{path / SEAL} differs from the seal that was written")
    sealed, files = seal["files"], contents(path)
    for name in sorted({*sealed, *files}):
        if name not in files or name not in sealed or digest(files[name]) != sealed[name]:
            raise Damaged(f"{path / name} differs from the file that was sealed")
    return seal


def newest(directory: Path, warn: Callable[[str], None]) -> tuple[int, dict[str, Any]] | None:
    """The newest undamaged step and its seal, or None; warns of each damaged step."""
    for step in sealed_steps(directory):
        try:
            return step, read_seal(directory, step)
        except Damaged as damage:
            warn(f"damaged checkpoint: {damage}; trying the one before")
    return None


def restore(directory: Path, step: int, like: TrainState) -> TrainState:
    """The state of a step as numpy arrays in the tree of `like`; raises UserError if shapes, dtypes or tree differ."""
    path = directory / str(step)
    seal = json.loads((path / SEAL).read_text())
    if seal["tree"] != describe(like):
        raise UserError(f"{path} was written by a different version of aejax: use that version")
    template = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), like)
    with ocp.StandardCheckpointer() as checkpointer:
        return TrainState(**checkpointer.restore((path / "state").absolute(), payload(template)))


def of_group(run: Path, group: int) -> Path:
    """The directory of a group's checkpoints."""
    return run / "checkpoints" / str(group)


def quiet_threads() -> None:
    """Keeps orbax's threads from printing tracebacks of an error that `write_step` raises."""
    in_callback, in_thread = sys.unraisablehook, threading.excepthook
    if getattr(in_callback, "is_quiet", False):
        return

    def is_known(error: object) -> bool:  # tensorstore's, of a failed save and of its callbacks after the save
        return "os_error_code" in str(error) or str(error) == "Event loop is closed"

    def callback(arguments):
        if not is_known(arguments.exc_value):
            in_callback(arguments)

    def thread(arguments):
        if not is_known(arguments.exc_value):
            in_thread(arguments)

    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    callback.is_quiet = True  # pyright: ignore[reportFunctionMemberAccess]
    sys.unraisablehook, threading.excepthook = callback, thread


@contextmanager
def saver(directory: Path) -> Iterator[Callable[[int, TrainState, dict[str, Any]], None]]:
    """Yields save(step, state, facts), which writes in the background; on exit, waits until the last save is sealed."""
    pending: list[Future] = []
    quiet_threads()

    def wait() -> None:
        while pending:
            pending.pop().result()

    with ThreadPoolExecutor(max_workers=1) as pool:

        def save(step: int, state: Any, facts: dict[str, Any]) -> None:
            wait()  # a failed save stops the run here
            pending.append(pool.submit(write_step, directory, step, state, facts))

        try:
            yield save
        finally:
            wait()
