"""The regularized linear autoencoder: minimize ‖x − x_hat‖² + λ (‖W₁‖² + ‖W₂‖²), with x_hat = mean + W₂ W₁ (x − mean).

Kunin et al. 2019 (arXiv 1901.08168), the "sum loss" of section 2, per example: their λ and their σᵢ² (eigenvalues of
X Xᵀ) are both N times ours. Our σᵢ² are the eigenvalues of the covariance of the training rows (divided by N), in
squared data units. At the optimum W₁ = W₂ᵀ, and W₂ has the squared singular values sᵢ² = max(0, 1 − λ/σᵢ²) along the
eigenvectors. A plain linear autoencoder can end with any basis of their span; the penalty breaks this symmetry.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from aejax.data.types import Spec
from aejax.models.parts import losses, networks
from aejax.types import Autoencoder


def make(config: Any, spec: Spec) -> Autoencoder:
    """W₁ᵀ [D, k] and W₂ᵀ [k, D], which act on rows. There are no biases; `mean` is the mean of the training rows."""
    mean = jnp.asarray(spec.mean).reshape(1, -1)

    def init(key: Array):
        encoder_key, decoder_key = jax.random.split(key)
        normal, shape = jax.nn.initializers.lecun_normal(), (mean.size, config.latent_dim)
        return {"encoder": normal(encoder_key, shape), "decoder": normal(decoder_key, shape[::-1])}, ()

    def encode(params, x):
        return (losses.flatten(x) - mean) @ params["encoder"]

    def decode(params, code):
        return (code @ params["decoder"] + mean).reshape(-1, *spec.shape)

    def loss(params, stats, key, batch, *, weight_penalty):
        reconstruction = losses.squared_error(batch["x"], decode(params, encode(params, batch["x"]))).mean()
        penalty = jnp.square(params["encoder"]).sum() + jnp.square(params["decoder"]).sum()
        return reconstruction + weight_penalty * penalty, ({"reconstruction": reconstruction}, stats)

    def layers(params):
        return networks.affine(mean, params["encoder"], params["decoder"])

    return Autoencoder(init=init, loss=loss, encode=encode, decode=decode, layers=layers)
