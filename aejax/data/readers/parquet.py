"""A .parquet file: one row per sample, columns with names."""

from typing import Any

from aejax.data import readers


def read(path: str, config: Any, new: bool) -> readers.Read:
    """The rows of a table; a UserError names the column, and the row, at fault."""
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except Exception as error:  # of pyarrow, of the operating system
        raise readers.damaged(path, error) from error
    return readers.of_table(table, config, path, new)


def save(path: Any, table: Any) -> None:
    """Writes a pyarrow table, as `read` reads it."""
    from pyarrow import parquet

    parquet.write_table(table, path)
