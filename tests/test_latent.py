"""Codes in a plane: shared scales, classes and numbers by color, and the projections."""

# matplotlib's stubs know an artist's data only as a union of all array-likes
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportIndexIssue=false
# pyright: reportOperatorIssue=false, reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false

import sys
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from aejax.reports import figures
from aejax.reports.figures import latent, style
from tests.panels import CLASSES, NAMES, NUMBERS, RNG, codes

pytestmark = pytest.mark.slow


def test_all_panels_of_a_scatter_share_one_square_scale():
    panels = [(f"β = {b}", codes(50, 1 / b), None) for b in (1, 4, 10)]
    shared = figures.draw_latent_scatter(panels).axes
    assert len({(*axes.get_xlim(), *axes.get_ylim()) for axes in shared}) == 1
    (left, right), (bottom, top) = shared[0].get_xlim(), shared[0].get_ylim()
    assert all(((left, bottom) < z.min(axis=0)).all() and (z.max(axis=0) < (right, top)).all() for _, z, _ in panels)
    assert all(axes.get_aspect() == 1 for axes in shared)
    assert np.ptp(shared[0].get_xlim()) == pytest.approx(np.ptp(shared[0].get_ylim()))
    own = figures.draw_latent_scatter(panels, same_scale=False).axes
    assert np.ptp(own[2].get_xlim()) < np.ptp(own[0].get_xlim()) / 4


@pytest.mark.parametrize("value", [0.0, 1e12, -3e38])
def test_equal_codes_stand_in_the_middle(value):
    """Warnings are errors: axes of no width would be one."""
    [axes] = figures.draw_latent_scatter([("", np.full((5, 2), value, np.float32), None)]).axes
    left, right = axes.get_xlim()
    assert left < value < right and (left + right) / 2 == pytest.approx(value)


@pytest.mark.parametrize("y", [None, CLASSES % 10, NUMBERS], ids=["unlabeled", "classes", "numbers"])
@pytest.mark.parametrize("same_scale", [True, False])
@pytest.mark.parametrize(("count", "name"), [(1, "β"), (8, "β"), (8, "code_activation = relu, selection = top_k, λ")])
def test_titles_touch_neither_the_headline_nor_other_panels(count, name, same_scale, y):
    panels = [(f"{name} = {b}", codes(90, b), y) for b in range(1, count + 1)]
    with figures.styled():
        figure = figures.draw_latent_scatter(panels, NAMES, same_scale=same_scale)
        style.lay_out(figure)
        titles = [axes.title.get_window_extent() for axes in figure.axes[:count]]
        rims = [(axes.xaxis.get_tightbbox() or axes.get_window_extent()).y0 for axes in figure.axes[:count]]
        headline = next(text.get_window_extent() for text in figure.texts if text.get_gid() == "headline")
    assert headline.y0 - max(title.y1 for title in titles) >= 5  # pixels
    assert all(title.y1 < rim for title, rim in zip(titles[4:], rims, strict=False))
    assert all(one.x1 + 5 < other.x0 for i, (one, other) in enumerate(pairwise(titles)) if i != 3)  # side by side


def test_points_keep_their_classes_in_any_drawing_order():
    z, y = np.stack([np.arange(10.0)] * 2, axis=1), np.arange(10)
    drawn = figures.draw_latent_scatter([("", z, y)], NAMES).axes[0].collections[0]
    order = drawn.get_offsets()[:, 0].astype(int)
    assert np.allclose(drawn.get_facecolor()[:, :3], style.class_colors(10)[order, :3])


def test_labels_that_are_numbers_share_one_color_scale():
    z, y = np.stack([np.arange(100.0)] * 2, axis=1), np.linspace(-3.5, 8.5, 100)
    figure = figures.draw_latent_scatter([("a", z, y), ("b", z, y[::-1])])
    first, second, bar = figure.axes
    assert (first.get_title(), second.get_title(), bar.get_ylabel()) == ("a", "b", "label")
    assert not first.texts and not figure.legends  # numbers are not classes
    colors = [
        {int(z): tuple(color) for z, color in zip(drawn.get_offsets()[:, 0], drawn.get_facecolor()[:, :3], strict=True)}
        for drawn in (first.collections[0], second.collections[0])
    ]
    assert all(colors[1][99 - i] == colors[0][i] for i in range(100)) and len(set(colors[0].values())) > 90
    assert bar.get_ylim() == pytest.approx(np.percentile(y, [1, 99]), abs=0.1)


def test_of_many_classes_the_most_frequent_are_named():
    y = np.concatenate([np.arange(5000), np.repeat(np.arange(100, 109), 5)])
    z = np.random.default_rng(0).normal(size=(len(y), 2)) + 9 * (y - 104)[:, None] * (abs(y - 104) < 5)[:, None]
    with figures.styled():
        figure = figures.draw_latent_scatter([("", z, y)], [f"class {c}" for c in range(5000)])
    [axes] = figure.axes
    assert {text.get_text() for text in axes.texts} <= {f"class {c}" for c in range(100, 109)} and len(axes.texts) > 5
    assert [text.get_text() for text in figure.legends[0].get_texts()][-1] == latent.OTHERS
    drawn = axes.collections[0]
    is_grey = (drawn.get_facecolor()[:, :3] == style.to_rgba_array(style.GREY)[0, :3]).all(axis=1)
    assert is_grey.sum() == 5000 - 9
    unique = figures.draw_latent_scatter([("", z[:5000], y[:5000])], [f"class {c}" for c in range(5000)])
    assert not unique.axes[0].texts and not unique.legends


def test_names_stand_at_the_medians_and_never_overlap():
    centers = np.array([[0, 0], [0, 0.01], [5, 5]], float)
    z = np.concatenate([center + [[-2, -2], [0, 0], [2, 2]] for center in centers])
    y = np.repeat(np.arange(3), 3)
    with figures.styled():
        axes = figures.draw_latent_scatter([("", z, y)], ["one", "two", "three"]).axes[0]
    assert [text.get_text() for text in axes.texts] == ["one", "three"]
    assert axes.texts[1].xy == (5.0, 5.0)


def test_embed_2d_by_the_size_of_the_code():
    z = codes(40)
    plane, rows, names = figures.embed_2d(z)
    assert plane is z and rows.tolist() == list(range(40)) and names == ("z₁", "z₂")
    line, _, names = figures.embed_2d(z[:, :1])
    assert (line[:, 0] == z[:, 0]).all() and line.shape == (40, 2) and names[0] == "z₁"
    with pytest.raises(ValueError, match="umpa"):
        figures.embed_2d(codes(4, k=3), "umpa")


def test_codes_of_one_unit_are_a_flat_picture_without_ticks_of_height():
    points, _, names = figures.embed_2d(codes(40)[:, :1])
    flat = figures.draw_latent_scatter([("", points, None)], axis_names=names)
    square = figures.draw_latent_scatter([("", points, None)])
    assert flat.get_figheight() < 0.6 * square.get_figheight() and not len(flat.axes[0].get_yticks())


def test_pca_keeps_a_plane_and_its_sign():
    plane = codes(60, k=2).astype(float) * [3, 1]
    plane -= plane.mean(axis=0)
    turn = np.linalg.qr(RNG.normal(size=(5, 5)))[0][:2]
    scores, _, names = figures.embed_2d(plane @ turn, "pca")
    assert names == ("PC 1", "PC 2")
    assert np.allclose(scores @ scores.T, plane @ plane.T)
    assert np.allclose(figures.embed_2d(plane @ turn + 7.0, "pca")[0], scores)


def test_umap_gets_a_seed_a_start_and_the_rows_of_tsne(monkeypatch):
    """A stand-in for umap-learn, which is not a dependency, shifts its start by the arguments it gets."""

    class UMAP:
        def __init__(self, n_neighbors, init, random_state, n_jobs):
            self.start, self.shift = init, [n_neighbors, random_state + n_jobs]

        def fit_transform(self, codes):
            return self.start + self.shift

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=UMAP))
    monkeypatch.setattr(latent, "MOST_NEIGHBOR_ROWS", 50)
    z = codes(80, k=5)
    points, rows, names = figures.embed_2d(z, "umap", seed=3)
    assert names == ("UMAP 1", "UMAP 2") and rows.tolist() == figures.embed_2d(z, "tsne", seed=3)[1].tolist()
    assert np.allclose(points, latent.principal(z[rows]) + [15, 4])
    assert np.allclose(latent.umap(z[:6], 3), latent.principal(z[:6]) + [5, 4])  # fewer neighbors than rows
    assert np.isnan(latent.umap(z * np.float32(np.nan), 0)).all() and latent.umap(z[:3], 0).shape == (3, 2)
    assert (latent.umap(z * 0, 0) == 0).all()  # collapsed


def test_tsne_repeats_itself_on_a_subset_and_takes_what_is_degenerate(monkeypatch):
    monkeypatch.setattr(latent, "MOST_NEIGHBOR_ROWS", 50)
    z = codes(80, k=5)
    first, rows, names = figures.embed_2d(z)
    again, _, _ = figures.embed_2d(z)
    assert (first == again).all() and names == ("t-SNE 1", "t-SNE 2")
    assert first.shape == (50, 2) and len(np.unique(rows)) == 50
    assert figures.embed_2d(z, panels=4)[0].shape == (12, 2)  # four panels share the 50 rows
    assert figures.embed_2d(z[:1])[0].shape == (1, 2)
    assert np.isfinite(figures.embed_2d(z[:20] * 0)[0]).all()  # collapsed
    assert np.isnan(figures.embed_2d(z * np.float32(np.nan))[0]).all()  # diverged
