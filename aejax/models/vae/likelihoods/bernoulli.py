"""p(x|z) of bits, given their logits; a grey value in [0, 1] counts as a probability."""

import math
from typing import Any

import jax
import jax.numpy as jnp

from aejax.data.types import Spec
from aejax.models.parts import losses
from aejax.models.vae.types import Likelihood
from aejax.types import Link

SUPPORTS = ("binary", "unit", "categories")


def make(config: Any, spec: Spec) -> Likelihood:
    """A Bernoulli for each feature."""
    return Likelihood(
        lambda key: {},
        lambda params, x, output: losses.bernoulli_log_likelihood(x, output),
        jax.nn.sigmoid,
        lambda params, key, output: jax.random.bernoulli(key, jax.nn.sigmoid(output)).astype(jnp.float32),
        link=(Link("sigmoid", math.prod(spec.shape)),),
    )
