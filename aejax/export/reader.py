"""Encodes and decodes with the model of this folder; needs numpy and safetensors alone.

    import reader
    model = reader.load()  # the folder of this file, or load(FOLDER)
    z = model.encode(x)  # rows x [N, ...] in the units of the training data -> codes [N, K]
    x_hat = model.decode(z)  # codes -> rows [N, ...] in the same units

Whole numbers of grey images, 0 to 255 or to 65,535, are scaled; missing numbers are nan. A table with columns of text,
whose missing cells are "": model.encode(model.table({"age": [31, ""], "colour": ["red", "blue"]})). With conditions:
model.encode(x, {"batch": "A"}), with one value or one for each row. Items: model.encode(["Hamlet"]), or their
numbers; model.facts["items"] lists them. What does not fit raises a ValueError.
"""

import hashlib
import itertools
import json
import math
from pathlib import Path

import numpy as np
from safetensors.numpy import load as load_arrays


def load(folder=Path(__file__).parent):
    """The model of a folder."""
    facts = json.loads((Path(folder) / "model.json").read_text(encoding="utf-8"))
    weights = (Path(folder) / "weights.safetensors").read_bytes()
    if facts["format"] != 1 or hashlib.sha256(weights).hexdigest() != facts["weights_sha256"]:
        raise ValueError(f"{folder}: model.json, weights.safetensors and this file do not belong together")
    return Model(facts, load_arrays(weights))


class Model:
    """What model.json says, computed with the arrays of weights.safetensors."""

    def __init__(self, facts, arrays):
        self.facts, self.arrays = facts, arrays

    def encode(self, x, conditions=None):
        """The codes [N, K] of rows x [N, ...]; for a VAE, the means."""
        layers = self._part("encoder")["layers"]
        x = self._prepared(x)
        return run(layers, self.arrays, x, self._conditions(layers, conditions, len(x)))

    def decode(self, z, conditions=None):
        """The mean rows [N, ...] of codes z [N, K], in the units of the training data."""
        decoder, z, k = self._part("decoder"), np.asarray(z, np.float32), self.facts["latent_dim"]
        check(z.ndim == 2 and z.shape[1] == k, f"z has shape {z.shape}, expected (N, {k})")
        layers = decoder["layers"]
        x = mean(decoder["link"], run(layers, self.arrays, z, self._conditions(layers, conditions, len(z))))
        x = x.reshape(len(x), *self.facts["x"]["shape"])
        return x * self.arrays["spread"] + self.arrays["center"] if "center" in self.arrays else x

    def table(self, columns):
        """Rows x [N, features] from the columns of a table, by name."""
        x = self.facts["x"]
        parts = [np.array([math.nan if v in ("", None) else float(v) for v in columns[name]]) for name in x["numbers"]]
        blocks = [one_hot(column, columns[column["name"]]) for column in x["categories"]]
        return np.concatenate([*(part[:, None] for part in parts), *blocks], axis=1).astype(np.float32)

    def _part(self, name):
        part = self.facts[name]
        check(not isinstance(part, str), part)  # why it is missing
        return part

    def _prepared(self, x):
        """Rows as the first layer takes them."""
        facts, items, x = self.facts["x"], self.facts["items"], np.asarray(x)
        if items:
            place = dict(zip(items, range(len(items)), strict=True))
            x = np.array([place.get(item, -1) for item in x]) if x.dtype.kind == "U" else x
            check(x.ndim == 1 and x.min() >= 0 and x.max() < len(items), "x holds what is not an item")
            return x
        shape = tuple(facts["shape"])
        known = (shape, (math.prod(shape),), *([shape[:-1]] if shape[-1] == 1 else []))
        check(x.shape[1:] in known, f"x has shape {x.shape}, expected (N, *{shape})")
        top = np.iinfo(x.dtype).max if facts["grey"] and x.dtype in (np.uint8, np.uint16) and x.max() > 1 else 1
        x = x.reshape(len(x), *shape).astype(np.float32) / np.float32(top)
        if "fill" in self.arrays:
            x = np.where(np.isnan(x), self.arrays["fill"], x)
        least, most = (edge if edge is None else np.float32(edge) for edge in facts["range"])
        check(np.isfinite(x).all(), "x has values that are missing or not finite")
        check(least is None or x.min() >= least, f"x has values below {least}")
        check(most is None or x.max() <= most, f"x has values above {most}")
        if facts["threshold"] is not None:
            x = (x >= facts["threshold"]).astype(np.float32)
        return (x - self.arrays["center"]) / self.arrays["spread"] if "center" in self.arrays else x

    def _conditions(self, layers, values, num):
        """c [num, C] if the layers are given conditions: one-hot categories and standardized numbers."""
        if not any("condition" in layer["arrays"] for layer in layers):
            return None
        columns, values = self.facts["conditions"], values or {}
        lost = [column["name"] for column in columns if column["name"] not in values]
        check(not lost, f"the model needs conditions for {', '.join(lost)}")
        given = [(column, np.broadcast_to(values[column["name"]], num).tolist()) for column in columns]
        parts = [
            one_hot(column, cells)
            if column["values"]
            else (np.array(cells, np.float64)[:, None] - column["center"]) / column["spread"]
            for column, cells in given
        ]
        return np.concatenate(parts, axis=1).astype(np.float32)


def check(fits, message):
    if not fits:
        raise ValueError(message)


def one_hot(column, cells):
    """A row of zeros with a one at its category for each cell; "" is what `missing` names, if that is known."""
    texts = [str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell) for cell in cells]
    texts = [column["missing"] if text == "" and column["missing"] is not None else text for text in texts]
    strange = [text for text in texts if text not in column["values"]]
    check(not strange, f"{column['name']}={strange[:1]} is not one of {column['values'][:10]}")
    return np.eye(len(column["values"]))[[column["values"].index(text) for text in texts]]


def run(layers, arrays, h, c=None):
    """What a list of layers makes of rows h [N, ...], and conditions c [N, C]."""
    for layer in layers:
        a = {name: arrays[key] for name, key in layer["arrays"].items()}
        before, h = flat(h), KINDS[layer["kind"]](h, a, layer["shape"])
        if "condition" in a:
            h = h + (c @ a["condition"]).reshape(len(h), *[1] * (h.ndim - 2), -1)
        if "gate_kernel" in a:
            h = h * sigmoid(before @ a["gate_kernel"] + a["gate_bias"])
        h = ACTIVATIONS[layer["activation"]](h).astype(np.float32).reshape(len(h), *layer["shape"])
    return h


def mean(link, output):
    """The flat mean of p(x|z) from a decoder's output: each piece of it through its link."""
    pieces = np.split(flat(output), np.cumsum([piece["size"] for piece in link])[:-1], axis=1)
    made = [ACTIVATIONS[one["name"]](piece) * one["total"] for one, piece in zip(link, pieces, strict=True)]
    return np.concatenate(made, axis=1).astype(np.float32)


def flat(h):
    return h.reshape(len(h), -1)


def convolution(h, a, shape):
    h = np.pad(h, [(0, 0), *((n % 2, 2) for n in h.shape[1:-1]), (0, 0)])  # the output at i reads h from 2 i - n % 2 on
    taps = itertools.product(range(3), repeat=len(shape) - 1)
    every = [tuple(slice(t, t + 2 * n - 1, 2) for t, n in zip(tap, shape, strict=False)) for tap in taps]
    kernels = a["kernel"].reshape(-1, *a["kernel"].shape[-2:])
    return sum(h[:, *where] @ kernel for where, kernel in zip(every, kernels, strict=True)) + a["bias"]


def transposed_convolution(h, a, shape):
    made = np.zeros((len(h), *(2 * n + 1 for n in h.shape[1:-1]), shape[-1]), np.float32)
    taps = itertools.product(range(3), repeat=len(shape) - 1)
    for tap, kernel in zip(taps, a["kernel"].reshape(-1, *a["kernel"].shape[-2:]), strict=True):
        where = (slice(2 - t, 2 * n + 1 - t, 2) for t, n in zip(tap, h.shape[1:-1], strict=True))
        made[:, *where] += h @ kernel
    return made[:, *map(slice, shape[:-1])] + a["bias"]


def largest(h, a, shape):
    kept = np.argsort(-h, axis=1, kind="stable")[:, : int(a["k"])]
    made = np.zeros_like(h)
    np.put_along_axis(made, kept, np.take_along_axis(h, kept, axis=1), axis=1)
    return made


def nearest(h, a, shape):
    book = a["codebook"]
    distance = (book**2).sum(axis=1) - 2 * h.reshape(-1, book.shape[1]) @ book.T  # squared, up to a constant
    return book[distance.argmin(axis=1)].reshape(h.shape)


def rounded(h, a, shape):
    steps = np.tile(a["levels"], h.shape[1] // len(a["levels"])) - 1
    return 2 * np.round((h + 1) / 2 * steps) / steps - 1


def sigmoid(h):
    return 0.5 * (1 + np.tanh(0.5 * h))


def softmax(h):
    powers = np.exp(h - h.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def continuous_bernoulli(h):
    near = np.abs(h) < 0.1
    far = np.where(near, 1, np.clip(h, -80, 80))
    return np.where(near, 0.5 + h / 12 - h**3 / 720, -1 / np.expm1(-far) - 1 / far)


KINDS = {
    "identity": lambda h, a, shape: h,
    "dense": lambda h, a, shape: flat(h) @ a["kernel"] + a["bias"],
    "gated": lambda h, a, shape: flat(h) @ a["kernel"] + a["bias"],
    "centered": lambda h, a, shape: (flat(h) - a["mean"]) @ a["kernel"],
    "table": lambda h, a, shape: a["table"][h],
    "unit_norm": lambda h, a, shape: h / np.sqrt(np.maximum((h**2).sum(axis=1, keepdims=True), 1e-24)),
    "above": lambda h, a, shape: np.where(h > a["threshold"], h, 0),
    "largest": largest,
    "nearest": nearest,
    "rounded": rounded,
    "convolution": convolution,
    "transposed_convolution": transposed_convolution,
}
ACTIVATIONS = {
    "identity": lambda h: h,
    "relu": lambda h: np.maximum(h, 0),
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "gelu": lambda h: 0.5 * h * (1 + np.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h**3))),
    "softplus": lambda h: np.logaddexp(h, 0),
    "log1p": np.log1p,
    "exp": np.exp,
    "softmax": softmax,
    "continuous_bernoulli": continuous_bernoulli,
}
