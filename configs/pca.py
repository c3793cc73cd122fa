"""Principal component analysis: the lecture's embedding in closed form, used like any other model.

    python -m experiments.train --config=configs/pca.py --workdir=runs/pca

It is fitted, not trained: a second on two CPU cores on the digits. Expect a test mse of 0.0522. `--sweep
model.latent_dim=2,10,20` compares sizes. Source: Pearson 1901.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.name = "pca"
    config.model.latent_dim = 2
    return config
