"""Probabilistic PCA: the linear model with a likelihood, fitted in closed form; what a linear VAE can reach at best.

    python -m experiments.train --config=configs/ppca.py --workdir=runs/ppca

Its metric `nll` is the exact −log p(x), in nats per example. A second on two CPU cores on the digits, whose test rows
get −8.905. Source: Tipping & Bishop 1999, eq. 7 and 8.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.name = "ppca"
    config.model.latent_dim = 5
    return config
