"""−‖x − x_hat‖² in place of log p(x|z): up to a constant, log p of a Gaussian with σ² = ½, but not a density."""

import math
from typing import Any

from aejax.data.types import Spec
from aejax.models.parts import losses, networks
from aejax.models.vae.types import Likelihood
from aejax.types import Link

SUPPORTS = ("categories", "mixed", "binary", "unit", "counts", "real")


def make(config: Any, spec: Spec) -> Likelihood:
    """The squared error of the decoder's output after `config.output_activation`: squared data units."""
    mean = networks.ACTIVATIONS[config.output_activation]
    link = (Link(config.output_activation, math.prod(spec.shape)),)

    def log_prob(params, x, output):
        return -losses.squared_error(x, mean(output))

    return Likelihood(lambda key: {}, log_prob, mean, None, link=link)
