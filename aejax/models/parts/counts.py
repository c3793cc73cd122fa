"""What likelihoods of counts share: the mean of each feature, as a share of the row's total or by itself."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from aejax.data.types import Spec
from aejax.models.parts.losses import flatten
from aejax.types import Link


def log_mean(config: Any) -> Callable[[Array, Array], Float[Array, "B f"]]:
    """The log of the mean count of each feature, from rows x [B, ...] and the decoder's output of the same shape.

    The output is that log; with model.library_size=observed, its softmax shares the row's total among the features
    (Lopez et al. 2018, scVI, with the observed library size).
    """

    def by_feature(x: Array, output: Array) -> Array:
        return flatten(output)

    def by_share(x: Array, output: Array) -> Array:
        total = flatten(x).sum(axis=-1, keepdims=True)
        return jnp.log(jnp.maximum(total, 1.0)) + jax.nn.log_softmax(flatten(output))

    return by_share if config.library_size == "observed" else by_feature


def mean(config: Any, spec: Spec) -> Callable[[Array], Array]:
    """The mean counts of a decoder's output [B, ...]; with an observed library size, of a row with the mean total."""
    log_total = math.log(mean_total(spec))

    def by_share(output: Array) -> Array:
        return jnp.exp(log_total + jax.nn.log_softmax(flatten(output))).reshape(output.shape)

    return by_share if config.library_size == "observed" else jnp.exp


def link(config: Any, spec: Spec) -> tuple[Link, ...]:
    """`mean` in words."""
    size = math.prod(spec.shape)
    return (Link("softmax", size, mean_total(spec)) if config.library_size == "observed" else Link("exp", size),)


def mean_total(spec: Spec) -> float:
    """The mean total of the training rows, above 0."""
    return max(float(spec.mean.sum()), 1e-12)


def log_negative_binomial(
    x: Float[Array, "B f"], log_mean: Float[Array, "B f"], log_theta: Float[Array, " f"]
) -> Float[Array, "B f"]:
    """log p of counts with this mean μ and variance μ + μ² / θ, by feature: nats.

    With r = μ / θ it is log [Γ(x + θ) / (Γ(θ) x!)] + x log (r / (1 + r)) − θ log (1 + r).
    """
    log_theta = jnp.broadcast_to(log_theta, x.shape)
    log_ratio = log_mean - log_theta
    log_sum = jax.nn.softplus(log_ratio)  # log (1 + r), without the cancellation of log (θ + μ) − log θ
    return log_rising(x, log_theta) - jax.lax.lgamma(x + 1.0) + x * (log_ratio - log_sum) - jnp.exp(log_theta) * log_sum


def log_rising(x: Float[Array, "B f"], log_theta: Float[Array, "B f"]) -> Float[Array, "B f"]:
    """log [Γ(x + θ) / Γ(θ)]; from θ = 20 on by Stirling's series, because the two would cancel in float32."""
    theta = jnp.exp(log_theta)
    large = jnp.maximum(theta, 20.0)
    growth = jnp.log1p(x / large)
    series = (large - 0.5) * growth + x * (jnp.log(large) + growth - 1.0) + (1.0 / (x + large) - 1.0 / large) / 12.0
    return jnp.where(theta > 20.0, series, jax.lax.lgamma(x + theta) - jax.lax.lgamma(theta))


def draw(key: Array, mean: Array, theta: Array) -> Array:
    """Counts of a negative binomial: a Poisson whose rate is a Gamma's draw."""
    gamma_key, poisson_key = jax.random.split(key)
    theta = jnp.broadcast_to(theta, mean.shape)
    rate = mean / theta * jax.random.gamma(gamma_key, theta)
    return jax.random.poisson(poisson_key, rate).astype(jnp.float32)
