"""Words and their neighbors in a text that a small grammar writes: pairs for skip-gram (Mikolov et al. 2013).

A sentence is about one topic; its nouns, adjectives and verbs belong to the topic, its other words to none:
"the ADJECTIVE NOUN VERB PREPOSITION the NOUN" and three forms like it. A word's context are the words at most
`data.window` places away in its sentence (arXiv 1301.3781, section 3.2), across `data.num_sentences` sentences.
"""

from typing import Any

import numpy as np

from aejax.data import Pairs

TOPICS = {  # nouns, adjectives, verbs
    "sea": ("ship wave sailor harbor gull tide", "salty deep stormy", "sails drifts anchors"),
    "kitchen": ("cook soup oven bread spoon onion", "spicy baked fresh", "simmers bakes tastes"),
    "music": ("violin singer melody choir drum chord", "loud tuneful rhythmic", "sings plays hums"),
    "sky": ("star moon comet planet telescope galaxy", "bright distant cosmic", "orbits shines glows"),
    "garden": ("rose bee tree gardener seed worm", "green blooming leafy", "grows buzzes digs"),
    "court": ("judge lawyer witness verdict jury trial", "guilty fair legal", "accuses testifies rules"),
}
FORMS = ("the A N V", "the N V P the N", "the A N V P the N", "D V the N and the A N")
COMMON = {"P": "near behind with under", "D": "she he everyone"}  # words of no topic


def read(config: Any) -> Pairs:
    """All pairs (item: word, context: word near it) as int32, as often as they occur; y is the topic, or -1."""
    sentences = [sentence.split() for sentence in write(config.num_sentences, config.split_seed)]
    topic_of = {word: code for code, kinds in enumerate(TOPICS.values()) for kind in kinds for word in kind.split()}
    words = sorted({word for sentence in sentences for word in sentence})
    number = {word: place for place, word in enumerate(words)}
    pairs = [
        (number[word], number[sentence[other]])
        for sentence in sentences
        for place, word in enumerate(sentence)
        for other in range(max(0, place - config.window), min(len(sentence), place + config.window + 1))
        if other != place
    ]
    item, context = np.array(pairs, np.int32).T
    items = {
        "x": np.arange(len(words), dtype=np.int32),
        "y": np.array([topic_of.get(word, -1) for word in words], np.int32),
        "ids": np.array(words),
    }
    return Pairs({"item": item, "context": context}, items, (len(words), len(words)), tuple(TOPICS))


def write(num_sentences: int, seed: int) -> list[str]:
    """The text: one sentence an entry."""
    generator = np.random.default_rng(seed)
    topics = [dict(zip("NAV", (kind.split() for kind in kinds), strict=True)) for kinds in TOPICS.values()]
    common = {kind: words.split() for kind, words in COMMON.items()}
    sentences = []
    for _ in range(num_sentences):
        kinds = common | topics[generator.integers(len(topics))]
        form = FORMS[generator.integers(len(FORMS))].split()
        sentences.append(" ".join(generator.choice(kinds[slot]) if slot in kinds else slot for slot in form))
    return sentences
