"""p(x|z) = N(x; mean, σ² I) with one variance σ², fixed at `model.variance` or learned from that start.

The learned variance is from Lucas et al. 2019 (arXiv 1911.02469). Its log is params["likelihood"]["logvar"].
"""

import math
from typing import Any

import jax
import jax.numpy as jnp

from aejax.data.types import Spec
from aejax.models.parts import losses, networks
from aejax.models.vae.types import Likelihood

SUPPORTS = ("binary", "unit", "counts", "real")


def make(config: Any, spec: Spec) -> Likelihood:
    """A Gaussian whose mean is the decoder's output through `config.output_activation`."""
    mean, start = networks.ACTIVATIONS[config.output_activation], jnp.float32(math.log(config.variance))

    def logvar(params):
        return params["likelihood"]["logvar"] if config.learn_variance else start

    def sample(params, key, output):
        return mean(output) + jnp.exp(0.5 * logvar(params)) * jax.random.normal(key, output.shape)

    return Likelihood(
        lambda key: {"logvar": start} if config.learn_variance else {},
        lambda params, x, output: losses.gaussian_log_likelihood(x, mean(output), logvar(params)),
        mean,
        sample,
    )
