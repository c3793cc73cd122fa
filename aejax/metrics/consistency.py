"""How far the codes of the same rows agree between seeds: numpy, without a member axis."""

import itertools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

MOST_ROWS = 2000  # of the test split
Codes = Float[np.ndarray, "n k"]


def consistency(codes: Sequence[np.ndarray]) -> dict[str, float]:
    """`code_r2` and `code_cka` of the same rows' codes from several seeds: means over all pairs, both ways.

    NaN if a code does not vary, or if it has as many units as there are rows.
    """
    centered = [code.astype(np.float64) - code.mean(axis=0, dtype=np.float64) for code in codes]
    spans = [span(code) for code in centered]
    explained = [linear_r2(spans[i], centered[j]) for i, j in itertools.permutations(range(len(codes)), 2)]
    aligned = [linear_cka(a, b) for a, b in itertools.combinations(centered, 2)]
    return {"code_r2": float(np.mean(explained)), "code_cka": float(np.mean(aligned))}


def span(centered: Codes) -> Float[np.ndarray, "n r"]:
    """An orthonormal basis of the columns of centered codes."""
    vectors, values, _ = np.linalg.svd(centered, full_matrices=False)
    return vectors[:, values > 1e-6 * max(values[0], 1e-30)]


def linear_r2(basis: Float[np.ndarray, "n r"], b: Codes) -> float:
    """The share of the variance of centered codes b, over all units, that a regression on a basis of others explains.

    It is adjusted for the number of regressors: 0 in the mean for unrelated codes (Ezekiel 1930).
    """
    rows, rank = basis.shape
    total = np.square(b).sum()
    if not total or rows - rank - 1 <= 0:
        return float("nan")
    return float(1.0 - (1.0 - np.square(basis.T @ b).sum() / total) * (rows - 1) / (rows - rank - 1))


def linear_cka(a: Codes, b: Float[np.ndarray, "n j"]) -> float:
    """Linear centered kernel alignment of centered codes (Kornblith et al. 2019, arXiv 1905.00414).

    No rotation and no common scale of a code changes it.
    """
    norms = np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b)
    return float(np.square(a.T @ b).sum() / norms) if norms else float("nan")
