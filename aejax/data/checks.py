"""What the values of rows are, and whether they can be used: dtype, shape, support; dense or sparse rows alike."""

import math
from typing import Any

import numpy as np

from aejax.data import sparse
from aejax.data.types import SPLITS, Dataset, Split
from aejax.errors import UserError

TWO_BYTES = 2**16 - 1  # the largest grey value in uint16


def checked(split: Split, where: str, feature_names: tuple[str, ...], are_series: bool = False) -> Split:
    """The split with x as uint8 or float32 and with a channel axis; UserError if its rows do not fit.

    Rows of a table may have missing values (nan), which `tables` refuses or fills; all other values are finite.
    """
    x = split["x"]
    if x.dtype.kind not in "biuf":
        raise UserError(f"{where}: x has dtype {x.dtype}: it must be numeric (float32 or uint8)")
    if x.ndim < 2:
        raise UserError(f"{where}: x has shape {x.shape}: expected [rows, features] or [rows, height, width, ...]")
    columns = any(key.startswith("column:") for key in split) and x.shape[1:] == (0,)  # categories may be all of x
    if math.prod(x.shape) == 0 and not (columns and len(x)):
        raise UserError(f"{where}: x is empty (its shape is {x.shape}): give at least one row and one feature")
    if x.dtype.kind == "b":
        x = x.astype(np.uint8)
    elif x.dtype != np.uint8:
        with np.errstate(over="ignore"):
            x = x.astype(np.float32, copy=False)
        wrong = np.isinf(sparse.stored(x)) if x.ndim == 2 else ~np.isfinite(sparse.stored(x))
        if wrong.any():
            row, *feature = sparse.place(x, wrong)
            raise UserError(
                f"{where}: row {row} (counted from 0), feature {feature_name(feature, feature_names)}: x is "
                f"{split['x'][row, *feature]}, not a finite float32: fix or drop the row"
            )
        if x.ndim == 2 and not sparse.is_sparse(x) and split["x"].dtype.itemsize > 2:
            _check_digits(split["x"], x, where, feature_names)
    for key in split:
        if key not in ("x", "factors", "active") and split[key].shape != (x.shape[0],):
            raise UserError(
                f"{where}: {key} has shape {split[key].shape}, but x has {x.shape[0]} rows: expected [{x.shape[0]}]"
            )
    if are_series and x.ndim > 3:
        raise UserError(f"{where}: x has shape {x.shape}, but series are [rows, times] or [rows, times, channels]")
    if (x.ndim == 2) if are_series else (x.ndim == 3 and min(x.shape[1:]) >= 4):
        x = sparse.dense(x)[..., None]
    if x.ndim == 4 and x.shape[1] in (1, 3) and x.shape[3] not in (1, 3) and min(x.shape[2:]) >= 4:
        raise UserError(
            f"{where}: x has shape {x.shape}: its axis 1 looks like the channels of images, which must come last: "
            "save numpy.moveaxis(x, 1, -1)"
        )
    return split | {"x": x / np.float32(TWO_BYTES) if has_two_bytes(split["x"], x.shape[1:]) else x}


def _check_digits(given: np.ndarray, x: np.ndarray, where: str, feature_names: tuple[str, ...]) -> None:
    """Raises UserError for a feature of which float32 keeps less than two digits, such as a time in seconds."""
    low, high = np.fmin.reduce(given, axis=0), np.fmax.reduce(given, axis=0)
    spread = high.astype(np.float64) - low
    steps = np.spacing(np.maximum(abs(low), abs(high)).astype(np.float32))
    for feature in np.flatnonzero((spread > 0) & (steps > spread / 100)).tolist():
        if np.nanmax(np.abs(x[:, feature] - given[:, feature].astype(np.float64))) > spread[feature] / 100:
            name = feature_name([feature], feature_names)
            raise UserError(
                f"{where}: feature {name} lies in [{low[feature]}, {high[feature]}], where float32 has steps of "
                f"{steps[feature]:g}: subtract {low[feature]} from it, or leave it out"
            )


def has_two_bytes(x: Any, shape: tuple[int, ...]) -> bool:
    """Whether x holds grey values of two bytes: images of uint16, unless no value is above 1."""
    return x.dtype == np.uint16 and is_image(shape) and bool(x.max() > 1)


def check_counts(dataset: Dataset, likelihood: str, library_size: str) -> None:
    """Raises UserError for the first row that a likelihood of counts cannot take.

    Its values must be whole numbers from 0, and with `library_size` observed they must not all be 0.
    """
    spec = dataset.spec
    is_suspect = spec.support in ("unit", "real") and spec.center is None
    for name, split in zip(SPLITS, dataset[:3], strict=True):
        x = split["x"]
        if is_suspect and (wrong := not_counts(sparse.stored(x))).any():
            row, *feature = sparse.place(x, wrong)
            raise UserError(
                f"{row_name(dataset, name, row)}, feature {feature_name(feature, spec.feature_names)}: x is "
                f"{x[row, *feature]:g}, but model.likelihood={likelihood} needs counts (whole numbers from 0): fix or "
                "drop the row, or use --config.model.likelihood=gaussian"
            )
        if library_size == "observed" and len(empty := sparse.empty_rows(x)):
            raise UserError(
                f"{row_name(dataset, name, int(empty[0]))}: x is all zeros ({len(empty)} such rows), but with "
                "model.library_size=observed a row's total is shared out: drop such rows, or use "
                "--config.model.library_size=none"
            )


def row_name(dataset: Dataset, split: str, row: int) -> str:
    """A row of a split in a message: its number in its source, and its id if it has one."""
    known = f"{str(dataset.ids[split][row])!r}, " if split in dataset.ids else ""
    return f"row {dataset.row_numbers[split][row]} (counted from 0; {known}in the {split} split)"


def feature_name(feature: list[int], names: tuple[str, ...]) -> str:
    """A feature in a message: its name in quotes, or its place [*shape]."""
    return repr(names[feature[0]]) if names else ", ".join(map(str, feature))


def check_agreement(splits: dict[str, Split], where: str) -> None:
    """All splits must have the shape, the byte-or-float dtype and the labels or ids of the training rows."""
    train = splits["train"]
    for name, split in splits.items():
        if split["x"].shape[1:] != train["x"].shape[1:]:
            shapes = f"train rows have shape {train['x'].shape[1:]}, {name} rows have {split['x'].shape[1:]}"
            raise UserError(f"{where}: {shapes}: use one shape for all splits")
        if split["x"].dtype != train["x"].dtype:
            dtypes = f"train rows are {train['x'].dtype}, {name} rows are {split['x'].dtype}"
            raise UserError(f"{where}: {dtypes}: use one dtype for all splits")
        if different := sorted(set(split) ^ set(train)):
            raise UserError(f"{where}: `{different[0]}` must be in every split or in none, but train and {name} differ")


def byte_scale(xs: list[Any], is_image: bool) -> float:
    """1/255 for bytes that are grey values: those of images, unless all are 0 or 1, and of tables that are 0 or 255."""
    values = [sparse.stored(x) for x in xs]
    if xs[0].dtype != np.uint8 or max(x.max(initial=0) for x in values) <= 1:
        return 1.0
    return 1.0 / 255.0 if is_image or all(((x == 0) | (x == 255)).all() for x in values) else 1.0


def support(xs: list[Any], scale: float, is_image: bool) -> str:
    """The key of SUPPORTS that says what the values are; a value that a sparse x does not store is 0, as in each."""
    one, values = 255 if scale != 1.0 else 1, [sparse.stored(x) for x in xs]
    if all(((x == 0) | (x == one)).all() for x in values):
        return "binary"
    if all(x.min(initial=0) >= 0 and x.max(initial=0) <= one for x in values):
        return "unit"
    return "counts" if not is_image and not any(not_counts(x).any() for x in values) else "real"


def not_counts(values: np.ndarray) -> np.ndarray:
    """Which values are negative or fractional."""
    return (values < 0) | (values != np.round(values))


def is_image(shape: tuple[int, ...]) -> bool:
    """Whether examples of this shape are images: [H, W, 1 or 3] with H, W >= 4."""
    return len(shape) == 3 and min(shape[:2]) >= 4 and shape[2] in (1, 3)


def is_series(shape: tuple[int, ...], asked: bool) -> bool:
    """Whether examples of this shape are series, [T, F] with T >= 4: all with `data.series`, else those with F < 4."""
    return len(shape) == 2 and shape[0] >= 4 and (asked or shape[1] < 4)


def narrowed(splits: dict[str, Split]) -> dict[str, Split]:
    """Counts in the smallest of uint8, uint16 and float32 that holds all of them: what lies on the device."""
    largest = max(int(sparse.stored(split["x"]).max(initial=0)) for split in splits.values())
    dtype = np.min_scalar_type(largest) if largest < 2**16 else np.float32
    return {name: split | {"x": split["x"].astype(dtype, copy=False)} for name, split in splits.items()}
