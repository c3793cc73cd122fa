"""The linear autoencoder with a penalty on its weights: its units become the principal directions, shrunk by λ / σᵢ².

    python -m experiments.train --config=configs/linear_regularized.py --workdir=runs/linear_regularized \\
        --sweep objective.weight_penalty=0.0,0.05,0.2,0.5

About 10 s on two CPU cores on the digits. Expect test reconstructions ‖x − x_hat‖² of 1.230, 1.329, 2.528 and 3.947
(seed 0). Directions whose variance σᵢ² is at most λ vanish. Source: Kunin et al. 2019 (arXiv 1901.08168), the sum loss
of section 2, per example.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.name = "linear_autoencoder"
    config.model.latent_dim = 10
    config.objective.weight_penalty = 0.2
    config.optimizer.learning_rate = 1e-2
    config.optimizer.schedule = "cosine"
    config.train.epochs = 100
    return config
