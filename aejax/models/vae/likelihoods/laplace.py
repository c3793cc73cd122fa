"""p(x|z) = Laplace(x; mean, b): heavier tails than a Gaussian's, with the variance 2 b² = `model.variance`, or learned.

params["likelihood"]["logvar"] is the log of the learned variance.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp

from aejax.data.types import Spec
from aejax.models.parts import losses, networks
from aejax.models.vae.types import Likelihood
from aejax.types import Link

SUPPORTS = ("categories", "mixed", "binary", "unit", "counts", "real")


def make(config: Any, spec: Spec) -> Likelihood:
    """A Laplace density whose location is the decoder's output through `config.output_activation`."""
    mean, start = networks.ACTIVATIONS[config.output_activation], jnp.float32(math.log(config.variance))

    def scale(params):
        logvar = params["likelihood"]["logvar"] if config.learn_variance else start
        return jnp.exp(0.5 * (logvar - math.log(2.0)))

    def log_prob(params, x, output):
        distance = jnp.abs(losses.flatten(x) - losses.flatten(mean(output)))
        return -(distance / scale(params) + jnp.log(2.0 * scale(params))).sum(axis=-1)

    def sample(params, key, output):
        return mean(output) + scale(params) * jax.random.laplace(key, output.shape)

    link = (Link(config.output_activation, math.prod(spec.shape)),)
    return Likelihood(lambda key: {"logvar": start} if config.learn_variance else {}, log_prob, mean, sample, link=link)
