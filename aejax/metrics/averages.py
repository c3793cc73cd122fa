"""Means over the rows of a split: the metrics of the loss, reconstruction errors, and which units are in use."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float, Int

from aejax.engine.streams import EVALUATION, stream
from aejax.metrics.reconstruction import WINDOW, mean_squared_error, structural_similarity
from aejax.types import Batch, HParams, Metrics, Task, TrainState, conditioned, weights_of

ACTIVE = 0.01  # variance of the posterior mean above which a unit is active (Burda et al. 2015, section 5.1)


def map_batches(fn: Callable[[Int[Array, ""], Batch], Any], rows: Batch, batch_size: int) -> Any:
    """Concatenates fn(index, batch) over all rows in order; the last batch may be shorter."""
    whole, rest = divmod(len(next(iter(rows.values()))), batch_size)

    def take(index, size):
        return {name: lax.dynamic_slice_in_dim(values, index * batch_size, size) for name, values in rows.items()}

    parts = []
    if whole:
        stacked = lax.map(lambda index: fn(index, take(index, batch_size)), jnp.arange(whole))
        parts.append(jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), stacked))
    if rest:
        parts.append(fn(jnp.int32(whole), take(whole, rest)))
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *parts)


def measure(task: Task, state: TrainState, hp: HParams, rows: Batch) -> Metrics:
    """Means over rows: the metrics of the loss (nats per example), mse per feature, psnr (dB), ssim, active_units."""
    model = task.model
    has_prior = bool(model.posterior or model.sample_prior)  # a two-layer or flow VAE has no Gaussian posterior

    def batch_values(index, batch):
        preprocess_key, loss_key = jax.random.split(jax.random.fold_in(stream(hp.seed, EVALUATION), index))
        batch = task.preprocess(preprocess_key, batch)
        loss, (metrics, _) = model.loss(state.params, state.stats, loss_key, batch, **weights_of(hp.objective))
        # Every row gets its batch's mean, so that the mean over rows is exact if the last batch is short.
        num_rows = len(next(iter(batch.values())))
        values = {name: jnp.full(num_rows, value) for name, value in {"loss": loss, **metrics}.items()}
        codes = {"code": model.encode(state.params, conditioned(batch["x"], batch))} if "x" in batch else {}
        if model.decode and codes:
            x_hat = model.decode(state.params, conditioned(codes["code"], batch))
            values["mse"] = mean_squared_error(batch["x"], x_hat)
            if not has_prior:
                values["variance"] = mean_squared_error(batch["x"], jnp.broadcast_to(task.mean, x_hat.shape))
            if task.grey_images:
                values["psnr"] = -10.0 * jnp.log10(jnp.maximum(values["mse"], 1e-12))
            if task.grey_images and min(batch["x"].shape[1:3]) >= WINDOW:
                values["ssim"] = structural_similarity(batch["x"], x_hat)
        return values, codes

    values, codes = map_batches(batch_values, rows, task.evaluate_batch_size)
    metrics = {name: value.mean() for name, value in values.items()}
    if model.posterior:
        metrics["active_units"] = (codes["code"].var(axis=0) > ACTIVE).sum()
    elif codes and not has_prior:
        metrics |= sparseness(codes["code"])
    if "variance" in metrics:
        metrics["explained_variance"] = 1.0 - metrics["mse"] / metrics.pop("variance")
    return metrics


def sparseness(codes: Float[Array, "N K"]) -> Metrics:
    """The share of exact zeros in a split's codes, the units of a row that are not, and those that are for all rows."""
    zero = codes == 0.0
    return {
        "zero_fraction": zero.mean(),
        "l0": (~zero).sum(axis=1).mean(),
        "dead_units": zero.all(axis=0).sum(),
    }
