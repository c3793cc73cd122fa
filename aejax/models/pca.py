"""Principal component analysis as an autoencoder in closed form: x_hat = mean + W Wᵀ (x − mean).

The columns of W [D, k] are the leading eigenvectors of the covariance of the training rows, so no linear
code of k units has a smaller squared error (Eckart & Young 1936; Pearson 1901).
"""

from typing import Any

import jax.numpy as jnp
from jax import Array

from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models.parts import losses, networks
from aejax.types import Autoencoder


def make(config: Any, spec: Spec) -> Autoencoder:
    """PCA with `latent_dim` components, fitted, not trained; raises UserError if there are fewer features."""
    num_features = spec.mean.size
    if config.latent_dim > num_features:
        raise UserError(
            f"model.latent_dim={config.latent_dim} is more than the {num_features} features: use at most {num_features}"
        )

    def init(key: Array):
        return {"mean": jnp.zeros(num_features), "components": jnp.zeros((num_features, config.latent_dim))}, ()

    def fit(x: Array):
        mean, _, vectors = principal_axes(x)
        return {"mean": mean, "components": vectors[:, : config.latent_dim]}

    def encode(params, x):
        return (losses.flatten(x) - params["mean"][None]) @ params["components"]

    def decode(params, code):
        return (code @ params["components"].T + params["mean"][None]).reshape(-1, *spec.shape)

    def loss(params, stats, key, batch):
        reconstruction = losses.squared_error(batch["x"], decode(params, encode(params, batch["x"]))).mean()
        return reconstruction, ({"reconstruction": reconstruction}, stats)

    def layers(params):
        return networks.affine(params["mean"], params["components"], params["components"].T)

    return Autoencoder(init=init, loss=loss, encode=encode, decode=decode, fit=fit, layers=layers)


def principal_axes(x: Array) -> tuple[Array, Array, Array]:
    """Mean [D], eigenvalues [D] of the covariance (divided by N), largest first, and eigenvectors [D, D] of x[N, ...].

    Each vector's largest entry is made positive, so the sign does not depend on the solver.
    """
    rows = losses.flatten(x)
    mean = rows.mean(axis=0)
    centered = rows - mean[None]
    values, vectors = jnp.linalg.eigh(centered.T @ centered / len(rows))
    values, vectors = values[::-1], vectors[:, ::-1]
    largest = jnp.take_along_axis(vectors, jnp.abs(vectors).argmax(axis=0)[None], axis=0)
    return mean, values, vectors * jnp.sign(largest)
