"""−log p(x) of MNIST under a gated VAE with an N(0, I) or a VampPrior, pixels drawn anew at every step, in nats.

The paper stops 50 epochs after the best validation; here the number of epochs is fixed and nothing is selected. The
paper clips log variances to [−6, 2]; we do not.
"""

from experiments.tables import MNIST, Row

PAPER = MNIST | {"train.epochs": 2000, "objective.beta_warmup": 100 * 600.0}
SHORT = {
    "train.epochs": 60,
    "objective.beta_warmup": 10 * 600.0,
    "optimizer.schedule": "cosine",
    "optimizer.learning_rate": 1e-3,
}
SOURCE = "Tomczak & Welling 2018"
ROWS = (
    Row("gated VAE, 784-300-300-40", 84.50, SOURCE, "vamp", PAPER | {"model.prior": "standard_normal"}, SHORT),
    Row("VampPrior, 500 components", 82.38, SOURCE, "vamp", PAPER, SHORT),
)
