"""The nearest neighbors of codes, and how many of them share a class, in numpy."""

import numpy as np
from jaxtyping import Float, Int

from aejax.metrics.geometry import similarity


def nearest(codes: Float[np.ndarray, "n k"], num: int, metric: str) -> Int[np.ndarray, "n num"]:
    """The row numbers of every code's `num` nearest neighbors, nearest first."""
    near = similarity(codes, codes, metric)
    np.fill_diagonal(near, -np.inf)
    return np.argsort(-near, axis=1, kind="stable")[:, :num]


def purity(codes: Float[np.ndarray, "n k"], y: Int[np.ndarray, " n"], num: int, metric: str = "cosine") -> float:
    """The share of the `num` nearest neighbors that have their code's class, among labeled codes (y >= 0) only."""
    codes, y = codes[y >= 0], y[y >= 0]
    return float((y[nearest(codes, num, metric)] == y[:, None]).mean())
