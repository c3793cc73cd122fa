"""q(z|x) on the unit sphere: the von Mises-Fisher density C(κ) exp(κ μᵀz).

Davidson et al. 2018 (arXiv 1804.00891), eq. 4. The encoder outputs the direction μ, which is the code of x, and the
concentration κ = 1 + softplus. A draw is z = cos θ μ + sin θ v, with v uniform among the unit vectors orthogonal to μ,
and θ in [0, π] with a density proportional to exp(κ cos θ) sin(θ)^(K − 2). The paper samples cos θ by rejection, whose
gradient needs a correction. Here θ is the inverse of its distribution function at a uniform number, on a grid of GRID
angles: no draw is rejected, and the gradient is that of the grid. The same grid gives C(κ) and E log q, for which the
paper needs Bessel functions.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models.parts import networks
from aejax.models.vae.types import Draws, Posterior
from aejax.types import Layer

GRID = 512


def make(config: Any, spec: Spec) -> Posterior:
    """A von Mises-Fisher density in `latent_dim` coordinates; raises UserError for a prior off the sphere."""
    k = config.latent_dim
    if config.prior != "uniform_sphere":
        raise UserError(
            f"model.posterior=von_mises_fisher draws z on the unit sphere, where model.prior={config.prior} has no "
            "density: use --config.model.prior=uniform_sphere"
        )
    if k < 2:
        raise UserError(
            f"model.posterior=von_mises_fisher needs at least two coordinates, not model.latent_dim={k}: "
            "use for example --config.model.latent_dim=3"
        )
    encoder = networks.encoder(config, spec, k + 1)

    def heads(params, x):
        """The direction μ [B, K] and the concentration κ [B]."""
        output = encoder.apply(params["encoder"], x)
        return unit(output[:, :k]), 1.0 + jax.nn.softplus(output[:, k])

    def draw(params, key, x, num):
        mean, kappa = heads(params, x)
        angle_key, key = jax.random.split(key)
        edges, mass, log_total = angles(kappa, k)
        theta = draw_angles(angle_key, edges, mass, num)
        normal = jax.random.normal(key, (num, *mean.shape))
        v = unit(normal - (normal * mean[None]).sum(axis=-1, keepdims=True) * mean[None])
        z = jnp.cos(theta)[..., None] * mean[None] + jnp.sin(theta)[..., None] * v
        log_constant = -log_area(k - 1) - log_total
        middle = 0.5 * (edges[:, 1:] + edges[:, :-1])
        expected = kappa * (mass * jnp.cos(middle)).sum(axis=-1) + log_constant
        return Draws(z, kappa[None] * jnp.cos(theta) + log_constant[None], None, None, expected)

    def layers(params):
        direction = networks.ending(encoder.layers(params["encoder"]), units=k)
        return (*direction, Layer("unit_norm", {}, "identity", (k,)))

    return Posterior(encoder.init, draw, lambda params, x: heads(params, x)[0], None, layers)


def angles(
    kappa: Float[Array, " B"], k: int
) -> tuple[Float[Array, "B edges"], Float[Array, "B cells"], Float[Array, " B"]]:
    """The edges of GRID cells of θ, the probability of each, and log ∫ exp(κ cos θ) sin(θ)^(K − 2) dθ."""
    # 1 − cos θ is at least 2 θ² / π², so beyond `end` less than 1e-8 is left, by the tail of a Gamma(K/2).
    end = math.pi * jnp.sqrt(jnp.minimum((k / 2 + 6.0 * math.sqrt(k / 2) + 18.0) / (2.0 * kappa), 1.0))
    edges = end[:, None] * jnp.linspace(0.0, 1.0, GRID + 1)[None]
    middle = 0.5 * (edges[:, 1:] + edges[:, :-1])
    # κ (cos θ − 1), without cancellation.
    log_density = -2.0 * kappa[:, None] * jnp.square(jnp.sin(0.5 * middle)) + (k - 2) * jnp.log(jnp.sin(middle))
    log_sum = jax.nn.logsumexp(log_density, axis=-1)
    return edges, jnp.exp(log_density - log_sum[:, None]), kappa + log_sum + jnp.log(edges[:, 1])


def draw_angles(
    key: Array, edges: Float[Array, "B edges"], mass: Float[Array, "B cells"], num: int
) -> Float[Array, "S B"]:
    """Draws of θ: the inverse of the distribution function, linear within a cell."""
    below = jnp.concatenate([jnp.zeros((len(mass), 1)), jnp.cumsum(mass, axis=-1)], axis=-1)
    uniform = jax.random.uniform(key, (num, len(mass)))
    return jax.vmap(jnp.interp, (1, 0, 0), 1)(uniform, below, edges)


def unit(z: Float[Array, "*rows K"]) -> Float[Array, "*rows K"]:
    """z, scaled to length 1."""
    return z / jnp.sqrt(jnp.maximum(jnp.square(z).sum(axis=-1, keepdims=True), 1e-24))


def log_area(k: int) -> float:
    """The log of the area of the unit sphere in K coordinates; its two points, if K = 1."""
    return math.log(2.0) + k / 2 * math.log(math.pi) - math.lgamma(k / 2)
