"""Numbers as lines: means with their ranges, exact iso-lines, and colors by value."""

# matplotlib's stubs know an artist's data only as a union of all array-likes
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportIndexIssue=false
# pyright: reportOperatorIssue=false, reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false

from itertools import combinations

import numpy as np
import pytest
from matplotlib.figure import Figure

from aejax.reports import figures
from aejax.reports.figures import lines
from tests.panels import log, points


def test_curves_are_means_with_ranges_and_a_cross_where_a_seed_diverged():
    rows = [row for row in log(2) if row["split"] == "valid"]
    rows = [{**row, "elbo": None} if row["member"] == 1 and row["epoch"] > 1 else row for row in rows]
    axes = figures.draw_curves(rows, {0: "β = 1", 1: "β = 1"}).axes[0]
    mean, cross = axes.lines
    assert mean.get_ydata().tolist() == pytest.approx([-100.5, -50.5, -100 / 3, -25])
    assert (cross.get_xdata().tolist(), cross.get_ydata().tolist()) == ([1], [-51])
    band = axes.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(-101)
    assert axes.get_xlabel() == "epoch" and axes.get_title() == "ELBO (nats)"


def test_curves_tell_splits_by_dashes_and_leave_out_empty_metrics():
    metrics = (("elbo", "ELBO (nats)"), ("psnr", "PSNR (dB)"), ("kl", "KL (nats)"))
    figure = figures.draw_curves(log(1), {0: ""}, metrics)
    assert [axes.get_title() for axes in figure.axes] == ["ELBO (nats)", "KL (nats)"]
    assert [line.get_linestyle() for line in figure.axes[0].lines] == ["--", "-"]


def test_many_settings_show_the_means_of_the_validation_rows_only():
    rows = log(16, 4)
    settings = {member: f"β = {member // 2}" for member in range(16)}
    axes = figures.draw_curves(rows, settings).axes[0]
    assert [line.get_linestyle() for line in axes.lines] == ["-"] * 8 and not axes.collections
    few = {member: f"β = {member % 2}" for member in range(16)}
    axes = figures.draw_curves(rows, few).axes[0]
    assert [line.get_linestyle() for line in axes.lines] == ["--", "-"] * 2 and len(axes.collections) == 4


@pytest.mark.parametrize(("last", "scale"), [(1e-6, "log"), (0.5, "linear"), (0.0, "linear"), (-1.0, "linear")])
def test_an_axis_is_logarithmic_if_a_positive_metric_spans_decades(last, scale):
    losses = [*np.geomspace(1.0, 1e-6, 30), last] if last == 1e-6 else [*np.linspace(1.0, 0.5, 30), last]
    rows = [{"member": 0, "epoch": i, "split": "train", "loss": loss} for i, loss in enumerate(losses)]
    axes = figures.draw_curves(rows, {0: ""}, [("loss", "loss")]).axes[0]
    assert axes.get_yscale() == scale


def test_units_are_means_over_seeds_and_of_many_settings_some_are_named():
    kl, variance = np.array([0.0, 3.0, 1.0, 2.0]), np.array([0.0, 1.0, 1.0, 1.0])
    figure = figures.draw_units([("β = 1", kl, variance), ("β = 1", kl[::-1] + 1.0, 0.0 * variance)])
    (left,), (right, _) = (axes.lines for axes in figure.axes)
    assert left.get_ydata().tolist() == [3.5, 2.5, 1.5, 0.5]
    assert right.get_ydata().tolist()[0] == 1.5 and right.get_ydata().tolist()[-1] == 0.0
    figure = figures.draw_units([(f"β = {i}", kl, variance) for i in range(40)])
    assert len(figure.axes[0].lines) == 40 and len(figure.legends[0].get_texts()) == 8


def test_an_exploding_member_does_not_flatten_the_others():
    rows = log(3, 20)
    rows[-1]["elbo"] = -1e30
    axes = figures.draw_curves(rows, {m: f"β = {m}" for m in range(3)}).axes[0]
    assert axes.get_ylim()[0] > -1000


def test_iso_lines_are_exact_and_named():
    axes = figures.draw_rate_distortion(points(5), "β").axes[0]
    dashed = [line for line in axes.lines if line.get_linestyle() == "--"]
    names = [text for text in axes.texts if text.get_text().startswith("ELBO")]
    assert len(dashed) == len(names) >= 2
    for line, name in zip(dashed, names, strict=True):
        elbo = float(name.get_text().removeprefix("ELBO = ").replace("−", "-"))
        assert np.allclose(line.get_xdata() + line.get_ydata(), -elbo)
        assert sum(name.get_position()) == pytest.approx(-elbo)


def test_rate_distortion_marks_means_names_settings_and_counts_the_missing():
    with figures.styled():
        figure = figures.draw_rate_distortion([*points(3), {**points(1)[0], "reconstruction": float("nan")}], "β")
    axes, bar = figure.axes
    assert {"β = 1", "β = 2", "β = 3"} <= {text.get_text() for text in axes.texts}
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    means = [c.get_offsets()[0].tolist() for c in axes.collections if len(c.get_offsets()) == 1]
    assert means[0] == pytest.approx([20.3, 83.0])
    assert bar.get_title() == "β" and figure.get_supxlabel().startswith("1 member ")
    assert "nats" in axes.get_xlabel() and "nats" in axes.get_ylabel()


def test_colors_are_logarithmic_only_where_the_values_span():
    figure = Figure()
    axes = figure.subplots()
    log_colors = lines.value_colors(figure, axes, np.array([1.0, 10.0, 100.0]), "β")
    linear = lines.value_colors(figure, axes, np.array([1.0, 2.0, 3.0]), "β")
    assert np.allclose(log_colors[1], linear[1], atol=0.01)


@pytest.mark.parametrize("most", [4, 100])
def test_the_numbers_of_samples_are_plain(most):
    figure = figures.draw_likelihood([("", np.array([1, 2, most]), np.array([3.0, 2.0, 1.0]))])
    figure.draw_without_rendering()
    labels = {label.get_text() for label in figure.axes[0].get_xticklabels(which="both")}
    assert {"1", "4" if most == 4 else "100"} <= labels and not any("$" in label for label in labels)
