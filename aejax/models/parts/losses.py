"""Log-likelihoods and divergences: sums over features, nats per example.

The symbols follow Kingma & Welling 2013 (arXiv 1312.6114): x an example, z its code, x_hat its reconstruction.
Constants are kept, so that values of different likelihoods can be compared.
"""

import math

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float


def flatten(rows: Float[Array, "B *features"]) -> Float[Array, "B f"]:
    """[B, ...] to [B, f]; losses flatten first, because XLA's CPU code for [B, 28, 28, 1] is three times as slow."""
    return rows.reshape(rows.shape[0], -1)


@jax.custom_jvp
def _binary_log_prob(x: Array, logits: Array) -> Array:
    return x * logits - jnp.maximum(logits, 0.0) - jnp.log1p(jnp.exp(-jnp.abs(logits)))


# The closed form of the gradient is finite at any logit and costs one sigmoid; automatic differentiation would cost two
# transcendental functions and a select.
@_binary_log_prob.defjvp
def _binary_log_prob_jvp(primals, tangents):
    x, logits = primals
    dx, dlogits = tangents
    return _binary_log_prob(x, logits), (x - jax.nn.sigmoid(logits)) * dlogits + logits * dx


def bernoulli_log_likelihood(x: Float[Array, "B *f"], logits: Float[Array, "B *f"]) -> Float[Array, " B"]:
    """log p(x | logits) of a Bernoulli, x in [0, 1] (a grey value counts as a probability): nats per example, [B]."""
    return _binary_log_prob(flatten(x), flatten(logits)).sum(axis=-1)


def gaussian_log_likelihood(
    x: Float[Array, "B *f"], mean: Float[Array, "B *f"], logvar: Float[Array, ""]
) -> Float[Array, " B"]:
    """log N(x; mean, exp(logvar)) with one variance for all features, as a density: nats per example, [B]."""
    quadratic = jnp.square(flatten(x) - flatten(mean)) * jnp.exp(-logvar)
    return -0.5 * (quadratic + logvar + math.log(2 * math.pi)).sum(axis=-1)


def normal_log_prob(
    z: Float[Array, "*shape k"], mean: Float[Array, "*#shape k"], logvar: Float[Array, "*#shape k"]
) -> Float[Array, "*shape"]:
    """log N(z; mean, exp(logvar)) with independent units, summed over them: nats."""
    return -0.5 * (jnp.square(z - mean) * jnp.exp(-logvar) + logvar + math.log(2 * math.pi)).sum(axis=-1)


def standard_normal_log_prob(z: Float[Array, "*shape k"]) -> Float[Array, "*shape"]:
    """log N(z; 0, I), summed over units: nats."""
    return -0.5 * (jnp.square(z) + math.log(2 * math.pi)).sum(axis=-1)


def squared_error(x: Float[Array, "B *f"], x_hat: Float[Array, "B *f"]) -> Float[Array, " B"]:
    """‖x − x_hat‖²: squared data units per example (not nats), [B]."""
    return jnp.square(flatten(x) - flatten(x_hat)).sum(axis=-1)


def kl_standard_normal(mean: Float[Array, "B k"], logvar: Float[Array, "B k"]) -> Float[Array, "B k"]:
    """KL[N(mean, exp(logvar)) ‖ N(0, 1)] of every unit: nats, [B, k] (Kingma & Welling 2013, appendix B)."""
    return 0.5 * (jnp.square(mean) + jnp.exp(logvar) - logvar - 1.0)


def kl_bernoulli(p: Float[Array, ""], q: Float[Array, " k"]) -> Float[Array, " k"]:
    """KL[Bernoulli(p) ‖ Bernoulli(q)] of every unit: nats, [k]; q is kept 1e-6 away from 0 and 1."""
    q = jnp.clip(q, 1e-6, 1.0 - 1e-6)
    return p * (jnp.log(p) - jnp.log(q)) + (1.0 - p) * (jnp.log1p(-p) - jnp.log1p(-q))


def kl_normal(
    mean0: Float[Array, "*shape"],
    logvar0: Float[Array, "*shape"],
    mean1: Float[Array, "*shape"],
    logvar1: Float[Array, "*shape"],
) -> Float[Array, "*shape"]:
    """KL[N(mean0, exp(logvar0)) ‖ N(mean1, exp(logvar1))] of every unit: nats (the lecture's general Gaussian KL)."""
    return 0.5 * (logvar1 - logvar0 + jnp.exp(logvar0 - logvar1) + jnp.square(mean0 - mean1) * jnp.exp(-logvar1) - 1.0)


def kl_discrete(p: Float[Array, "*shape n"], q: Float[Array, "*shape n"]) -> Float[Array, "*shape"]:
    """KL[p ‖ q] = Σ p log(p / q) over the last axis, of probabilities; infinite if q is 0 and p is not: nats."""
    return jax.scipy.special.rel_entr(p, q).sum(axis=-1)
