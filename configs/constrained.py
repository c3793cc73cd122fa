"""A VAE whose KL is held at a target: the weight β of the KL is found by training instead of chosen.

    python -m experiments.train --config=configs/constrained.py --workdir=runs/constrained \\
        --sweep objective.kl_target=1,2,4,8

About 30 s on two CPU cores on the digits: all targets train in one program. Over the last twenty epochs, the KL of the
training rows is within 0.4 % of every target (seeds 0 to 2). Expect a test `kl` of 3.98 nats, a test ELBO of −24.63
nats and a `multiplier` of 0.88 for the target of 4 (seed 0). At a constant learning rate, the KL of an epoch wanders by
2 %. On MNIST with 20 units and a target of 20, it is 20.00 ± 0.01 in the last four of 20 epochs (seeds 0 to 2).
Source: Rezende & Viola 2018 (GECO, arXiv 1810.00597).
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.bound = "constrained"
    config.model.latent_dim = 10
    config.objective.kl_target = 4.0
    config.optimizer.schedule = "cosine"
    config.train.epochs = 100
    return config
