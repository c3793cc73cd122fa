"""A Matrix Market file, .mtx or .mtx.gz, as 10x Genomics writes it: features × rows, so it is transposed.

Beside it may lie barcodes.tsv, the ids of the rows, and features.tsv (or genes.tsv), both with or without .gz; for
PREFIXmatrix.mtx they are PREFIXbarcodes.tsv and so on. Features are called by the second column (the symbols of genes)
if these differ from each other, else by the first. With `data.transpose` the file holds rows × features.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aejax.data import readers, sparse
from aejax.errors import UserError


def read(path: str, config: Any, new: bool) -> readers.Read:
    """The rows of a matrix with their ids and the names of the features; UserError if files do not fit each other."""
    from scipy.io import mmread

    try:
        matrix: Any = mmread(path)
    except Exception as error:  # of the parser, of zlib, of the operating system
        raise readers.damaged(path, error) from error
    x = matrix if config.transpose else matrix.T
    x = sparse.as_csr(x, path) if sparse.is_sparse(x) else x
    barcodes, features = _beside(path, ("barcodes",)), _beside(path, ("features", "genes"))
    ids = [line[0] for line in _lines(barcodes)] if barcodes else []
    names = _names(features) if features else ()
    for axis, what, file, found in ((0, "rows", barcodes, ids), (1, "features", features, names)):
        if file and len(found) != x.shape[axis]:
            is_turned = len(found) == x.shape[1 - axis]
            remedy = f"set data.transpose={not config.transpose}" if is_turned else "give files that belong together"
            raise UserError(f"{file} names {len(found)} {what}, but {path} has {x.shape[axis]}: {remedy}")
    readers.check_names(names, str(features))
    return readers.Read({"train": {"x": x} | ({"ids": np.array(ids, str)} if barcodes else {})}, names)


def _beside(path: str, kinds: Sequence[str]) -> Path | None:
    """The first file of these kinds that lies beside the matrix."""
    stem = Path(path).name[: -len(readers.extension(path))]
    prefix = stem.removesuffix("matrix") if stem.endswith("matrix") else ""
    files = [Path(path).with_name(f"{prefix}{kind}.tsv{gz}") for kind in kinds for gz in (".gz", "")]
    return next((file for file in files if file.is_file()), None)


def _lines(path: Path) -> list[list[str]]:
    """The cells of the lines that are not empty."""
    try:
        with readers.open_text(path) as file:
            return [line.rstrip("\r\n").split("\t") for line in file if line.strip()]
    except readers.UNREADABLE as error:
        raise readers.damaged(str(path), error) from error


def _names(path: Path) -> tuple[str, ...]:
    lines = _lines(path)
    symbols = {line[1] for line in lines if len(line) > 1}
    return tuple(line[1] if len(symbols) == len(lines) else line[0] for line in lines)
