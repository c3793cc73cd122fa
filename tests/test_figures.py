"""Every figure: a small PNG for each kind of panel, and the same bytes for the same arrays."""

# matplotlib's stubs know an artist's data only as a union of all array-likes
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportIndexIssue=false
# pyright: reportOperatorIssue=false, reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from aejax.reports import figures
from aejax.reports.figures import style
from tests.panels import CLASSES, NAMES, NUMBERS, assert_small_png, codes, log, pictures, points

pytestmark = pytest.mark.slow

Q = np.linspace(-2, 2, 20).astype(np.float32)
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
    "interpolation": (figures.draw_rows, [("AE: 4 to 9", pictures(14)), ("VAE: 4 to 9", pictures(14))]),
    "table": (figures.draw_table_heatmap, codes(90, k=30), [("k = 2", codes(90, k=30))], [f"f{i}" for i in range(30)]),
    "table of one": (figures.draw_table_heatmap, codes(1, k=1), [("k = 2", codes(1, k=1))]),
    "table, many": (figures.draw_table_heatmap, codes(90, k=300), [("k = 2", codes(90, k=300))] * 5, (), CLASSES),
}


@pytest.mark.parametrize("draw, arguments", [(case[0], case[1:]) for case in CASES.values()], ids=list(CASES))
def test_every_case_becomes_a_small_png(tmp_path, draw, arguments):
    figures.save(tmp_path / "a.png", draw(*arguments))
    assert_small_png(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["reconstructions", "tiles", "grid", "scatter", "maps", "curves", "rate", "table"])
def test_the_same_arrays_are_the_same_bytes_and_others_are_others(tmp_path, name, monkeypatch):
    monkeypatch.setattr(style, "DPI", 40)  # takes a third of the time
    draw, first, *rest = CASES[name]
    if name in ("curves", "rate"):
        changed = [{**first[0], "elbo": -90.0, "kl": 30.0}, *first[1:]]
    elif name in ("reconstructions", "table"):
        changed = 1 - first
    else:
        changed = [(label, 1 - array, *others) for label, array, *others in first]
    for path, data in (("a.png", first), ("b.png", first), ("c.png", changed)):
        figures.save(tmp_path / path, draw(data, *rest))
    a, b, c = ((tmp_path / path).read_bytes() for path in ("a.png", "b.png", "c.png"))
    assert a == b != c


def test_the_users_matplotlib_settings_change_nothing(tmp_path):
    import matplotlib

    figures.save(tmp_path / "a.png", figures.draw_rate_distortion(points(3)))
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "savefig.dpi": 30}):
        figures.save(tmp_path / "b.png", figures.draw_rate_distortion(points(3)))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_no_pyplot():
    code = "import sys, aejax.reports.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
