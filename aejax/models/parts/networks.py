"""MLP and convolutional stacks as pairs of pure functions; the only file that imports flax.linen."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models.parts.products import PRODUCTS
from aejax.types import Decoder, Given, Layer, Layers, Link, Params

ACTIVATIONS = {
    "identity": lambda x: x,
    "relu": jax.nn.relu,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "gelu": jax.nn.gelu,
    "softplus": jax.nn.softplus,
}


READ = {"identity": lambda x: x, "log1p": jnp.log1p}  # what an encoder sees of x


class Network(NamedTuple):
    """A parametrized function of rows; one that is given conditions takes a Given."""

    init: Callable[[Array], Params]  # (key)
    apply: Callable[[Params, Any], Array]  # (params, rows[B, ...]) -> [B, ...]
    layers: Callable[[Params], tuple[Layer, ...]]  # (params) -> apply as a list of layers


INITIALIZERS = {
    "lecun_normal": nn.initializers.lecun_normal(),  # variance 1 / inputs, the default of flax
    "glorot_uniform": nn.initializers.glorot_uniform(),  # variance 2 / (inputs + outputs)
}


class MLP(nn.Module):
    """Dense layers with an activation between them; the last is linear and its bias starts at `bias`.

    A gated hidden layer is (A x + a) ⊙ σ(B x + b), without the activation (Dauphin et al. 2017, arXiv 1612.08083,
    eq. 1, with dense layers). Conditions c enter the first layer through a matrix of their own: zeros change nothing.
    """

    widths: tuple[int, ...]
    activation: Callable[[Array], Array]
    initializer: str = "lecun_normal"
    bias: tuple[float, ...] | float = 0.0
    gated: bool = False
    precision: str = "float32"

    @nn.compact
    def __call__(self, rows: Array, c: Array | None = None) -> Array:
        dense = partial(nn.Dense, kernel_init=INITIALIZERS[self.initializer], dot_general=PRODUCTS[self.precision])
        hidden = rows.reshape(rows.shape[0], -1)
        for number, width in enumerate(self.widths[:-1]):
            linear = plus_condition(dense(width)(hidden), c)
            if self.gated:
                hidden = linear * jax.nn.sigmoid(dense(width, name=f"Gate_{number}")(hidden))
            else:
                hidden = self.activation(linear)
            c = None
        bias = nn.initializers.constant(jnp.asarray(self.bias))
        return plus_condition(dense(self.widths[-1], bias_init=bias)(hidden), c)


def plus_condition(hidden: Array, c: Array | None) -> Array:
    """The first layer [B, ..., H] plus a linear layer of the conditions [B, C], the same at every pixel."""
    if c is None:
        return hidden
    added = nn.Dense(hidden.shape[-1], use_bias=False, name="Condition")(c)
    return hidden + added.reshape(len(c), *[1] * (hidden.ndim - 2), -1)


class ConvEncoder(nn.Module):
    """Convolutions of stride 2, 3×3 for images and 3 for series, then a linear layer."""

    channels: tuple[int, ...]
    features: int
    activation: Callable[[Array], Array]

    @nn.compact
    def __call__(self, x: Array, c: Array | None = None) -> Array:
        for width in self.channels:
            x, c = self.activation(plus_condition(nn.Conv(width, (3,) * (x.ndim - 2), strides=2)(x), c)), None
        return nn.Dense(self.features)(x.reshape(x.shape[0], -1))


class ConvDecoder(nn.Module):
    """The encoder's mirror: a linear layer, then transposed convolutions of stride 2, cropped to match."""

    channels: tuple[int, ...]
    shape: tuple[int, ...]
    activation: Callable[[Array], Array]

    @nn.compact
    def __call__(self, z: Array, c: Array | None = None) -> Array:
        *targets, smallest = _sizes(self.shape, len(self.channels))
        widths = (self.shape[-1], *self.channels)
        first = plus_condition(nn.Dense(math.prod(smallest) * widths[-1])(z), c)
        x = self.activation(first).reshape(-1, *smallest, widths[-1])
        for level, size in reversed(list(enumerate(targets))):
            x = nn.ConvTranspose(widths[level], (3,) * len(size), strides=(2,) * len(size))(x)
            x = x[:, *(slice(length) for length in size)]
            x = self.activation(x) if level else x
        return x


def encoder(config: Any, spec: Spec, features: int) -> Network:
    """x[B, *shape] to [B, features], as in `config.model`; raises UserError for settings that do not fit."""
    name, conditions = encoder_input(config, spec), spec.num_conditions if config.condition_encoder else 0
    read, first = READ[name], () if name == "identity" else (Layer("identity", {}, name, spec.shape),)
    if config.network == "mlp":
        net = mlp(config, spec.shape, (*config.hidden, features), conditions=conditions)
    else:
        _check_conv(config, spec)
        module = ConvEncoder(tuple(config.hidden), features, ACTIVATIONS[config.activation])
        net = _network(module, spec.shape, conditions, lambda params: _conv_encoder(config, spec, features, params))

    def apply(params, x):
        return net.apply(params, x._replace(rows=read(x.rows)) if isinstance(x, Given) else read(x))

    return Network(net.init, apply, lambda params: (*first, *net.layers(params)))


def encoder_input(config: Any, spec: Spec) -> str:
    """`model.encoder_input` for these data: "log1p" for counts, else "identity", unless the key chooses."""
    chosen = config.encoder_input
    if chosen == "auto":
        return "log1p" if spec.support == "counts" else "identity"
    if chosen == "log1p" and spec.support in ("real", "mixed"):
        raise UserError(
            "model.encoder_input=log1p needs numbers from 0, but the data are real numbers: "
            "use --config.model.encoder_input=identity"
        )
    return chosen


def decoder(config: Any, spec: Spec) -> Network:
    """z[B, latent_dim] to [B, *shape] (logits or means), mirroring the encoder; raises the same errors."""
    bias, inputs = output_bias(config, spec), (config.latent_dim,)
    conditions = spec.num_conditions if config.condition_decoder else 0
    if config.network == "mlp":
        flat = mlp(config, inputs, (*reversed(config.hidden), math.prod(spec.shape)), bias, conditions)
        return Network(flat.init, lambda params, z: flat.apply(params, z).reshape(-1, *spec.shape), flat.layers)
    _check_conv(config, spec)
    module = ConvDecoder(tuple(config.hidden), spec.shape, ACTIVATIONS[config.activation])
    return _network(module, inputs, conditions, lambda params: _conv_decoder(config, spec, params))


def ending(layers: tuple[Layer, ...], activation: str = "identity", units: int | None = None) -> tuple[Layer, ...]:
    """The layers with this activation of the last, which is dense, or only its first units."""
    *others, last = layers
    arrays = {name: value[..., :units] for name, value in last.arrays.items()}
    return (*others, Layer(last.kind, arrays, activation, arrays["bias"].shape))


def affine(mean: Array, kernel: Array, back: Array) -> Layers:
    """The code (x - mean) @ kernel [features, K], decoded by code @ back + mean."""
    features, k = kernel.shape
    encoder = Layer("centered", {"mean": mean.ravel(), "kernel": kernel}, "identity", (k,))
    decoder = Layer("dense", {"kernel": back, "bias": mean.ravel()}, "identity", (features,))
    return Layers((encoder,), Decoder((decoder,), (Link("identity", features),)))


def _dense(params: Params, number: int, activation: str, shape: tuple[int, ...]) -> Layer:
    """A dense layer, the first with conditions if there are some."""
    gate = params.get(f"Gate_{number}", {})
    arrays = {**params[f"Dense_{number}"], **{f"gate_{name}": value for name, value in gate.items()}}
    return Layer("gated" if gate else "dense", arrays | _condition(params, number), activation, shape)


def _condition(params: Params, number: int) -> dict[str, Any]:
    return {"condition": params["Condition"]["kernel"]} if number == 0 and "Condition" in params else {}


def _conv_encoder(config: Any, spec: Spec, features: int, params: Params) -> tuple[Layer, ...]:
    """The layers of a ConvEncoder."""
    sizes = _sizes(spec.shape, len(config.hidden))[1:]
    convolutions = [
        Layer(
            "convolution",
            {**params[f"Conv_{number}"], **_condition(params, number)},
            config.activation,
            (*size, width),
        )
        for number, (size, width) in enumerate(zip(sizes, config.hidden, strict=True))
    ]
    return (*convolutions, Layer("dense", dict(params["Dense_0"]), "identity", (features,)))


def _conv_decoder(config: Any, spec: Spec, params: Params) -> tuple[Layer, ...]:
    """The layers of a ConvDecoder."""
    *targets, smallest = _sizes(spec.shape, len(config.hidden))
    found = [_dense(params, 0, config.activation, (*smallest, config.hidden[-1]))]
    widths = (spec.shape[-1], *config.hidden)
    for number, level in enumerate(reversed(range(len(targets)))):
        activation = config.activation if level else "identity"
        arrays, shape = dict(params[f"ConvTranspose_{number}"]), (*targets[level], widths[level])
        found.append(Layer("transposed_convolution", arrays, activation, shape))
    return tuple(found)


def _sizes(shape: tuple[int, ...], depth: int) -> list[tuple[int, ...]]:
    """The spatial sizes of images or series from the data's to the smallest, halved (rounded up) `depth` times."""
    sizes = [shape[:-1]]
    for _ in range(depth):
        sizes.append(tuple(math.ceil(n / 2) for n in sizes[-1]))
    return sizes


def output_bias(config: Any, spec: Spec) -> tuple[float, ...] | float:
    """The initial value of a decoder's last bias, by `model.output_bias`: 0, or the logits of the training mean.

    The mean is clipped to [0.001, 0.999] (Burda et al. 2015, appendix C). Raises UserError if the output is not logits.
    """
    if config.output_bias == "zero":
        return 0.0
    if config.likelihood != "bernoulli" or config.network != "mlp":
        raise UserError(
            "model.output_bias=train_mean needs model.likelihood=bernoulli and model.network=mlp: "
            "set both, or use --config.model.output_bias=zero"
        )
    mean = np.clip(spec.mean.ravel(), 0.001, 0.999)
    return tuple(np.log(mean / (1.0 - mean)).tolist())


def first_matrix(params: Params) -> Array:
    """The matrix [in, out] of the first dense layer of an MLP's or a decoder's parameters."""
    return params["Dense_0"]["kernel"]


def unit_rows(params: Params) -> Params:
    """A decoder's parameters with every row of its first matrix (one per unit of the code) scaled to norm 1."""
    matrix = first_matrix(params)
    norms = jnp.sqrt(jnp.square(matrix).sum(axis=1, keepdims=True))
    return {**params, "Dense_0": {**params["Dense_0"], "kernel": matrix / jnp.maximum(norms, 1e-12)}}


def masked(params: Params, masks: Sequence[np.ndarray]) -> Params:
    """An MLP's parameters with the matrix of every layer multiplied by its mask [in, out]."""
    layers = {f"Dense_{i}": mask for i, mask in enumerate(masks)}
    return {name: {**params[name], "kernel": params[name]["kernel"] * mask} for name, mask in layers.items()}


def mlp(
    config: Any,
    inputs: tuple[int, ...],
    widths: tuple[int, ...],
    bias: tuple[float, ...] | float = 0.0,
    conditions: int = 0,
) -> Network:
    """Rows[B, *inputs] to [B, widths[-1]], with the activation, initializer, gates and precision of `config.model`."""
    activation, precision = ACTIVATIONS[config.activation], config.get("precision", "float32")
    module = MLP(widths, activation, config.initializer, bias, config.gated, precision)
    names = [*["identity" if config.gated else config.activation] * (len(widths) - 1), "identity"]

    def layers(params):
        return tuple(_dense(params, i, *facts) for i, facts in enumerate(zip(names, zip(widths), strict=True)))

    return _network(module, inputs, conditions, layers)


def _network(
    module: Any, shape: tuple[int, ...], conditions: int, layers: Callable[[Params], tuple[Layer, ...]]
) -> Network:
    """The functions of a module; without conditions it ignores those of a Given."""

    def init(key):
        c = jnp.zeros((1, conditions)) if conditions else None
        return module.init(key, jnp.zeros((1, *shape)), c)["params"]

    def apply(params, rows):
        rows, c = rows if isinstance(rows, Given) else (rows, None)
        return module.apply({"params": params}, rows, c if conditions else None)

    return Network(init, apply, layers)


def _check_conv(config: Any, spec: Spec) -> None:
    if len(spec.shape) != 3 and spec.kind != "series":
        raise UserError(
            f"model.network=conv needs images or series, but the rows have shape {spec.shape}: use model.network=mlp"
        )
    if config.gated:
        raise UserError("model.gated=True needs model.network=mlp: use mlp, or --config.model.gated=false")
    if not config.hidden:
        raise UserError(
            "model.network=conv needs at least one hidden layer: use for example --config.model.hidden='(32, 64)'"
        )
