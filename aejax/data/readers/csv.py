"""A .csv or .tsv (tabs), also .gz: one sample per line.

The first line holds the column names, unless it starts with a number and all other cells are numbers or missing. A
column without a name is called column_1, column_2, ... by its place. With `data.transpose` the whole grid of cells is
transposed first. A text is read as UTF-8, as UTF-16 if it says so, else as Windows-1252. If the first line lacks the
default delimiter, a semicolon, a tab or a bar is the delimiter; if the delimiter is not a comma, cells such as 1,5 are
numbers with decimal commas. A column of true and false is one of 1 and 0.
"""

import codecs
import csv
import gzip
import importlib
import re
from collections.abc import Collection
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from aejax.data import readers
from aejax.errors import UserError

OTHERS = {";": "semicolons", "\t": "tabs", "|": "bars"}  # delimiters that are found
DECIMAL_COMMA = r"^([+-]?\d*),(\d+([eE][+-]?\d+)?)$"
DECIMAL_POINT = r"^[+-]?(\d+\.\d*|\.\d+)([eE][+-]?\d+)?$"
NO_TEXT = {  # first bytes: what such a file is, and what to do with it
    b"\x1f\x8b": "compressed by gzip: let its name end with .gz",
    b"PK\x03\x04": "a zip archive or an Excel workbook: unpack it, or save it as .csv",
    b"PAR1": "a parquet file: let its name end with .parquet",
    b"\x93NUMPY": "an array: let its name end with .npy",
    b"\x89HDF": "an HDF5 file: if it is AnnData's, let its name end with .h5ad",
}
CHUNK = 1 << 24  # bytes that are decoded or parsed at a time; pyarrow takes no longer line


class Shape(NamedTuple):
    """How a text is written."""

    encoding: str
    delimiter: str
    blank: int  # empty lines before the first
    first: list[str]  # the cells of the first line
    length: int  # characters of the first line
    is_alone: bool  # whether no other line follows
    has_odd_quotes: bool  # one may not be closed
    notes: list[str]


def read(path: str, config: Any, new: bool) -> readers.Read:
    """The rows of a table of text; a UserError names the line, or the row and the column, at fault."""
    columns, index, has_names, notes = table(path, config)
    found = readers.of_table(columns, config, path, new, index)
    return found._replace(names=found.names if has_names else (), notes=(*notes, *found.notes))


def table(path: str, config: Any) -> tuple[Any, str, bool, list[str]]:
    """The columns as a pyarrow table, the one without a name (or ""), whether any has one, and notes.

    Columns that the config names are text, the others what they hold. Raises UserError that names the line at fault.
    """
    try:
        shape = _shape(path, "\t" if ".tsv" in readers.extension(path) else config.delimiter)
        grid = _transposed(_parsed(path, shape, 0, range(len(shape.first)))) if config.transpose else None
        first = shape.first if grid is None else [column[0].as_py() for column in grid.columns]
        has_names = not (readers.is_number(first[0]) and all(map(_is_number_or_hole, first)))
        given = [cell.strip() if has_names else "" for cell in first]
        names = [name or f"column_{place}" for place, name in enumerate(given, 1)]
        readers.check_names(names, path)
        index = names[0] if has_names and not given[0] and len(names) > 1 else ""
        if grid is None:
            texts = {index, *readers.UNNAMED, *readers.asked(config)}
            columns = _parsed(path, shape, int(has_names), [i for i, name in enumerate(names) if name in texts])
        else:
            columns = grid.slice(int(has_names))
    except readers.UNREADABLE as error:
        raise UserError(f"cannot read {path} as a .csv in UTF-8: {error}") from error
    if not len(columns):
        raise UserError(f"{path} is empty below its line of column names: give it lines of numbers")
    if shape.has_odd_quotes and any("\n" in str(column[-1].as_py()) for column in columns.columns):
        raise UserError(f"{path}: a quote is not closed, so that the last cell holds several lines: close or remove it")
    columns = _trimmed(columns.rename_columns(names))
    columns, commas = (columns, []) if shape.delimiter == "," else _with_points(columns)
    headless = [] if has_names else ["the first line has no names, so it is a row"]
    return columns, index, has_names, [*shape.notes, *commas, *headless]


def _is_number_or_hole(cell: str) -> bool:
    return readers.is_number(cell) or cell.strip() in readers.HOLES


def _shape(path: str, chosen: str) -> Shape:
    """Finds out how a text is written; raises UserError if it is empty."""
    chosen = "\t" if chosen == "\\t" else chosen  # as a shell passes it
    if len(chosen) != 1 or chosen in '"\r\n':
        raise UserError(f"data.delimiter={chosen!r} must be one character, such as , or ; or \\t")
    encoding, has_odd_quotes, notes = _encoding(path)
    with readers.open_text(path, encoding) as file:
        blank, line = next(((i, line) for i, line in enumerate(file) if line.strip("\r\n")), (0, ""))
        if not line:
            raise UserError(f"{path} is empty: give it a line of column names and lines of numbers")
        if said := re.fullmatch(r"sep=(.)\s*", line):  # Excel's line
            chosen, blank, line = said[1], blank + 1, next(file, "")
        delimiter = _delimiter(line, chosen)
        if delimiter != chosen:
            notes += [f"cells separated by {OTHERS[delimiter]}"]
        try:
            first = next(csv.reader(chain([line], file), delimiter=delimiter, skipinitialspace=delimiter != "\t"))
        except csv.Error as error:
            raise UserError(f"cannot read {path} as a .csv in UTF-8: {error}") from error
        is_alone = not any(other.strip("\r\n") for other in file)
    encoding = "utf-8" if encoding == "utf-8-sig" else encoding
    return Shape(encoding, delimiter, blank, first, len(line), is_alone, has_odd_quotes, notes)


def _encoding(path: str) -> tuple[str, bool, list[str]]:
    """The encoding of a text, whether the number of quotes in UTF-8 is odd, and a note if it is not UTF-8.

    Raises UserError for what is not text.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    with (gzip.open if path.lower().endswith(".gz") else open)(path, "rb") as file:
        chunk = file.read(CHUNK)
        if chunk[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16", False, ["decoded as UTF-16"]
        if what := next((what for start, what in NO_TEXT.items() if chunk.startswith(start)), ""):
            raise UserError(f"{path} is no text but {what}")
        if b"\0" in chunk:
            raise UserError(f"{path} is no text in UTF-8, because it holds NUL bytes: save it as UTF-8")
        try:
            quotes = 0
            while chunk:
                decoder.decode(chunk)
                quotes += chunk.count(b'"')
                chunk = file.read(CHUNK)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252", False, ["decoded as Windows-1252, because it is not UTF-8"]
    return "utf-8-sig", quotes % 2 == 1, []


def _delimiter(line: str, chosen: str) -> str:
    """The chosen delimiter, or the one that the first line has in place of the default."""
    line = re.sub(r'"[^"]*"', "", line)
    found = max(OTHERS, key=line.count)
    return chosen if chosen != "," or "," in line or found not in line else found


def _parsed(path: str, shape: Shape, skip: int, texts: Collection[int]) -> Any:
    """The lines after the first `skip` as a table of pyarrow, whose columns are called by their places.

    The columns at `texts` hold text, the others what pyarrow finds. Raises UserError that names a line with more or
    fewer cells than the first.
    """
    import pyarrow
    from pyarrow import csv as arrow

    names, wrong = [str(place) for place in range(len(shape.first))], []
    if skip and shape.is_alone:  # an error of pyarrow
        return pyarrow.table({name: [] for name in names})
    kinds = {names[place]: pyarrow.string() for place in texts}
    parse = arrow.ParseOptions(
        delimiter=shape.delimiter, newlines_in_values=True, invalid_row_handler=lambda row: wrong.append(row) or "error"
    )
    convert = arrow.ConvertOptions(column_types=kinds, null_values=readers.HOLES)
    for use_threads in (True, False):  # only without threads is the number of a wrong line known
        read = arrow.ReadOptions(
            column_names=names, skip_rows=shape.blank, skip_rows_after_names=skip, encoding=shape.encoding,
            use_threads=use_threads, block_size=max(CHUNK, 2 * shape.length),
        )  # fmt: skip
        try:
            compression = "gzip" if path.lower().endswith(".gz") else None
            return arrow.read_csv(pyarrow.input_stream(path, compression), read, parse, convert)
        except pyarrow.ArrowInvalid as error:
            if not wrong:
                raise readers.damaged(path, error) from error
    row, remedy = wrong[-1], "give every line the same number, and check data.delimiter"
    if re.search(rf'{re.escape(shape.delimiter)}\s+"', row.text):
        remedy = "remove the space before the quote"
    elif shape.first[0].startswith("#"):
        remedy = "delete the lines above the names of the columns"
    raise UserError(
        f"{path}: line {row.number} has {row.actual_columns} cells, but the first line has {row.expected_columns}: "
        f"{remedy}"
    )


def _transposed(table: Any) -> Any:
    """A table of text with a column for each row."""
    import pyarrow

    count, width = table.shape
    cells = pyarrow.concat_arrays([column.cast(pyarrow.large_string()).combine_chunks() for column in table.columns])
    turned = cells.take(pyarrow.array(np.arange(count * width).reshape(width, count).T.ravel()))
    return pyarrow.table([turned.slice(row * width, width) for row in range(count)], names=list(map(str, range(count))))


def _texts(table: Any) -> list[int]:
    """The places of the columns of text."""
    from pyarrow import types

    kinds = table.schema.types
    return [i for i, kind in enumerate(kinds) if types.is_string(kind) or types.is_large_string(kind)]


def _trimmed(table: Any) -> Any:
    """A table without space around its texts, and without quotes after such space, which pyarrow keeps."""
    compute: Any = importlib.import_module("pyarrow.compute")
    for place in _texts(table):
        texts = compute.replace_substring_regex(table[place], r'^\s+"(.*)"\s*$', r"\1")
        table = table.set_column(place, table.column_names[place], compute.utf8_trim_whitespace(texts))
    return table


def _with_points(table: Any) -> tuple[Any, list[str]]:
    """A table with points for decimal commas; as it is if no cell has one, or if a number has a point."""
    from pyarrow import types

    compute: Any = importlib.import_module("pyarrow.compute")
    texts = _texts(table)

    def any_matches(pattern: str) -> bool:
        return any(compute.any(compute.match_substring_regex(table[place], pattern)).as_py() for place in texts)

    has_points = any(map(types.is_floating, table.schema.types)) or any_matches(DECIMAL_POINT)
    if has_points or not any_matches(DECIMAL_COMMA):
        return table, []
    for place in texts:
        turned = compute.replace_substring_regex(table[place], DECIMAL_COMMA, r"\1.\2")
        table = table.set_column(place, table.column_names[place], turned)
    return table, ["decimal commas"]
