"""Generated counts whose groups are known, like the cells of a single-cell experiment.

Each of 5 groups has its own mean profile over 200 features; 2 in 5 features differ between groups. Rows come from two
batches, which change every feature's mean by a factor of their own. A row's total is log-normal, and its counts are
negative-binomial with θ = 2 around total × profile × factor. Classes are the groups; the column `batch` is A or B.
"""

from typing import Any

import numpy as np

from aejax.data import Rows
from aejax.data.conditions import COLUMN

ROWS, FEATURES, GROUPS = 3000, 200, 5
MARKERS = 80  # features whose mean differs between groups
THETA = 2.0  # variance is mean + mean² / θ
BATCHES = np.array(["A", "B"])
EFFECT = 0.5  # sd of the log of a batch's factors


def read(config: Any) -> Rows:
    """x [3000, 200] uint16 counts, y the group and the batch, drawn from `data.split_seed`; without splits."""
    rng = np.random.default_rng(config.split_seed)
    profiles = np.tile(rng.gamma(1.0, 1.0, FEATURES), (GROUPS, 1))
    markers = rng.choice(FEATURES, MARKERS, replace=False)
    profiles[:, markers] *= np.exp(rng.normal(0.0, 1.0, (GROUPS, MARKERS)))
    y, batch = rng.integers(0, GROUPS, ROWS), rng.integers(0, len(BATCHES), ROWS)
    means = profiles[y] * np.exp(rng.normal(0.0, EFFECT, (len(BATCHES), FEATURES)))[batch]
    totals = np.exp(rng.normal(np.log(400.0), 0.5, ROWS))
    mean = totals[:, None] * means / means.sum(axis=1, keepdims=True)
    x = rng.poisson(mean * rng.gamma(THETA, 1.0 / THETA, mean.shape)).astype(np.uint16)
    names = tuple(f"feature_{number}" for number in range(1, FEATURES + 1))
    groups = tuple(f"group {number}" for number in range(1, GROUPS + 1))
    split = {"x": x, "y": y.astype(np.int32), COLUMN + "batch": BATCHES[batch]}
    return Rows(split, class_names=groups, feature_names=names)
