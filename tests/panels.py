"""Random pictures, codes and rows that the tests of figures draw."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

RNG = np.random.default_rng(0)
NAMES = [str(c) for c in range(10)]
CLASSES = RNG.integers(0, 30, 90).astype(np.int32)
NUMBERS = RNG.normal(size=90).astype(np.float32)


def pictures(count: int, size: int = 8, channels: int = 1) -> np.ndarray:
    return RNG.random((count, size, size, channels), np.float32)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def codes(count: int, scale: float = 1.0, k: int = 2) -> np.ndarray:
    return (scale * RNG.normal(size=(count, k))).astype(np.float32)


def log(members: int, epochs: int = 4) -> list[dict[str, Any]]:
    return [
        {"member": m, "step": 10 * e, "epoch": e, "split": split, "elbo": -100.0 / (e + 1) - m, "kl": 1.0 * e}
        for m in range(members)
        for e in range(epochs)
        for split in ("train", "valid")
    ]


def points(settings: int, seeds: int = 3) -> list[dict[str, Any]]:
    return [
        {"label": f"β = {b}", "value": float(b), "kl": 20.0 / b + 0.3 * s, "reconstruction": 80.0 + 4 * b - s}
        for b in range(1, settings + 1)
        for s in range(seeds)
    ]


def assert_small_png(path: Path) -> None:
    """Asserts that a PNG has a readable size, few bytes, and no date or version in it."""
    data = path.read_bytes()
    height, width = pixels(path).shape[:2]
    assert 100 < width < 1400 and 100 < height < 2600 and len(data) < 700_000
    assert b"tEXt" not in data and b"tIME" not in data
