"""The plots of a page, as SVG: curves over training, rate against distortion, and parallel coordinates."""

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np

from aejax.metrics import CURVES, HEADLINES, METRICS, curves
from aejax.reports.figures import style
from aejax.reports.figures.lines import by_member, column, limits, ticks
from aejax.reports.page.numbers import number, signed
from aejax.reports.page.runs import Row, Setting, known_metrics, swept_paths, value_of
from aejax.reports.settings import setting_name

MOST_CURVES = 40  # settings; of more, evenly spaced ones
MOST_BANDS = 12  # settings with a band and the training split; of more, lines of the validation split
MOST_POINTS = 1800  # along the lines of one split in a panel
MOST_MEMBERS = 500  # dots and lines of single members
MOST_NAMES = 12  # in a legend


class Box(NamedTuple):
    """A panel: its size, and the data at its edges."""

    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]
    left: float = 46.0
    right: float = 10.0
    top: float = 10.0
    bottom: float = 34.0

    def across(self, x: Any) -> Any:
        return self.left + (x - self.x[0]) / (self.x[1] - self.x[0]) * (self.width - self.left - self.right)

    def up(self, y: Any) -> Any:
        """Within a panel's height of the panel: an exploding value is drawn outside of it, but not anywhere."""
        place = (y - self.y[0]) / (self.y[1] - self.y[0])
        return self.height - self.bottom - np.clip(place, -1.0, 2.0) * (self.height - self.top - self.bottom)

    def points(self, x: Iterable[Any], y: Iterable[Any]) -> str:
        return " ".join(f"{self.across(a):.1f},{self.up(b):.1f}" for a, b in zip(x, y, strict=True))

    def svg(self, label: str, content: Iterable[str], attributes: str = "") -> str:
        inner = "\n".join(content)
        return (
            f'<svg viewBox="0 0 {self.width:g} {self.height:g}" role="img" aria-label="{escape(label)}"{attributes}>'
            f"{inner}</svg>"
        )

    def axes(self, x_name: str, y_name: str = "", whole: bool = False) -> list[str]:
        """The grid, its numbers and the axes' names."""
        right, floor, parts = self.width - self.right, self.height - self.bottom, []
        for tick in ticks(self.y, 5):
            parts.append(f'<path class="grid" d="M{self.left} {self.up(tick):.1f}H{right}"/>')
            parts.append(f'<text class="y" x="{self.left - 6}" y="{self.up(tick) + 3.5:.1f}">{text_of(tick)}</text>')
        for tick in ticks(self.x, 6, whole):
            parts.append(f'<text class="x" x="{self.across(tick):.1f}" y="{floor + 14}">{text_of(tick)}</text>')
        parts.append(f'<text class="name" x="{right}" y="{floor + 28}">{escape(x_name)}</text>')
        parts.append(f'<text class="side" x="{self.left}" y="{self.top - 8}">{escape(y_name)}</text>' * bool(y_name))
        return parts


class Plots(NamedTuple):
    """The HTML of the plots, and what the script needs to name a point under the pointer."""

    html: str
    panels: list[dict[str, Any]]


def text_of(tick: float) -> str:
    return signed(f"{tick:.6g}")


def plots(found: Sequence[Setting]) -> Plots:
    """All plots of some settings."""
    drawn, panels = draw_curves(found)
    sections = [drawn, draw_sweep(found)]
    return Plots("\n".join(filter(None, sections)), panels)


def colors(found: Sequence[Setting]) -> str:
    """A style sheet with the color of each setting: in order if they have one, otherwise as far apart as possible."""
    count, one_run = len(found), len({setting.run.directory for setting in found}) == 1
    values = [value_of(setting, path) for path in swept_paths(found)[:1] for setting in found]
    if count == 1 or count > len(style.CLASS_COLORS) or (one_run and are_numbers(values)):
        light = style.ordered_colors(count)
        dark = style.class_colors(1, dark=True) if count == 1 else style.SEQUENTIAL(np.linspace(0.4, 1.0, count))
    else:
        light, dark = style.class_colors(count), style.class_colors(count, dark=True)
    light, dark = (
        "\n".join(f".s{place} {{ --c: {name}; }}" for place, name in enumerate(style.hex_names(each)))
        for each in (light, dark)
    )
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}"


def are_numbers(values: Sequence[Any]) -> bool:
    """Whether all values are numbers, which have an order."""
    return all(isinstance(value, float | int) and not isinstance(value, bool) for value in values)


def legend(found: Sequence[Setting], places: Sequence[int]) -> str:
    """The names and colors of settings; of many, of evenly spaced ones."""
    named = [place for place in places if found[place].label]
    shown = named if len(named) <= MOST_NAMES else [named[round(i)] for i in np.linspace(0, len(named) - 1, 8)]
    entries = [
        f'<li data-s="{place}"><i class="swatch s{place}"></i>{escape(found[place].label)}</li>' for place in shown
    ]
    more = f'<li class="quiet">{len(shown)} of {len(named)} settings named</li>' * (len(shown) < len(named))
    return f'<ul class="legend">{"".join(entries)}{more}</ul>' if len(named) > 1 else ""


def draw_curves(found: Sequence[Setting]) -> tuple[str, list[dict[str, Any]]]:
    """A panel for each metric over the epochs: each setting's mean over seeds, and the band from lowest to highest."""
    visits: dict[tuple[Any, Any], list[Row]] = {}
    for run in {setting.run.directory: setting.run for setting in found}.values():
        for row in run.visits:
            visits.setdefault((run.directory, row["member"]), []).append(row)

    def rows_of(setting: Setting) -> list[Row]:
        mine = [visits.get((setting.run.directory, int(row["member"])), []) for row in setting.results]
        return [row for rows in mine for row in rows]

    places = list(range(len(found)))
    if len(found) > MOST_CURVES:
        places = sorted({round(i) for i in np.linspace(0, len(found) - 1, MOST_CURVES)})
    rows = {place: rows_of(found[place]) for place in places}
    every = [row for mine in rows.values() for row in mine]
    if len({row["epoch"] for row in every}) < 2:  # a model in closed form, or one visit: no curve
        return "", []
    known = {name for row in every for name in row if row[name] is not None}
    names = [(name, title) for name, title in curves(known) if name in known]
    drawn = [
        panel(f"p{i}", name, title, found, rows, len(found) <= MOST_BANDS) for i, (name, title) in enumerate(names)
    ]
    bare = [
        found[place].label for place in places if not any(place == one["s"] for _, p in drawn for one in p["series"])
    ]
    notes = ["Solid: validation, dashed: training." if len(found) <= MOST_BANDS else "Validation rows."]
    spread = "Line: mean over seeds" + ", band: lowest to highest seed" * (len(found) <= MOST_BANDS)
    notes += [f"{spread}."] * any(len(found[place].results) > 1 for place in places)
    notes += ["×: a seed diverged, ○: a seed stopped early."] * any(' class="mark' in html for html, _ in drawn)
    notes += [f"{len(places)} of {len(found)} settings are drawn."] * (len(places) < len(found))
    notes += [f"Without a finite value: {', '.join(bare) if len(bare) < 4 else f'{len(bare)} settings'}."] * bool(bare)
    html = (
        f'<section id="curves"><h2>Training</h2>{legend(found, places)}<div class="panels">'
        + "\n".join(html for html, _ in drawn)
        + f'</div><p class="quiet">{escape(" ".join(notes))}</p></section>'
    )
    return html, [known for _, known in drawn]


def panel(
    key: str, name: str, title: str, found: Sequence[Setting], rows: dict[int, list[Row]], bands: bool
) -> tuple[str, dict[str, Any]]:
    """The HTML of a panel, and its lines as numbers for the script."""
    every = [row for mine in rows.values() for row in mine]
    splits = [split for split in ("train", "valid", "test") if any(row["split"] == split for row in every)]
    has_valid = any(row["split"] == "valid" and row.get(name) is not None for row in every)
    splits = splits if bands or not has_valid else ["valid"]
    shown = column([row for row in every if row["split"] in splits], name)
    epochs = column(every, "epoch")
    box = Box(300, 210, (min(epochs), max(epochs)), limits(shown if np.isfinite(shown).any() else np.zeros(1)))
    parts, series = [], []
    most = max(30, MOST_POINTS // max(12, len(rows)))
    for place, mine in rows.items():
        for split in splits:
            x, values = by_member([row for row in mine if row["split"] == split], name)
            some = np.isfinite(values).any(axis=0)
            if not some.any():
                continue
            finite = np.ma.masked_invalid(values[:, some])
            keep = np.unique(np.linspace(0, some.sum() - 1, min(most, some.sum())).round().astype(int))
            x, mean, low, high = x[some][keep], *(each[keep] for each in (finite.mean(0), finite.min(0), finite.max(0)))
            if bands and len(values) > 1:
                edge = box.points([*x, *x[::-1]], [*low, *high[::-1]])
                parts.append(f'<polygon class="band s{place}" data-s="{place}" points="{edge}"/>')
            kind = "line dashed" if split == "train" and has_valid else "line"
            parts.append(f'<polyline class="{kind} s{place}" data-s="{place}" points="{box.points(x, mean)}"/>')
            series.append({"s": place, "split": split, "e": numbers(x), "m": numbers(mean)})
            if len(values) > 1:
                series[-1] |= {"low": numbers(low), "high": numbers(high), "n": len(values)}
            if split == splits[-1]:
                parts += marks(box, place, found[place].results, mine, name, split)
    inside = f"M{box.left} 4H{box.width - 4}V{box.height - box.bottom}H{box.left}Z"
    clip = f'<clipPath id="{key}"><path d="{inside}"/></clipPath>'
    content = [*box.axes("epoch", whole=True), clip, f'<g clip-path="url(#{key})">', *parts, "</g>"]
    content.append(f'<path class="cursor" d="M0 {box.top}V{box.height - box.bottom}"/>')
    html = (
        f'<figure class="panel"><figcaption>{escape(title)}</figcaption>'
        f"{box.svg(f'{title} over epochs', content, f' id={chr(34)}svg-{key}{chr(34)}')}</figure>"
    )
    edges = [box.left, box.top, box.width - box.right, box.height - box.bottom]
    return html, {"id": f"svg-{key}", "name": name, "x": box.x, "y": box.y, "box": edges, "series": series}


def marks(box: Box, place: int, results: Sequence[Row], rows: list[Row], name: str, split: str) -> list[str]:
    """A cross where a member's last finite value before it diverged is, and a circle where it stopped."""
    found = []
    for result in results:
        mine = [
            row
            for row in rows
            if row["member"] == int(result["member"]) and row["split"] == split and row.get(name) is not None
        ]
        stop = re.search(r"stopped after epoch ([\d.]+)", str(result["status"]))
        if stop:
            mine = [row for row in mine if row["epoch"] <= float(stop[1])]
        if not mine or not (stop or str(result["status"]).startswith("diverged")):
            continue
        x, y = box.across(mine[-1]["epoch"]), box.up(mine[-1][name])
        if stop:
            found.append(f'<circle class="mark stop s{place}" data-s="{place}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')
        else:
            cross = f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8"
            found.append(f'<path class="mark cross s{place}" data-s="{place}" d="{cross}"/>')
    return found


def numbers(values: np.ndarray) -> list[float]:
    """Numbers with five significant digits."""
    return [float(f"{value:.5g}") for value in values]


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
