"""Turns the rows stored on the device into the model's x: scaling and dynamic binarization, inside the step."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from aejax.data.types import Condition, Spec
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
        batch = {**batch, "x": x}
        return {**batch, "c": one_hot(batch["c"], spec.conditions)} if "c" in batch else batch

    return preprocess


def one_hot(c: Any, conditions: tuple[Condition, ...]) -> Array:
    """Conditions [B, J] as a network sees them [B, C]: codes of categories become one-hot vectors, numbers stay."""

    c = jnp.asarray(c)

    def column(j: int, condition: Condition) -> Array:
        if not condition.categories:
            return c[:, j : j + 1]
        return jax.nn.one_hot(c[:, j].astype(jnp.int32), len(condition.categories))

    return jnp.concatenate([column(j, condition) for j, condition in enumerate(conditions)], axis=1)
