"""New rows for a trained run, from a file or from memory: matched, scaled and standardized as its training rows."""

from typing import Any, NamedTuple

import numpy as np

from aejax.data import MEMORY, arrays, checks, conditions, readers, sparse, standardized, tables
from aejax.data.types import Spec, Split
from aejax.errors import UserError


class NewRows(NamedTuple):
    """New samples for a trained run; None where the file has none."""

    x: Any  # [N, *shape], dense or sparse
    y: np.ndarray | None = None  # [N]
    ids: np.ndarray | None = None  # [N]
    c: np.ndarray | None = None  # [N, J], the run's conditions


def read(path: str, config: Any, spec: Spec) -> NewRows:
    """Reads new samples for a trained run, from a file of any format.

    `config` is the run's `config.data` (delimiter, columns, transpose; label and id columns may be absent). Columns of
    a table are matched by name, missing values are filled if the run fills them, and categories become the run's
    one-hot blocks (`tables.of_new`); flat rows are reshaped to the run's shape. Floats must be in data units; if the
    run is standardized, its mean and sd are applied here. Bytes are scaled by the rule of `data.prepare`: they stay
    uint8 if that is the run's own scale, else they are returned as float32 in data units. Sparse rows stay sparse,
    unless they are standardized or images. With "threshold" the rows are thresholded; with "static" they keep their
    grey values. y holds codes of the run's classes, or numbers if the run's labels are numbers. Raises UserError for a
    wrong shape, values outside the run's [0, 1], or a label or category that is not in the run.
    """
    if spec.kind == "pairs":
        raise UserError(f"{path}: this run was trained on pairs and can embed only its own items: omit the file")
    splits, names, _ = readers.read(path, config, new=True)
    return _prepared(splits, names, path, config, spec)


def prepare(x: Any, config: Any, spec: Spec) -> NewRows:
    """New rows x [N, ...] or a data frame in memory, as `read` returns them from a file; of pairs, indices of items.

    Only a data frame has labels, ids and conditions of its own.
    """
    table = None if spec.kind == "pairs" else readers.as_table(x, None, "")
    if table is not None:
        splits, names, _ = readers.of_table(table, config, MEMORY, True)
        return _prepared(splits, names, MEMORY, config, spec)
    x = sparse.as_csr(x, MEMORY) if sparse.is_sparse(x) else np.asarray(x)
    if spec.kind == "pairs":
        if x.ndim != 1 or x.dtype.kind not in "iu" or not len(x) or x.min() < 0 or x.max() >= spec.sizes[0]:
            raise UserError(
                f"x has shape {x.shape} and dtype {x.dtype}: a run trained on pairs expects the indices [N] of "
                f"its items, integers from 0 to {spec.sizes[0] - 1}"
            )
        return NewRows(x.astype(np.int32))
    if x.ndim < 2 or x.shape == spec.shape:
        expected = ", ".join(map(str, ("N", *spec.shape)))
        raise UserError(f"x has shape {x.shape}, expected [{expected}]: pass a single row as x[None]")
    return _prepared({"train": {"x": x}}, (), MEMORY, config, spec._replace(conditions=()))


def _prepared(splits: dict[str, Split], names: tuple[str, ...], where: str, config: Any, spec: Spec) -> NewRows:
    """The rows of the only split, as `read` describes them."""
    if set(splits) != {"train"}:
        raise UserError(f"{where} has several splits: new samples must be one array `x`")
    split = checks.checked(splits["train"], where, names, spec.kind == "series")
    x = _as_trained(split, where, names, config, spec)
    y, ids = _new_labels(split, where, config, spec), split.get("ids")
    return NewRows(x, y, ids, conditions.of_new(spec.conditions, split, config, where))


def _as_trained(split: Split, where: str, names: tuple[str, ...], config: Any, spec: Spec) -> Any:
    """Checked rows in the run's columns and shape, scaled, thresholded and standardized as its training rows were."""
    x = _shaped(tables.of_new(split, names, spec, where), where, spec)
    is_grey = spec.kind == "image" or spec.byte_scale != 1.0
    scale = 1.0 if spec.support == "counts" else checks.byte_scale([x], is_grey)
    support, bounded = checks.support([x], scale, is_grey), spec.bounded or spec.byte_scale != 1.0
    if bounded and support not in ("binary", "unit"):
        raise UserError(
            f"{where}: x lies in [{x.min():g}, {x.max():g}], but the run was trained on data in [0, 1]: rescale x"
        )
    if spec.support == "counts" and support not in ("binary", "counts"):
        row, *feature = sparse.place(x, checks.not_counts(sparse.stored(x)))
        name = checks.feature_name(feature, spec.feature_names or names)
        raise UserError(
            f"{where}: row {row} (counted from 0), feature {name}: x is {x[row, *feature]:g}, "
            "but the run was trained on counts: give whole numbers from 0"
        )
    if x.dtype == np.uint8 and scale != spec.byte_scale:
        x = x * np.float32(scale)
    if config.binarization == "threshold":
        x = (x >= 0.5).astype(np.uint8)
    if spec.center is not None and spec.spread is not None:
        x = standardized(sparse.dense(x), spec.byte_scale, spec.center, spec.spread)
    return x


def _new_labels(split: Split, path: str, config: Any, spec: Spec) -> np.ndarray | None:
    """The labels [N] of new samples, as codes of the run's classes or as numbers; None if they or the run have none."""
    if "y" in split and spec.label_moments:
        return arrays.label_numbers(split["y"], path)
    return arrays.known_codes(split["y"], spec.class_names, path) if "y" in split and spec.class_names else None


def _shaped(x: Any, path: str, spec: Spec) -> Any:
    """New rows [N, ...] in the run's shape."""
    if x.shape[1:] != spec.shape and x.shape[1:] != (np.prod(spec.shape),):
        raise UserError(f"{path}: the rows have shape {x.shape[1:]}, but the run was trained on rows of {spec.shape}")
    return x if x.shape[1:] == spec.shape else sparse.dense(x).reshape(-1, *spec.shape)
