"""p(z1, z2) = p(z1|z2) N(z2; 0, I), two stochastic layers: the prior for the two_layer posterior.

Burda et al. 2015 (arXiv 1509.00519), section 5. The KL of z2 has a closed form. The KL of z1 is a mean over draws,
because p(z1|z2) depends on the draws of z2: `kl` is unbiased, and noise can make it negative.
"""

from typing import Any

import jax
import jax.numpy as jnp

from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models.parts import losses, networks
from aejax.models.vae.posteriors import gaussian
from aejax.models.vae.posteriors.two_layer import conditional
from aejax.models.vae.types import Divergence, Draws, Posterior, Prior


def make(config: Any, spec: Spec, posterior: Posterior) -> Prior:
    """A prior whose p(z1|z2) is a network that mirrors q(z2|z1); raises UserError for a posterior with one layer."""
    if config.posterior != "two_layer":
        raise UserError(
            f"model.prior=two_layer has z1 and z2, but model.posterior={config.posterior} draws one layer: "
            "use --config.model.posterior=two_layer"
        )
    k = config.latent_dim
    down = networks.mlp(config, (config.second_latent_dim,), (*reversed(config.second_hidden), 2 * k))

    def log_conditional(params, z):
        z1, z2 = jnp.split(z, (k,), axis=-1)
        return losses.normal_log_prob(z1, *conditional(down, params["prior"], z2))

    def log_prob(params, z):
        return log_conditional(params, z) + losses.standard_normal_log_prob(z[..., k:])

    def sample(params, key, num):
        second_key, first_key = jax.random.split(key)
        z2 = jax.random.normal(second_key, (num, config.second_latent_dim))
        return gaussian.draw(first_key, *conditional(down, params["prior"], z2), 1)[0]

    def kl(params, draws: Draws) -> Divergence:
        mean, logvar = draws.mean, draws.logvar
        log_q1 = draws.log_q - losses.normal_log_prob(draws.z[..., k:], mean, logvar)
        second = jax.vmap(losses.kl_standard_normal)(mean, logvar).sum(axis=-1)
        return Divergence(log_q1 - log_conditional(params, draws.z) + second, None, {"kl_second": second.mean()})

    return Prior(down.init, log_prob, sample, kl=kl, two_layers=True)
