"""Structural similarity against scipy."""

import jax.numpy as jnp
import numpy as np
from scipy.ndimage import gaussian_filter

from aejax.metrics.reconstruction import structural_similarity


def test_ssim_is_that_of_gaussian_filters():
    """Against scipy's own Gaussian filter of radius 5, borders left out (as scikit-image defines it)."""
    rng = np.random.default_rng(0)
    x = rng.random((3, 14, 17, 2))
    x_hat = np.clip(x + 0.3 * rng.normal(size=x.shape), 0.0, 1.0)

    def smooth(images):
        return gaussian_filter(images, 1.5, axes=(1, 2), radius=5)[:, 5:-5, 5:-5]

    mean, mean_hat = smooth(x), smooth(x_hat)
    covariance = smooth(x * x_hat) - mean * mean_hat
    variances = smooth(x**2) - mean**2 + smooth(x_hat**2) - mean_hat**2
    expected = (2 * mean * mean_hat + 1e-4) * (2 * covariance + 9e-4)
    expected /= (mean**2 + mean_hat**2 + 1e-4) * (variances + 9e-4)
    ours = structural_similarity(jnp.float32(x), jnp.float32(x_hat))
    np.testing.assert_allclose(ours, expected.mean(axis=(1, 2, 3)), rtol=1e-4)
    np.testing.assert_allclose(structural_similarity(jnp.float32(x), jnp.float32(x)), 1.0, rtol=1e-6)
