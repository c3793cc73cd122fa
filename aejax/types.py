"""The shapes that every part of aejax agrees on: NamedTuples of arrays or of pure functions, without logic."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from jax import Array

Params = Any  # a tree of arrays
Stats = Any  # a tree of arrays; () for most models
Batch = Mapping[str, Array]  # rows with a leading axis [B]: {"x"}, {"x", "y"} ...
Metrics = dict[str, Array]  # scalars: means over a batch


class Spec(NamedTuple):
    """What is known about a data set before training: static facts, in numpy."""

    shape: tuple[int, ...]  # of one example
    kind: str  # "image", "table" or "pairs": what its figures look like
    support: str  # "binary" {0, 1}, "unit" [0, 1] or "real": what a likelihood may assume
    byte_scale: float  # a uint8 value times this is the data unit: 1/255, or 1 where bytes are 0 and 1
    class_names: tuple[str, ...]  # () without labels, or where they are numbers
    feature_names: tuple[str, ...]  # () unless the source names its columns
    mean: np.ndarray  # [*shape] of the training rows, in data units
    center: np.ndarray | None  # [*shape] subtracted and ...
    spread: np.ndarray | None  # [*shape] ... divided by when `data.standardize`, both fitted on the training rows
    sizes: tuple[int, ...] = ()  # of pairs: how many items there are, and contexts where these are not items
    label_moments: tuple[float, float] | None = None  # mean and sd of labels that are numbers, of the training rows
    factor_names: tuple[str, ...] = ()  # of data that were generated from known factors


class Dataset(NamedTuple):
    """Rows of the three splits, their spec and their provenance."""

    train: dict[str, np.ndarray]  # "x" [N, *shape] uint8 or float32, "y" [N] int32 classes or float32 numbers
    valid: dict[str, np.ndarray]  # "factors" [N, F] int32 from 0, where the source knows them (pairs: no x, int32 [N])
    test: dict[str, np.ndarray]
    spec: Spec
    ids: dict[str, np.ndarray]  # split -> [N] str; {} unless the source names its rows; of pairs: "items" -> [I]
    sha256: str  # of all arrays of the three splits, as they are used
    items: dict[str, np.ndarray] = {}  # of pairs, what is embedded: "x" [I] int32; "y" [I], -1: none; "position" [I, 2]


class Autoencoder(NamedTuple):
    """A model: pure functions that close over the static config and the spec only; abilities it lacks are None."""

    init: Callable[[Array], tuple[Params, Stats]]  # (key)
    loss: Callable[..., tuple[Array, tuple[Metrics, Stats]]]  # (params, stats, key, batch, *, beta, ...)
    encode: Callable[[Params, Array], Array]  # (params, x[B, ...]) -> code[B, K], deterministic
    decode: Callable[[Params, Array], Array] | None = None  # (params, code[B, K]) -> x_hat[B, ...]
    fit: Callable[[Array], Params] | None = None  # (x[N, ...]) -> params: closed form, replaces all training
    posterior: Callable[[Params, Array], tuple[Array, Array]] | None = None  # (params, x) -> mean, logvar [B, K]
    sample_prior: Callable[[Params, Array, int], Array] | None = None  # (params, key, num) -> z[num, K]
    log_weights: Callable[[Params, Array, Array, int], Array] | None = None  # (params, key, x, S) -> log w [S, B], nats
    log_prior: Callable[[Params, Array], Array] | None = None  # (params, z[..., K]) -> log p(z) [...], nats
    kl_of_units: Callable[[Params, Array], Array] | None = None  # (params, x) -> KL[q ‖ p] of each unit [B, K], nats
    corrupt: Callable[[Array, Array, Any], Array] | None = None  # (key, x, level) -> x_tilde, what the loss encodes
    columns: tuple[str, ...] = ("x",)  # of a batch, that the loss reads


class TrainState(NamedTuple):
    """All that a member carries from step to step: arrays only."""

    step: Array  # int32 []
    diverged: Array  # int32 []: the first step whose loss was not finite, -1 while none was
    params: Params
    stats: Stats
    opt_state: Any


class HParams(NamedTuple):
    """All that is traced, and so can be swept inside one compiled program."""

    seed: Array  # uint32 []
    objective: Mapping[str, Array]  # float32 [] each
    optimizer: Mapping[str, Array]  # float32 [] each


class Task(NamedTuple):
    """What all members of one program share: functions and static sizes."""

    model: Autoencoder
    optimizer: Callable[[Mapping[str, Any], Array], Any]  # (numbers, step) -> optax transformation
    preprocess: Callable[[Array, Batch], Batch]  # (key, rows as they lie on the device) -> rows with float32 x
    grey_images: bool  # x are images within [0, 1]: PSNR and SSIM mean something
    num_rows: int  # of the training split
    batch_size: int
    evaluate_batch_size: int

    @property
    def steps_per_epoch(self) -> int:
        """The last, partial batch of an epoch is dropped (other rows each epoch)."""
        return self.num_rows // self.batch_size
