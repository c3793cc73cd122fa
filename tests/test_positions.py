"""Maps of items."""

# matplotlib's stubs know an artist's data only as a union of all array-likes
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportIndexIssue=false
# pyright: reportOperatorIssue=false, reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false

import numpy as np
import pytest

from aejax.reports import figures
from aejax.reports.figures import positions
from tests.panels import RNG


def test_names_on_a_map_stand_far_apart():
    points = np.concatenate([np.zeros((50, 2)) + RNG.normal(0, 0.01, (50, 2)), [[10, 0], [0, 10], [-9, 0]]])
    assert set(positions.far_apart(points, 4)[1:]) == {50, 51, 52}
    figure = figures.draw_maps([("", points), ("", points[::-1])], [f"p{i}" for i in range(53)])
    first, second = figure.axes
    assert {"p50", "p51", "p52"} <= {text.get_text() for text in first.texts}
    assert np.array_equal(first.collections[0].get_facecolors(), second.collections[0].get_facecolors())


def test_places_on_a_line_get_a_map_that_is_not_a_line():
    """2 wide and 30 high, or the other way: the short side becomes a quarter of the long one, and both get a margin."""
    for side in (0, 1):
        points = np.zeros((2, 2))
        points[1, side], points[1, 1 - side] = 30.0, 2.0
        left, right, bottom, top = positions.extent(points)
        assert (right - left, top - bottom)[side] == pytest.approx(33.0)
        assert (right - left, top - bottom)[1 - side] == pytest.approx(7.5 + 3.0)
