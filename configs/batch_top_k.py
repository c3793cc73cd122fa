"""x"""

from aejax.config import Config
from configs import base


def get_config() -> Config:
    config = base.get_config()
    config.data.name = "planted_features"
    config.model.name = "sparse_autoencoder"
    config.model.selection = "batch_top_k"
    config.model.top_k = 4
    config.model.aux_k = 32
    config.model.hidden = ()
    config.model.latent_dim = 512
    config.model.code_activation = "relu"
    config.model.likelihood = "squared_error"
    config.model.unit_decoder = True
    config.optimizer.learning_rate = 3e-3
    config.optimizer.schedule = "cosine"
    config.train.epochs = 20
    config.train.batch_size = 256
    config.train.save_every_epochs = 10
    return config
