"""Networks: how their parameters are initialized."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models.parts import networks
from tests.conftest import small_config

pytestmark = pytest.mark.slow

MEAN = np.array([0.0, 0.25, 0.5, 1.0], np.float32)
SPEC = Spec((4,), "table", "unit", 1.0, (), (), MEAN, None, None)


def test_an_untrained_decoder_with_the_mean_as_bias_gives_the_mean_for_the_code_zero():
    config = small_config().model
    config.output_bias = "train_mean"
    net = networks.decoder(config, SPEC)
    logits = net.apply(net.init(jax.random.key(0)), jnp.zeros((1, config.latent_dim)))
    np.testing.assert_allclose(jax.nn.sigmoid(logits[0]), np.clip(MEAN, 0.001, 0.999), rtol=1e-5)


@pytest.mark.parametrize(("name", "variance"), [("lecun_normal", 1 / 400), ("glorot_uniform", 2 / 600)])
def test_an_initializer_has_the_variance_of_its_paper(name, variance):
    config = small_config().model
    config.initializer, config.hidden = name, (200,)
    net = networks.encoder(config, SPEC._replace(shape=(400,)), 2)
    matrix = networks.first_matrix(net.init(jax.random.key(0)))
    np.testing.assert_allclose(matrix.var(), variance, rtol=0.02)


@pytest.mark.parametrize("changes", [{"likelihood": "gaussian"}, {"network": "conv"}])
def test_a_mean_that_is_no_logit_per_feature_is_refused(changes):
    config: Any = small_config().model
    config.update({"output_bias": "train_mean"} | changes)
    with pytest.raises(UserError, match="model.output_bias=train_mean"):
        networks.decoder(config, SPEC._replace(shape=(4, 4, 1)))
