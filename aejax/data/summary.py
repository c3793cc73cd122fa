"""What was understood of the data, in at most three lines for `train` to print."""

from typing import Any

import numpy as np

from aejax.data import SPLITS, sparse
from aejax.data.tables import listed
from aejax.data.types import SUPPORTS, Dataset, Spec

LARGE = 1000.0
KINDS = {"image": "images", "series": "series: times x channels", "table": "not images"}


def lines(dataset: Dataset, config: Any) -> list[str]:
    """Rows, shape, kind, range and unit; splits and labels; then what was found out, changed or looks wrong."""
    spec, rows = dataset.spec, {name: _num_rows(split) for name, split in zip(SPLITS, dataset[:3], strict=True)}
    total, where = sum(rows.values()), config.path or config.name
    splits = f"split: {rows['train']} training, {rows['valid']} validation and {rows['test']} test rows"
    if spec.kind == "pairs":
        return [f"data: {where}: {total} pairs of {' and '.join(map(str, spec.sizes))} items", splits]
    values = _values(spec) + (f", {config.binarization} binarization" if config.binarization != "none" else "")
    described = [f"data: {where}: {total} rows of {_shape(spec)}, {values}", f"{splits}; {_labels(dataset)}"]
    notes = [*dataset.notes, *_oddities(dataset)]
    return [*described, f"note: {'; '.join(notes)}"] if notes else described


def _num_rows(split: dict[str, Any]) -> int:
    return sparse.num_rows(next(iter(split.values())))


def _shape(spec: Spec) -> str:
    if len(spec.shape) > 1:
        return f"{' x '.join(map(str, spec.shape))} ({KINDS[spec.kind]})"
    blocks = [f"{column.name} ({len(column.categories)})" for column in spec.categories]
    listed_blocks = ", ".join(blocks[:5]) + (", ..." if len(blocks) > 5 else "")
    return f"{spec.mean.size} features" + (f", with one-hot blocks of {listed_blocks}" if blocks else "")


def _values(spec: Spec) -> str:
    """The kind of the values, their range, and how they were scaled."""
    low, high = spec.limits or (0.0, 1.0)
    kind = SUPPORTS[spec.support].partition(" (")[0]
    words = kind if spec.support in ("binary", "categories") else f"{kind}, from {low:.4g} to {high:.4g}"
    words += ", bytes divided by 255" if spec.byte_scale != 1.0 else ""
    return words + (", then standardized" if spec.center is not None else "")


def _labels(dataset: Dataset) -> str:
    spec = dataset.spec
    if spec.label_moments:
        return f"labels are numbers: mean {spec.label_moments[0]:.4g}, sd {spec.label_moments[1]:.4g}"
    if not spec.class_names:
        return "no labels"
    shown = ", ".join(spec.class_names[:5]) + (", ..." if len(spec.class_names) > 5 else "")
    total = sum(_num_rows(split) for split in dataset[:3])
    every = ", one for each row: is this the column of labels?" if total == len(spec.class_names) > 2 else ""
    return f"{len(spec.class_names)} classes ({shown}){every}"


def _oddities(dataset: Dataset) -> list[str]:
    """Features of a table that are constant or count its rows, and ids that several rows share."""
    found, spec, x = [], dataset.spec, dataset.train["x"]
    if len(spec.shape) == 1:
        constant = np.flatnonzero(sparse.is_constant(x)[: spec.num_numbers])
        names = [spec.feature_names[i] if spec.feature_names else str(i) for i in constant]
        found += [f"constant in the training rows: {listed(names)}"] if names else []
        numbers = [spec.feature_names[i] for i in _counting(dataset) if spec.feature_names]
        counts = "counts" if len(numbers) == 1 else "count"
        found += [f"{listed(numbers)} {counts} the rows: is it data.id_column?"] if numbers else []
        low, high = spec.limits or (0.0, 0.0)
        if spec.support == "real" and spec.center is None and max(-low, high) > LARGE:
            found.append("the values are large: data.standardize=True may keep the training from diverging")
    if dataset.ids:
        ids, counts = np.unique(np.concatenate(list(dataset.ids.values())), return_counts=True)
        again = ids[counts > 1].tolist()
        found += [f"ids of more than one row: {listed(again)}"] if again else []
    return found


def _counting(dataset: Dataset) -> np.ndarray:
    """The features of a table that rise from row to row by the same amount, as far as 50 training rows show."""
    rows = dataset.row_numbers["train"][:50].astype(np.float64)
    if len(rows) < 10:
        return np.empty(0, int)
    x = sparse.dense(dataset.train["x"][:50]).astype(np.float64)
    slope = (x[-1] - x[0]) / (rows[-1] - rows[0])
    line = x[0] + slope * (rows - rows[0])[:, None]
    scale = np.abs(slope) * (rows[-1] - rows[0])
    return np.flatnonzero((np.abs(x - line).max(axis=0) <= 1e-5 * scale) & (slope > 0))
