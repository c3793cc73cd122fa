"""The β-VAE, with the lecture's λ: a sweep of the weight of the KL, nine members in one compiled program.

    python -m experiments.train --config=configs/beta_vae.py --workdir=runs/beta \\
        --sweep objective.beta=1,4,10 --sweep seed=0:3

About 10 s on two CPU cores on the digits. Expect test ELBOs of −24.71, −27.20 and −27.25 nats for β = 1, 4, 10 (means
over seeds 0 to 2). From β = 4 on the KL is below 0.04 nats: nearly all ten units have collapsed. Source: Higgins et al.
2017, eq. 4.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.objective.beta = 4.0
    config.model.latent_dim = 10
    config.train.epochs = 60
    return config
