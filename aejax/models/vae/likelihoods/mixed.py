"""p(x|z) of a table of numbers and categories: a Gaussian for each number, a categorical for each one-hot block.

Nazabal et al. 2020 (HI-VAE, arXiv 1807.03653), eq. 4 with these two kinds of columns: log p(x|z) is the sum of both,
and given z all columns are independent. `model.variance` and the keys beside it are those of the Gaussian; its mean is
the decoder's output.
"""

from typing import Any

import jax
import jax.numpy as jnp

from aejax.data.types import Spec
from aejax.errors import UserError
from aejax.models.vae.likelihoods import categorical, gaussian
from aejax.models.vae.types import Likelihood

SUPPORTS = ("mixed",)


def make(config: Any, spec: Spec) -> Likelihood:
    """The Gaussian of the numbers and the categoricals after them."""
    if config.learn_variance and config.variance_kind == "optimal":
        raise UserError("model.variance_kind=optimal does not fit model.likelihood=mixed: use one or feature")
    first = spec.num_numbers
    number = gaussian.make(config, spec._replace(shape=(first,)))
    category = categorical.make(config, spec)
    assert number.sample and category.sample
    draw_number, draw_category = number.sample, category.sample

    def log_prob(params, x, output):
        log_p = number.log_prob(params, x[:, :first], output[:, :first])
        return log_p + category.log_prob(params, x[:, first:], output[:, first:])

    def mean(output):
        return jnp.concatenate([number.mean(output[..., :first]), category.mean(output[..., first:])], axis=-1)

    def sample(params, key, output):
        one, two = jax.random.split(key)
        parts = [draw_number(params, one, output[:, :first]), draw_category(params, two, output[:, first:])]
        return jnp.concatenate(parts, axis=-1)

    return Likelihood(number.init, log_prob, mean, sample, link=number.link + category.link)
