"""How well a code's units recover the features from which data were generated, in numpy.

A unit points where it moves x_hat. MCC is the mean |cosine| of directions and features in the best one-to-one matching
(Hungarian algorithm); uniqueness is the number of features that are the nearest of some unit, per unit; F1 is a mean
over units, each a detector of its nearest feature (Chanin & Garriga-Alonso 2026, arXiv 2602.14687).
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import linear_sum_assignment


def scores(
    directions: Float[np.ndarray, "K D"],
    codes: Float[np.ndarray, "N K"],
    features: Float[np.ndarray, "F D"],
    active: Bool[np.ndarray, "N F"],
) -> dict[str, float]:
    """`mcc`, `uniqueness` and `f1`, each from 0 to 1, of units (0 = inactive) and the features of the same rows."""
    cosines = np.abs(normalized(directions) @ normalized(features).T)
    matched = linear_sum_assignment(cosines, maximize=True)
    nearest = cosines.argmax(axis=1)
    return {
        "mcc": float(cosines[matched].mean()),
        "uniqueness": len(np.unique(nearest)) / len(directions),
        "f1": float(f1_of_units(codes != 0.0, active[:, nearest]).mean()),
    }


def f1_of_units(predicted: Bool[np.ndarray, "N K"], true: Bool[np.ndarray, "N K"]) -> Float[np.ndarray, " K"]:
    """2 TP / (2 TP + FP + FN) of each column; 0 if nothing is predicted and nothing is true."""
    hits = (predicted & true).sum(axis=0)
    return 2.0 * hits / np.maximum(predicted.sum(axis=0) + true.sum(axis=0), 1)


def normalized(rows: Float[np.ndarray, "n D"]) -> Float[np.ndarray, "n D"]:
    """The rows divided by their norms; rows of zeros stay."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
