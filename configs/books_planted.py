"""The book embedding on generated books: links reveal planted genres, and the best possible score is known.

    python -m experiments.train --config=configs/books_planted.py --workdir=runs/books_planted

About 5 s on two CPU cores; needs no file. Half of a book's 20 links are drawn from its genre, half from all links.
Training never sees the genres. Expect 97 % of the ten nearest neighbors to have the same genre, and a held-out link AUC
of 0.69; the score that knows the genres has 0.71 (`python -m experiments.reproduce book_embedding --fast`). `evaluate`
prints an auc of 0.671 against shuffled negatives (seed 0). Source: the model of configs/books.py on a stochastic block
model (Holland, Laskey & Leinhardt 1983).
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.data.name = "planted_pairs"
    config.data.valid_fraction = 0.0
    config.data.test_fraction = 0.1
    config.model.name = "pair_embedding"
    config.model.latent_dim = 50
    config.model.target = "regression"
    config.model.negatives = "shuffled"
    config.objective.frequency_weight = 0.25
    config.optimizer.learning_rate = 1e-2
    config.optimizer.schedule = "cosine"
    config.train.batch_size = 128
    config.train.epochs = 40
    return config
