"""A model's layers, as an export's reader computes them: numpy against jax."""

import numpy as np

from aejax.export import named, reader


def computed(layers, rows, c=None):
    """What layers make of rows [N, ...] and conditions c [N, C], flat."""
    arrays = {}
    return reader.flat(reader.run(named(layers, "", arrays), arrays, np.asarray(rows), c))


def mean(link, output):
    """The flat mean of p(x|z) from a decoder's output [N, ...]."""
    return reader.mean([piece._asdict() for piece in link], np.asarray(output))
