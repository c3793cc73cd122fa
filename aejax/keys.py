"""Every key of a config, once: its default, what it may be, what it means, and when it is read.

The base config, the checks of a config, `python -m experiments.train --keys` and docs/keys.md are made from this table.
Floats under `objective` and `optimizer`, and `seed`, are traced: they sweep inside one compiled program. All other
values are static: each swept value compiles a program of its own. This file imports no jax.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ml_collections import ConfigDict

from aejax.data import sources


class Within(NamedTuple):
    """What a value may be: a test, its words, and the choices if they can be listed."""

    holds: Callable[[Any], bool]
    words: str
    choices: Callable[[], tuple[str, ...]] | None = None


class Values(NamedTuple):
    """Values of another key that a key depends on."""

    hold: Callable[[Any], bool]
    words: str  # after the other key's path: "=adam or adamw"


class Key(NamedTuple):
    """One key: read if every condition of one of its alternatives holds; () means always."""

    default: Any
    within: Within
    meaning: str
    unit: str
    when: tuple[Mapping[str, Values], ...]


def text() -> Within:
    return Within(lambda value: True, "a text")


def switch() -> Within:
    return Within(lambda value: True, "True or False")


def at_least(least: int | float) -> Within:
    return Within(lambda value: value >= least, f"at least {least:g}")


def above(bound: int | float) -> Within:
    return Within(lambda value: value > bound, f"above {bound:g}")


def fraction(low: str, high: str) -> Within:
    """From 0 to 1, each end included by "[" and "]" or excluded by "(" and ")"."""
    return Within(
        lambda value: (value >= 0 if low == "[" else value > 0) and (value <= 1 if high == "]" else value < 1),
        f"in {low}0, 1{high}",
    )


def one_of(*choices: str) -> Within:
    return Within(lambda value: value in choices, f"one of {', '.join(choices)}", lambda: choices)


def file_of(folder: str) -> Within:
    """The name of a file (or folder) in a folder of aejax: a new file is a new choice."""
    return Within(lambda value: value in files(folder), f"a file of aejax/{folder}", lambda: files(folder))


def widths() -> Within:
    return Within(
        lambda value: all(isinstance(width, int) and width >= 1 for width in value),
        "a tuple of widths, each at least 1: (512,) or ()",
    )


def files(folder: str) -> tuple[str, ...]:
    """The choices that a folder of aejax offers: the names of its files and folders, `parts` aside."""
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


def key(default: Any, within: Within, meaning: str, *when: Mapping[str, Values], unit: str = "") -> Any:
    """A field of a section; its alternatives `when` are conditions on other keys."""
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
ENCODED = {"model.name": equal("vae", *AUTOENCODERS, *SUPERVISED, "made")}  # models with the encoder of networks.py
DECODED = {"model.name": equal("vae", *AUTOENCODERS, "made")}
LAYERS = {"model.network": equal("mlp"), "model.hidden": given()}  # hidden layers that are dense
TWO_LAYERS = {"model.posterior": equal("two_layer"), "model.second_hidden": given()}
FREE = {  # the KL of each unit is in closed form
    "model.bound": equal("elbo"),
    "model.posterior": equal("gaussian"),
    "model.prior": equal("standard_normal"),
}
SPARSE = {"model.name": equal("sparse_autoencoder")}
FALLING_K = {"model.top_k_start": positive()}
ADAM = {"optimizer.name": equal("adam", "adamw")}


@dataclass
class Data:
    """What is trained on."""

    name: str = key("digits", text(), "a file of aejax/data, or an image set that TFDS has prepared: mnist, ...")
    path: str = key("", text(), "the file, or directory, to read", data("arrays", "binarized_mnist", "books"))
    data_dir: str = key(
        "",
        text(),
        "where prepared sets lie; empty: TFDS_DATA_DIR, else ~/tensorflow_datasets",
        {"data.name": Values(lambda name: name not in sources(), " of a set that TFDS has prepared")},
    )
    binarization: str = key(
        "none",
        one_of("none", "static", "dynamic", "threshold"),
        "how grey values in [0, 1] become bits: drawn once, drawn at every step, or x >= 0.5",
        {"data.name": other_than(*PAIRS)},
    )
    valid_fraction: float = key(
        0.1,
        fraction("[", ")"),
        "validation rows as a share of the training rows; 0 trains on all of them",
        {"data.name": other_than("binarized_mnist")},
    )
    test_fraction: float = key(
        0.2,
        fraction("[", ")"),
        "test rows as a share of all rows, if the source has no test split of its own",
        {"data.name": other_than("binarized_mnist")},
    )
    split_seed: int = key(
        0,
        at_least(0),
        "seed of the splits, of static binarization and of generated data; never the member's seed",
        {"data.name": other_than("binarized_mnist")},
    )
    standardize: bool = key(
        False,
        switch(),
        "scale each feature to mean 0 and variance 1, fitted on the training rows",
        {"data.name": other_than(*PAIRS)},
    )
    label_column: str = key("", text(), "column of a table that holds labels", data("arrays"))
    label_kind: str = key("class", one_of("class", "number"), "what labels are", data("arrays"))
    id_column: str = key("", text(), "column of a table that names its rows", data("arrays"))
    delimiter: str = key(
        ",",
        text(),
        "between the cells of a .csv; \\t for tabs",
        data("arrays") | {"data.path": Values(lambda path: path.lower().endswith(".csv"), " that is a .csv file")},
    )
    transpose: bool = key(False, switch(), "the table has samples in columns (genes x samples)", data("arrays"))
    distance: str = key(
        "euclidean",
        one_of("euclidean", "great_circle"),
        "between capitals: of latitude and longitude in degrees, or along the great circle",
        data("capitals"),
    )
    min_link_count: int = key(5, at_least(1), "books that a link must occur in", data("books"))
    labels_path: str = key("", text(), "a .tsv with the columns title and genre", data("books"))
    num_labels: int = key(
        10,
        at_least(1),
        "most frequent genres that count as labels; other books count as unlabeled",
        data("books") | {"data.labels_path": given()},
    )
    num_items: int = key(400, at_least(1), "generated books", data("planted_pairs"))
    num_contexts: int = key(400, at_least(1), "generated links", data("planted_pairs"))
    num_groups: int = key(8, at_least(1), "generated genres", data("planted_pairs"))
    pairs_per_item: int = key(20, at_least(1), "links of each generated book", data("planted_pairs"))
    planted_share: float = key(
        0.5, fraction("[", "]"), "share of these links that is drawn from the book's own genre", data("planted_pairs")
    )
    num_sentences: int = key(5000, at_least(1), "generated sentences", data("toy_text"))
    window: int = key(3, at_least(1), "words on either side that count as context", data("toy_text"))


@dataclass
class Model:
    """The model: its equation, its networks and its densities."""

    name: str = key("vae", file_of("models"), "the model")
    latent_dim: int = key(2, at_least(1), "units of the code: k")
    network: str = key("mlp", one_of("mlp", "conv"), "of the encoder and the decoder; conv is for images", ENCODED)
    hidden: tuple[int, ...] = key(
        (512,), widths(), "widths of the encoder's hidden layers (channels of conv); the decoder mirrors them", ENCODED
    )
    activation: str = key(
        "relu",
        one_of("relu", "sigmoid", "tanh", "gelu", "softplus", "identity"),
        "of hidden layers",
        ENCODED | {"model.hidden": given(), "model.gated": equal(False)},
        models("made"),
        TWO_LAYERS | {"model.gated": equal(False)},
    )
    gated: bool = key(
        False,
        switch(),
        "hidden layers are (A x + a) * sigmoid(B x + b) instead: a gate, no activation",
        ENCODED | LAYERS,
        TWO_LAYERS,
    )
    initializer: str = key(
        "lecun_normal",
        one_of("lecun_normal", "glorot_uniform"),
        "of an MLP's matrices",
        ENCODED | {"model.network": equal("mlp")},
        TWO_LAYERS,
    )
    output_bias: str = key(
        "zero",
        one_of("zero", "train_mean"),
        "start of a Bernoulli decoder's last bias: 0, or the logits of the training mean",
        DECODED,
    )
    code_activation: str = key(
        "identity",
        one_of("identity", "relu", "sigmoid", "tanh", "gelu", "softplus"),
        "of the code",
        models(*AUTOENCODERS, *SUPERVISED),
    )
    output_activation: str = key(
        "identity",
        one_of("identity", "sigmoid"),
        "of the mean under a squared error or a Gaussian",
        {"model.likelihood": equal("gaussian", "squared_error")},
    )
    likelihood: str = key(
        "bernoulli",
        file_of("models/vae/likelihoods"),
        "p(x|z); squared_error is for autoencoders without a density",
        DECODED,
    )
    variance: float = key(
        1.0,
        above(0.0),
        "of the Gaussian likelihood; if it is learned: its start",
        {"model.likelihood": equal("gaussian")},
        unit="squared data units",
    )
    learn_variance: bool = key(
        False,
        switch(),
        "learn one variance that all features share",
        {"model.likelihood": equal("gaussian")},
    )
    posterior: str = key("gaussian", file_of("models/vae/posteriors"), "q(z|x)", VAE)
    prior: str = key("standard_normal", file_of("models/vae/priors"), "p(z)", VAE)
    bound: str = key("elbo", file_of("models/vae/bounds"), "on log p(x), which training maximizes", VAE)
    num_samples: int = key(1, at_least(1), "draws of z per example and step: L, or k of an IWAE", VAE)
    num_bounds: int = key(
        1,
        at_least(1),
        "importance-weighted bounds that are averaged; above 1: MIWAE",
        {"model.bound": equal("iwae")},
    )
    gradient: str = key(
        "reparametrized",
        one_of("reparametrized", "stl", "dreg"),
        "estimator of the IWAE's gradient",
        {"model.bound": equal("iwae")},
    )
    num_flows: int = key(
        4, at_least(0), "planar flows of the posterior; 0: it is Gaussian", {"model.posterior": equal("planar")}
    )
    codebook_size: int = key(32, at_least(1), "vectors of the codebook", models("vq_vae"))
    num_codes: int = key(1, at_least(1), "pieces of the code, each replaced by a vector", models("vq_vae"))
    num_components: int = key(
        500,
        at_least(1),
        "Gaussians of a mixture, or pseudo-inputs of a VampPrior",
        {"model.prior": equal("mixture", "vamp")},
    )
    second_latent_dim: int = key(
        2, at_least(1), "units of z2; latent_dim is that of z1", {"model.posterior": equal("two_layer")}
    )
    second_hidden: tuple[int, ...] = key(
        (100,),
        widths(),
        "widths between z1 and z2; the way down mirrors them",
        {"model.posterior": equal("two_layer")},
    )
    target: str = key(
        "classification",
        one_of("classification", "regression"),
        "pair or not, or the cosine towards 1 and -1",
        models("pair_embedding"),
    )
    negatives: str = key(
        "uniform",
        one_of("uniform", "shuffled"),
        "drawn from all items and contexts, or from those of other pairs",
        models("pair_embedding"),
    )
    negative_ratio: int = key(2, at_least(1), "negatives per pair", models("pair_embedding"))
    penalty: str = key("l1", one_of("l1", "l2", "kl", "contractive"), "on the code: Omega", SPARSE)
    top_k: int = key(0, at_least(0), "active units of a code; 0: as many as there are", SPARSE)
    top_k_start: int = key(
        0,
        at_least(0),
        "active units at first; they fall to top_k as objective.selection rises; 0: top_k",
        {"model.top_k": positive()},
    )
    unit_decoder: bool = key(False, switch(), "what each unit adds to x_hat has norm 1: codes cannot shrink", SPARSE)
    corruption: str = key(
        "masking", one_of("masking", "salt_and_pepper", "gaussian"), "of the input", models("denoising_autoencoder")
    )


@dataclass
class Objective:
    """Weights of the loss; a NAME_warmup is the steps over which NAME rises linearly from 0."""

    beta: float = key(
        1.0,
        at_least(0.0),
        "weight of the KL (the lecture's lambda); of beta_tc: of the total correlation",
        VAE,
    )
    beta_warmup: float = key(0.0, at_least(0.0), "warm-up of beta; 0: none", VAE, unit="steps")
    free_bits: float = key(0.0, at_least(0.0), "KL of each unit that costs nothing", FREE, unit="nats")
    weight_penalty: float = key(
        0.0, at_least(0.0), "weight of the squared norm of both matrices, per example", models("linear_autoencoder")
    )
    sparsity: float = key(0.0, at_least(0.0), "weight of the penalty Omega", SPARSE)
    target_activation: float = key(
        0.05, fraction("(", ")"), "mean activation that penalty=kl holds", {"model.penalty": equal("kl")}
    )
    selection: float = key(
        1.0, fraction("[", "]"), "how far k is from model.top_k_start (0) to model.top_k (1)", FALLING_K
    )
    selection_warmup: float = key(0.0, at_least(0.0), "warm-up of selection; 0: none", FALLING_K, unit="steps")
    commitment: float = key(0.25, at_least(0.0), "weight that holds the encoder to its codebook", models("vq_vae"))
    mmd: float = key(
        0.0, at_least(0.0), "weight of MMD^2 between codes and prior", {"model.bound": equal("mmd")}, unit="nats"
    )
    corruption_level: float = key(
        0.5,
        fraction("[", "]"),
        "share of pixels that is corrupted; of gaussian: the noise's sd",
        models("denoising_autoencoder"),
    )
    frequency_weight: float = key(
        0.0, at_least(0.0), "gamma: a pair weighs (its context's frequency)^gamma", models("pair_embedding")
    )


@dataclass
class Optimizer:
    """How parameters follow the gradient."""

    name: str = key("adam", one_of("adam", "adamw", "sgd"), "the rule", TRAINED)
    learning_rate: float = key(1e-3, above(0.0), "peak of the learning rate", TRAINED)
    schedule: str = key(
        "constant", one_of("constant", "cosine", "exponential", "stages"), "of the rate after its warm-up", TRAINED
    )
    warmup: float = key(0.0, at_least(0.0), "linear rise of the rate", TRAINED, unit="steps")
    final_fraction: float = key(
        0.01,
        fraction("(", "]"),
        "of the peak, at the last step",
        {"optimizer.schedule": other_than("constant")},
    )
    b1: float = key(0.9, fraction("[", ")"), "decay of the gradient's mean", ADAM)
    b2: float = key(0.999, fraction("[", ")"), "decay of the squared gradient's mean", ADAM)
    eps: float = key(1e-8, above(0.0), "added to the root of the squared gradient's mean", ADAM)
    momentum: float = key(0.9, fraction("[", ")"), "of SGD", {"optimizer.name": equal("sgd")})
    weight_decay: float = key(0.0, at_least(0.0), "of AdamW", {"optimizer.name": equal("adamw")})
    clip_norm: float = key(0.0, at_least(0.0), "largest norm of a member's gradient; 0: none", TRAINED)


@dataclass
class Train:
    """How long, and on what."""

    epochs: int = key(20, at_least(1), "passes over the training rows", TRAINED)
    batch_size: int = key(128, at_least(1), "rows of a step; an epoch's partial last batch is dropped", TRAINED)
    lanes: int = key(0, at_least(0), "members in one vmap; 0: one on CPU, as many as fit on GPU and TPU")
    save_every_epochs: int = key(1, at_least(1), "epochs between checkpoints", TRAINED)
    deterministic: bool = key(True, switch(), "use XLA's deterministic operations on GPU")


@dataclass
class Evaluate:
    """How rows are evaluated."""

    batch_size: int = key(1000, at_least(1), "rows of a batch")


@dataclass
class Log:
    """What is written while training."""

    every_epochs: int = key(1, at_least(1), "epochs between rows of metrics.jsonl", TRAINED)


@dataclass
class Tree:
    """A whole config."""

    seed: int = key(
        0,
        Within(lambda seed: 0 <= seed < 2**32, "from 0 to 4294967295"),
        "of the member: its start, its noise, its order and its evaluation",
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


# An ml_collections.ConfigDict holds a config; type checkers and editors see its keys and their types.
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
