"""The figures that a run may get: the name, caption and alternative text of each, written once."""

from typing import NamedTuple

from matplotlib.figure import Figure

FIGURES = {  # name, also of the file: caption, alternative text
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
    """A figure with its name, caption and alternative text."""

    name: str
    figure: Figure
    caption: str
    alternative: str


def picture(name: str, figure: Figure, **words: str) -> Picture:
    """A figure under its name; `words` fill the braces of its caption."""
    caption, alternative = FIGURES[name]
    return Picture(name, figure, caption.format(**words), alternative)
