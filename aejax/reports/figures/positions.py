"""Maps of items that have positions: the true and the learned positions side by side."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from aejax.reports.figures.latent import square
from aejax.reports.figures.style import SEQUENTIAL, WIDTH, grid_shape, headline, label_points, new_figure, styled

Points = Float[np.ndarray, "n 2"]

MOST_NAMES = 24


@styled()
def draw_maps(
    panels: Sequence[tuple[str, Points]],
    names: Sequence[str],
    axis_names: tuple[str, str] = ("longitude (radians)", "latitude (radians)"),
    title: str = "Places and what was learned of them",
) -> Figure:
    """The same items as points [N, 2] in every panel, on one scale, colored by their x coordinate in the first panel.

    Items that lie far apart in the first panel are named, if there is room.
    """
    first = panels[0][1]
    named = far_apart(first, min(MOST_NAMES, len(names)))
    shade = np.argsort(np.argsort(first[:, 0])) / max(1, len(first) - 1)
    left, right, bottom, top = extent(np.concatenate([points for _, points in panels]))
    down, side = grid_shape(len(panels), 1 if right - left > 1.5 * (top - bottom) else 2)
    cell = WIDTH / side
    figure = new_figure(WIDTH, cell * (top - bottom) / (right - left) * down + 0.9, layout="compressed")
    grid = figure.subplots(down, side, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, (label, points) in zip(grid, panels, strict=False):
        axes.set(xlim=(left, right), ylim=(bottom, top), aspect="equal", title=label)
        axes.scatter(*points.T, s=14, c=SEQUENTIAL(shade), linewidths=0)
        axes.set_ylabel(axis_names[1])
        axes.tick_params(labelbottom=True)
        axes.set_xlabel(axis_names[0])
    for axes in grid[len(panels) :]:
        axes.remove()
    headline(figure, title)
    for axes, (_, points) in zip(grid, panels, strict=False):
        if np.isfinite(points).all():
            label_points(axes, points[named], [names[i] for i in named], ((0.0, 5.0), (0.0, -5.0), (5.0, 0.0)))
    return figure


def extent(points: Points) -> tuple[float, float, float, float]:
    """The box (left, right, bottom, top) around all finite points, with a margin; its sides differ at most fourfold."""
    finite = points[np.isfinite(points).all(axis=1)]
    if not len(finite) or np.ptp(finite, axis=0).min() == 0:
        return square(points)
    low, high = finite.min(axis=0).astype(float), finite.max(axis=0).astype(float)
    longest = float((high - low).max())
    margin = 0.05 * longest + np.maximum(0.0, longest / 4 - (high - low)) / 2
    return low[0] - margin[0], high[0] + margin[0], low[1] - margin[1], high[1] + margin[1]


def far_apart(points: Points, num: int) -> list[int]:
    """`num` row indices: first the one nearest to the mean, then each farthest from those before it (Gonzalez 1985)."""
    chosen = [int(np.square(points - points.mean(axis=0)).sum(axis=1).argmin())]
    nearest = np.square(points - points[chosen[0]]).sum(axis=1)
    while len(chosen) < num:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.square(points - points[chosen[-1]]).sum(axis=1))
    return chosen
