"""The sparse autoencoder: minimize −log p(x | decode(z)) + λ Ω, z = encode(x), with a penalty Ω on the code's units.

Ω per example, by `model.penalty`: "l1" Σ|z_i|; "l2" Σz_i²; "kl" Σ KL[z₀ ‖ z̄_i] of Bernoullis, z̄_i the mean of z_i
over the batch (Ng 2011, CS294A lecture notes, section 3); "contractive" ‖∂z/∂x‖²_F (Rifai et al. 2011, ICML). In
addition, `model.top_k` keeps the k largest units of each code and sets the others to 0 (Makhzani & Frey 2013, arXiv
1312.5663). Units that start small would never be selected, so k falls from `model.top_k_start` to `model.top_k` as
`selection` rises from 0 to 1. A code could evade "l1" and "l2" by shrinking while the decoder grows.
`model.unit_decoder` prevents this: it fixes the norm of each unit's decoder weights, which sparse coding bounds
(Olshausen & Field 1997). It needs a decoder of one layer.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models import autoencoder
from aejax.models.parts import losses, networks
from aejax.types import Autoencoder

MEMORY = 0.99  # decay of the running mean of the activations


def make(config: Any, spec: Spec) -> Autoencoder:
    """An autoencoder with the penalty and `top_k` of `config.model`; raises UserError for settings that do not fit."""
    check(config)
    net = autoencoder.parts(config, spec)
    one_layer = config.network == "mlp" and not config.hidden

    most = max(config.top_k, config.top_k_start)

    def activate(a, selection=1.0):
        code, k = net.activation(a), config.top_k + (1.0 - selection) * (most - config.top_k)
        return largest(code, k, most) if config.top_k else code

    def encode(params, x):
        return activate(net.preactivation(params, x))

    def bounded(params):
        return {**params, "decoder": networks.unit_rows(params["decoder"])} if config.unit_decoder else params

    def contraction(params, x, a, selection):
        if one_layer:
            matrix = networks.first_matrix(params["encoder"])
            return squared_jacobian_of_layer(lambda a: activate(a, selection), a, matrix)
        return squared_jacobian(lambda x: activate(net.preactivation(params, x), selection), x)

    def penalty(params, x, a, code, target, selection):
        if config.penalty == "l1":
            return jnp.abs(code).sum(axis=-1).mean()
        if config.penalty == "l2":
            return jnp.square(code).sum(axis=-1).mean()
        if config.penalty == "kl":
            return losses.kl_bernoulli(target, code.mean(axis=0)).sum()
        return contraction(params, x, a, selection).mean()

    def loss(params, stats, key, batch, *, sparsity, target_activation=None, selection=1.0):
        a = net.preactivation(params, batch["x"])
        code = activate(a, selection)
        reconstruction = net.error(bounded(params), batch["x"], code).mean()
        omega = penalty(params, batch["x"], a, code, target_activation, selection)
        metrics = {"reconstruction": reconstruction, "penalty": omega, "mean_activation": code.mean()}
        return reconstruction + sparsity * omega, (metrics, remember(stats, code))

    def init(key: Array):
        return net.init(key), {"mean_activation": jnp.zeros(config.latent_dim), "weight": jnp.float32(0.0)}

    return Autoencoder(
        init=init, loss=loss, encode=encode, decode=lambda params, code: net.decode(bounded(params), code)
    )


def check(config: Any) -> None:
    """Raises UserError for settings that contradict each other."""
    if config.top_k > config.latent_dim:
        raise UserError(
            f"model.top_k={config.top_k} is more than model.latent_dim={config.latent_dim}: use at most that many"
        )
    if config.top_k_start and not 0 < config.top_k <= config.top_k_start <= config.latent_dim:
        raise UserError(
            f"model.top_k_start={config.top_k_start} must be 0 or from model.top_k={config.top_k} to "
            f"model.latent_dim={config.latent_dim}, and model.top_k at least 1"
        )
    if config.unit_decoder and (config.network != "mlp" or config.hidden):
        raise UserError(
            "model.unit_decoder needs a decoder of one layer: use --config.model.network=mlp "
            "--config.model.hidden='()', or --config.model.unit_decoder=false"
        )
    if config.penalty == "kl" and config.code_activation != "sigmoid":
        raise UserError(
            f"model.penalty=kl needs activations in (0, 1), not model.code_activation={config.code_activation}: "
            "use --config.model.code_activation=sigmoid"
        )


def largest(code: Float[Array, "B K"], k: int | float | Array, most: int) -> Float[Array, "B K"]:
    """The k (rounded up, at most `most`) largest units of every code, exactly 0 elsewhere; ties go to the first."""
    values, units = jax.lax.top_k(code, most)
    values = jnp.where(jnp.arange(most)[None] < k, values, 0.0)
    return jnp.put_along_axis(jnp.zeros_like(code), units, values, axis=-1, inplace=False)


def squared_jacobian_of_layer(
    activate: Callable[[Array], Array], a: Float[Array, "B K"], matrix: Float[Array, "D K"]
) -> Float[Array, " B"]:
    """‖∂z/∂x‖²_F [B] of z = activate(x @ matrix + b): Σ_i activate'(a_i)² Σ_j matrix_ji² (Rifai et al. 2011)."""
    slope = jax.jvp(activate, (a,), (jnp.ones_like(a),))[1]
    return jnp.square(slope) @ jnp.square(matrix).sum(axis=0)


def squared_jacobian(encode: Callable[[Array], Array], x: Float[Array, "B *shape"]) -> Float[Array, " B"]:
    """‖∂z/∂x‖²_F [B] of any encoder, exact: one pass per unit of the code, or per feature if these are fewer."""
    code, pull = jax.vjp(encode, x)
    features = losses.flatten(x).shape[1]

    def along_unit(direction):
        [gradient] = pull(jnp.broadcast_to(direction[None], code.shape))
        return jnp.square(losses.flatten(gradient)).sum(axis=-1)

    def along_feature(direction):
        tangent = jnp.broadcast_to(direction.reshape(1, *x.shape[1:]), x.shape)
        return jnp.square(jax.jvp(encode, (x,), (tangent,))[1]).sum(axis=-1)

    if code.shape[1] <= features:
        return jax.vmap(along_unit)(jnp.eye(code.shape[1])).sum(axis=0)
    return jax.vmap(along_feature)(jnp.eye(features)).sum(axis=0)


def remember(stats: dict[str, Array], code: Float[Array, "B K"]) -> dict[str, Array]:
    """The exponentially fading sum of the units' batch means [K], and its weight."""
    batch = jax.lax.stop_gradient(code.mean(axis=0))
    return {
        "mean_activation": MEMORY * stats["mean_activation"] + (1.0 - MEMORY) * batch,
        "weight": MEMORY * stats["weight"] + (1.0 - MEMORY),
    }


def running_mean(stats: dict[str, Array]) -> Float[Array, " K"]:
    """The mean activation of every unit [K] over the last hundred steps or so, unbiased from the first step on."""
    return stats["mean_activation"] / stats["weight"]
