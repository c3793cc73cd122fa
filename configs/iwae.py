"""The importance-weighted autoencoder of Burda et al. 2015 with one stochastic layer: 784-200-200-50, tanh.

    python -m experiments.train --config=configs/iwae.py --workdir=runs/iwae
    python -m experiments.evaluate --workdir=runs/iwae --num_samples=5000

On the digits about 18 s on two CPU cores. Expect a test −log p(x) of 23.48 nats and a bound of −23.94 nats with k = 5
(seed 0). For the paper's own numbers on MNIST add --config.data.name=mnist --config.train.batch_size=20
--config.optimizer.schedule=stages --config.train.epochs=3280 (days on a CPU; docs/results.md has a shorter schedule).
Source: arXiv 1509.00519, section 5. For k = 1 use configs/vae_dynamic.py.
"""

from aejax.config import Config
from configs import vae_dynamic


def get_config() -> Config:
    config = vae_dynamic.get_config()
    config.model.bound = "iwae"
    config.model.num_samples = 5
    return config
