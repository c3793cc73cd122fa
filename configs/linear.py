"""The linear autoencoder: x_hat = U V x with a squared error; at its optimum the code spans the principal components.

    python -m experiments.train --config=configs/linear.py --workdir=runs/linear

It has no hidden layers and no activations: the lecture's "shallow linear autoencoder". About 5 s on two CPU cores on
the digits. Expect a test reconstruction ‖x − x_hat‖² of 1.345 (seed 0). Source: Baldi & Hornik 1989.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.name = "autoencoder"
    config.model.hidden = ()
    config.model.latent_dim = 10
    config.model.likelihood = "squared_error"
    config.optimizer.learning_rate = 3e-3
    config.train.epochs = 100
    return config
