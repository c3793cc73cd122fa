"""Procrustes alignment against scipy, and similarities by hand."""

import numpy as np
import pytest
from scipy.spatial import procrustes as scipy_procrustes
from scipy.stats import ortho_group

from aejax.errors import UserError
from aejax.metrics import geometry

RNG = np.random.default_rng(0)


def test_procrustes_finds_a_rotated_reflected_and_shifted_copy_and_does_not_scale():
    points = RNG.normal(size=(30, 2))
    turn = ortho_group.rvs(2, random_state=1) @ np.diag([1.0, -1.0])
    moved, residual = geometry.procrustes(points, points @ turn + [3.0, -7.0])
    np.testing.assert_allclose(moved, points, atol=1e-12)
    assert residual < 1e-12
    assert geometry.procrustes(points, 2 * points)[1] == pytest.approx(1.0)
    # The best of all rotations, reflections and scales leaves scipy's disparity, a squared residual.
    other = RNG.normal(size=(30, 2))
    best = min(geometry.procrustes(points, scale * other)[1] for scale in np.linspace(0, 1, 2001))
    assert best**2 == pytest.approx(scipy_procrustes(points, other)[2], abs=1e-4)


def test_similarities_are_cosines_and_opposite_distances():
    codes, others = np.array([[3.0, 0.0], [1.0, 1.0]]), np.array([[0.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(geometry.similarity(codes, others, "cosine"), [[0.0, 0.0], [0.5**0.5, 0.0]])
    expected = -np.sqrt([[25.0, 9.0], [10.0, 2.0]])
    np.testing.assert_allclose(geometry.similarity(codes, others, "euclidean"), expected)
    with pytest.raises(UserError, match="metric='cosin' .* did you mean 'cosine'"):
        geometry.similarity(codes, others, "cosin")
