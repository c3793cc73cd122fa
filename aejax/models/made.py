"""MADE: the density p(x) = Π_d p(x_d | x_1 ... x_{d−1}) of bits, from one network whose masks let each
output see only the features before it.

Germain et al. 2015 (arXiv 1502.03509), section 3, with the masks of section 4: hidden unit k has a degree m(k) and
sees units of at most that degree. Inputs have the degrees 1 ... D in the order of the features; output d sees units of
degree below d. Degrees are spread as evenly over 1 ... D − 1 as the width allows; they are not random, and there is no
averaging over orders or degrees. The density is exact and the loss is −log p(x), so the bounds of other models can be
compared with it. The model has no latent variable; its code is the last hidden layer, of `latent_dim` units (hidden
layers: (*model.hidden, latent_dim)). Unit k of the code depends on the first m(k) features.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from aejax.data.types import Spec
from aejax.errors import UserError, choose
from aejax.models.parts import losses, networks
from aejax.types import Autoencoder, Layer, Layers, Params


class Parts(NamedTuple):
    """The functions of a masked network."""

    init: Callable[[Array], Params]  # (key)
    encode: Callable[[Params, Array], Array]  # (params, x[B, ...]) -> the last hidden layer [B, K]
    logits: Callable[[Params, Array], Array]  # (params, x[B, ...]) -> logits of p(x_d = 1 | x_1 ... x_{d−1}) [B, D]
    layers: Callable[[Params], tuple[Layer, ...]]  # (params) -> encode as a list of layers


def parts(config: Any, spec: Spec) -> Parts:
    """A masked network of `config.model`; raises UserError for data outside [0, 1] and settings it cannot use."""
    if not spec.bounded:
        raise UserError(
            "model.name=made needs data in [0, 1], but the data have values outside: rescale or binarize them, "
            "or use --config.model.name=ppca for real numbers"
        )
    choose("model.likelihood", config.likelihood, ("bernoulli",))
    choose("model.network", config.network, ("mlp",))
    if config.gated:
        raise UserError("model.name=made does not support gated layers: use --config.model.gated=false")
    num_features = spec.mean.size
    encoder = networks.encoder(config, spec, config.latent_dim)
    activation = networks.ACTIVATIONS[config.activation]
    bias = networks.output_bias(config, spec)
    decoder = networks.mlp(config, (config.latent_dim,), (num_features,), bias)
    *hidden, last = masks((*config.hidden, config.latent_dim), num_features)

    def init(key: Array):
        encoder_key, decoder_key = jax.random.split(key)
        return {"encoder": encoder.init(encoder_key), "decoder": decoder.init(decoder_key)}

    def encode(params, x):
        return activation(encoder.apply(networks.masked(params["encoder"], hidden), x))

    def logits(params, x):
        return decoder.apply(networks.masked(params["decoder"], [last]), encode(params, x))

    def layers(params):
        masked = networks.masked(params["encoder"], hidden)
        return networks.ending(encoder.layers(masked), config.activation)

    return Parts(init, encode, logits, layers)


def make(config: Any, spec: Spec) -> Autoencoder:
    """The density of bits by a masked network; raises UserError for data outside [0, 1] and settings it cannot use."""
    net = parts(config, spec)

    def log_prob(params, x):
        """log p(x), a sum over features: nats, [B]."""
        return losses.bernoulli_log_likelihood(losses.flatten(x), net.logits(params, x))

    def loss(params, stats, key, batch):
        nll = -log_prob(params, batch["x"]).mean()
        return nll, ({"nll": nll}, stats)

    def log_weights(params, key, x, num_samples):
        """log p(x), which is exact: the key is not used."""
        return jnp.broadcast_to(log_prob(params, x)[None], (num_samples, len(x)))

    return Autoencoder(
        init=lambda key: (net.init(key), ()),
        loss=loss,
        encode=net.encode,
        log_weights=log_weights,
        layers=lambda params: Layers(net.layers(params)),
    )


def masks(widths: tuple[int, ...], num_features: int) -> list[np.ndarray]:
    """The mask [inputs, outputs] of every layer, the last for the features: 1 if an output may see an input, else 0."""
    layers = [np.arange(1, num_features + 1)]
    layers += [1 + np.arange(width) * (num_features - 1) // width for width in widths]
    hidden = [inputs[:, None] <= outputs[None] for inputs, outputs in zip(layers, layers[1:], strict=False)]
    return [mask.astype(np.float32) for mask in (*hidden, layers[-1][:, None] < layers[0][None])]
