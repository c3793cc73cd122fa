"""The colors of settings, and what settings are called beside them."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from aejax.reports.figures import style
from aejax.reports.page.runs import Setting, swept_paths, value_of

MOST_NAMES = 12  # in a legend


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
