"""p(x|z) = N(x; mean, σ²) with independent features: σ² fixed at `model.variance`, or found from that start.

With `model.learn_variance`, `model.variance_kind` says how. "one" learns one σ² for all features (Lucas et al. 2019,
arXiv 1911.02469) and "feature" one for each. "optimal" sets σ² to its optimum, the mean squared error of x from the
decoded draws of z (Rybkin et al. 2021, σ-VAE, arXiv 2006.13202); here it is the running mean over about the last
hundred batches, so that evaluation has a σ², too. Its log is params["likelihood"]["logvar"].
"""

import math
from typing import Any

import jax
import jax.numpy as jnp

from aejax.data.types import Spec
from aejax.models.parts import losses, networks
from aejax.models.vae.types import Adaptation, Likelihood
from aejax.types import Link

SUPPORTS = ("categories", "mixed", "binary", "unit", "counts", "real")
MEMORY = 0.99  # decay of the running mean of the squared error
LEAST = math.exp(-12.0)  # the authors' least σ², so that an exact reconstruction has a finite density


def make(config: Any, spec: Spec) -> Likelihood:
    """A Gaussian whose mean is the decoder's output through `config.output_activation`."""
    mean, start = networks.ACTIVATIONS[config.output_activation], jnp.float32(math.log(config.variance))
    kind = config.variance_kind if config.learn_variance else "fixed"

    def init(key):
        if kind == "feature":
            return {"logvar": jnp.broadcast_to(start, spec.shape)}
        return {} if kind == "fixed" else {"logvar": start}

    def logvar(params):
        found = start if kind == "fixed" else params["likelihood"]["logvar"]
        return jax.lax.stop_gradient(found) if kind == "optimal" else found

    def log_prob(params, x, output):
        if kind == "feature":
            logvars = jnp.broadcast_to(logvar(params).reshape(1, -1), (len(x), math.prod(spec.shape)))
            return losses.normal_log_prob(losses.flatten(x), losses.flatten(mean(output)), logvars)
        return losses.gaussian_log_likelihood(x, mean(output), logvar(params))

    def sample(params, key, output):
        sigma = jnp.exp(0.5 * jnp.broadcast_to(logvar(params), output.shape[1:]))
        return mean(output) + sigma[None] * jax.random.normal(key, output.shape)

    size = math.prod(spec.shape)
    link = (Link(config.output_activation, size),)
    return Likelihood(init, log_prob, mean, sample, adaptation(size) if kind == "optimal" else None, link)


def adaptation(features: int) -> Adaptation:
    """σ² as the running mean of the squared error per feature, which follows from σ² and the mean of −log p(x|z)."""

    def update(params, stats, reconstruction):
        logvar = params["likelihood"]["logvar"]
        error = jnp.exp(logvar) * (2.0 * reconstruction / features - math.log(2.0 * math.pi) - logvar)
        return {
            "squared_error": MEMORY * stats["squared_error"] + (1.0 - MEMORY) * error,
            "weight": MEMORY * stats["weight"] + (1.0 - MEMORY),
        }

    def follow(params, stats):
        variance = jnp.maximum(stats["squared_error"] / stats["weight"], LEAST)
        return params | {"likelihood": {"logvar": jnp.log(variance)}}

    return Adaptation(lambda: {"squared_error": jnp.float32(0.0), "weight": jnp.float32(0.0)}, update, follow)
