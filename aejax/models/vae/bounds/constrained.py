"""The ELBO whose KL is held at a target: minimize −E_q log p(x|z) subject to E KL[q(z|x) ‖ p(z)] = C.

The constrained optimization of Rezende & Viola 2018 (GECO, arXiv 1810.00597), with the KL as the constraint and the
reconstruction as the objective. The weight β of the KL is a Lagrange multiplier. After every step its logarithm grows
by kl_rate (KL / C − 1), at most by kl_rate, so that β settles where the KL of a batch is C = `kl_target` on average.
The quotient makes one rate fit all targets. β is carried in the state and starts at 1. The loss is the Lagrangian,
−E_q log p(x|z) + β (KL − C).
"""

from typing import Any

import jax.numpy as jnp
from jax import lax

from aejax.models.vae.types import Bound, Posterior, measures


def make(config: Any, posterior: Posterior) -> Bound:
    """The Lagrangian, averaged over `num_samples` draws; `multiplier` is β."""

    def loss(evaluate, draws, stats, *, kl_target, kl_rate):
        metrics, multiplier = measures(evaluate(draws)), jnp.exp(stats["log_multiplier"])
        value = metrics["reconstruction"] + multiplier * (metrics["kl"] - kl_target)
        excess = jnp.minimum(lax.stop_gradient(metrics["kl"]) / kl_target - 1.0, 1.0)
        stats = {"log_multiplier": stats["log_multiplier"] + kl_rate * excess}
        return value, metrics | {"multiplier": multiplier}, stats

    return Bound(config.num_samples, loss, lambda: {"log_multiplier": jnp.float32(0.0)})
