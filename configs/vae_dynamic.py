"""The VAE that likelihoods are published of: 784-200-200-50, tanh, pixels drawn anew at every step by their grey.

    python -m experiments.train --config=configs/vae_dynamic.py --workdir=runs/vae_dynamic
    python -m experiments.evaluate --workdir=runs/vae_dynamic --num_samples=5000

On the digits about 15 s on two CPU cores. On MNIST (--config.data.name=mnist) the paper has −log p(x) ≤ 86.76 nats by
5,000 importance samples, after 3,280 epochs in eight stages (--config.optimizer.schedule=stages) at batch 20; what this
code measures after a shorter schedule stands in docs/results.md. Source: Burda et al. 2015 (arXiv 1509.00519),
section 5 and table 1, VAE, k = 1.
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
