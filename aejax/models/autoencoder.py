"""The autoencoder: minimize −log p(x | x_hat), with x_hat = decode(encode(x)) and a code of `latent_dim` units.

It is linear without hidden layers, shallow with a sigmoid code, and deep with hidden layers. The squared error
‖x − x_hat‖² is, up to a constant, −log p of a Gaussian with σ² = ½.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from jax import Array

from aejax.data.types import Spec
from aejax.models import vae
from aejax.models.parts import networks
from aejax.types import Autoencoder, Decoder, Layer, Layers, Params


class Parts(NamedTuple):
    """The parts of every deterministic autoencoder."""

    init: Callable[[Array], Params]  # (key)
    preactivation: Callable[[Params, Array], Array]  # (params, x[B, ...]) -> a[B, K]
    activation: Callable[[Array], Array]  # (a) -> code, unit by unit
    decode: Callable[[Params, Array], Array]  # (params, code[B, K]) -> x_hat[B, ...]
    error: Callable[[Params, Array, Array], Array]  # (params, x, code) -> −log p(x | decode(code)) [B]
    output: Callable[[Params, Array], Array]  # (params, code) -> the decoder's output, before the likelihood's link
    error_of: Callable[[Params, Array, Array], Array]  # (params, x, output) -> −log p(x | output) [B]
    layers: Callable[..., Layers]  # (params, *layers): those of a code on which `layers` follow


def parts(config: Any, spec: Spec) -> Parts:
    """The networks and the likelihood of `config.model`."""
    encoder = networks.encoder(config, spec, config.latent_dim)
    decoder = networks.decoder(config, spec)
    likelihood = vae.make_likelihood(config, spec)

    def init(key: Array):
        encoder_key, decoder_key = jax.random.split(key)
        params = {"encoder": encoder.init(encoder_key), "decoder": decoder.init(decoder_key)}
        own = likelihood.init(jax.random.fold_in(key, 3))
        return params | ({"likelihood": own} if own else {})

    def layers(params: Params, *others: Layer, activation: str = config.code_activation) -> Layers:
        made = Decoder(decoder.layers(params["decoder"]), likelihood.link)
        return Layers((*networks.ending(encoder.layers(params["encoder"]), activation), *others), made)

    def output(params, code):
        return decoder.apply(params["decoder"], code)

    def error_of(params, x, output):
        return -likelihood.log_prob(params, x, output)

    return Parts(
        init=init,
        preactivation=lambda params, x: encoder.apply(params["encoder"], x),
        activation=networks.ACTIVATIONS[config.code_activation],
        decode=lambda params, code: likelihood.mean(output(params, code)),
        error=lambda params, x, code: error_of(params, x, output(params, code)),
        output=output,
        error_of=error_of,
        layers=layers,
    )


def make(config: Any, spec: Spec) -> Autoencoder:
    """A deterministic autoencoder with the networks and the likelihood of `config.model`."""
    net = parts(config, spec)

    def encode(params, x):
        return net.activation(net.preactivation(params, x))

    def loss(params, stats, key, batch):
        reconstruction = net.error(params, batch["x"], encode(params, batch["x"])).mean()
        return reconstruction, ({"reconstruction": reconstruction}, stats)

    return Autoencoder(
        init=lambda key: (net.init(key), ()), loss=loss, encode=encode, decode=net.decode, layers=net.layers
    )
