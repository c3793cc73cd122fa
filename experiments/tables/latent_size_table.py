"""−log p(x) of MNIST by the size d of the code, 784-256-128-d, pixels drawn anew at every step, in nats.

The published numbers are quoted from memory and unverified. A code of 40 units can collapse as a whole in the first
epochs and does not recover, so a second row of 40 units uses a KL warm-up.
"""

from typing import Any

from experiments.tables import MNIST, Row

PUBLISHED = {2: 135.7, 5: 110.2, 10: 93.8, 20: 88.9, 40: 88.9}
LAYERS = {
    "model.hidden": (256, 128),
    "model.activation": "relu",
    "train.batch_size": 100,
    "optimizer.schedule": "cosine",
    "optimizer.learning_rate": 1e-3,
    "optimizer.final_fraction": 0.01,
    "train.epochs": 500,
}


def row(what: str, size: int, changes: dict[str, Any]) -> Row:
    """The row of a code of `size` units."""
    return Row(
        what=what,
        published=PUBLISHED[size],
        source="unverified; S = 500",
        recipe="vae_dynamic",
        changes=MNIST | LAYERS | {"model.latent_dim": size} | changes,
        fast={"train.epochs": 50},
        num_samples=500,
    )


WARMUP = {"objective.beta_warmup": 6000.0}
ROWS = (
    *(row(f"d = {size}", size, {}) for size in PUBLISHED),
    row("d = 40, ten epochs of KL warm-up", 40, WARMUP),
)
