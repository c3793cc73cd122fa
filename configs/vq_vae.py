"""A discrete code: eight pieces, each one of 32 vectors, learned with the straight-through gradient.

    python -m experiments.train --config=configs/vq_vae.py --workdir=runs/vq_vae \\
        --sweep objective.commitment=0.1,0.25,2.0

On the digits about 10 s for each setting on two CPU cores. Expect test reconstructions of 17.1, 17.2 and 19.1 nats
(seed 0). Source: van den Oord et al. 2017 (arXiv 1711.00937), section 3.2; its results did not vary for commitments
from 0.1 to 2.0.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.name = "vq_vae"
    config.model.latent_dim = 32
    config.model.num_codes = 8
    config.model.codebook_size = 32
    config.model.hidden = (200,)
    config.train.epochs = 50
    return config
