"""Shared by the claims about images: the data, and codes, reconstructions and posteriors of trained members."""

from typing import Any

import jax
import numpy as np
from scipy import stats
from sklearn.neighbors import NearestNeighbors

from aejax.data import tfds
from experiments.claims import NotRun, Outcome

PREPARE = "python -m experiments.prepare_data --name=mnist"
QUIET = {"log.every_epochs": 10_000, "train.save_every_epochs": 10_000, "data.valid_fraction": 0.0}


def images(fast: bool, epochs: int) -> dict[str, Any]:
    """Config changes: the digits for `epochs` epochs if `fast`, else MNIST for ten; raises NotRun if it is missing."""
    if fast:
        return QUIET | {"train.epochs": epochs}
    if tfds.find("mnist", tfds.root("")) is None:
        raise NotRun(PREPARE)
    return QUIET | {"data.name": "mnist", "train.epochs": 10}


def squared_error_vae(fast: bool, epochs: int) -> dict[str, Any]:
    """Like `images`, for configs/vae_squared_error.py; on the digits every pixel counts 784 / 64 times.

    So λ weighs the KL against as many pixels as in the lecture. At σ² = ½ and λ = 4 a code of 64 pixels collapses.
    """
    return images(fast, epochs) | ({"model.variance": 0.5 * 64 / 784} if fast else {})


def rows_of(outcome: Outcome, split: str, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The first `most` rows x of a split, in data units, and their classes."""
    rows = getattr(outcome.dataset, split)
    x = rows["x"][:most]
    return x * np.float32(outcome.dataset.spec.byte_scale) if x.dtype == np.uint8 else x, rows["y"][:most]


def encode(outcome: Outcome, x: np.ndarray) -> np.ndarray:
    """The codes [n, k] of rows."""
    return np.asarray(jax.jit(outcome.model.encode)(outcome.params, x))


def decode(outcome: Outcome, codes: np.ndarray) -> np.ndarray:
    """The decoded codes [n, k]."""
    return np.asarray(jax.jit(outcome.model.decode)(outcome.params, codes.astype(np.float32)))


def posterior(outcome: Outcome, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and σ [n, k] of q(z|x)."""
    mean, logvar = jax.jit(outcome.model.posterior)(outcome.params, x)
    return np.asarray(mean), np.exp(0.5 * np.asarray(logvar))


def nearest(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The distance [n] from each of the points [n, ...] to the nearest of the others [m, ...]."""
    index = NearestNeighbors(n_neighbors=1).fit(others.reshape(len(others), -1))
    return index.kneighbors(points.reshape(len(points), -1))[0][:, 0]


def interval(values: list[float] | np.ndarray) -> tuple[float, float, float]:
    """Mean of one value per seed, and the ends of its 95 % interval (Student's t)."""
    values = np.asarray(values, np.float64)
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
    return values.mean(), values.mean() - half, values.mean() + half
