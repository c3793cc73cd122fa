"""Sparsity by L2: the code pays λ Σ z_i²; as in ridge regression, activations become small but seldom zero.

    python -m experiments.train --config=configs/sparse_l2.py --workdir=runs/sparse_l2 \\
        --sweep objective.sparsity=0,0.03,0.1,0.3

About 5 s on two CPU cores on the digits. Expect the mean activation of test rows to fall from 0.52 to 0.30, 0.20 and
0.12 as λ rises, and no exact zeros (seed 0). Source: the lecture's slides "Regularization"; compare
configs/sparse_l1.py.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.name = "sparse_autoencoder"
    config.model.penalty = "l2"
    config.model.hidden = ()
    config.model.latent_dim = 100
    config.model.code_activation = "sigmoid"
    config.model.likelihood = "squared_error"
    config.model.unit_decoder = True
    config.objective.sparsity = 0.1
    config.train.epochs = 100
    config.train.save_every_epochs = 10
    return config
