"""Traversals of a code, one unit at a time."""

# matplotlib's stubs know an artist's data only as a union of all array-likes
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportIndexIssue=false
# pyright: reportOperatorIssue=false, reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false

import numpy as np

from aejax.reports import figures
from tests.panels import pictures

CODE = np.float32([-3.0, 0.0, 1.3])


def test_a_traversal_moves_one_unit_at_a_time_and_marks_the_codes_own_value():
    moved = figures.traversal_codes(CODE, np.array([2, 0])).reshape(2, 11, 3)
    steps = np.linspace(-2.5, 2.5, 11, dtype=np.float32)
    np.testing.assert_array_equal(moved[0], np.stack([0 * steps + CODE[0], 0 * steps + CODE[1], steps], axis=1))
    np.testing.assert_array_equal(moved[1], np.stack([steps, 0 * steps + CODE[1], 0 * steps + CODE[2]], axis=1))
    panel = ("", pictures(33, 32), CODE, np.array([2, 0, 1]), np.array([1.5, 1.0, 0.25]))
    [axes] = figures.draw_traversals([panel]).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "z₃   1.50 nats",
        "z₁   1.00 nats",
        "z₂   0.25 nats",
    ]
    across = axes.get_lines()[0].get_xdata()
    ends = axes.get_xticks()[[0, -1]]  # the middles of the first and the last column
    np.testing.assert_allclose((across - ends[0]) / (ends[1] - ends[0]), [3.8 / 5, 0.0, 0.5], atol=1e-6)
