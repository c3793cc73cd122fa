"""A VAE whose prior is a mixture of ten Gaussians, all learned, and whose codes can be looked at: 784-512-2.

    python -m experiments.train --config=configs/mixture.py --workdir=runs/mixture
    python -m experiments.evaluate --workdir=runs/mixture

On the digits about 12 s on two CPU cores. The same layers with N(0, I) as prior are configs/vae.py. Source: the mixture
of Gaussians that Tomczak & Welling 2018 (arXiv 1705.07120) compare with their VampPrior, configs/vamp.py.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.prior = "mixture"
    config.model.num_components = 10
    config.train.epochs = 60
    return config
