"""Pictures of what regularization does: activations, the map that a linear autoencoder has learned, noise removed."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from aejax.figures.images import wrap
from aejax.figures.style import CLASS_COLORS, INK, MUTED, WIDTH, caption, class_colors, grid_shape, headline, new_figure

ZERO = CLASS_COLORS[4]  # red: what is exactly 0
BINS = 40


def draw_activations(
    panels: Sequence[tuple[str, Float[np.ndarray, "n k"]]], title: str = "Activations of the code's units"
) -> Figure:
    """A histogram per panel (label, codes [N, K]) of all N × K activations; exact zeros are a red bar of their own."""
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
    """The activations that are not 0 in 40 bins, and left of them those that are."""
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


def draw_matrices(
    panels: Sequence[tuple[str, Float[np.ndarray, "rows columns"]]], title: str = "The map x to x_hat of all features"
) -> Figure:
    """Matrices [R, C] side by side on one color scale around 0, red where positive."""
    limit = max(float(np.nanmax(np.abs(matrix))) for _, matrix in panels)
    figure = new_figure(WIDTH, WIDTH / len(panels) + 0.6, layout="constrained")
    grid = figure.subplots(1, len(panels), squeeze=False).ravel()
    for axes, (label, matrix) in zip(grid, panels, strict=True):
        picture = axes.imshow(matrix, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
        axes.set_title(label)
        bare(axes)
        axes.set(xlabel="feature of x_hat", ylabel="feature of x" if axes is grid[0] else "")
    figure.colorbar(picture, ax=list(grid), fraction=0.02, pad=0.01)
    headline(figure, title)
    return figure


def draw_errors_by_level(
    panels: Sequence[tuple[str, str, Mapping[str, Float[np.ndarray, " levels"]]]],
    levels: Sequence[float],
    title: str = "Squared error after denoising",
) -> Figure:
    """One axes per (corruption, meaning of its level, name -> error per pixel [L] by level), on one log scale."""
    figure = new_figure(WIDTH, 3.4, layout="constrained")
    grid = figure.subplots(1, len(panels), squeeze=False, sharey=True).ravel()
    names = list(panels[0][2])
    colors = class_colors(len(names))
    for axes, (corruption, meaning, errors) in zip(grid, panels, strict=True):
        for name, color in zip(names, colors, strict=True):
            axes.plot(levels, errors[name], color=tuple(color), marker="o", markersize=3.5, label=name)
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda error, _: f"{error:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set(title=corruption.replace("_", " "), xlabel=meaning)
    grid[0].set_ylabel("squared error per pixel")
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(names))
    headline(figure, title)
    return figure


def draw_confusion(
    panels: Sequence[tuple[str, Int[np.ndarray, "classes classes"]]],
    class_names: Sequence[str],
    title: str = "What a classifier reads",
) -> Figure:
    """Counts [true, read] of a classifier per panel; mistakes are red, each by its share of the true class."""
    figure = new_figure(WIDTH, WIDTH / len(panels) + 1.1, layout="constrained")
    grid = figure.subplots(1, len(panels), squeeze=False).ravel()
    places = range(len(class_names))
    for axes, (label, counts) in zip(grid, panels, strict=True):
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        colors = np.array([[to_rgba(CLASS_COLORS[0] if i == j else ZERO) for j in places] for i in places])
        colors[..., 3] = np.clip(share * np.where(np.eye(len(class_names), dtype=bool), 0.6, 1.5), 0, 0.9)
        axes.imshow(colors, interpolation="nearest")
        for i, j in np.argwhere(counts > 0):
            axes.text(j, i, f"{counts[i, j]}", ha="center", va="center", fontsize=7, color=INK)
        bare(axes)
        axes.set_xticks(places, class_names)
        axes.set_yticks(places, class_names)
        axes.tick_params(length=0)
        axes.set(title=label, xlabel="read as", ylabel="true class" if axes is grid[0] else "")
    caption(figure, "numbers are test rows; blue: right, red: mistaken, darker for a larger share of the true class")
    headline(figure, title)
    return figure


def bare(axes: Axes) -> None:
    """A picture needs no frame, grid or ticks."""
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    axes.spines[:].set_visible(False)
