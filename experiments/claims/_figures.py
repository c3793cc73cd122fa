"""Figures that only claims draw: the KL, estimators, latent spaces, λ, linear maps and denoising.

As in `aejax.reports.figures`, `draw_NAME(...)` returns a matplotlib Figure.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from aejax.reports.figures.histograms import ZERO
from aejax.reports.figures.latent import Points, legend, name_classes, scatter, square
from aejax.reports.figures.style import (
    CLASS_COLORS,
    INK,
    MUTED,
    WIDTH,
    caption,
    class_colors,
    headline,
    new_figure,
    styled,
)

Column = Float[np.ndarray, " n"]

MOST_ELLIPSES = 60
DASHES = ("solid", (0, (5, 2)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))


@styled()
def draw_kl_curve(
    sigma: Column,
    kl: Column,
    marks: Float[np.ndarray, " marks"],
    estimates: Float[np.ndarray, "marks 2"],
    num: int,
) -> Figure:
    """KL[N(0, σ²) ‖ N(0, 1)] in nats against σ; at `marks`, Monte-Carlo means and standard errors of `num` draws."""
    figure = new_figure(5.6, 3.6, layout="constrained")
    axes = figure.subplots()
    blue, orange = class_colors(2)
    axes.plot(sigma, kl, color=blue, label="−log σ + σ²/2 − 1/2", zorder=2)
    mean, error = estimates.T
    label = f"Monte Carlo, L = {num}, ± 2 standard errors"
    axes.errorbar(marks, mean, 2 * error, fmt="o", color=orange, markersize=4, linewidth=1.2, label=label, zorder=3)
    axes.axhline(0.0, color=MUTED, linewidth=0.8)
    axes.plot(1.0, 0.0, "o", color=INK, markersize=6, zorder=4)
    axes.annotate("zero where σ = 1", (1.0, 0.0), (0, -14), textcoords="offset points", ha="center", color=INK)
    axes.set(xlabel="σ", ylabel="KL (nats)", xlim=(0, float(sigma.max())), ylim=(-0.45, float(kl.max())))
    axes.legend()
    headline(figure, "KL[N(0, σ²) ‖ N(0, 1)] grows without bound as σ → 0")
    return figure


@styled()
def draw_estimators(draws: Int[np.ndarray, " n"], lines: Sequence[tuple[str, Column, Column]]) -> Figure:
    """Variance and signal-to-noise ratio of gradient estimators (name, variance [n], ratio [n]) against draws L."""
    figure = new_figure(WIDTH, 3.7, layout="constrained")
    axes = figure.subplots(1, 2)
    for place, (name, *values) in enumerate(lines):
        style = {"color": class_colors(10)[place], "linestyle": DASHES[place % len(DASHES)], "label": name}
        for panel, column in zip(axes, values, strict=True):
            panel.plot(draws, column, marker="o", markersize=4, **style)
    for panel, title in zip(axes, ("variance of the gradient", "signal-to-noise ratio"), strict=True):
        panel.set(xscale="log", yscale="log", title=title, xlabel="L, draws of z")
        panel.xaxis.set_major_locator(FixedLocator(list(draws)))
        panel.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0) if title.startswith("signal") else (1.0,)))
        for axis in (panel.xaxis, panel.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_locator(NullLocator())
    handles, names = axes[0].get_legend_handles_labels()
    note = "IWAE and DReG are of the tighter bound with L draws, the others of the ELBO"
    box = figure.legend(handles, names, loc="outside lower center", ncols=3, handlelength=3.2, title=note)
    box.get_title().set(color=MUTED, fontsize=8)
    headline(figure, "Unbiased estimators of a gradient: what a draw is worth")
    return figure


class LatentSpace(NamedTuple):
    """A model's two-dimensional codes and what is drawn over them."""

    label: str
    codes: Points  # [n, 2]
    y: Int[np.ndarray, " n"]
    sigma: Points | None  # [n, 2] of the posteriors; None for a point estimate
    box: Float[np.ndarray, "2 2"] | None  # lower and upper corner of a frame
    draws: Points  # [m, 2] sampled codes, shown as crosses


@styled()
def draw_latent_spaces(
    spaces: Sequence[LatentSpace], class_names: Sequence[str], title: str = "Latent spaces of the same data"
) -> Figure:
    """For each model, the codes by class, 2σ ellipses of some posteriors, the frame, and sampled codes."""
    cell = WIDTH / len(spaces)
    figure = new_figure(WIDTH, cell + 0.6, layout="compressed")
    grid = figure.subplots(1, len(spaces), squeeze=False)[0]
    for axes, space in zip(grid, spaces, strict=True):
        everything = [space.codes, space.draws, *([] if space.box is None else [space.box])]
        if space.sigma is not None:
            everything += [space.codes - 2 * space.sigma, space.codes + 2 * space.sigma]
        left, right, bottom, top = square(np.concatenate(everything))
        axes.set(xlim=(left, right), ylim=(bottom, top), aspect="equal", title=space.label, xlabel="z₁", ylabel="z₂")
        scatter(axes, space.codes, space.y, class_colors(len(class_names)), area=0.12 * cell)
        axes.scatter(*space.draws.T, s=14, marker="x", c=INK, linewidths=0.9, zorder=4)
        if space.box is not None:
            (x0, y0), (x1, y1) = space.box
            axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, color=MUTED, linestyle="--"))
        if space.sigma is not None:
            ellipses(axes, space.codes, space.sigma, class_colors(len(class_names))[space.y])
    headline(figure, title)
    legend(figure, class_names)
    for axes, space in zip(grid, spaces, strict=True):
        name_classes(axes, space.codes, space.y, class_names)
    return figure


def ellipses(axes: Axes, mean: Points, sigma: Points, colors: np.ndarray) -> None:
    """2σ outlines of at most 60 posteriors."""
    some = np.random.default_rng(0).permutation(len(mean))[:MOST_ELLIPSES]  # rows may be sorted by class
    shapes = EllipseCollection(
        widths=4 * sigma[some, 0],
        heights=4 * sigma[some, 1],
        angles=np.zeros(len(some)),
        units="xy",
        offsets=mean[some],
        offset_transform=axes.transData,
        facecolors="none",
        edgecolors=colors[some],
        linewidths=0.8,
    )
    axes.add_collection(shapes)


@styled()
def draw_lambda_panel(
    panels: Sequence[tuple[str, Points, Int[np.ndarray, " n"], Float[np.ndarray, "draws 2"], Float[np.ndarray, " 2"]]],
    class_names: Sequence[str],
    title: str = "The weight of the KL pushes the codes towards N(0, 1) (dashed: 1σ and 2σ)",
) -> Figure:
    """Per setting (label, posterior means [n, 2], y, draws of z [m, 2], KL of each dimension [2] in nats).

    Above, the means over circles of N(0, 1) at 1σ and 2σ; below, the aggregate posterior and the density of N(0, 1).
    """
    cell = WIDTH / len(panels)
    figure = new_figure(WIDTH, 1.75 * cell + 0.8, layout="constrained")
    grid = figure.subplots(2, len(panels), squeeze=False, sharex="row", sharey="row", height_ratios=(1.35, 1))
    left, right, bottom, top = square(np.concatenate([means for _, means, *_ in panels]))
    across = np.linspace(-4.5, 4.5, 200)
    for (above, below), (label, means, y, z, kl) in zip(grid.T, panels, strict=True):
        above.set(xlim=(left, right), ylim=(bottom, top), aspect="equal", title=label, xlabel="mean of z₁")
        scatter(above, means, y, class_colors(len(class_names)), area=0.1 * cell)
        for radius in (1.0, 2.0):
            above.add_patch(Circle((0.0, 0.0), radius, fill=False, color=INK, linestyle="--", linewidth=1.0, zorder=3))
        below.fill_between(across, np.exp(-(across**2) / 2) / np.sqrt(2 * np.pi), color="#cccccc", label="N(0, 1)")
        for unit, color in enumerate(class_colors(2)):
            heights, edges = np.histogram(z[:, unit], bins=45, range=(-4.5, 4.5), density=True)
            name = f"z{'₁₂'[unit]}: KL {kl[unit]:.2f} nats"
            below.plot((edges[1:] + edges[:-1]) / 2, heights, color=color, linewidth=1.3, label=name)
        below.set(xlim=(-4.5, 4.5), xlabel="z, drawn from the posteriors")
        below.legend(loc="upper left", fontsize=7.5, handlelength=1.2, borderaxespad=0.1)
    limits = grid[1, 0].get_ylim()
    grid[1, 0].set(ylim=(0, 1.45 * limits[1]), ylabel="density")
    grid[0, 0].set_ylabel("mean of z₂")
    headline(figure, title)
    legend(figure, class_names)
    return figure


@styled()
def draw_matrices(
    panels: Sequence[tuple[str, Float[np.ndarray, "rows columns"]]], title: str = "The map x to x_hat of all features"
) -> Figure:
    """Matrices [R, C] side by side on one color scale around 0, red if positive."""
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


@styled()
def draw_errors_by_level(
    panels: Sequence[tuple[str, str, Mapping[str, Float[np.ndarray, " levels"]]]],
    levels: Sequence[float],
    title: str = "Squared error after denoising",
) -> Figure:
    """One panel per (corruption, meaning of its level, name -> error per pixel [L] by level), on one log scale."""
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


@styled()
def draw_confusion(
    panels: Sequence[tuple[str, Int[np.ndarray, "classes classes"]]],
    class_names: Sequence[str],
    title: str = "What a classifier reads",
) -> Figure:
    """Counts [true, predicted] of a classifier per panel; mistakes are red, darker for a larger share of a class."""
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
    """Removes frame, grid and ticks."""
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    axes.spines[:].set_visible(False)
