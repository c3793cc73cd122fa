"""A .parquet file: one row per sample, columns with names."""

from typing import Any

from aejax.data import readers


def read(path: str, config: Any, new: bool) -> readers.Read:
    """The rows of a table; a UserError names the column, and the row, at fault."""
    return readers.of_table(table(path), config, path, new)


def table(path: str) -> Any:
    """The columns as a pyarrow table."""
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(path).read()  # read_table takes no two columns of one name
    except Exception as error:  # of pyarrow, of the operating system
        raise readers.damaged(path, error) from error


def save(path: Any, columns: Any) -> None:
    """Writes a pyarrow table, or arrays [N] by name, as `read` reads them."""
    import pyarrow
    from pyarrow import parquet

    table = columns if isinstance(columns, pyarrow.Table) else pyarrow.table(columns)
    parquet.write_table(table, path)
