"""Arrays in a page: bytes that deflate well, and numbers with as few bits as their use allows."""

from base64 import b85encode
from typing import Any
from zlib import compress

import jax
import numpy as np

from aejax.reports.views import View

ERROR = 1e-3  # what a decoder in the page may differ by: data units if x lies in [0, 1], else sd of a feature
LARGE = 4096  # numbers of an array
MANTISSA = range(8, 23)  # bits of a float32's 23 that are tried for weights


class Blob:
    """Arrays one after the other, each as all its first bytes, then all its second bytes, ...: these are alike.

    The sign of a float32 is moved to its last bit, so that its first byte is the exponent.
    """

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.size = 0

    def add(self, array: Any, type_name: str = "f32") -> list[Any]:
        """Appends an array of "f32" or "u8"; returns its place, its type and its shape for the page's `unpack`."""
        array = np.ascontiguousarray(array, {"f32": np.float32, "u8": np.uint8}[type_name])
        if type_name == "f32":
            bits = array.view(np.uint32)
            planes = ((bits << 1) | (bits >> 31)).astype(">u4").reshape(-1, 1).view(np.uint8).T
        else:
            planes = array
        self.pieces.append(planes.tobytes())
        self.size += array.nbytes
        return [self.size - array.nbytes, type_name, list(array.shape)]

    def packed(self) -> bytes:
        """All bytes, deflated."""
        return compress(b"".join(self.pieces), 9)


def text_of(packed: bytes) -> str:
    """Bytes, and zeros up to a whole word, in base 85: 6 % less than base 64. "," replaces "<", which HTML reads."""
    return b85encode(packed, pad=True).decode().replace("<", ",")


def num_chars(arrays: Any) -> int:
    """How many characters of a page the arrays of a tree take."""
    blob = Blob()
    for leaf in jax.tree.leaves(arrays):
        blob.add(leaf)
    return len(blob.packed()) * 5 // 4


def rounded(tree: Any, bits: int) -> Any:
    """A tree's arrays in numpy, large ones with so many bits of the mantissa: the zeros after them take no space.

    Small ones stay exact: they take little space, and errors of a first layer would pass through all others.
    """
    step = np.uint32(1 << (23 - bits))

    def one(leaf: Any) -> np.ndarray:
        array = np.ascontiguousarray(leaf, np.float32)
        if array.size < LARGE:
            return array
        whole = array.view(np.uint32)
        return ((whole + step // 2) & ~(step - np.uint32(1))).view(np.float32)

    return jax.tree.map(one, tree)


def fewest_bits(view: View, codes: np.ndarray, scale: np.ndarray) -> int:
    """The fewest bits of all weights that move no decoded code of [N, K] by nearly ERROR times `scale` [features]."""
    exact = view.decode(codes)
    for bits in MANTISSA:
        difference = view._replace(params=rounded(view.params, bits)).decode(codes) - exact
        if (np.abs(difference).reshape(len(codes), -1) <= 0.9 * ERROR * scale).all():
            return bits
    return 23


def probes(codes: np.ndarray, low: float, high: float, num: int = 256) -> np.ndarray:
    """Codes [4 num, K] where users go: test rows, rows with two units moved within the map, and draws of a prior."""
    rng, k = np.random.default_rng(0), codes.shape[1]
    rows = codes[np.arange(num) % len(codes)]
    moved = codes[rng.integers(0, len(codes), 2 * num)]
    for code in moved:
        units = rng.permutation(k)[:2]
        code[units] = rng.uniform(low, high, len(units))
    return np.concatenate([rows, moved, 1.5 * rng.normal(size=(num, k))]).astype(np.float32)
