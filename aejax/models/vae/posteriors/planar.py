"""q(z|x) for z = f_F(... f_1(z_0)): planar flows f applied to a Gaussian z_0.

Rezende & Mohamed 2015 (arXiv 1505.05770): q0(z_0|x) = N(mean, σ²) is pushed through F = `model.num_flows` planar flows
z + u tanh(wᵀz + b), their eq. 10, with the determinant of eq. 12; with the elbo and beta = 1 the bound is their eq. 15.
The encoder outputs u, w and b of every flow for every example. The posterior is not Gaussian, so its KL is a mean over
draws, which their noise can make negative. The code of x is the mean of z_0 pushed through the flows; this is close to
the mean of z_F, but not equal to it. Without flows this is the Gaussian posterior, but its KL is still a mean over
draws.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from aejax.data.types import Spec
from aejax.models.parts import losses, networks
from aejax.models.vae.posteriors import gaussian
from aejax.models.vae.types import Draws, Posterior

SHIFT = math.log(math.e - 1.0)  # softplus(SHIFT) = 1


def make(config: Any, spec: Spec) -> Posterior:
    """A Gaussian pushed through `num_flows` planar flows, with parameters from the encoder of `config`."""
    k = config.latent_dim
    encoder = networks.encoder(config, spec, 2 * k + config.num_flows * (2 * k + 1))

    def heads(params, x):
        """Mean and logvar of q0, [B, K] each, and u, w, b of the flows, [F, B, 2K + 1]."""
        mean, log_sigma, flows = jnp.split(encoder.apply(params["encoder"], x), (k, 2 * k), axis=-1)
        return mean, 2.0 * log_sigma, jnp.moveaxis(flows.reshape(len(mean), config.num_flows, 2 * k + 1), 1, 0)

    def draw(params, key, x, num):
        mean, logvar, flows = heads(params, x)
        z = gaussian.draw(key, mean, logvar, num)
        log_q = losses.normal_log_prob(z, mean[None], logvar[None])
        z, log_determinant = push(z, flows)
        return Draws(z, log_q - log_determinant, None, None)

    def encode(params, x):
        mean, _, flows = heads(params, x)
        return push(mean[None], flows)[0][0]

    return Posterior(encoder.init, draw, encode, None)


def push(z: Float[Array, "S B K"], flows: Float[Array, "F B _"]) -> tuple[Float[Array, "S B K"], Float[Array, "S B"]]:
    """z after all flows, and the sum of log |det ∂z_f/∂z_{f−1}|; the last axis of `flows` is u [K], w [K], b."""
    k, total = z.shape[-1], jnp.zeros(z.shape[:2])
    for flow in flows:
        u, w, b = jnp.split(flow, (k, 2 * k), axis=-1)
        z, log_determinant = planar(z, u, w, b[:, 0])
        total += log_determinant
    return z, total


def planar(
    z: Float[Array, "S B K"], u: Float[Array, "B K"], w: Float[Array, "B K"], b: Float[Array, " B"]
) -> tuple[Float[Array, "S B K"], Float[Array, "S B"]]:
    """z + û tanh(wᵀz + b) and its log |det ∂/∂z|; û is u with its part along w changed to be invertible.

    The map is invertible if wᵀû > −1 (appendix A.1), which wᵀû = softplus(wᵀu + c) − 1 ensures for any u. The paper has
    c = 0. Here c = log(e − 1), so that u = 0 gives the identity and û stays bounded as w goes to 0.
    """
    along, norm = (w * u).sum(axis=-1), jnp.maximum(jnp.square(w).sum(axis=-1), 1e-12)
    stretch = jnp.maximum(jax.nn.softplus(along + SHIFT), 1e-6)  # 1 + wᵀû, kept from underflow to 0
    u = u + ((stretch - 1.0 - along) / norm)[:, None] * w
    t = jnp.tanh((z * w[None]).sum(axis=-1) + b[None])
    # 1 + (1 − t²) wᵀû, as a sum of positive terms to avoid cancellation.
    determinant = jnp.square(t) + (1.0 - jnp.square(t)) * stretch[None]
    return z + t[..., None] * u[None], jnp.log(determinant)
