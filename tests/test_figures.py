"""Figures: exact pixels, shared scales, exact iso-lines, and the same bytes for the same arrays."""

# matplotlib's stubs know an artist's data only as a union of all array-likes
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportIndexIssue=false
# pyright: reportOperatorIssue=false, reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false

import subprocess
import sys
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from aejax import figures, report
from aejax.figures import images, latent, lines, positions, style, tables

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
NAMES = [str(c) for c in range(10)]


def pictures(count: int, size: int = 8, channels: int = 1) -> np.ndarray:
    return RNG.random((count, size, size, channels), np.float32)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def codes(count: int, scale: float = 1.0, k: int = 2) -> np.ndarray:
    return (scale * RNG.normal(size=(count, k))).astype(np.float32)


def log(members: int, epochs: int = 4) -> list[dict[str, Any]]:
    return [
        {"member": m, "step": 10 * e, "epoch": e, "split": split, "elbo": -100.0 / (e + 1) - m, "kl": 1.0 * e}
        for m in range(members)
        for e in range(epochs)
        for split in ("train", "valid")
    ]


def points(settings: int, seeds: int = 3) -> list[dict[str, Any]]:
    return [
        {"label": f"β = {b}", "value": float(b), "kl": 20.0 / b + 0.3 * s, "reconstruction": 80.0 + 4 * b - s}
        for b in range(1, settings + 1)
        for s in range(seeds)
    ]


Q = np.linspace(-2, 2, 20).astype(np.float32)
CLASSES = RNG.integers(0, 30, 90).astype(np.int32)
NUMBERS = RNG.normal(size=90).astype(np.float32)
CODE = np.float32([-3.0, 0.0, 1.3])
TEN = np.full(10, np.nan, np.float32), np.arange(10), np.full(10, np.nan)  # a code, its units, their KL
CASES: dict[str, Any] = {
    "reconstructions": (figures.draw_reconstructions, pictures(12), [("β = 1", pictures(12))]),
    "reconstructions of one": (figures.draw_reconstructions, pictures(1), [("β = 1", pictures(1))]),
    "reconstructions of many": (
        figures.draw_reconstructions,
        pictures(40),
        [(f"β = {b}", pictures(40)) for b in Q[:8]],
    ),
    "denoising": (figures.draw_reconstructions, pictures(3), [("0.3", pictures(3))], pictures(3)),
    "diverged": (figures.draw_reconstructions, pictures(3), [("β = 1", np.full((3, 8, 8, 1), np.nan, np.float32))]),
    "rgb": (figures.draw_reconstructions, pictures(3, 32, 3), [("β = 1", pictures(3, 32, 3))]),
    "large": (figures.draw_reconstructions, pictures(9, 200), [("β = 1", pictures(9, 200))]),
    "tiles": (figures.draw_tiles, [("", pictures(30))]),
    "tiles of one": (figures.draw_tiles, [("β = 1", pictures(1))]),
    "tiles of eight": (figures.draw_tiles, [(f"β = {b}", pictures(16)) for b in Q[:8]], 4),
    "grid": (figures.draw_latent_grid, [("", pictures(400), Q, Q)]),
    "traversals": (figures.draw_traversals, [("", pictures(33, 32), CODE, np.array([1, 2, 0]), np.array([2, 1, 0.1]))]),
    "traversals of three": (figures.draw_traversals, [(f"β = {b}", pictures(110), *TEN) for b in Q[:3]]),
    "traversals, diverged": (figures.draw_traversals, [("", pictures(110) * np.nan, *TEN), ("b", pictures(110), *TEN)]),
    "grids": (figures.draw_latent_grid, [(f"β = {b}", pictures(400), Q, Q) for b in Q[:3]]),
    "scatter": (figures.draw_latent_scatter, [("", codes(90), CLASSES % 10)], NAMES),
    "scatter of one": (figures.draw_latent_scatter, [("", codes(1), None)]),
    "scatter of eight": (figures.draw_latent_scatter, [(f"β = {b}", codes(90), CLASSES % 10) for b in Q[:8]], NAMES),
    "scatter, 30 classes": (figures.draw_latent_scatter, [("", codes(90), CLASSES)], [f"class {c}" for c in range(30)]),
    "scatter, nameless": (figures.draw_latent_scatter, [("", codes(90), CLASSES)]),
    "scatter of numbers": (figures.draw_latent_scatter, [("", codes(90), NUMBERS), ("b", codes(90), NUMBERS)]),
    "scatter of one number": (figures.draw_latent_scatter, [("", codes(90), np.ones(90, np.float32))]),
    "activations": (figures.draw_activations, [("", np.maximum(codes(90), 0))]),
    "activations of five": (figures.draw_activations, [(f"λ = {b}", np.maximum(codes(90, b), 0)) for b in range(5)]),
    "activations, diverged": (figures.draw_activations, [("", codes(9) * np.float32(np.nan)), ("b", codes(9))]),
    "matrices": (figures.draw_matrices, [("k = 2", codes(8, k=8)), ("k = 10", codes(8, k=8))]),
    "errors by level": (
        figures.draw_errors_by_level,
        [("masking", "part deleted", {"model": Q[-3:], "identity": 2 * Q[-3:]})] * 3,
        [0.1, 0.5, 0.9],
    ),
    "confusion": (figures.draw_confusion, [("a", np.eye(10, dtype=int) * 7), ("b", np.ones((10, 10), int))], NAMES),
    "scatter, diverged": (figures.draw_latent_scatter, [("", codes(90) * np.float32(np.nan), CLASSES % 10)], NAMES),
    "maps": (figures.draw_maps, [("true", codes(90)), ("learned", codes(90))], [f"place {i}" for i in range(90)]),
    "maps of one": (figures.draw_maps, [("true", codes(1)), ("learned", codes(1))], ["place"]),
    "maps, wide": (figures.draw_maps, [("true", codes(9) * np.float32([5, 1]))] * 3, list("abcdefghi")),
    "maps, diverged": (figures.draw_maps, [("true", codes(9)), ("", codes(9) * np.float32(np.nan))], list("abcdefghi")),
    "curves": (figures.draw_curves, log(1), {0: ""}),
    "curves of one epoch": (figures.draw_curves, log(2, 1), {0: "β = 1", 1: "β = 1"}),
    "curves of 40": (figures.draw_curves, log(40), {m: f"β = {m}" for m in range(40)}),
    "curves, all null": (figures.draw_curves, [{**row, "elbo": None} for row in log(1)], {0: ""}),
    "rate": (figures.draw_rate_distortion, points(3), "β"),
    "rate of one": (figures.draw_rate_distortion, points(1, 1)),
    "rate, diverged": (figures.draw_rate_distortion, [{**points(1, 1)[0], "kl": None}]),
    "kl": (figures.draw_kl_curve, Q[10:] + 0.1, Q[10:] ** 2, Q[10:13], np.abs(codes(3)), 100),
    "estimators": (
        figures.draw_estimators,
        np.array([1, 4, 16]),
        [(name, RNG.random(3), RNG.random(3)) for name in ("score function", "reparametrized")],
    ),
    "latent spaces": (
        figures.draw_latent_spaces,
        [
            figures.LatentSpace("autoencoder", codes(90), CLASSES % 10, None, codes(2), codes(9)),
            figures.LatentSpace("VAE", codes(90), CLASSES % 10, 0.1 + np.abs(codes(90)), None, codes(9)),
        ],
        NAMES,
    ),
    "lambda": (
        figures.draw_lambda_panel,
        [(f"λ = {b}", codes(90), CLASSES % 10, codes(500), np.array([1.0, 0.1])) for b in (1, 4, 10)],
        NAMES,
    ),
    "interpolation": (figures.draw_rows, [("AE: 4 to 9", pictures(14)), ("VAE: 4 to 9", pictures(14))]),
    "table": (figures.draw_table_heatmap, codes(90, k=30), [("k = 2", codes(90, k=30))], [f"f{i}" for i in range(30)]),
    "table of one": (figures.draw_table_heatmap, codes(1, k=1), [("k = 2", codes(1, k=1))]),
    "table, many": (figures.draw_table_heatmap, codes(90, k=300), [("k = 2", codes(90, k=300))] * 5, (), CLASSES),
}


@pytest.mark.parametrize("draw, arguments", [(case[0], case[1:]) for case in CASES.values()], ids=list(CASES))
def test_every_case_becomes_a_small_png(tmp_path, draw, arguments):
    figures.to_png(draw)(tmp_path / "a.png", *arguments)
    data = (tmp_path / "a.png").read_bytes()
    height, width = pixels(tmp_path / "a.png").shape[:2]
    assert 100 < width < 1400 and 100 < height < 2600 and len(data) < 700_000
    assert b"tEXt" not in data and b"tIME" not in data


@pytest.mark.parametrize("name", ["reconstructions", "tiles", "grid", "scatter", "maps", "curves", "rate", "table"])
def test_the_same_arrays_are_the_same_bytes_and_others_are_others(tmp_path, name):
    draw, first, *rest = CASES[name]
    if name in ("curves", "rate"):
        changed = [{**first[0], "elbo": -90.0, "kl": 30.0}, *first[1:]]
    elif name in ("reconstructions", "table"):
        changed = 1 - first
    else:
        changed = [(label, 1 - array, *others) for label, array, *others in first]
    for path, data in (("a.png", first), ("b.png", first), ("c.png", changed)):
        figures.to_png(draw)(tmp_path / path, data, *rest)
    a, b, c = ((tmp_path / path).read_bytes() for path in ("a.png", "b.png", "c.png"))
    assert a == b != c


def test_the_users_matplotlib_settings_change_nothing(tmp_path):
    import matplotlib

    figures.rate_distortion(tmp_path / "a.png", points(3))
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "savefig.dpi": 30}):
        figures.rate_distortion(tmp_path / "b.png", points(3))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_no_pyplot():
    code = "import sys, aejax.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Images


def test_a_tile_is_its_image_pixel_by_pixel(tmp_path):
    x = RNG.integers(0, 256, (6, 8, 8, 1)).astype(np.uint8)
    figures.tiles(tmp_path / "a.png", [("", x / np.float32(255))], columns=3)
    page = pixels(tmp_path / "a.png")[..., 0]
    scale = 8  # 64 pixels a tile
    block = np.full((2 * 66 - 2, 3 * 66 - 2), 255, np.uint8)
    for i, image in enumerate(x[..., 0]):
        row, column = divmod(i, 3)
        block[row * 66 :, column * 66 :][:64, :64] = image.repeat(scale, 0).repeat(scale, 1)
    windows = np.lib.stride_tricks.sliding_window_view(page, block.shape)
    starts = np.argwhere((windows[..., 0, :64] == block[0, :64]).all(axis=-1))
    assert any((windows[top, left] == block).all() for top, left in starts)


def test_each_row_of_reconstructions_is_one_strip_with_its_label():
    x = pictures(5)
    figure = figures.draw_reconstructions(x, [(f"β = {b}", x) for b in (1, 4, 10)], x_tilde=x)
    labels = [axes.get_ylabel().replace("\u00a0", " ") for axes in figure.axes]
    assert labels == ["original", "corrupted", "β = 1", "β = 4", "β = 10"]
    strips = [axes.images[0].get_array() for axes in figure.axes]
    assert all((strip == strips[0]).all() for strip in strips)


def test_grey_is_on_one_scale_clipped_and_marks_what_is_not_finite():
    x = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, np.nan]).reshape(6, 1, 1, 1)
    grey = images.to_bytes(x, (0.0, 1.0))[:, 0, 0]
    assert grey[:5, 0].tolist() == [0, 0, 128, 255, 255] and grey[5].tolist() == list(images.NOT_FINITE)
    with pytest.raises(ValueError, match="not 4"):
        images.to_bytes(np.zeros((1, 2, 2, 4)), (0.0, 1.0))


def test_the_latent_grid_grows_to_the_right_and_upwards():
    z1, z2 = np.array([-1.0, 0.0, 1.0]), np.array([10.0, 20.0])
    grid = figures.grid_codes(z1, z2)
    assert grid[:4].tolist() == [[-1, 10], [0, 10], [1, 10], [-1, 20]]
    brightness = ((grid[:, 0] + 1) / 4 + (grid[:, 1] - 10) / 20).reshape(6, 1, 1, 1)
    axes = figures.draw_latent_grid([("", brightness, z1, z2)]).axes[0]
    picture = axes.images[0].get_array()[..., 0].astype(int)
    assert (np.diff(picture, axis=1) >= 0).all() and (np.diff(picture, axis=0) <= 0).all()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["−1", "0", "1"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["10", "20"]
    assert np.allclose(axes.get_yticks(), [1.5 * 64 - 0.5, 0.5 * 64 - 0.5])


# Codes


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


@pytest.mark.parametrize("y", [None, CLASSES % 10, NUMBERS], ids=["unlabeled", "classes", "numbers"])
@pytest.mark.parametrize("same_scale", [True, False])
@pytest.mark.parametrize("count", [1, 8])
def test_titles_touch_neither_the_headline_nor_the_panels_above(count, same_scale, y):
    panels = [(f"β = {b}", codes(90, b), y) for b in range(1, count + 1)]
    with figures.styled():
        figure = figures.draw_latent_scatter(panels, NAMES, same_scale=same_scale)
        style.lay_out(figure)
        titles = [axes.title.get_window_extent() for axes in figure.axes[:count]]
        rims = [(axes.xaxis.get_tightbbox() or axes.get_window_extent()).y0 for axes in figure.axes[:count]]
        headline = next(text.get_window_extent() for text in figure.texts if text.get_gid() == "headline")
    assert headline.y0 - max(title.y1 for title in titles) >= 5  # pixels
    assert all(title.y1 < rim for title, rim in zip(titles[4:], rims, strict=False))


def test_points_keep_their_classes_in_any_drawing_order():
    z, y = np.stack([np.arange(10.0)] * 2, axis=1), np.arange(10)
    drawn = figures.draw_latent_scatter([("", z, y)], NAMES).axes[0].collections[0]
    order = drawn.get_offsets()[:, 0].astype(int)
    assert np.allclose(drawn.get_facecolor()[:, :3], style.class_colors(10)[order, :3])


def test_a_color_bar_has_no_bands(tmp_path):
    figures.latent_scatter(tmp_path / "a.png", [("", codes(90), NUMBERS)])
    assert len(np.unique(pixels(tmp_path / "a.png").reshape(-1, 3), axis=0)) > 256


def test_labels_that_are_numbers_share_one_color_scale():
    z, y = np.stack([np.arange(100.0)] * 2, axis=1), np.linspace(-3.5, 8.5, 100)
    figure = figures.draw_latent_scatter([("a", z, y), ("b", z, y[::-1])])
    first, second, bar = figure.axes
    assert (first.get_title(), second.get_title(), bar.get_ylabel()) == ("a", "b", "label")
    assert not first.texts and not figure.legends  # no number is a class
    colors = [
        {int(z): tuple(color) for z, color in zip(drawn.get_offsets()[:, 0], drawn.get_facecolor()[:, :3], strict=True)}
        for drawn in (first.collections[0], second.collections[0])
    ]
    assert all(colors[1][99 - i] == colors[0][i] for i in range(100)) and len(set(colors[0].values())) > 90
    assert bar.get_ylim() == pytest.approx(np.percentile(y, [1, 99]), abs=0.1)


def test_names_stand_at_the_medians_and_never_overlap():
    centers = np.array([[0, 0], [0, 0.01], [5, 5]], float)
    z = np.concatenate([center + [[-2, -2], [0, 0], [2, 2]] for center in centers])
    y = np.repeat(np.arange(3), 3)
    with figures.styled():
        axes = figures.draw_latent_scatter([("", z, y)], ["one", "two", "three"]).axes[0]
    assert [text.get_text() for text in axes.texts] == ["one", "three"]
    assert axes.texts[1].xy == (5.0, 5.0)


def test_ten_class_colors_differ_for_every_kind_of_eye():
    assert min(distance for vision in VISION for distance in lab_distances(style.class_colors(10)[:, :3], vision)) > 25
    assert len(np.unique(style.class_colors(30), axis=0)) == 30


# Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB: normal, protan, deutan, tritan
VISION = np.array(
    [
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    ]
)
SRGB_TO_XYZ = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]


def lab_distances(colors: np.ndarray, vision: np.ndarray) -> list[float]:
    """CIELAB distances between all pairs of sRGB colors [n, 3] as seen through `vision` [3, 3]."""
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    xyz = np.clip(linear @ vision.T, 0, 1) @ np.transpose(SRGB_TO_XYZ) / [0.95047, 1.0, 1.08883]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    lab = np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)
    return [float(np.linalg.norm(a - b)) for a, b in combinations(lab, 2)]


def test_embed_2d_by_the_size_of_the_code():
    z = codes(40)
    plane, rows, names = figures.embed_2d(z)
    assert plane is z and rows.tolist() == list(range(40)) and names == ("z₁", "z₂")
    line, _, names = figures.embed_2d(z[:, :1])
    assert (line[:, 0] == z[:, 0]).all() and line.shape == (40, 2) and names[0] == "z₁"
    with pytest.raises(ValueError, match="umpa"):
        figures.embed_2d(codes(4, k=3), "umpa")


def test_pca_keeps_a_plane_and_its_sign():
    plane = codes(60, k=2).astype(float) * [3, 1]
    plane -= plane.mean(axis=0)
    turn = np.linalg.qr(RNG.normal(size=(5, 5)))[0][:2]
    scores, _, names = figures.embed_2d(plane @ turn, "pca")
    assert names == ("PC 1", "PC 2")
    assert np.allclose(scores @ scores.T, plane @ plane.T)
    assert np.allclose(figures.embed_2d(plane @ turn + 7.0, "pca")[0], scores)


def test_umap_gets_a_seed_a_start_and_the_rows_of_tsne(monkeypatch):
    """A stand-in for umap-learn, which is no dependency, that moves its start by what it was told."""

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
    assert figures.embed_2d(z[:1])[0].shape == (1, 2)
    assert np.isfinite(figures.embed_2d(z[:20] * 0)[0]).all()  # collapsed
    assert np.isnan(figures.embed_2d(z * np.float32(np.nan))[0]).all()  # diverged


# Numbers


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


# Tables


def test_maps_of_a_table_share_rows_columns_and_colors():
    x, y = codes(90, k=300), CLASSES % 3
    x[:, 7] *= 50
    figure = figures.draw_table_heatmap(x, [("k = 2", x / 2)], (), y, ["a", "b", "c"])
    original, panel = (axes.images[0] for axes in figure.axes[:2])
    assert original.get_clim() == panel.get_clim() and original.get_clim()[0] == -original.get_clim()[1]
    assert original.get_array().shape == (50, 100)
    assert np.allclose(original.get_array() / 2, panel.get_array())
    rows, features = tables.choose(x, y)
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
    assert tables.color_scale(np.array([[0.0, 1.0, 2.0]]))[2] == "viridis"
    low, high, _ = tables.color_scale(np.zeros((3, 2)))
    assert low < high


# The report


def test_the_report_holds_every_figure_and_row_and_needs_nothing_else(tmp_path):
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path, count in zip(paths, (1, 2), strict=True):
        figures.tiles(path, [("", pictures(count))])
    rows = [
        {"member": 0, "status": "done", "elbo": -103.27123, "note": "a < b & c"},
        {"member": 1, "status": "diverged at step 7", "elbo": float("nan"), "note": None},
    ]
    config = {"seed": 0, "model": {"hidden": (512,), "name": "vae"}}
    shown = [(path, f"caption of {path.stem}", f'alt "{path.stem}"') for path in paths]
    for page in ("a.html", "b.html"):
        report.write(tmp_path / page, "λ < 1", config, rows, shown)
    html = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert html == (tmp_path / "b.html").read_text(encoding="utf-8")
    assert "http" not in html and "<script" not in html and "<link" not in html and "url(" not in html
    assert html.count("<img") == html.count('src="data:image/png;base64,') == html.count("alt=") == 2
    assert "alt &quot;a&quot;" in html and "caption of b" in html and "<title>λ &lt; 1</title>" in html
    assert "-103.27<" in html and "diverged at step 7" in html and "a &lt; b &amp; c" in html and "–" in html
    assert "model.hidden" in html and "[512]" in html
    assert html.count("<tr>") == 2 + len(rows) + 3  # two heads, the rows, the leaves of the config


def test_names_on_a_map_stand_far_apart():
    points = np.concatenate([np.zeros((50, 2)) + RNG.normal(0, 0.01, (50, 2)), [[10, 0], [0, 10], [-9, 0]]])
    assert set(positions.far_apart(points, 4)[1:]) == {50, 51, 52}
    figure = figures.draw_maps([("", points), ("", points[::-1])], [f"p{i}" for i in range(53)])
    first, second = figure.axes
    assert {"p50", "p51", "p52"} <= {text.get_text() for text in first.texts}
    assert np.array_equal(first.collections[0].get_facecolors(), second.collections[0].get_facecolors())
