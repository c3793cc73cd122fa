"""Generated sprites whose five factors are known: shape, scale, rotation, x and y of one white figure on black.

Similar to dSprites (Matthey et al. 2017, https://github.com/google-deepmind/dsprites-dataset), but a different data
set: other shapes, fewer values, 32 × 32 pixels, drawn here. Some rotations map the squares and ellipses of dSprites to
themselves, so the image does not always show the rotation. Here no shape has a rotational symmetry and rotations stay
within a half turn, so no two images are equal and rotation is a line, not a circle.
"""

from typing import Any

import numpy as np

from aejax.data import Rows

SIZE = 32  # pixels
SHAPES = ("triangle", "heart", "ell")
RADII = np.linspace(5.0, 8.5, 4)  # pixels, of the circle around a figure; it is never cut off at the border
ANGLES = np.pi * (np.arange(8) / 8 - 7 / 16)  # radians: from −79° to 79° in steps of 22.5°
OFFSETS = 2 * np.arange(8) - 7  # whole pixels from the middle, to the right and down
FACTORS = ("shape", "scale", "rotation", "x", "y")
FINE = 4  # points along each side of a pixel


def read(config: Any) -> Rows:
    """All 6,144 combinations: x [N, 32, 32, 1] of 0 and 1, "factors" [N, 5] from 0, y the shape; without splits.

    The order is a fixed permutation, so that the first rows of a split, which the figures show, are mixed.
    """
    counts = (len(SHAPES), len(RADII), len(ANGLES), len(OFFSETS), len(OFFSETS))
    factors = np.stack(np.unravel_index(np.arange(np.prod(counts)), counts), axis=1).astype(np.int32)
    centered = np.stack([render(*kind) for kind in np.ndindex(counts[:3])]).reshape(*counts[:3], SIZE, SIZE)
    x = np.zeros((*counts, SIZE, SIZE), np.uint8)
    for column, right in enumerate(OFFSETS):
        for row, down in enumerate(OFFSETS):
            x[:, :, :, column, row] = np.roll(centered, (down, right), axis=(-2, -1))
    order = np.random.default_rng(0).permutation(len(factors))
    x, factors = x.reshape(-1, SIZE, SIZE, 1)[order], factors[order]
    return Rows({"x": x, "y": factors[:, 0], "factors": factors}, class_names=SHAPES, factor_names=FACTORS)


def render(shape: int, scale: int, rotation: int) -> np.ndarray:
    """A figure in the middle, [32, 32] uint8: 1 where at least half of a pixel's 4 × 4 points lie in it."""
    points = (np.arange(SIZE * FINE) + 0.5) / FINE - SIZE / 2
    right, up = np.meshgrid(points, -points)
    turn = np.exp(-1j * ANGLES[rotation]) * (right + 1j * up) / RADII[scale]
    inside = INSIDE[SHAPES[shape]](turn.real, turn.imag)
    return (inside.reshape(SIZE, FINE, SIZE, FINE).mean(axis=(1, 3)) >= 0.5).astype(np.uint8)


INSIDE = {  # whether a point is inside the figure, in the unit circle; u points right, v up
    "triangle": lambda u, v: (v >= -0.75) & (2.65 * np.abs(u) + v <= 1.0),
    "heart": lambda u, v: (1.7 * u**2 + 1.7 * (v + 0.1) ** 2 - 1.0) ** 3 <= 5.0 * u**2 * (v + 0.1) ** 3,
    "ell": lambda u, v: (u >= -0.55) & (v >= -0.8) & (u <= 0.55) & (v <= 0.8) & ((u <= -0.05) | (v <= -0.3)),
}
