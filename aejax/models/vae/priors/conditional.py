"""p(z|c) = N(mean(c), exp(logvar(c))): a Gaussian whose moments are linear in the conditions c, from N(0, I) on.

Sohn et al. 2015 (NeurIPS, "Learning structured output representation using deep conditional generative models"),
eq. 4, condition the prior on the input too. For one category, linear means a Gaussian of its own for each.
"""

from typing import Any

import jax.numpy as jnp
from jax import Array

from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models.parts import losses
from aejax.models.vae.posteriors import gaussian
from aejax.models.vae.types import Posterior, Prior


def make(config: Any, spec: Spec, posterior: Posterior) -> Prior:
    """A Gaussian for each row's conditions; raises UserError without conditions."""
    if not spec.conditions:
        raise UserError(
            "model.prior=conditional needs conditions: name their columns in data.condition_columns, or use "
            "--config.model.prior=standard_normal"
        )

    def init(key: Array):
        return {
            "matrix": jnp.zeros((spec.num_conditions, 2 * config.latent_dim)),
            "bias": jnp.zeros(2 * config.latent_dim),
        }

    def at(params, c):
        """The parameters with the moments [B, K] at the conditions c [B, C] in place of the linear map."""
        moments = jnp.split(c @ params["prior"]["matrix"] + params["prior"]["bias"][None], 2, axis=-1)
        return params | {"prior": dict(zip(("mean", "logvar"), moments, strict=True))}

    def moments(params):
        return params["prior"]["mean"], params["prior"]["logvar"]

    def log_prob(params, z):
        mean, logvar = (jnp.broadcast_to(moment, z.shape) for moment in moments(params))
        return losses.normal_log_prob(z, mean, logvar)

    return Prior(
        init,
        log_prob,
        lambda params, key, num: gaussian.draw(key, *moments(params), 1)[0],
        kl_of_units=lambda params, mean, logvar: losses.kl_normal(mean, logvar, *moments(params)),
        at=at,
    )
