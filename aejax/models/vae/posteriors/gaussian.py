"""q(z|x) = N(mean, σ²) with independent units.

z = mean + σ ε is the reparametrization of Kingma & Welling 2013 (arXiv 1312.6114), section 2.4. The encoder's second
head is log σ, as in the lecture.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from aejax.data.types import Spec
from aejax.models.parts import losses, networks
from aejax.models.vae.types import Draws, Posterior


def make(config: Any, spec: Spec) -> Posterior:
    """A Gaussian with independent units, whose moments come from the encoder of `config`."""
    encoder = networks.encoder(config, spec, 2 * config.latent_dim)

    def moments(params, x):
        mean, log_sigma = jnp.split(encoder.apply(params["encoder"], x), 2, axis=-1)
        return mean, 2.0 * log_sigma

    def draws(params, key, x, num):
        mean, logvar = moments(params, x)
        z = draw(key, mean, logvar, num)
        return Draws(z, losses.normal_log_prob(z, mean[None], logvar[None]), mean, logvar)

    def encode(params, x):
        return moments(params, x)[0]

    def layers(params):
        return networks.ending(encoder.layers(params["encoder"]), units=config.latent_dim)

    return Posterior(encoder.init, draws, encode, moments, layers, gaussian=True)


def draw(key: Array, mean: Float[Array, "*B K"], logvar: Float[Array, "*B K"], num: int) -> Float[Array, "S *B K"]:
    """z = mean + σ ε, with `num` draws for every row."""
    epsilon = jax.random.normal(key, (num, *mean.shape))
    return mean[None] + jnp.exp(0.5 * logvar)[None] * epsilon
