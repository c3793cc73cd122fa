"""The autoencoder: minimize −log p(x | x_hat), with x_hat = decode(encode(x)) and a code of `latent_dim` units.

Linear without hidden layers, shallow with a sigmoid code, deep with hidden layers. The squared error ‖x − x_hat‖² is,
up to a constant, −log p of a Gaussian with σ² = ½.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from aejax import losses, networks
from aejax.errors import choose
from aejax.types import Autoencoder, Spec


def make(config: Any, spec: Spec) -> Autoencoder:
    """A deterministic autoencoder with the networks and the likelihood of `config.model`."""
    encoder = networks.encoder(config, spec, config.latent_dim)
    decoder = networks.decoder(config, spec)
    code_activation = networks.ACTIVATIONS[
        choose("model.code_activation", config.code_activation, networks.ACTIVATIONS)
    ]
    likelihood = losses.likelihood(config, spec)
    logvar = jnp.float32(math.log(config.variance))

    def init(key: Array):
        encoder_key, decoder_key = jax.random.split(key)
        return {"encoder": encoder.init(encoder_key), "decoder": decoder.init(decoder_key)}, ()

    def encode(params, x):
        return code_activation(encoder.apply(params["encoder"], x))

    def loss(params, stats, key, batch):
        x = batch["x"]
        output = decoder.apply(params["decoder"], encode(params, x))
        reconstruction = -likelihood.log_prob(x, output, logvar).mean()
        return reconstruction, ({"reconstruction": reconstruction}, stats)

    return Autoencoder(
        init=init,
        loss=loss,
        encode=encode,
        decode=lambda params, z: likelihood.mean(decoder.apply(params["decoder"], z)),
    )
