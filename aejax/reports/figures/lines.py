"""Line plots: metrics over training with their range over seeds, and rate against distortion."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from aejax.reports.figures.style import (
    MUTED,
    SEQUENTIAL,
    WIDTH,
    caption,
    class_colors,
    grid_shape,
    headline,
    label_points,
    legend_columns,
    new_figure,
    ordered_colors,
    plain_decades,
    some_names,
    styled,
)

Row = Mapping[str, Any]  # an object of metrics.jsonl, or a point

DASHES: dict[str, Any] = {"train": (0, (4, 2)), "valid": "solid", "test": (0, (1, 1.5))}
MOST_RANGES = 6  # settings whose curves have ranges, and training rows beside validation rows
DECADES = 2.0  # that most of a metric spans if its axis is logarithmic
NEAR = ((9.0, 5.0), (9.0, -5.0), (-9.0, 5.0), (-9.0, -5.0))  # points from a dot to its label, first choice first
BESIDE = (*NEAR, (0.0, 10.0), (0.0, -10.0), *((1.5 * across, 1.8 * up) for across, up in NEAR))


@styled()
def draw_curves(
    rows: Sequence[Row],
    settings: Mapping[int, str],
    metrics: Sequence[tuple[str, str]] = (("elbo", "ELBO (nats)"),),
    title: str = "Training",
) -> Figure:
    """One axes per metric (key of a row, name with unit) over epochs: each setting's mean over seeds and their range.

    `rows` are objects of metrics.jsonl {"member", "epoch", "split", key: value or None}; `settings` names each member's
    setting without the seed. A cross marks where a seed diverged. Metrics without a finite value are left out; so are
    the ranges and the training rows of more than MOST_RANGES settings, if there are validation rows.
    """
    names = list(dict.fromkeys(settings.values()))
    colors = dict(zip(names, ordered_colors(len(names)), strict=True))
    groups = {(name, split): [] for name in names for split in DASHES}
    for row in rows:
        if row["member"] in settings:
            groups[settings[row["member"]], row["split"]].append(row)
    splits = [split for split in DASHES if any(groups[name, split] for name in names)]
    is_crowded = len(names) > MOST_RANGES
    if is_crowded and "valid" in splits:
        splits.remove("train")
    known = [(key, label) for key, label in metrics if np.isfinite(column(rows, key)).any()] or list(metrics[:1])
    down, side = grid_shape(len(known), 3)
    figure = new_figure(5.0 if side == 1 else WIDTH, 2.9 * down + 0.7, layout="constrained")
    grid = figure.subplots(down, side, squeeze=False).ravel()
    for axes, (key, label) in zip(grid, known, strict=False):
        for name in names:
            for split in splits:
                epochs, values = by_member(groups[name, split], key)
                draw_curve(axes, epochs, values, colors[name], DASHES[split], with_range=not is_crowded)
        frame(axes, column([row for row in rows if row["split"] in splits], key))
        axes.set(title=label, xlabel="epoch")
    for axes in grid[len(known) :]:
        axes.remove()
    headline(figure, title)
    name_lines(figure, colors, splits, len(settings) > len(names), with_range=not is_crowded)
    return figure


def by_member(rows: Sequence[Row], key: str) -> tuple[Float[np.ndarray, " e"], Float[np.ndarray, "m e"]]:
    """The epochs [E] in the rows, and each member's metric [M, E] at these epochs; NaN if it is missing."""
    epochs, members = (
        {value: i for i, value in enumerate(sorted({row[name] for row in rows}))} for name in ("epoch", "member")
    )
    values = np.full((len(members), len(epochs)), np.nan)
    for row, value in zip(rows, column(rows, key), strict=True):
        values[members[row["member"]], epochs[row["epoch"]]] = value
    return np.array(list(epochs), float), values


def column(rows: Sequence[Row], key: str) -> Float[np.ndarray, " n"]:
    """One value per row; NaN if it is missing or null."""
    return np.array([np.nan if row.get(key) is None else row[key] for row in rows], float)


def draw_curve(
    axes: Axes, epochs: np.ndarray, values: np.ndarray, color: np.ndarray, dashes: Any, with_range: bool
) -> None:
    """Draws the mean of `values` [M, E] over members, and their range if asked to; ignores what is not finite."""
    some = np.isfinite(values).any(axis=0)
    if not some.any():
        return
    finite = np.ma.masked_invalid(values[:, some])
    marker = "o" if some.sum() == 1 else None  # one point makes no line
    axes.plot(epochs[some], finite.mean(axis=0), color=color, linestyle=dashes, marker=marker, markersize=4)
    if len(values) > 1 and with_range:
        axes.fill_between(epochs[some], finite.min(axis=0), finite.max(axis=0), color=color, alpha=0.18, linewidth=0)
    for member in values:
        last = np.flatnonzero(np.isfinite(member))
        if len(last) and last[-1] < len(member) - 1:
            axes.plot(epochs[last[-1]], member[last[-1]], "x", color=color, markersize=7, markeredgewidth=2)


def frame(axes: Axes, values: np.ndarray) -> None:
    """Sets the scale, the limits and the ticks."""
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    if spans_decades(values):
        axes.set_yscale("log")
        plain_decades(axes.yaxis)
        return
    axes.yaxis.set_major_locator(MaxNLocator(6))
    if np.isfinite(values).any():
        axes.set_ylim(*limits(values))


def spans_decades(values: np.ndarray) -> bool:
    """Whether the values are positive and most of them span more than DECADES: their axis is logarithmic."""
    finite = values[np.isfinite(values)]
    if not len(finite) or finite.min() <= 0:
        return False
    low, high = np.percentile(finite, [4, 96])
    return bool(high > 10**DECADES * low)


def limits(values: np.ndarray) -> tuple[float, float]:
    """Limits that exclude extremes, so that an exploding member or a first epoch does not flatten the rest."""
    finite = values[np.isfinite(values)]
    low, high = np.percentile(finite, [4, 96])
    margin = (high - low) or abs(high) or 1.0
    bottom, top = max(finite.min(), low - margin), min(finite.max(), high + margin)
    return bottom - 0.04 * margin, top + 0.04 * margin


def ticks(limits: tuple[float, float], most: int, whole: bool = False) -> list[float]:
    """Round numbers between two, about `most` of them."""
    found = np.asarray(MaxNLocator(most, integer=whole).tick_values(*limits)).tolist()
    return [tick for tick in found if limits[0] <= tick <= limits[1]]


def name_lines(
    figure: Figure, colors: Mapping[str, np.ndarray], splits: Sequence[str], seeds: bool, with_range: bool
) -> None:
    """A legend below: settings by color, splits by dashes; with several seeds, also what line and band mean."""
    names = list(colors)
    shown = some_names(names)
    lines = [Line2D([], [], color=tuple(colors[name]), label=name) for name in shown if name]
    lines += [Line2D([], [], color=MUTED, linestyle=DASHES[split], label=split) for split in splits]
    band = ", band: lowest to highest seed" * with_range
    notes = [f"line: mean over seeds{band}, ×: a seed diverged"] * seeds
    notes += [f"{len(shown)} of {len(names)} settings named"] * (len(shown) < len(names))
    columns = legend_columns([*shown, *splits], 0.6)
    box = figure.legend(
        handles=lines, loc="outside lower center", ncols=columns, handlelength=2.6, title="; ".join(notes)
    )
    box.get_title().set(color=MUTED, fontsize=8)


@styled()
def draw_rate_distortion(
    points: Sequence[Row], swept: str = "", title: str = "Rate and distortion on the test set"
) -> Figure:
    """One dot per member {"label", "kl", "reconstruction", "value"} in nats; a diamond at the mean of each label.

    `value`, a number or None, colors the dot; `swept` is its name. Dashed lines have constant ELBO = −(x + y).
    """
    finite = [p for p in points if np.isfinite(column([p], "kl") + column([p], "reconstruction")).all()]
    figure = new_figure(6.4, 4.6, layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel("rate: KL (nats)")
    axes.set_ylabel("distortion: −E log p(x|z) (nats)")
    headline(figure, title)
    caption(figure, missing_note(len(points) - len(finite)))
    if not finite:
        return figure
    dots = np.column_stack([column(finite, "kl"), column(finite, "reconstruction")])
    around(axes, dots)
    iso_lines(axes, dots)
    values = column(finite, "value")
    colors = value_colors(figure, axes, values, swept)
    labels = [p["label"] for p in finite]
    names = list(dict.fromkeys(labels))
    groups = [np.array([label == name for label in labels]) for name in names]
    means = np.array([dots[group].mean(axis=0) for group in groups])
    order = np.argsort([values[group][0] for group in groups])
    if len(np.unique(values)) == len(names):  # otherwise more is swept and the line would zigzag
        axes.plot(*means[order].T, color="#bbbbbb", linewidth=1.2, zorder=2)
    for group, mean in zip(groups, means, strict=True):
        for dot in dots[group]:
            axes.plot(*np.stack([dot, mean]).T, color=colors[group][0], linewidth=0.8, zorder=3)
        axes.scatter(*dots[group].T, s=22, c=colors[group], linewidths=0, zorder=4)
        axes.scatter(*mean, s=70, c=colors[group][:1], marker="D", edgecolors="white", linewidths=1.2, zorder=5)
    label_points(axes, means, names, BESIDE, avoid=np.concatenate([means, dots]))
    return figure


def missing_note(count: int) -> str:
    return f"{count} member{'s' * (count > 1)} without finite numbers not drawn" if count else ""


def around(axes: Axes, dots: Float[np.ndarray, "n 2"]) -> None:
    """Limits with room for labels around the points."""
    low, high = dots.min(axis=0), dots.max(axis=0)
    margin = 0.15 * np.where(high > low, high - low, np.maximum(np.abs(high), 1.0))
    axes.set(xlim=(low[0] - margin[0], high[0] + margin[0]), ylim=(low[1] - margin[1], high[1] + margin[1]))


def iso_lines(axes: Axes, dots: Float[np.ndarray, "n 2"]) -> None:
    """Dashed lines of constant ELBO = −(rate + distortion), each named where it is farthest from the points."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    for total in MaxNLocator(7).tick_values(left + bottom, right + top):
        start, stop = max(left, total - top), min(right, total - bottom)
        length = (stop - start) * np.hypot(1 / (right - left), 1 / (top - bottom))
        if length < 0.3:
            continue  # a corner: too short to carry its name
        axes.plot([start, stop], [total - start, total - stop], color="#aaaaaa", dashes=(4, 3), linewidth=0.9, zorder=1)
        x = start + (stop - start) * np.linspace(0.12 / length, 1 - 0.12 / length, 15)
        gaps = (np.stack([x, total - x], axis=-1)[:, None] - dots) / (right - left, top - bottom)
        x = float(x[np.linalg.norm(gaps, axis=-1).min(axis=1).argmax()])
        axes.text(
            x,
            total - x,
            f"ELBO = {-total:g}".replace("-", "−"),
            rotation=-45,
            transform_rotates_text=True,
            rotation_mode="anchor",
            ha="center",
            va="center",
            fontsize=8,
            color=MUTED,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            zorder=1.5,
        )


def value_colors(figure: Figure, axes: Axes, values: Float[np.ndarray, " n"], swept: str) -> np.ndarray:
    """Colors [n, 4] by swept value, with a color bar; logarithmic if the values span more than a factor of five."""
    known = np.unique(values[np.isfinite(values)])
    if len(known) < 2:
        return np.repeat(class_colors(1), len(values), axis=0)
    spans = known[0] > 0 and known[-1] > 5 * known[0]
    norm = (LogNorm if spans else Normalize)(known[0], known[-1])
    colors = ScalarMappable(norm, SEQUENTIAL)
    bar = figure.colorbar(colors, ax=axes, pad=0.02, aspect=30)
    bar.ax.set_title(swept)
    ticks = known if len(known) <= 8 else known[np.linspace(0, len(known) - 1, 6).astype(int)]
    bar.ax.yaxis.set_major_locator(FixedLocator(list(ticks)))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    return colors.to_rgba(values)
