"""Probabilistic PCA in closed form: z ~ N(0, I), x|z ~ N(W z + mean, σ² I), and so x ~ N(mean, C), C = W Wᵀ + σ² I.

Tipping & Bishop 1999 ("Probabilistic principal component analysis", J. R. Statist. Soc. B 61): the model is their
eq. 2 and 3, the fit eq. 7 and 8, the posterior eq. 6. Its likelihood is exact, so a linear VAE can be compared with it.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models.parts import losses, networks
from aejax.models.pca import principal_axes
from aejax.types import Autoencoder


def make(config: Any, spec: Spec) -> Autoencoder:
    """pPCA with `latent_dim` factors, fitted, not trained; raises UserError unless they are fewer than the features."""
    num_features, k = spec.mean.size, config.latent_dim
    if k >= num_features:
        fewer = f"use at most {num_features - 1}, or " if num_features > 1 else "use "
        raise UserError(
            f"model.latent_dim={k} must be less than the number of features, {num_features}: {fewer}model.name=pca"
        )

    def init(key: Array):
        return {"mean": jnp.zeros(num_features), "factors": jnp.zeros((num_features, k)), "logvar": jnp.zeros(())}, ()

    def fit(x: Array):
        mean, values, vectors = principal_axes(x)
        # Rows on a subspace have variance 0 outside it, and an infinite density: keep 1e-7 of the largest eigenvalue,
        # or 1e-30 if all rows are equal.
        variance = jnp.maximum(values[k:].mean(), jnp.maximum(1e-7 * values[0], 1e-30))
        factors = vectors[:, :k] * jnp.sqrt(jnp.maximum(values[:k] - variance, 0.0))[None]
        return {"mean": mean, "factors": factors, "logvar": jnp.log(variance)}

    def precision(params):
        """M = WᵀW + σ² I, [k, k], and σ²."""
        variance = jnp.exp(params["logvar"])
        return params["factors"].T @ params["factors"] + variance * jnp.eye(k), variance

    def projected(params, x):
        """x − mean, [B, D], and M⁻¹ Wᵀ(x − mean), [B, k]."""
        centered = losses.flatten(x) - params["mean"][None]
        return centered, jnp.linalg.solve(precision(params)[0], (centered @ params["factors"]).T).T

    def posterior(params, x):
        mean = projected(params, x)[1]
        m, variance = precision(params)
        logvar = jnp.log(variance * jnp.diagonal(jnp.linalg.inv(m)))  # W's columns are orthogonal: M is diagonal
        return mean, jnp.broadcast_to(logvar[None], mean.shape)

    def log_prob(params, x):
        """log N(x; mean, C) by the Woodbury and Sylvester identities, which invert M instead of C: nats, [B]."""
        centered, code = projected(params, x)
        m, variance = precision(params)
        quadratic = (jnp.square(centered).sum(axis=-1) - (centered @ params["factors"] * code).sum(axis=-1)) / variance
        # M / σ², because the determinant of M underflows for data in small units.
        log_determinant = num_features * params["logvar"] + jnp.linalg.slogdet(m / variance)[1]
        return -0.5 * (quadratic + log_determinant + num_features * math.log(2 * math.pi))

    def log_weights(params, key, x, num_samples):
        """log p(x), which is exact: with the true posterior every weight is p(x)."""
        return jnp.broadcast_to(log_prob(params, x)[None], (num_samples, len(x)))

    def loss(params, stats, key, batch):
        nll = -log_prob(params, batch["x"]).mean()
        return nll, ({"nll": nll}, stats)

    def layers(params):
        kernel = jnp.linalg.solve(precision(params)[0], params["factors"].T).T
        return networks.affine(params["mean"], kernel, params["factors"].T)

    return Autoencoder(
        init=init,
        loss=loss,
        encode=lambda params, x: projected(params, x)[1],
        decode=lambda params, z: (z @ params["factors"].T + params["mean"][None]).reshape(-1, *spec.shape),
        layers=layers,
        fit=fit,
        posterior=posterior,
        log_weights=log_weights,
        log_prior=lambda params, z: losses.standard_normal_log_prob(z),
        kl_of_units=lambda params, x: losses.kl_standard_normal(*posterior(params, x)),
        sample_prior=lambda params, key, num: jax.random.normal(key, (num, k)),
    )
