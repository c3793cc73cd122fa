"""Arrays in a page: bytes that deflate well, and weights as float16 if their decoder allows it."""

from base64 import b85encode
from typing import Any
from zlib import compress

import jax
import numpy as np

from aejax.reports.views import View

ERROR = 1e-3  # what a decoder in the page may differ by: data units if x lies in [0, 1], else sd of a feature
TYPES = {"u8": np.uint8, "f16": np.float16, "f32": np.float32}


class Blob:
    """Arrays one after the other, each as all its first bytes, then all its second bytes, ...: these are more alike."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.size = 0

    def add(self, array: Any, type_name: str) -> list[Any]:
        """Appends an array; returns its place, its type and its shape for the page's `unpack`."""
        array = np.ascontiguousarray(array, np.dtype(TYPES[type_name]).newbyteorder("<"))
        piece = array.reshape(-1, 1).view(np.uint8).T.tobytes()
        self.pieces.append(piece)
        self.size += len(piece)
        return [self.size - len(piece), type_name, list(array.shape)]

    def packed(self) -> bytes:
        """All bytes, deflated."""
        return compress(b"".join(self.pieces), 9)


def text_of(packed: bytes) -> str:
    """Bytes, and zeros up to a whole word, in base 85: 6 % less than base 64. "," replaces "<", which HTML reads."""
    return b85encode(packed, pad=True).decode().replace("<", ",")


def num_chars(arrays: Any, type_name: str) -> int:
    """How many characters of a page the arrays of a tree take."""
    blob = Blob()
    for leaf in jax.tree.leaves(arrays):
        blob.add(leaf, type_name)
    return len(blob.packed()) * 5 // 4


def weight_type(view: View, codes: np.ndarray, scale: np.ndarray) -> str:
    """ "f16", or "f32" if float16 weights would move a decoded code of [N, K] by nearly ERROR times `scale` [features].

    Weights above 65,504 would be infinite, and so are float32.
    """
    with np.errstate(over="ignore"):
        halves = jax.tree.map(lambda leaf: np.asarray(leaf).astype(np.float16).astype(np.float32), view.params)
    difference = np.abs(view._replace(params=halves).decode(codes) - view.decode(codes)).reshape(len(codes), -1)
    return "f16" if (difference <= 0.9 * ERROR * scale).all() else "f32"


def probes(codes: np.ndarray, num: int) -> np.ndarray:
    """The first `num` codes, and as many uniform ones within the range of all: [N, K]."""
    low, high = codes.min(axis=0), codes.max(axis=0)
    drawn = np.random.default_rng(0).uniform(low, high, (num, codes.shape[1]))
    return np.concatenate([codes[:num], drawn]).astype(np.float32)
