"""The name, unit and meaning of every metric of a trained member. Imports no jax.

The modules of this package compute them: pure functions of one member, or of codes, without a member axis.
"""

from collections.abc import Container
from typing import NamedTuple

from aejax import records

NATS = "nats per example"


class Metric(NamedTuple):
    """The definition of a metric."""

    unit: str  # "" if it has none
    meaning: str  # one sentence
    given_by: str  # the models, data or options that provide it
    curve: str = ""  # the title of its curve over training


METRICS = {  # the columns of results.csv, in their order
    "elbo": Metric(
        NATS,
        "Evidence lower bound on log p(x): −(reconstruction + kl) at λ = 1, whatever λ was trained. Higher is better.",
        "VAEs",
        curve=f"ELBO ({NATS})",
    ),
    "bound": Metric(NATS, "Importance-weighted bound on log p(x), with λ = 1. Higher is better.", "IWAEs"),
    "nll": Metric(
        NATS,
        "−log p(x): exact, or estimated by importance sampling, which is an upper bound in expectation.",
        "probabilistic PCA, MADE; VAEs with --num_samples",
        curve=f"−log p(x) ({NATS})",
    ),
    "nll_grey": Metric(
        NATS,
        "The formula of nll for a Bernoulli, evaluated on grey values. It is not a valid likelihood.",
        "nll, if data.binarization=none and values are between 0 and 1",
    ),
    "nll_static": Metric(NATS, "nll of pixels that were binarized once.", "nll, if data.binarization=static"),
    "nll_dynamic": Metric(NATS, "nll of pixels that are binarized at every step.", "nll, if data.binarization=dynamic"),
    "nll_threshold": Metric(NATS, "nll of pixels thresholded at 0.5.", "nll, if data.binarization=threshold"),
    "nll_stderr": Metric(NATS, "Monte Carlo standard error of the estimated nll.", "--num_samples"),
    "ess": Metric(
        "samples",
        "Effective sample size of the importance weights, averaged over examples; if small, nll is a loose bound.",
        "--num_samples",
    ),
    "num_samples": Metric("samples", "Importance samples for each example.", "--num_samples"),
    "nll_ais": Metric(
        NATS,
        "−log p(x) of the first 100 test rows by annealed importance sampling from the prior, an upper bound in "
        "expectation. Pixels are binarized as data.binarization says.",
        "--ais",
    ),
    "ais_lower": Metric(
        NATS, "Lower bound, in expectation, on log p(x) of 100 rows simulated from the model.", "--ais"
    ),
    "ais_upper": Metric(NATS, "Upper bound, in expectation, on log p(x) of the same simulated rows.", "--ais"),
    "ais_gap": Metric(NATS, "ais_upper − ais_lower: in expectation, at least the error of either bound.", "--ais"),
    "ais_steps": Metric("steps", "Annealing steps from the prior to the posterior, the T of --ais.", "--ais"),
    "reconstruction": Metric(
        "per example",
        "−E log p(x|z) in nats with all constants; with model.likelihood=squared_error, the sum of squares ‖x − x̂‖².",
        "models that reconstruct x",
        curve="reconstruction error (per example)",
    ),
    "kl": Metric(
        NATS,
        "KL[q(z|x) ‖ p(z)], or its Monte Carlo estimate if it has no closed form.",
        "VAEs",
        curve=f"KL ({NATS})",
    ),
    "kl_second": Metric(NATS, "The part of kl due to the second layer, z₂.", "two-layer VAEs"),
    "mutual_information": Metric(
        NATS,
        "I(x; z), estimated on 2,000 rows and therefore at most log 2,000 = 7.6.",
        "VAEs with a Gaussian posterior",
    ),
    "aggregate_kl": Metric(
        NATS,
        "KL[q(z) ‖ p(z)] of the aggregate posterior: kl = mutual_information + aggregate_kl. If a code tells more "
        "than 7.6 nats about its input, the excess is counted here.",
        "VAEs with a Gaussian posterior and a prior of known density",
    ),
    "mse": Metric(
        "squared data units",
        "Squared error per feature of decode(encode(x)).",
        "models with a decoder",
        curve="squared error per feature",
    ),
    "explained_variance": Metric(
        "",
        "1 − mse / variance of x around the mean of the training rows: 1 is best, 0 is as good as that mean.",
        "models with a decoder and without a prior",
    ),
    "psnr": Metric("dB", "Peak signal-to-noise ratio of decode(encode(x)).", "images with values in [0, 1]"),
    "ssim": Metric(
        "",
        "Structural similarity of x and decode(encode(x)), from −1 to 1, which is best.",
        "images with values in [0, 1] of at least 11 × 11 pixels",
    ),
    "active_units": Metric(
        "units",
        "Number of units whose posterior mean has a variance above 0.01 over the rows.",
        "VAEs with a Gaussian posterior",
    ),
    "probe_accuracy": Metric("", "Test accuracy of a logistic regression from codes to classes.", "--probe, classes"),
    "knn_accuracy": Metric("", "Test accuracy of the 10 nearest training codes.", "--probe, classes"),
    "silhouette": Metric(
        "",
        "How much nearer test codes are to their own class than to the nearest other, from −1 to 1, which is best.",
        "--probe, classes",
    ),
    "kmeans_ari": Metric(
        "",
        "Agreement of k-means clusters of the codes with the classes (adjusted Rand index): 1 is full, 0 is chance.",
        "--probe, classes",
    ),
    "condition_mixing": Metric(
        "",
        "Entropy of the conditions' categories among the 50 nearest test codes, relative to all test rows: 1 if the "
        "codes do not tell them, 0 if they separate them.",
        "--probe, conditions that are categories",
    ),
    "mig": Metric("", "Mutual information gap, from 0 to 1, which is best.", "--probe, known factors"),
    "sap": Metric("", "Separated attribute predictability, from 0 to 1, which is best.", "--probe, known factors"),
    "dci_disentanglement": Metric(
        "", "Whether each unit encodes only one factor, from 0 to 1, which is best.", "--probe, known factors"
    ),
    "dci_completeness": Metric(
        "", "Whether each factor is encoded by only one unit, from 0 to 1, which is best.", "--probe, known factors"
    ),
    "dci_informativeness": Metric(
        "", "Mean test accuracy of random forests that predict factors from codes.", "--probe, known factors"
    ),
    "perplexity": Metric(
        "vectors",
        "Effective number of codebook vectors, or of a piece's values, in use, averaged over batches.",
        "VQ-VAE, FSQ",
    ),
    "mmd": Metric("", "Squared maximum mean discrepancy between codes and prior, unbiased.", "MMD-VAE"),
    "covariance_off_diagonal": Metric(
        "", "Sum of squared covariances between different units, within batches.", "DIP-VAE"
    ),
    "covariance_diagonal": Metric("", "Sum of (variance − 1)² over the units, within batches.", "DIP-VAE"),
    "index_code_mi": Metric(
        NATS,
        "I(x; z), estimated within batches. Up to noise, kl = index_code_mi + total_correlation + dimension_kl.",
        "β-TC-VAE",
    ),
    "multiplier": Metric("", "Weight of the KL that holds it at objective.kl_target.", "model.bound=constrained"),
    "total_correlation": Metric(NATS, "Dependence between the units, estimated within batches.", "β-TC-VAE"),
    "dimension_kl": Metric(
        NATS, "Sum of the KL of each unit's aggregate posterior from its prior, estimated within batches.", "β-TC-VAE"
    ),
    "penalty": Metric(
        "per example",
        "The penalty Ω on the code, before its weight λ.",
        "sparse autoencoders",
        curve="penalty Ω (per example)",
    ),
    "prefix_reconstruction": Metric(
        "per example", "reconstruction from the units of the shortest of model.prefixes alone.", "model.prefixes"
    ),
    "mean_activation": Metric("", "Mean activation of the units.", "sparse autoencoders"),
    "zero_fraction": Metric("", "Fraction of the codes' values that are exactly 0.", "models without a prior"),
    "l0": Metric("units", "Number of units of a code that are not 0, averaged over rows.", "models without a prior"),
    "dead_units": Metric("units", "Number of units that are 0 for every row.", "models without a prior"),
    "mcc": Metric(
        "",
        "Mean |cosine| of units' directions and planted features, matched one to one: 1 if all are recovered.",
        "models with a decoder, data.name=planted_features",
    ),
    "uniqueness": Metric(
        "",
        "Number of planted features that are nearest to some unit's direction, divided by the number of units.",
        "models with a decoder, data.name=planted_features",
    ),
    "f1": Metric(
        "",
        "F1 score of each unit, active or 0, as a detector of the planted feature nearest to it: the units' mean.",
        "models with a decoder, data.name=planted_features",
    ),
    "accuracy": Metric(
        "",
        "Fraction classified correctly: classes, or pairs against negatives.",
        "classifiers, pair embeddings",
        curve="accuracy",
    ),
    "auc": Metric(
        "",
        "Area under the ROC curve for telling pairs from negatives by their cosine.",
        "pair embeddings",
        curve="AUC, pairs against negatives",
    ),
    "label_mse": Metric(
        "squared label units", "Squared error of the label.", "regressors", curve="squared error of the label"
    ),
    "loss": Metric(
        "per example",
        "What training minimizes, with the final weights of the objective.",
        "all models",
        curve="loss (per example)",
    ),
}
UNITS = {  # the columns of units.csv: one row for each unit of a VAE's code
    "kl": Metric(
        NATS,
        "KL[q(z|x) ‖ p(z)] of the unit, a mean over 2,000 rows.",
        "VAEs with prior N(0, I)",
    ),
    "variance": Metric("", "Variance of the posterior mean over those rows.", "VAEs with a Gaussian posterior"),
}
SEEDS = {  # further columns of summary.csv, if seeds are swept: how far their codes of the same test rows agree
    "code_r2": Metric(
        "",
        "Share of the codes' variance that a linear regression on the codes of another seed explains, averaged over "
        "all pairs of seeds, both ways.",
        "sweeps over seeds",
    ),
    "code_cka": Metric(
        "",
        "Linear centered kernel alignment of the codes of two seeds, averaged over all pairs: 1 if they differ by a "
        "rotation and a scale.",
        "sweeps over seeds",
    ),
}
CURVES = ("elbo", "nll", "reconstruction", "kl", "penalty", "mse", "accuracy", "label_mse", "auc")  # in this order
HEADLINES = ("elbo", "nll", "reconstruction", "kl", "mse")  # on the progress line; if a model has none of them:
OTHER_HEADLINES = ("loss", "accuracy", "auc", "label_mse")


def curves(known: Container[str]) -> list[tuple[str, str]]:
    """The known metrics to draw over training, with their titles; the loss leads if nothing is reconstructed."""
    names = [name for name in CURVES if name in known]
    return [(name, METRICS[name].curve) for name in (names if "reconstruction" in known else ["loss", *names])]


def headlines(known: Container[str]) -> list[str]:
    """The known metrics to show on the progress line."""
    return [name for name in HEADLINES if name in known] or [name for name in OTHER_HEADLINES if name in known]


def markdown(table: dict[str, Metric]) -> str:
    """METRICS or UNITS as a Markdown table."""

    def cell(text: str) -> str:
        return text.replace("|", r"\|")

    return records.markdown(
        [
            {
                "metric": f"`{name}`",
                "unit": metric.unit,
                "meaning": cell(metric.meaning),
                "models, data or options": cell(metric.given_by),
            }
            for name, metric in table.items()
        ]
    )
