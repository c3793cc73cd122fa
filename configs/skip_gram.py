"""Skip-gram: words are close if they occur in the same contexts, in a text by a small grammar about six topics.

    python -m experiments.train --config=configs/skip_gram.py --workdir=runs/skip_gram
    python -m experiments.embed --workdir=runs/skip_gram --neighbors=violin

About 10 s on two CPU cores. The pairs are words at most three places apart, with five negatives each. Training never
sees the topics. Expect a word's ten nearest neighbors to be of its topic, and a test auc of 0.743 against shuffled
negatives (seed 0). Source: Mikolov et al. 2013 (arXiv 1301.3781, 1310.4546).
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.data.name = "toy_text"
    config.data.valid_fraction = 0.0
    config.data.test_fraction = 0.1
    config.model.name = "pair_embedding"
    config.model.latent_dim = 10
    config.model.negatives = "shuffled"
    config.model.negative_ratio = 5
    config.optimizer.learning_rate = 1e-2
    config.train.batch_size = 1024
    config.train.epochs = 5
    return config
