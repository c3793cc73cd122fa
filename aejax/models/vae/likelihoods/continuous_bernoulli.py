"""p(x|z) of grey values in [0, 1]: the Bernoulli's formula, normalized to be a density on the interval.

Loaiza-Ganem & Cunningham 2019 (arXiv 1907.06845), eq. 3: p(x) = C(λ) λˣ (1 − λ)¹⁻ˣ. In the logit l of λ, the constant
is C = l / tanh(l / 2), and 2 at l = 0.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from aejax.data.types import Spec
from aejax.models.parts import losses
from aejax.models.vae.types import Likelihood
from aejax.types import Link

SUPPORTS = ("unit",)
NEAR = 0.1  # logits nearer to 0 take the Taylor series, because the closed forms divide 0 by 0


def make(config: Any, spec: Spec) -> Likelihood:
    """A continuous Bernoulli for each feature, given its logit."""

    def log_prob(params, x, output):
        return losses.bernoulli_log_likelihood(x, output) + log_constant(losses.flatten(output)).sum(axis=-1)

    link = (Link("continuous_bernoulli", math.prod(spec.shape)),)
    return Likelihood(lambda key: {}, log_prob, mean, lambda params, key, output: draw(key, output), link=link)


def split(logit: Array) -> tuple[Array, Array]:
    """Whether a logit is near 0, and the logit with 1 in place of such, so that gradients stay finite."""
    near = jnp.abs(logit) < NEAR
    return near, jnp.where(near, 1.0, logit)


def log_constant(logit: Array) -> Array:
    """log C of each logit."""
    near, far = split(logit)
    size = jnp.abs(far)
    closed = jnp.log(size) + jnp.log1p(jnp.exp(-size)) - jnp.log(-jnp.expm1(-size))
    return jnp.where(near, jnp.log(2.0) + logit**2 / 12.0 - 7.0 * logit**4 / 1440.0, closed)


def mean(logit: Array) -> Array:
    """E x: 1 / (1 − e⁻ˡ) − 1 / l (eq. 8)."""
    near, far = split(logit)
    return jnp.where(near, 0.5 + logit / 12.0 - logit**3 / 720.0, -1.0 / jnp.expm1(-far) - 1.0 / far)


def draw(key: Array, logit: Array) -> Array:
    """Draws by the inverse of the distribution function, which is symmetric in x and the sign of the logit."""
    uniform = jax.random.uniform(key, logit.shape)
    near, far = split(logit)
    size = jnp.abs(far)
    above = 1.0 + jnp.log(uniform + (1.0 - uniform) * jnp.exp(-size)) / size
    return jnp.where(near, uniform, jnp.where(logit > 0.0, above, 1.0 - above))
