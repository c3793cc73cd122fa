"""Conditions: columns of a table, labels or factors that a model is given beside x (`data.condition_columns`).

A split holds them as "c" [N, J] float32: the code of a category, or a number standardized over the training rows. A
network sees categories as one-hot vectors. Categories that are a part of x are coded here, too.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from aejax.data import Rows, Split, nearest
from aejax.data.types import Condition
from aejax.errors import UserError

COLUMN = "column:"  # before a column's name in a split
WITHOUT = "; for none, use --config.data.condition_columns="  # the end of a message about a column that is missing
LABEL = "label"  # the name by which any source's labels can be asked for


def named(text: str) -> list[str]:
    """The names in a text with commas."""
    return [name for name in map(str.strip, text.split(",")) if name]


def encoded(
    splits: dict[str, Split], rows: Rows, config: Any, where: str, row_numbers: Mapping[str, np.ndarray]
) -> tuple[dict[str, Split], tuple[Condition, ...]]:
    """The splits with "c" in place of their columns, and the conditions as the training rows have them.

    Raises UserError for a column that does not exist, or a value that the training rows lack; it names the row by its
    number in the source, from `row_numbers`.
    """
    names, numbers = named(config.condition_columns), named(config.condition_numbers)
    if strange := [name for name in numbers if name not in names]:
        raise UserError(f"data.condition_numbers={strange[0]} is not in data.condition_columns: add it there")
    if len(set(names)) < len(names):
        raise UserError(f"data.condition_columns={config.condition_columns} names a column twice: name it once")
    columns = {
        split: {name: column(name, values, rows, config, where) for name in names} for split, values in splits.items()
    }
    conditions = tuple(
        fit(name, columns["train"][name], name in numbers, where, row_numbers["train"]) for name in names
    )
    splits = {
        split: {key: array for key, array in values.items() if not key.startswith(COLUMN)}
        for split, values in splits.items()
    }
    if conditions:
        for split in splits:
            splits[split] |= {"c": codes(conditions, columns[split], where, row_numbers[split])}
    return splits, conditions


def column(name: str, split: Split, rows: Rows, config: Any, where: str) -> np.ndarray:
    """The values [N] of a column, of the labels or of a factor; raises UserError if there is none of that name."""
    if COLUMN + name in split:
        return split[COLUMN + name]
    if "y" in split and name in (LABEL, config.label_column):
        return np.asarray(rows.class_names)[split["y"]] if rows.class_names else split["y"]
    if name in rows.factor_names:
        return split["factors"][:, rows.factor_names.index(name)]
    known = [key.removeprefix(COLUMN) for key in split if key.startswith(COLUMN)]
    known += [*([LABEL] if "y" in split else []), *rows.factor_names]
    raise UserError(
        f"data.condition_columns={name}: {where} has no such column: "
        + (nearest(name, known) if known else "it has none beside x")
        + WITHOUT
    )


def fit(
    name: str, values: np.ndarray, is_number: bool, where: str, numbers: np.ndarray, others: Collection[str] = ()
) -> Condition:
    """What the training values [N] tell about a column; `others` are categories that they may lack."""
    if is_number:
        number = as_numbers(name, values, where, numbers)
        return Condition(name, (), float(number.mean()), float(number.std()) or 1.0, 0.0)
    from aejax.data.arrays import in_order

    counts = Counter(as_categories(name, values, where, numbers).tolist())
    categories = in_order({*counts, *others})
    return Condition(name, categories, 0.0, 1.0, float(categories.index(counts.most_common(1)[0][0])))


def codes(
    conditions: Sequence[Condition], columns: Mapping[str, np.ndarray], where: str, numbers: np.ndarray
) -> np.ndarray:
    """The values [N] of all columns as "c" [N, J]; raises UserError for a category that the training rows lack.

    `numbers` [N] are those of the rows in the source.
    """
    coded = []
    for name, categories, center, spread, _ in conditions:
        if not categories:
            coded.append((as_numbers(name, columns[name], where, numbers) - center) / spread)
            continue
        values = as_categories(name, columns[name], where, numbers)
        code = {category: float(number) for number, category in enumerate(categories)}
        if len(strange := np.flatnonzero([value not in code for value in values.tolist()])):
            row = strange[0]
            raise UserError(
                f"{where}: row {numbers[row]} (counted from 0): {name}={values[row]} is not among the training rows: "
                f"drop the row, or merge the category; {nearest(str(values[row]), categories)}"
            )
        coded.append(np.array([code[value] for value in values.tolist()]))
    return np.stack(coded, axis=1).astype(np.float32)


def of_new(conditions: Sequence[Condition], split: Split, config: Any, where: str) -> np.ndarray | None:
    """The "c" [N, J] of new samples for a run with these conditions; None if a column is missing."""
    labels = {LABEL: "y", config.label_column: "y"}
    places = {name: COLUMN + name for name, *_ in conditions}
    places = {name: place if place in split else labels.get(name, place) for name, place in places.items()}
    if not conditions or not all(place in split for place in places.values()):
        return None
    columns = {name: split[place] for name, place in places.items()}
    return codes(conditions, columns, where, np.arange(len(next(iter(columns.values())))))


def as_numbers(name: str, values: np.ndarray, where: str, numbers: np.ndarray) -> np.ndarray:
    """The values of a column as finite numbers; raises UserError that names the row of another."""
    from aejax.data.readers import is_number

    if values.dtype.kind in "SU":
        values = np.array([float(cell) if is_number(cell) else np.nan for cell in values.tolist()])
    if len(wrong := np.flatnonzero(~np.isfinite(values.astype(np.float64)))):
        raise UserError(
            f"{where}: row {numbers[wrong[0]]} (counted from 0) has no finite number in {name}: fix or drop the row, "
            f"or leave {name} out of data.condition_numbers"
        )
    return values.astype(np.float64)


def as_categories(name: str, values: np.ndarray, where: str, numbers: np.ndarray) -> np.ndarray:
    """The values of a column as text; raises UserError for real numbers and for missing values."""
    text = category_text(name, values, where, "name it in data.condition_numbers, too")
    if len(empty := np.flatnonzero(text == "")):
        raise UserError(
            f"{where}: row {numbers[empty[0]]} (counted from 0) has no value in {name}: fix or drop the row"
        )
    return text


def is_finite(value: Any) -> bool:
    """Whether a value, also a text, is a finite number."""
    from aejax.data.readers import is_number

    return is_number(str(value)) and bool(np.isfinite(float(value)))


def category_text(name: str, values: np.ndarray, where: str, remedy: str) -> np.ndarray:
    """The values [N] of a column as text, "" where one is missing; raises UserError with a remedy for real numbers."""
    from aejax.data.readers import HOLES, as_text, is_number

    if values.dtype.kind == "f":
        missing = np.isnan(values)
        text = as_text(np.where(missing, 0, values).astype(np.int64))
        known = np.unique(values[~missing]).tolist()
    else:
        text = as_text(values)
        missing = np.isin(text, HOLES)
        known = np.unique(text[~missing]).tolist()
        known = [float(cell) for cell in known] if all(map(is_number, known)) else []
    if not all(number.is_integer() for number in known):
        raise UserError(f"{where}: {name} holds real numbers: {remedy}")
    return np.where(missing, "", text)


def chosen(conditions: Sequence[Condition], values: Mapping[str, Any], num: int) -> np.ndarray:
    """One value, or one per row, of every column as "c" [num, J].

    Raises UserError for a missing, unknown or unseen one.
    """
    names = [condition.name for condition in conditions]
    if strange := [name for name in values if name not in names]:
        raise UserError(f"{strange[0]} is not a condition of this run: {nearest(strange[0], names)}")
    for name, categories, center, *_ in conditions:
        if name not in values:
            known = f"one of {', '.join(categories[:10])}" if categories else f"a number; the mean is {center:.4g}"
            raise UserError(
                f"this run needs a value of {name} ({known}): give it as a column of the file, as "
                f'conditions={{"{name}": ...}}, or as --condition={name}=VALUE'
            )
    columns = {name: np.asarray(values[name]) for name in names}
    for (name, categories, center, *_), column in zip(conditions, columns.values(), strict=True):
        if column.shape not in ((), (num,)):
            raise UserError(f"{name} has shape {column.shape}: give one value, or one for each of the {num} rows")
        if not categories and (wrong := [cell for cell in np.ravel(column).tolist() if not is_finite(cell)]):
            raise UserError(f"{name}={wrong[0]} is not a finite number: give one (the mean is {center:.4g})")
    return codes(
        conditions,
        {name: np.broadcast_to(column, num) for name, column in columns.items()},
        "the conditions",
        np.arange(num),
    )


def typical(conditions: Sequence[Condition]) -> np.ndarray:
    """The most frequent category and the mean number of the training rows: "c" [1, J]."""
    return np.array([[condition.typical for condition in conditions]], np.float32)


def typical_words(conditions: Sequence[Condition]) -> str:
    """The same in words, as the end of a caption: " at batch = A, age = 41.2"; "" without conditions."""
    words = [
        f"{name} = {categories[int(code)] if categories else f'{center:.4g}'}"
        for name, categories, center, _, code in conditions
    ]
    return " at " + ", ".join(words) if words else ""
