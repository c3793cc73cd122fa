"""Tables: what becomes of missing values (`data.missing`) and of columns of categories (`data.categorical_columns`).

Before, x [N, F] has the columns of numbers, with nan where a value is missing, and each column of categories is a field
of the split. Afterwards x has no holes, and a one-hot block for each column of categories follows the numbers.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from aejax.data import checks, conditions, nearest, sparse
from aejax.data.conditions import COLUMN
from aejax.data.types import Condition, Spec, Split
from aejax.errors import UserError

REMEDIES = "data.missing=drop_rows, drop_columns or mean"
MEAN = "data.missing=mean"


class Table(NamedTuple):
    """The splits of a table without missing values, and what `Spec` keeps of it."""

    splits: dict[str, Split]
    feature_names: tuple[str, ...]
    categories: tuple[Condition, ...] = ()
    fill: np.ndarray | None = None
    dropped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def checked(splits: dict[str, Split], config: Any, where: str) -> dict[str, Split]:
    """The splits with their columns of categories as text; raises UserError for a column that does not exist."""
    names, shape = conditions.named(config.categorical_columns), splits["train"]["x"].shape
    if len(set(names)) < len(names):
        raise UserError(f"data.categorical_columns={config.categorical_columns} names a column twice: name it once")
    if len(shape) != 2 and (names or config.missing != "refuse"):
        key = "data.categorical_columns" if names else f"data.missing={config.missing}"
        raise UserError(f"{key} is for tables, but {where} has x of shape {shape}: leave it out")
    for split in splits.values():
        if lost := [name for name in names if COLUMN + name not in split]:
            known = [key.removeprefix(COLUMN) for key in split if key.startswith(COLUMN)]
            hint = nearest(lost[0], known) if known else "it has no columns with names beside x"
            raise UserError(f"data.categorical_columns={lost[0]}: {where} has no such column: {hint}")
    return {key: split | _text(split, names, where) for key, split in splits.items()}


def _text(split: Split, names: Sequence[str], where: str) -> Split:
    remedy = "leave it out of data.categorical_columns"
    return {COLUMN + name: conditions.category_text(name, split[COLUMN + name], where, remedy) for name in names}


def dropped(splits: dict[str, Split], feature_names: tuple[str, ...], config: Any, where: str) -> Table:
    """Refuses missing values, drops their rows or columns, or leaves them to be filled, as `data.missing` says."""
    table = Table(splits, feature_names)
    categories = conditions.named(config.categorical_columns)
    holes = {name: _holes(split, categories) for name, split in splits.items()}
    if not any(mask.any() for mask in holes.values()):
        return table
    rows = sum(int(mask.any(axis=1).sum()) for mask in holes.values())
    columns = np.any([mask.any(axis=0) for mask in holes.values()], axis=0)
    total = sum(len(mask) for mask in holes.values())
    share = f"{rows} of {total} rows and {columns.sum()} of {len(columns)} columns"
    names = [*(feature_names or map(str, range(len(columns) - len(categories)))), *categories]
    if config.missing == "refuse":
        split, mask = next((splits[name], mask) for name, mask in holes.items() if mask.any())
        row = int(mask.any(axis=1).argmax())
        raise UserError(
            f"{where}: {share} lack values, the first is row {split['row'][row]} (counted from 0), feature "
            f"{names[mask[row].argmax()]!r}: fix them, or set {REMEDIES}"
        )
    if config.missing == "mean":
        number = sum(int(mask.sum()) for mask in holes.values())
        return table._replace(notes=(f"{number} missing values in {share} filled from the training rows",))
    if config.missing == "drop_rows":
        kept = {name: {key: a[~holes[name].any(axis=1)] for key, a in split.items()} for name, split in splits.items()}
        if rows == total:
            raise UserError(f"{where}: every row has a missing value: use data.missing=drop_columns or {MEAN}")
        return Table(kept, feature_names, notes=(f"{rows} of {total} rows dropped for missing values",))
    return _without_columns(table, columns, names, where)


def _without_columns(table: Table, columns: np.ndarray, names: Sequence[str], where: str) -> Table:
    """The table without some columns, those marked in [F + J]."""
    numbers = table.splits["train"]["x"].shape[1]
    if not table.feature_names and columns[:numbers].any():
        raise UserError(
            f"{where}: data.missing=drop_columns needs columns with names, so that new rows are known to lack them: "
            f"drop the columns yourself, or use data.missing=drop_rows or {MEAN}"
        )
    if columns.all():
        raise UserError(f"{where}: every column has a missing value: use data.missing=drop_rows or {MEAN}")
    lost = tuple(name for name, is_lost in zip(names, columns, strict=True) if is_lost)
    fields = {COLUMN + name for name in lost}
    splits = {
        name: {key: a for key, a in split.items() if key not in fields} | {"x": split["x"][:, ~columns[:numbers]]}
        for name, split in table.splits.items()
    }
    note = f"{len(lost)} of {len(names)} columns dropped for missing values ({listed(lost)})"
    kept = tuple(name for name in table.feature_names if name not in lost)
    return Table(splits, kept, dropped=lost, notes=(note,))


def completed(table: Table, part: np.ndarray, config: Any, where: str) -> Table:
    """Fills missing values and adds the one-hot blocks, fitted on the training rows, those at `part`.

    A block has the categories of all rows, so that a rare one may occur in test rows alone.
    """
    splits, names = table.splits, [n for n in conditions.named(config.categorical_columns) if n not in table.dropped]
    train, fill, found, unseen = splits["train"], None, [], []
    if config.missing == "mean":
        fill = _means(train["x"][part], table.feature_names, where)
        splits = {name: split | {"x": _filled(split["x"], fill)} for name, split in splits.items()}
    for name in names:
        text, numbers = train[COLUMN + name][part], train["row"][part]
        if not (text != "").any():
            raise UserError(f"{where}: column {name!r} has no value in the training rows: drop the column")
        known = set(np.concatenate([split[COLUMN + name] for split in splits.values()]).tolist()) - {""}
        found.append(conditions.fit(name, text[text != ""], False, where, numbers[text != ""], known))
        unseen += [f"{name}={value}" for value in found[-1].categories if value not in text]
    columns = tuple(found)
    if not columns:
        return table._replace(splits=splits, fill=fill)
    given = table.feature_names or tuple(f"x{place}" for place in range(1, train["x"].shape[1] + 1))
    blocks = {name: _blocks(split, columns, where, split["row"]) for name, split in splits.items()}
    without = {COLUMN + name for name in names}
    splits = {
        name: {key: a for key, a in split.items() if key not in without} | {"x": beside(split["x"], blocks[name])}
        for name, split in splits.items()
    }
    names = (*given, *(f"{column.name}={value}" for column in columns for value in column.categories))
    notes = (*table.notes, *([f"in no training row: {listed(unseen)}"] if unseen else []))
    return table._replace(splits=splits, feature_names=names, categories=columns, fill=fill, notes=notes)


def beside(x: Any, blocks: np.ndarray) -> Any:
    """Numbers [N, F] and one-hot blocks [N, C] as x [N, F + C], in bytes if there are no numbers."""
    return blocks.astype(np.uint8) if x.shape[1] == 0 else sparse.beside(x, blocks.astype(x.dtype))


def of_new(split: Split, names: tuple[str, ...], spec: Spec, where: str) -> Any:
    """x [N, ...] of new rows with the run's columns in their order, filled and with one-hot blocks as in training.

    Columns are matched by name if both sides have names. Rows that have the blocks already are taken as they are.
    Raises UserError for columns that are missing or unknown, for an unseen category, and for missing values that the
    run does not fill.
    """
    x, given = split["x"], [column.name for column in spec.categories if COLUMN + column.name in split]
    has_blocks = not given and (set(spec.feature_names) <= set(names) if names else x.shape[1:] == spec.shape)
    columns = () if has_blocks else spec.categories
    known = spec.feature_names[: spec.num_numbers] if columns else spec.feature_names
    lost = [name for name in known if names and name not in names]
    lost += [column.name for column in columns if column.name not in given]
    strange = [name for name in names if known and name not in (*known, *spec.dropped)]
    if lost or strange:
        faults = [f"{_columns(lost)} missing"] if lost else []
        faults += [f"{_columns(strange)} not in the run's data"] if strange else []
        raise UserError(f"{where}: {' and '.join(faults)}: the columns must match the run's features")
    if names and known and names != known:
        place = {name: column for column, name in enumerate(names)}
        x = x[:, [place[name] for name in known]]
    table = _text(split, [column.name for column in columns], where) | {"x": x, "row": np.arange(sparse.num_rows(x))}
    _check_holes(table, known, columns, spec, where)
    x = _filled(x, spec.fill)
    return beside(x, _blocks(table, columns, where, table["row"])) if columns else x


def _check_holes(table: Split, names: Sequence[str], columns: Sequence[Condition], spec: Spec, where: str) -> None:
    """Raises UserError for missing values of new rows that the run does not fill."""
    categories, width = [column.name for column in columns], table["x"].shape[1]
    wrong = _holes(table, categories)
    if spec.fill is not None and width in (len(spec.fill), *spec.shape):
        wrong[:, : len(spec.fill)] = wrong[:, width:] = False
    if wrong.any():
        rows = wrong.any(axis=1)
        name = [*(names or map(str, range(width))), *categories][int(wrong[rows.argmax()].argmax())]
        remedy = f", or train with {MEAN}" if spec.fill is None and len(spec.shape) == 1 else ""
        raise UserError(
            f"{where}: row {rows.argmax()} (counted from 0) has no value in {name!r} ({rows.sum()} such rows): "
            f"fix or drop such rows{remedy}"
        )


def listed(names: Sequence[str]) -> str:
    """Up to five names in quotes."""
    return ", ".join(map(repr, names[:5])) + (", ..." if len(names) > 5 else "")


def _columns(names: Sequence[str]) -> str:
    return f"column{'s' * (len(names) > 1)} {listed(names)} {'are' if len(names) > 1 else 'is'}"


def _holes(split: Split, categories: Sequence[str]) -> np.ndarray:
    """Which numbers and categories of a table are missing: [N, F + J], or [N, 1] of False if none is."""
    x, texts = split["x"], [split[COLUMN + name] == "" for name in categories]
    has = x.ndim == 2 and x.dtype.kind == "f" and bool(np.isnan(sparse.stored(x)).any())
    if not has and not any(text.any() for text in texts):
        return np.zeros((sparse.num_rows(x), 1), bool)
    numbers = np.isnan(sparse.dense(x)) if has else np.zeros(x.shape, bool)
    return np.concatenate([numbers, *(text[:, None] for text in texts)], axis=1)


def _means(x: Any, names: Sequence[str], where: str) -> np.ndarray:
    """The mean [F] of the values that are there, float32."""
    x = sparse.dense(x) if np.isnan(sparse.stored(x)).any() else x
    if sparse.is_sparse(x):
        return sparse.mean(x).astype(np.float32)
    there = ~np.isnan(x)
    if not there.any(axis=0).all():
        feature = int((~there.any(axis=0)).argmax())
        name = checks.feature_name([feature], tuple(names))
        raise UserError(f"{where}: feature {name} has no value in the training rows: drop the column")
    return (np.where(there, x, 0).sum(axis=0, dtype=np.float64) / there.sum(axis=0)).astype(np.float32)


def _filled(x: Any, fill: np.ndarray | None) -> Any:
    """x [N, F] with `fill` for missing numbers; columns beyond `fill` are left as they are."""
    if fill is None or x.dtype.kind != "f" or not np.isnan(sparse.stored(x)).any():
        return x
    x = sparse.dense(x)
    fill = np.concatenate([fill, np.zeros(x.shape[1] - len(fill), np.float32)])
    return np.where(np.isnan(x), fill[None], x)


def _blocks(split: Split, columns: Sequence[Condition], where: str, numbers: np.ndarray) -> np.ndarray:
    """The one-hot blocks [N, C] of the columns; the most frequent category stands for a missing one."""
    texts = {column.name: split[COLUMN + column.name] for column in columns}
    texts = {
        column.name: np.where(texts[column.name] == "", column.categories[int(column.typical)], texts[column.name])
        for column in columns
    }
    codes = conditions.codes(columns, texts, where, numbers).astype(np.int64)
    return np.concatenate([np.eye(len(c.categories))[codes[:, j]] for j, c in enumerate(columns)], axis=1)
