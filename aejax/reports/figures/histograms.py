"""Histograms of a code's activations, with a separate bar for exact zeros."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from aejax.reports.figures.style import CLASS_COLORS, MUTED, WIDTH, grid_shape, headline, new_figure, styled, wrap

ZERO = CLASS_COLORS[4]  # red: exact zeros
BINS = 40


@styled()
def draw_activations(
    panels: Sequence[tuple[str, Float[np.ndarray, "n k"]]], title: str = "Activations of the code's units"
) -> Figure:
    """A histogram per panel (label, codes [N, K]) of all N × K activations; exact zeros get their own red bar."""
    down, side = grid_shape(len(panels), 4)
    figure = new_figure(WIDTH if side > 1 else 4.6, 2.4 * down + 0.7, layout="constrained")
    grid = figure.subplots(down, side, squeeze=False, sharey=True).ravel()
    for axes, (label, codes) in zip(grid, panels, strict=False):
        draw_histogram(axes, codes)
        axes.set_title(wrap(label, 30))
    for axes in grid[len(panels) :]:
        axes.remove()
    for i, axes in enumerate(figure.axes):
        if i % side == 0:
            axes.set_ylabel("share of activations")
        if i + side >= len(panels):
            axes.set_xlabel("activation")
    headline(figure, title)
    return figure


def draw_histogram(axes: Axes, codes: Float[np.ndarray, "n k"]) -> None:
    """Draws nonzero activations in 40 bins; the bar of exact zeros is left of 0, or across 0 if some are negative."""
    values = codes[np.isfinite(codes)]
    zero, rest = float((values == 0).mean()) if values.size else 0.0, values[values != 0]
    low, high = (min(0.0, float(rest.min())), max(1e-6, float(rest.max()))) if rest.size else (0.0, 1.0)
    edges = np.linspace(low, high, BINS + 1)
    width = edges[1] - edges[0]
    heights = np.histogram(rest, edges)[0] / max(values.size, 1)
    axes.bar(edges[:-1], heights, width, align="edge", color=CLASS_COLORS[0])
    axes.bar([-width if low == 0.0 else -width / 2], [zero], width, align="edge", color=ZERO)
    if values.size:  # a diverged member has none
        axes.set_yscale("log")
    axes.set_ylim(1e-4, 2.5)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    axes.grid(False, axis="x")
    note = f"{zero:.0%} exactly 0".replace("%", " %") if zero else "none exactly 0"
    axes.text(0.97, 0.95, note, transform=axes.transAxes, ha="right", va="top", color=ZERO if zero else MUTED)
