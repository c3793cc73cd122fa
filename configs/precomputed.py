"""Embeddings that others have computed (of proteins, by ESM2 say): their picture, neighbors and a probe for labels.

    python -m experiments.train --config=configs/precomputed.py --workdir=runs/proteins --config.data.path=esm2.npz
    python -m experiments.embed --workdir=runs/proteins --input=esm2.npz --neighbors=P69905

`.npy` holds x [proteins, dimensions], `.npz` also y and ids. They are drawn by their principal components, or for
`--config.model.latent_dim=50` by t-SNE of these. A linear probe is the classifier without hidden layers; its test
accuracy is the answer: `--config.model.name=classifier --config.model.hidden='()' --config.model.latent_dim=20`.
Seconds on two CPU cores. Source: the lecture's slide on pre-trained embedding layers.
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
