"""Pictures of tables: heat maps of rows and of their reconstructions."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from aejax.reports.figures.style import INK, WIDTH, caption, headline, new_figure, styled

Table = Float[np.ndarray, "n f"]

MOST_ROWS, MOST_FEATURES, MOST_NAMES = 50, 100, 60


@styled()
def draw_table_heatmap(
    x: Table,
    panels: Sequence[tuple[str, Table]],
    feature_names: Sequence[str] = (),
    y: Int[np.ndarray, " n"] | Float[np.ndarray, " n"] | None = None,
    class_names: Sequence[str] = (),
    title: str = "Rows and their reconstructions",
    unit: str = "value",
) -> Figure:
    """Rows x [N, F], sorted by y, above the panels' x_hat [N, F], on one color scale; at most 50 rows, 100 features."""
    rows, features = choose(x, y)
    low, high, colors = color_scale(x[np.ix_(rows, features)])
    maps = [("original", x), *panels]
    tall = max(0.9, min(0.045 * len(rows), 2.2, 11 / len(maps)))  # inches of one map
    figure = new_figure(WIDTH, len(maps) * (tall + 0.3) + 1.3, layout="constrained")
    grid = figure.subplots(len(maps), 1, squeeze=False, sharex=True).ravel()
    for axes, (label, table) in zip(grid, maps, strict=True):
        shown = table[np.ix_(rows, features)]
        axes.imshow(shown, cmap=colors, vmin=low, vmax=high, aspect="auto", interpolation="nearest")
        axes.set_title(label, loc="left", pad=3)
        axes.set(xticks=[], yticks=[])
        axes.tick_params(bottom=False, left=False)
        axes.grid(False)
        axes.spines[:].set_visible(False)
        if y is not None and y.dtype.kind != "f":
            mark_classes(axes, y[rows], class_names, tall, "white" if colors == "viridis" else INK)
    name_features(grid[-1], features, feature_names)
    figure.colorbar(grid[0].images[0], ax=list(grid), label=unit, extend="both", aspect=40, pad=0.01, fraction=0.03)
    headline(figure, title)
    order = "" if y is None else f", ordered by {'label' if y.dtype.kind == 'f' else 'class'}"
    most = " (the most variable)" if len(features) < x.shape[1] else ""
    caption(figure, f"{len(rows)} of {len(x):,} rows{order}; {len(features)} of {x.shape[1]:,} features{most}")
    return figure


def choose(x: Table, y: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Indices of at most 50 rows, evenly spaced after sorting by label, and of the 100 most variable features."""
    order = np.arange(len(x)) if y is None else np.argsort(y, kind="stable")
    rows = order[np.linspace(0, len(x) - 1, min(len(x), MOST_ROWS)).round().astype(int)]
    features = np.argsort(-np.nan_to_num(x.var(axis=0)), kind="stable")[:MOST_FEATURES]
    return rows, np.sort(features)


def color_scale(values: Table) -> tuple[float, float, str]:
    """Limits at the 1st and 99th percentiles and a color map; symmetric about zero if values have both signs."""
    low, high = (float(v) for v in np.nanpercentile(values, [1, 99]))
    if low < 0 < high:
        high = max(-low, high)
        return -high, high, "RdBu_r"
    return low, high if high > low else low + 1.0, "viridis"


def mark_classes(axes: Axes, y: np.ndarray, class_names: Sequence[str], tall: float, color: str) -> None:
    """Draws lines between the classes, and names a class at the left if its rows are high enough."""
    starts = np.flatnonzero(np.diff(y, prepend=y[0] - 1))
    stops = np.append(starts[1:], len(y))
    axes.hlines(starts[1:] - 0.5, -0.5, axes.get_xlim()[1], color=color, linewidth=1.2)
    high = [i for i in range(len(starts)) if (stops[i] - starts[i]) * tall / len(y) > 0.13]
    axes.set_yticks(
        [(starts[i] + stops[i] - 1) / 2 for i in high],
        [class_names[int(c)] if class_names else str(c) for c in y[starts[high]]],
    )


def name_features(axes: Axes, features: np.ndarray, feature_names: Sequence[str]) -> None:
    """Names the features below the last map, vertically if long; without names or with over 60, labels the axis."""
    if feature_names and len(features) <= MOST_NAMES:
        names = [feature_names[int(i)] for i in features]
        flat = 0.1 * len(names) * max(map(len, names)) < WIDTH - 2
        axes.set_xticks(range(len(names)), names, rotation=0 if flat else 90)
    else:
        axes.set_xlabel("feature")
