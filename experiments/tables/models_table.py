"""One MNIST number for each model that no other table has, with the same layers and schedule: 784-200-200-50, tanh.

−log p(x) in nats, with pixels drawn anew at every step; for models without a density, the reconstruction in nats.
"""

from typing import Any

from experiments.tables import MNIST, Row

SCHEDULE = MNIST | {
    "data.binarization": "dynamic",
    "model.hidden": (200, 200),
    "model.activation": "tanh",
    "model.initializer": "glorot_uniform",
    "model.output_bias": "train_mean",
    "model.latent_dim": 50,
    "train.batch_size": 100,
    "optimizer.schedule": "cosine",
    "optimizer.learning_rate": 2e-3,
    "optimizer.final_fraction": 0.01,
    "train.epochs": 500,
}


def row(what: str, recipe: str, changes: dict[str, Any], metric: str = "nll_dynamic", num_samples: int = 1000) -> Row:
    """A model's row, 20 epochs with `--fast`; no paper has this number."""
    short = {"train.epochs": 20}
    return Row(what, None, "", recipe, SCHEDULE | changes, short, metric, num_samples)


ROWS = (
    row("VAE", "vae_dynamic", {}),
    row("VAE, free bits 0.1 nats", "vae_dynamic", {"objective.free_bits": 0.1}),
    row("MIWAE, 2 bounds of k = 4", "iwae", {"model.num_samples": 4, "model.num_bounds": 2}),
    row("IWAE, k = 5, DReG", "iwae", {"model.num_samples": 5, "model.gradient": "dreg"}),
    row("flow VAE, 8 planar flows", "flow_vae", {"model.num_flows": 8}),
    row("mixture VAE, 100 Gaussians", "mixture", {"model.num_components": 100}),
    row("MMD-VAE, λ = 100", "mmd_vae", {}),
    row("VQ-VAE, 10 pieces of 64", "vq_vae", {"model.num_codes": 10, "model.codebook_size": 64}, "reconstruction", 0),
)
