"""Rows that are mostly zeros: scipy's csr_array [N, F] on the host, dense where they go to the device.

Only sparse rows need scipy, so it is imported late. A csr_array has no `len`: num_rows serves for both.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from aejax.errors import UserError


def is_sparse(x: Any) -> bool:
    """Whether x is a scipy matrix or array, of any format."""
    return hasattr(x, "tocsr")


def as_csr(matrix: Any, where: str) -> Any:
    """A copy of a scipy matrix of any format as a csr_array, each place stored once; UserError if it is damaged."""
    from scipy.sparse import csr_array

    try:
        if hasattr(matrix, "check_format"):  # an index outside of the shape would read foreign memory
            matrix.check_format(full_check=True)
        x = csr_array(matrix, copy=True)
    except (ValueError, IndexError, TypeError) as error:
        raise UserError(f"{where}: x is not a sparse matrix that can be read: {' '.join(str(error).split())}") from None
    x.sum_duplicates()
    x.eliminate_zeros()
    return x


def num_rows(x: Any) -> int:
    """N of x [N, ...], dense or sparse."""
    return x.shape[0]


def dense(x: Any) -> Any:
    """x with its zeros, as a numpy array; what is dense stays as it is."""
    return x.toarray() if is_sparse(x) else x


def stored(x: Any) -> np.ndarray:
    """All values of a dense x; those other than 0 of a sparse one."""
    return x.data if is_sparse(x) else x


def place(x: Any, wrong: np.ndarray) -> tuple[int, ...]:
    """(row, *feature) of the first of the values `stored(x)` that is marked as wrong."""
    first = int(np.argmax(wrong))
    if is_sparse(x):
        return int(np.searchsorted(x.indptr, first, side="right")) - 1, int(x.indices[first])
    return tuple(int(i) for i in np.unravel_index(first, x.shape))


def beside(x: Any, y: np.ndarray) -> Any:
    """[N, F] and a dense [N, G] as [N, F + G], sparse if x is."""
    if not is_sparse(x):
        return np.concatenate([x, y], axis=1)
    from scipy.sparse import csr_array, hstack

    return hstack([x, csr_array(y)], format="csr")


def empty_rows(x: Any) -> np.ndarray:
    """The places of the rows whose values are all 0."""
    filled = np.diff(x.indptr) > 0 if is_sparse(x) else x.reshape(len(x), -1).any(axis=1)
    return np.flatnonzero(~filled)


def mean(x: Any) -> np.ndarray:
    """The mean of each feature in float64; the sums are those of the dense x, to the bit."""
    if is_sparse(x):
        return np.asarray(x.astype(np.float64).sum(axis=0)) / num_rows(x)
    return x.mean(axis=0, dtype=np.float64)


def limits(x: Any, scale: float) -> tuple[float, float]:
    """The least and the largest value of rows [N, ...], those of bytes in data units."""
    unit = scale if x.dtype == np.uint8 else 1.0
    return float(x.min()) * unit, float(x.max()) * unit


def is_constant(x: Any) -> np.ndarray:
    """Which features [F] of rows [N, F] have one value only."""
    low, high = x.min(axis=0), x.max(axis=0)
    return np.ravel(dense(low) == dense(high))


def blocks(x: Any) -> Iterator[np.ndarray]:
    """Dense pieces of x in the order of its rows: x itself if it is dense, else about a million values each."""
    if not is_sparse(x):
        yield x
        return
    size = max(1, 2**20 // x.shape[1])
    for first in range(0, num_rows(x), size):
        yield x[first : first + size].toarray()
