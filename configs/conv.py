"""A convolutional autoencoder: strided 3 x 3 convolutions down to the code, transposed ones back up.

    python -m experiments.train --config=configs/conv.py --workdir=runs/conv

Needs images. About 15 s on two CPU cores on the digits. Expect a test reconstruction of 19.06 nats and an mse of 0.0253
(seed 0). `--config.model.name=vae` turns it into a convolutional VAE.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.name = "autoencoder"
    config.model.network = "conv"
    config.model.hidden = (16, 32)
    config.model.latent_dim = 10
    config.train.epochs = 30
    return config
