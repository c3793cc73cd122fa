"""A supervised embedding of a table with numeric labels: the code keeps what predicts them by a linear layer.

    python -c "import numpy, sklearn.datasets as sets; x, y = sets.load_diabetes(return_X_y=True);
    numpy.savez('diabetes.npz', x=x, y=y)"
    python -m experiments.train --config=configs/supervised_regression.py --workdir=runs/regression \\
        --config.data.path=diabetes.npz --sweep model.name=regressor,autoencoder

About 10 s on two CPU cores for these 442 patients. Expect a test loss of 0.259 for the regressor (seed 0), which is R²
= 1 − 2 · 0.259 = 0.48; linear regression has about 0.5. The labels rise along one direction of its codes. For a .csv,
`--config.data.label_column=NAME` names the labels. Source: the lecture's slide "Learning embeddings", as a regression.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.data.name = "arrays"
    config.data.label_kind = "number"
    config.data.standardize = True
    config.model.name = "regressor"
    config.model.likelihood = "squared_error"  # of the autoencoder beside it
    config.model.hidden = (32,)
    config.train.batch_size = 32
    config.train.epochs = 30
    return config
