"""−‖x − x_hat‖² in place of log p(x|z): up to a constant, log p of a Gaussian with σ² = ½, but not a density."""

from typing import Any

from aejax.data.types import Spec
from aejax.models.parts import losses, networks
from aejax.models.vae.types import Likelihood

SUPPORTS = ("categories", "mixed", "binary", "unit", "counts", "real")


def make(config: Any, spec: Spec) -> Likelihood:
    """The squared error of the decoder's output after `config.output_activation`: squared data units."""
    mean = networks.ACTIVATIONS[config.output_activation]
    return Likelihood(lambda key: {}, lambda params, x, output: -losses.squared_error(x, mean(output)), mean, None)
