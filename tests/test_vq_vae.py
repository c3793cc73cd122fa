"""The VQ-VAE: nearest vectors by brute force, where each gradient goes, and terms by hand."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aejax import config as configs
from aejax import models
from aejax.data.types import Spec
from aejax.engine import optimizers, train
from aejax.errors import UserError
from aejax.models import autoencoder, vq_vae
from aejax.types import HParams, Task, TrainState
from configs.base import get_config

pytestmark = pytest.mark.slow

D, K, PIECES, SIZE, B = 5, 6, 2, 4, 7
SPEC = Spec((D,), "table", "unit", 1.0, (), (), np.zeros(D, np.float32), None, None)


def settings(**keys):
    keys = {"hidden": (), "latent_dim": K, "num_codes": PIECES, "codebook_size": SIZE, "name": "vq_vae"} | keys
    return configs.replaced(get_config(), {f"model.{key}": value for key, value in keys.items()}).model


@pytest.fixture(scope="module")
def trained():
    """The model, parameters and rows; in numpy, z_e, and z_q by brute force."""
    model = models.make(settings(), SPEC)
    params = model.init(jax.random.key(0))[0]
    x = jnp.float32(np.random.default_rng(0).uniform(size=(B, D)))
    z_e = np.asarray(autoencoder.parts(settings(), SPEC).preactivation(params, x), np.float64)
    codebook, z_q = np.asarray(params["codebook"], np.float64), np.empty_like(z_e)
    for row in range(B):
        for piece in np.split(np.arange(K), PIECES):
            distances = [np.square(z_e[row, piece] - vector).sum() for vector in codebook]
            z_q[row, piece] = codebook[np.argmin(distances)]
    return model, params, x, z_e, z_q


def loss(model, params, x, commitment):
    return model.loss(params, (), jax.random.key(0), {"x": x}, commitment=jnp.float32(commitment))


def test_the_code_is_made_of_the_nearest_vectors(trained):
    model, params, x, _, z_q = trained
    np.testing.assert_allclose(model.encode(params, x), z_q, rtol=1e-6)
    assert len(np.unique(z_q.reshape(-1, K // PIECES), axis=0)) > 1


def test_nearest_is_brute_force_on_many_points():
    rng = np.random.default_rng(1)
    z, codebook = rng.normal(size=(200, 3, 2)), rng.normal(size=(9, 2))
    expected = np.square(z[:, :, None] - codebook).sum(axis=-1).argmin(axis=-1)
    np.testing.assert_array_equal(vq_vae.nearest(jnp.float32(z), jnp.float32(codebook)), expected)


@pytest.mark.parametrize("commitment", [0.0, 0.25, 3.0])
def test_the_loss_is_its_three_terms(trained, commitment):
    model, params, x, z_e, z_q = trained
    value, (metrics, _) = loss(model, params, x, commitment)
    reconstruction = autoencoder.parts(settings(), SPEC).error(params, x, jnp.float32(z_q)).mean()
    np.testing.assert_allclose(metrics["reconstruction"], reconstruction, rtol=1e-5)
    distance = np.square(z_e - z_q).sum(axis=1).mean()
    np.testing.assert_allclose(value, reconstruction + (1 + commitment) * distance, rtol=1e-5)


def test_the_gradients_go_where_the_paper_sends_them(trained):
    """z_e gets −∂ log p/∂z at z_q, plus 2β(z_e − z_q); a vector e gets 2(e − z_e) from each piece that it replaces.

    The encoder has one layer, so the gradient of its bias is the sum of the gradients of z_e over rows.
    """
    model, params, x, z_e, z_q = trained
    net = autoencoder.parts(settings(), SPEC)
    gradient = jax.grad(lambda p: loss(model, p, x, 0.7)[0])(params)
    slope = jax.grad(lambda z: net.error(params, x, z).mean())(jnp.float32(z_q))
    of_z_e = np.asarray(slope) + 0.7 * 2.0 * (z_e - z_q) / B
    assert np.abs(slope).max() > 1e-3 and np.abs(z_e - z_q).max() > 1e-3
    np.testing.assert_allclose(gradient["encoder"]["Dense_0"]["bias"], of_z_e.sum(axis=0), rtol=1e-4, atol=1e-6)
    codebook = np.asarray(params["codebook"], np.float64)
    expected = np.zeros_like(codebook)
    for piece, target in zip(z_q.reshape(-1, K // PIECES), z_e.reshape(-1, K // PIECES), strict=True):
        expected[np.square(codebook - piece).sum(axis=1).argmin()] += 2.0 * (piece - target) / B
    np.testing.assert_allclose(gradient["codebook"], expected, rtol=1e-4, atol=1e-6)


def test_perplexity_counts_the_vectors_in_use():
    perplexity = [vq_vae.perplexity(jnp.array(index), 8) for index in ([[3, 3]], [[0, 1], [2, 3]], [[0, 0], [0, 1]])]
    np.testing.assert_allclose(perplexity, [1.0, 4.0, np.exp(-0.75 * np.log(0.75) - 0.25 * np.log(0.25))], rtol=1e-6)


def test_draws_from_the_prior_are_made_of_vectors_each_as_often(trained):
    model, params = trained[:2]
    assert model.sample_prior
    pieces = np.asarray(model.sample_prior(params, jax.random.key(5), 1000)).reshape(-1, 1, K // PIECES)
    same = (pieces == np.asarray(params["codebook"])[None]).all(axis=-1)
    assert (same.sum(axis=1) == 1).all()
    np.testing.assert_allclose(same.mean(axis=0), 1 / SIZE, atol=0.05)


def test_pieces_of_unequal_size_are_refused_with_a_remedy():
    with pytest.raises(UserError, match="latent_dim=6 .*num_codes=4: .*latent_dim=8$"):
        models.make(settings(num_codes=4), SPEC)


def test_running_means_are_the_quotients_of_their_sums(trained):
    """Against m / N of appendix A.1, over three batches in which the last vector is never used."""
    params = trained[1]
    stats = {"codebook": params["codebook"], "count": jnp.zeros(SIZE)}
    n, m, d = np.zeros(SIZE), np.zeros((SIZE, K // PIECES)), 0.9
    for seed in range(3):
        rng = np.random.default_rng(seed)
        z, index = rng.normal(size=(9, K // PIECES)), rng.integers(0, SIZE - 1 - (seed == 1), 9)
        stats = vq_vae.running_means(stats, jnp.float32(z), jnp.asarray(index), jnp.float32(d))
        for vector in range(SIZE):
            n[vector] = d * n[vector] + (1 - d) * (index == vector).sum()
            m[vector] = d * m[vector] + (1 - d) * z[index == vector].sum(axis=0)
    np.testing.assert_allclose(stats["count"], n, rtol=1e-5)
    np.testing.assert_allclose(stats["codebook"][:-1], m[:-1] / n[:-1, None], rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(stats["codebook"][-1], params["codebook"][-1])


def test_a_step_moves_the_codebook_to_the_means_of_its_pieces_and_encode_reads_it(trained):
    """With decay 0 a used vector becomes the mean of its pieces; the gradient, and weight decay, leave it alone."""
    _, params, x, z_e, _ = trained
    model = models.make(settings(codebook_update="ema"), SPEC)
    objective = {"commitment": jnp.float32(0.25), "codebook_decay": jnp.float32(0.0)}
    step_of = optimizers.make("adamw", "constant", 2)
    numbers = base_numbers() | {"weight_decay": jnp.float32(0.5), "learning_rate": jnp.float32(0.1)}
    task = Task(model, model.loss, step_of, lambda key, batch: batch, False, B, B, B)
    stats = {"codebook": params["codebook"], "count": jnp.zeros(SIZE)}
    hp = HParams(jnp.uint32(0), objective, numbers)
    start = TrainState(jnp.int32(0), jnp.int32(-1), params, stats, step_of(numbers, jnp.int32(0)).init(params))
    after = jax.jit(lambda state: train.train_step(task, state, hp, {"x": x})[0])(start)
    pieces, codebook = z_e.reshape(-1, K // PIECES), np.array(params["codebook"], np.float64)
    nearest = np.square(pieces[:, None] - codebook).sum(axis=-1).argmin(axis=-1)
    for vector in np.unique(nearest):
        codebook[vector] = pieces[nearest == vector].mean(axis=0)
    np.testing.assert_allclose(after.params["codebook"], codebook, rtol=1e-5, atol=1e-6)
    code = np.asarray(model.encode(after.params, x)).reshape(-1, K // PIECES)
    assert all(np.abs(codebook - piece).max(axis=1).min() < 1e-5 for piece in code)


def base_numbers():
    config: Any = get_config()
    return {name: jnp.float32(value) for name, value in config.optimizer.items() if isinstance(value, float)}
