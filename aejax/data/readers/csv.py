"""A .csv or .tsv (tabs), also .gz: one sample per line.

The first line holds the column names, unless it starts with a number and all other cells are numbers or missing. A
column without a name is called column_1, column_2, ... by its place. With `data.transpose` the whole grid of cells is
transposed first. A text is read as UTF-8, as UTF-16 if it says so, else as Windows-1252. If the first line lacks the
default delimiter, a semicolon, a tab or a bar is the delimiter; if the delimiter is not a comma, cells such as 1,5 are
numbers with decimal commas.
"""

import csv
import gzip
import io
import re
from typing import Any

import numpy as np

from aejax.data import readers
from aejax.errors import UserError

OTHERS = {";": "semicolons", "\t": "tabs", "|": "bars"}  # delimiters that are found
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")


def read(path: str, config: Any, new: bool) -> readers.Read:
    """The rows of a table of text; a UserError names the line, or the row and the column, at fault."""
    text, notes = _decoded(path)
    delimiter, found = _delimiter(text, "\t" if ".tsv" in readers.extension(path) else config.delimiter)
    grid = _grid(text, delimiter, path)
    grid, commas = (grid, []) if delimiter == "," else _with_points(grid)
    if config.transpose:
        grid = [list(column) for column in zip(*grid, strict=True)]
    is_row = readers.is_number(grid[0][0]) and all(map(_is_number_or_hole, grid[0]))
    named, headless = not is_row, ["the first line has no names, so it is a row"] if is_row else []
    given = [cell.strip() if named else "" for cell in grid[0]]
    names = [name or f"column_{place}" for place, name in enumerate(given, 1)]
    readers.check_names(names, path)
    rows = grid[1:] if named else grid
    if not rows:
        raise UserError(f"{path} is empty below its line of column names: give it lines of numbers")
    columns = {name: np.array([row[i].strip() for row in rows], str) for i, name in enumerate(names)}
    index = names[0] if named and given[0] in ("", "Unnamed: 0") and len(names) > 1 else ""
    table = readers.of_columns(columns, config, path, new, index)
    return table._replace(names=table.names if named else (), notes=(*notes, *found, *commas, *headless, *table.notes))


def _is_number_or_hole(cell: str) -> bool:
    return readers.is_number(cell) or cell.strip() in readers.HOLES


def _decoded(path: str) -> tuple[str, list[str]]:
    """The text of a file, and how it was decoded if not as UTF-8."""
    try:
        with (gzip.open if path.lower().endswith(".gz") else open)(path, "rb") as file:
            raw = file.read()
        if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return raw.decode("utf-16"), ["decoded as UTF-16"]
        try:
            return raw.decode("utf-8-sig"), []
        except UnicodeDecodeError:
            return raw.decode("cp1252"), ["decoded as Windows-1252, because it is not UTF-8"]
    except readers.UNREADABLE as error:
        raise UserError(f"cannot read {path} as a .csv in UTF-8: {error}") from error


def _delimiter(text: str, chosen: str) -> tuple[str, list[str]]:
    """The chosen delimiter, or the one that the first line has in place of the default."""
    chosen = "\t" if chosen == "\\t" else chosen  # as a shell passes it
    if len(chosen) != 1 or chosen in '"\r\n':
        raise UserError(f"data.delimiter={chosen!r} must be one character, such as , or ; or \\t")
    first = re.sub(r'"[^"]*"', "", text.lstrip().partition("\n")[0])
    found = max(OTHERS, key=first.count)
    if chosen != "," or "," in first or found not in first:
        return chosen, []
    return found, [f"cells separated by {OTHERS[found]}"]


def _grid(text: str, delimiter: str, path: str) -> list[list[str]]:
    grid = []
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=delimiter != "\t")
        for row in reader:
            if row and len(row) != len(grid[0] if grid else row):
                raise UserError(
                    f"{path}: line {reader.line_num} has {len(row)} cells, but the first line has {len(grid[0])}: "
                    "give every line the same number, and check data.delimiter"
                )
            if row:
                grid.append(row)
    except csv.Error as error:
        raise UserError(f"cannot read {path} as a .csv in UTF-8: {error}") from error
    if not grid:
        raise UserError(f"{path} is empty: give it a line of column names and lines of numbers")
    return grid


def _with_points(grid: list[list[str]]) -> tuple[list[list[str]], list[str]]:
    """The cells with points in place of decimal commas; as they are if none has one, or if a number has a point."""
    cells = [cell.strip() for row in grid for cell in row]
    if not any("," in cell and DECIMAL_COMMA.fullmatch(cell) for cell in cells):
        return grid, []
    if any("." in cell and readers.is_number(cell) for cell in cells):
        return grid, []
    turned = [
        [cell.replace(",", ".") if DECIMAL_COMMA.fullmatch(cell.strip()) else cell for cell in row] for row in grid
    ]
    return turned, ["decimal commas"]
