"""The denoising autoencoder: minimize −log p(x | decode(encode(x_tilde))) for a corrupted copy x_tilde of x.

Vincent et al. 2008 (ICML) and 2010 (JMLR 11): every step draws new noise, and the loss counts all features.
`reconstruction` is measured on corrupted rows, `mse` on decode(encode(x)) without noise.
"""

from typing import Any

from aejax.data.types import Spec
from aejax.models import autoencoder
from aejax.models.parts import corruptions
from aejax.types import Autoencoder


def make(config: Any, spec: Spec) -> Autoencoder:
    """An autoencoder of `config.model` whose input is corrupted by `model.corruption` at a traced level."""
    net = autoencoder.parts(config, spec)
    corrupt = corruptions.make(config.corruption, spec)

    def encode(params, x):
        return net.activation(net.preactivation(params, x))

    def loss(params, stats, key, batch, *, corruption_level):
        x_tilde = corrupt(key, batch["x"], corruption_level)
        reconstruction = net.error(params, batch["x"], encode(params, x_tilde)).mean()
        return reconstruction, ({"reconstruction": reconstruction}, stats)

    return Autoencoder(
        init=lambda key: (net.init(key), ()),
        loss=loss,
        encode=encode,
        decode=net.decode,
        corrupt=corrupt,
        layers=net.layers,
    )
