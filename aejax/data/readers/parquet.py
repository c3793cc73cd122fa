"""A .parquet file: one row per sample, columns with names. Needs the extra `parquet`.

`data.label_column` and `data.id_column` are taken out; all other columns are features and must be numbers.
"""

from typing import Any

import numpy as np

from aejax.data import readers
from aejax.data.types import Split
from aejax.errors import UserError


def read(path: str, config: Any, new: bool) -> tuple[dict[str, Split], tuple[str, ...]]:
    """The rows of a table; a UserError names the column, and the row, at fault."""
    pyarrow = readers.extra("pyarrow.parquet", "parquet", path)
    try:
        table = pyarrow.read_table(path)
    except Exception as error:  # of pyarrow, of the operating system
        raise readers.damaged(path, error) from error
    readers.check_names(table.column_names, path)
    taken = readers.taken(table.column_names, config, path, new)
    split = {field: _column(table, name, path) for field, name in taken.items()}
    features = [name for name in table.column_names if name not in taken.values()]
    for name in features:
        if _column(table, name, path).dtype.kind not in "biuf":
            raise UserError(
                f"{path}: column {name!r} holds {table[name].type}, not numbers: drop it, or set data.label_column or "
                "data.id_column to this column"
            )
    x = np.stack([_column(table, name, path) for name in features], axis=1) if features else np.empty((len(table), 0))
    if "ids" in split:
        split["ids"] = readers.as_text(split["ids"])
    return {"train": {"x": x} | split}, tuple(features)


def _column(table: Any, name: str, path: str) -> np.ndarray:
    """A column [N]: numbers as they are, all else as text; UserError for a missing value."""
    column = table[name]
    if column.null_count:
        row = column.is_null().to_numpy().argmax()
        raise UserError(f"{path}: row {row} (counted from 0) has no value in column {name!r}: fix or drop the row")
    values = column.to_numpy()
    return values if values.dtype.kind in "biuf" else np.array([str(value) for value in column.to_pylist()], str)
