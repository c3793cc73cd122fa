"""Sparsity by a target: λ Σ KL[z₀ ‖ mean of z_i over the batch] holds the mean activation of each sigmoid unit at z₀.

    python -m experiments.train --config=configs/sparse_kl.py --workdir=runs/sparse_kl \\
        --sweep objective.target_activation=0.02,0.05,0.1

About 10 s on two CPU cores on the digits. Expect a test `mean_activation` of 0.0204, 0.0496 and 0.0987 for z₀ = 0.02,
0.05, 0.1 (seed 0), and within 0.01 of z₀ in every unit. Source: the lecture's slide "Regularization"; Ng 2011, CS294A
lecture notes, section 3.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.name = "sparse_autoencoder"
    config.model.penalty = "kl"
    config.model.hidden = ()
    config.model.latent_dim = 100
    config.model.code_activation = "sigmoid"
    config.model.output_activation = "sigmoid"
    config.model.likelihood = "squared_error"
    config.objective.sparsity = 10.0
    config.optimizer.learning_rate = 1e-2
    config.train.epochs = 100
    config.train.save_every_epochs = 10
    return config
