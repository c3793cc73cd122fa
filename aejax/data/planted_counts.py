"""Generated counts whose groups are known, like the cells of a single-cell experiment.

Each of 5 groups has its own mean profile over 200 features; 2 in 5 features differ between groups. A row's total is
log-normal, and its counts are negative-binomial with θ = 2 around total × profile. Classes are the groups.
"""

from typing import Any

import numpy as np

from aejax.data import Rows

ROWS, FEATURES, GROUPS = 3000, 200, 5
MARKERS = 80  # features whose mean differs between groups
THETA = 2.0  # variance is mean + mean² / θ


def read(config: Any) -> Rows:
    """x [3000, 200] uint16 counts and y the group, drawn from `data.split_seed`; without splits."""
    rng = np.random.default_rng(config.split_seed)
    profiles = np.tile(rng.gamma(1.0, 1.0, FEATURES), (GROUPS, 1))
    markers = rng.choice(FEATURES, MARKERS, replace=False)
    profiles[:, markers] *= np.exp(rng.normal(0.0, 1.0, (GROUPS, MARKERS)))
    profiles /= profiles.sum(axis=1, keepdims=True)
    y = rng.integers(0, GROUPS, ROWS)
    totals = np.exp(rng.normal(np.log(400.0), 0.5, ROWS))
    mean = totals[:, None] * profiles[y]
    x = rng.poisson(mean * rng.gamma(THETA, 1.0 / THETA, mean.shape)).astype(np.uint16)
    names = tuple(f"feature_{number}" for number in range(1, FEATURES + 1))
    groups = tuple(f"group {number}" for number in range(1, GROUPS + 1))
    return Rows({"x": x, "y": y.astype(np.int32)}, class_names=groups, feature_names=names)
