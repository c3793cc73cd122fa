"""What each corruption does to every pixel, and the denoising autoencoder that is trained on them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aejax import config as configs
from aejax import models
from aejax.engine import programs
from aejax.errors import UserError
from aejax.models.parts import corruptions
from aejax.plan import Plan
from configs import denoising

pytestmark = pytest.mark.slow

NAMES = sorted(corruptions.CORRUPTIONS)
GREY = jnp.full((50, 12, 10, 1), 0.4)  # neither the least nor the greatest value


def test_level_0_is_the_identity():
    x = jax.random.uniform(jax.random.key(0), (7, 5, 4, 3))
    for corrupt in corruptions.CORRUPTIONS.values():
        np.testing.assert_array_equal(corrupt(jax.random.key(3), x, jnp.float32(0.0)), x)


def test_level_1_leaves_nothing():
    assert (corruptions.masking(jax.random.key(3), GREY, 1.0) == 0.0).all()
    assert set(np.unique(corruptions.salt_and_pepper(jax.random.key(3), GREY, 1.0))) == {0.0, 1.0}


@pytest.mark.parametrize("level", [0.05, 0.3, 0.9])
def test_fractions_are_those_of_independent_draws(level):
    """Within five standard deviations of the binomial count."""

    def near(share, expected):
        return abs(share - expected) < 5 * np.sqrt(expected * (1 - expected) / GREY.size)

    masked = np.asarray(corruptions.masking(jax.random.key(3), GREY, jnp.float32(level)))
    assert set(np.unique(masked)) == {np.float32(0.0), np.float32(0.4)}
    assert near((masked == 0.0).mean(), level)
    noisy = np.asarray(corruptions.salt_and_pepper(jax.random.key(3), GREY, jnp.float32(level)))
    assert near((noisy == 0.0).mean(), level / 2) and near((noisy == 1.0).mean(), level / 2)
    assert near((noisy == np.float32(0.4)).mean(), 1 - level)


def test_gaussian_noise_has_the_standard_deviation_of_its_level():
    noise = np.asarray(corruptions.gaussian(jax.random.key(3), GREY, jnp.float32(0.3)) - GREY)
    assert noise.std() == pytest.approx(0.3, rel=0.05) and abs(noise.mean()) < 5 * 0.3 / np.sqrt(noise.size)
    assert (noise + 0.4).min() < 0.0 < 1.0 < (noise + 0.4).max()  # not clipped


def test_a_pixel_is_corrupted_in_all_its_channels():
    x = jnp.full((20, 8, 8, 3), 0.4)
    for corrupt in (corruptions.masking, corruptions.salt_and_pepper):
        x_tilde = np.asarray(corrupt(jax.random.key(3), x, 0.5))
        np.testing.assert_array_equal(x_tilde, np.repeat(x_tilde[..., :1], 3, axis=-1))
    table = np.asarray(corruptions.masking(jax.random.key(3), jnp.full((20, 9), 0.4), 0.5))
    assert 0 < (table == 0).mean() < 1


@pytest.mark.parametrize("name", NAMES)
def test_noise_belongs_to_its_key(name):
    corrupt = corruptions.CORRUPTIONS[name]
    first = corrupt(jax.random.key(5), GREY, 0.5)
    np.testing.assert_array_equal(first, corrupt(jax.random.key(5), GREY, 0.5))
    other = corrupt(jax.random.key(6), GREY, 0.5)
    assert (first != other).mean() > 0.2
    assert not np.array_equal(first[0], first[1])  # nor do two examples share theirs


def build(**changes):
    config = configs.replaced(denoising.get_config(), {"model.hidden": (16,), **changes})
    [group] = programs.make_groups(Plan.make(config))
    return group


def test_the_loss_compares_with_the_clean_rows():
    group = build()
    model: Any = group.task.model
    params, stats = jax.jit(model.init)(jax.random.key(0))
    x, level = jnp.asarray(group.dataset.train["x"][:20]), jnp.float32(0.6)
    loss, (metrics, _) = model.loss(params, stats, jax.random.key(7), {"x": x}, corruption_level=level)
    x_hat = model.decode(params, model.encode(params, model.corrupt(jax.random.key(7), x, level)))
    expected = np.square(np.asarray(x_hat - x)).reshape(20, -1).sum(axis=1).mean()
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    assert float(metrics["reconstruction"]) == float(loss)
    clean = model.loss(params, stats, jax.random.key(8), {"x": x}, corruption_level=jnp.float32(0.0))[0]
    expected = np.square(np.asarray(model.decode(params, model.encode(params, x)) - x)).reshape(20, -1).sum(axis=1)
    assert float(clean) == pytest.approx(expected.mean(), rel=1e-5)


def test_bad_input_is_named():
    for level in (-0.1, 1.5):
        config = configs.replaced(denoising.get_config(), {"objective.corruption_level": level})
        with pytest.raises(UserError, match=r"objective\.corruption_level=.* must be in \[0, 1\]"):
            configs.check(config, [])
    with pytest.raises(UserError, match="model.corruption='mask' is not one of .* did you mean 'masking'"):
        build(**{"model.corruption": "mask"})
    group = build()
    config = configs.replaced(group.config, {"model.corruption": "salt_and_pepper"})
    with pytest.raises(UserError, match=r"salt_and_pepper needs data in \[0, 1\]"):
        models.make(config.model, group.dataset.spec._replace(support="real"))
