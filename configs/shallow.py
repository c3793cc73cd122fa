"""The lecture's shallow autoencoder: one hidden layer, sigmoid code, sigmoid output, squared error.

    python -m experiments.train --config=configs/shallow.py --workdir=runs/shallow --sweep model.latent_dim=20,10,2

Each k is a program of its own. About 10 s on two CPU cores on the digits. Expect a test mse of 0.0088, 0.0193 and
0.0536 for k = 20, 10, 2 (seed 0). Source: the lecture's slide "AE_shallow".
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.name = "autoencoder"
    config.model.hidden = ()
    config.model.latent_dim = 20
    config.model.code_activation = "sigmoid"
    config.model.output_activation = "sigmoid"
    config.model.likelihood = "squared_error"
    config.optimizer.learning_rate = 1e-2
    config.train.epochs = 100
    return config
