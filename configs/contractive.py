"""The contractive autoencoder: λ ‖∂z/∂x‖²_F makes the code insensitive to small changes of the input.

    python -m experiments.train --config=configs/contractive.py --workdir=runs/contractive \\
        --sweep objective.sparsity=0,0.03,0.1,0.3

About 5 s on two CPU cores on the digits. Expect the penalty ‖∂z/∂x‖²_F of test rows to fall from 57.8 to 9.95, 3.94 and
1.58 as λ rises, while the mse rises from 0.0049 to 0.0087, 0.0136 and 0.0202 (seed 0). The penalty of a one-layer
encoder has a closed form. With hidden layers (`--config.model.hidden='(128,)' --config.model.latent_dim=20`) it is
exact too, but takes a backward pass per unit. Source: Rifai et al. 2011 (ICML).
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.model.name = "sparse_autoencoder"
    config.model.penalty = "contractive"
    config.model.hidden = ()
    config.model.latent_dim = 100
    config.model.code_activation = "sigmoid"
    config.model.output_activation = "sigmoid"
    config.model.likelihood = "squared_error"
    config.objective.sparsity = 0.1
    config.optimizer.learning_rate = 3e-3
    config.train.epochs = 100
    config.train.save_every_epochs = 10
    return config
