"""How every figure looks: colors that the color-blind can tell apart, and color bars without bands."""

# matplotlib's stubs know an artist's data only as a union of all array-likes
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportIndexIssue=false
# pyright: reportOperatorIssue=false, reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false

from itertools import combinations

import numpy as np
import pytest

from aejax.reports import figures
from aejax.reports.figures import style
from tests.panels import NUMBERS, codes, pictures, pixels


def test_a_color_bar_has_no_bands(tmp_path):
    figures.save(tmp_path / "a.png", figures.draw_latent_scatter([("", codes(90), NUMBERS)]))
    assert len(np.unique(pixels(tmp_path / "a.png").reshape(-1, 3), axis=0)) > 256


WIDE, TABLE = codes(90) * np.float32([9, 1]), codes(30, k=9)
CASES = {
    "text outside": (figures.draw_tiles, [(f"λ = {i}", pictures(4)) for i in range(3)]),
    "squares": (figures.draw_latent_scatter, [(f"λ = {i}", WIDE, NUMBERS) for i in range(5)]),
    "table": (figures.draw_table_heatmap, TABLE, [("λ = 1", TABLE)], [f"gene {i}" for i in "abcdefghi"]),
}


@pytest.mark.parametrize(("draw", "arguments"), [(case[0], case[1:]) for case in CASES.values()], ids=list(CASES))
def test_a_picture_is_laid_out_and_cropped_as_matplotlib_would(tmp_path, draw, arguments):
    figure, oracle = draw(*arguments), draw(*arguments)
    figures.save(tmp_path / "a.png", figure)
    with figures.styled():
        for _ in range(2 if draw is figures.draw_latent_scatter else 1):  # square panels settle in the second draw
            oracle.draw_without_rendering()
        figure.savefig(tmp_path / "tight.png", dpi=style.DPI, bbox_inches="tight", pad_inches=0.1)
    places, expected = ([axes.get_window_extent().bounds for axes in drawn.axes] for drawn in (figure, oracle))
    np.testing.assert_allclose(places, expected, atol=1e-6)
    assert (pixels(tmp_path / "a.png") == pixels(tmp_path / "tight.png")).all()


@pytest.mark.parametrize("dark", [False, True])
def test_ten_class_colors_differ_for_every_kind_of_eye(dark):
    colors = style.class_colors(10, dark)[:, :3]
    assert min(distance for vision in VISION for distance in lab_distances(colors, vision)) > 25
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
