"""A supervised embedding for labels that are numbers: minimize ½ ((y − ŷ) / s)², ŷ = m + s (wᵀz + b), z = f(x).

Up to a constant this is −log N(y; ŷ, s²) in nats. m and s are the mean and sd of the training labels, so a learning
rate works the same in meters and in millimeters, and 1 − 2 · loss is R² against the mean and variance of these labels.
As in the classifier, the code z is the bottleneck of `latent_dim` units before the last layer, which is linear; f is
the encoder of an autoencoder. `label_mse` is (y − ŷ)² in squared units of the label.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models.parts import networks
from aejax.types import Autoencoder, Layers


def make(config: Any, spec: Spec) -> Autoencoder:
    """A regressor whose code is the last hidden layer; it has no decoder. Raises UserError without numeric labels."""
    if spec.label_moments is None:
        labels = "the labels are classes" if spec.class_names else "the data have no labels"
        raise UserError(
            f"model.name=regressor needs numeric labels, but {labels}: use model.name=classifier for classes, or "
            "data.name=arrays with labels (tables: data.label_column) and data.label_kind=number"
        )
    mean, sd = spec.label_moments
    encoder = networks.encoder(config, spec, config.latent_dim)
    regressor = networks.mlp(config, (config.latent_dim,), (1,))
    code_activation = networks.ACTIVATIONS[config.code_activation]

    def init(key: Array):
        encoder_key, regressor_key = jax.random.split(key)
        return {"encoder": encoder.init(encoder_key), "regressor": regressor.init(regressor_key)}, ()

    def encode(params, x):
        return code_activation(encoder.apply(params["encoder"], x))

    def loss(params, stats, key, batch):
        y_hat = regressor.apply(params["regressor"], encode(params, batch["x"]))[:, 0]
        error = jnp.square((batch["y"] - mean) / sd - y_hat).mean()
        return 0.5 * error, ({"label_mse": error * sd**2}, stats)

    def layers(params):
        return Layers(networks.ending(encoder.layers(params["encoder"]), config.code_activation))

    return Autoencoder(init=init, loss=loss, encode=encode, layers=layers, columns=("x", "y"))
