"""A VAE whose prior is the mean of its posteriors at 500 learned pseudo-inputs: 784-300-300-40, gated layers.

    python -m experiments.train --config=configs/vamp.py --workdir=runs/vamp
    python -m experiments.evaluate --workdir=runs/vamp --num_samples=5000

On the digits about 50 s on two CPU cores. Expect a test −log p(x) of 23.12 nats and an ELBO of −24.02 nats (seed 0).
--config.model.prior=standard_normal keeps the layers and the loss and uses N(0, I) as prior. On statically binarized
MNIST the paper reports a −log p(x) of at most 85.57 nats by 5,000 importance samples. This recipe draws the pixels anew
at every step, so its data differ. Source: Tomczak & Welling 2018 (arXiv 1705.07120), table 1, VAE with L = 1.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.data.binarization = "dynamic"
    config.model.prior = "vamp"
    config.model.latent_dim = 40
    config.model.hidden = (300, 300)
    config.model.gated = True
    config.model.initializer = "glorot_uniform"
    config.objective.beta_warmup = 1000.0
    config.optimizer.learning_rate = 5e-4
    config.train.batch_size = 100
    config.train.epochs = 100
    return config
