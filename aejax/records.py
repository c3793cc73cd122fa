"""Reads and writes the files of a run directory: whole files atomically, JSON lines by appending."""

import csv
import fcntl
import hashlib
import io
import json
import math
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from aejax.errors import UserError


class Damaged(UserError):
    """A file does not hold what was written to it."""

    def __init__(self, path: Path, reason: Any):
        super().__init__(
            f"{path} is damaged ({reason}): restore it, repeat the command that wrote it, or choose another --workdir"
        )


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Gives an error of the operating system the path, which it lacks if, for example, the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno and not error.filename:
            error.filename = str(path)
        raise


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """Yields a file that takes the place of `path` once it is whole: readers see the old or the new one, never half.

    That holds also after a crash. An error leaves the old one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with naming(path), open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def write(path: Path, text: str) -> None:
    """Writes a text with `writing`."""
    with writing(path) as file:
        file.write(text.encode())


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


def digest(tree: Any) -> str:
    """The sha256 of a tree of JSON types."""
    return hashlib.sha256(json.dumps(finite(tree), sort_keys=True).encode()).hexdigest()


def sealed(tree: dict[str, Any]) -> dict[str, Any]:
    """The tree with its digest, which `read_json` checks and takes away."""
    return {**tree, "sha256": digest(tree)}


def unsealed(path: Path, tree: Any) -> Any:
    """The tree, or the trees of a list, without its digest if it has one; raises Damaged if the content is another."""
    if isinstance(tree, list):
        return [unsealed(path, entry) for entry in tree]
    if not isinstance(tree, dict) or "sha256" not in tree:
        return tree
    content = {key: value for key, value in tree.items() if key != "sha256"}
    if tree["sha256"] != digest(content):
        raise Damaged(path, "its sha256 is not that of its content")
    return content


def read_json(path: Path) -> Any:
    """Reads JSON, without the digest if it is sealed; raises UserError if it is missing, and Damaged if it is that."""
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{path.parent} is not a run directory: it has no {path.name}") from None
    except ValueError as error:
        raise Damaged(path, error) from None
    return unsealed(path, tree)


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    """Writes rows; columns are the union of their keys in order of appearance, floats in full, missing values empty."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: "" if value is None else value for key, value in row.items()} for row in rows)
    write(path, text.getvalue())


def read_csv(path: Path) -> list[dict[str, str]]:
    """Reads rows as text; [] if there is no file; raises Damaged if it is no CSV."""
    if not path.exists():
        return []
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except (csv.Error, UnicodeDecodeError) as error:
        raise Damaged(path, error) from None


def append_lines(path: Path, objects: Iterable[dict[str, Any]]) -> bytes:
    """Appends JSON objects, one per line, durably; returns what it appended."""
    lines = "".join(json.dumps(finite(entry), ensure_ascii=False) + "\n" for entry in objects).encode()
    with naming(path), open(path, "ab") as file:
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())
    return lines


def whole_lines(path: Path, keep: Callable[[dict[str, Any]], bool]) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """The lines, and their JSON objects, that `keep` accepts; omits what a crash cut off and all other lines."""
    for line in path.read_bytes().split(b"\n")[:-1] if path.exists() else []:
        try:
            row = json.loads(line)
            if isinstance(row, dict) and keep(row):
                yield line + b"\n", row
        except (ValueError, KeyError, TypeError):
            pass


def keep_lines(path: Path, keep: Callable[[dict[str, Any]], bool]) -> None:
    """Keeps the JSON lines that `keep` accepts, byte for byte."""
    before = path.read_bytes() if path.exists() else None
    kept = b"".join(line for line, _ in whole_lines(path, keep))
    if kept != before:
        write(path, kept.decode())


def lines_digest(path: Path, keep: Callable[[dict[str, Any]], bool]) -> Any:
    """The sha256, as an object to update, of the JSON lines that `keep` accepts."""
    return hashlib.sha256(b"".join(line for line, _ in whole_lines(path, keep)))


def read_lines(path: Path, keep: Callable[[dict[str, Any]], bool] = lambda row: True) -> list[dict[str, Any]]:
    """The JSON objects, one per line, that `keep` accepts."""
    return [row for _, row in whole_lines(path, keep)]


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
        if isinstance(value, float):
            return f"{value:.5g}"
        return "" if value is None else " ".join(str(value).splitlines())

    lines = [columns, ["---"] * len(columns), *([cell(row.get(key)) for key in columns] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
