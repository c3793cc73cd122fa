"""The β-TC bound: E log p(x|z) − I(x; z) − β KL[q(z) ‖ Π q(z_k)] − Σ KL[q(z_k) ‖ p(z_k)].

Chen et al. 2018 (arXiv 1802.04942), section 3.2 with α = γ = 1. q(z) is the mean of q(z|x) over the data. The last
three terms split the VAE's KL, and β weights only the second, the total correlation. log q(z) and log q(z_k) are
computed as if the batch were the data set: log (1/B) Σ_j q(z|x_j). The paper's minibatch-weighted sampling (section
3.1) has 1/(N B) instead of 1/B. This subtracts the constant log N, which changes no gradient; it changes I(x; z) by
log N, the total correlation by (K − 1) log N, and the last term by K log N.

As reported here, the terms add up exactly to the Monte Carlo KL. I(x; z) is capped at log B. If the code is more
informative, the excess goes to the total correlation when only the joint code identifies the row (it is then too large
by up to log(N/B)), or to the last term when each unit does (the total correlation is then too small). Compare terms of
equal batches only: `train.batch_size` in training, `evaluate.batch_size` on other rows.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from aejax.errors import UserError
from aejax.models.parts import losses
from aejax.models.vae.types import Bound, Posterior, measures


def make(config: Any, posterior: Posterior) -> Bound:
    """The ELBO with beta on the total correlation alone; raises UserError for another posterior or prior."""
    if not posterior.gaussian or config.prior != "standard_normal":
        raise UserError(
            "model.bound=beta_tc splits the KL of a Gaussian q(z|x) from N(0, I): use "
            "--config.model.posterior=gaussian --config.model.prior=standard_normal"
        )

    def loss(evaluate, draws, stats, *, beta):
        terms = evaluate(draws)
        # One draw after the other: a vmap over them costs three times as much on CPU.
        split = lax.map(lambda z: decomposed(z, draws.mean, draws.logvar), draws.z)
        mi, tc, dimension_kl = (term.mean() for term in split)
        metrics = measures(terms) | {"index_code_mi": mi, "total_correlation": tc, "dimension_kl": dimension_kl}
        return metrics["reconstruction"] + mi + beta * tc + dimension_kl, metrics, stats

    return Bound(config.num_samples, loss)


def decomposed(
    z: Float[Array, "B K"], mean: Float[Array, "B K"], logvar: Float[Array, "B K"]
) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
    """Estimates of I(x; z), the total correlation and Σ KL[q(z_k) ‖ N(0, 1)] from one draw of z per row: nats."""
    # log q(z_k of row i | x_j), [K, B, B]: units first, which is twice as fast on CPU as units last.
    (unit_z, unit_mean, unit_logvar), log_b = (values.T[:, :, None] for values in (z, mean, logvar)), math.log(len(z))
    squared = jnp.square(unit_z - unit_mean.mT) * jnp.exp(-unit_logvar.mT)
    log_pairs = -0.5 * (squared + unit_logvar.mT + math.log(2.0 * math.pi))
    log_conditional = losses.normal_log_prob(z, mean, logvar)
    log_joint = jax.nn.logsumexp(log_pairs.sum(axis=0), axis=-1) - log_b
    log_product = (jax.nn.logsumexp(log_pairs, axis=-1) - log_b).sum(axis=0)
    log_prior = losses.standard_normal_log_prob(z)
    return (log_conditional - log_joint).mean(), (log_joint - log_product).mean(), (log_product - log_prior).mean()
