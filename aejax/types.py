"""The shapes that every part of aejax agrees on: NamedTuples of arrays or of pure functions, without logic."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from jax import Array

Params = Any  # a tree of arrays
Stats = Any  # a tree of arrays; () for most models
Batch = Mapping[str, Array]  # rows with a leading axis [B]: {"x"}, {"x", "y"} ...
Metrics = dict[str, Array]  # scalars: means over a batch


class Given(NamedTuple):
    """Rows with what a conditional model is given beside them; stands wherever a function takes rows x or codes z."""

    rows: Any  # x [B, ...] or z [B, K]
    c: Any  # [B, C]: numbers, and categories as one-hot vectors


class Layer(NamedTuple):
    """One layer of a model, for one row: what a program without jax needs to compute it.

    By `kind`, before the activation:
    - "dense": h kernel + bias, with the kernel [inputs, outputs];
    - "gated": the same, times sigmoid(h gate_kernel + gate_bias);
    - "convolution": 3 taps and stride 2 along each spatial axis, with zeros around h. The output at i is the sum over
      the taps t of h[2 i + t - n % 2] kernel[t], where n is the length of h along the axis, plus the bias;
    - "transposed_convolution": the same taps. h[i] kernel[t], with the kernel [3, (3,) inputs, outputs], is added to
      the output at 2 i + 2 - t, which is then cropped to `shape`; the bias is added last;
    - "centered": (h - mean) kernel;
    - "table": row h of the table, for an index h of an item;
    - "identity": h;
    - "unit_norm": h, scaled to length 1;
    - "largest": the k largest units of h, and 0 elsewhere; ties go to the first;
    - "above": the units of h that are above the threshold, and 0 elsewhere;
    - "nearest": h in pieces as long as a row of the codebook, each replaced by the nearest row;
    - "rounded": unit i of h, in [-1, 1], rounded to the nearest of levels[i modulo their number] evenly spaced values.

    The first four add c condition, with the condition [C, outputs], before the activation and a gate, if they have one.
    """

    kind: str
    arrays: dict[str, Array]  # by the names above
    activation: str  # a key of networks.ACTIVATIONS or networks.READ
    shape: tuple[int, ...]  # of the output; the input is flattened or reshaped to what the layer before it made


class Link(NamedTuple):
    """What turns the next `size` numbers of a decoder's output into the mean of p(x|z)."""

    name: str  # a key of networks.ACTIVATIONS, "exp", "softmax" or "continuous_bernoulli"
    size: int
    total: float = 1.0  # of a softmax: what it shares out


class Decoder(NamedTuple):
    """A decoder as a list of layers that reads z, and conditions c if it is given some."""

    layers: tuple[Layer, ...]
    link: tuple[Link, ...]  # of the pieces of the flat output, in order


class Layers(NamedTuple):
    """A model as lists of layers."""

    encoder: tuple[Layer, ...] | None  # reads x, as `encode` does; None if its code is not made by such layers
    decoder: Decoder | None = None  # None without a decoder


class Autoencoder(NamedTuple):
    """A model: pure functions that close over the static config and the spec only; abilities it lacks are None."""

    init: Callable[[Array], tuple[Params, Stats]]  # (key)
    loss: Callable[..., tuple[Array, tuple[Metrics, Stats]]]  # (params, stats, key, batch, *, beta, ...)
    encode: Callable[[Params, Any], Array]  # (params, x[B, ...]) -> code[B, K], deterministic
    decode: Callable[[Params, Any], Array] | None = None  # (params, code[B, K]) -> x_hat[B, ...]
    fit: Callable[[Array], Params] | None = None  # (x[N, ...]) -> params: closed form, replaces all training
    posterior: Callable[[Params, Any], tuple[Array, Array]] | None = None  # (params, x) -> mean, logvar [B, K]
    sample_prior: Callable[..., Array] | None = None  # (params, key, num[, c[num, C]]) -> z[num, K]
    log_weights: Callable[[Params, Array, Any, int], Array] | None = None  # (params, key, x, S) -> log w [S, B], nats
    log_prior: Callable[[Params, Array], Array] | None = None  # (params, z[..., K]) -> log p(z) [...], nats
    log_likelihood: Callable[[Params, Any, Array], Array] | None = None  # (params, x, z[S, B, K]) -> log p(x|z) [S, B]
    sample_x: Callable[[Params, Array, Array], Array] | None = None  # (params, key, z[B, K]) -> x ~ p(x|z), all given z
    kl_of_units: Callable[[Params, Any], Array] | None = None  # (params, x) -> KL[q ‖ p] of each unit [B, K], nats
    corrupt: Callable[[Array, Array, Any], Array] | None = None  # (key, x, level) -> x_tilde, what the loss encodes
    layers: Callable[[Params], Layers] | None = None  # (params) -> encode and decode as lists of layers
    columns: tuple[str, ...] = ("x",)  # of a batch, that the loss reads
    follow: Callable[[Params, Stats], Params] | None = None  # after each step: entries set by stats, not by a gradient


def conditioned(rows: Any, batch: Mapping[str, Any]) -> Any:
    """Rows x or codes z of a prepared batch, as Given if the batch has conditions."""
    return Given(rows, batch["c"]) if "c" in batch else rows


class Kept(NamedTuple):
    """What the validation rows have decided so far about a member."""

    loss: Array  # float32 []: the lowest value of `train.monitor` so far, or minus the highest
    step: Array  # int32 []: the step of that value, -1 while there is none
    stopped: Array  # int32 []: the step at which the member stopped early, -1 while it trains
    chosen: Any  # (params, stats) at `step` if `train.keep` is best, else ()


class TrainState(NamedTuple):
    """All that a member carries from step to step: arrays only."""

    step: Array  # int32 []
    diverged: Array  # int32 []: the first step whose loss was not finite, -1 while none was
    params: Params
    stats: Stats
    opt_state: Any
    kept: Any = ()  # Kept; () if nothing is selected by validation


class HParams(NamedTuple):
    """All that is traced, and so can be swept inside one compiled program."""

    seed: Array  # uint32 []
    objective: Mapping[str, Array]  # float32 [] each
    optimizer: Mapping[str, Array]  # float32 [] each


def weights_of(objective: Mapping[str, Any]) -> dict[str, Any]:
    """The objective without its schedules: the weights of the loss after their warm-ups."""
    return {name: value for name, value in objective.items() if not name.endswith(("_warmup", "_cycle"))}


class Task(NamedTuple):
    """What all members of one program share: functions and static sizes."""

    model: Autoencoder
    loss: Callable[..., tuple[Array, tuple[Metrics, Stats]]]  # what is trained: the model's, in `train.precision`
    optimizer: Callable[[Mapping[str, Any], Array], Any]  # (numbers, step) -> optax transformation
    preprocess: Callable[[Array, Batch], Batch]  # (key, rows as they lie on the device) -> rows with float32 x
    grey_images: bool  # x are images within [0, 1]: PSNR and SSIM mean something
    num_rows: int  # of the training split
    batch_size: int
    evaluate_batch_size: int
    mean: Any = 0.0  # float32 [*shape] of the training rows

    @property
    def steps_per_epoch(self) -> int:
        """The last, partial batch of an epoch is dropped (other rows each epoch)."""
        return self.num_rows // self.batch_size
