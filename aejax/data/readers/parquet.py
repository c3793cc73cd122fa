"""A .parquet file: one row per sample, columns with names. Needs the extra `parquet`."""

from typing import Any

import numpy as np

from aejax.data import readers

INDEX = ("__index_level_0__", "Unnamed: 0")  # what pandas calls the names of rows


def read(path: str, config: Any, new: bool) -> readers.Read:
    """The rows of a table; a UserError names the column, and the row, at fault."""
    pyarrow = readers.extra("pyarrow.parquet", "parquet", path)
    try:
        table = pyarrow.read_table(path)
    except Exception as error:  # of pyarrow, of the operating system
        raise readers.damaged(path, error) from error
    names = table.column_names
    readers.check_names(names, path)
    columns = {name: _column(table[name]) for name in names}
    return readers.of_columns(columns, config, path, new, next((name for name in names if name in INDEX), ""))


def _column(column: Any) -> np.ndarray:
    """A column [N]: numbers with nan for null, all else as text with "" for null."""
    values = column.to_numpy()
    if values.dtype.kind in "biuf":
        return values
    return np.array(["" if value is None else str(value) for value in column.to_pylist()], str)
