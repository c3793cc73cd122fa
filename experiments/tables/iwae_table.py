"""Table 1 of Burda et al. 2015 on MNIST: −log p(x) of VAEs and IWAEs by the number of samples k, in nats."""

from experiments.tables import MNIST, Row

PAPER = MNIST | {
    "train.batch_size": 20,
    "train.epochs": 3280,
    "optimizer.schedule": "stages",
    "optimizer.learning_rate": 1e-3,
    "optimizer.final_fraction": 0.1,
}
SHORT = {
    "train.batch_size": 100,
    "optimizer.schedule": "cosine",
    "optimizer.learning_rate": 2e-3,
    "optimizer.final_fraction": 0.01,
}


def row(what: str, recipe: str, k: int, published: float, epochs: int | None = None, seeds: int = 1) -> Row:
    """The row of a model with k samples; without `epochs`, `--fast` does not run it."""
    fast = SHORT | {"train.epochs": epochs} if epochs else None
    changes = PAPER | {"model.num_samples": k}
    return Row(f"{what}, k = {k}", published, "Burda et al. 2015", recipe, changes, fast, seeds=seeds)


ROWS = (
    row("VAE", "vae_dynamic", 1, 86.76, epochs=700, seeds=2),
    row("VAE", "vae_dynamic", 5, 86.47),
    row("VAE", "vae_dynamic", 50, 86.35),
    row("IWAE", "iwae", 5, 85.54, epochs=100),
    row("IWAE", "iwae", 50, 84.78),
    row("two layers, VAE", "two_layer_vae", 1, 85.33, epochs=200),
    row("two layers, VAE", "two_layer_vae", 5, 85.01),
    row("two layers, VAE", "two_layer_vae", 50, 84.78),
    row("two layers, IWAE", "two_layer_iwae", 5, 83.89),
    row("two layers, IWAE", "two_layer_iwae", 50, 82.90),
)
