"""p(x|z) of categories: each one-hot block of x is one draw from the softmax of the decoder's outputs for it.

log p(x|z) is the sum over the blocks of the log-softmax at the category. A block of two categories is a Bernoulli whose
logit is the difference of the two outputs.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from aejax.data.types import Spec
from aejax.models.vae.types import Likelihood
from aejax.types import Link

SUPPORTS = ("categories",)


def make(config: Any, spec: Spec) -> Likelihood:
    """A categorical distribution for each block of the data."""
    sizes = [len(column.categories) for column in spec.categories]

    def blocks(output: Array) -> list[Array]:
        return jnp.split(output, np.cumsum(sizes)[:-1], axis=-1)

    def log_softmax(output: Array) -> Array:
        return jnp.concatenate([jax.nn.log_softmax(block) for block in blocks(output)], axis=-1)

    def sample(params, key, output):
        drawn = [
            jax.nn.one_hot(jax.random.categorical(own, block), size)
            for own, block, size in zip(jax.random.split(key, len(sizes)), blocks(output), sizes, strict=True)
        ]
        return jnp.concatenate(drawn, axis=-1)

    return Likelihood(
        lambda key: {},
        lambda params, x, output: (x * log_softmax(output)).sum(axis=-1),
        lambda output: jnp.exp(log_softmax(output)),
        sample,
        link=tuple(Link("softmax", size) for size in sizes),
    )
