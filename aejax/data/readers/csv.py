"""A .csv or .tsv (tabs), also .gz: one sample per line.

The first line holds the column names, unless all its cells are numbers. A column without a name is called column_1,
column_2, ... by its place. With `data.transpose` the whole grid of cells is transposed first.
"""

import csv
from typing import Any

import numpy as np

from aejax.data import readers
from aejax.data.types import Split
from aejax.errors import UserError


def read(path: str, config: Any, new: bool) -> tuple[dict[str, Split], tuple[str, ...]]:
    """The rows of a table of text; a UserError names the line, or the row and the column, at fault."""
    grid = _grid(path, "\t" if ".tsv" in readers.extension(path) else config.delimiter)
    if config.transpose:
        grid = [list(column) for column in zip(*grid, strict=True)]
    named = not all(readers.is_number(cell) for cell in grid[0])
    columns = [cell.strip() if named else "" for cell in grid[0]]
    columns = [name or f"column_{place}" for place, name in enumerate(columns, 1)]
    readers.check_names(columns, path)
    rows = grid[1:] if named else grid
    taken = {field: columns.index(name) for field, name in readers.taken(columns, config, path, new).items()}
    features = [place for place in range(len(columns)) if place not in taken.values()]
    split = {field: np.array([row[place].strip() for row in rows], str) for field, place in taken.items()}
    if "y" in split:
        readers.check_labels(split["y"], config.label_column, path)
    x = _numbers(rows, features, columns, path)
    return {"train": {"x": x} | split}, tuple(columns[place] for place in features) if named else ()


def _grid(path: str, delimiter: str) -> list[list[str]]:
    delimiter = "\t" if delimiter == "\\t" else delimiter  # as a shell passes it
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise UserError(f"data.delimiter={delimiter!r} must be one character, such as , or ; or \\t")
    grid = []
    try:
        with readers.open_text(path) as file:
            reader = csv.reader(file, delimiter=delimiter, skipinitialspace=delimiter != "\t")
            for row in reader:
                if row and len(row) != len(grid[0] if grid else row):
                    raise UserError(
                        f"{path}: line {reader.line_num} has {len(row)} cells, but the first line has {len(grid[0])}: "
                        "give every line the same number, and check data.delimiter"
                    )
                if row:
                    grid.append(row)
    except (*readers.UNREADABLE, csv.Error) as error:
        raise UserError(f"cannot read {path} as a .csv in UTF-8: {error}") from error
    if not grid:
        raise UserError(f"{path} is empty: give it a line of column names and lines of numbers")
    return grid


def _numbers(rows: list[list[str]], features: list[int], columns: list[str], path: str) -> np.ndarray:
    x = np.empty((len(rows), len(features)))
    for i, row in enumerate(rows):
        try:
            x[i] = [float(row[place]) for place in features]
        except ValueError:
            place = next(place for place in features if not readers.is_number(row[place]))
            raise UserError(
                f"{path}: row {i} (counted from 0), column {columns[place]!r}: {row[place]!r} is not a number: fix it, "
                "set data.label_column or data.id_column to this column, or check data.delimiter"
            ) from None
    return x
