"""Matryoshka: the first 64 of 512 units must reconstruct x alone, so they hold what is common to many features.

    python -m experiments.train --config=configs/matryoshka.py --workdir=runs/matryoshka

The features of batch_top_k.py, which now come in 64 groups of 8 that tend to be active together. About 1 min on two CPU
cores. Expect a `prefix_reconstruction` of 1.40 ± 0.01 from 64 units and a `reconstruction` of 0.98 ± 0.01 from all
(seeds 0 to 2). Without prefixes (`--config.model.prefixes='()'`) these are 2.84 and 0.88 (seed 0). The price is that
units stand for groups: the `mcc` is 0.65 instead of 0.72. Source: Bussmann et al. 2025 (arXiv 2503.17547).
"""

from aejax.config import Config
from configs import batch_top_k


def get_config() -> Config:
    config = batch_top_k.get_config()
    config.data.correlation = 0.9
    config.model.prefixes = (64,)
    config.train.epochs = 50
    return config
