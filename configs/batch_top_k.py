"""BatchTopK finds features in superposition: 512 that were planted in 64 dimensions, each in 3 of 512 rows.

    python -m experiments.train --config=configs/batch_top_k.py --workdir=runs/batch_top_k --sweep seed=0:3
    python -m experiments.evaluate --workdir=runs/batch_top_k

The 3 largest units of a code stay active on average over a batch; afterwards, those above a learned threshold do. AuxK
revives dead units. About 3 min on two CPU cores. Expect an `mcc` of 0.968 ± 0.002 (seeds 0 to 2), an `f1` of 0.65 and 1
to 4 `dead_units` of 512. For activations in a file, add `--config.data.name=arrays --config.data.path=FILE.npy`.
`reconstruction` and `loss` of test rows select units among the rows of a batch (`evaluate.batch_size`); `mse`, `l0` and
the codes use the threshold.
Sources: Bussmann et al. 2024 (arXiv 2412.06410); Gao et al. 2024 (arXiv 2406.04093) for AuxK.
"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.data.name = "planted_features"
    config.data.active_features = 3.0
    config.data.num_rows = 30_000
    config.model.name = "sparse_autoencoder"
    config.model.selection = "batch_top_k"
    config.model.top_k = 3
    config.model.aux_k = 32
    config.model.hidden = ()
    config.model.latent_dim = 512
    config.model.code_activation = "relu"
    config.model.likelihood = "squared_error"
    config.model.unit_decoder = True
    config.optimizer.learning_rate = 3e-3
    config.objective.dead_after = 20.0
    config.optimizer.schedule = "cosine"
    config.train.epochs = 100
    config.train.batch_size = 256
    config.train.save_every_epochs = 10
    return config
