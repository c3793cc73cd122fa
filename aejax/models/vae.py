"""The variational autoencoder: maximize E_q(z|x) log p(x|z) − β KL[q(z|x) ‖ N(0, I)].

Kingma & Welling 2013 (arXiv 1312.6114), eq. 10, with the reparametrized z = mean + σ ε of section 2.4; the weight β
(the lecture's λ) is that of Higgins et al. 2017, eq. 4. The encoder's second head is log σ, as in the lecture. With
`free_bits` the KL of a unit, averaged over the batch, costs nothing below that many nats: Σ_i max(free_bits, KL_i)
(Kingma et al. 2016, arXiv 1606.04934, eq. 15).
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from aejax import losses, networks
from aejax.errors import UserError, choose
from aejax.types import Autoencoder, Params, Spec


class Parts(NamedTuple):
    """What every VAE with a diagonal Gaussian posterior is made of."""

    init: Callable[[Array], Params]  # (key)
    posterior: Callable[[Params, Array], tuple[Array, Array]]  # (params, x[B, ...]) -> mean, logvar [B, K]
    log_likelihood: Callable[[Params, Array, Array], Array]  # (params, x[B, ...], z[S, B, K]) -> log p(x|z) [S, B]
    decode: Callable[[Params, Array], Array]  # (params, z[B, K]) -> mean of p(x|z) [B, ...]


def parts(config: Any, spec: Spec) -> Parts:
    """The networks and the likelihood of `config.model`; raises UserError for unknown names."""
    encoder = networks.encoder(config, spec, 2 * config.latent_dim)
    decoder = networks.decoder(config, spec)
    choose("model.likelihood", config.likelihood, losses.DENSITIES)
    likelihood = losses.likelihood(config, spec)
    start = jnp.float32(math.log(config.variance))

    def init(key: Array):
        encoder_key, decoder_key = jax.random.split(key)
        params = {"encoder": encoder.init(encoder_key), "decoder": decoder.init(decoder_key)}
        return params | ({"logvar_x": start} if config.learn_variance else {})

    def posterior(params, x):
        mean, log_sigma = jnp.split(encoder.apply(params["encoder"], x), 2, axis=-1)
        return mean, 2.0 * log_sigma

    def log_likelihood(params, x, z):
        # All S x B codes pass the decoder as one batch of rows: a vmap over S costs a sixth of the step on CPU.
        output = decoder.apply(params["decoder"], z.reshape(-1, config.latent_dim)).reshape(len(z), *x.shape)
        logvar_x = params["logvar_x"] if config.learn_variance else start
        return jax.vmap(likelihood.log_prob, (None, 0, None))(x, output, logvar_x)

    def decode(params, z):
        return likelihood.mean(decoder.apply(params["decoder"], z))

    return Parts(init, posterior, log_likelihood, decode)


def make(config: Any, spec: Spec) -> Autoencoder:
    """A VAE with a diagonal Gaussian posterior and the likelihood of `config.model`."""
    net = parts(config, spec)
    check_prior(config)

    def loss(params, stats, key, batch, *, beta, free_bits):
        x = batch["x"]
        mean, logvar = net.posterior(params, x)
        z = draw(key, mean, logvar, config.num_samples)
        reconstruction = -net.log_likelihood(params, x, z).mean()
        kl_of_units = losses.kl_standard_normal(mean, logvar).mean(axis=0)
        kl = kl_of_units.sum()
        metrics = {"reconstruction": reconstruction, "kl": kl, "elbo": -(reconstruction + kl)}
        return reconstruction + beta * jnp.maximum(kl_of_units, free_bits).sum(), (metrics, stats)

    def log_weights(params, key, x, num_samples):
        mean, logvar = net.posterior(params, x)
        z = draw(key, mean, logvar, num_samples)
        log_q = losses.normal_log_prob(z, mean[None], logvar[None])
        return net.log_likelihood(params, x, z) + losses.standard_normal_log_prob(z) - log_q

    return Autoencoder(
        init=lambda key: (net.init(key), ()),
        loss=loss,
        encode=lambda params, x: net.posterior(params, x)[0],
        decode=net.decode,
        posterior=net.posterior,
        sample_prior=lambda params, key, num: jax.random.normal(key, (num, config.latent_dim)),
        log_weights=log_weights,
        log_prior=lambda params, z: losses.standard_normal_log_prob(z),
        kl_of_units=lambda params, x: losses.kl_standard_normal(*net.posterior(params, x)),
    )


def check_prior(config: Any) -> None:
    """Raises UserError for a learned prior, where the model has N(0, I)."""
    if config.prior != "standard_normal":
        raise UserError(f"model.prior={config.prior} needs model.name=mixture_vae: a {config.name} has N(0, I)")


def draw(key: Array, mean: Array, logvar: Array, num_samples: int) -> Array:
    """z = mean + σ ε, `num_samples` of every row: [S, B, K]."""
    epsilon = jax.random.normal(key, (num_samples, *mean.shape))
    return mean[None] + jnp.exp(0.5 * logvar)[None] * epsilon
