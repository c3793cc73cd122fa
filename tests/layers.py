"""A decoder's layers in float64 numpy, from their description in `aejax.types.Layer`."""

import itertools
import math

import numpy as np
from scipy import special

ACTIVATIONS = {
    "identity": lambda a: a,
    "relu": lambda a: np.maximum(a, 0.0),
    "sigmoid": special.expit,
    "tanh": np.tanh,
    "gelu": lambda a: 0.5 * a * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (a + 0.044715 * a**3))),
    "softplus": lambda a: np.logaddexp(a, 0.0),
    "exp": np.exp,
    "continuous_bernoulli": lambda a: 1.0 / -np.expm1(-a) - 1.0 / a,
}


def decode(decoder, inputs):
    """The flat mean [features] of p(x|z) for inputs [z, c]."""
    return mean(decoder.link, output(decoder.layers, inputs))


def output(layers, inputs):
    """What the layers make of inputs [z, c], flat."""
    hidden = np.asarray(inputs, np.float64)
    for layer in layers:
        arrays = {name: np.asarray(value, np.float64) for name, value in layer.arrays.items()}
        if layer.kind == "transposed_convolution":
            hidden = convolve(hidden, arrays["kernel"], layer.shape) + arrays["bias"]
        else:
            flat = hidden.ravel()
            hidden = flat @ arrays["kernel"] + arrays["bias"]
            if layer.kind == "gated":
                hidden = hidden * special.expit(flat @ arrays["gate_kernel"] + arrays["gate_bias"])
        hidden = ACTIVATIONS[layer.activation](hidden).reshape(layer.shape)
    return hidden.ravel()


def convolve(hidden, kernel, shape):
    """Stride 2: the input at i reaches the outputs 2 i + 2 - t of every tap t."""
    made = np.zeros((*[2 * n + 1 for n in hidden.shape[:-1]], shape[-1]))
    for place in itertools.product(*map(range, hidden.shape[:-1])):
        for taps in itertools.product(range(3), repeat=len(place)):
            made[tuple(2 * i + 2 - t for i, t in zip(place, taps, strict=True))] += hidden[place] @ kernel[taps]
    return made[tuple(map(slice, shape[:-1]))]


def mean(link, values):
    """The mean of p(x|z) from a decoder's flat output."""
    pieces = np.split(np.asarray(values, np.float64), np.cumsum([piece.size for piece in link])[:-1])
    return np.concatenate(
        [
            piece.total * special.softmax(part) if piece.name == "softmax" else ACTIVATIONS[piece.name](part)
            for piece, part in zip(link, pieces, strict=True)
        ]
    )
