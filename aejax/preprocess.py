"""From the rows as they lie on the device to the model's x: scaling and dynamic binarization, inside the step."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from aejax.types import Batch, Spec

Preprocess = Callable[[Array, Batch], Batch]


def make(binarization: str, spec: Spec) -> Preprocess:
    """(key, rows) -> rows with float32 x in data units; "dynamic" draws every pixel anew with its grey value."""

    def preprocess(key: Array, batch: Batch) -> Batch:
        x = jnp.asarray(batch["x"], jnp.float32)
        if batch["x"].dtype == jnp.uint8:
            x = x * spec.byte_scale
        if binarization == "dynamic":
            x = jax.random.bernoulli(key, x).astype(jnp.float32)
        return {**batch, "x": x}

    return preprocess
