"""The denoising autoencoder: it decodes a corrupted image, and the loss compares the result with the clean image.

    python -m experiments.train --config=configs/denoising.py --workdir=runs/denoising \\
        --sweep objective.corruption_level=0.3,0.5,0.7,0.9

About 15 s on two CPU cores on the digits. Expect test reconstructions ‖x − x_hat‖² of 1.21, 1.83, 2.71 and 3.97 from
corrupted rows (seed 0). All levels are one program; 0.9 is the lecture's "90 % pixel deletion".
`--config.model.corruption=salt_and_pepper` and `gaussian` are separate programs; the level of `gaussian` is the
standard deviation of the noise. Source: Vincent et al. 2008 (ICML) and 2010 (JMLR 11).
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.name = "denoising_autoencoder"
    config.model.hidden = (256,)
    config.model.latent_dim = 64
    config.model.output_activation = "sigmoid"
    config.model.likelihood = "squared_error"
    config.train.epochs = 100
    config.train.save_every_epochs = 10
    return config
