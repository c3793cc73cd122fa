"""Turns the rows stored on the device into the model's x: scaling and dynamic binarization, inside the step."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from aejax.data.types import Spec
from aejax.types import Batch

Preprocess = Callable[[Array, Batch], Batch]


def make(binarization: str, spec: Spec) -> Preprocess:
    """(key, rows) -> rows with float32 x in data units, pairs unchanged; "dynamic" draws pixels as Bernoulli(grey)."""

    def preprocess(key: Array, batch: Batch) -> Batch:
        if "x" not in batch or batch["x"].dtype == jnp.int32:  # indices of items
            return batch
        x = jnp.asarray(batch["x"], jnp.float32)
        if batch["x"].dtype == jnp.uint8:
            x = x * spec.byte_scale
        if binarization == "dynamic":
            x = jax.random.bernoulli(key, x).astype(jnp.float32)
        return {**batch, "x": x}

    return preprocess
