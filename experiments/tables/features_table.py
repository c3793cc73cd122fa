"""Accuracy of a linear probe on MNIST codes of k-sparse and denoising autoencoders with 1,000 units.

k falls from 100 in the first half of the epochs. This schedule, the masked share and the published numbers (errors in
the paper) are quoted from memory and unverified. A linear code tells a linear probe no more than the pixels do, so it
is the baseline.
"""

from typing import Any

from experiments.tables import MNIST, Row

LAYERS = MNIST | {
    "model.hidden": (),
    "model.latent_dim": 1000,
    "train.batch_size": 128,
    "optimizer.schedule": "cosine",
    "optimizer.learning_rate": 1e-3,
}
MASKED = {"objective.corruption_level": 0.2}
SELECTION = "objective.selection_warmup"
SOURCE = "Makhzani & Frey 2013, unverified"


def row(what: str, published: float | None, recipe: str, changes: dict[str, Any]) -> Row:
    """A model's row: the test accuracy of the probe on its codes."""
    short = {"train.epochs": 20}
    if "model.top_k_start" in changes:  # in the first half of 100 or of 20 epochs
        changes, short = changes | {SELECTION: 50 * 468.0}, short | {SELECTION: 10 * 468.0}
    return Row(what, published, SOURCE, recipe, LAYERS | changes, short, "probe_accuracy", num_samples=0, probe=True)


ROWS = (
    row("k-sparse, k = 25", 0.9865, "top_k", {"model.top_k": 25, "model.top_k_start": 100}),
    row("k-sparse, k = 70", None, "top_k", {"model.top_k": 70, "model.top_k_start": 100}),
    row("k-sparse, k = 25 from the first step on", None, "top_k", {"model.top_k": 25}),
    row("k-sparse, k = 70 from the first step on", None, "top_k", {"model.top_k": 70}),
    row("k-sparse, k = 25, AuxK", None, "top_k", {"model.top_k": 25, "model.aux_k": 200, "objective.aux_weight": 0.3}),
    row("denoising, 20 % masked", 0.9805, "denoising", {"model.code_activation": "relu"} | MASKED),
    row("linear code, 20 % masked", None, "denoising", MASKED),
)
