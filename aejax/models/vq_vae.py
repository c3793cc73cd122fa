"""The VQ-VAE: minimize −log p(x | z_q) + ‖sg[z_e] − z_q‖² + β ‖z_e − sg[z_q]‖², z_q the nearest codebook vectors.

van den Oord et al. 2017 (arXiv 1711.00937), eq. 1 to 3; β is `objective.commitment` and sg stops the gradient. The
encoder's z_e [B, latent_dim] is cut into `model.num_codes` pieces, and each is replaced by the nearest of the
`model.codebook_size` vectors that all pieces share. The likelihood's gradient passes from z_q to z_e as if they were
equal; it does not reach the codebook, which only the second term trains. The distances are sums over pieces, in squared
units of the code, not in nats. The prior is uniform over the codes, as in the paper during training.

With `model.codebook_update=ema` (appendix A.1, eq. 6 to 8) running means replace the second term: each vector e is
m / N, with N ← γ N + (1 − γ) n and m ← γ m + (1 − γ) Σ z_e over the n pieces that it replaces, and γ =
`objective.codebook_decay`. The code keeps e and N, for which this is e ← e + (1 − γ) (Σ z_e − n e) / N. N starts at 0:
the first pieces of a vector give its first mean. A vector without pieces stays where it is.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float, Int

from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models import autoencoder
from aejax.models.parts import losses
from aejax.types import Autoencoder, Layer, Stats


def make(config: Any, spec: Spec) -> Autoencoder:
    """An autoencoder of `config.model` with a discrete code; raises UserError if the pieces would differ in size."""
    pieces, size, k = config.num_codes, config.codebook_size, config.latent_dim
    if k % pieces:
        raise UserError(
            f"model.latent_dim={k} is not a multiple of model.num_codes={pieces}: "
            "use for example --config.model.latent_dim=" + str(pieces * math.ceil(k / pieces))
        )
    net, is_ema = autoencoder.parts(config, spec), config.codebook_update == "ema"

    def init(key: Array):
        net_key, codebook_key = jax.random.split(key)
        codebook = jax.random.normal(codebook_key, (size, k // pieces))
        stats = {"codebook": codebook, "count": jnp.zeros(size)} if is_ema else ()
        return {**net.init(net_key), "codebook": codebook}, stats

    def quantize(params, x):
        """z_e and z_q, [B, K] each, and the index of the vector of each piece, [B, pieces]."""
        z_e = net.activation(net.preactivation(params, x))
        index = nearest(z_e.reshape(len(x), pieces, -1), params["codebook"])
        return z_e, params["codebook"][index].reshape(z_e.shape), index

    def loss(params, stats, key, batch, *, commitment, codebook_decay=0.0):
        z_e, z_q, index = quantize(params, batch["x"])
        reconstruction = net.error(params, batch["x"], straight_through(z_e, z_q)).mean()
        committed = losses.squared_error(z_e, lax.stop_gradient(z_q)).mean()
        metrics = {"reconstruction": reconstruction, "perplexity": perplexity(index, size)}
        if is_ema:
            stats = running_means(stats, z_e.reshape(-1, k // pieces), index.ravel(), codebook_decay)
            return reconstruction + commitment * committed, (metrics, stats)
        codebook = losses.squared_error(lax.stop_gradient(z_e), z_q).mean()
        return reconstruction + codebook + commitment * committed, (metrics, stats)

    def layers(params):
        return net.layers(params, Layer("nearest", {"codebook": params["codebook"]}, "identity", (k,)))

    def sample_prior(params, key, num):
        return params["codebook"][jax.random.randint(key, (num, pieces), 0, size)].reshape(num, k)

    return Autoencoder(
        init=init,
        loss=loss,
        encode=lambda params, x: quantize(params, x)[1],
        decode=net.decode,
        layers=layers,
        sample_prior=sample_prior,
        follow=(lambda params, stats: {**params, "codebook": stats["codebook"]}) if is_ema else None,
    )


def running_means(stats: Stats, z: Float[Array, "N d"], index: Int[Array, " N"], decay: float | Array) -> Stats:
    """The codebook [n, d] and its counts N [n] after pieces z, each of which the vector of its index replaces."""
    member = jax.nn.one_hot(index, len(stats["count"]))  # for sums as products: a GPU does not fix a scatter's order
    num = member.sum(axis=0)
    count = decay * stats["count"] + (1.0 - decay) * num
    pull = (1.0 - decay) * (member.T @ z - num[:, None] * stats["codebook"])
    codebook = stats["codebook"] + jnp.where(num > 0.0, 1.0 / jnp.maximum(count, 1e-12), 0.0)[:, None] * pull
    return {"codebook": codebook, "count": count}


def nearest(z: Float[Array, "B pieces d"], codebook: Float[Array, "n d"]) -> Int[Array, "B pieces"]:
    """The index of the vector nearest to each piece; ties go to the first."""
    # ‖z − e‖² without ‖z‖², which is the same for all: one matrix product instead of [B, pieces, n, d] differences.
    return (jnp.square(codebook).sum(axis=-1)[None, None] - 2.0 * z @ codebook.T).argmin(axis=-1)


def straight_through(z_e: Float[Array, "B K"], z_q: Float[Array, "B K"]) -> Float[Array, "B K"]:
    """z_q, whose gradient passes to z_e."""
    return z_e + lax.stop_gradient(z_q - z_e)


def perplexity(index: Int[Array, "B pieces"], size: int) -> Float[Array, ""]:
    """exp(entropy) of how often each vector is used, over all pieces: from 1 to the size of the codebook."""
    share = jnp.bincount(index.ravel(), length=size) / index.size
    return jnp.exp(jax.scipy.special.entr(share).sum())
