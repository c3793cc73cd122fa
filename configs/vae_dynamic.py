"""The VAE with published likelihoods: 784-200-200-50, tanh; every step draws the pixels anew from their grey values.

    python -m experiments.train --config=configs/vae_dynamic.py --workdir=runs/vae_dynamic
    python -m experiments.evaluate --workdir=runs/vae_dynamic --num_samples=5000

On the digits about 15 s on two CPU cores. Expect a test −log p(x) of 23.66 nats and an ELBO of −24.07 nats (seed 0). On
MNIST (--config.data.name=mnist) the paper reports a −log p(x) of at most 86.76 nats by 5,000 importance samples, after
3,280 epochs in eight stages (--config.optimizer.schedule=stages) at batch 20. docs/results.md has our number after a
shorter schedule. Source: Burda et al. 2015 (arXiv 1509.00519), section 5 and table 1, VAE, k = 1.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.data.binarization = "dynamic"
    config.model.latent_dim = 50
    config.model.hidden = (200, 200)
    config.model.activation = "tanh"
    config.model.initializer = "glorot_uniform"
    config.model.output_bias = "train_mean"
    config.optimizer.eps = 1e-4
    config.optimizer.schedule = "cosine"
    config.optimizer.final_fraction = 0.1
    config.train.batch_size = 100
    config.train.epochs = 100
    return config
