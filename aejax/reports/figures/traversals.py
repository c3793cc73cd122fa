"""Shows what each unit of a code means: decodes an image repeatedly while one unit moves."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from matplotlib.figure import Figure

from aejax.reports.figures.images import Images, mosaic, number, place, tile_size
from aejax.reports.figures.style import DPI, INK, new_figure, styled, wrap

LIMIT, COLUMNS = 2.5, 11  # a traversal goes from −2.5 to 2.5 standard deviations of an N(0, 1) prior
HERE = "#ff7f0e"  # marks the image's own code
GAP, LABEL, ABOVE, BELOW = 2, 112, 26, 46  # pixels: between tiles, left of a panel, over it, and under it
SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def traversal_codes(code: Float[np.ndarray, " k"], units: Int[np.ndarray, " rows"]) -> Float[np.ndarray, "n k"]:
    """The code [k] with each of `units` moved from −2.5 to 2.5 in 11 steps: [rows * 11, k], unit after unit."""
    codes = np.repeat(code[None], len(units) * COLUMNS, axis=0).reshape(len(units), COLUMNS, -1)
    codes[np.arange(len(units)), :, units] = np.linspace(-LIMIT, LIMIT, COLUMNS)
    return codes.reshape(len(units) * COLUMNS, -1)


@styled()
def draw_traversals(
    panels: Sequence[tuple[str, Images, Float[np.ndarray, " k"], Int[np.ndarray, " rows"], Float[np.ndarray, " rows"]]],
    title: str = "Traversals of the code",
    limits: tuple[float, float] = (0.0, 1.0),
) -> Figure:
    """Panels of (label, images decoded from `traversal_codes`, the code, its units, their KL in nats).

    Each row is a unit; an orange mark shows the unit's value in the code itself.
    """
    side = 1 if len(panels) == 1 else 2
    room = (1020 // side - LABEL - 16) // COLUMNS - GAP
    size = tile_size(panels[0][1], min(64, room))
    step = size[0] + GAP, size[1] + GAP
    pictures = [mosaic(images, COLUMNS, size, limits, GAP) for _, images, *_ in panels]
    height, width = (max(picture.shape[i] for picture in pictures) for i in (0, 1))
    cell = height + ABOVE + BELOW, width + LABEL + 16
    down = -(-len(panels) // side)
    figure = new_figure((cell[1] * side - 16) / DPI, cell[0] * down / DPI)
    for i, ((label, _, code, units, kl), picture) in enumerate(zip(panels, pictures, strict=True)):
        row, column = divmod(i, side)
        axes = place(figure, picture, column * cell[1] + LABEL, row * cell[0] + ABOVE)
        middle = np.arange(len(units)) * step[0] + size[0] / 2 - 0.5
        axes.set_yticks(middle, [f"{name(unit)}   {value:.2f} nats" for unit, value in zip(units, kl, strict=True)])
        columns = np.arange(0, COLUMNS, 5 if size[1] < 24 else 1 if size[1] > 48 else 2)
        values = np.linspace(-LIMIT, LIMIT, COLUMNS)[columns]
        axes.set_xticks(columns * step[1] + size[1] / 2 - 0.5, number(values))
        axes.tick_params(length=0, pad=4, labelcolor=INK)
        axes.set_xlabel("value of the unit", labelpad=2)
        axes.set_title(wrap(label, max(20, width // 8)), color=INK, pad=5)
        own = (np.clip(code[units], -LIMIT, LIMIT) / LIMIT + 1.0) / 2.0 * (COLUMNS - 1) * step[1] + size[1] / 2 - 0.5
        axes.plot(own, middle + size[0] / 2 - 2, linestyle="", marker="^", color=HERE, markersize=5, clip_on=False)
        axes.set(xlim=(-0.5, picture.shape[1] - 0.5), ylim=(picture.shape[0] - 0.5, -0.5))
    above = 10 if any(label for label, *_ in panels) else -12  # pixels: a panel without a label has no title
    figure.suptitle(title, x=0, y=1 + above / (figure.get_figheight() * DPI), ha="left", va="bottom")
    return figure


def name(unit: np.integer) -> str:
    """A unit's symbol, counted from 1: z₁."""
    return f"z{unit + 1}".translate(SUBSCRIPT)
