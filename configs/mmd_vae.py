"""A VAE that holds the distribution of all codes to the prior by their MMD, instead of each posterior by its KL.

    python -m experiments.train --config=configs/mmd_vae.py --workdir=runs/mmd_vae \\
        --sweep objective.mmd=0,100,1000

On the digits about 10 s for each setting on two CPU cores. Expect test reconstructions of 16.2, 17.2 and 24.9 nats and
KLs of 83, 34 and 2 nats (seed 0). The loss does not penalize the KL. Source: Zhao et al. 2017 (arXiv 1706.02262), α =
1.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.bound = "mmd"
    config.model.latent_dim = 10
    config.objective.beta = 0.0
    config.objective.mmd = 100.0
    config.train.epochs = 50
    return config
