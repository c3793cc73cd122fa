"""p(x|z) of bits, given their logits; a grey value in [0, 1] counts as a probability."""

from typing import Any

import jax
import jax.numpy as jnp

from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models.parts import losses
from aejax.models.vae.types import Likelihood


def make(config: Any, spec: Spec) -> Likelihood:
    """A Bernoulli for each feature; raises UserError for data outside [0, 1]."""
    if spec.support == "real":
        raise UserError(
            "model.likelihood=bernoulli needs data in [0, 1], but the data have values outside: "
            "rescale them, or use --config.model.likelihood=gaussian"
        )
    return Likelihood(
        lambda key: {},
        lambda params, x, output: losses.bernoulli_log_likelihood(x, output),
        jax.nn.sigmoid,
        lambda params, key, output: jax.random.bernoulli(key, jax.nn.sigmoid(output)).astype(jnp.float32),
    )
