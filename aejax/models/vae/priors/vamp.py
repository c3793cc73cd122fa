"""The VampPrior: p(z) = (1/C) Σ q(z|u_c), the mean posterior of C = `model.num_components` learned pseudo-inputs u_c.

Tomczak & Welling 2018 (arXiv 1705.07120), eq. 9. The KL has no closed form, so it is a mean over draws.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models.vae.priors import mixture
from aejax.models.vae.types import Posterior, Prior


def make(config: Any, spec: Spec, posterior: Posterior) -> Prior:
    """A VampPrior for a Gaussian posterior; raises UserError for another posterior or a conditional encoder."""
    num, moments = config.num_components, posterior.moments
    if not posterior.gaussian or not moments:
        raise UserError(
            f"model.prior=vamp needs the density of q(z|u) at any z, which model.posterior={config.posterior} lacks: "
            "use --config.model.posterior=gaussian, or --config.model.prior=mixture"
        )
    if spec.conditions and config.condition_encoder:
        raise UserError(
            "model.prior=vamp has pseudo-inputs without conditions: use --config.model.condition_encoder=false, or "
            "--config.model.prior=conditional"
        )

    def init(key: Array):
        return {"pseudo_inputs": free(spec)[None] + jax.random.normal(key, (num, *spec.shape))}

    def components(params) -> mixture.Components:
        return jnp.full(num, -math.log(num)), *moments(params, bounded(params["prior"]["pseudo_inputs"], spec))

    return Prior(
        init,
        lambda params, z: mixture.log_prob(components(params), z),
        lambda params, key, n: mixture.sample(components(params), key, n),
    )


def free(spec: Spec) -> Float[Array, "*shape"]:
    """The training mean [*shape] as an unbounded parameter.

    For data in [0, 1], the logits of it within [0.01, 0.99]; for counts, what softplus turns into it, at least 0.01.
    """
    if spec.support == "counts":
        mean = np.maximum(spec.mean, 0.01)
        return jnp.asarray(mean + np.log(-np.expm1(-mean)))  # log(exp(mean) - 1) overflows from 89 on
    if not spec.bounded:
        return jnp.asarray(spec.mean)
    mean = np.clip(spec.mean, 0.01, 0.99)
    return jnp.asarray(np.log(mean / (1.0 - mean)))


def bounded(parameters: Float[Array, "C *shape"], spec: Spec) -> Float[Array, "C *shape"]:
    """Pseudo-inputs in data units. A sigmoid keeps them in [0, 1]: the authors' hard tanh has no slope outside."""
    if spec.support == "counts":
        return jax.nn.softplus(parameters)
    return jax.nn.sigmoid(parameters) if spec.bounded else parameters
