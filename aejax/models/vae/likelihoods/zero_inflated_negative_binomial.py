"""p(x|z) of counts with extra zeros: 0 with a learned probability π for each feature, else a negative binomial.

Source: Lopez et al. 2018 (scVI), where π is the decoder's; here it is one number for each feature. params["likelihood"]
holds log θ ("log_theta") and the logit of π ("zero_logit").
"""

import math
from typing import Any

import jax
import jax.numpy as jnp

from aejax.data.types import Spec
from aejax.models.parts import counts, losses
from aejax.models.vae.types import Likelihood

SUPPORTS = ("binary", "counts")


def make(config: Any, spec: Spec) -> Likelihood:
    """A zero-inflated negative binomial for each feature; θ starts at 1, π at 0.05."""
    log_mean, mean = counts.log_mean(config), counts.mean(config, spec)
    size = math.prod(spec.shape)

    def init(key):
        return {"log_theta": jnp.zeros(size), "zero_logit": jnp.full(size, math.log(0.05 / 0.95))}

    def log_prob(params, x, output):
        own, x_flat = params["likelihood"], losses.flatten(x)
        zero_logit = jnp.broadcast_to(own["zero_logit"], x_flat.shape)
        log_count = counts.log_negative_binomial(x_flat, log_mean(x, output), own["log_theta"])
        log_count += jax.nn.log_sigmoid(-zero_logit)
        log_zero = jnp.logaddexp(jax.nn.log_sigmoid(zero_logit), log_count)
        return jnp.where(x_flat == 0.0, log_zero, log_count).sum(axis=-1)

    def sample(params, key, output):
        own = params["likelihood"]
        count_key, zero_key = jax.random.split(key)
        probability = jax.nn.sigmoid(own["zero_logit"]).reshape(spec.shape)
        zero = jax.random.bernoulli(zero_key, jnp.broadcast_to(probability, output.shape))
        drawn = counts.draw(count_key, mean(output), jnp.exp(own["log_theta"]).reshape(spec.shape))
        return jnp.where(zero, 0.0, drawn)

    return Likelihood(init, log_prob, mean, sample, link=counts.link(config, spec))
