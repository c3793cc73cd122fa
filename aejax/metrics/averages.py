"""The metrics of one member on one split: pure functions without a member axis."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float, Int

from aejax.keys import EVALUATION, stream
from aejax.types import Batch, HParams, Metrics, Task, TrainState

WINDOW, WINDOW_SD = 11, 1.5  # pixels, of the Gaussian window of ssim
ACTIVE = 0.01  # variance of the posterior mean above which a unit is active (Burda et al. 2015, section 5.1)


def map_batches(fn: Callable[[Int[Array, ""], Batch], Any], rows: Batch, batch_size: int) -> Any:
    """Concatenates fn(index, batch) over all rows in order; the last batch is as short as it must be."""
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


def evaluate_member(task: Task, state: TrainState, hp: HParams, rows: Batch) -> Metrics:
    """Means over rows: the loss's own metrics (nats per example), mse per feature, psnr (dB), ssim, active_units."""
    model = task.model
    objective = {name: value for name, value in hp.objective.items() if not name.endswith("_warmup")}

    def batch_values(index, batch):
        preprocess_key, loss_key = jax.random.split(jax.random.fold_in(stream(hp.seed, EVALUATION), index))
        batch = task.preprocess(preprocess_key, batch)
        loss, (metrics, _) = model.loss(state.params, state.stats, loss_key, batch, **objective)
        # A batch's mean stands once for each of its rows, so that the mean over rows is exact for a short last batch.
        num_rows = len(next(iter(batch.values())))
        values = {name: jnp.full(num_rows, value) for name, value in {"loss": loss, **metrics}.items()}
        codes = {"code": model.encode(state.params, batch["x"])} if "x" in batch else {}
        if model.decode and codes:
            x_hat = model.decode(state.params, codes["code"])
            values["mse"] = mean_squared_error(batch["x"], x_hat)
            if task.grey_images:
                values["psnr"] = -10.0 * jnp.log10(jnp.maximum(values["mse"], 1e-12))
            if task.grey_images and min(batch["x"].shape[1:3]) >= WINDOW:
                values["ssim"] = structural_similarity(batch["x"], x_hat)
        return values, codes

    values, codes = map_batches(batch_values, rows, task.evaluate_batch_size)
    metrics = {name: value.mean() for name, value in values.items()}
    if model.posterior:
        metrics["active_units"] = (codes["code"].var(axis=0) > ACTIVE).sum()
    elif codes and not model.sample_prior:  # of a VAE whose posterior is no Gaussian neither means anything
        metrics |= sparseness(codes["code"])
    return metrics


def sparseness(codes: Float[Array, "N K"]) -> Metrics:
    """The share of exact zeros in a split's codes, and how many units are 0 for all of its rows."""
    zero = codes == 0.0
    return {"zero_fraction": zero.mean(), "dead_units": zero.all(axis=0).sum()}


def mean_squared_error(x: Float[Array, "B *shape"], x_hat: Float[Array, "B *shape"]) -> Float[Array, " B"]:
    """‖x − x_hat‖² / number of features, in squared data units: [B]."""
    return jnp.square(x - x_hat).reshape(len(x), -1).mean(axis=-1)


def structural_similarity(x: Float[Array, "B H W C"], x_hat: Float[Array, "B H W C"]) -> Float[Array, " B"]:
    """Mean SSIM of images in [0, 1], from −1 to 1, 1 where they agree: over channels and all whole windows.

    Wang et al. 2004, eq. 13, with its Gaussian window of 11 × 11 pixels, K₁ = 0.01 and K₂ = 0.03. Images must be at
    least as large as the window.
    """
    offsets = jnp.arange(WINDOW) - WINDOW // 2
    weights = jnp.exp(-0.5 * jnp.square(offsets / WINDOW_SD))

    def smooth(images):
        """Weighted means over windows, as two products with banded matrices."""
        for axis in (1, 2):
            size = images.shape[axis]
            position = jnp.arange(size)[None] - jnp.arange(size - WINDOW + 1)[:, None]
            inside = (position >= 0) & (position < WINDOW)
            band = jnp.where(inside, (weights / weights.sum())[jnp.clip(position, 0, WINDOW - 1)], 0.0)
            images = jnp.moveaxis(jnp.tensordot(band, images, (1, axis)), 0, axis)
        return images

    mean, mean_hat = smooth(x), smooth(x_hat)
    variance, variance_hat = smooth(x * x) - mean**2, smooth(x_hat * x_hat) - mean_hat**2
    covariance = smooth(x * x_hat) - mean * mean_hat
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2.0 * mean * mean_hat + c1) / (mean**2 + mean_hat**2 + c1)
    structure = (2.0 * covariance + c2) / (variance + variance_hat + c2)
    return (luminance * structure).mean(axis=(1, 2, 3))
