"""Sparsity by counting: the k-sparse autoencoder keeps the `top_k` largest units of each linear code, the rest are 0.

    python -m experiments.train --config=configs/top_k.py --workdir=runs/top_k --sweep model.top_k=5,10,20

Each k is a program of its own. About 10 s on two CPU cores on the digits. Exactly k units are active in every code.
Units with small initial activations are never selected: expect 76, 69 and 56 `dead_units` of 100 for k = 5, 10, 20
(seed 0). The paper therefore anneals k. With `--config.model.top_k_start=50 --config.objective.selection_warmup=500` 40
units are dead at k = 10. Source: Makhzani & Frey 2013 (arXiv 1312.5663).
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.name = "sparse_autoencoder"
    config.model.top_k = 10
    config.model.hidden = ()
    config.model.latent_dim = 100
    config.model.output_activation = "sigmoid"
    config.model.likelihood = "squared_error"
    config.optimizer.learning_rate = 1e-2
    config.train.epochs = 100
    config.train.save_every_epochs = 10
    return config
