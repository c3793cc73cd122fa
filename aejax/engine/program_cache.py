"""Compiled programs that the next process finds, and the seals that tell the whole ones from the rest.

JAX writes a program where it will lie and computes with whatever it reads: a killed process leaves a part of one, which
is never replaced, and a flipped bit may pass. So a program counts when the process that compiled it has ended by itself
and sealed it; at the start of the next one, others are deleted.
"""

import atexit
import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path

DAYS = 30.0  # that a program is kept


def opened(made_by: str) -> Path | None:
    """The folder of whole programs that `made_by` compiled, sealed when this process ends; None if not ours alone.

    A program is code, so nobody else may write there.
    """
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = home / "aejax" / hashlib.sha256(made_by.encode()).hexdigest()[:16]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
        if status.st_uid != os.getuid() or status.st_mode & 0o077:
            return None
        delete_others(folder)
    except (OSError, RuntimeError):  # RuntimeError: there is no home
        return None
    atexit.register(seal, folder)
    return folder


def delete_others(folder: Path) -> None:
    """Deletes the programs that are old, not sealed, or not what was sealed, and the seals of none."""
    programs = [path for path in folder.iterdir() if path.suffix != ".sha256"]
    whole = {path for path in programs if is_whole(path)}
    for path in {*folder.iterdir()} - whole - {seal_of(path) for path in whole}:
        path.unlink(missing_ok=True)


def is_whole(program: Path) -> bool:
    """Whether a program is what its seal says, and not old."""
    with suppress(FileNotFoundError):  # another process may delete it now
        is_young = time.time() - program.stat().st_mtime < DAYS * 86_400
        return is_young and seal_of(program).read_text() == digest(program)
    return False


def seal(folder: Path) -> None:
    """Seals the programs that have no seal yet."""
    with suppress(OSError):  # a program without a seal is compiled again
        for program in (path for path in folder.iterdir() if path.suffix != ".sha256"):
            if not seal_of(program).exists():
                seal_of(program).write_text(digest(program))


def seal_of(program: Path) -> Path:
    """The file that holds the sha256 of a program."""
    return program.with_name(f"{program.name}.sha256")


def digest(program: Path) -> str:
    """The sha256 of a file."""
    return hashlib.sha256(program.read_bytes()).hexdigest()
