"""The quality of a reconstruction: squared error, and the structural similarity of images."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

WINDOW, WINDOW_SD = 11, 1.5  # pixels, of the Gaussian window of ssim


def mean_squared_error(x: Float[Array, "B *shape"], x_hat: Float[Array, "B *shape"]) -> Float[Array, " B"]:
    """‖x − x_hat‖² / number of features, in squared data units: [B]."""
    return jnp.square(x - x_hat).reshape(len(x), -1).mean(axis=-1)


def structural_similarity(x: Float[Array, "B H W C"], x_hat: Float[Array, "B H W C"]) -> Float[Array, " B"]:
    """Mean SSIM of images in [0, 1] over channels and all whole windows: from −1 to 1, which is equality.

    Wang et al. 2004, eq. 13, with its Gaussian window of 11 × 11 pixels, K₁ = 0.01 and K₂ = 0.03. Images must be at
    least as large as the window.
    """
    offsets = jnp.arange(WINDOW) - WINDOW // 2
    weights = jnp.exp(-0.5 * jnp.square(offsets / WINDOW_SD))

    def smooth(images):
        """Weighted means over windows, as a product with a banded matrix for each axis."""
        for _ in range(2):
            size = images.shape[-1]
            position = jnp.arange(size)[:, None] - jnp.arange(size - WINDOW + 1)[None]
            inside = (position >= 0) & (position < WINDOW)
            band = jnp.where(inside, (weights / weights.sum())[jnp.clip(position, 0, WINDOW - 1)], 0.0)
            images = jnp.swapaxes(images @ band, -1, -2)
        return images

    x, x_hat = jnp.moveaxis(x, -1, 1), jnp.moveaxis(x_hat, -1, 1)  # the products are of the last axis: no copies
    mean, mean_hat = smooth(x), smooth(x_hat)
    variance, variance_hat = smooth(x * x) - mean**2, smooth(x_hat * x_hat) - mean_hat**2
    covariance = smooth(x * x_hat) - mean * mean_hat
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2.0 * mean * mean_hat + c1) / (mean**2 + mean_hat**2 + c1)
    structure = (2.0 * covariance + c2) / (variance + variance_hat + c2)
    return (luminance * structure).mean(axis=(1, 2, 3))
