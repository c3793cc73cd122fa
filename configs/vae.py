"""The lecture's variational autoencoder: 784-512-k, ReLU, a Gaussian posterior, grey pixels as Bernoulli targets.

    python -m experiments.train --config=configs/vae.py --workdir=runs/vae

About 5 s on two CPU cores on the digits. Expect a test ELBO of −24.94 nats (seed 0). `evaluate --ais=1000` bounds
log p(x) of simulated rows on both sides, 0.02 to 0.06 nats apart (`ais_gap`, seeds 0 to 2; 0.5 to 0.8 with --ais=100).
Source: Kingma & Welling 2013 (arXiv 1312.6114); the layers are those of the lecture's slide "Implementation".
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.train.epochs = 60
    return config
