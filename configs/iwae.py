"""The importance-weighted autoencoder of Burda et al. 2015 with one stochastic layer: 784-200-200-50, tanh.

    python -m experiments.train --config=configs/iwae.py --workdir=runs/iwae
    python -m experiments.evaluate --workdir=runs/iwae --num_samples=5000

On the digits about 18 s on two CPU cores. The paper's own numbers are of MNIST: --config.data.name=mnist
--config.train.batch_size=20 --config.optimizer.schedule=stages --config.train.epochs=3280 (days on a CPU; see
docs/results.md for a shorter schedule). Source: arXiv 1509.00519, section 5; k = 1 is configs/vae_dynamic.py.
"""

from aejax.config import Config
from configs import vae_dynamic


def get_config() -> Config:
    config = vae_dynamic.get_config()
    config.model.bound = "iwae"
    config.model.num_samples = 5
    return config
