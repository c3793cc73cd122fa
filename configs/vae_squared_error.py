"""The VAE of the lecture's λ slides: ‖x − x_hat‖² + λ KL, which is a Gaussian likelihood with σ² = 1/2.

    python -m experiments.train --config=configs/vae_squared_error.py --workdir=runs/squared_error \\
        --sweep objective.beta=1,4,10

About 10 s on two CPU cores on the digits. Expect test ELBOs of −41.20, −41.31 and −41.32 nats for β = 1, 4, 10 (seed
0). From β = 4 on both units collapse. The reconstruction term includes the Gaussian's constant, so the ELBO is a bound
on log p(x). Source: the lecture's slides "Hyperparameter".
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
