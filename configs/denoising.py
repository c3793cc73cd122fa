"""The denoising autoencoder: the loss compares with the clean image what was decoded from a corrupted one.

    python -m experiments.train --config=configs/denoising.py --workdir=runs/denoising \\
        --sweep objective.corruption_level=0.3,0.5,0.7,0.9

All levels are one program; 0.9 is the lecture's "90 % pixel deletion". `--config.model.corruption=salt_and_pepper` or
`gaussian` (the level is then the noise's standard deviation) are programs of their own. About 15 s on two CPU cores on
the digits. Source: Vincent et al. 2008 (ICML) and 2010 (JMLR 11).
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.name = "denoising_autoencoder"
    config.model.hidden = (256,)
    config.model.latent_dim = 64
    config.model.output_activation = "sigmoid"
    config.model.likelihood = "squared_error"
    config.train.epochs = 100
    config.train.save_every_epochs = 10
    return config
