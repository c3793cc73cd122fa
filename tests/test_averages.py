"""Means over the rows of a split, against numpy."""

import jax.numpy as jnp
import numpy as np
import pytest

from aejax.metrics import averages, information
from aejax.types import Autoencoder, HParams, Task, TrainState

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("grey", [True, False])
def test_psnr_and_ssim_are_means_over_images_and_of_grey_images_only(grey):
    """Three rows in batches of two; the decoder of this model halves its images."""
    model = Autoencoder(
        init=lambda key: ((), ()),
        loss=lambda params, stats, key, batch: (batch["x"].mean(), ({}, ())),
        encode=lambda params, x: x.reshape(len(x), -1),
        decode=lambda params, code: 0.5 * code.reshape(-1, 12, 12, 1),
    )
    task = Task(model, model.loss, lambda numbers, step: None, lambda key, batch: batch, grey, 3, 1, 2)
    x = np.random.default_rng(0).random((3, 12, 12, 1)).astype(np.float32) * np.array([1.0, 0.5, 0.1]).reshape(
        3, 1, 1, 1
    )
    state = TrainState(jnp.int32(0), jnp.int32(-1), (), (), ())
    metrics = averages.measure(task, state, HParams(jnp.uint32(0), {}, {}), {"x": jnp.float32(x)})
    errors = np.square(0.5 * x).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(metrics["mse"], errors.mean(), rtol=1e-5)
    assert ("psnr" in metrics) == ("ssim" in metrics) == grey
    if grey:
        np.testing.assert_allclose(metrics["psnr"], np.mean(10.0 * np.log10(1.0 / errors)), rtol=1e-5)


def test_active_units_are_those_whose_mean_varies_and_units_have_their_kl():
    """Means have variance 0.02, 0.009 and 0; σ² = 1, so a unit's KL is half its squared mean; batches of four rows."""
    x = jnp.float32(np.random.default_rng(1).normal(size=(10, 3)))
    x = (x - x.mean(axis=0)[None]) / x.std(axis=0)[None] * jnp.sqrt(jnp.array([[0.02, 0.009, 0.0]])) + 1.0

    def posterior(params, x):
        return x, jnp.zeros_like(x)

    model = Autoencoder(
        init=lambda key: ((), ()),
        loss=lambda params, stats, key, batch: (batch["x"].mean(), ({}, ())),
        encode=lambda params, x: posterior(params, x)[0],
        posterior=posterior,
        kl_of_units=lambda params, x: 0.5 * jnp.square(x),
    )
    task = Task(model, model.loss, lambda numbers, step: None, lambda key, batch: batch, False, 10, 1, 4)
    state, hp = TrainState(jnp.int32(0), jnp.int32(-1), (), (), ()), HParams(jnp.uint32(0), {}, {})
    metrics = averages.measure(task, state, hp, {"x": x})
    assert metrics["active_units"] == 1 and "zero_fraction" not in metrics
    units = information.measure(task, state, hp, {"x": x})
    np.testing.assert_allclose(units["unit_variance"], [0.02, 0.009, 0.0], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(units["unit_kl"], 0.5 * np.array([1.02, 1.009, 1.0]), rtol=1e-4)


def test_sparseness_by_hand():
    codes = jnp.array([[0.0, 1.0, 0.0, 2.0], [0.0, 0.0, 0.0, -1.0], [0.0, 3.0, 0.0, 1.0]])
    found = averages.sparseness(codes)
    np.testing.assert_allclose(found["zero_fraction"], 7 / 12, rtol=1e-6)
    np.testing.assert_allclose(found["l0"], 5 / 3, rtol=1e-6)
    assert found["dead_units"] == 2
