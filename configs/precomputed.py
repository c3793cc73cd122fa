"""Embeddings that others have computed, for example of proteins by ESM2: their picture, neighbors and a probe.

    python -m experiments.train --config=configs/precomputed.py --workdir=runs/proteins --config.data.path=esm2.npz
    python -m experiments.embed --workdir=runs/proteins --input=esm2.npz --neighbors=P69905

A `.npy` file holds x [proteins, dimensions]; an `.npz` file may also hold y and ids. Principal components draw them;
`--config.model.latent_dim=50` draws 50 components by t-SNE instead. A linear probe is the classifier without hidden
layers; its test accuracy is the answer: `--config.model.name=classifier --config.model.hidden='()'
--config.model.latent_dim=20`.

Seconds on two CPU cores. For the wines of configs/table.py (`--config.data.path=wine.npz`) expect a test mse of 0.424,
and an accuracy of 0.972 from the linear probe (seed 0). Source: the lecture's slide on pre-trained embedding layers.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.data.name = "arrays"
    config.data.standardize = True
    config.model.name = "pca"
    config.model.latent_dim = 2
    config.train.batch_size = 32
    config.train.epochs = 50
    return config
