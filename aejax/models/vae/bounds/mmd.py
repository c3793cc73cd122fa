"""The ELBO with MMD: −E log p(x|z) + β KL[q(z|x) ‖ N(0, I)] + λ MMD²[q(z), N(0, I)], q(z) the mean of all q(z|x).

Zhao et al. 2017 (InfoVAE, arXiv 1706.02262): in terms of their α and λ, β = 1 − α and our λ, `objective.mmd`, is
α + λ − 1. With β = 0 it is the MMD form of Tolstikhin et al. 2018 (WAE, arXiv 1711.01558), with λ = 0 the VAE. MMD²
follows Gretton et al. 2012 (JMLR 13), lemma 6, with the kernel exp(−‖z − z'‖² / 2K), because the mean of ‖z − z'‖² is
2K under N(0, I). It has no unit, so λ is in nats. The batch's pairs form a U-statistic, and the terms that involve the
prior are computed in closed form. The estimate is unbiased and can be slightly negative.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from aejax.errors import UserError
from aejax.models.vae.types import Bound, Posterior, measures


def make(config: Any, posterior: Posterior) -> Bound:
    """The ELBO with the MMD between the aggregate posterior and N(0, I); raises UserError for another prior."""
    if config.prior != "standard_normal":
        raise UserError(
            f"model.bound=mmd needs the prior N(0, I), not model.prior={config.prior}: "
            "use --config.model.prior=standard_normal"
        )

    def loss(evaluate, draws, stats, *, beta, mmd):
        metrics = measures(evaluate(draws)) | {"mmd": jax.vmap(squared_mmd)(draws.z).mean()}
        return metrics["reconstruction"] + beta * metrics["kl"] + mmd * metrics["mmd"], metrics, stats

    return Bound(config.num_samples, loss)


def squared_mmd(z: Float[Array, "B K"]) -> Float[Array, ""]:
    """Unbiased MMD² between the rows z and N(0, I): E k(z, z') − 2 E k(z, e) + E k(e, e'), e and e' from N(0, I)."""
    num, k = z.shape
    squared = jnp.square(z).sum(axis=-1)
    distances = squared[:, None] + squared[None] - 2.0 * z @ z.T
    kernel = jnp.exp(-jnp.maximum(distances, 0.0) / (2.0 * k)) * (1.0 - jnp.eye(num))
    pairs = kernel.sum() / max(num * (num - 1), 1)  # a batch of one row has no pairs
    # E exp(−‖z − e‖² / 2s) = (s / (s + v))^(K/2) exp(−‖z‖² / 2(s + v)) for e from N(0, v I). Here s = K and v = 1; the
    # last term has v = 2 for e − e', and z = 0.
    with_prior = (k / (k + 1.0)) ** (k / 2) * jnp.exp(-squared / (2.0 * (k + 1.0))).mean()
    return pairs - 2.0 * with_prior + (k / (k + 2.0)) ** (k / 2)
