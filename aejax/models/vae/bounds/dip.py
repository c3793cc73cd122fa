"""DIP-VAE: the ELBO − λ_od Σ_{i≠j} C_ij² − λ_d Σ_i (C_ii − 1)², with C a covariance of the codes over the batch.

Kumar et al. 2018 (arXiv 1711.00848): the aggregate posterior q(z) should have independent units, as the prior has, so
its covariance is pulled towards I. By the law of total covariance it is Cov[mean] + E[diag σ²]. `model.dip` = "means"
penalizes the first term alone (DIP-VAE-I), "codes" the sum (DIP-VAE-II). λ_od is
`objective.dip_off_diagonal` and λ_d is `objective.dip_diagonal`. The covariances are those of the batch, divided by B.
"""

from typing import Any

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from aejax.errors import UserError
from aejax.models.vae.types import Bound, Posterior, measures


def make(config: Any, posterior: Posterior) -> Bound:
    """The ELBO with penalties on the covariance of codes; raises UserError for another posterior or prior."""
    if not posterior.gaussian or config.prior != "standard_normal":
        raise UserError(
            "model.bound=dip pulls the covariance of a Gaussian q(z|x) towards that of N(0, I): use "
            "--config.model.posterior=gaussian --config.model.prior=standard_normal"
        )

    def loss(evaluate, draws, stats, *, beta, dip_off_diagonal, dip_diagonal):
        off_diagonal, diagonal = distances(covariance(draws.mean, draws.logvar, config.dip == "codes"))
        metrics = measures(evaluate(draws))
        penalty = dip_off_diagonal * off_diagonal + dip_diagonal * diagonal
        metrics |= {"covariance_off_diagonal": off_diagonal, "covariance_diagonal": diagonal}
        return metrics["reconstruction"] + beta * metrics["kl"] + penalty, metrics, stats

    return Bound(config.num_samples, loss)


def covariance(mean: Float[Array, "B K"], logvar: Float[Array, "B K"], of_codes: bool) -> Float[Array, "K K"]:
    """The covariance of the posterior means of a batch, or of the codes drawn from all its posteriors."""
    centered = mean - mean.mean(axis=0, keepdims=True)
    of_means = centered.T @ centered / len(mean)
    return of_means + jnp.diag(jnp.exp(logvar).mean(axis=0)) if of_codes else of_means


def distances(covariance: Float[Array, "K K"]) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Σ_{i≠j} C_ij² and Σ_i (C_ii − 1)²."""
    diagonal = jnp.diag(covariance)
    return jnp.square(covariance - jnp.diag(diagonal)).sum(), jnp.square(diagonal - 1.0).sum()
