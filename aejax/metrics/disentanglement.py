"""How the units of a code share the factors that the data were generated from: MIG, SAP and DCI, from 0 to 1, 1 best.

- MIG, mutual information gap (Chen et al. 2018, arXiv 1802.04942, section 4.1): (I(z; v) − I(z'; v)) / H(v) of the two
  units z and z' that tell most of a factor v.
- SAP, separated attribute predictability (Kumar et al. 2018, arXiv 1711.00848, section 3): the same gap, of how well v
  is read from one unit by thresholds.
- DCI, disentanglement, completeness, informativeness (Eastwood & Williams 2018, "A framework for the quantitative
  evaluation of disentangled representations", section 2): is a unit of use for one factor alone, is a factor read from
  one unit alone, and how well is it read at all.

Each has more than one estimator in the field, and their numbers differ. Here MIG is that of 20 bins of equal width
(Locatello et al. 2019, arXiv 1811.12359), SAP and DCI are fitted on training codes and judged on test codes; all take
factors as classes without an order. A code is the posterior mean: Chen et al. draw from the posterior instead.
"""

import numpy as np
from jaxtyping import Float, Integer

BINS = 20  # of a unit, between its least and its largest value
TREES = 10  # of a forest
MOST_ROWS = 5000  # that a forest is fitted on

Codes = Float[np.ndarray, "n k"]
TestCodes = Float[np.ndarray, "m k"]
Factors = Integer[np.ndarray, "n f"]
TestFactors = Integer[np.ndarray, "m f"]


def factor_scores(codes: Codes, factors: Factors, test_codes: TestCodes, test_factors: TestFactors) -> dict[str, float]:
    """`mig`, `sap` and `dci_...` of test rows, means over the factors that vary; {} if none does."""
    varied = (np.ptp(factors, axis=0) > 0) & (np.ptp(test_factors, axis=0) > 0)
    if not varied.any():
        return {}
    factors, test_factors = factors[:, varied], test_factors[:, varied]
    found = {"mig": mig(test_codes, test_factors), "sap": sap(codes, factors, test_codes, test_factors)}
    found = {name: float(by_factor.mean()) for name, by_factor in found.items()}
    return found | dci(codes, factors, test_codes, test_factors)


def mig(codes: Codes, factors: Factors) -> Float[np.ndarray, " f"]:
    """The mutual information gap of every factor, in units of its entropy.

    A factor of more values than bins, or of values that share a bin, cannot reach 1. If unit and factor
    are independent, the plug-in estimate of I is too large by about (bins − 1)(values − 1) / 2N nats; two such units
    have a gap of a part of that.
    """
    from sklearn.metrics import mutual_info_score

    lows, widths = codes.min(axis=0), np.maximum(np.ptp(codes, axis=0), np.finfo(np.float32).tiny)
    binned = np.minimum((BINS * ((codes - lows) / widths)).astype(int), BINS - 1)
    told = np.array([[mutual_info_score(unit, factor) for factor in factors.T] for unit in binned.T])
    return gaps(told) / np.array([mutual_info_score(factor, factor) for factor in factors.T])  # I(v; v) = H(v)


def sap(codes: Codes, factors: Factors, test_codes: TestCodes, test_factors: TestFactors) -> Float[np.ndarray, " f"]:
    """The gap of every factor between the two units that read it best.

    A unit reads a factor of n values by a tree of at most n leaves, so by n − 1 thresholds. Its score is the balanced
    accuracy, rescaled so that a guess has 0 and not 1/n (below, it counts as 0): without that a unit for each factor
    would reach 1 − 1/n. Kumar et al. have R² of a line for factors that are numbers, which knows their order.
    """
    score = np.zeros((codes.shape[1], factors.shape[1]))
    for unit, factor in np.ndindex(*score.shape):
        score[unit, factor] = threshold_score(
            codes[:, unit], factors[:, factor], test_codes[:, unit], test_factors[:, factor]
        )
    return gaps(score)


def threshold_score(
    unit: Float[np.ndarray, " n"],
    factor: Integer[np.ndarray, " n"],
    test_unit: Float[np.ndarray, " m"],
    test_factor: Integer[np.ndarray, " m"],
) -> float:
    """How well thresholds on one unit read a factor: balanced test accuracy, 0 as by a guess (or worse), 1 always."""
    from sklearn.tree import DecisionTreeClassifier

    count = len(np.unique(factor))
    tree = DecisionTreeClassifier(max_leaf_nodes=count, class_weight="balanced", random_state=0)
    right = tree.fit(unit[:, None], factor).predict(test_unit[:, None]) == test_factor
    accuracy = np.mean([right[test_factor == value].mean() for value in np.unique(test_factor)])
    return max(0.0, float(accuracy - 1 / count) / (1 - 1 / count))


def dci(codes: Codes, factors: Factors, test_codes: TestCodes, test_factors: TestFactors) -> dict[str, float]:
    """`dci_disentanglement`, `dci_completeness` and `dci_informativeness`, the mean test accuracy of the readers.

    A factor is read from all units by a random forest (Gini, every unit tried at every split) that is fitted on at most
    5,000 rows; a unit's importance is the part of the impurity that it removes. Eastwood & Williams have the error of a
    regression for the last number: there 0 is best.
    """
    from sklearn.ensemble import RandomForestClassifier

    rows = np.random.default_rng(0).permutation(len(codes))[:MOST_ROWS]
    importance, accuracies = np.zeros((codes.shape[1], factors.shape[1])), []
    for number, (factor, test_factor) in enumerate(zip(factors.T, test_factors.T, strict=True)):
        forest = RandomForestClassifier(TREES, max_features=None, random_state=0)  # pyright: ignore[reportArgumentType]
        forest.fit(codes[rows], factor[rows])
        importance[:, number] = forest.feature_importances_
        accuracies.append(forest.score(test_codes, test_factor))
    disentanglement, completeness = concentration(importance)
    return {
        "dci_disentanglement": disentanglement,
        "dci_completeness": completeness,
        "dci_informativeness": float(np.mean(accuracies)),
    }


def concentration(importance: Float[np.ndarray, "k f"]) -> tuple[float, float]:
    """Disentanglement and completeness of importances ≥ 0 of units for factors.

    1 − H(P) / log n of the shares P of a unit among the n factors, or of a factor among the units; the mean over units
    (factors) weighs each by its part of all importance.
    """
    weights = importance / max(importance.sum(), np.finfo(np.float32).tiny)  # constant codes are of no importance: 0, 0

    def one_minus_entropy(parts: np.ndarray) -> float:
        total = parts.sum(axis=1)
        share = parts / np.where(total > 0, total, 1.0)[:, None]
        entropy = -(share * np.log(np.where(share > 0, share, 1.0))).sum(axis=1)
        return float((total * (1.0 - entropy / np.log(max(2, parts.shape[1])))).sum())

    return one_minus_entropy(weights), one_minus_entropy(weights.T)


def gaps(scores: Float[np.ndarray, "k f"]) -> Float[np.ndarray, " f"]:
    """How much the best unit is above the next for every factor; a single unit is above 0."""
    *_, second, best = np.sort(np.pad(scores, ((1, 0), (0, 0))), axis=0)
    return best - second
