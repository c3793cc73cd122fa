"""p(x|z) of 8-bit grey values: a logistic density's mass within half a step of each of the 256 values.

Kingma et al. 2016 (arXiv 1606.04934), eq. 13; the outermost values take the tails. The location is the sigmoid of the
decoder's output, and params["likelihood"]["log_scale"] is the log of the scale, one for all features.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp

from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models.parts import losses
from aejax.models.vae.types import Likelihood
from aejax.types import Link

SUPPORTS = ("unit",)
HALF = 0.5 / 255.0


def make(config: Any, spec: Spec) -> Likelihood:
    """A discretized logistic for each feature; raises UserError for data that are no bytes."""
    if spec.byte_scale == 1.0:
        raise UserError(
            "model.likelihood=discretized_logistic needs images of bytes (uint8, 0 to 255), but the data are floats: "
            "use --config.model.likelihood=continuous_bernoulli"
        )

    def log_prob(params, x, output):
        x, scale = losses.flatten(x), jnp.exp(params["likelihood"]["log_scale"])
        location = jax.nn.sigmoid(losses.flatten(output))
        upper, lower = ((x + step - location) / scale for step in (HALF, -HALF))
        # log [σ(upper) − σ(lower)], without cancellation: both are moved to the tail where σ is small.
        inner = jax.nn.log_sigmoid(upper) + jax.nn.log_sigmoid(-lower) + jnp.log(-jnp.expm1(-2.0 * HALF / scale))
        outer = jnp.where(x < HALF, jax.nn.log_sigmoid(upper), jax.nn.log_sigmoid(-lower))
        return jnp.where((x < HALF) | (x > 1.0 - HALF), outer, inner).sum(axis=-1)

    def sample(params, key, output):
        noise = jnp.exp(params["likelihood"]["log_scale"]) * jax.random.logistic(key, output.shape)
        return jnp.round(jnp.clip(jax.nn.sigmoid(output) + noise, 0.0, 1.0) * 255.0) / 255.0

    link = (Link("sigmoid", math.prod(spec.shape)),)
    start = jnp.float32(math.log(0.05))
    return Likelihood(lambda key: {"log_scale": start}, log_prob, jax.nn.sigmoid, sample, link=link)
