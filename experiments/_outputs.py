"""The output of `embed` and `sample`: labels, neighbors, codes, samples, and the files of a projector."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from aejax import data, records
from aejax.data.readers import parquet
from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.metrics import geometry

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a text begins that a spreadsheet computes
Labels = list[str] | np.ndarray | None  # per row: class names, or float32 [N]; None if there are none


def label_names(y: np.ndarray | None, spec: Spec) -> Labels:
    """The class names [N] of y, "" for −1; numeric labels stay as they are."""
    if y is None or y.dtype.kind == "f":
        return y
    names = [*spec.class_names, ""]
    return [names[code] for code in y]


def neighbors(
    codes: np.ndarray, labels: Labels, ids: np.ndarray, name: str, num: int, metric: str
) -> list[dict[str, Any]]:
    """The `num` rows nearest to the row whose id is `name`, nearest first; raises UserError for an unknown id."""
    known = ids.tolist()
    if name not in known:
        raise UserError(f"--neighbors={name} is not an item: {data.nearest(name, known)}")
    row = known.index(name)
    near = geometry.similarity(codes[row : row + 1], codes, metric)[0]
    near[row] = -np.inf
    order = np.argsort(-near, kind="stable")[: min(num, len(codes) - 1)]
    sign = 1.0 if metric == "cosine" else -1.0  # the similarity is minus the distance
    return [
        {metric: float(sign * near[i]), "item": known[i]} | ({} if labels is None else {"label": labels[i]})
        for i in order
    ]


def write_projector(path: Path, codes: np.ndarray, named: dict[str, Any], safe: bool) -> None:
    """Writes codes as numbers alone, and their ids and labels beside them: what projector.tensorflow.org loads.

    The projector wants a header line in CODES_metadata.tsv only if it has several columns. Without ids, the row numbers
    are the ids. If `safe`, no text is a formula.
    """
    columns = {"id": named.get("ids", np.arange(len(codes)))}
    columns |= {"label": named["labels"]} if "labels" in named else {}
    # A tab or a line break would shift the columns.
    cells = [
        [" ".join(str(no_formula(cell) if safe else cell).split()) for cell in column] for column in columns.values()
    ]
    rows = [*([tuple(columns)] if len(columns) > 1 else []), *zip(*cells, strict=True)]
    records.write(path, "".join("\t".join(f"{v:.8g}" for v in code) + "\n" for code in codes))
    records.write(metadata_of(path), "".join("\t".join(row) + "\n" for row in rows))


def metadata_of(path: Path) -> Path:
    """The file of ids and labels beside codes in a .tsv."""
    return path.with_name(f"{path.stem}_metadata.tsv")


def write_codes(path: Path, codes: np.ndarray, labels: Labels, ids: np.ndarray | None, safe: bool = False) -> None:
    """Writes codes as .npy, or with their ids and labels as .npz, .tsv, .csv or .parquet (one column per unit).

    If `safe`, no text in a .csv or .tsv is a formula.
    """
    named: dict[str, Any] = {
        name: np.asarray(values) for name, values in (("ids", ids), ("labels", labels)) if values is not None
    }
    if path.suffix in (".npy", ".npz"):
        write_arrays(path, {"codes": codes, **named})
    elif path.suffix == ".tsv":
        write_projector(path, codes, named, safe)
    else:
        units = {f"z{unit + 1}": column for unit, column in enumerate(codes.T)}
        columns = {name.removesuffix("s"): values for name, values in named.items()} | units
        if path.suffix == ".parquet":
            with records.writing(path) as file:
                parquet.save(file, columns)
            return
        if safe:
            columns |= {
                name: [no_formula(cell) for cell in columns[name].tolist()] for name in {"id", "label"} & set(columns)
            }
        records.write_csv(path, [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)])


def write_arrays(path: Path, arrays: dict[str, Any]) -> None:
    """Writes arrays as .npz, or the first one as .npy."""
    with records.writing(path) as file:
        if path.suffix == ".npz":
            np.savez(file, **arrays)
        else:
            np.save(file, next(iter(arrays.values())))


def no_formula(cell: Any) -> Any:
    """A text with a quote before it if a spreadsheet would compute it; numbers stay numbers."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def write_samples(
    path: Path, spec: Spec, codes: np.ndarray, x: np.ndarray, conditions: dict[str, str], safe: bool = False
) -> None:
    """Writes samples as .png, .npy (x), .npz (x, codes) or .csv (one column per feature).

    If `safe`, no name in a .csv is a formula.
    """
    if path.suffix == ".png":
        from aejax.reports import figures

        title = f"{len(x)} samples" + ", ".join(f" at {name} = {value}" for name, value in conditions.items())
        figures.save(path, figures.draw_tiles([("", x)], columns=math.isqrt(len(x) - 1) + 1, title=title))
    elif path.suffix in (".npy", ".npz"):
        write_arrays(path, {"x": x, "codes": codes})
    else:
        rows = x.reshape(len(x), -1)
        names = spec.feature_names or [f"x{feature + 1}" for feature in range(rows.shape[1])]
        names = list(map(no_formula, names)) if safe else names
        records.write_csv(path, [dict(zip(names, row, strict=True)) for row in rows])
