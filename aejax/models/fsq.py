"""Finite scalar quantization: minimize −log p(x | z_q), with each unit of the code rounded to one of L levels.

Mentzer et al. 2023 (arXiv 2309.15505), section 3.1: tanh bounds a unit to (−1, 1), and it is rounded to the nearest of
L evenly spaced levels from −1 to 1. The likelihood's gradient passes through the rounding as if it were not there. The
code is cut into pieces of as many units as `model.levels` has numbers; a piece takes ∏ L values, the integers of
`to_index`. There is no codebook to learn and no second term in the loss. The levels are symmetric; the paper's code
(appendix A.1) shifts an even number of them so that 0 is one. The prior is uniform over the codes.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int

from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models import autoencoder
from aejax.models.vq_vae import perplexity, straight_through
from aejax.types import Autoencoder, Layer

MOST_VALUES = 2**20  # of a piece: `perplexity` counts each


def make(config: Any, spec: Spec) -> Autoencoder:
    """An autoencoder of `config.model` whose units are rounded; raises UserError if a piece would lack units."""
    levels, k = tuple(config.levels), config.latent_dim
    if k % len(levels):
        raise UserError(
            f"model.latent_dim={k} is not a multiple of the {len(levels)} units of model.levels={levels}: "
            f"use for example --config.model.latent_dim={len(levels) * math.ceil(k / len(levels))}"
        )
    size = math.prod(levels)
    if size > MOST_VALUES:
        raise UserError(f"model.levels={levels} gives a piece {size:,} values: use levels with at most {MOST_VALUES:,}")
    net = autoencoder.parts(config, spec)

    def quantize(params, x):
        """tanh z and its rounded values z_q, [B, K] each, and the integer of each piece, [B, pieces]."""
        bounded = jnp.tanh(net.preactivation(params, x)).reshape(len(x), -1, len(levels))
        level = nearest(bounded, levels)
        return bounded.reshape(-1, k), values(level, levels).reshape(-1, k), to_index(level, levels)

    def loss(params, stats, key, batch):
        bounded, z_q, index = quantize(params, batch["x"])
        reconstruction = net.error(params, batch["x"], straight_through(bounded, z_q)).mean()
        return reconstruction, ({"reconstruction": reconstruction, "perplexity": perplexity(index, size)}, stats)

    def layers(params):
        rounded = Layer("rounded", {"levels": jnp.asarray(levels, jnp.float32)}, "identity", (k,))
        return net.layers(params, rounded, activation="tanh")

    def sample_prior(params, key, num):
        index = jax.random.randint(key, (num, k // len(levels)), 0, size)
        return values(to_level(index, levels), levels).reshape(num, k)

    return Autoencoder(
        init=lambda key: (net.init(key), ()),
        loss=loss,
        encode=lambda params, x: quantize(params, x)[1],
        decode=net.decode,
        layers=layers,
        sample_prior=sample_prior,
    )


def nearest(bounded: Float[Array, "*pieces d"], levels: tuple[int, ...]) -> Int[Array, "*pieces d"]:
    """The number of the level, from 0 to L − 1, that is nearest to each unit in [−1, 1]."""
    return jnp.round(0.5 * (bounded + 1.0) * steps(levels, bounded.ndim)).astype(jnp.int32)


def values(level: Int[Array, "*pieces d"], levels: tuple[int, ...]) -> Float[Array, "*pieces d"]:
    """The levels from −1 to 1 with these numbers."""
    return 2.0 * level / steps(levels, level.ndim) - 1.0


def steps(levels: tuple[int, ...], ndim: int) -> np.ndarray:
    """L − 1 of each unit, with `ndim` axes: [1, ..., d]."""
    return np.array(levels, np.float32).reshape(*[1] * (ndim - 1), -1) - np.float32(1.0)


def to_index(level: Int[Array, "*pieces d"], levels: tuple[int, ...]) -> Int[Array, "*pieces"]:
    """The integer in [0, ∏ L) of each piece; its units are digits, and the last one counts the ones."""
    index = jnp.zeros(level.shape[:-1], jnp.int32)
    for unit, num in enumerate(levels):
        index = index * num + level[..., unit]
    return index


def to_level(index: Int[Array, "*pieces"], levels: tuple[int, ...]) -> Int[Array, "*pieces d"]:
    """The inverse of `to_index`."""
    digits = []
    for num in reversed(levels):
        index, digit = jnp.divmod(index, num)
        digits.append(digit)
    return jnp.stack(digits[::-1], axis=-1)
