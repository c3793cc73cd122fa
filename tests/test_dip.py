"""The DIP-VAE: its covariances against numpy's, and its loss by hand."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aejax import config as configs
from aejax import models
from aejax.data.types import Spec
from aejax.models.vae.bounds import dip
from configs.base import get_config

pytestmark = pytest.mark.slow

D, K = 5, 3
SPEC = Spec((D,), "table", "unit", 1.0, (), (), np.zeros(D, np.float32), None, None)


def test_the_covariance_of_codes_is_numpys():
    rng = np.random.default_rng(0)
    mean, logvar = rng.normal(size=(6, K)) @ rng.normal(size=(K, K)) + 3.0, rng.normal(size=(6, K))
    of_means = dip.covariance(jnp.float32(mean), jnp.float32(logvar), False)
    np.testing.assert_allclose(of_means, np.cov(mean, rowvar=False, bias=True), rtol=1e-4, atol=1e-5)
    z = mean + np.exp(0.5 * logvar) * rng.normal(size=(200_000, 6, K))  # all rows' codes together
    of_codes = dip.covariance(jnp.float32(mean), jnp.float32(logvar), True)
    np.testing.assert_allclose(of_codes, np.cov(z.reshape(-1, K), rowvar=False), atol=0.05)


@pytest.mark.parametrize("whose", ["means", "codes"])
def test_the_loss_is_the_negative_elbo_and_two_penalties(whose):
    changes = {"model.bound": "dip", "model.dip": whose, "model.latent_dim": K, "model.hidden": (4,)}
    model: Any = models.make(configs.replaced(get_config(), changes).model, SPEC)
    x = jnp.float32(np.random.default_rng(1).uniform(size=(6, D)))
    params = jax.tree.map(lambda leaf: leaf + 0.3, model.init(jax.random.key(0))[0])
    weights = {name: jnp.float32(w) for name, w in (("beta", 2.0), ("dip_off_diagonal", 3.0), ("dip_diagonal", 5.0))}
    value, (metrics, _) = jax.jit(model.loss)(params, (), jax.random.key(1), {"x": x}, **weights)
    mean, logvar = map(np.asarray, model.posterior(params, x))
    covariance: Any = np.cov(mean, rowvar=False, bias=True)
    covariance += np.diag(np.exp(logvar).mean(axis=0)) if whose == "codes" else 0.0
    off = sum(covariance[i, j] ** 2 for i in range(K) for j in range(K) if i != j)
    diagonal = sum((covariance[i, i] - 1.0) ** 2 for i in range(K))
    np.testing.assert_allclose(metrics["covariance_off_diagonal"], off, rtol=1e-4)
    np.testing.assert_allclose(metrics["covariance_diagonal"], diagonal, rtol=1e-4)
    kl = 0.5 * (mean**2 + np.exp(logvar) - logvar - 1.0).sum(axis=1).mean()
    np.testing.assert_allclose(value, metrics["reconstruction"] + 2 * kl + 3 * off + 5 * diagonal, rtol=1e-4)
