"""The style of every figure, and `save`, which writes the same PNG bytes for the same arrays."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from os import PathLike
from pathlib import Path
from textwrap import fill

import matplotlib.style
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import QuadMesh
from matplotlib.colors import ListedColormap, to_hex, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from matplotlib.ticker import FuncFormatter, LogFormatter
from matplotlib.transforms import Bbox
from PIL import Image

from aejax import records

DPI = 120
MOST_NAMES = 16  # settings in a legend
WIDTH = 8.5  # inches: on a page or a slide, text then keeps its nominal size
STYLE = {
    "font.family": "DejaVu Sans",  # ships with matplotlib, so every machine has it
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "figure.titlesize": 11,
    "figure.titleweight": "bold",
    "figure.dpi": DPI,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#666666",
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.7,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "text.parse_math": False,  # a "$" in a user's class or feature name is literal
}
# Any two of the ten are at least 25 CIELAB units apart for normal, protan, deutan and tritan vision (test_style).
CLASS_COLORS = (
    "#4477aa", "#ff7f0e", "#332288", "#88ccee", "#cc3311", "#94a4a2", "#661100", "#ddcc77", "#000000", "#8c564b",
)  # fmt: skip
DARK_CLASS_COLORS = (  # the same names of colors, on a dark page
    "#547add", "#ff9800", "#8723ff", "#33d2fb", "#d70007", "#a6ada4", "#b83948", "#f1c88f", "#ffffff", "#885287",
)  # fmt: skip
SEQUENTIAL = ListedColormap(colormaps["viridis"](np.linspace(0.0, 0.87, 256)))  # its yellow is too pale for a line
INK, MUTED, GREY = "#222222", "#666666", CLASS_COLORS[5]


@contextmanager
def styled() -> Iterator[None]:
    """Applies STYLE on top of matplotlib's defaults, ignoring the user's matplotlibrc."""
    with matplotlib.style.context(STYLE, after_reset=True):
        yield


@styled()
def save(path: str | PathLike[str], figure: Figure) -> None:
    """Writes a PNG, cropped to what is drawn, without date or version metadata."""
    lay_out(figure)
    buffer, box = BytesIO(), figure.get_tightbbox().padded(0.1)  # inches; "tight" would draw twice
    figure.savefig(buffer, format="png", dpi=DPI, bbox_inches=box, pil_kwargs={"compress_level": 0})
    exact = any(axes.images or is_color_bar(axes) for axes in figure.axes)
    with records.writing(Path(path)) as file:
        compact(Image.open(buffer).convert("RGB"), exact).save(file, "png")


def is_color_bar(axes: Axes) -> bool:
    """Whether the axes are a color bar, which would show bands if the whole picture had only 256 colors."""
    return any(isinstance(collection, QuadMesh) for collection in axes.collections)


def compact(picture: Image.Image, exact: bool) -> Image.Image:
    """Stores grey as one channel, and anything else as 256 colors (a third of the bytes) unless `exact`."""
    red, green, blue = picture.split()
    if red.tobytes() == green.tobytes() == blue.tobytes():
        return red
    return picture if exact else picture.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)


def new_figure(width: float, height: float, layout: str | None = None) -> Figure:
    """An empty figure of this size in inches, on the Agg canvas and outside pyplot's global state."""
    figure = Figure(figsize=(width, height), layout=layout)  # pyright: ignore[reportArgumentType]
    FigureCanvasAgg(figure)
    return figure


def class_colors(count: int, dark: bool = False) -> np.ndarray:
    """Colors [count, 4]: categorical for up to ten classes; for more, no palette is safe, so an ordered color map."""
    if count <= len(CLASS_COLORS):
        return to_rgba_array((DARK_CLASS_COLORS if dark else CLASS_COLORS)[:count])
    return SEQUENTIAL(np.linspace(0.0, 1.0, count))


def hex_names(colors: np.ndarray) -> list[str]:
    """Colors [n, 4] as a page names them: "#4477aa"."""
    return [to_hex(color) for color in colors]


def ordered_colors(count: int) -> np.ndarray:
    """Colors [count, 4] from dark to light for settings that have an order; one setting is blue."""
    return class_colors(1) if count == 1 else SEQUENTIAL(np.linspace(0.0, 1.0, count))


def grid_shape(count: int, most: int) -> tuple[int, int]:
    """Rows and columns for `count` panels, at most `most` in a row, and rows as equal as possible."""
    down = -(-count // most)
    return down, -(-count // down)


def wrap(label: str, width: int) -> str:
    """The label wrapped to `width` characters, without breaks around an equals sign."""
    return fill(label.replace(" = ", "\u00a0=\u00a0"), width, break_long_words=False)


def plain_decades(axis: Axis) -> None:
    """Writes the numbers on a logarithmic axis plainly, because the style does not parse mathtext."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.5g}"))
    axis.set_minor_formatter(LogFormatter())  # numbers between powers of ten, if there are few powers


def some_names(names: list[str]) -> list[str]:
    """The names that a legend shows: eight, evenly spaced, of more than MOST_NAMES."""
    return names if len(names) <= MOST_NAMES else [names[i] for i in np.linspace(0, len(names) - 1, 8).astype(int)]


def legend_columns(names: Sequence[str], handle: float) -> int:
    """How many entries fit side by side below a figure, each with a handle `handle` inches wide."""
    return max(1, int(WIDTH / (handle + 0.085 * max(map(len, names)))))


def lay_out(figure: Figure) -> None:
    """Lets the layout engine place everything and the headline start at the left edge; then turns the engine off.

    Square panels take two passes: the first measures their titles in cells that are still taller than the panels, and
    so leaves too little room between them and the headline or the row above.
    """
    if isinstance(engine := figure.get_layout_engine(), ConstrainedLayoutEngine):
        engine.execute(figure)
        if any(axes.get_aspect() != "auto" for axes in figure.axes):
            engine.execute(figure)
        figure.set_layout_engine(None)
        boxes = [axes.get_tightbbox() for axes in figure.axes]  # this also makes square panels square
        left = min((box.x0 for box in boxes if box is not None), default=0.0)
        for text in figure.texts:
            if text.get_gid() == "headline":
                text.set_x(left / figure.bbox.width)


def headline(figure: Figure, title: str) -> None:
    """Adds the title; `lay_out` moves it to the left edge of the axes and their labels."""
    figure.suptitle(title, ha="left", gid="headline")


def caption(figure: Figure, text: str) -> None:
    """A line of small print below the figure."""
    if text:
        figure.supxlabel(text, fontsize=8, color=MUTED)


def label_points(
    axes: Axes,
    points: np.ndarray,
    texts: Sequence[str],
    offsets: Sequence[tuple[float, float]] = ((0.0, 0.0),),
    avoid: np.ndarray | None = None,
) -> list[Annotation]:
    """Writes `texts` at `points` [n, 2], each at the first of `offsets` (in points) that is free, or not at all.

    Texts never overlap one another, other texts of the axes, or the points `avoid` [m, 2].
    """
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    lay_out(figure)  # the layout decides what fits
    frame, placed = axes.get_window_extent(), []
    taken = [text.get_window_extent() for text in axes.texts]
    if avoid is not None:
        taken += [Bbox.from_bounds(x - 10, y - 10, 20, 20) for x, y in axes.transData.transform(avoid)]
    for point, text in zip(points, texts, strict=True):
        for offset in offsets:
            note = outlined(axes, text, point, offset)
            box = note.get_window_extent().padded(1)
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
            if inside and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                placed.append(note)
                break
            note.remove()
    return placed


def outlined(axes: Axes, text: str, point: np.ndarray, offset: tuple[float, float] = (0.0, 0.0)) -> Annotation:
    """A text with a white outline, `offset` (in points) from `point` and aligned away from it."""
    x, y = (int(np.sign(step)) for step in offset)
    return axes.annotate(
        text,
        (float(point[0]), float(point[1])),
        xytext=offset,
        textcoords="offset points",
        ha=("right", "center", "left")[x + 1],
        va=("top", "center", "bottom")[y + 1],
        color=INK,
        fontsize=9,
        fontweight="bold",
        path_effects=[withStroke(linewidth=2.5, foreground="white")],
        in_layout=False,
    )
