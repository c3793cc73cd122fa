"""The VAE of the lecture's λ slides: ‖x − x_hat‖² + λ KL, which is a Gaussian likelihood with σ² = 1/2.

    python -m experiments.train --config=configs/vae_squared_error.py --workdir=runs/squared_error \\
        --sweep objective.beta=1,4,10

The reconstruction term also has the Gaussian's constant, so that the elbo is a bound on log p(x). About 10 s on two CPU
cores on the digits. Source: the lecture's slides "Hyperparameter".
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.likelihood = "gaussian"
    config.model.output_activation = "sigmoid"
    config.model.variance = 0.5
    config.train.epochs = 60
    return config
