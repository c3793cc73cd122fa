"""Which units of a code are active, by `model.selection`; the others are exactly 0.

"top_k" keeps the k largest units of each code (Makhzani & Frey 2013, arXiv 1312.5663); "batch_top_k" keeps the B k
largest of a batch of B codes, and after training the units above θ, the mean of the smallest kept unit (Bussmann et al.
2024, arXiv 2412.06410); "jump_relu" keeps the units above a learned threshold each, z = a H(a − θ)
(Rajamanoharan et al. 2024, arXiv 2407.14435). H is a step, so θ has a pseudo-derivative instead:
∂H(a − θ)/∂θ = −K((a − θ) / ε) / ε, and θ times that for z, with K = 1 within ½ of 0 and ε the bandwidth.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Bool, Float

from aejax.types import Layer, Params


class Selection(NamedTuple):
    """How the active units are chosen."""

    params: Params  # the entries of its own in the model's, at the start
    train: Callable[..., Array]  # (params, a[B, K], selection, bandwidth) -> code[B, K]
    encode: Callable[[Params, Array], Array]  # (params, a[B, K]) -> code[B, K], each row for itself
    layers: Callable[[Params], tuple[Layer, ...]]  # (params) -> encode as a list of layers


def make(config: Any) -> Selection:
    """The rule of `model.selection`; all units are active if it needs `model.top_k`, and that is 0."""

    def layer(kind, **arrays):
        return (Layer(kind, arrays, "identity", (config.latent_dim,)),)

    if config.selection == "jump_relu":
        start = jnp.full(config.latent_dim, math.log(config.initial_threshold))
        return Selection(
            params={"log_threshold": start},
            train=lambda params, a, _, bandwidth: jump_relu(a, threshold(params), bandwidth),
            encode=lambda params, a: jnp.where(a > threshold(params), a, 0.0),
            layers=lambda params: layer("above", threshold=threshold(params)[0]),
        )
    most = max(config.top_k, config.top_k_start)

    def k_of(selection):
        return config.top_k + (1.0 - selection) * (most - config.top_k)

    if config.selection == "batch_top_k":
        return Selection(
            params={"threshold": jnp.float32(0.0)},
            train=lambda params, a, selection, _: largest_of_batch(a, k_of(selection), most),
            encode=lambda params, a: jnp.where(a > params["threshold"], a, 0.0),
            layers=lambda params: layer("above", threshold=params["threshold"]),
        )

    def keep(params, a, selection=1.0, bandwidth=None):
        return largest(a, k_of(selection), most) if config.top_k else a

    def layers(params):
        return layer("largest", k=jnp.float32(config.top_k)) if config.top_k else ()

    return Selection(params={}, train=keep, encode=keep, layers=layers)


def largest(code: Float[Array, "B K"], k: int | float | Array, most: int) -> Float[Array, "B K"]:
    """The k (rounded up, at most `most`) largest units of every code, exactly 0 elsewhere; ties go to the first."""
    values, units = lax.top_k(code, most)
    values = jnp.where(jnp.arange(most)[None] < k, values, 0.0)
    return jnp.put_along_axis(jnp.zeros_like(code), units, values, axis=-1, inplace=False)


def largest_of_batch(code: Float[Array, "B K"], k: int | float | Array, most: int) -> Float[Array, "B K"]:
    """The B k largest units of all B codes together, exactly 0 elsewhere."""
    num = len(code)
    return largest(code.reshape(1, -1), num * k, num * most).reshape(code.shape)


def largest_dead(a: Float[Array, "B K"], dead: Bool[Array, " K"], most: int) -> Float[Array, "B K"]:
    """The largest `most` of the dead units of every code, or all of them if they are fewer; exactly 0 elsewhere."""
    return largest(jnp.where(dead[None], a, -jnp.inf), dead.sum(), most)


def threshold(params: Params) -> Float[Array, "1 K"]:
    """The thresholds θ of "jump_relu", which are positive."""
    return jnp.exp(params["log_threshold"])[None]


def smallest_kept(code: Float[Array, "B K"], otherwise: Float[Array, ""]) -> Float[Array, ""]:
    """The smallest unit of a batch that is not 0, or `otherwise` if all are."""
    smallest = jnp.where(code != 0.0, code, jnp.inf).min()
    return jnp.where(jnp.isfinite(smallest), smallest, otherwise)


@jax.custom_jvp
def step(a: Float[Array, "B K"], threshold: Float[Array, "1 K"], bandwidth: Float[Array, ""]) -> Float[Array, "B K"]:
    """H(a − θ): 1 above the threshold, else 0; only θ has a (pseudo-)derivative."""
    return (a > threshold).astype(a.dtype)


@step.defjvp
def _step_jvp(primals, tangents):
    a, threshold, bandwidth = primals
    kernel = (jnp.abs(a - threshold) < 0.5 * bandwidth) / bandwidth
    return step(a, threshold, bandwidth), -kernel * tangents[1]


def jump_relu(
    a: Float[Array, "B K"], threshold: Float[Array, "1 K"], bandwidth: Float[Array, ""]
) -> Float[Array, "B K"]:
    """a H(a − θ), whose derivative in θ is θ times that of the step."""
    on = step(a, threshold, bandwidth)
    fixed = lax.stop_gradient(on)
    return a * fixed + lax.stop_gradient(threshold) * (on - fixed)
