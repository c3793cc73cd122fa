"""An embedding learned from distances: minimize (‖z_i − z_j‖ − d_ij)² over pairs, metric scaling by stress.

Kruskal 1964, "Multidimensional scaling by optimizing goodness of fit". Each step takes random pairs, as in Zheng, Pawar
& Goodman 2018 (arXiv 1710.04626): their noise helps to leave poor local minima of the full sum. This is the lecture's
"capitals → 2D coordinates": the code of an item is its row of a table, a linear map of its one-hot vector.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from aejax.data.types import Spec
from aejax.types import Autoencoder, Layer, Layers


def make(config: Any, spec: Spec) -> Autoencoder:
    """One code of `latent_dim` numbers per item, in the unit of the distances."""

    def init(key: Array):
        return {"table": jax.random.normal(key, (spec.sizes[0], config.latent_dim))}, ()

    def encode(params, x):
        return params["table"][x]

    def loss(params, stats, key, batch):
        difference = encode(params, batch["first"]) - encode(params, batch["second"])
        # The gradient of √ is not finite at 0, which is the distance of two equal codes.
        distance = jnp.sqrt(jnp.square(difference).sum(axis=-1) + 1e-12)
        stress = jnp.square(distance - batch["distance"]).mean()
        return stress, ({}, stats)

    def layers(params):
        return Layers((Layer("table", {"table": params["table"]}, "identity", (config.latent_dim,)),))

    return Autoencoder(init=init, loss=loss, encode=encode, layers=layers, columns=("first", "second", "distance"))
