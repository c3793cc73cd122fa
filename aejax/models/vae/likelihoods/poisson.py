"""p(x|z) of counts with the mean as their variance: x ~ Poisson(mean), its mean as model.library_size says."""

from typing import Any

import jax
import jax.numpy as jnp

from aejax.data.types import Spec
from aejax.models.parts import counts, losses
from aejax.models.vae.types import Likelihood

SUPPORTS = ("binary", "counts")


def make(config: Any, spec: Spec) -> Likelihood:
    """A Poisson for each feature."""
    log_mean, mean = counts.log_mean(config), counts.mean(config, spec)

    def log_prob(params, x, output):
        log_rate, x = log_mean(x, output), losses.flatten(x)
        return (x * log_rate - jnp.exp(log_rate) - jax.lax.lgamma(x + 1.0)).sum(axis=-1)

    def sample(params, key, output):
        return jax.random.poisson(key, mean(output)).astype(jnp.float32)

    return Likelihood(lambda key: {}, log_prob, mean, sample, link=counts.link(config, spec))
