"""−log p(x) of the published binarized MNIST, whose bits are drawn once: VAEs, IWAEs, priors and MADE, in nats.

The rows are read from AEJAX_RAW_DATA/binarized_mnist/binarized_mnist.npz. Unlike the papers, we select nothing on
validation rows. MADE's paper stops early by them; its number of epochs here is our choice.
"""

import os
from pathlib import Path

from experiments.tables import Row

STATIC = {
    "data.name": "binarized_mnist",
    "data.path": str(Path(os.environ.get("AEJAX_RAW_DATA", "")) / "binarized_mnist" / "binarized_mnist.npz"),
    "data.binarization": "none",
}
ADAM = {
    "optimizer.schedule": "constant",
    "optimizer.learning_rate": 1e-4,
    "optimizer.eps": 1e-8,
    "train.batch_size": 100,
    "train.epochs": 500,
}
RECTIFIED = STATIC | ADAM | {"model.hidden": (400,), "model.activation": "relu", "model.latent_dim": 40}
STAGES = STATIC | {
    "train.batch_size": 20,
    "train.epochs": 3280,
    "optimizer.schedule": "stages",
    "optimizer.learning_rate": 1e-3,
    "optimizer.final_fraction": 0.1,
}
GATED = STATIC | {"train.epochs": 2000, "objective.beta_warmup": 100 * 500.0}
SHORT_GATED = {"train.epochs": 40, "objective.beta_warmup": 10 * 500.0, "optimizer.schedule": "cosine"}
PLAIN = {"model.prior": "standard_normal"}
MASKED = STATIC | {"model.hidden": (), "model.latent_dim": 8000, "train.batch_size": 100, "train.epochs": 300}
TOMCZAK = "Tomczak & Welling 2018"
ROWS = (
    Row(
        what="VAE, 784-400-40",
        published=89.78,
        source="Pythae's rerun of Rezende & Mohamed 2015; S = 200",
        recipe="vae",
        changes=RECTIFIED,
        fast={},
        metric="nll",
        num_samples=200,
    ),
    Row("VAE, k = 1", 88.71, "Burda et al. 2015", "vae_dynamic", STAGES, None, "nll"),
    Row("IWAE, k = 5", 87.63, "Burda et al. 2015", "iwae", STAGES | {"model.num_samples": 5}, None, "nll"),
    Row("IWAE, k = 50", 87.10, "Burda et al. 2015", "iwae", STAGES | {"model.num_samples": 50}, None, "nll"),
    Row("gated VAE, 784-300-300-40", 88.56, TOMCZAK, "vamp", GATED | PLAIN, SHORT_GATED, "nll"),
    Row("VampPrior, 500 components", 85.57, TOMCZAK, "vamp", GATED, SHORT_GATED, "nll"),
    Row(
        what="MADE, one hidden layer",
        published=88.40,
        source="Germain et al. 2015",
        recipe="made",
        changes=MASKED,
        fast={"model.latent_dim": 1000, "train.epochs": 30},
        metric="nll",
        num_samples=0,
    ),
)
