"""A small scVI: negative binomial counts around a row's observed total, decoded from the code and the row's batch.

    python -m experiments.train --config=configs/counts.py --workdir=runs/counts
    python -m experiments.evaluate --workdir=runs/counts --probe
    python -m experiments.sample --workdir=runs/counts --condition=batch=B --output=samples.csv

The data are generated: five groups of rows, to be found without their labels, measured in two batches. About 10 s on
two CPU cores. Expect a test ELBO of −297.11 nats (seed 0). Over seeds 0 to 2, k-means finds the groups in the codes
(`kmeans_ari` 1), and the codes do not tell the batches (`condition_mixing` 0.984 ± 0.004; 0.13 ± 0.02 with
`--config.model.condition_decoder=False`). A Gaussian on standardized counts (`--config=configs/table.py
--config.data.name=planted_counts --config.model.latent_dim=10 --config.train.epochs=60 --config.train.keep=best`) has a
`kmeans_ari` of 0.13 ± 0.14. The decoder's mean is of a row with the mean total.
Source: Lopez et al. 2018 (scVI, Nature Methods 15), which also keeps the batch from the encoder.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.data.name = "planted_counts"
    config.data.condition_columns = "batch"
    config.model.condition_encoder = False
    config.model.likelihood = "negative_binomial"
    config.model.library_size = "observed"
    config.model.latent_dim = 10
    config.model.hidden = (128,)
    config.train.epochs = 100
    config.train.keep = "best"
    return config
