"""Metrics over training, as SVG: a mean over seeds with its band for each setting."""

import re
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from aejax.metrics import curves
from aejax.reports.figures.lines import by_member, column, limits, spans_decades
from aejax.reports.page.box import Box
from aejax.reports.page.colors import legend
from aejax.reports.page.runs import Row, Setting

MOST_CURVES = 40  # settings; of more, evenly spaced ones
MOST_BANDS = 12  # settings with a band and the training split; of more, lines of the validation split
MOST_POINTS = 1800  # along the lines of one split in a panel


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
    splits = {row["split"] for row in every}
    notes = ["Solid: validation, dashed: training."] * (len(splits) > 1 and len(found) <= MOST_BANDS)
    notes = notes or ["Validation rows." if "valid" in splits else "Training rows."]
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
    epochs, log = column(every, "epoch"), spans_decades(shown)
    shown = shown[np.isfinite(shown)] if np.isfinite(shown).any() else np.zeros(1)
    edges = (shown.min(), shown.max()) if log else limits(shown)
    box = Box(300, 210, (min(epochs), max(epochs)), edges, log=log)
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
    inside = [box.left, box.top, box.width - box.right, box.height - box.bottom]
    drawn = {"x": box.x, "y": box.y, "log": log, "box": inside, "series": series}
    return html, {"id": f"svg-{key}", "name": name, **drawn}


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
