"""p(x|z) of counts that vary more than a Poisson's: variance μ + μ² / θ, with a learned θ for each feature.

Its mean μ is as model.library_size says. Source: Lopez et al. 2018 (scVI), whose dispersion is also one for each gene.
params["likelihood"]["log_theta"] is log θ.
"""

import math
from typing import Any

import jax.numpy as jnp

from aejax.data.types import Spec
from aejax.models.parts import counts, losses
from aejax.models.vae.types import Likelihood

SUPPORTS = ("binary", "counts")


def make(config: Any, spec: Spec) -> Likelihood:
    """A negative binomial for each feature; θ starts at 1."""
    log_mean, mean = counts.log_mean(config), counts.mean(config, spec)

    def log_prob(params, x, output):
        log_theta = params["likelihood"]["log_theta"]
        return counts.log_negative_binomial(losses.flatten(x), log_mean(x, output), log_theta).sum(axis=-1)

    def sample(params, key, output):
        theta = jnp.exp(params["likelihood"]["log_theta"]).reshape(spec.shape)
        return counts.draw(key, mean(output), theta)

    link, size = counts.link(config, spec), math.prod(spec.shape)
    return Likelihood(lambda key: {"log_theta": jnp.zeros(size)}, log_prob, mean, sample, link=link)
