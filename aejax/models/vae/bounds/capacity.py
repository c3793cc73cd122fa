"""The ELBO with a capacity: −E_q log p(x|z) + beta |KL[q(z|x) ‖ p(z)] − capacity|.

Burgess et al. 2018 (arXiv 1804.03599), eq. 8, where beta is γ and large. `capacity_warmup` lets the capacity rise from
0, so that the code learns one factor after the other.
"""

from typing import Any

import jax.numpy as jnp

from aejax.models.vae.types import Bound, Posterior, measures


def make(config: Any, posterior: Posterior) -> Bound:
    """The ELBO with a penalty for a KL above or below the capacity, averaged over `num_samples` draws."""

    def loss(evaluate, draws, stats, *, beta, capacity):
        metrics = measures(evaluate(draws))
        return metrics["reconstruction"] + beta * jnp.abs(metrics["kl"] - capacity), metrics, stats

    return Bound(config.num_samples, loss)
