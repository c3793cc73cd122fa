"""The variational autoencoder: maximize E_q(z|x) log p(x|z) − β KL[q(z|x) ‖ N(0, I)].

Kingma & Welling 2013 (arXiv 1312.6114), eq. 10, with the reparametrized z = mean + σ ε of section 2.4; the weight β
(the lecture's λ) is that of Higgins et al. 2017, eq. 4. The encoder's second head is log σ, as in the lecture.
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
    """A VAE with a diagonal Gaussian posterior and the likelihood of `config.model`."""
    encoder = networks.encoder(config, spec, 2 * config.latent_dim)
    decoder = networks.decoder(config, spec)
    choose("model.likelihood", config.likelihood, losses.DENSITIES)
    likelihood = losses.likelihood(config, spec)
    start = jnp.float32(math.log(config.variance))

    def init(key: Array):
        encoder_key, decoder_key = jax.random.split(key)
        params = {"encoder": encoder.init(encoder_key), "decoder": decoder.init(decoder_key)}
        return params | ({"logvar_x": start} if config.learn_variance else {}), ()

    def posterior(params, x):
        mean, log_sigma = jnp.split(encoder.apply(params["encoder"], x), 2, axis=-1)
        return mean, 2.0 * log_sigma

    def loss(params, stats, key, batch, *, beta):
        x = batch["x"]
        mean, logvar = posterior(params, x)
        epsilon = jax.random.normal(key, (config.num_samples, *mean.shape))
        z = mean[None] + jnp.exp(0.5 * logvar)[None] * epsilon
        # All L x B codes pass the decoder as one batch of rows: a vmap over L costs a sixth of the step on CPU.
        output = decoder.apply(params["decoder"], z.reshape(-1, config.latent_dim)).reshape(-1, *x.shape)
        logvar_x = params["logvar_x"] if config.learn_variance else start
        reconstruction = -jax.vmap(likelihood.log_prob, (None, 0, None))(x, output, logvar_x).mean()
        kl = losses.kl_standard_normal(mean, logvar).sum(axis=-1).mean()
        metrics = {"reconstruction": reconstruction, "kl": kl, "elbo": -(reconstruction + kl)}
        return reconstruction + beta * kl, (metrics, stats)

    return Autoencoder(
        init=init,
        loss=loss,
        encode=lambda params, x: posterior(params, x)[0],
        decode=lambda params, z: likelihood.mean(decoder.apply(params["decoder"], z)),
        posterior=posterior,
        sample_prior=lambda params, key, num: jax.random.normal(key, (num, config.latent_dim)),
    )
