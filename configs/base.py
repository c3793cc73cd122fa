"""Every key that a run has, with its default; a recipe is a difference from this file.

Floats under `objective` and `optimizer`, and `seed`, are traced: they sweep inside one compiled program. Every other
value is static: each value swept makes a program of its own.
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    config = ConfigDict()
    config.seed = 0

    config.data = ConfigDict()
    config.data.name = "digits"  # a file of aejax/data, or any prepared TFDS image set: "mnist", "fashion_mnist", ...
    config.data.path = ""  # of data.name="arrays": .npz, .npy or .csv
    config.data.data_dir = ""  # where prepared sets lie; "": TFDS_DATA_DIR, else ~/tensorflow_datasets
    config.data.binarization = "none"  # or "static", "dynamic", "threshold"
    config.data.valid_fraction = 0.1  # of the training rows; 0.0: train on all of them
    config.data.test_fraction = 0.2  # of all rows, where the source has no test split of its own
    config.data.split_seed = 0  # of the splits and of static binarization; never the member's seed
    config.data.standardize = False  # features to mean 0 and variance 1, fitted on the training rows
    config.data.label_column = ""  # of a table: class labels, not a feature
    config.data.id_column = ""  # of a table: row names, not a feature
    config.data.delimiter = ","  # of a table; "\t" for tabs
    config.data.transpose = False  # a table with samples in columns (genes x samples)

    config.model = ConfigDict()
    config.model.name = "vae"  # a file of aejax/models
    config.model.latent_dim = 2  # k
    config.model.network = "mlp"  # or "conv" (images)
    config.model.hidden = (512,)  # widths of the encoder (channels for conv); the decoder mirrors them
    config.model.activation = "relu"  # of hidden layers: "relu", "sigmoid", "tanh", "gelu", "softplus"
    config.model.code_activation = "identity"  # of an autoencoder's code
    config.model.output_activation = "identity"  # of the mean under a squared error or Gaussian; or "sigmoid"
    config.model.likelihood = "bernoulli"  # or "gaussian"; an autoencoder: "squared_error", "bernoulli"
    config.model.variance = 1.0  # of the Gaussian likelihood, where it is learned: its start
    config.model.learn_variance = False  # one variance shared by all features
    config.model.num_samples = 1  # L, draws of z per example and step

    config.objective = ConfigDict()
    config.objective.beta = 1.0  # λ, the weight of the KL
    config.objective.beta_warmup = 0.0  # steps over which it rises linearly; 0.0: none

    config.optimizer = ConfigDict()
    config.optimizer.name = "adam"  # or "adamw", "sgd"
    config.optimizer.learning_rate = 1e-3  # the peak
    config.optimizer.schedule = "constant"  # or "cosine", "exponential"
    config.optimizer.warmup = 0.0  # steps of linear warm-up
    config.optimizer.final_fraction = 0.01  # of the peak, where cosine and exponential end
    config.optimizer.b1 = 0.9  # Adam's and AdamW's
    config.optimizer.b2 = 0.999
    config.optimizer.eps = 1e-8
    config.optimizer.momentum = 0.9  # SGD's
    config.optimizer.weight_decay = 0.0  # AdamW's
    config.optimizer.clip_norm = 0.0  # of the whole gradient of a member; 0.0: none

    config.train = ConfigDict()
    config.train.epochs = 20
    config.train.batch_size = 128
    config.train.lanes = 0  # members side by side in one vmap; 0: one on CPU, as many as fit on GPU and TPU
    config.train.save_every_epochs = 1
    config.train.deterministic = True  # XLA's deterministic operations on GPU

    config.evaluate = ConfigDict()
    config.evaluate.batch_size = 1000

    config.log = ConfigDict()
    config.log.every_epochs = 1
    return config
