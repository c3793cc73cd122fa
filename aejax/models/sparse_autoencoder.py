"""The sparse autoencoder: minimize −log p(x | decode(z)) + λ Ω, z = encode(x), with a penalty Ω on the code's units.

Ω per example, by `model.penalty`: "l1" Σ|z_i|; "l2" Σz_i²; "kl" Σ KL[z₀ ‖ z̄_i] of Bernoullis, z̄_i the mean of z_i
over the batch (Ng 2011, CS294A lecture notes, section 3); "contractive" ‖∂z/∂x‖²_F (Rifai et al. 2011, ICML); "l0" the
number of active units, which trains the thresholds of "jump_relu". In addition, `model.selection` keeps some units and
sets the others to 0, see parts/units.py. Units that start small would never be among the k largest, so k falls from
`model.top_k_start` to `model.top_k` as `objective.selection` rises from 0 to 1.

AuxK revives dead units (Gao et al. 2024, arXiv 2406.04093, section A.2): the loss gains α times the −log p that is left
if ê = W z' is added to the decoder's output, which is then a constant. z' are the `model.aux_k` largest of the units
that were 0 for `objective.dead_after` steps. For ‖x − x_hat‖² with a linear output this is the paper's ‖e − ê‖², where
e = x − x_hat. Each of the `model.prefixes`, such as the first 64 units, must reconstruct x alone; their −log p are
added (Matryoshka, Bussmann et al. 2025, arXiv 2503.17547).

A code could evade "l1" and "l2" by shrinking while the decoder grows. `model.unit_decoder` prevents this: it fixes the
norm of each unit's decoder weights, which sparse coding bounds (Olshausen & Field 1997). It needs a decoder of one
layer, and so does AuxK.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models import autoencoder
from aejax.models.parts import losses, networks, units
from aejax.types import Autoencoder, Params

MEMORY = 0.99  # decay of the running mean of the activations


def make(config: Any, spec: Spec) -> Autoencoder:
    """An autoencoder with the penalty and `top_k` of `config.model`; raises UserError for settings that do not fit."""
    check(config)
    net = autoencoder.parts(config, spec)
    one_layer = config.network == "mlp" and not config.hidden
    chosen = units.make(config)
    narrow = sorted(set(config.prefixes))

    def encode(params, x):
        return chosen.encode(params, net.activation(net.preactivation(params, x)))

    def bounded(params):
        return {**params, "decoder": networks.unit_rows(params["decoder"])} if config.unit_decoder else params

    def contraction(params, x, a, activate):
        if one_layer:
            return squared_jacobian_of_layer(activate, a, networks.first_matrix(params["encoder"]))
        return squared_jacobian(lambda x: activate(net.preactivation(params, x)), x)

    def penalty(params, x, a, code, activate, target, bandwidth):
        if config.penalty == "l1":
            return jnp.abs(code).sum(axis=-1).mean()
        if config.penalty == "l2":
            return jnp.square(code).sum(axis=-1).mean()
        if config.penalty == "kl":
            return losses.kl_bernoulli(target, code.mean(axis=0)).sum()
        if config.penalty == "l0":
            return units.step(net.activation(a), units.threshold(params), bandwidth).sum(axis=-1).mean()
        return contraction(params, x, a, activate).mean()

    def revival(params, x, a, code, dead):
        """−log p of every example [B] if the largest dead units are added to what the decoder made of the code."""
        left = lax.stop_gradient(net.output(params, code))
        z = units.largest_dead(net.activation(a), dead, config.aux_k)
        added = z @ networks.first_matrix(params["decoder"])
        return net.error_of(params, x, left + added.reshape(left.shape))

    def loss(
        params,
        stats,
        key,
        batch,
        *,
        sparsity,
        target_activation=None,
        selection=1.0,
        bandwidth=None,
        aux_weight=0.0,
        dead_after=0.0,
    ):
        x, decoding = batch["x"], bounded(params)
        a = net.preactivation(params, x)

        def activate(a):
            return chosen.train(params, net.activation(a), selection, bandwidth)

        code = activate(a)
        reconstruction = net.error(decoding, x, code).mean()
        omega = penalty(params, x, a, code, activate, target_activation, bandwidth)
        total = reconstruction + sparsity * omega
        metrics = {"reconstruction": reconstruction, "penalty": omega, "mean_activation": code.mean()}
        prefixes = [net.error(decoding, x, code.at[:, width:].set(0.0)).mean() for width in narrow]
        if prefixes:
            total, metrics["prefix_reconstruction"] = total + sum(prefixes), prefixes[0]
        if config.aux_k:
            total += aux_weight * revival(decoding, x, a, code, stats["idle"] >= dead_after).mean()
        return total, (metrics, remember(params, stats, code))

    def init(key: Array):
        stats = {"mean_activation": jnp.zeros(config.latent_dim), "weight": jnp.float32(0.0)}
        stats |= {"threshold": jnp.float32(0.0)} if "threshold" in chosen.params else {}
        stats |= {"idle": jnp.zeros(config.latent_dim)} if config.aux_k else {}
        return net.init(key) | chosen.params, stats

    return Autoencoder(
        init=init,
        loss=loss,
        encode=encode,
        decode=lambda params, code: net.decode(bounded(params), code),
        layers=lambda params: net.layers(bounded(params), *chosen.layers(params)),
        follow=follow if "threshold" in chosen.params else None,
    )


def check(config: Any) -> None:
    """Raises UserError for settings that contradict each other."""
    for key, most in (("top_k", config.top_k), ("aux_k", config.aux_k), ("prefixes", max(config.prefixes, default=0))):
        if most > config.latent_dim:
            raise UserError(
                f"model.{key}={config[key]} is more than model.latent_dim={config.latent_dim}: use at most that many"
            )
    if config.latent_dim in config.prefixes:
        raise UserError(
            f"model.prefixes={config.prefixes} names model.latent_dim={config.latent_dim}, but all units always "
            "reconstruct x: leave it out"
        )
    if config.top_k_start and not 0 < config.top_k <= config.top_k_start <= config.latent_dim:
        raise UserError(
            f"model.top_k_start={config.top_k_start} must be 0 or from model.top_k={config.top_k} to "
            f"model.latent_dim={config.latent_dim}, and model.top_k at least 1"
        )
    if config.selection == "batch_top_k" and not config.top_k:
        raise UserError("model.selection=batch_top_k needs model.top_k of at least 1: use for example 10")
    if (config.unit_decoder or config.aux_k) and (config.network != "mlp" or config.hidden):
        key, off = ("unit_decoder", "false") if config.unit_decoder else ("aux_k", "0")
        raise UserError(
            f"model.{key} needs a decoder of one layer: use --config.model.network=mlp "
            f"--config.model.hidden='()', or --config.model.{key}={off}"
        )
    if config.penalty == "l0" and config.selection != "jump_relu":
        raise UserError(
            f"model.penalty=l0 has no gradient with model.selection={config.selection}: "
            "use --config.model.selection=jump_relu"
        )
    if config.penalty == "kl" and config.code_activation != "sigmoid":
        raise UserError(
            f"model.penalty=kl needs activations in (0, 1), not model.code_activation={config.code_activation}: "
            "use --config.model.code_activation=sigmoid"
        )


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


def remember(params: Params, stats: dict[str, Array], code: Float[Array, "B K"]) -> dict[str, Array]:
    """The stats after a batch.

    These are exponentially fading sums, of the units' batch means [K] and for "batch_top_k" of the smallest active
    unit, their weight, and for AuxK the number of steps for which each unit was 0 [K].
    """
    code = lax.stop_gradient(code)
    batch = {"mean_activation": code.mean(axis=0), "weight": jnp.float32(1.0)}
    if "threshold" in stats:
        batch["threshold"] = units.smallest_kept(code, params["threshold"])
    seen = {name: MEMORY * stats[name] + (1.0 - MEMORY) * value for name, value in batch.items()}
    return seen | ({"idle": jnp.where((code != 0.0).any(axis=0), 0.0, stats["idle"] + 1.0)} if "idle" in stats else {})


def follow(params: Params, stats: dict[str, Array]) -> Params:
    """The parameters with the threshold of "batch_top_k": the mean of the smallest active unit of a batch."""
    return {**params, "threshold": stats["threshold"] / stats["weight"]}


def running_mean(stats: dict[str, Array]) -> Float[Array, " K"]:
    """The mean activation of every unit [K] over the last hundred steps or so, unbiased from the first step on."""
    return stats["mean_activation"] / stats["weight"]
