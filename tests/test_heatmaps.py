"""Tables as heat maps: shared rows, columns and colors."""

# matplotlib's stubs know an artist's data only as a union of all array-likes
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportIndexIssue=false
# pyright: reportOperatorIssue=false, reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false

import numpy as np

from aejax.reports import figures
from aejax.reports.figures import heatmaps
from tests.panels import CLASSES, NUMBERS, codes


def test_maps_of_a_table_share_rows_columns_and_colors():
    x, y = codes(90, k=300), CLASSES % 3
    x[:, 7] *= 50
    figure = figures.draw_table_heatmap(x, [("k = 2", x / 2)], (), y, ["a", "b", "c"])
    original, panel = (axes.images[0] for axes in figure.axes[:2])
    assert original.get_clim() == panel.get_clim() and original.get_clim()[0] == -original.get_clim()[1]
    assert original.get_array().shape == (50, 100)
    assert np.allclose(original.get_array() / 2, panel.get_array())
    rows, features = heatmaps.choose(x, y)
    assert (np.diff(y[rows]) >= 0).all() and (np.diff(features) > 0).all() and 7 in features
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["a", "b", "c"]
    assert figure.get_supxlabel() == "50 of 90 rows, ordered by class; 100 of 300 features (the most variable)"


def test_rows_of_a_table_lie_in_the_order_of_labels_that_are_numbers():
    x = codes(90, k=3)
    x[:, 0] = NUMBERS
    figure = figures.draw_table_heatmap(x, [("k = 2", x)], (), NUMBERS)
    assert (np.diff(figure.axes[0].images[0].get_array()[:, 0]) > 0).all()
    assert not figure.axes[0].get_yticklabels() and not figure.axes[0].collections  # neither names nor lines
    assert "ordered by label" in figure.get_supxlabel()


def test_a_table_of_positive_values_gets_a_sequential_scale():
    assert heatmaps.color_scale(np.array([[0.0, 1.0, 2.0]]))[2] == "viridis"
    low, high, _ = heatmaps.color_scale(np.zeros((3, 2)))
    assert low < high
