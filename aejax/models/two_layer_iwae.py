"""The two-layer importance-weighted autoencoder: maximize E log (1/k) Σ w of k draws of z1, z2 from q(z1, z2|x).

Burda et al. 2015 (arXiv 1509.00519), eq. 8, with w = p(x|z1) [p(z1|z2) p(z2) / (q(z1|x) q(z2|z1))]^β and the densities
of two_layer_vae.py; k = `model.num_samples`, and as in iwae.py the mean of `model.num_bounds` such bounds is maximized.
For k = 1 it is the two-layer VAE's, with the KL of z2 by Monte Carlo too.
"""

import math
from typing import Any

from aejax.models import iwae, two_layer_vae
from aejax.types import Autoencoder, Spec


def make(config: Any, spec: Spec) -> Autoencoder:
    """A two-layer VAE that is trained on the importance-weighted bound; raises UserError for unknown names."""
    net = two_layer_vae.parts(config, spec)
    shape = config.num_bounds, config.num_samples

    def loss(params, stats, key, batch, *, beta):
        terms = net.terms(params, key, batch["x"], math.prod(shape))
        log_ratio = terms.ratio + terms.second_ratio
        objective = iwae.bound(terms.log_likelihood - beta * log_ratio, shape)
        metrics = two_layer_vae.measures(terms) | {"bound": iwae.bound(terms.log_likelihood - log_ratio, shape)}
        return -objective, (metrics, stats)

    return two_layer_vae.make(config, spec)._replace(loss=loss)
