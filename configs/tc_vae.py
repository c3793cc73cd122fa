"""The β-TC-VAE on sprites with known factors: the total correlation of the units weighs β, the rest of the KL 1.

    python -m experiments.train --config=configs/tc_vae.py --workdir=runs/tc_vae \\
        --sweep objective.beta=1,4,8 --sweep seed=0:3
    python -m experiments.evaluate --workdir=runs/tc_vae --probe

Nine members took 23 minutes on two CPU cores, beside other programs. Expect test ELBOs of −54.2, −63.7 and −74.7 nats
and MIGs of 0.03, 0.10 and 0.21 for β = 1, 4, 8. These are means over the seeds; from β = 4 on the MIGs have a standard
deviation of 0.08. traversals.png shows what each unit does. Source: Chen et al. 2018 (arXiv 1802.04942), on our own
data.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.data.name = "sprites"
    config.model.bound = "beta_tc"
    config.model.latent_dim = 10
    config.model.hidden = (256, 128)
    config.objective.beta = 4.0
    config.train.epochs = 120
    return config
