"""A supervised embedding: minimize −log softmax(W z + b)[y], where z = f(x) is a bottleneck of `latent_dim` units.

The lecture's "classification DNN: create embedding by optimizing a classification problem for labelled data". f is the
encoder of an autoencoder with the same settings; the last layer is linear in the code z.
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
    """A classifier of the classes of `spec`, whose code is the last layer before the logits; it has no decoder.

    Raises UserError for data without classes.
    """
    if not spec.class_names:
        labels = "the labels are numbers" if spec.label_moments else "the data have no labels"
        raise UserError(
            f"model.name=classifier needs class labels, but {labels}: set data.label_column (tables) and "
            "data.label_kind=class, or use model.name=regressor for numbers"
        )
    encoder = networks.encoder(config, spec, config.latent_dim)
    classifier = networks.mlp(config, (config.latent_dim,), (len(spec.class_names),))
    code_activation = networks.ACTIVATIONS[config.code_activation]

    def init(key: Array):
        encoder_key, classifier_key = jax.random.split(key)
        return {"encoder": encoder.init(encoder_key), "classifier": classifier.init(classifier_key)}, ()

    def encode(params, x):
        return code_activation(encoder.apply(params["encoder"], x))

    def loss(params, stats, key, batch):
        logits = classifier.apply(params["classifier"], encode(params, batch["x"]))
        log_prob = jnp.take_along_axis(jax.nn.log_softmax(logits), batch["y"][:, None], axis=1)
        accuracy = (logits.argmax(axis=-1) == batch["y"]).astype(jnp.float32).mean()
        return -log_prob.mean(), ({"accuracy": accuracy}, stats)

    def layers(params):
        return Layers(networks.ending(encoder.layers(params["encoder"]), config.code_activation))

    return Autoencoder(init=init, loss=loss, encode=encode, layers=layers, columns=("x", "y"))
