"""The β-VAE, the lecture's λ: a sweep of the KL's weight, nine members in one compiled program.

    python -m experiments.train --config=configs/beta_vae.py --workdir=runs/beta \\
        --sweep objective.beta=1,4,10 --sweep seed=0:3

About 10 s on two CPU cores on the digits. Source: Higgins et al. 2017, eq. 4.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.objective.beta = 4.0
    config.model.latent_dim = 10
    config.train.epochs = 60
    return config
