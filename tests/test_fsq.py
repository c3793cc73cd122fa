"""Finite scalar quantization: codes and integers by enumeration, levels by brute force, where the gradient goes."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aejax import config as configs
from aejax import models
from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models import autoencoder, fsq
from configs.base import get_config

pytestmark = pytest.mark.slow

D, K, B, LEVELS = 5, 6, 7, (3, 2, 5)
SPEC = Spec((D,), "table", "unit", 1.0, (), (), np.zeros(D, np.float32), None, None)


def settings(**keys):
    keys = {"hidden": (), "latent_dim": K, "levels": LEVELS, "name": "fsq"} | keys
    return configs.replaced(get_config(), {f"model.{key}": value for key, value in keys.items()}).model


@pytest.fixture(scope="module")
def trained():
    """The model, parameters whose units reach all levels, rows, and in numpy tanh of the encoder's output."""
    model = models.make(settings(), SPEC)
    params = jax.tree.map(lambda leaf: 3.0 * leaf, model.init(jax.random.key(0))[0])
    x = jnp.float32(np.random.default_rng(0).uniform(size=(B, D)))
    return model, params, x, np.tanh(np.asarray(autoencoder.parts(settings(), SPEC).preactivation(params, x)))


def test_codes_and_integers_are_in_bijection():
    levels = np.array(list(itertools.product(*map(range, LEVELS))))  # in the order of the integers
    np.testing.assert_array_equal(fsq.to_index(jnp.asarray(levels), LEVELS), np.arange(30))
    np.testing.assert_array_equal(fsq.to_level(jnp.arange(30), LEVELS), levels)
    codes = fsq.values(jnp.asarray(levels), LEVELS)
    assert len(np.unique(codes, axis=0)) == 30 and np.abs(codes).max() == 1.0
    np.testing.assert_array_equal(fsq.nearest(codes, LEVELS), levels)


def test_each_unit_takes_its_nearest_level(trained):
    model, params, x, bounded = trained
    code = np.asarray(model.encode(params, x))
    for unit in range(K):
        ladder = np.linspace(-1.0, 1.0, LEVELS[unit % 3])
        expected = [ladder[np.abs(ladder - value).argmin()] for value in bounded[:, unit]]
        np.testing.assert_allclose(code[:, unit], expected, rtol=1e-6)
    assert len(np.unique(code)) > 3


def test_the_gradient_is_the_decoders_at_z_q_times_that_of_tanh(trained):
    """The encoder has one layer, so the gradient of its bias is the sum of that of its output over rows."""
    model, params, x, bounded = trained
    net = autoencoder.parts(settings(), SPEC)
    value, (metrics, _) = model.loss(params, (), jax.random.key(0), {"x": x})
    z_q = model.encode(params, x)
    np.testing.assert_allclose(value, net.error(params, x, z_q).mean(), rtol=1e-6)
    gradient = jax.grad(lambda p: model.loss(p, (), jax.random.key(0), {"x": x})[0])(params)
    slope = jax.grad(lambda z: net.error(params, x, z).mean())(z_q)
    expected = (np.asarray(slope) * (1.0 - bounded**2)).sum(axis=0)
    np.testing.assert_allclose(gradient["encoder"]["Dense_0"]["bias"], expected, rtol=1e-4, atol=1e-6)
    pieces = np.asarray(z_q).reshape(-1, 3)
    share = np.unique(pieces, axis=0, return_counts=True)[1] / len(pieces)
    np.testing.assert_allclose(metrics["perplexity"], np.exp(-(share * np.log(share)).sum()), rtol=1e-5)


def test_draws_from_the_prior_take_every_code_as_often(trained):
    model, params = trained[:2]
    pieces = np.asarray(model.sample_prior(params, jax.random.key(5), 3000)).reshape(-1, 3)
    counts = np.unique(pieces, axis=0, return_counts=True)[1]
    assert len(counts) == 30 and np.abs(counts / 200 - 1.0).max() < 0.35  # five standard deviations


def test_pieces_that_lack_units_are_refused_with_a_remedy():
    with pytest.raises(UserError, match=r"latent_dim=7 .*levels=\(3, 2, 5\): .*latent_dim=9$"):
        models.make(settings(latent_dim=7), SPEC)


def test_a_piece_with_too_many_values_is_refused():
    with pytest.raises(UserError, match=r"model.levels=.* gives a piece 4,294,967,296 values: use levels with at most"):
        models.make(settings(levels=(256, 256, 256, 256), latent_dim=4), SPEC)
