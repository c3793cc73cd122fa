"""The importance-weighted bound: E log (1/k) Σ w, with w = p(x|z) (p(z) / q(z|x))^beta for k draws from q.

Burda et al. 2015 (arXiv 1509.00519), eq. 8: a bound on log p(x) that tightens as k = `model.num_samples` grows. For
k = 1 it is the ELBO with a Monte Carlo KL. The mean of `model.num_bounds` such bounds is MIWAE (Rainforth et al. 2018,
arXiv 1802.04537). `model.gradient` chooses the gradient estimator. "reparametrized" differentiates the bound; "stl"
drops the score of q, whose mean is zero only for k = 1 (Roeder et al. 2017, arXiv 1703.09194); "dreg" reparametrizes
that score a second time and is unbiased for every k (IWAE-DReG of Tucker et al. 2018, arXiv 1810.04152).
"""

import math
from typing import Any

import jax
from jax import Array, lax

from aejax.errors import UserError
from aejax.models.parts import losses
from aejax.models.vae.types import Bound, Draws, Posterior, Terms, measures


def make(config: Any, posterior: Posterior) -> Bound:
    """The mean of `num_bounds` bounds of `num_samples` draws; raises UserError if the posterior lacks the gradient."""
    shape = config.num_bounds, config.num_samples
    if config.gradient != "reparametrized" and not posterior.gaussian:
        raise UserError(
            f"model.gradient={config.gradient} needs the density of q(z|x) at fixed parameters, which "
            f"model.posterior={config.posterior} lacks: use gradient=reparametrized or posterior=gaussian"
        )

    def loss(evaluate, draws, stats, *, beta):
        if config.gradient != "reparametrized":
            draws = without_score(draws, draws.z)
        if config.gradient == "dreg":
            log_w = lax.stop_gradient(log_weights(evaluate(draws), beta))
            share = jax.nn.softmax(log_w.reshape(*shape, -1), axis=1).reshape(log_w.shape)
            # The gradient through z has the weights (1 − β) w̃ + β w̃² instead of w̃; β = 1 gives the paper's w̃².
            draws = without_score(draws, scale_gradient(draws.z, (1.0 - beta + beta * share)[..., None]))
        terms = evaluate(draws)
        metrics = measures(terms) | {"bound": bound(log_weights(terms, 1.0), shape)}
        return -bound(log_weights(terms, beta), shape), metrics, stats

    return Bound(math.prod(shape), loss)


def log_weights(terms: Terms, beta: float | Array) -> Array:
    """log w of every draw, [M * k, B]: nats."""
    return terms.log_likelihood + beta * (terms.log_prior - terms.draws.log_q)


def bound(log_w: Array, shape: tuple[int, int]) -> Array:
    """Mean of log (1/k) Σ w over examples and M sets, from log w [M * k, B]: nats per example."""
    return (jax.nn.logsumexp(log_w.reshape(*shape, -1), axis=1) - math.log(shape[1])).mean()


def without_score(draws: Draws, z: Array) -> Draws:
    """The draws at z; log q(z|x) varies only with z, because the parameters of q are held fixed in it."""
    mean, logvar = lax.stop_gradient((draws.mean, draws.logvar))
    return draws._replace(z=z, log_q=losses.normal_log_prob(z, mean[None], logvar[None]))


@jax.custom_vjp
def scale_gradient(z: Array, factor: Array) -> Array:
    """z, whose gradient is multiplied by `factor`."""
    return z


scale_gradient.defvjp(
    lambda z, factor: (z, factor), lambda factor, gradient: (factor * gradient, jax.numpy.zeros_like(factor))
)
