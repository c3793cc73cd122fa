"""log p(x) of one member by importance sampling: pure functions without a member axis.

log p(x) ≈ log (1/S) Σ w_s, with w = p(x, z) / q(z|x) and z_1 ... z_S from q(z|x): in expectation a lower bound, which
tightens as S grows (Burda et al. 2015, arXiv 1509.00519, eq. 8). Samples come in chunks and only running sums of w and
w² are kept, on a log scale, so that S is not limited by memory.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float, Key

from aejax.engine.streams import EVALUATION, stream
from aejax.metrics.averages import map_batches
from aejax.types import Autoencoder, Batch, Given, HParams, Metrics, Params, Task, TrainState, conditioned

CODES = 2000  # decoded at once: on a CPU, more do not fit in the cache


class Weights(NamedTuple):
    """Running sums over the importance weights of each row, divided by powers of its largest one."""

    largest: Float[Array, " B"]  # log of the largest w so far
    first: Float[Array, " B"]  # Σ w / largest
    second: Float[Array, " B"]  # Σ (w / largest)²


def add(sums: Weights, log_w: Float[Array, "S B"]) -> Weights:
    """The sums with more weights: the streaming form of log-sum-exp."""
    largest = jnp.maximum(sums.largest, log_w.max(axis=0))
    finite = jnp.where(jnp.isneginf(largest), 0.0, largest)  # all weights so far may be 0
    shrink = jnp.exp(sums.largest - finite)
    w = jnp.exp(log_w - finite[None])
    return Weights(
        largest,
        sums.first * shrink + w.sum(axis=0),
        sums.second * jnp.square(shrink) + jnp.square(w).sum(axis=0),
    )


def log_mean(sums: Weights, num_samples: int | Array) -> Float[Array, " B"]:
    """log (1/S) Σ w of every row: nats."""
    return sums.largest + jnp.log(sums.first) - jnp.log(num_samples)


def effective_sample_size(sums: Weights) -> Float[Array, " B"]:
    """(Σ w)² / Σ w², between 1 and S: how many draws from the true posterior the weighted ones are worth."""
    return jnp.square(sums.first) / sums.second


def chunk_size(num_samples: int, batch_size: int) -> int:
    """How many samples per row are decoded at once: the largest divisor of S that keeps a batch within CODES."""
    most = max(1, min(num_samples, CODES // batch_size))
    return next(size for size in range(most, 0, -1) if num_samples % size == 0)


def curve_samples(num_samples: int, size: int) -> list[int]:
    """The numbers of samples at which `weigh` records its estimate: after 2ⁱ − 1 chunks, and after all."""
    num_chunks = num_samples // size
    return [size * min(2**i - 1, num_chunks) for i in range(1, num_chunks.bit_length() + 1)]


def weigh(
    model: Autoencoder,
    params: Params,
    key: Key[Array, ""],
    x: Float[Array, "B *shape"] | Given,
    num_samples: int,
    size: int,
) -> tuple[Weights, Float[Array, "P B"]]:
    """The sums over `num_samples` weights of every row, `size` at a time, and log p(x) at `curve_samples`."""
    log_weights, num_points = model.log_weights, len(curve_samples(num_samples, size))
    assert log_weights

    def chunk(number, carry):
        sums, curve = carry
        sums = add(sums, log_weights(params, jax.random.fold_in(key, number), x, size))
        point = jnp.searchsorted(2 ** jnp.arange(1, num_points), number + 1, side="right")
        return sums, curve.at[point].set(log_mean(sums, (number + 1.0) * size))  # a point's last chunk wins

    num_rows = len(jax.tree.leaves(x)[0])
    zeros = jnp.zeros(num_rows)
    start = Weights(zeros - jnp.inf, zeros, zeros), jnp.zeros((num_points, num_rows))
    return lax.fori_loop(0, num_samples // size, chunk, start)


def measure(task: Task, state: TrainState, hp: HParams, rows: Batch, num_samples: int) -> Metrics:
    """`nll`, its Monte Carlo standard error, `ess` (mean over rows), and `curve`, the nll at `curve_samples`.

    Nats per example. The standard error covers new draws of z for these rows, by the delta method: the variance of a
    row's estimate is 1 / ess − 1 / S. It does not cover other rows or the bias, which is about half of that variance
    and visible in the curve. It is NaN for S = 1. Each pixel of dynamically binarized rows is drawn once, from the
    member's seed.
    """

    size = chunk_size(num_samples, task.evaluate_batch_size)

    def batch_values(index, batch):
        preprocess_key, key = jax.random.split(jax.random.fold_in(stream(hp.seed, EVALUATION), index))
        batch = task.preprocess(preprocess_key, batch)
        x = conditioned(batch["x"], batch)
        sums, log_p = weigh(task.model, state.params, key, x, num_samples, size)
        return {"log_p": log_p.T, "ess": effective_sample_size(sums)}

    values = map_batches(batch_values, rows, task.evaluate_batch_size)
    variance = jnp.maximum(1.0 / values["ess"] - 1.0 / num_samples, 0.0)
    curve = -values["log_p"].mean(axis=0)
    return {
        "nll": curve[-1],
        "nll_stderr": jnp.sqrt(variance.sum()) / len(variance) if num_samples > 1 else jnp.float32(jnp.nan),
        "ess": values["ess"].mean(),
        "curve": curve,
    }
