"""The ELBO with MMD: −E log p(x|z) + β KL[q(z|x) ‖ N(0, I)] + λ MMD²[q(z), N(0, I)], q(z) the mean of all q(z|x).

Zhao et al. 2017 (InfoVAE, arXiv 1706.02262), whose α and λ give β = 1 − α and here λ = `objective.mmd` = α + λ − 1. For
β = 0 it is the MMD form of Tolstikhin et al. 2018 (WAE, arXiv 1711.01558), for λ = 0 the VAE. MMD² is that of Gretton
et al. 2012 (JMLR 13), lemma 6, with the kernel exp(−‖z − z'‖² / 2K): the mean of ‖z − z'‖² under N(0, I) is 2K. It is
without a unit: λ is in nats. The batch's pairs are a U-statistic; what involves the prior is integrated exactly instead
of drawn, so the estimate is unbiased, below 0 where its noise makes it so, and no noise of the prior is in it.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from aejax.errors import UserError
from aejax.models.vae.types import Bound, Posterior, measures


def make(config: Any, posterior: Posterior) -> Bound:
    """The ELBO with the MMD of the aggregate posterior from N(0, I); raises UserError for another prior."""
    if config.prior != "standard_normal":
        raise UserError(
            f"model.bound=mmd integrates over N(0, I), and model.prior={config.prior} is another: "
            "use --config.model.prior=standard_normal"
        )

    def loss(evaluate, draws, *, beta, mmd):
        metrics = measures(evaluate(draws)) | {"mmd": jax.vmap(squared_mmd)(draws.z).mean()}
        return metrics["reconstruction"] + beta * metrics["kl"] + mmd * metrics["mmd"], metrics

    return Bound(config.num_samples, loss)


def squared_mmd(z: Float[Array, "B K"]) -> Float[Array, ""]:
    """MMD² of the distribution of z and N(0, I), unbiased: E k(z, z') − 2 E k(z, e) + E k(e, e'), e from N(0, I)."""
    num, k = z.shape
    squared = jnp.square(z).sum(axis=-1)
    distances = squared[:, None] + squared[None] - 2.0 * z @ z.T
    kernel = jnp.exp(-jnp.maximum(distances, 0.0) / (2.0 * k)) * (1.0 - jnp.eye(num))
    pairs = kernel.sum() / max(num * (num - 1), 1)  # a single row, such as the last of a split, has none
    # E exp(−‖z − e‖² / 2s) = (s / (s + v))^(K/2) exp(−‖z‖² / 2(s + v)) for e from N(0, v I), here with s = K and v = 1;
    # e − e' has v = 2, at z = 0.
    with_prior = (k / (k + 1.0)) ** (k / 2) * jnp.exp(-squared / (2.0 * (k + 1.0))).mean()
    return pairs - 2.0 * with_prior + (k / (k + 2.0)) ** (k / 2)
