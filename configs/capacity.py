"""A VAE whose KL follows a rising capacity: |KL − C| is penalized while C grows from 0 to 4 nats.

    python -m experiments.train --config=configs/capacity.py --workdir=runs/capacity

About 10 s on two CPU cores on the digits. For 800 of 1,100 steps the capacity rises, and the KL follows it within a
tenth of a nat. Expect a test `kl` of 4.01 nats at a test ELBO of −25.70 nats (seed 0).
Source: Burgess et al. 2018 (arXiv 1804.03599), eq. 8, with γ = 10 instead of 1000.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.bound = "capacity"
    config.model.latent_dim = 10
    config.objective.beta = 10.0
    config.objective.capacity = 4.0
    config.objective.capacity_warmup = 800.0
    config.optimizer.schedule = "cosine"
    config.train.epochs = 100
    return config
