"""p(z) uniform on the unit sphere, the limit κ → 0 of a von Mises-Fisher density.

Davidson et al. 2018 (arXiv 1804.00891), section 3.2: KL[q ‖ p] is E log q(z|x) plus the log of the sphere's area.
"""

from typing import Any

import jax
import jax.numpy as jnp

from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models.vae.posteriors.von_mises_fisher import log_area, unit
from aejax.models.vae.types import Divergence, Posterior, Prior


def make(config: Any, spec: Spec, posterior: Posterior) -> Prior:
    """The uniform density in `config.latent_dim` coordinates; raises UserError for a posterior off the sphere."""
    if config.posterior != "von_mises_fisher":
        raise UserError(
            "model.prior=uniform_sphere needs codes on the unit sphere, but model.posterior="
            f"{config.posterior} draws them elsewhere: use --config.model.posterior=von_mises_fisher"
        )
    log_density = -log_area(config.latent_dim)
    return Prior(
        lambda key: {},
        lambda params, z: jnp.full(z.shape[:-1], log_density),
        lambda params, key, num: unit(jax.random.normal(key, (num, config.latent_dim))),
        kl=lambda params, draws: Divergence(draws.expected_log_q - log_density, None, {}),
        everywhere=False,
    )
