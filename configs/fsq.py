"""A discrete code without a codebook: eight pieces of two units, rounded to 8 and 4 levels: 32 values, as in vq_vae.py.

    python -m experiments.train --config=configs/fsq.py --workdir=runs/fsq --sweep seed=0:3
    python -m experiments.train --config=configs/vq_vae.py --workdir=runs/vq --config.model.output_bias=train_mean \\
        --sweep seed=0:3

On the digits about 10 s for each command on two CPU cores. Expect a test reconstruction of 16.41 ± 0.02 nats and a
perplexity of 30.2 ± 0.4 of 32 (three seeds), and of the VQ-VAE 16.74 ± 0.11 nats and 26.7 ± 1.0. docs/results.md has
MNIST at 80 bits. The output must start at the training mean (model.output_bias): from 0, the first steps push the same
units of all rows to their last level, where tanh has no gradient to bring them back. Source: Mentzer et al. 2023
(arXiv 2309.15505), section 3.1.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.name = "fsq"
    config.model.latent_dim = 16
    config.model.levels = (8, 4)
    config.model.hidden = (200,)
    config.model.output_bias = "train_mean"
    config.train.epochs = 50
    return config
