"""The trivial mapping: a linear autoencoder with more units than features learns U V = I; L1 prevents it.

    python -m experiments.train --config=configs/overcomplete.py --workdir=runs/overcomplete \\
        --sweep objective.sparsity=0,0.1

For the digits' 64 features; about 5 s on two CPU cores. Expect test reconstructions ‖x − x_hat‖² below 0.001 at λ = 0
and of 0.067 at λ = 0.1 (seed 0). At λ = 0 the test rows come back unchanged: the model has learned nothing about them.
Source: the lecture's slides "Over/Undercomplete AE"; `experiments.reproduce trivial_mapping`.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.name = "sparse_autoencoder"
    config.model.hidden = ()
    config.model.latent_dim = 80
    config.model.likelihood = "squared_error"
    config.model.unit_decoder = True
    config.optimizer.learning_rate = 1e-2
    config.optimizer.schedule = "cosine"
    config.train.epochs = 300
    config.train.save_every_epochs = 30
    config.log.every_epochs = 5
    return config
