"""The nearest neighbors of codes, against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from aejax.metrics import geometry
from experiments.claims import _neighbors as neighbors

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("metric", geometry.SIMILARITIES)
def test_nearest_are_those_of_scikit_learn(metric):
    codes = RNG.normal(size=(50, 4))
    index = NearestNeighbors(n_neighbors=6, metric=metric).fit(codes).kneighbors(codes)[1]
    np.testing.assert_array_equal(neighbors.nearest(codes, 5, metric), index[:, 1:])


def test_purity_counts_labeled_neighbors_only():
    codes = np.array([[0.0, 1.0], [0.1, 1.0], [1.0, 0.0], [1.0, 0.1], [0.05, 1.0]])
    assert neighbors.purity(codes, np.array([0, 0, 1, 1, -1]), 1) == 1.0
    assert neighbors.purity(codes, np.array([0, 1, 0, 1, -1]), 1) == 0.0
