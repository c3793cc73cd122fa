"""The four parts of a VAE and what passes between them: NamedTuples of arrays or of pure functions.

S counts draws of z, B counts rows, and K counts units of the code. z [S, B, Z] may have more units than the code: the
first K are the code, which the decoder reads, and the others are a second stochastic layer.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from jax import Array
from jaxtyping import Float

from aejax.types import Layer, Link, Metrics, Params, Stats


class Draws(NamedTuple):
    """Draws of z from q(z|x)."""

    z: Float[Array, "S B Z"]
    log_q: Float[Array, "S B"]  # log q(z|x): nats
    mean: Any  # of the Gaussian that z, or its last layer, was drawn from: [B, K] or [S, B, Z - K]
    logvar: Any  # both are None if z was not drawn from a Gaussian
    expected_log_q: Float[Array, " B"] | None = None  # E log q(z|x) in nats, if a prior's KL reads it


class Divergence(NamedTuple):
    """KL[q(z|x) ‖ p(z)] in nats, in closed form as far as possible."""

    value: Array  # [S, B], or [B] if it does not depend on the draws
    units: Float[Array, "B K"] | None  # of each unit, if the whole KL has a closed form
    metrics: Metrics  # parts of it that are reported by name


class Terms(NamedTuple):
    """All that a bound can use."""

    draws: Draws
    log_likelihood: Float[Array, "S B"]  # log p(x|z): nats
    log_prior: Float[Array, "S B"]  # log p(z): nats
    kl: Divergence


class Posterior(NamedTuple):
    """q(z|x); its parameters are params["encoder"]. x may be Given: only the encoder looks inside."""

    init: Callable[[Array], Params]  # (key)
    draw: Callable[[Params, Array, Any, int], Draws]  # (params, key, x[B, ...], S)
    encode: Callable[[Params, Any], Array]  # (params, x[B, ...]) -> code [B, K]
    moments: Callable[[Params, Any], tuple[Array, Array]] | None  # (params, x) -> mean, logvar [B, K] of the code
    layers: Callable[[Params], tuple[Layer, ...]] | None = None  # (params) -> encode as a list of layers
    gaussian: bool = False  # z is the code, and q(z|x) = N(mean, exp(logvar)) with these moments


class Prior(NamedTuple):
    """p(z); its parameters are params["prior"]."""

    init: Callable[[Array], Params]  # (key); {} without parameters
    log_prob: Callable[[Params, Array], Array]  # (params, z[..., Z]) -> [...]: nats
    sample: Callable[[Params, Array, int], Array]  # (params, key, num) -> code [num, K]
    kl_of_units: Callable[..., Array] | None = None  # (params, mean, logvar) -> [B, K]: from a Gaussian q(z|x)
    kl: Callable[[Params, Draws], Divergence] | None = None  # less noisy than log q(z|x) − log p(z)
    two_layers: bool = False  # z is the code and a second layer
    everywhere: bool = True  # p(z) is a density over all of R^Z, as moves of annealed importance sampling need
    at: Callable[[Params, Array], Params] | None = None  # (params, c[B, C]) -> params of p(z|c), which the others take


class Adaptation(NamedTuple):
    """How a likelihood finds its parameters without a gradient."""

    init: Callable[[], dict[str, Array]]  # what is carried from step to step
    update: Callable[[Params, Any, Array], dict[str, Array]]  # (params, stats, mean of −log p(x|z)) -> stats
    follow: Callable[[Params, Any], Params]  # (params, stats) -> params for the next step


class Likelihood(NamedTuple):
    """p(x|z), given the decoder's output [B, ...]; its parameters are params["likelihood"]."""

    init: Callable[[Array], Params]  # (key); {} without parameters
    log_prob: Callable[[Params, Array, Array], Array]  # (params, x, output) -> [B]: nats
    mean: Callable[[Array], Array]  # (output) -> x_hat
    sample: Callable[[Params, Array, Array], Array] | None  # (params, key, output) -> x; None: it is not a density
    adaptation: Adaptation | None = None
    link: tuple[Link, ...] = ()  # `mean` in words, for a program without jax


class Bound(NamedTuple):
    """The bound that training maximizes, computed from draws of z."""

    num_draws: int  # of z for each row
    loss: Callable[..., tuple[Array, Metrics, Stats]]  # (evaluate: Draws -> Terms, draws, stats, *, beta, ...): nats
    init: Callable[[], dict[str, Array]] = dict  # what the bound carries from step to step; most carry nothing


def measures(terms: Terms) -> Metrics:
    """The ELBO and its parts in nats per example: means over draws and rows, without the weights of a bound."""
    reconstruction = -terms.log_likelihood.mean()
    kl = terms.kl.value.mean() if terms.kl.units is None else terms.kl.units.mean(axis=0).sum()
    return {"reconstruction": reconstruction, "kl": kl, "elbo": -(reconstruction + kl)} | terms.kl.metrics
