"""The variance of a Gaussian likelihood that is found: one for each feature, or the optimal one."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.stats import norm

from aejax import config as configs
from aejax import models
from aejax.data.types import Spec
from aejax.keys import base_config

D, K, B = 4, 2, 256
VALUES = np.array([3.0, 2.0, 0.3, 0.1])  # eigenvalues of the rows' covariance
X = np.random.default_rng(0).normal(size=(B, D))
X = np.linalg.qr(X - X.mean(axis=0))[0] * np.sqrt(B * VALUES)
SPEC = Spec((D,), "table", "real", 1.0, (), (), np.zeros(D, np.float32), None, None)
BATCH = {"x": jnp.asarray(X, jnp.float32)}


def make(kind, **keys) -> Any:
    keys = {"latent_dim": K, "hidden": (), "likelihood": "gaussian", "learn_variance": True} | keys
    config = configs.replaced(base_config(), {f"model.{key}": value for key, value in keys.items()})
    config.model.variance_kind = kind
    return models.make(config.model, SPEC)


def test_each_feature_has_its_own_variance():
    model = make("feature", variance=0.5)
    params = jax.jit(model.init)(jax.random.key(0))[0]
    np.testing.assert_allclose(params["likelihood"]["logvar"], np.full(D, np.log(0.5)), rtol=1e-6)
    params["likelihood"]["logvar"] = jnp.log(jnp.float32([0.1, 0.5, 1.0, 2.0]))
    prior = {**params, "encoder": jax.tree.map(jnp.zeros_like, params["encoder"])}  # q(z|x) is the prior
    log_w = model.log_weights(prior, jax.random.key(1), BATCH["x"], 3)
    z = jax.random.normal(jax.random.key(1), (3, B, K))
    mean = z @ params["decoder"]["Dense_0"]["kernel"] + params["decoder"]["Dense_0"]["bias"][None, None]
    expected = norm.logpdf(X[None], mean, np.sqrt([0.1, 0.5, 1.0, 2.0])).sum(axis=-1)
    np.testing.assert_allclose(log_w, expected, rtol=1e-4)


def test_the_optimal_variance_is_the_running_squared_error():
    """Read from the reconstruction of three steps with the same batch, and no gradient reaches it."""
    model = make("optimal", variance=0.7)
    params, stats = jax.jit(model.init)(jax.random.key(0))
    step = jax.jit(jax.grad(lambda params, stats, key: model.loss(params, stats, key, BATCH, beta=1.0), has_aux=True))
    errors = []
    for number in range(3):
        key, logvar = jax.random.key(number), float(params["likelihood"]["logvar"])
        gradient, (metrics, stats) = step(params, stats, key)
        assert gradient["likelihood"]["logvar"] == 0.0
        errors.append((2 * float(metrics["reconstruction"]) / D - np.log(2 * np.pi) - logvar) * np.exp(logvar))
        params = model.follow(params, stats)
    weights = 0.99 ** np.arange(2, -1, -1)
    np.testing.assert_allclose(np.exp(params["likelihood"]["logvar"]), np.average(errors, weights=weights), rtol=1e-4)
    z = model.encode(params, BATCH["x"])  # the order of magnitude is that of the squared error itself
    assert np.mean(errors) > 0.5 * np.square(np.asarray(model.decode(params, z)) - X).mean()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["one", "optimal"])
def test_a_linear_vae_finds_the_mean_of_the_discarded_eigenvalues(kind):
    """Probabilistic PCA (Tipping & Bishop 1999, eq. 8), learned or set to its optimum."""
    model, optimizer = make(kind), optax.adam(optax.cosine_decay_schedule(1e-1, 6000))

    @jax.jit
    def trained():
        params, stats = model.init(jax.random.key(0))

        def step(number, carry):
            params, stats, state, total = carry
            key = jax.random.fold_in(jax.random.key(1), number)
            gradient, (_, stats) = jax.grad(model.loss, has_aux=True)(params, stats, key, BATCH, beta=jnp.float32(1.0))
            updates, state = optimizer.update(gradient, state)
            params: Any = optax.apply_updates(params, updates)
            params = model.follow(params, stats) if model.follow else params
            total += jnp.where(number >= 5000, 1e-3, 0.0) * jnp.exp(params["likelihood"]["logvar"])
            return params, stats, state, total

        return jax.lax.fori_loop(0, 6000, step, (params, stats, optimizer.init(params), jnp.float32(0.0)))[-1]

    np.testing.assert_allclose(trained(), VALUES[K:].mean(), rtol=0.02)
