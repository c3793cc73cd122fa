"""Probes of codes whose classes are known to be easy, hard or absent."""

import numpy as np
import pytest

from aejax.metrics.probes import class_scores

rng = np.random.default_rng(0)
Y, TEST_Y = rng.integers(0, 4, 400), rng.integers(0, 4, 300)
CORNERS = np.array([[0, 0], [0, 10], [10, 0], [10, 10]], np.float32)


def noise(num):
    return rng.normal(size=(num, 2)).astype(np.float32)


def test_classes_that_lie_apart_are_read_and_found():
    found = class_scores(CORNERS[Y] + noise(400), Y, CORNERS[TEST_Y] + noise(300), TEST_Y)
    assert found["probe_accuracy"] == found["knn_accuracy"] == found["kmeans_ari"] == 1.0
    assert found["silhouette"] == pytest.approx(1 - 1.8 / 9.8, abs=0.05)  # about 1 − mean distance within / between


def test_codes_that_tell_nothing_are_read_by_chance():
    found = class_scores(noise(400), Y, noise(300), TEST_Y)
    assert abs(found["probe_accuracy"] - 0.25) < 0.1 and abs(found["knn_accuracy"] - 0.25) < 0.1
    assert abs(found["kmeans_ari"]) < 0.05 and abs(found["silhouette"]) < 0.1


def test_probes_are_judged_on_other_rows_than_they_are_fitted_on():
    """Only the training labels are shifted: a probe fitted on the test rows would still be right."""
    found = class_scores(CORNERS[Y] + noise(400), (Y + 1) % 4, CORNERS[TEST_Y] + noise(300), TEST_Y)
    assert found["probe_accuracy"] == found["knn_accuracy"] == 0.0


def test_a_line_of_classes_is_near_but_not_linear():
    """The classes are rings: nearest neighbors predict them, a linear probe does not."""

    def ring(y):
        angle = rng.uniform(0, 2 * np.pi, len(y))
        return ((1 + 3 * y[:, None]) * np.stack([np.cos(angle), np.sin(angle)], axis=1)).astype(np.float32)

    found = class_scores(ring(Y % 2), Y % 2, ring(TEST_Y % 2), TEST_Y % 2)
    assert found["knn_accuracy"] > 0.98 and found["probe_accuracy"] < 0.7


def test_small_or_one_sided_data_leave_out_what_they_do_not_define():
    few = class_scores(noise(4), np.array([0, 1, 0, 1]), noise(3), np.array([0, 1, 1]))
    assert set(few) == {"probe_accuracy", "knn_accuracy", "kmeans_ari", "silhouette"}
    assert "silhouette" not in class_scores(noise(4), np.array([0, 1, 0, 1]), noise(3), np.zeros(3, int))
    assert class_scores(noise(4), np.zeros(4, int), noise(3), np.zeros(3, int)) == {}


def test_equal_codes_have_chance_level_and_no_warning():
    """k-means finds one cluster where four are asked for."""
    found = class_scores(np.zeros((400, 2), np.float32), Y, np.zeros((300, 2), np.float32), TEST_Y)
    assert found["kmeans_ari"] == 0.0 and found["probe_accuracy"] < 0.5
