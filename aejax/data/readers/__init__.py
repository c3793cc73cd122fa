"""The user's files, one format a file here: read(path, config.data, new) -> Read.

A reader gives x and y as they are written, with nan for missing values of x, and ids as text; `aejax.data` makes a
Dataset of them, or new rows for a run. `taken` says which named columns are not features.
"""

import gzip
import importlib
import zlib
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aejax.data import MEMORY, conditions, nearest
from aejax.data.types import Split
from aejax.errors import UserError


class Read(NamedTuple):
    """What a file holds."""

    splits: dict[str, Split]  # "train" alone if the file has no splits
    names: tuple[str, ...]  # of the features; () if they have none
    notes: tuple[str, ...] = ()  # what the reader had to find out, each in a few words


class Format(NamedTuple):
    """The file here that reads a format, and the keys of `config.data` that it reads beside the path."""

    reader: str
    keys: tuple[str, ...]


TEXT = Format("csv", ("label_column", "id_column", "ignore_columns", "transpose"))
FORMATS = {
    ".npz": Format("npz", ()),
    ".npy": Format("npz", ()),
    ".csv": TEXT,
    ".csv.gz": TEXT,
    ".tsv": TEXT,
    ".tsv.gz": TEXT,
    ".parquet": Format("parquet", ("label_column", "id_column", "ignore_columns")),
    ".h5ad": Format("h5ad", ("label_column", "id_column", "layer")),
    ".mtx": Format("mtx", ("transpose",)),
    ".mtx.gz": Format("mtx", ("transpose",)),
    "a folder of images": Format("images", ("image_size",)),
}
UNREADABLE = (OSError, EOFError, zlib.error, UnicodeDecodeError)  # what a damaged text raises
KEYS = ("label_column", "id_column", "ignore_columns", "transpose", "layer", "image_size")
IGNORED = "ignored:"  # before the name of a column of data.ignore_columns
UNNAMED = ("Unnamed: 0", "__index_level_0__")  # what pandas calls a column without a name
LISTS = {"condition_columns": conditions.COLUMN, "categorical_columns": conditions.COLUMN, "ignore_columns": IGNORED}
HOLES = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "null", "NULL", "?")  # cells without a value


def read(path: str, config: Any, new: bool = False) -> Read:
    """Reads a file unchanged: its splits ("train" if it has none), with y as written, and the names of its features.

    With `new` (samples for a trained run) `label_column` and `id_column` may name columns that are missing.
    """
    if not path:
        raise UserError(f"data.path is empty: give the file to read ({', '.join(FORMATS)})")
    suffix = extension(path)
    if not Path(path).exists():
        raise UserError(f"{path} does not exist: correct the path")
    if suffix not in FORMATS:
        raise UserError(f"{path}: unknown extension {suffix!r}: use {', '.join(FORMATS)} (.csv with any delimiter)")
    chosen = FORMATS[suffix]
    if not new:
        check_keys(config, chosen.keys, path)
    return importlib.import_module(f"{__name__}.{chosen.reader}").read(path, config, new)


def extension(path: str) -> str:
    """The format of a file by the end of its name, ".csv" or ".csv.gz", or that of a folder."""
    if Path(path).is_dir():
        return "a folder of images"
    suffixes = Path(path.lower()).suffixes
    return "".join(suffixes[-2:]) if suffixes[-1:] == [".gz"] else "".join(suffixes[-1:])


def check_keys(config: Any, read: Sequence[str], where: str) -> None:
    """Raises UserError for a key that is set and that the format of the data does not read."""
    for key in KEYS:
        if config[key] and key not in read:
            formats = ", ".join(suffix for suffix, known in FORMATS.items() if key in known.keys)
            raise UserError(
                f"data.{key} applies only to {formats}: remove it for {where} (an .npz names its arrays x, y, ids)"
            )


def asked(config: Any) -> list[str]:
    """The columns that the config names."""
    lists = (conditions.named(config[key]) for key in LISTS)
    return [name for name in (config.label_column, config.id_column, *chain(*lists)) if name]


def taken(columns: Sequence[str], config: Any, path: str, new: bool) -> dict[str, str]:
    """{"y": "kind", "ids": "sample", "column:batch": "batch"}: the columns that are no features, by their field.

    Raises UserError for a column that the config names and that is missing; for `new` samples it may be.
    """
    named = [("label_column", "y", config.label_column), ("id_column", "ids", config.id_column)]
    for key, prefix in LISTS.items():
        named += [(key, prefix + name, name) for name in conditions.named(config[key])]
    found: dict[str, str] = {}
    keys: dict[str, str] = {}
    for key, field, column in named:
        if column and column in columns:
            other = keys.get(column, key)
            if other != key and {other, key} != {"label_column", "condition_columns"}:
                raise UserError(f"data.{key}={column} is data.{other}, too: name the column in one of them")
            found |= {} if column in keys else {field: column}  # a label may be a condition, too
            keys[column] = key
        elif column and not new and column != conditions.LABEL:
            remedy = conditions.WITHOUT if key == "condition_columns" else ""
            raise UserError(f"data.{key}={column}: {path} has no such column: {nearest(column, list(columns))}{remedy}")
    return found


def of_table(table: Any, config: Any, path: str, new: bool, index: str = "") -> Read:
    """The rows of a pyarrow table, a column for each name, with nan for missing values and for texts of HOLES.

    `index`, or what pandas has as its index, holds the names of the rows unless a key says what it is. Raises UserError
    for a cell of a feature that is not a number, and for a row without a label.
    """
    levels = indices(table, index)
    table = table.rename_columns([name or f"column_{place}" for place, name in enumerate(table.column_names, 1)])
    names = table.column_names
    check_names(names, path)
    if not len(table):
        raise UserError(f"{path} has no rows: give it some")
    found, notes = taken(names, config, path, new), []
    for level in levels:
        if level in found.values():
            continue
        what = "the column without a name" if level == index or level in UNNAMED else f"the index {level!r}"
        if "ids" in found:
            notes.append(f"{what} left out")
            names = [name for name in names if name != level]
        else:
            notes.append(f"ids from {what}")
            found |= {"ids": level}
    split = {field: cells(table[name]) for field, name in found.items() if not field.startswith(IGNORED)}
    if "y" in split and new and unlabeled(split["y"]).any():
        del split["y"]
    if "y" in split:
        check_labels(split["y"], config.label_column, path)
    if "ids" in split:
        split["ids"] = as_text(split["ids"])
    features = [name for name in names if name not in found.values()]
    columns = [numbers(table[name], name, path) for name in features]
    if not features and not config.categorical_columns:
        taken_by = ", ".join(f"{field.partition(':')[0]} {name!r}" for field, name in list(found.items())[:5])
        raise UserError(f"{path}: x is empty, because no column is left for it beside {taken_by}: give it a feature")
    x = np.empty((len(table), len(features)), np.result_type(*columns) if columns else float)
    for place, column in enumerate(columns):
        x[:, place] = column
    return Read({"train": {"x": x} | split}, tuple(features), tuple(notes))


def indices(table: Any, index: str = "") -> list[str]:
    """The columns of a pyarrow table that hold names of its rows: `index`, and those of pandas' index."""
    known = (table.schema.pandas_metadata or {}).get("index_columns", ())
    return [name for name in table.column_names if name and (name == index or name in UNNAMED or name in known)]


def as_table(x: Any, y: Any, label_column: str) -> Any:
    """A data frame of pandas, polars or pyarrow as a pyarrow table, with labels y (or None) as a column of this name.

    None if x is no data frame. Raises UserError for a column of several types, and for labels that do not fit.
    """
    if not hasattr(x, "columns"):
        return None
    import pyarrow

    if y is not None and np.ndim(y) != 1:
        raise UserError(f"y has shape {np.shape(y)}: give one label for each row")
    try:
        table = pyarrow.table(x)
        labels = None if y is None else pyarrow.array(np.asarray(y).tolist())
    except (pyarrow.ArrowException, TypeError, ValueError) as error:
        reason = "; ".join(map(str, error.args))
        raise UserError(f"{MEMORY}: a column of the data frame has no single type ({reason})") from error
    if labels is None:
        return table
    if label_column in table.column_names:
        raise UserError(f"the data frame has a column {label_column!r}, and y is given, too: leave one of them out")
    if len(labels) != len(table):
        raise UserError(f"y has {len(labels)} labels for {len(table)} rows: give one for each row")
    return table.append_column(label_column, labels)


def cells(column: Any) -> np.ndarray:
    """A column of pyarrow [N]: numbers with nan where they are missing, all else as text with "" there."""
    if (values := column.to_numpy()).dtype.kind in "biuf":
        return values
    return np.array([value or "" for value in texts(column).to_pylist()], str)


def texts(column: Any) -> Any:
    """A column of pyarrow as text, null where a value is missing."""
    import pyarrow
    from pyarrow import types

    if types.is_dictionary(column.type):  # a category of pandas
        column = column.cast(column.type.value_type)
    try:
        return column.cast(pyarrow.large_string())
    except pyarrow.ArrowException:  # lists, and times of an unknown zone
        values = column.cast(pyarrow.int64()) if types.is_timestamp(column.type) else column
        written = [None if value is None else str(value) for value in values.to_pylist()]
        return pyarrow.chunked_array([pyarrow.array(written, pyarrow.large_string())])


def numbers(column: Any, name: str, path: str) -> np.ndarray:
    """A column of pyarrow as numbers [N], nan where one is missing; raises UserError for a text that is no number."""
    import pyarrow
    from pyarrow import types

    if types.is_dictionary(column.type):  # a category of pandas
        column = column.cast(column.type.value_type)
    if types.is_decimal(column.type) or types.is_null(column.type) or types.is_boolean(column.type):
        holes = column.null_count or not types.is_boolean(column.type)
        return (column.cast(pyarrow.float64()) if holes else column).to_numpy()
    if types.is_integer(column.type) or types.is_floating(column.type):
        return column.to_numpy()
    text = without_holes(texts(column))
    try:
        return text.cast(pyarrow.float64()).to_numpy()
    except pyarrow.ArrowInvalid:
        row, cell = next(
            (row, cell) for row, cell in enumerate(text.to_pylist()) if not (cell is None or is_number(cell))
        )
        hint = ", or check data.delimiter" if any(mark in cell for mark in ",;:|\t ") else ""
        raise UserError(
            f"{path}: row {row} (counted from 0), column {name!r}: {cell[:50]!r} is not a number: fix it, or name the "
            f"column in data.categorical_columns, label_column, id_column or ignore_columns{hint}"
        ) from None


def without_holes(text: Any) -> Any:
    """A text column of pyarrow without space around its cells, null for those of HOLES."""
    import pyarrow

    compute: Any = importlib.import_module("pyarrow.compute")
    text = compute.utf8_trim_whitespace(text)
    return compute.if_else(compute.is_in(text, pyarrow.array(HOLES, text.type)), None, text)


def unlabeled(y: np.ndarray) -> np.ndarray:
    """Which rows have no label: bool [N]."""
    return np.isnan(y) if y.dtype.kind == "f" else y == ""


def check_labels(y: np.ndarray, column: str, path: str) -> None:
    """Raises UserError that names the first row without a label."""
    if len(empty := np.flatnonzero(unlabeled(y))):
        raise UserError(f"{path}: row {empty[0]} (counted from 0) has no label in column {column!r}: add one")


def check_names(names: Sequence[str], path: str) -> None:
    """Raises UserError if two columns have the same name."""
    if names and (most := Counter(names).most_common(1)[0])[1] > 1:
        raise UserError(f"{path}: {most[1]} columns are called {most[0]!r}: rename them")


def extra(library: str, name: str, path: str) -> Any:
    """An optional library; UserError that names the command which installs it."""
    try:
        return importlib.import_module(library)
    except ImportError:
        raise UserError(f"{path}: {name} is missing: pip install 'aejax[{name}]'") from None


def damaged(path: str, error: Exception) -> UserError:
    """What a library's error about a file becomes: one line."""
    reason = " ".join(str(error).split()) or type(error).__name__
    return UserError(f"cannot read {path}: it is damaged or not an {extension(path)} file ({reason})")


def open_text(path: str | Path, encoding: str = "utf-8-sig") -> Any:
    """Opens a text, with or without .gz."""
    opened = gzip.open if str(path).lower().endswith(".gz") else open
    return opened(path, "rt", newline="", encoding=encoding)


def is_number(cell: str) -> bool:
    """Whether a text is a number, also "nan" and "inf"."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell and cell.isascii()  # as numbers are in files, other than in Python


def as_text(array: np.ndarray) -> np.ndarray:
    """Labels or ids [N] as text."""
    return np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array.astype(str)
