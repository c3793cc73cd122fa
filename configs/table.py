"""A VAE of the user's own table (samples x genes, say): standardized columns, a Gaussian likelihood.

    python -m experiments.train --config=configs/table.py --workdir=runs/table --config.data.path=expression.csv \\
        --config.data.label_column=tissue --config.data.id_column=sample

`--config.data.transpose` reads genes x samples, `--config.data.delimiter=$'\\t'` tabs; `.npz` and `.npy` work too. The
variance is learned, so that the weight of the KL needs no tuning. Source: Lucas et al. 2019 on the learned variance.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.data.name = "arrays"
    config.data.standardize = True
    config.model.likelihood = "gaussian"
    config.model.hidden = (128,)
    config.model.learn_variance = True
    config.train.batch_size = 32
    config.train.epochs = 200
    return config
