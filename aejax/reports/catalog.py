"""The figures that a run may get: the file name, caption and alternative text of each, written once."""

from pathlib import Path
from typing import NamedTuple

FIGURES = {  # file name: caption, alternative text
    "latent": ("{title}, one panel per setting.", "scatter of codes by label"),
    "map": ("True positions, and the learned ones laid over them.", "maps of items"),
    "activations": ("All activations of the test rows; red: exactly 0.", "histograms of activations"),
    "heatmap": ("Test rows and their reconstructions.", "heat map of rows and reconstructions"),
    "reconstructions": (
        "The first test images and their reconstructions.",
        "rows of images and reconstructions",
    ),
    "samples": ("Decoded draws from {source}.", "tiles of samples"),
    "latent_grid": ("The decoded plane of codes, over {spacing}.", "grid of decoded codes"),
    "traversals": (
        "One unit moved at a time, its KL beside it; the mark is the test image's own value, within ±2.5.",
        "rows of decoded images, one unit each",
    ),
    "curves": ("Means over training steps and rows.", "curves of metrics"),
    "rate_distortion": ("Rate against distortion on the test set.", "scatter of rate and distortion"),
    "units": ("KL of each unit, and active units.", "curves over units"),
    "likelihood": (
        "Estimates of −log p(x) on the test set: bounds in expectation, tighter with more samples.",
        "curves over importance samples",
    ),
}


class Picture(NamedTuple):
    """A file with its caption and alternative text."""

    path: Path
    caption: str
    alternative: str


def picture(directory: Path, name: str, suffix: str = "", **words: str) -> Picture:
    """A figure by its name; the file's name ends in `suffix`, and `words` fill the braces of the caption."""
    caption, alternative = FIGURES[name]
    return Picture(directory / f"{name}{suffix}.png", caption.format(**words), alternative)
