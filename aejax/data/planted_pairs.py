"""Generated books whose links reveal a planted genre: a stochastic block model, which needs no files of books.

Each of `data.num_items` books has one of `data.num_groups` genres, and so has each of `data.num_contexts` links. A book
links to `data.pairs_per_item` pages: with probability `data.planted_share` to one of its own genre, else to any page.
"""

from typing import Any

import numpy as np

from aejax.data import Pairs
from aejax.errors import UserError


def read(config: Any) -> Pairs:
    """All distinct pairs (item: book, context: link) as int32; drawn from `data.split_seed`; y is the genre."""
    if config.num_groups > min(config.num_items, config.num_contexts):
        raise UserError(
            f"data.num_groups={config.num_groups} must not exceed data.num_items or data.num_contexts: lower it"
        )
    generator = np.random.default_rng([config.split_seed, config.num_groups])
    genre = np.arange(config.num_items) % config.num_groups
    item = np.repeat(np.arange(config.num_items), config.pairs_per_item)
    own = generator.random(len(item)) < config.planted_share
    # Genres alternate over the links: link number place * num_groups + genre belongs to that genre.
    places = -((genre[item] - config.num_contexts) // config.num_groups)
    planted = (generator.random(len(item)) * places).astype(int) * config.num_groups + genre[item]
    context = np.where(own, planted, generator.integers(0, config.num_contexts, len(item)))
    item, context = np.unique(np.stack([item, context]), axis=1).astype(np.int32)
    names = tuple(f"genre {number + 1}" for number in range(config.num_groups))
    items = {
        "x": np.arange(config.num_items, dtype=np.int32),
        "y": genre.astype(np.int32),
        "ids": np.array([f"Book {number + 1} ({names[code]})" for number, code in enumerate(genre)]),
    }
    return Pairs({"item": item, "context": context}, items, (config.num_items, config.num_contexts), names)
