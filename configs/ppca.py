"""Probabilistic PCA: the linear model with a likelihood, fitted in closed form; the best that a linear VAE can reach.

    python -m experiments.train --config=configs/ppca.py --workdir=runs/ppca

A second on two CPU cores on the digits. Expect an exact test −log p(x) (`nll`) of −8.905 nats. Source: Tipping & Bishop
1999, eq. 7 and 8.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.name = "ppca"
    config.model.latent_dim = 5
    return config
