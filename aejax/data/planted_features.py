"""Generated rows that are sparse sums of known features, like the activations of a network in superposition.

x = Σ_i z_i d_i: each of F features has a direction d_i, drawn uniformly from the unit sphere, and a strength z_i, which
is 0 unless the feature is present, and then uniform in [½, 1½]. Every feature is present with the same probability. A
Gaussian of the feature switches it on; those of 8 neighbors have the same correlation, and others are independent.
"""

import math
from statistics import NormalDist
from typing import Any

import numpy as np

from aejax.data import Rows
from aejax.errors import UserError

NEIGHBORS = 8


def read(config: Any) -> Rows:
    """x [N, D] float32 with its "active" features [N, F] and their "directions" [F, D]; without splits."""
    features, rows = config.num_features, config.num_rows
    probability = config.active_features / features
    if probability >= 1.0:
        raise UserError(
            f"data.active_features={config.active_features:g} must be less than data.num_features={features}: "
            "use for example 4"
        )
    rng = np.random.default_rng(config.split_seed)
    directions = rng.standard_normal((features, config.num_dimensions), np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    own = rng.standard_normal((rows, features), np.float32)
    shared = rng.standard_normal((rows, -(-features // NEIGHBORS)), np.float32)
    own *= math.sqrt(1.0 - config.correlation)
    own += math.sqrt(config.correlation) * np.repeat(shared, NEIGHBORS, axis=1)[:, :features]
    active = own > NormalDist().inv_cdf(1.0 - probability)
    strength = 0.5 + rng.random(active.shape, np.float32)
    return Rows({"x": (strength * active) @ directions, "active": active}, directions=directions)
