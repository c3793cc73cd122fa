"""The evidence lower bound: E_q log p(x|z) − beta KL[q(z|x) ‖ p(z)].

Kingma & Welling 2013 (arXiv 1312.6114), eq. 10; the weight beta (the lecture's λ) is from Higgins et al. 2017, eq. 4.
With `free_bits`, the KL of a unit, averaged over the batch, is not penalized below that many nats:
Σ_i max(free_bits, KL_i) (Kingma et al. 2016, arXiv 1606.04934, eq. 15).
"""

from typing import Any

import jax.numpy as jnp

from aejax.models.vae.types import Bound, Posterior, measures


def make(config: Any, posterior: Posterior) -> Bound:
    """The ELBO, averaged over `num_samples` draws."""

    def loss(evaluate, draws, stats, *, beta, free_bits=0.0):
        terms = evaluate(draws)
        metrics, units = measures(terms), terms.kl.units
        rate = metrics["kl"] if units is None else jnp.maximum(units.mean(axis=0), free_bits).sum()
        return metrics["reconstruction"] + beta * rate, metrics, stats

    return Bound(config.num_samples, loss)
