"""Sparsity by L1: an overcomplete shallow autoencoder pays λ Σ|z_i|; ReLU units become exactly 0, sigmoid units small.

    python -m experiments.train --config=configs/sparse_l1.py --workdir=runs/sparse_l1 \\
        --sweep model.code_activation=relu,sigmoid --sweep objective.sparsity=0,0.03,0.1,0.3

About 10 s on two CPU cores on the digits; each activation is a program. At λ = 0.1 expect a `zero_fraction` of 0.714
with ReLU and none with sigmoid (seed 0). `unit_decoder` keeps the code from shrinking while the decoder grows. Source:
the lecture's slides "Regularization"; Olshausen & Field 1997.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.name = "sparse_autoencoder"
    config.model.hidden = ()
    config.model.latent_dim = 100
    config.model.code_activation = "relu"
    config.model.likelihood = "squared_error"
    config.model.unit_decoder = True
    config.objective.sparsity = 0.1
    config.train.epochs = 100
    config.train.save_every_epochs = 10
    return config
