"""Arrays in numpy's files: .npz or .npy, and what is given in memory.

- .npz: `x`[, `y`, `ids`], or `x_train`[, `x_valid`, `x_test`] with `y_...`, `ids_...` likewise, and an array for each
  name in `data.condition_columns` or `data.categorical_columns`; others are ignored.
- .npz by scipy.sparse.save_npz (any format): x, in CSR. It may hold `y` and `ids`, too.
- .npy: x.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from aejax.data import SPLITS, conditions, nearest, readers, sparse
from aejax.data.types import Split
from aejax.errors import UserError

NAMES = [f"{key}{suffix}" for suffix in ("", "_train", "_valid", "_test") for key in ("x", "y", "ids")]


def read(path: str, config: Any, new: bool) -> readers.Read:
    """The arrays of a file, without names of features; a UserError names the file or the array at fault."""
    names = [*conditions.named(config.condition_columns), *conditions.named(config.categorical_columns)]
    return readers.Read(split(_file(path, names), path, names), ())


def split(arrays: dict[str, Any], where: str, names: Sequence[str]) -> dict[str, Split]:
    """Arrays of rows, and of columns with these names, as splits; UserError for an array that belongs to no rows."""
    if ("x" in arrays) == ("x_train" in arrays):
        raise UserError(f"{where} needs an array `x`, or `x_train` and `x_test`; it has: {', '.join(arrays) or 'none'}")
    if "x" in arrays:
        keys = {"train": ""}
    else:
        keys = {name: f"_{name}" for name in SPLITS if f"x_{name}" in arrays}
    columns = {name: conditions.COLUMN + name for name in names} | {key: key for key in ("x", "y", "ids")}
    used = {f"{key}{suffix}" for key in columns for suffix in keys.values()}
    for name in sorted(set(arrays) - used):
        rows = "x" + name.removeprefix("y").removeprefix("ids")
        remedy = f"there is no `{rows}`" if name in NAMES else nearest(name, NAMES)
        raise UserError(f"{where}: `{name}` does not belong to any rows: {remedy}")
    splits = {}
    for name, suffix in keys.items():
        found = {field: arrays[key + suffix] for key, field in columns.items() if key + suffix in arrays}
        splits[name] = found | ({"ids": readers.as_text(found["ids"])} if "ids" in found else {})
    return splits


def save(path: Any, x: Any, y: Any) -> None:
    """Writes an .npz of rows x, dense or sparse, and labels y (or None), as `read` reads it."""
    arrays: dict[str, Any] = {"x": x}
    if sparse.is_sparse(x):
        x = sparse.as_csr(x, str(path))
        arrays = {"format": "csr", "shape": x.shape, "data": x.data, "indices": x.indices, "indptr": x.indptr}
    np.savez(path, **arrays, **({} if y is None else {"y": y}))


def _file(path: str, names: Sequence[str]) -> dict[str, Any]:
    """The arrays of an .npz, of rows or of these names, or as "x" that of an .npy, left on disk; never unpickles."""
    known = {f"{name}{suffix}" for name in names for suffix in ("", *(f"_{split}" for split in SPLITS))}
    try:
        if path.lower().endswith(".npy"):
            return {"x": np.load(path, mmap_mode="r", allow_pickle=False)}
        with open(path, "rb") as raw:
            file = np.load(raw, allow_pickle=False)
            used = [name for name in file.files if name.split("_")[0] in ("x", "y", "ids") or name in known]
            arrays: dict[str, Any] = {name: file[name] for name in used}
            if {"format", "shape", "data"} <= set(file.files) and not {"x", "x_train"} & set(arrays):
                from scipy.sparse import load_npz

                raw.seek(0)
                arrays["x"] = sparse.as_csr(load_npz(raw), path)
            return arrays
    except UserError:
        raise
    except Exception as error:  # numpy and zipfile fail on damaged files in a dozen ways
        if "Object arrays" in str(error) or "Python objects" in str(error):
            raise UserError(f"{path} holds Python objects: save plain arrays of numbers or strings") from error
        raise readers.damaged(path, error) from error
