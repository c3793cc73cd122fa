"""A panel of a plot as SVG: its scales, its grid and its axes."""

from collections.abc import Iterable
from html import escape
from typing import Any, NamedTuple

import numpy as np

from aejax.reports.figures.lines import ticks
from aejax.reports.page.numbers import signed


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
    log: bool = False  # the y axis; its edges are data nevertheless

    def across(self, x: Any) -> Any:
        return self.left + (x - self.x[0]) / (self.x[1] - self.x[0]) * (self.width - self.left - self.right)

    def up(self, y: Any) -> Any:
        """Within a panel's height of the panel: an exploding value is drawn outside of it, but not anywhere."""
        y, low, high = (np.log10(each) if self.log else each for each in (y, *self.y))
        place = (y - low) / (high - low)
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
        for tick in decades(self.y, 5) if self.log else ticks(self.y, 5):
            parts.append(f'<path class="grid" d="M{self.left} {self.up(tick):.1f}H{right}"/>')
            parts.append(f'<text class="y" x="{self.left - 6}" y="{self.up(tick) + 3.5:.1f}">{text_of(tick)}</text>')
        for tick in ticks(self.x, 6, whole):
            parts.append(f'<text class="x" x="{self.across(tick):.1f}" y="{floor + 14}">{text_of(tick)}</text>')
        parts.append(f'<text class="name" x="{right}" y="{floor + 28}">{escape(x_name)}</text>')
        parts.append(f'<text class="side" x="{self.left}" y="{self.top - 8}">{escape(y_name)}</text>' * bool(y_name))
        return parts


def decades(limits: tuple[float, float], most: int) -> list[float]:
    """Powers of ten between two numbers, at most about `most` of them."""
    return [10.0**power for power in ticks((np.log10(limits[0]), np.log10(limits[1])), most, whole=True)]


def text_of(tick: float) -> str:
    return signed(f"{tick:.6g}")
