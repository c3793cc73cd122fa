"""Corruptions of a denoising autoencoder's input: (key, x[B, ...], level) -> x_tilde, drawn for every example.

Vincent et al. 2010 (JMLR 11): masking, salt-and-pepper and additive Gaussian noise. A pixel is corrupted
in all its channels, independently of the others; the level is traced.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Key

from aejax.data.types import Spec
from aejax.errors import UserError

Rows = Float[Array, "B *shape"]
Level = Float[Array, ""] | float
Corruption = Callable[[Array, Array, Any], Array]


def masking(key: Key[Array, ""], x: Rows, level: Level) -> Rows:
    """Sets each pixel to 0 with probability `level`, the lecture's pixel deletion."""
    return jnp.where(_uniform(key, x) < level, 0.0, _flat(x)).reshape(x.shape)


def salt_and_pepper(key: Key[Array, ""], x: Rows, level: Level) -> Rows:
    """Sets each pixel to 0 with probability level / 2, and to 1 with probability level / 2."""
    draw = _uniform(key, x)
    return jnp.where(draw < 0.5 * level, 0.0, jnp.where(draw < level, 1.0, _flat(x))).reshape(x.shape)


def gaussian(key: Key[Array, ""], x: Rows, level: Level) -> Rows:
    """Adds N(0, level²) in data units to every value; no clipping, so the noise has mean 0 also near 0 and 1."""
    return x + level * jax.random.normal(key, _flat(x).shape).reshape(x.shape)


CORRUPTIONS = {"masking": masking, "salt_and_pepper": salt_and_pepper, "gaussian": gaussian}


def make(name: str, spec: Spec) -> Corruption:
    """The corruption `model.corruption`; raises UserError for salt and pepper on data outside [0, 1]."""
    corruption = CORRUPTIONS[name]
    if name == "salt_and_pepper" and not spec.bounded:
        raise UserError(
            "model.corruption=salt_and_pepper needs data in [0, 1], but the data have values outside: "
            "use masking or gaussian"
        )
    return corruption


def _flat(x: Array) -> Array:
    return x.reshape(x.shape[0], -1)


def _uniform(key: Array, x: Array) -> Array:
    """One draw per pixel [B, pixels], repeated over its channels: [B, features]."""
    channels = x.shape[3] if x.ndim == 4 else 1
    return jnp.repeat(jax.random.uniform(key, (x.shape[0], _flat(x).shape[1] // channels)), channels, axis=1)
