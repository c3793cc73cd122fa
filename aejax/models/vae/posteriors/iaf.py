"""q(z|x) by inverse autoregressive flows: z_t = σ_t ⊙ z_{t−1} + (1 − σ_t) ⊙ m_t, from a Gaussian z_0.

Kingma et al. 2016 (arXiv 1606.04934), algorithm 1: [m_t, s_t] of `model.num_flows` masked networks read z_{t−1} and a
context h(x), and σ_t = sigmoid(s_t). Unit i of m_t and s_t sees only the units of z_{t−1} before i, so that
log q(z|x) = log N(z_0; mean, σ²) − Σ_t Σ_i log σ_t,i. The networks are MADEs (aejax/models/made.py) of h and
z, in this order; their hidden layers are as wide as the encoder's (`model.hidden`). The order of the units is reversed
after each flow. The encoder outputs mean, log σ and h, as many units each. s_t starts near 2, as the paper advises, so
that a flow starts near the identity. The code of x is the mean of z_0 pushed through the flows. The posterior is not
Gaussian, so its KL is a mean over draws.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models import made
from aejax.models.parts import losses, networks
from aejax.models.vae.posteriors import gaussian
from aejax.models.vae.types import Draws, Posterior

START = 2.0  # of s_t


def make(config: Any, spec: Spec) -> Posterior:
    """A Gaussian pushed through `num_flows` masked networks that the encoder of `config` conditions."""
    if config.gated:
        raise UserError("model.posterior=iaf does not support gated layers: use --config.model.gated=false")
    k = config.latent_dim
    encoder = networks.encoder(config, spec, 3 * k)
    net = networks.mlp(config, (2 * k,), (*config.hidden, 2 * k), (0.0,) * k + (START,) * k)
    seen = masks(tuple(config.hidden), k)
    names = [f"flow_{number}" for number in range(config.num_flows)]

    def init(key: Array):
        first, *keys = jax.random.split(key, 1 + len(names))
        return {"first": encoder.init(first)} | {name: net.init(key) for name, key in zip(names, keys, strict=True)}

    def heads(params, x):
        """Mean and logvar of z_0, and the context, [B, K] each."""
        mean, log_sigma, context = jnp.split(encoder.apply(params["encoder"]["first"], x), 3, axis=-1)
        return mean, 2.0 * log_sigma, context

    def flows(params):
        """The functions of the flows: rows [h, z] [N, 2K] to m and s [N, 2K]."""
        return [partial(net.apply, networks.masked(params["encoder"][name], seen)) for name in names]

    def draw(params, key, x, num):
        mean, logvar, context = heads(params, x)
        z = gaussian.draw(key, mean, logvar, num)
        log_q = losses.normal_log_prob(z, mean[None], logvar[None])
        z, log_determinant = push(flows(params), z, context)
        return Draws(z, log_q - log_determinant, None, None)

    def encode(params, x):
        mean, _, context = heads(params, x)
        return push(flows(params), mean[None], context)[0][0]

    return Posterior(init, draw, encode, None)


def push(
    flows: Sequence[Callable[[Array], Array]], z: Float[Array, "S B K"], context: Float[Array, "B K"]
) -> tuple[Float[Array, "S B K"], Float[Array, "S B"]]:
    """z after all flows, and the sum of log |det ∂z_t/∂z_{t−1}|."""
    total = jnp.zeros(z.shape[:2])
    for flow in flows:
        rows = jnp.concatenate([jnp.broadcast_to(context[None], z.shape), z], axis=-1)
        m, s = jnp.split(flow(rows.reshape(-1, rows.shape[-1])).reshape(rows.shape), 2, axis=-1)
        sigma = jax.nn.sigmoid(s)
        z = (sigma * z + (1.0 - sigma) * m)[..., ::-1]
        total += jax.nn.log_sigmoid(s).sum(axis=-1)
    return z, total


def masks(widths: tuple[int, ...], k: int) -> list[Float[np.ndarray, "inputs outputs"]]:
    """The masks of a network of a context [k] and z [k] to m and s: the context is the feature that all others see."""
    first, *others = made.masks(widths, 1 + k)
    first = np.concatenate([np.repeat(first[:1], k, axis=0), first[1:]])
    *others, last = [first, *others]
    return [*others, np.tile(last[:, 1:], 2)]
