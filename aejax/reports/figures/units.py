"""The KL of a VAE's units, the number of active units, and log p(x) by number of samples."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from aejax.reports.figures.style import (
    MUTED,
    WIDTH,
    headline,
    legend_columns,
    new_figure,
    ordered_colors,
    plain_decades,
    some_names,
    styled,
)

USUAL = 0.01  # the threshold of Burda et al. 2015


@styled()
def draw_units(
    members: Sequence[tuple[str, Float[np.ndarray, " _"], Float[np.ndarray, " _"]]],
    title: str = "Units of the code",
) -> Figure:
    """Sorted KLs and active units by threshold, for each (label, KL [k], variance of the posterior mean [k]).

    Members of one label, which are its seeds, are averaged: the sorted KLs, and the numbers of active units.
    """
    members = [(label, kl, variance) for label, kl, variance in members if np.isfinite(variance).all()]  # not diverged
    figure = new_figure(WIDTH, 3.6, layout="constrained")
    left, right = figure.subplots(1, 2)
    colors = label_colors([label for label, _, _ in members])
    thresholds = np.logspace(-5, 1, 200)
    for label, color in colors.items():
        kl = np.mean([np.sort(kl)[::-1] for name, kl, _ in members if name == label], axis=0)
        variances = np.stack([variance for name, _, variance in members if name == label])
        active = (variances > thresholds[:, None, None]).sum(axis=-1).mean(axis=-1)
        marker = "o" if len(kl) <= 64 else None
        left.plot(np.arange(1, len(kl) + 1), kl, color=color, marker=marker, markersize=3, linewidth=1.2)
        right.plot(thresholds, active, color=color, linewidth=1.2)
    left.set(title="KL of each unit, the largest first", xlabel="rank of the unit", ylabel="nats per example")
    right.axvline(USUAL, color=MUTED, linewidth=1, linestyle=(0, (4, 2)))
    right.set(title="Active units by threshold (dashed: 0.01)", xscale="log")
    right.set(xlabel="variance of the posterior mean above", ylabel="units")
    left.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    plain_decades(right.xaxis)
    for axes in (left, right):
        axes.set_ylim(bottom=0)
    right.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    if not any(np.isfinite(kl).all() for _, kl, _ in members):  # the prior has no KL per unit
        left.remove()
    headline(figure, title)
    name_settings(figure, colors)
    return figure


@styled()
def draw_likelihood(
    members: Sequence[tuple[str, np.ndarray, Float[np.ndarray, " _"]]],
    title: str = "−log p(x) by importance sampling",
) -> Figure:
    """The estimate by number of samples, for each (label, numbers of samples [p], estimates in nats [p])."""
    figure = new_figure(5.6, 3.8, layout="constrained")
    axes: Axes = figure.subplots()
    colors = label_colors([label for label, _, _ in members])
    for label, samples, nll in members:
        axes.plot(samples, nll, color=colors[label], marker="o", markersize=3, linewidth=1.2)
    axes.set(xscale="log", xlabel="importance samples S", ylabel="nats per example")
    plain_decades(axes.xaxis)
    headline(figure, title)
    name_settings(figure, colors)
    return figure


def label_colors(labels: Sequence[str]) -> dict[str, np.ndarray]:
    """One color for each setting, in order; a setting's seeds share it."""
    names = list(dict.fromkeys(labels))
    return dict(zip(names, ordered_colors(len(names)), strict=True))


def name_settings(figure: Figure, colors: dict[str, np.ndarray]) -> None:
    """A legend below, unless nothing is swept."""
    if names := some_names([name for name in colors if name]):
        lines = [Line2D([], [], color=tuple(colors[name]), label=name) for name in names]
        figure.legend(handles=lines, loc="outside lower center", ncols=legend_columns(names, 0.6))
