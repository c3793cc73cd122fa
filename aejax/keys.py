"""The table of all config keys: the default, the allowed values, the meaning and the use of each.

The base config, the config checks, `python -m experiments.train --keys` and docs/keys.md are made from this table.
Floats under `objective` and `optimizer`, and `seed`, are traced: they sweep inside one compiled program. All other keys
are static: each swept value compiles its own program. This file imports no jax.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ml_collections import ConfigDict

from aejax.data import sources


class Within(NamedTuple):
    """The values that a key allows: a test, its description, and the choices if they can be listed."""

    holds: Callable[[Any], bool]
    words: str
    choices: Callable[[], tuple[str, ...]] | None = None


class Values(NamedTuple):
    """A condition on another key: the values that it must have."""

    hold: Callable[[Any], bool]
    words: str  # after the other key's path: "=adam or adamw"


class Key(NamedTuple):
    """One key; a config reads it if every condition of one alternative in `when` holds, or if `when` is ()."""

    default: Any
    within: Within
    meaning: str
    unit: str
    when: tuple[Mapping[str, Values], ...]


def text() -> Within:
    return Within(lambda value: True, "any text")


def switch() -> Within:
    return Within(lambda value: True, "True or False")


def at_least(least: int | float) -> Within:
    return Within(lambda value: value >= least, f"at least {least:g}")


def generated() -> Within:
    """The number of anything that a synthetic source draws: ten million take a minute and some GB."""
    return Within(lambda value: 1 <= value <= 10_000_000, "from 1 to 10,000,000")


def above(bound: int | float) -> Within:
    return Within(lambda value: value > bound, f"above {bound:g}")


def fraction(low: str, high: str) -> Within:
    """From 0 to 1: "[" and "]" include an end, "(" and ")" exclude it."""
    return Within(
        lambda value: (value >= 0 if low == "[" else value > 0) and (value <= 1 if high == "]" else value < 1),
        f"in {low}0, 1{high}",
    )


def one_of(*choices: str) -> Within:
    return Within(lambda value: value in choices, f"one of {', '.join(choices)}", lambda: choices)


def file_of(folder: str) -> Within:
    """The name of a file or folder in a folder of aejax: a new file is a new choice."""
    return Within(lambda value: value in files(folder), f"a file in aejax/{folder}", lambda: files(folder))


def widths() -> Within:
    return Within(
        lambda value: all(isinstance(width, int) and width >= 1 for width in value),
        "a tuple of widths, each at least 1: (512,) or ()",
    )


def files(folder: str) -> tuple[str, ...]:
    """The choices in a folder of aejax: the names of its files and folders, except `parts`."""
    found = (Path(__file__).parent / folder).glob("[a-z]*")
    return tuple(
        sorted(path.stem for path in found if path.suffix == ".py" or (path.is_dir() and path.name != "parts"))
    )


def equal(*values: Any) -> Values:
    return Values(lambda value: value in values, "=" + " or ".join(str(value) for value in values))


def other_than(*values: Any) -> Values:
    return Values(lambda value: value not in values, " other than " + " or ".join(str(value) for value in values))


def positive() -> Values:
    return Values(lambda value: value > 0, " above 0")


def given() -> Values:
    return Values(bool, " that is not empty")


def file_with(*extensions: str) -> Values:
    return Values(lambda path: path.lower().endswith(extensions), f" that is a {extensions[0]} file")


def folder() -> Values:
    return Values(lambda path: not Path(path).suffix or Path(path).is_dir(), " that is a folder")


def key(default: Any, within: Within, meaning: str, *when: Mapping[str, Values], unit: str = "") -> Any:
    """A field of a section; each `when` is one alternative: conditions on other keys that must all hold."""
    return field(default=default, metadata={"key": Key(default, within, meaning, unit, when)})


def models(*names: str) -> dict[str, Values]:
    return {"model.name": equal(*names)}


def data(*names: str) -> dict[str, Values]:
    return {"data.name": equal(*names)}


PAIRS = ("books", "capitals", "planted_pairs", "toy_text")  # sources of pairs: they have no x
FITTED = ("pca", "ppca")  # models with a closed form: nothing is trained
AUTOENCODERS = ("autoencoder", "denoising_autoencoder", "sparse_autoencoder", "vq_vae")
SUPERVISED = ("classifier", "regressor")
VAE = {"model.name": equal("vae")}
TRAINED = {"model.name": other_than(*FITTED)}
ENCODED = {
    "model.name": equal("vae", *AUTOENCODERS, "fsq", *SUPERVISED, "made")
}  # models that use the encoder of networks.py
DECODED = {"model.name": equal("vae", *AUTOENCODERS, "fsq", "made")}
LAYERS = {"model.network": equal("mlp"), "model.hidden": given()}  # dense hidden layers
TWO_LAYERS = {"model.posterior": equal("two_layer"), "model.second_hidden": given()}
FREE = {  # the KL of each unit has a closed form
    "model.bound": equal("elbo"),
    "model.posterior": equal("gaussian"),
    "model.prior": equal("conditional", "standard_normal"),
}
WEIGHTED = {"model.bound": other_than("constrained"), **VAE}
HELD = {"model.bound": equal("constrained")}
CAPACITY = {"model.bound": equal("capacity")}
CONDITIONED = {"data.condition_columns": given()}
DIP = {"model.bound": equal("dip")}
PLANTED = {"data.name": equal("planted_features")}
SPARSE = {"model.name": equal("sparse_autoencoder")}
FALLING_K = {"model.top_k_start": positive()}
JUMP = {"model.selection": equal("jump_relu")}
REVIVED = {"model.aux_k": positive()}
LOW = ("loss", "nll", "reconstruction", "mse", "label_mse")  # validation metrics that are best when they are low
HIGH = ("elbo", "bound", "psnr", "accuracy", "auc")
ADAM = {"optimizer.name": equal("adam", "adamw")}


@dataclass
class Data:
    """The training data."""

    name: str = key("digits", text(), "a source in aejax/data, or an image set prepared by TFDS (mnist, ...)")
    path: str = key("", text(), "the file or directory to read", data("arrays", "binarized_mnist", "books"))
    data_dir: str = key(
        "",
        text(),
        "directory of the sets prepared by TFDS; empty: TFDS_DATA_DIR, else ~/tensorflow_datasets",
        {"data.name": Values(lambda name: name not in sources(), " of a set prepared by TFDS")},
    )
    binarization: str = key(
        "none",
        one_of("none", "static", "dynamic", "threshold"),
        "how grey values in [0, 1] become bits: static draws once, dynamic at every step, threshold is x >= 0.5",
        {"data.name": other_than(*PAIRS)},
    )
    valid_fraction: float = key(
        0.1,
        fraction("[", ")"),
        "fraction of the training rows used for validation; 0: none",
        {"data.name": other_than("binarized_mnist")},
    )
    test_fraction: float = key(
        0.2,
        fraction("[", ")"),
        "fraction of all rows used for testing, if the source has no test split of its own",
        {"data.name": other_than("binarized_mnist")},
    )
    split_seed: int = key(
        0,
        at_least(0),
        "seed of the splits, of static binarization and of generated data; independent of the member's seed",
        {"data.name": other_than("binarized_mnist")},
    )
    standardize: bool = key(
        False,
        switch(),
        "scale each feature to mean 0 and variance 1 over the training rows",
        {"data.name": other_than(*PAIRS)},
    )
    label_column: str = key("", text(), "name of the column that holds the labels", data("arrays"))
    label_kind: str = key("class", one_of("class", "number"), "whether labels are classes or numbers", data("arrays"))
    id_column: str = key("", text(), "name of the column that holds the names of the rows", data("arrays"))
    ignore_columns: str = key("", text(), "columns of a table that are left out, separated by commas", data("arrays"))
    categorical_columns: str = key(
        "",
        text(),
        "columns of a table that hold categories, separated by commas; each becomes a one-hot block of x",
        data("arrays"),
    )
    missing: str = key(
        "refuse",
        one_of("refuse", "drop_rows", "drop_columns", "mean"),
        "what becomes of missing values of a table; mean: the training rows' mean or most frequent category",
        data("arrays"),
    )
    condition_columns: str = key(
        "",
        text(),
        "columns that the model is given beside x, separated by commas; `label` and factors count as columns",
        {"data.name": other_than(*PAIRS), "model.name": equal("vae")},
    )
    condition_numbers: str = key(
        "",
        text(),
        "those of condition_columns that are numbers and not categories",
        {"data.condition_columns": given()},
    )
    delimiter: str = key(
        ",",
        text(),
        "separator of the cells of a .csv; \\t for tabs",
        data("arrays") | {"data.path": file_with(".csv", ".csv.gz")},
    )
    series: bool = key(
        False,
        switch(),
        "rows [T] or [T, F] are series of F channels over T times; without it, [T, F] are series if F < 4",
        data("arrays"),
    )
    image_size: int = key(
        0,
        at_least(0),
        "crops the images of a folder to their middle squares and scales these; 0: all images have one size",
        data("arrays") | {"data.path": folder()},
        unit="pixels",
    )
    transpose: bool = key(
        False,
        switch(),
        "the file is turned: a table has samples in columns (genes x samples), or a .mtx has them in rows",
        data("arrays"),
    )
    layer: str = key(
        "", text(), "name of the layer to read; empty: X", data("arrays") | {"data.path": file_with(".h5ad")}
    )
    distance: str = key(
        "euclidean",
        one_of("euclidean", "great_circle"),
        "distance of capitals in radians: in the plane of longitude and latitude, or along the great circle",
        data("capitals"),
    )
    min_link_count: int = key(5, at_least(1), "links that fewer books contain are dropped", data("books"))
    labels_path: str = key("", text(), "a .tsv with the columns title and genre", data("books"))
    num_labels: int = key(
        10,
        at_least(1),
        "number of genres used as labels, the most frequent ones; other books are unlabeled",
        data("books") | {"data.labels_path": given()},
    )
    num_items: int = key(400, generated(), "number of generated books", data("planted_pairs"))
    num_contexts: int = key(400, generated(), "number of generated links", data("planted_pairs"))
    num_groups: int = key(8, generated(), "number of generated genres", data("planted_pairs"))
    pairs_per_item: int = key(20, generated(), "links drawn for each generated book", data("planted_pairs"))
    planted_share: float = key(
        0.5, fraction("[", "]"), "probability that a link is drawn from the book's own genre", data("planted_pairs")
    )
    num_features: int = key(512, generated(), "number of generated features", PLANTED)
    num_dimensions: int = key(64, generated(), "number of dimensions in which the features point", PLANTED)
    num_rows: int = key(20_000, generated(), "number of generated rows", PLANTED)
    active_features: float = key(4.0, above(0.0), "mean number of features in a row", PLANTED)
    correlation: float = key(
        0.0, fraction("[", ")"), "correlation of the Gaussians that switch on the features of a group of 8", PLANTED
    )
    num_sentences: int = key(5000, generated(), "number of generated sentences", data("toy_text"))
    window: int = key(3, at_least(1), "words on either side that count as context", data("toy_text"))


@dataclass
class Model:
    """The model: its equation, its networks and its densities."""

    name: str = key("vae", file_of("models"), "the model")
    latent_dim: int = key(2, at_least(1), "number of units in the code (k)")
    network: str = key(
        "mlp", one_of("mlp", "conv"), "kind of encoder and decoder; conv needs images or series", ENCODED
    )
    hidden: tuple[int, ...] = key(
        (512,), widths(), "widths of the encoder's hidden layers (channels of conv); the decoder mirrors them", ENCODED
    )
    encoder_input: str = key(
        "auto",
        one_of("auto", "identity", "log1p"),
        "what the encoder sees of x: x, or log(1 + x); auto: the latter for counts",
        ENCODED,
    )
    condition_encoder: bool = key(True, switch(), "the encoder is given the conditions", CONDITIONED)
    condition_decoder: bool = key(True, switch(), "the decoder is given the conditions", CONDITIONED)
    activation: str = key(
        "relu",
        one_of("relu", "sigmoid", "tanh", "gelu", "softplus", "identity"),
        "activation of the hidden layers",
        ENCODED | {"model.hidden": given(), "model.gated": equal(False)},
        models("made"),
        TWO_LAYERS | {"model.gated": equal(False)},
    )
    gated: bool = key(
        False,
        switch(),
        "hidden layers are (A x + a) * sigmoid(B x + b), without an activation",
        ENCODED | LAYERS,
        TWO_LAYERS,
    )
    initializer: str = key(
        "lecun_normal",
        one_of("lecun_normal", "glorot_uniform"),
        "initializer of an MLP's weight matrices",
        ENCODED | {"model.network": equal("mlp")},
        TWO_LAYERS,
    )
    output_bias: str = key(
        "zero",
        one_of("zero", "train_mean"),
        "initial bias of the decoder's last layer: 0, or for a Bernoulli the logits of the training mean",
        DECODED,
    )
    code_activation: str = key(
        "identity",
        one_of("identity", "relu", "sigmoid", "tanh", "gelu", "softplus"),
        "activation of the code",
        models(*AUTOENCODERS, *SUPERVISED),
    )
    output_activation: str = key(
        "identity",
        one_of("identity", "sigmoid"),
        "activation of the decoder's mean",
        {"model.likelihood": equal("gaussian", "laplace", "squared_error")},
    )
    likelihood: str = key(
        "bernoulli",
        file_of("models/vae/likelihoods"),
        "p(x|z); squared_error is not a density, so a VAE cannot use it",
        DECODED,
    )
    variance: float = key(
        1.0,
        above(0.0),
        "variance of a Gaussian, Laplace or mixed likelihood; the initial value if learn_variance",
        {"model.likelihood": equal("gaussian", "laplace", "mixed")},
        unit="squared data units",
    )
    learn_variance: bool = key(
        False,
        switch(),
        "learn the variance",
        {"model.likelihood": equal("gaussian", "laplace", "mixed")},
    )
    variance_kind: str = key(
        "one",
        one_of("one", "feature", "optimal"),
        "one learned variance for all features, one for each, or the running mean squared error in place of learning",
        {"model.likelihood": equal("gaussian", "mixed"), "model.learn_variance": equal(True), **VAE},
    )
    library_size: str = key(
        "none",
        one_of("none", "observed"),
        "mean counts: exp of the decoder's output, or a row's observed total shared out by its softmax",
        {"model.likelihood": equal("negative_binomial", "poisson", "zero_inflated_negative_binomial")},
    )
    posterior: str = key("gaussian", file_of("models/vae/posteriors"), "q(z|x)", VAE)
    prior: str = key("standard_normal", file_of("models/vae/priors"), "p(z)", VAE)
    bound: str = key("elbo", file_of("models/vae/bounds"), "the bound on log p(x) that training maximizes", VAE)
    num_samples: int = key(1, at_least(1), "draws of z per example and step (L; k for an IWAE)", VAE)
    num_bounds: int = key(
        1,
        at_least(1),
        "number of importance-weighted bounds to average; above 1: MIWAE",
        {"model.bound": equal("iwae")},
    )
    gradient: str = key(
        "reparametrized",
        one_of("reparametrized", "stl", "dreg"),
        "gradient estimator of the IWAE",
        {"model.bound": equal("iwae")},
    )
    dip: str = key(
        "means",
        one_of("means", "codes"),
        "whose covariance a DIP-VAE penalizes: of the posterior means (I), or of the codes drawn from q(z|x) (II)",
        DIP,
    )
    num_flows: int = key(
        4,
        at_least(0),
        "number of flows, planar or inverse autoregressive; 0: the posterior is Gaussian",
        {"model.posterior": equal("iaf", "planar")},
    )
    codebook_size: int = key(32, at_least(1), "number of vectors in the codebook", models("vq_vae"))
    num_codes: int = key(1, at_least(1), "pieces of the code; each is replaced by a codebook vector", models("vq_vae"))
    codebook_update: str = key(
        "gradient",
        one_of("gradient", "ema"),
        "what moves the codebook: the gradient, or running means of the pieces that each vector replaces",
        models("vq_vae"),
    )
    levels: tuple[int, ...] = key(
        (8, 4),
        Within(
            lambda value: bool(value) and all(isinstance(num, int) and num >= 2 for num in value),
            "a tuple of numbers of levels, each at least 2: (8, 4)",
        ),
        "numbers of levels of the units of a piece; the code has latent_dim / (their number) pieces",
        models("fsq"),
    )
    num_components: int = key(
        500,
        at_least(1),
        "number of Gaussians in a mixture, or of pseudo-inputs in a VampPrior",
        {"model.prior": equal("mixture", "vamp")},
    )
    second_latent_dim: int = key(
        2, at_least(1), "number of units in z2; latent_dim is for z1", {"model.posterior": equal("two_layer")}
    )
    second_hidden: tuple[int, ...] = key(
        (100,),
        widths(),
        "widths of the hidden layers from z1 to z2; the network from z2 to z1 mirrors them",
        {"model.posterior": equal("two_layer")},
    )
    target: str = key(
        "classification",
        one_of("classification", "regression"),
        "classify pairs against negatives, or regress the cosine on 1 and -1",
        models("pair_embedding"),
    )
    negatives: str = key(
        "uniform",
        one_of("uniform", "shuffled"),
        "draw negatives from all items and contexts, or from those of the batch",
        models("pair_embedding"),
    )
    negative_ratio: int = key(2, at_least(1), "number of negatives per pair", models("pair_embedding"))
    penalty: str = key("l1", one_of("l1", "l2", "kl", "contractive", "l0"), "the penalty Omega on the code", SPARSE)
    selection: str = key(
        "top_k",
        one_of("top_k", "batch_top_k", "jump_relu"),
        "which units stay active: the largest of each code, of a batch of codes, or those above learned thresholds",
        SPARSE,
    )
    top_k: int = key(
        0,
        at_least(0),
        "number of units of each code that stay active, for batch_top_k on average; 0: all",
        {"model.selection": equal("top_k", "batch_top_k")},
    )
    top_k_start: int = key(
        0,
        at_least(0),
        "initial number of active units, annealed to top_k by objective.selection; 0: no annealing",
        {"model.top_k": positive()},
    )
    initial_threshold: float = key(0.001, above(0.0), "threshold of each unit before training", JUMP)
    prefixes: tuple[int, ...] = key(
        (),
        widths(),
        "numbers of first units that must reconstruct x alone (Matryoshka); all units always must",
        SPARSE,
    )
    aux_k: int = key(
        0, at_least(0), "number of dead units that must reconstruct what the live ones leave (AuxK); 0: none", SPARSE
    )
    unit_decoder: bool = key(False, switch(), "give each unit's decoder weights norm 1: codes cannot shrink", SPARSE)
    corruption: str = key(
        "masking", one_of("masking", "salt_and_pepper", "gaussian"), "input corruption", models("denoising_autoencoder")
    )


@dataclass
class Objective:
    """Weights of the loss; NAME rises linearly from 0 during the first NAME_warmup steps."""

    beta: float = key(
        1.0,
        at_least(0.0),
        "weight of the KL (the lecture's lambda); for beta_tc, of the total correlation only",
        WEIGHTED,
    )
    beta_warmup: float = key(0.0, at_least(0.0), "warm-up of beta; 0: none", WEIGHTED, unit="steps")
    beta_cycle: float = key(
        0.0, at_least(0.0), "after so many steps the warm-up of beta starts anew; 0: never", WEIGHTED, unit="steps"
    )
    kl_target: float = key(10.0, above(0.0), "KL at which training holds the mean of a batch", HELD, unit="nats")
    kl_rate: float = key(
        0.02,
        above(0.0),
        "largest change of log beta in a step, when the KL is 0 or twice kl_target",
        HELD,
    )
    capacity: float = key(
        10.0, at_least(0.0), "KL that is not penalized, neither above nor below", CAPACITY, unit="nats"
    )
    capacity_warmup: float = key(0.0, at_least(0.0), "warm-up of the capacity; 0: none", CAPACITY, unit="steps")
    free_bits: float = key(0.0, at_least(0.0), "KL of each unit that is not penalized", FREE, unit="nats")
    weight_penalty: float = key(
        0.0, at_least(0.0), "weight of the squared norms of both matrices, per example", models("linear_autoencoder")
    )
    sparsity: float = key(0.0, at_least(0.0), "weight of the penalty Omega", SPARSE)
    target_activation: float = key(
        0.05, fraction("(", ")"), "mean activation that penalty=kl aims for", {"model.penalty": equal("kl")}
    )
    selection: float = key(
        1.0, fraction("[", "]"), "annealing of k: 0 is model.top_k_start, 1 is model.top_k", FALLING_K
    )
    selection_warmup: float = key(0.0, at_least(0.0), "warm-up of selection; 0: none", FALLING_K, unit="steps")
    bandwidth: float = key(0.001, above(0.0), "width of the window around a threshold that trains it", JUMP)
    aux_weight: float = key(1 / 32, at_least(0.0), "weight of AuxK, the error that dead units leave", REVIVED)
    dead_after: float = key(100.0, at_least(1.0), "a unit that was 0 for so many steps is dead", REVIVED, unit="steps")
    commitment: float = key(0.25, at_least(0.0), "weight of the encoder's distance to its codebook", models("vq_vae"))
    codebook_decay: float = key(
        0.99,
        fraction("[", ")"),
        "decay of the running means that are the codebook",
        {"model.codebook_update": equal("ema")},
    )
    mmd: float = key(
        0.0, at_least(0.0), "weight of MMD^2 between codes and prior", {"model.bound": equal("mmd")}, unit="nats"
    )
    dip_off_diagonal: float = key(
        0.0, at_least(0.0), "weight of the squared covariances between units", DIP, unit="nats"
    )
    dip_diagonal: float = key(0.0, at_least(0.0), "weight of (variance - 1)^2 of the units", DIP, unit="nats")
    corruption_level: float = key(
        0.5,
        fraction("[", "]"),
        "fraction of pixels that are corrupted; for gaussian, the noise's sd",
        models("denoising_autoencoder"),
    )
    frequency_weight: float = key(
        0.0, at_least(0.0), "gamma: a pair has the weight (count of its context)^gamma", models("pair_embedding")
    )


@dataclass
class Optimizer:
    """The optimizer and its learning rate."""

    name: str = key("adam", one_of("adam", "adamw", "sgd"), "the update rule", TRAINED)
    learning_rate: float = key(1e-3, above(0.0), "peak learning rate", TRAINED)
    schedule: str = key(
        "constant", one_of("constant", "cosine", "exponential", "stages"), "learning rate after the warm-up", TRAINED
    )
    warmup: float = key(0.0, at_least(0.0), "linear warm-up of the learning rate", TRAINED, unit="steps")
    final_fraction: float = key(
        0.01,
        fraction("(", "]"),
        "learning rate at the last step, as a fraction of the peak",
        {"optimizer.schedule": other_than("constant")},
    )
    b1: float = key(0.9, fraction("[", ")"), "decay of the running mean of the gradient", ADAM)
    b2: float = key(0.999, fraction("[", ")"), "decay of the running mean of the squared gradient", ADAM)
    eps: float = key(1e-8, above(0.0), "added to the root of the mean squared gradient", ADAM)
    momentum: float = key(0.9, fraction("[", ")"), "momentum of SGD", {"optimizer.name": equal("sgd")})
    weight_decay: float = key(0.0, at_least(0.0), "weight decay of AdamW", {"optimizer.name": equal("adamw")})
    clip_norm: float = key(0.0, at_least(0.0), "norm to which a member's gradient is clipped; 0: no clipping", TRAINED)


@dataclass
class Train:
    """How long and how to train."""

    epochs: int = key(20, at_least(1), "passes over the training rows", TRAINED)
    keep: str = key(
        "last",
        one_of("last", "best"),
        "the parameters to keep: those of the last step, or those with the best train.monitor on the validation rows",
        TRAINED,
    )
    patience: int = key(
        0,
        at_least(0),
        "a member stops after so many epochs without a better train.monitor, not counting a warm-up; 0: never",
        TRAINED,
        unit="epochs",
    )
    monitor: str = key(
        "loss",
        one_of(*LOW, *HIGH),
        "the validation metric that decides what is best, compared whenever metrics are written",
        {**TRAINED, "train.keep": equal("best")},
        {**TRAINED, "train.patience": positive()},
    )
    batch_size: int = key(128, at_least(1), "rows per step; an epoch's partial last batch is dropped", TRAINED)
    lanes: int = key(0, at_least(0), "members in one vmap; 0: one on CPU, as many as fit on GPU and TPU")
    save_every_epochs: int = key(
        1, at_least(1), "epochs between checkpoints; one within 10 s of another is skipped", TRAINED
    )
    save_every_minutes: float = key(
        10.0, at_least(0.0), "most time between checkpoints, also within an epoch; 0: any", TRAINED, unit="minutes"
    )
    precision: str = key(
        "float32",
        one_of("float32", "bf16"),
        "factors of the products in dense layers; bf16: rounded to bfloat16 and added up in float32, in training only",
        {**ENCODED, "model.network": equal("mlp")},
    )
    deterministic: bool = key(True, switch(), "use XLA's deterministic operations on GPU")


@dataclass
class Evaluate:
    """How rows are evaluated."""

    batch_size: int = key(1000, at_least(1), "rows per batch")


@dataclass
class Log:
    """What is written while training."""

    every_epochs: int = key(1, at_least(1), "epochs between rows of metrics.jsonl", TRAINED)
    tensorboard: bool = key(
        False,
        switch(),
        "mirror the curves of a group's first 100 members, figures, codes and test metrics for TensorBoard",
    )


@dataclass
class Tree:
    """A whole config."""

    seed: int = key(
        0,
        Within(lambda seed: 0 <= seed < 2**32, "from 0 to 4294967295"),
        "the member's seed, for its initialization, noise, order of rows and evaluation",
        {"model.name": other_than("pca")},
        {"data.binarization": equal("dynamic")},
    )
    data: Data = field(default_factory=Data)
    model: Model = field(default_factory=Model)
    objective: Objective = field(default_factory=Objective)
    optimizer: Optimizer = field(default_factory=Optimizer)
    train: Train = field(default_factory=Train)
    evaluate: Evaluate = field(default_factory=Evaluate)
    log: Log = field(default_factory=Log)


# A config is an ml_collections.ConfigDict; type checkers and editors see a Tree, with all keys and their types.
if TYPE_CHECKING:
    Config = Tree
else:
    Config = Any


def leaves(section: Any = Tree, prefix: str = "") -> Iterator[tuple[str, Key]]:
    """("objective.beta", its Key), ... in the order of this file."""
    for leaf in fields(section):
        if "key" in leaf.metadata:
            yield prefix + leaf.name, leaf.metadata["key"]
        else:
            yield from leaves(leaf.default_factory, f"{leaf.name}.")


KEYS = dict(leaves())


def base_config() -> Config:
    """A config with every key at its default."""
    config: Any = ConfigDict()
    for path, leaf in KEYS.items():
        section, _, name = path.rpartition(".")
        if section and section not in config:
            config[section] = ConfigDict()
        (config[section] if section else config)[name] = leaf.default
    return config
