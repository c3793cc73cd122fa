"""MADE is a density: it sums to 1, and no logit sees its own feature or a later one."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aejax import config as configs
from aejax import models
from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models import made
from configs.base import get_config

pytestmark = pytest.mark.slow

D, K = 8, 6
SPEC = Spec((2, 2, 2), "table", "binary", 1.0, (), (), np.full((2, 2, 2), 0.3, np.float32), None, None)


def settings(**keys):
    changes = {"model.name": "made", "model.latent_dim": K, "model.hidden": (), "model.activation": "tanh"}
    changes |= {f"model.{key}": value for key, value in keys.items()}
    return configs.replaced(get_config(), changes).model


def make(spec=SPEC, **keys) -> Any:
    return models.make(settings(**keys), spec)


def widened(params):
    """The parameters times ten, so that conditionals are far from one half and from one another."""
    return jax.tree.map(lambda leaf: 10.0 * leaf + 0.3, params)


def log_prob(model, params, x):
    return model.log_weights(params, jax.random.key(0), x, 1)[0]


@pytest.mark.parametrize("hidden", [(), (7,), (20, 5)])
def test_probabilities_sum_to_one_over_all_inputs(hidden):
    model = make(hidden=hidden)
    params = widened(model.init(jax.random.key(1))[0])
    x = jnp.float32(list(itertools.product([0, 1], repeat=D))).reshape(-1, *SPEC.shape)
    p = np.exp(np.asarray(log_prob(model, params, x), np.float64))
    assert p.max() > 4 / 2**D  # far from uniform
    np.testing.assert_allclose(p.sum(), 1.0, atol=1e-5)


@pytest.mark.parametrize("hidden", [(), (7,), (20, 5)])
def test_a_logit_sees_the_features_before_its_own_and_no_others(hidden):
    net = made.parts(settings(hidden=hidden, latent_dim=2 * D), SPEC)
    params = widened(net.init(jax.random.key(1)))
    x = jnp.full((1, *SPEC.shape), 0.4)
    jacobian = np.asarray(jax.jacfwd(lambda x: net.logits(params, x)[0])(x)).reshape(D, D)
    assert (jacobian[np.triu_indices(D)] == 0).all()
    if hidden != (20, 5):  # five units cannot see all the pasts of eight features
        assert (jacobian[np.tril_indices(D, -1)] != 0).all()


def test_the_code_is_the_last_hidden_layer_and_knows_its_past_only():
    net = made.parts(settings(hidden=(9,)), SPEC)
    params = widened(net.init(jax.random.key(1)))
    x = jnp.full((1, *SPEC.shape), 0.4)
    jacobian = np.asarray(jax.jacfwd(lambda x: net.encode(params, x)[0])(x)).reshape(K, D)
    degrees = [1, 2, 3, 4, 5, 6]  # 1 + floor(7 k / 6)
    for unit, degree in enumerate(degrees):
        assert (jacobian[unit, degree:] == 0).all() and (jacobian[unit, :degree] != 0).all()


def test_the_weights_are_the_likelihood_that_the_loss_is_the_mean_of():
    model = make()
    params = widened(model.init(jax.random.key(1))[0])
    x = jnp.float32(np.random.default_rng(0).integers(0, 2, (5, *SPEC.shape)))
    log_w = model.log_weights(params, jax.random.key(0), x, 3)
    value, (metrics, _) = model.loss(params, (), jax.random.key(0), {"x": x})
    assert log_w.shape == (3, 5)
    np.testing.assert_allclose([-value, -metrics["nll"]], log_w[2].mean(), rtol=1e-6)


def test_an_untrained_network_with_the_mean_as_bias_has_logits_around_it():
    net = made.parts(settings(output_bias="train_mean"), SPEC)
    params = net.init(jax.random.key(1))
    logits = net.logits(params, jnp.zeros((1, *SPEC.shape)))  # tanh(0) = 0: only the bias is left
    np.testing.assert_allclose(jax.nn.sigmoid(logits), 0.3, rtol=1e-5)


@pytest.mark.parametrize(
    ("spec", "keys", "words"),
    [
        (SPEC._replace(support="real"), {}, "needs data in \\[0, 1\\], but"),
        (SPEC, {"likelihood": "gaussian"}, "model.likelihood"),
        (SPEC, {"network": "conv"}, "model.network"),
        (SPEC, {"gated": True}, "model.gated"),
    ],
)
def test_what_is_no_density_of_bits_is_refused_in_one_line(spec, keys, words):
    with pytest.raises(UserError, match=words) as caught:
        make(spec, **keys)
    assert "\n" not in str(caught.value)
