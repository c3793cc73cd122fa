"""The linear VAE: no hidden layers, a Gaussian likelihood with a learned variance; at its optimum it is pPCA.

    python -m experiments.train --config=configs/linear_vae.py --workdir=runs/linear_vae

About 10 s on two CPU cores on the digits. Expect a test ELBO of 8.90 nats (seed 0). At the optimum the ELBO is the
exact log p(x) of configs/ppca.py, although the posterior is diagonal, and σ² is the mean of the discarded eigenvalues.
Source: Lucas et al. 2019 (arXiv 1911.02469).
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.hidden = ()
    config.model.latent_dim = 5
    config.model.likelihood = "gaussian"
    config.model.learn_variance = True
    config.optimizer.learning_rate = 1e-2
    config.optimizer.schedule = "cosine"
    config.train.epochs = 200
    return config
