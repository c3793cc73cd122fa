"""q(z1, z2|x) = q(z1|x) q(z2|z1), two stochastic layers: z holds z1, which is the code, and z2.

Burda et al. 2015 (arXiv 1509.00519), section 5, eq. 1 to 3. Both conditionals are diagonal Gaussians.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models.parts import losses, networks
from aejax.models.vae.posteriors import gaussian
from aejax.models.vae.types import Draws, Posterior


def make(config: Any, spec: Spec) -> Posterior:
    """Two layers of `latent_dim` and `second_latent_dim` units; raises UserError for a prior with one layer."""
    if config.prior != "two_layer":
        raise UserError(
            "model.posterior=two_layer draws z1 and z2, but "
            f"model.prior={config.prior} has one layer: use --config.model.prior=two_layer"
        )
    first = gaussian.make(config, spec)
    up = networks.mlp(config, (config.latent_dim,), (*config.second_hidden, 2 * config.second_latent_dim))

    def init(key: Array):
        first_key, second_key = jax.random.split(key)
        return {"first": first.init(first_key), "second": up.init(second_key)}

    def below(params):
        return {"encoder": params["encoder"]["first"]}

    def draw(params, key, x, num):
        first_key, second_key = jax.random.split(key)
        z1, log_q1, *_ = first.draw(below(params), first_key, x, num)
        mean, logvar = conditional(up, params["encoder"]["second"], z1)
        z2 = gaussian.draw(second_key, mean, logvar, 1)[0]
        log_q = log_q1 + losses.normal_log_prob(z2, mean, logvar)
        return Draws(jnp.concatenate([z1, z2], axis=-1), log_q, mean, logvar)

    def moments(params, x):
        assert first.moments
        return first.moments(below(params), x)

    def layers(params):
        assert first.layers
        return first.layers(below(params))

    return Posterior(init, draw, lambda params, x: first.encode(below(params), x), moments, layers)


def conditional(net: networks.Network, params: Any, rows: Array) -> tuple[Array, Array]:
    """Mean and logvar [..., k] of a Gaussian; `net` maps rows [..., j] to the mean and log σ."""
    output = net.apply(params, rows.reshape(-1, rows.shape[-1])).reshape(*rows.shape[:-1], -1)
    mean, log_sigma = jnp.split(output, 2, axis=-1)
    return mean, 2.0 * log_sigma
