"""The book embedding: 50 dimensions in which books lie close that share links on their Wikipedia pages.

    python -m experiments.train --config=configs/books.py --workdir=runs/books \\
        --config.data.path=books.ndjson --config.data.labels_path=book_info.tsv --config.data.min_link_count=2
    python -m experiments.embed --workdir=runs/books --neighbors="War and Peace"

The file is Koehrsen's found_books_filtered.ndjson, or one partition (github.com/WillKoehrsen/wikipedia-data-science).
About 20 s on two CPU cores for the partition p15 of 1,413 books: there expect a held-out link AUC of 0.89, where PPMI
with a truncated SVD has 0.85, and slightly purer genres (`python -m experiments.reproduce book_embedding`). This is the
regression on ±1. For the classification in nats, with much the same result, add `--config.model.target=classification
--config.train.batch_size=1024 --config.train.epochs=40 --config.optimizer.learning_rate=3e-3`: more steps learn by
heart. Source: Koehrsen, "Building a Recommendation System Using Neural Network Embeddings" (2018); his negatives are
`--config.model.negatives=uniform`. Batches, epochs and γ were chosen on p15.
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
