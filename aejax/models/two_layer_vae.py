"""The VAE of two stochastic layers: p(x, z1, z2) = p(x|z1) p(z1|z2) N(z2; 0, I) with q(z1, z2|x) = q(z1|x) q(z2|z1).

Burda et al. 2015 (arXiv 1509.00519), section 5, eq. 1 to 3: maximize E_q [log p(x|z1) − β (log q(z1|x) − log p(z1|z2)
+ KL[q(z2|z1) ‖ N(0, I)])]. All conditionals but p(x|z1) are diagonal Gaussians. The KL of z2 is in closed form, that of
z1 is a mean over draws, because p(z1|z2) depends on z2's: `kl` is unbiased, and by noise below 0 where the true one is
about 0. The code is the mean of q(z1|x): K = `model.latent_dim`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from aejax import losses, networks
from aejax.models import vae
from aejax.types import Autoencoder, Metrics, Params, Spec


class Terms(NamedTuple):
    """What the draws of z1, z2 from q(z1, z2|x) make of log p(x, z1, z2) − log q(z1, z2|x): nats."""

    log_likelihood: Float[Array, "S B"]  # log p(x|z1)
    ratio: Float[Array, "S B"]  # log q(z1|x) − log p(z1|z2)
    second_ratio: Float[Array, "S B"]  # log q(z2|z1) − log p(z2)
    kl_second: Float[Array, "S B"]  # the mean of second_ratio over z2


class Parts(NamedTuple):
    """What a VAE of two stochastic layers is made of."""

    below: vae.Parts  # x and z1
    init: Callable[[Array], Params]  # (key)
    terms: Callable[[Params, Array, Array, int], Terms]  # (params, key, x[B, ...], S)
    sample_prior: Callable[[Params, Array, int], Array]  # (params, key, num) -> z1[num, K]


def parts(config: Any, spec: Spec) -> Parts:
    """The networks of `config.model` for both layers; raises UserError for unknown names and a learned prior."""
    vae.check_prior(config)
    below, hidden = vae.parts(config, spec), tuple(config.second_hidden)
    up = networks.mlp(config, config.latent_dim, (*hidden, 2 * config.second_latent_dim))
    down = networks.mlp(config, config.second_latent_dim, (*reversed(hidden), 2 * config.latent_dim))

    def init(key: Array):
        below_key, up_key, down_key = jax.random.split(key, 3)
        return below.init(below_key) | {"second_encoder": up.init(up_key), "second_decoder": down.init(down_key)}

    def gaussian(net: networks.Network, params: Any, rows: Array) -> tuple[Array, Array]:
        """Mean and logvar [..., k] of a conditional whose network gives the mean and log σ of rows [..., j]."""
        output = net.apply(params, rows.reshape(-1, rows.shape[-1])).reshape(*rows.shape[:-1], -1)
        mean, log_sigma = jnp.split(output, 2, axis=-1)
        return mean, 2.0 * log_sigma

    def terms(params, key, x, num_samples):
        first_key, second_key = jax.random.split(key)
        mean, logvar = below.posterior(params, x)
        z1 = vae.draw(first_key, mean, logvar, num_samples)
        second = gaussian(up, params["second_encoder"], z1)
        z2 = vae.draw(second_key, *second, 1)[0]
        log_p = losses.normal_log_prob(z1, *gaussian(down, params["second_decoder"], z2))
        return Terms(
            log_likelihood=below.log_likelihood(params, x, z1),
            ratio=losses.normal_log_prob(z1, mean[None], logvar[None]) - log_p,
            second_ratio=losses.normal_log_prob(z2, *second) - losses.standard_normal_log_prob(z2),
            kl_second=jax.vmap(losses.kl_standard_normal)(*second).sum(axis=-1),
        )

    def sample_prior(params, key, num):
        second_key, first_key = jax.random.split(key)
        z2 = jax.random.normal(second_key, (num, config.second_latent_dim))
        return vae.draw(first_key, *gaussian(down, params["second_decoder"], z2), 1)[0]

    return Parts(below, init, terms, sample_prior)


def measures(terms: Terms) -> Metrics:
    """The ELBO and its parts, nats per example: the KL of z2 in closed form, of z1 by its draws."""
    reconstruction, kl_second = -terms.log_likelihood.mean(), terms.kl_second.mean()
    kl = terms.ratio.mean() + kl_second
    return {"reconstruction": reconstruction, "kl": kl, "elbo": -(reconstruction + kl), "kl_second": kl_second}


def make(config: Any, spec: Spec) -> Autoencoder:
    """A VAE of `config.model` below a VAE of its codes; raises UserError for unknown names."""
    net = parts(config, spec)

    def loss(params, stats, key, batch, *, beta):
        terms = net.terms(params, key, batch["x"], config.num_samples)
        metrics = measures(terms)
        return metrics["reconstruction"] + beta * metrics["kl"], (metrics, stats)

    def log_weights(params, key, x, num_samples):
        terms = net.terms(params, key, x, num_samples)
        return terms.log_likelihood - terms.ratio - terms.second_ratio

    return Autoencoder(
        init=lambda key: (net.init(key), ()),
        loss=loss,
        encode=lambda params, x: net.below.posterior(params, x)[0],
        decode=net.below.decode,
        posterior=net.below.posterior,
        sample_prior=net.sample_prior,
        log_weights=log_weights,
    )
