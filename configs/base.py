"""Every key that a run has, with its default; a recipe is a difference from this file.

Floats under `objective` and `optimizer`, and `seed`, are traced: they sweep inside one compiled program. Every other
value is static: each value swept makes a program of its own.
"""

from ml_collections import ConfigDict

from aejax.config import Config


def get_config() -> Config:
    config = ConfigDict()
    config.seed = 0

    config.data = ConfigDict()
    config.data.name = "digits"  # a file of aejax/data, or any prepared TFDS image set: "mnist", "fashion_mnist", ...
    config.data.path = ""  # of "arrays": .npz, .npy or .csv; of "books" and "binarized_mnist": their files
    config.data.data_dir = ""  # where prepared sets lie; "": TFDS_DATA_DIR, else ~/tensorflow_datasets
    config.data.binarization = "none"  # or "static", "dynamic", "threshold"
    config.data.valid_fraction = 0.1  # of the training rows; 0.0: train on all of them
    config.data.test_fraction = 0.2  # of all rows, where the source has no test split of its own
    config.data.split_seed = 0  # of the splits and of static binarization; never the member's seed
    config.data.standardize = False  # features to mean 0 and variance 1, fitted on the training rows
    config.data.label_column = ""  # of a table: labels, not a feature
    config.data.label_kind = "class"  # or "number": real numbers, for a regressor (data.name="arrays")
    config.data.id_column = ""  # of a table: row names, not a feature
    config.data.delimiter = ","  # of a table; "\t" for tabs
    config.data.transpose = False  # a table with samples in columns (genes x samples)
    config.data.distance = "euclidean"  # of capitals, of latitude and longitude; or "great_circle"
    config.data.min_link_count = 5  # of books: links to be found in at least so many
    config.data.labels_path = ""  # of books: a .tsv with the columns title and genre
    config.data.num_labels = 10  # of books: the most frequent genres; the others count as unlabeled
    config.data.num_items = 400  # of planted_pairs: books, ...
    config.data.num_contexts = 400  # ... links, ...
    config.data.num_groups = 8  # ... genres, ...
    config.data.pairs_per_item = 20  # ... links of each book, and ...
    config.data.planted_share = 0.5  # ... the part of these that is drawn from the book's own genre
    config.data.num_sentences = 5000  # of toy_text
    config.data.window = 3  # of toy_text: words on either side that count as context

    config.model = ConfigDict()
    config.model.name = "vae"  # a file of aejax/models
    config.model.latent_dim = 2  # k
    config.model.network = "mlp"  # or "conv" (images)
    config.model.hidden = (512,)  # widths of the encoder (channels for conv); the decoder mirrors them
    config.model.activation = "relu"  # of hidden layers: "relu", "sigmoid", "tanh", "gelu", "softplus"
    config.model.gated = False  # hidden layers of an MLP are (A x + a) σ(B x + b) instead: a gate, no activation
    config.model.initializer = "lecun_normal"  # of an MLP's matrices; or "glorot_uniform"
    config.model.output_bias = "zero"  # start of a Bernoulli decoder's last bias; or "train_mean", its logits
    config.model.code_activation = "identity"  # of an autoencoder's code
    config.model.output_activation = "identity"  # of the mean under a squared error or Gaussian; or "sigmoid"
    config.model.likelihood = "bernoulli"  # or "gaussian"; an autoencoder: "squared_error", "bernoulli"
    config.model.variance = 1.0  # of the Gaussian likelihood, where it is learned: its start
    config.model.learn_variance = False  # one variance shared by all features
    config.model.num_samples = 1  # draws of z per example and step: L, or k of an IWAE
    config.model.num_bounds = 1  # importance-weighted bounds that are averaged: above 1 a MIWAE
    config.model.gradient = "reparametrized"  # of an IWAE; or "stl", "dreg"
    config.model.num_flows = 4  # planar flows of a flow_vae's posterior; 0: it is Gaussian
    config.model.codebook_size = 32  # vectors of a vq_vae
    config.model.num_codes = 1  # pieces of its code, each replaced by one of them
    config.model.prior = "standard_normal"  # of a mixture_vae; or "mixture", "vamp"
    config.model.num_components = 500  # of "mixture" its Gaussians, of "vamp" its pseudo-inputs
    config.model.second_latent_dim = 2  # of z2 in a two_layer_vae or _iwae; latent_dim is that of z1
    config.model.second_hidden = (100,)  # widths between z1 and z2; the way down mirrors them
    config.model.target = "classification"  # of a pair embedding: pair or not; or "regression" on ±1
    config.model.negatives = "uniform"  # how it draws them; or "shuffled": the items and contexts of other pairs
    config.model.negative_ratio = 2  # negatives per pair
    config.model.penalty = "l1"  # Ω of a sparse autoencoder: or "l2", "kl", "contractive"
    config.model.top_k = 0  # active units of a sparse autoencoder's code; 0: as many as there are
    config.model.top_k_start = 0  # as many at first, falling to top_k as objective.selection rises; 0: top_k
    config.model.unit_decoder = False  # what each unit of a sparse code adds has norm 1: it cannot just shrink
    config.model.corruption = "masking"  # of a denoising autoencoder's input: or "salt_and_pepper", "gaussian"

    config.objective = ConfigDict()
    config.objective.beta = 1.0  # λ, the weight of the KL; of a tc_vae: of its total correlation alone
    config.objective.beta_warmup = 0.0  # steps over which it rises linearly; 0.0: none
    config.objective.free_bits = 0.0  # nats of each unit's KL that cost nothing
    config.objective.weight_penalty = 0.0  # λ of the linear autoencoder: of ‖W₁‖² + ‖W₂‖², per example
    config.objective.sparsity = 0.0  # λ, the weight of a sparse autoencoder's penalty Ω
    config.objective.target_activation = 0.05  # z₀ under penalty "kl"
    config.objective.selection = 1.0  # how far a sparse autoencoder's k is from model.top_k_start to model.top_k
    config.objective.selection_warmup = 0.0  # steps over which it goes there linearly; 0.0: none
    config.objective.commitment = 0.25  # β of a vq_vae: how much the encoder is held to its codebook
    config.objective.mmd = 0.0  # λ of an mmd_vae: the weight of MMD² between its codes and the prior
    config.objective.corruption_level = 0.5  # part of the pixels that is corrupted; of gaussian: the noise's sd
    config.objective.frequency_weight = 0.0  # γ of a pair embedding: a pair weighs (its context's frequency)^γ

    config.optimizer = ConfigDict()
    config.optimizer.name = "adam"  # or "adamw", "sgd"
    config.optimizer.learning_rate = 1e-3  # the peak
    config.optimizer.schedule = "constant"  # or "cosine", "exponential", "stages"
    config.optimizer.warmup = 0.0  # steps of linear warm-up
    config.optimizer.final_fraction = 0.01  # of the peak, where all but constant end
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
