"""p(z) = N(0, I); Kingma & Welling 2013 (arXiv 1312.6114), appendix B, give the KL of a Gaussian from it."""

from typing import Any

import jax

from aejax.data.types import Spec
from aejax.models.parts import losses
from aejax.models.vae.types import Posterior, Prior


def make(config: Any, spec: Spec, posterior: Posterior) -> Prior:
    """N(0, I) with `config.latent_dim` units."""
    return Prior(
        lambda key: {},
        lambda params, z: losses.standard_normal_log_prob(z),
        lambda params, key, num: jax.random.normal(key, (num, config.latent_dim)),
        kl_of_units=lambda params, mean, logvar: losses.kl_standard_normal(mean, logvar),
    )
