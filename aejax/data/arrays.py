"""The user's own arrays, by `data.path`: .npz, .npy, .csv, or .tsv (tabs).

- .npz: `x`[, `y`, `ids`], or `x_train`[, `x_valid`, `x_test`] with `y_...`, `ids_...` likewise, and an array for each
  name in `data.condition_columns`; others are ignored.
- .npy: x.
- .csv: one sample per line (with `data.transpose` the whole grid of cells is transposed first). The first line holds
  the column names, unless all its cells are numbers. A column without a name is called column_1, column_2, ... by its
  place. The columns of `data.label_column`, `data.id_column` and `data.condition_columns` are taken out; all others
  are features.

Labels are integers or strings; they become codes in the order of their sorted names (numbers by size). With
`data.label_kind=number` they are numbers and stay numbers.
"""

import csv
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from aejax.data import MEMORY, SPLITS, Rows, Split, conditions, nearest
from aejax.errors import UserError

NAMES = [f"{key}{suffix}" for suffix in ("", "_train", "_valid", "_test") for key in ("x", "y", "ids")]
CSV_KEYS = ("label_column", "id_column", "transpose")


def read(config: Any) -> Rows:
    """The file's rows with labels as int32 codes or float32 numbers; a UserError names the file or key at fault."""
    return labeled(*read_file(config.path, config), config, config.path)


def of_arrays(x: Any, y: Any, config: Any) -> Rows:
    """Rows x [N, ...] and labels y [N] in memory, as if they were read from an .npz."""
    given = {"x": x} if y is None else {"x": x, "y": y}
    named = {name: np.asarray(array) for name, array in given.items()}
    # pandas stores strings as Python objects.
    arrays = {name: np.asarray(a.tolist()) if a.dtype.kind == "O" else a for name, a in named.items()}
    return labeled(*_of_arrays(arrays, MEMORY, config, new=False), config, MEMORY)


def labeled(splits: dict[str, Split], feature_names: tuple[str, ...], config: Any, where: str) -> Rows:
    """Rows with labels as int32 codes or float32 numbers, from the labels as given."""
    if config.label_kind == "number":
        for name, split in splits.items():
            if "y" in split:
                splits[name] = split | {"y": label_numbers(split["y"], f"{where} ({name})")}
        return Rows(splits["train"], splits.get("valid"), splits.get("test"), (), feature_names)
    for name, split in splits.items():
        if "y" in split:
            splits[name] = split | {"y": _label_text(split["y"], f"{where} ({name})")}
    labels = [split["y"] for split in splits.values() if "y" in split]
    class_names = in_order(set(np.concatenate(labels).tolist())) if labels else ()
    for name, split in splits.items():
        if "y" in split:
            splits[name] = split | {"y": _codes(split["y"], class_names)}
    return Rows(splits["train"], splits.get("valid"), splits.get("test"), class_names, feature_names)


def read_file(path: str, config: Any, new: bool = False) -> tuple[dict[str, Split], tuple[str, ...]]:
    """Reads a file unchanged: its splits ("train" if it has none), with y as written, and the names of its features.

    With `new` (samples for a trained run) `label_column` and `id_column` may name columns that are missing.
    """
    readers = {".npz": _read_arrays, ".npy": _read_arrays, ".csv": _read_csv, ".tsv": _read_csv}
    if not path:
        raise UserError("data.path is empty: give the .npz, .npy or .csv file to read")
    suffix = Path(path).suffix.lower()
    if suffix not in readers:
        raise UserError(f"{path}: unknown extension {suffix!r}: use .npz, .npy, .tsv or .csv (any delimiter)")
    if not Path(path).is_file():
        raise UserError(f"{path} does not exist or is not a file: correct the path")
    return readers[suffix](path, config, new)


def known_codes(labels: np.ndarray, class_names: tuple[str, ...], where: str) -> np.ndarray:
    """Labels of new samples [N] as codes of a run's classes; integers also count as codes if no class is a number."""
    text = _label_text(labels, where)
    if labels.dtype.kind in "iu" and not any(is_number(name) for name in class_names):
        known = tuple(str(code) for code in range(len(class_names)))
    else:
        known = class_names
    if strange := in_order(set(text.tolist()) - set(known)):
        raise UserError(
            f"{where}: label {strange[0]!r} is not one of the run's classes: remove the labels; {nearest('', known)}"
        )
    return _codes(text, known)


def label_numbers(labels: np.ndarray, where: str) -> np.ndarray:
    """Labels [N] as float32 numbers; a UserError names the row of a label that is not a finite number."""
    if labels.ndim != 1 or labels.dtype.kind not in "biufSU":
        raise UserError(
            f"{where}: y has shape {labels.shape} and dtype {labels.dtype}: with data.label_kind=number it must hold "
            "one number per row"
        )
    if labels.dtype.kind in "SU":
        labels = _text(labels)
        numbers = np.array([float(cell) if is_number(cell) else np.nan for cell in labels.tolist()])
    else:
        numbers = labels
    with np.errstate(over="ignore"):
        numbers = numbers.astype(np.float32)
    if len(wrong := np.flatnonzero(~np.isfinite(numbers))):
        raise UserError(
            f"{where}: row {wrong[0]} (counted from 0): label {labels[wrong[0]].item()!r} is not a finite number: "
            "fix or drop the row, or use data.label_kind=class"
        )
    return numbers


def _read_arrays(path: str, config: Any, new: bool) -> tuple[dict[str, Split], tuple[str, ...]]:
    return _of_arrays(_numpy_file(path, conditions.named(config.condition_columns)), path, config, new)


def _of_arrays(
    arrays: dict[str, np.ndarray], path: str, config: Any, new: bool
) -> tuple[dict[str, Split], tuple[str, ...]]:
    for key in CSV_KEYS:
        if config[key] and not new:
            raise UserError(
                f"data.{key} applies only to .csv and .tsv files: remove it for {path} "
                "(an .npz names its arrays x, y, ids)"
            )
    if ("x" in arrays) == ("x_train" in arrays):
        raise UserError(f"{path} needs an array `x`, or `x_train` and `x_test`; it has: {', '.join(arrays) or 'none'}")
    if "x" in arrays:
        keys = {"train": ""}
    else:
        keys = {name: f"_{name}" for name in SPLITS if f"x_{name}" in arrays}
    columns = {name: conditions.COLUMN + name for name in conditions.named(config.condition_columns)}
    columns = {"x": "x", "y": "y", "ids": "ids"} | {name: field for name, field in columns.items() if name != "y"}
    used = {f"{key}{suffix}" for key in columns for suffix in keys.values()}
    for name in sorted(set(arrays) - used):
        rows = "x" + name.removeprefix("y").removeprefix("ids")
        remedy = f"there is no `{rows}`" if name in NAMES else nearest(name, NAMES)
        raise UserError(f"{path}: `{name}` does not belong to any rows: {remedy}")
    splits = {}
    for name, suffix in keys.items():
        split = {field: arrays[key + suffix] for key, field in columns.items() if key + suffix in arrays}
        splits[name] = split | ({"ids": _text(split["ids"])} if "ids" in split else {})
    return splits, ()


def _numpy_file(path: str, names: list[str]) -> dict[str, np.ndarray]:
    """The arrays of an .npz, of rows or of these names, or the array of an .npy as "x"; never unpickles."""
    known = {f"{name}{suffix}" for name in names for suffix in ("", *(f"_{split}" for split in SPLITS))}
    try:
        with open(path, "rb") as raw:
            file = np.load(raw, allow_pickle=False)
            if isinstance(file, np.ndarray):
                return {"x": file}
            used = [name for name in file.files if name.split("_")[0] in ("x", "y", "ids") or name in known]
            return {name: file[name] for name in used}
    except Exception as error:  # numpy and zipfile fail on damaged files in a dozen ways
        if "Object arrays" in str(error):
            raise UserError(f"{path} holds Python objects: save plain arrays of numbers or strings") from error
        reason = " ".join(str(error).split())
        raise UserError(f"cannot read {path}: it is damaged or not an {Path(path).suffix} file ({reason})") from error


def _read_csv(path: str, config: Any, new: bool) -> tuple[dict[str, Split], tuple[str, ...]]:
    grid = _grid(path, "\t" if Path(path).suffix.lower() == ".tsv" else config.delimiter)
    if config.transpose:
        grid = [list(column) for column in zip(*grid, strict=True)]
    named = not all(is_number(cell) for cell in grid[0])
    columns = [cell.strip() if named else "" for cell in grid[0]]
    columns = [name or f"column_{place}" for place, name in enumerate(columns, 1)]
    name, count = Counter(columns).most_common(1)[0]
    if count > 1:
        raise UserError(f"{path}: {count} columns are called {name!r}: rename them")
    rows = grid[1:] if named else grid
    taken = {}
    for key, name, field in asked(config):
        if name in columns:
            taken[field] = columns.index(name)
        elif not new and name != conditions.LABEL:
            raise UserError(f"data.{key}={name}: {path} has no such column: {nearest(name, columns)}")
    features = [place for place in range(len(columns)) if place not in taken.values()]
    split = {field: np.array([row[place].strip() for row in rows], str) for field, place in taken.items()}
    if "y" in split and len(empty := np.flatnonzero(split["y"] == "")):
        raise UserError(
            f"{path}: row {empty[0]} (counted from 0) has no label in column {config.label_column!r}: add one"
        )
    x = _numbers(rows, features, columns, path)
    return {"train": {"x": x} | split}, tuple(columns[place] for place in features) if named else ()


def asked(config: Any) -> list[tuple[str, str, str]]:
    """The columns that are no features: for each the key that names it, its name, and its place in a split."""
    found = [("label_column", config.label_column, "y"), ("id_column", config.id_column, "ids")]
    taken = [name for _, name, _ in found]
    found += [
        ("condition_columns", name, conditions.COLUMN + name)
        for name in conditions.named(config.condition_columns)
        if name not in taken
    ]
    return [(key, name, field) for key, name, field in found if name]


def _grid(path: str, delimiter: str) -> list[list[str]]:
    delimiter = "\t" if delimiter == "\\t" else delimiter  # as a shell passes it
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise UserError(f"data.delimiter={delimiter!r} must be one character, such as , or ; or \\t")
    grid = []
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, delimiter=delimiter, skipinitialspace=delimiter != "\t")
            for row in reader:
                if row and len(row) != len(grid[0] if grid else row):
                    raise UserError(
                        f"{path}: line {reader.line_num} has {len(row)} cells, but the first line has {len(grid[0])}: "
                        "give every line the same number, and check data.delimiter"
                    )
                if row:
                    grid.append(row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"cannot read {path} as a .csv in UTF-8: {error}") from error
    if not grid:
        raise UserError(f"{path} is empty: give it a line of column names and lines of numbers")
    return grid


def _numbers(rows: list[list[str]], features: list[int], columns: list[str], path: str) -> np.ndarray:
    x = np.empty((len(rows), len(features)))
    for i, row in enumerate(rows):
        try:
            x[i] = [float(row[place]) for place in features]
        except ValueError:
            place = next(place for place in features if not is_number(row[place]))
            raise UserError(
                f"{path}: row {i} (counted from 0), column {columns[place]!r}: {row[place]!r} is not a number: fix it, "
                "set data.label_column or data.id_column to this column, or check data.delimiter"
            ) from None
    return x


def is_number(cell: str) -> bool:
    """Whether a cell is the text of a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _text(array: np.ndarray) -> np.ndarray:
    return np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array.astype(str)


def _label_text(y: np.ndarray, where: str) -> np.ndarray:
    whole = y.dtype.kind in "biuSU" or (y.dtype.kind == "f" and bool(np.all(np.isfinite(y) & (y == np.round(y)))))
    if y.ndim != 1 or not whole:
        raise UserError(
            f"{where}: y has shape {y.shape} and dtype {y.dtype}: it must hold one integer or string per row "
            "(for real numbers use data.label_kind=number)"
        )
    return _text(y.astype(np.int64) if y.dtype.kind == "f" else y)


def in_order(names: set[str]) -> tuple[str, ...]:
    """Names, sorted: by size if all are numbers."""
    if all(is_number(name) and math.isfinite(float(name)) for name in names):
        return tuple(sorted(names, key=lambda name: (float(name), name)))
    return tuple(sorted(names))


def _codes(text: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    code = {name: place for place, name in enumerate(names)}
    return np.array([code[name] for name in text.tolist()], np.int32)
