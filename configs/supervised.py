"""A supervised embedding beside an autoencoder's: same encoder, same k; one learns the labels, one the pixels.

    python -m experiments.train --config=configs/supervised.py --workdir=runs/supervised \\
        --sweep model.name=classifier,autoencoder

About 20 s on two CPU cores on the digits. Expect a test accuracy of 0.919 for the classifier and an mse of 0.0357 for
the autoencoder (seed 0). The classifier's codes separate the digits; the autoencoder's reconstruct better. `python -m
experiments.reproduce supervised_embedding --figures=DIR` measures both and draws them side by side. Source: the
lecture's slide "Learning embeddings".
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.name = "classifier"
    config.model.hidden = (128,)
    config.optimizer.learning_rate = 3e-3
    config.train.epochs = 200
    config.train.save_every_epochs = 20
    config.log.every_epochs = 5
    return config
