"""Shared by the claims about linear models: full-batch training, and the spectrum to compare it with."""

from typing import Any, NamedTuple

import jax
import numpy as np

from experiments.claims import Outcome, train

ROWS = 1438  # training rows of the digits without a validation split: one batch holds them all


class Spectrum(NamedTuple):
    """The principal axes of training rows, in float64."""

    x: np.ndarray  # [N, D]
    values: np.ndarray  # [D] eigenvalues of the covariance (divided by N), largest first
    vectors: np.ndarray  # [D, D] in columns


def spectrum(outcome: Outcome) -> Spectrum:
    """The principal axes of the rows that an outcome was trained on."""
    x = outcome.dataset.train["x"].reshape(len(outcome.dataset.train["x"]), -1).astype(np.float64)
    values, vectors = np.linalg.eigh(np.cov(x, rowvar=False, bias=True))
    return Spectrum(x, values[::-1], vectors[:, ::-1])


def train_full_batch(recipe: str, steps: int, rate: float, changes: dict[str, Any], *sweep: str) -> list[Outcome]:
    """Trains on all rows at every step, with a rate that falls to 1e-4 of its peak, to converge to the optimum."""
    settings = {
        "data.valid_fraction": 0.0,
        "train.batch_size": ROWS,
        "train.epochs": steps,
        "train.save_every_epochs": steps,
        "log.every_epochs": steps,
        "optimizer.schedule": "cosine",
        "optimizer.learning_rate": rate,
        "optimizer.final_fraction": 1e-4,
    }
    return train(recipe, settings | changes, *sweep)


def float64(params: Any) -> Any:
    """Parameters as numpy float64, so that the measurement adds no rounding of its own."""
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params)
