"""The user's own arrays, by `data.path` (readers/ has a file for each format) or in memory.

Labels are integers or strings; they become codes in the order of their sorted names (numbers by size). With
`data.label_kind=number` they are numbers and stay numbers.
"""

import math
from typing import Any

import numpy as np

from aejax.data import MEMORY, Rows, nearest, readers, sparse
from aejax.data.readers import npz
from aejax.data.types import Split
from aejax.errors import UserError


def read(config: Any) -> Rows:
    """The file's rows with labels as int32 codes or float32 numbers; a UserError names the file or key at fault."""
    splits, names, notes = readers.read(config.path, config)
    return labeled(splits, names, config, config.path)._replace(notes=notes)


def of_arrays(x: Any, y: Any, config: Any) -> Rows:
    """Rows x [N, ...], also scipy's sparse ones, and labels y [N] in memory, as if they were read from an .npz.

    A pyarrow table x holds its own labels and ids, as a .parquet does.
    """
    if hasattr(x, "column_names"):
        readers.check_keys(config, readers.FORMATS[".parquet"].keys, MEMORY)
        splits, names, notes = readers.of_table(x, config, MEMORY, False)
        return labeled(splits, names, config, MEMORY)._replace(notes=notes)
    readers.check_keys(config, (), MEMORY)
    given = {"x": x} if y is None else {"x": x, "y": y}
    arrays = {name: _in_memory(array) for name, array in given.items()}
    return labeled(npz.split(arrays, MEMORY, ()), (), config, MEMORY)


def _in_memory(array: Any) -> Any:
    """An array as numpy, or as scipy's csr_array."""
    if sparse.is_sparse(array):
        return sparse.as_csr(array, MEMORY)
    array = np.asarray(array)
    return np.asarray(array.tolist()) if array.dtype.kind == "O" else array  # pandas stores strings as Python objects


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


def known_codes(labels: np.ndarray, class_names: tuple[str, ...], where: str) -> np.ndarray:
    """Labels of new samples [N] as codes of a run's classes; integers also count as codes if no class is a number."""
    text = _label_text(labels, where)
    if labels.dtype.kind in "iu" and not any(readers.is_number(name) for name in class_names):
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
        labels = readers.as_text(labels)
        numbers = np.array([float(cell) if readers.is_number(cell) else np.nan for cell in labels.tolist()])
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


def _label_text(y: np.ndarray, where: str) -> np.ndarray:
    whole = y.dtype.kind in "biuSU" or (y.dtype.kind == "f" and bool(np.all(np.isfinite(y) & (y == np.round(y)))))
    if y.ndim != 1 or not whole:
        raise UserError(
            f"{where}: y has shape {y.shape} and dtype {y.dtype}: it must hold one integer or string per row "
            "(for real numbers use data.label_kind=number)"
        )
    return readers.as_text(y.astype(np.int64) if y.dtype.kind == "f" else y)


def in_order(names: set[str]) -> tuple[str, ...]:
    """Names, sorted: by size if all are numbers."""
    if all(readers.is_number(name) and math.isfinite(float(name)) for name in names):
        return tuple(sorted(names, key=lambda name: (float(name), name)))
    return tuple(sorted(names))


def _codes(text: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    code = {name: place for place, name in enumerate(names)}
    return np.array([code[name] for name in text.tolist()], np.int32)
