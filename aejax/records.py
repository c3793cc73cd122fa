"""Reads and writes the text files of a run directory: whole files atomically, JSON lines by appending."""

import csv
import fcntl
import io
import json
import math
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aejax.errors import UserError


def write(path: Path, text: str) -> None:
    """Writes a file atomically: readers see the old or the new file, never half of one, even after a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    with open(temporary, "w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Makes renames and new files in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def finite(value: Any) -> Any:
    """The tree with None for every number that is not finite, because JSON cannot hold those."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_json(path: Path, tree: Any) -> None:
    """Writes indented JSON."""
    write(path, json.dumps(finite(tree), indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Reads JSON; raises UserError if it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{path.parent} is not a run directory: it has no {path.name}") from None
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}): restore it, or choose another --workdir") from None


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    """Writes rows; columns are the union of their keys in order of appearance, floats in full, missing values empty."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: "" if value is None else value for key, value in row.items()} for row in rows)
    write(path, text.getvalue())


def read_csv(path: Path) -> list[dict[str, str]]:
    """Reads rows as text; [] if there is no file."""
    if not path.exists():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def append_lines(path: Path, objects: Iterable[dict[str, Any]]) -> None:
    """Appends JSON objects, one per line, durably."""
    with open(path, "a", encoding="utf-8") as file:
        file.writelines(json.dumps(finite(entry), ensure_ascii=False) + "\n" for entry in objects)
        file.flush()
        os.fsync(file.fileno())


def keep_lines(path: Path, keep: Callable[[dict[str, Any]], bool]) -> None:
    """Keeps the JSON lines that `keep` accepts, byte for byte; drops a last line that a crash cut off."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    kept = "".join(f"{line}\n" for line in text.split("\n")[:-1] if keep(json.loads(line)))
    if kept != text or not path.exists():
        write(path, kept)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Reads JSON objects, one per line; omits a last line that a crash cut off."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines[:-1]]


@contextmanager
def lock(directory: Path) -> Iterator[None]:
    """Locks a run directory; raises UserError naming the holder if it is in use. The lock ends with the process."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot create the directory {directory} ({error.strerror}): choose another --workdir"
        ) from None
    with open(directory / ".lock", "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise UserError(
                f"{directory} is in use by {file.read().strip()}: wait until it ends, or choose another --workdir"
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        yield


def markdown(rows: list[dict[str, Any]]) -> str:
    """Rows as a Markdown table, floats with five significant digits."""
    columns = list(dict.fromkeys(key for row in rows for key in row))

    def cell(value):
        return f"{value:.5g}" if isinstance(value, float) else "" if value is None else str(value)

    lines = [columns, ["---"] * len(columns), *([cell(row.get(key)) for key in columns] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
