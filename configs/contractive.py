"""The contractive autoencoder: λ ‖∂z/∂x‖²_F makes the code insensitive to small changes of its input.

    python -m experiments.train --config=configs/contractive.py --workdir=runs/contractive \\
        --sweep objective.sparsity=0,0.03,0.1,0.3

About 5 s on two CPU cores on the digits. A one-layer encoder has the penalty in closed form; with hidden layers
(`--config.model.hidden='(128,)' --config.model.latent_dim=20`) it is as exact and takes a backward pass per unit.
Source: Rifai et al. 2011 (ICML).
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.name = "sparse_autoencoder"
    config.model.penalty = "contractive"
    config.model.hidden = ()
    config.model.latent_dim = 100
    config.model.code_activation = "sigmoid"
    config.model.output_activation = "sigmoid"
    config.model.likelihood = "squared_error"
    config.objective.sparsity = 0.1
    config.optimizer.learning_rate = 3e-3
    config.train.epochs = 100
    config.train.save_every_epochs = 10
    return config
