"""The members of a sweep, as SVG: rate against distortion, and parallel coordinates."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

from aejax.metrics import CURVES, HEADLINES, METRICS
from aejax.reports.figures.lines import ticks
from aejax.reports.page.box import Box, text_of
from aejax.reports.page.colors import are_numbers
from aejax.reports.page.numbers import number
from aejax.reports.page.runs import Row, Setting, known_metrics, swept_paths, value_of
from aejax.reports.settings import setting_name

MOST_MEMBERS = 500  # dots and lines of single members


def draw_sweep(found: Sequence[Setting]) -> str:
    """Rate against distortion, and parallel coordinates, of the members of a sweep."""
    members = [(place, row) for place, setting in enumerate(found) for row in setting.results]
    if len(found) < 2:
        return ""
    cut = [members[round(i)] for i in np.linspace(0, len(members) - 1, min(len(members), MOST_MEMBERS))]
    figures = [draw_rate_distortion(found, cut), draw_parallel(found, cut)]
    note = f"<p class=quiet>{len(cut)} of {len(members):,} members are drawn.</p>" * (len(cut) < len(members))
    return f'<section id="sweep"><h2>Settings</h2><div class="panels">{"".join(figures)}</div>{note}</section>'


def tip(setting: Setting, row: Row, names: Iterable[str]) -> str:
    """What a member's mark says under the pointer."""
    values = [f"{name.replace('_', ' ')} {number(row[name])}" for name in names if row.get(name) is not None]
    status = "" if row["status"] == "done" else f" ({row['status']})"
    return escape(f"{setting.label}, seed {row['seed']}{status}: {', '.join(values)}")


def draw_rate_distortion(found: Sequence[Setting], members: Sequence[tuple[int, Row]]) -> str:
    """A dot for each member at its KL and its reconstruction error, a diamond at each setting's mean."""
    dots = [
        (place, row)
        for place, row in members
        if measured(row, "kl") is not None and measured(row, "reconstruction") is not None
    ]
    if len({place for place, _ in dots}) < 2:
        return ""
    x, y = (np.array([row[name] for _, row in dots]) for name in ("kl", "reconstruction"))
    box = Box(360, 300, padded(x), padded(y), top=24)
    parts = iso_lines(box)
    means: dict[int, tuple[float, float]] = {}
    for place in dict.fromkeys(place for place, _ in dots):
        mine = np.array([place == other for other, _ in dots])
        means[place] = float(x[mine].mean()), float(y[mine].mean())
    values = [value_of(found[place], path) for path in swept_paths(found)[:1] for place in means]
    if are_numbers(values) and len(set(values)) == len(means):  # otherwise more is swept and the line would zigzag
        parts.append(f'<polyline class="through" points="{box.points(*zip(*means.values(), strict=True))}"/>')
    for place, row in dots:
        a, b = box.across(row["kl"]), box.up(row["reconstruction"])
        c, d = box.across(means[place][0]), box.up(means[place][1])
        parts.append(f'<path class="line thin s{place}" data-s="{place}" d="M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}"/>')
        text = tip(found[place], row, ("kl", "reconstruction", "elbo"))
        parts.append(
            f'<circle class="dot s{place}" data-s="{place}" data-tip="{text}" cx="{a:.1f}" cy="{b:.1f}" r="3.5"/>'
        )
    for place, (a, b) in means.items():
        diamond = f"M{box.across(a):.1f} {box.up(b) - 7:.1f}l7 7l-7 7l-7 -7Z"
        text = escape(f"{found[place].label}, mean: kl {number(a)}, reconstruction {number(b)}")
        parts.append(f'<path class="dot mean s{place}" data-s="{place}" data-tip="{text}" d="{diamond}"/>')
    content = [*box.axes("rate: KL (nats)", "distortion: reconstruction error"), *parts]
    return (
        '<figure class="panel"><figcaption>Rate and distortion on the test set</figcaption>'
        + box.svg("Rate against distortion, a dot for each member", content)
        + '<p class="quiet">Dots: members, diamonds: means. Dashed: equal ELBO.</p></figure>'
    )


def measured(row: Row, name: str) -> float | None:
    """A member's metric; None if it diverged: a count may still be a number."""
    return None if str(row["status"]).startswith("diverged") else row.get(name)


def padded(values: np.ndarray) -> tuple[float, float]:
    """Limits with room around values."""
    low, high = float(values.min()), float(values.max())
    margin = 0.1 * ((high - low) or abs(high) or 1.0)
    return low - margin, high + margin


def iso_lines(box: Box) -> list[str]:
    """Dashed lines of constant ELBO = −(rate + distortion), named at their lower end."""
    parts, right, floor = [], box.width - box.right, box.height - box.bottom
    for total in ticks((box.x[0] + box.y[0], box.x[1] + box.y[1]), 5):
        start, stop = max(box.x[0], total - box.y[1]), min(box.x[1], total - box.y[0])
        a, b, c, d = box.across(start), box.up(total - start), box.across(stop), box.up(total - stop)
        if stop <= start or c - a < 40:
            continue
        parts.append(f'<path class="iso" d="M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}"/>')
        anchor = "end" if c > right - 60 else "start"
        parts.append(
            f'<text class="iso" text-anchor="{anchor}" x="{c - 3 if anchor == "end" else c:.1f}" '
            f'y="{min(d - 4, floor - 4):.1f}">{text_of(-total)}</text>'
        )
    return parts


def draw_parallel(found: Sequence[Setting], members: Sequence[tuple[int, Row]]) -> str:
    """A line for each member through its swept values and its metrics."""
    paths = [path for path in swept_paths(found) if len({value_of(setting, path) for setting in found}) > 1][:5]
    order = dict.fromkeys(name for name in (*HEADLINES, "active_units", *CURVES, *METRICS) if name != "loss")
    metrics = [
        name
        for name in order
        if name in known_metrics(found) and len({measured(row, name) for _, row in members} - {None}) > 1
    ][: 7 - len(paths)]
    names = [*paths, *metrics]
    if len(paths) < 1 or len(metrics) < 1 or len(names) < 3:
        return ""
    box = Box(740, 300, (0, len(names) - 1), (0.0, 1.0), left=64, right=64, top=40, bottom=24)
    parts, heights = [], []
    for place, name in enumerate(names):
        if name in paths:
            values = [value_of(found[s], name) for s, _ in members]
            label = setting_name({name: ""}).rstrip(" =").replace("_", " ")
        else:
            values = [measured(row, name) for _, row in members]
            label = name.replace("_", " ")
        scaled, ends = scale(values)
        heights.append(scaled)
        x = box.across(place)
        parts.append(f'<path class="axis" d="M{x:.1f} {box.up(0):.1f}V{box.up(1):.1f}"/>')
        parts.append(f'<text class="x strong" x="{x:.1f}" y="14">{escape(label)}</text>')
        for end, y in zip(ends, (box.up(0) + 16, box.up(1) - 8), strict=True):
            parts.append(f'<text class="x" x="{x:.1f}" y="{y:.1f}">{escape(end)}</text>')
    for number_of, (place, row) in enumerate(members):
        points = [(i, each[number_of]) for i, each in enumerate(heights)]
        if not (known := [(i, y) for i, y in points if y is not None]):
            continue
        line, text = box.points(*zip(*known, strict=True)), tip(found[place], row, metrics)
        parts.append(f'<polyline class="line s{place}" data-s="{place}" points="{line}"/>')
        parts.append(f'<polyline class="wide" data-s="{place}" data-tip="{text}" points="{line}"/>')
        if len(known) < len(points):
            x, y = box.across(known[-1][0]), box.up(known[-1][1])
            cross = f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8"
            parts.append(f'<path class="mark cross s{place}" data-s="{place}" data-tip="{text}" d="{cross}"/>')
    return (
        '<figure class="panel double"><figcaption>Every member: its keys and its test metrics</figcaption>'
        f'<div class="scroll">{box.svg("Parallel coordinates, a line for each member", parts)}</div>'
        '<p class="quiet">A line for each member; × ends one that diverged.</p></figure>'
    )


def scale(values: Sequence[Any]) -> tuple[list[float | None], tuple[str, str]]:
    """Values between 0 and 1, and what these are: numbers on a line, or on a logarithmic one; others evenly spaced."""
    known = [value for value in values if value is not None]
    if not are_numbers(known):
        names = list(dict.fromkeys(map(str, known)))
        places = {name: i / max(len(names) - 1, 1) for i, name in enumerate(names)}
        ends = (names[0], names[-1] if len(names) > 1 else "")
        return [None if value is None else places[str(value)] for value in values], ends
    low, high = min(known), max(known)
    ends = (number(low), number(high) if high > low else "")
    log = low > 0 and high > 5 * low
    a, b = (np.log(low), np.log(high)) if log else (low, high)

    on_line = [None if value is None else float(np.log(value) if log else value) for value in values]
    return [value if value is None else (value - a) / (b - a) if b > a else 0.5 for value in on_line], ends
