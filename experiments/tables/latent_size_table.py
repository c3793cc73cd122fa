"""−log p(x) of MNIST by the size d of the code, 784-256-128-d, pixels drawn anew at every step, in nats.

The published numbers are quoted from memory of their paper: unverified.
"""

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
ROWS = tuple(
    Row(
        what=f"d = {size}",
        published=published,
        source="unverified; S = 500",
        recipe="vae_dynamic",
        changes=MNIST | LAYERS | {"model.latent_dim": size},
        fast={"train.epochs": 50},
        num_samples=500,
    )
    for size, published in PUBLISHED.items()
)
