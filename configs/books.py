"""The book embedding: a code of 50 dimensions; books are close if their Wikipedia pages share links.

    python -m experiments.train --config=configs/books.py --workdir=runs/books \\
        --config.data.path=books.ndjson --config.data.labels_path=book_info.tsv --config.data.min_link_count=2
    python -m experiments.embed --workdir=runs/books --neighbors="War and Peace"

Download Koehrsen's found_books_filtered.ndjson, or one partition of it, from
github.com/WillKoehrsen/wikipedia-data-science. About 20 s on two CPU cores for partition p15 with 1,413 books. There
expect a held-out link AUC of 0.89; PPMI with a truncated SVD reaches 0.85 and slightly less pure genres (`python -m
experiments.reproduce book_embedding`). `evaluate` prints an auc of 0.839 against shuffled negatives (seed 0).

The recipe is the regression on ±1. For the classification in nats, which gives much the same result, add
`--config.model.target=classification --config.train.batch_size=1024 --config.train.epochs=40
--config.optimizer.learning_rate=3e-3`; with more steps it overfits. Koehrsen's negatives are
`--config.model.negatives=uniform`. Batch size, epochs and γ were tuned on p15. Source: Koehrsen, "Building a
Recommendation System Using Neural Network Embeddings" (2018).
"""

from aejax.config import Config
from configs import books_planted


def get_config() -> Config:
    config = books_planted.get_config()
    config.data.name = "books"
    config.train.epochs = 100
    config.train.save_every_epochs = 10
    config.log.every_epochs = 5
    return config
