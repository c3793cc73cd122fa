"""Capitals in 2-D: a map of 202 capitals, learned from their pairwise distances alone.

    python -m experiments.train --config=configs/capitals.py --workdir=runs/capitals
    python -m experiments.embed --workdir=runs/capitals --neighbors=Prague --metric=euclidean

About 5 s on two CPU cores. One row is a pair of capitals. A tenth of the 20,301 pairs is the test set: pairs that
training has not seen, of capitals that it has. Expect the true map up to a rotation or reflection, with a residual
below 1e-3, and a test loss below 1e-9 squared degrees (seed 0). `--config.data.distance=great_circle` uses distances on
the sphere, which no flat map can satisfy. Source: the lecture's slide "Embeddings"; the table is from Natural Earth
(public domain).
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.data.name = "capitals"
    config.data.valid_fraction = 0.0
    config.data.test_fraction = 0.1
    config.model.name = "distance_embedding"
    config.model.latent_dim = 2
    config.optimizer.name = "sgd"
    config.optimizer.momentum = 0.0
    config.optimizer.learning_rate = 25.0  # a quarter of the batch: a step brings each pair just to its distance
    config.optimizer.schedule = "exponential"
    config.train.batch_size = 100
    config.train.epochs = 30
    return config
