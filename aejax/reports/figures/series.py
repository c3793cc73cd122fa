"""Pictures of series: curves over time, one small plot for each channel of each example."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from aejax.reports.figures.style import (
    INK,
    WIDTH,
    caption,
    headline,
    legend_columns,
    new_figure,
    ordered_colors,
    styled,
)

Series = Float[np.ndarray, "n t f"]

MOST_SERIES, MOST_CHANNELS = 4, 4


@styled()
def draw_series(
    panels: Sequence[tuple[str, Series]],
    title: str = "Test series and their reconstructions",
    unit: str = "value",
) -> Figure:
    """Four examples side by side, their channels below one another, and a curve for each (label, series [N, T, F]).

    A panel called "original" is drawn in black and wide. At most four channels are shown.
    """
    examples, channels = min(len(panels[0][1]), MOST_SERIES), min(panels[0][1].shape[2], MOST_CHANNELS)
    figure = new_figure(WIDTH, 1.25 * channels + 1.2, layout="constrained")
    grid = figure.subplots(channels, examples, squeeze=False, sharex=True, sharey="row")
    colors = iter(ordered_colors(sum(label != "original" for label, _ in panels)))
    for label, series in panels:
        style = {"color": INK, "linewidth": 2.6, "alpha": 0.35} if label == "original" else {"color": next(colors)}
        for channel, row in enumerate(grid):
            for example, axes in enumerate(row):
                axes.plot(series[example, :, channel], label=label, **({"linewidth": 1.1} | style))
    for channel, row in enumerate(grid):
        row[0].set_ylabel(f"channel {channel + 1}" if panels[0][1].shape[2] > 1 else unit)
    for axes in grid[-1]:
        axes.set_xlabel("time")
        axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    labels = [label for label, _ in panels]
    figure.legend(handles=grid[0, 0].get_lines(), loc="outside lower center", ncols=legend_columns(labels, 0.4))
    headline(figure, title)
    if (total := panels[0][1].shape[2]) > channels:
        caption(figure, f"the first {channels} of {total} channels")
    return figure
