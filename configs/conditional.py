"""A conditional VAE: encoder, decoder and prior are given the digit's class; samples are drawn for a chosen class.

    python -m experiments.train --config=configs/conditional.py --workdir=runs/conditional
    python -m experiments.sample --workdir=runs/conditional --condition=label=3 --output=threes.png

About 6 s on two CPU cores on the digits. Expect a test ELBO of −21.17 nats (seed 0): a bound on log p(x|label). Without
the label it is −25.20 ± 0.13, with it −21.15 ± 0.02 (seeds 0 to 2): log 10 = 2.3 nats are the label itself, the rest is
room in a code of two units that no longer tells the classes.
Source: Sohn et al. 2015 (NeurIPS), eq. 4.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.data.condition_columns = "label"
    config.model.prior = "conditional"
    config.train.epochs = 50
    return config
