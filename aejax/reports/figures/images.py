"""Pictures of images: rows of reconstructions, blocks of samples, the grid over a two-dimensional code."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from aejax.reports.figures.style import DPI, INK, WIDTH, grid_shape, new_figure, styled, wrap

Images = Float[np.ndarray, "n h w c"]
Panel = tuple[str, Images]  # label of a member, its images

ROOM = int(WIDTH * DPI)  # pixels
MOST_COLUMNS = 16
NOT_FINITE = (240, 150, 110)  # the color of a diverged member's pixels, unlike any grey
CAPTION_SPACE, BLOCK_SPACE = 26, 24  # pixels above and between the blocks
SMALL, GAP = 16, 2  # tiles of at most so many pixels would run into each other without a gap
LINE = 19  # pixels of a further line of a caption


@styled()
def draw_reconstructions(
    x: Images,
    panels: Sequence[Panel],
    x_tilde: Images | None = None,
    title: str = "Originals and reconstructions",
    limits: tuple[float, float] = (0.0, 1.0),
) -> Figure:
    """Originals `x` [N, H, W, C], corrupted inputs `x_tilde` if given, and a row of x_hat per panel; 16 columns."""
    corrupted = [] if x_tilde is None else [("corrupted", x_tilde)]
    return draw_rows([("original", x), *corrupted, *panels], title, limits)


@styled()
def draw_rows(rows: Sequence[Panel], title: str = "Interpolation", limits: tuple[float, float] = (0.0, 1.0)) -> Figure:
    """One row of images [N, H, W, C] per label (16 columns): interpolations, or originals and reconstructions."""
    count = min(len(rows[0][1]), MOST_COLUMNS)
    size = tile_size(rows[0][1], min(84, ROOM // count))
    strips = [mosaic(images[:count], count, size, limits) for _, images in rows]
    height, width = strips[0].shape[:2]
    step = height + 5
    figure = new_figure(width / DPI, step * len(rows) / DPI)
    for i, ((label, _), strip) in enumerate(zip(rows, strips, strict=True)):
        axes = place(figure, strip, 0, i * step)
        axes.set_ylabel(wrap(label, 26), rotation=0, ha="right", va="center", color=INK)
    figure.axes[0].set_title(title, loc="left", fontsize=11, fontweight="bold", pad=8)
    return figure


@styled()
def draw_tiles(
    panels: Sequence[Panel], columns: int = 8, title: str = "Samples", limits: tuple[float, float] = (0.0, 1.0)
) -> Figure:
    """One block per panel (label, images [n, H, W, C]), tiled row by row in `columns` columns."""
    return draw_blocks([(label, images, columns) for label, images in panels], title, limits, gap=2)[0]


@styled()
def draw_latent_grid(
    panels: Sequence[tuple[str, Images, Float[np.ndarray, " columns"], Float[np.ndarray, " rows"]]],
    title: str = "Decoded grid of codes",
    axis_names: tuple[str, str] = ("z₁", "z₂"),
    limits: tuple[float, float] = (0.0, 1.0),
) -> Figure:
    """Panels of (label, images decoded from `grid_codes(z1, z2)`, z1 [C], z2 [R]); z2 grows upwards as in a scatter."""
    upright = [
        (label, images.reshape(len(z2), len(z1), *images.shape[1:])[::-1].reshape(images.shape), len(z1))
        for label, images, z1, z2 in panels
    ]
    gap = GAP * (panels[0][1].shape[1] <= SMALL)
    figure, size = draw_blocks(upright, title, limits, gap, frame=60)
    scale = size[0] + gap, size[1] + gap
    for axes, (_, _, z1, z2) in zip(figure.axes, panels, strict=True):
        across, up = few(len(z1)), few(len(z2))
        axes.set_xticks(across * scale[1] + size[1] / 2 - 0.5, number(z1[across]))
        axes.set_yticks((len(z2) - 1 - up) * scale[0] + size[0] / 2 - 0.5, number(z2[up]))
        axes.set_xlabel(axis_names[0], labelpad=1)
        axes.set_ylabel(axis_names[1], labelpad=1)
    return figure


def grid_codes(z1: Float[np.ndarray, " columns"], z2: Float[np.ndarray, " rows"]) -> Float[np.ndarray, "n 2"]:
    """The codes [R * C, 2] of the grid z1 [C] x z2 [R], z1 varying fastest; decode them for `draw_latent_grid`."""
    return np.stack(np.meshgrid(z1, z2), axis=-1).reshape(-1, 2)


def draw_blocks(
    blocks: Sequence[tuple[str, Images, int]], title: str, limits: tuple[float, float], gap: int, frame: int = 0
) -> tuple[Figure, tuple[int, int]]:
    """Blocks (label, images, columns) in a grid of equal cells; also returns the size of one tile in pixels."""
    _, images, columns = blocks[0]
    down, side = grid_shape(len(blocks), 4 if columns <= 12 else 3 if len(blocks) == 3 else 2)
    room = min(ROOM // side - BLOCK_SPACE - frame, 640)
    size = tile_size(images, min(64, room // columns))
    pictures = [mosaic(images, columns, size, limits, gap) for _, images, columns in blocks]
    height, width = (max(picture.shape[i] for picture in pictures) for i in (0, 1))
    captions = [wrap(label, max(20, width // 8)) for label, _, _ in blocks]
    above = CAPTION_SPACE + LINE * max(caption.count("\n") for caption in captions)
    step = height + above + BLOCK_SPACE // 2 + frame, width + BLOCK_SPACE + frame
    figure = new_figure(step[1] * side / DPI, step[0] * down / DPI)
    for i, (caption, picture) in enumerate(zip(captions, pictures, strict=True)):
        row, column = divmod(i, side)
        axes = place(figure, picture, column * step[1], row * step[0])
        axes.set_title(caption, color=INK, pad=4)
    above = above if any(captions) else 8
    figure.suptitle(title, x=0, y=1 + above / (figure.get_figheight() * DPI), ha="left", va="bottom")
    return figure, size


def place(figure: Figure, picture: np.ndarray, left: int, top: int) -> Axes:
    """Places a uint8 picture [H, W, 3] unscaled on the figure, `left` and `top` pixels from the top left corner."""
    (height, width), (across, down) = picture.shape[:2], figure.get_size_inches() * DPI
    axes = figure.add_axes((left / across, 1 - (top + height) / down, width / across, height / down))
    axes.imshow(picture, interpolation="nearest", aspect="auto")
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    axes.spines[:].set_visible(False)
    return axes


def mosaic(
    images: Images, columns: int, size: tuple[int, int], limits: tuple[float, float], gap: int = 2
) -> np.ndarray:
    """Tiles of `size` pixels, row by row with white gaps, as one uint8 picture [H, W, 3]."""
    rows = -(-len(images) // columns)
    tiles = np.full((rows * columns, size[0] + gap, size[1] + gap, 3), 255, np.uint8)
    for tile, pixels in zip(tiles, to_bytes(images, limits), strict=False):
        # Enlarging copies pixels, so that they stay sharp squares; only an image that must shrink is averaged.
        method = Image.Resampling.NEAREST if size[0] >= pixels.shape[0] else Image.Resampling.BOX
        tile[: size[0], : size[1]] = np.asarray(Image.fromarray(pixels).resize((size[1], size[0]), method))
    picture = tiles.reshape(rows, columns, *tiles.shape[1:]).transpose(0, 2, 1, 3, 4)
    picture = picture.reshape(rows * tiles.shape[1], columns * tiles.shape[2], 3)
    return picture[: picture.shape[0] - gap, : picture.shape[1] - gap]


def to_bytes(images: Images, limits: tuple[float, float]) -> np.ndarray:
    """Grey or RGB images in data units as uint8 [n, h, w, 3], clipped to `limits`; non-finite pixels are orange."""
    if images.shape[-1] not in (1, 3):
        raise ValueError(f"images must have 1 channel (grey) or 3 (RGB), not {images.shape[-1]}")
    low, high = limits
    finite = np.isfinite(images)
    unit = np.clip((np.where(finite, images, low) - low) / (high - low), 0.0, 1.0)
    pixels = np.rint(255 * unit).astype(np.uint8)
    return np.where(finite.all(axis=-1, keepdims=True), pixels, np.asarray(NOT_FINITE, np.uint8))


def tile_size(images: Images, room: int) -> tuple[int, int]:
    """Height and width in pixels of an image in `room` pixels: the largest whole multiple, or shrunk to fit."""
    height, width = images.shape[1:3]
    scale = room / max(height, width)
    scale = int(scale) if scale >= 1 else scale
    return max(1, round(scale * height)), max(1, round(scale * width))


def number(values: np.ndarray) -> list[str]:
    """Tick labels of at most two decimals."""
    return [f"{round(float(value), 2):.4g}".replace("-", "−") for value in values]


def few(count: int) -> np.ndarray:
    """At most four indices spread evenly over range(count), including both ends."""
    return np.unique(np.rint(np.linspace(0, count - 1, 4)).astype(int))
