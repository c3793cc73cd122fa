"""Capitals to 2-D: a map of 202 capitals learned from the distances of their pairs alone.

    python -m experiments.train --config=configs/capitals.py --workdir=runs/capitals
    python -m experiments.embed --workdir=runs/capitals --neighbors=Prague --metric=euclidean

About 5 s on two CPU cores. One row is a pair of capitals; a tenth of the 20,301 pairs is the test set: distances that
training has not seen, between capitals that it has. Expect the true map up to a rotation or reflection, residual below
1e-3; `--config.data.distance=great_circle` takes distances on the sphere, which no flat map can keep. Source: the
lecture's slide "Embeddings"; table from Natural Earth (public domain).
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
