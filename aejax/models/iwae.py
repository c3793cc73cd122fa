"""The importance-weighted autoencoder: maximize E log (1/k) Σ w, with w = p(x|z) (p(z) / q(z|x))^β of k draws from q.

Burda et al. 2015 (arXiv 1509.00519), eq. 8, a bound on log p(x) that k = `model.num_samples` tightens; for k = 1 it is
the VAE's, with the KL by Monte Carlo. The mean of `model.num_bounds` such bounds is MIWAE (Rainforth et al. 2018,
arXiv 1802.04537). The gradient is, by `model.gradient`, that of the bound ("reparametrized"); without the score
of q, whose mean is zero only for k = 1 ("stl": Roeder et al. 2017, arXiv 1703.09194); or with that score
reparametrized a second time ("dreg": Tucker et al. 2018, arXiv 1810.04152, its IWAE-DReG), unbiased for every k.
"""

import math
from typing import Any

import jax
from jax import Array, lax

from aejax import losses
from aejax.errors import choose
from aejax.models import vae
from aejax.types import Autoencoder, Spec

GRADIENTS = ("reparametrized", "stl", "dreg")


def make(config: Any, spec: Spec) -> Autoencoder:
    """A VAE of `config.model` that is trained on the importance-weighted bound; raises UserError for unknown names."""
    net = vae.parts(config, spec)
    gradient = choose("model.gradient", config.gradient, GRADIENTS)
    shape = config.num_bounds, config.num_samples

    def loss(params, stats, key, batch, *, beta):
        x = batch["x"]
        mean, logvar = net.posterior(params, x)
        z = vae.draw(key, mean, logvar, math.prod(shape))
        q = (mean, logvar) if gradient == "reparametrized" else lax.stop_gradient((mean, logvar))

        def log_weights(params, z, q):
            """log w of every draw, and log p(x|z): [M * k, B]."""
            log_likelihood = net.log_likelihood(params, x, z)
            log_ratio = losses.standard_normal_log_prob(z) - losses.normal_log_prob(z, q[0][None], q[1][None])
            return log_likelihood + beta * log_ratio, (log_likelihood, log_ratio)

        if gradient == "dreg":
            log_w, pull, (log_likelihood, log_ratio) = jax.vjp(
                lambda params, z: log_weights(params, z, q), params, z, has_aux=True
            )
            share = jax.nn.softmax(log_w.reshape(*shape, -1), axis=1).reshape(log_w.shape) / (shape[0] * len(x))
            d_params, d_z = pull(share)
            # Through φ a draw's share counts twice, so far as log w holds log q: (1 − β) w̃ + β w̃² (β = 1 in the paper).
            again = 1.0 - beta + beta * share[..., None] * (shape[0] * len(x))
            objective = with_gradient(bound(log_w, shape), (params, z), (d_params, again * d_z))
        else:
            log_w, (log_likelihood, log_ratio) = log_weights(params, z, q)
            objective = bound(log_w, shape)
        reconstruction = -log_likelihood.mean()
        kl = losses.kl_standard_normal(mean, logvar).sum(axis=-1).mean()
        metrics = {"reconstruction": reconstruction, "kl": kl, "elbo": -(reconstruction + kl)}
        metrics["bound"] = bound(log_likelihood + log_ratio, shape)
        return -objective, (metrics, stats)

    return vae.make(config, spec)._replace(loss=loss)


def bound(log_w: Array, shape: tuple[int, int]) -> Array:
    """Mean over examples and over M sets of log (1/k) Σ w, of log w [M * k, B]: nats per example."""
    return (jax.nn.logsumexp(log_w.reshape(*shape, -1), axis=1) - math.log(shape[1])).mean()


def with_gradient(value: Array, at: Any, gradient: Any) -> Array:
    """The value, as a function of the tree `at` whose gradient is the tree `gradient`."""
    products = jax.tree.map(lambda leaf, slope: (lax.stop_gradient(slope) * leaf).sum(), at, gradient)
    linear = sum(jax.tree.leaves(products))
    return lax.stop_gradient(value) + (linear - lax.stop_gradient(linear))
