"""Alignment and similarity of points, such as the learned codes of items, in numpy."""

import numpy as np
from jaxtyping import Float

from aejax.errors import choose

SIMILARITIES = ("cosine", "euclidean")


def procrustes(
    reference: Float[np.ndarray, "n d"], points: Float[np.ndarray, "n d"]
) -> tuple[Float[np.ndarray, "n d"], float]:
    """The points, rotated, reflected and shifted (not scaled) onto the reference, and the residual.

    The residual is ‖reference − points‖ / ‖reference − its mean‖, without a unit. Source: Schönemann 1966.
    """
    center = reference.mean(axis=0)
    target, moved = reference - center, points - points.mean(axis=0)
    left, _, right = np.linalg.svd(moved.T @ target)
    moved = moved @ left @ right
    return moved + center, float(np.linalg.norm(moved - target) / np.linalg.norm(target))


def similarity(
    codes: Float[np.ndarray, "n k"], others: Float[np.ndarray, "m k"], metric: str
) -> Float[np.ndarray, "n m"]:
    """The cosine between each code and each of `others`, or minus their distance; UserError for another metric."""
    if choose("metric", metric, SIMILARITIES) == "euclidean":
        return -np.sqrt(np.square(codes[:, None] - others[None]).sum(axis=-1))

    def unit(rows):
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)

    return unit(codes) @ unit(others).T
