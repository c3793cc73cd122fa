"""Estimators of the gradient of a variational bound with respect to φ, the parameters of q(z).

The bound is the ELBO, E_q[log p(x, z) − log q(z)], with q(z) = N(mean, σ²) and φ = (mean, log σ); the gradient of its
expectation is not itself the expectation of a gradient, because the distribution of z depends on φ. Either rewrite it
as one (the score function), or draw z = mean + σ ε from an ε that does not depend on φ (the reparametrization trick).
Every estimator takes the noise `epsilon` [L, k] ~ N(0, I) and returns one gradient, from L draws of z; `log_joint` is
log p(x, z) of one z [k]. All are unbiased; they differ in their variance. The last two are for the tighter bound with
L draws, E log (1/L) Σ p(x, z) / q(z), which for L = 1 is the ELBO. In the code `q` is held constant and `phi`, of the
same value, is differentiated; the estimators differ in which of the two is used where.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

LogJoint = Callable[[Array], Array]  # z [k] -> log p(x, z) []
Noise = Float[Array, "L k"]


class Normal(NamedTuple):
    """φ: a Gaussian q(z) with independent units."""

    mean: Float[Array, " k"]
    log_sigma: Float[Array, " k"]


def draw(q: Normal, epsilon: Noise) -> Float[Array, "L k"]:
    """z = mean + σ ε, the reparametrization trick: only ε is random, so z is differentiable in φ."""
    return q.mean[None] + jnp.exp(q.log_sigma)[None] * epsilon


def log_prob(q: Normal, z: Float[Array, "L k"]) -> Float[Array, " L"]:
    """log q(z): nats."""
    standardized = (z - q.mean[None]) * jnp.exp(-q.log_sigma)[None]
    return -(0.5 * jnp.square(standardized) + q.log_sigma[None] + 0.5 * jnp.log(2 * jnp.pi)).sum(axis=-1)


def log_weights(q: Normal, log_joint: LogJoint, z: Float[Array, "L k"]) -> Float[Array, " L"]:
    """log w = log p(x, z) − log q(z), whose mean is the ELBO: nats."""
    return jax.vmap(log_joint)(z) - log_prob(q, z)


def score_function(q: Normal, log_joint: LogJoint, epsilon: Noise, baseline: float | Array = 0.0) -> Normal:
    """mean of (log w − baseline) ∇ log q(z): needs no gradient of log p (Williams 1992; Ranganath et al. 2014).

    The score has mean zero, so a baseline that does not depend on these draws changes the variance but not the mean.
    """
    z = draw(q, epsilon)
    signal = log_weights(q, log_joint, z) - baseline
    return jax.grad(lambda phi: (signal * log_prob(phi, z)).mean())(q)


def reparametrized(q: Normal, log_joint: LogJoint, epsilon: Noise) -> Normal:
    """mean of ∇ log w(mean + σ ε): the gradient goes through z (Kingma & Welling 2013, section 2.4)."""
    return jax.grad(lambda phi: log_weights(phi, log_joint, draw(phi, epsilon)).mean())(q)


def sticking_the_landing(q: Normal, log_joint: LogJoint, epsilon: Noise) -> Normal:
    """STL: drops ∂ log q/∂φ at fixed z, whose mean is 0; no variance if q is the posterior (Roeder et al. 2017)."""
    return jax.grad(lambda phi: log_weights(q, log_joint, draw(phi, epsilon)).mean())(q)


def importance_weighted(q: Normal, log_joint: LogJoint, epsilon: Noise) -> Normal:
    """∇ log mean w(mean + σ ε), for the tighter bound with L draws (Burda et al. 2015, section 3).

    Its signal falls faster than its noise: the signal-to-noise ratio decreases as 1/√L (Rainforth et al. 2018).
    """
    return jax.grad(lambda phi: log_mean(log_weights(phi, log_joint, draw(phi, epsilon))))(q)


def doubly_reparametrized(q: Normal, log_joint: LogJoint, epsilon: Noise) -> Normal:
    """DReG: Σ w̃² ∂log w/∂z ∂z/∂φ with w̃ = w / Σ w, for the same bound (Tucker et al. 2018); for L = 1 it is STL.

    The score term that w̃ leaves is reparametrized a second time, so the signal-to-noise ratio grows as √L.
    """
    share = jax.nn.softmax(log_weights(q, log_joint, draw(q, epsilon)))
    return jax.grad(lambda phi: (jnp.square(share) * log_weights(q, log_joint, draw(phi, epsilon))).sum())(q)


def log_mean(log_w: Float[Array, " L"]) -> Float[Array, ""]:
    """log of the mean weight, the bound that L draws give on log p(x): nats (Burda et al. 2015, section 3)."""
    return jax.nn.logsumexp(log_w) - jnp.log(len(log_w))
