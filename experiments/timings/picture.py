"""The picture of the timings: cost against work."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.lines import Line2D

from aejax.reports.figures import Figure, styled
from aejax.reports.figures.style import INK, MUTED, class_colors, headline, new_figure
from experiments.timings.alone import members_of
from experiments.timings.floor import FLOOR, NAMES

MARKERS = "o^sDv"
TICKS = [digit * 10.0**power for power in range(-3, 6) for digit in (1, 2, 5)]


@styled()
def draw_costs(seconds: Mapping[int, Mapping[str, Sequence[float]]]) -> Figure:
    """Cost per example against the batch size, of {batch size: {contender: seconds per member and step}}.

    One axes for a member alone, one for a member of a sweep. A line is the median over rounds, its band their range.
    """
    sizes = np.array(sorted(seconds))
    costs = {
        name: np.array([seconds[size][name] for size in sizes]) * 1e6 / sizes[:, None]
        for name in seconds[sizes[0]]
        if name == FLOOR or name not in NAMES
    }
    floor = np.median(costs.pop(FLOOR), axis=1)
    families = list(dict.fromkeys(family(name) for name in costs))
    colors = dict(zip(families, class_colors(len(families)), strict=True))
    several = sorted({members_of(name) for name in costs} - {1})
    markers = dict(zip([1, *several], MARKERS * len(costs), strict=False))
    panels = {"One member": [name for name in costs if members_of(name) == 1]}
    panels["A member of a sweep"] = [name for name in costs if members_of(name) > 1]
    panels = {title: names for title, names in panels.items() if names}
    figure = new_figure(8.5 if len(panels) == 2 else 5.0, 4.4, layout="constrained")
    for axes, (title, names) in zip(
        np.ravel(figure.subplots(1, len(panels), sharey=True)), panels.items(), strict=True
    ):
        for name in names:
            color, cost = colors[family(name)], costs[name]
            axes.plot(sizes, np.median(cost, axis=1), color=color, marker=markers[members_of(name)], markersize=5)
            axes.fill_between(sizes, cost.min(axis=1), cost.max(axis=1), color=color, alpha=0.18, linewidth=0)
        axes.plot(sizes, floor, color=INK, linestyle="dashed", marker="_")
        axes.set(title=title, xscale="log", yscale="log", xlabel="batch size")
        axes.set_xticks(sizes, [str(size) for size in sizes])
        low, high = axes.get_ylim()
        ticks = [tick for tick in TICKS if low <= tick <= high]
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
    figure.axes[0].set_ylabel("µs per example and member")
    handles = [Line2D([], [], color=tuple(colors[name]), label=name) for name in families]
    handles += [
        Line2D([], [], color=INK, linestyle="dashed", label="floor: float32 products and Adam's memory traffic")
    ]
    handles += [
        Line2D([], [], color=MUTED, marker=markers[n], markersize=5, linestyle="", label=f"{n} at once")
        for n in several
    ]
    title = "line: median over the rounds, band: lowest to highest"
    figure.legend(handles=handles, loc="outside lower center", ncols=4, title=title, title_fontsize=8)
    headline(figure, "A training step of a VAE with 784-512-20 units")
    return figure


def family(name: str) -> str:
    """A contender's name without its number of members."""
    return "PyTorch, a process each" if name.endswith("processes") else name.rpartition(",")[0]
