"""How the units of a code match the factors that generated the data: MIG, SAP and DCI, from 0 to 1, which is best.

- MIG, mutual information gap (Chen et al. 2018, arXiv 1802.04942, section 4.1): (I(z; v) − I(z'; v)) / H(v) for the two
  units z and z' that tell most about a factor v.
- SAP, separated attribute predictability (Kumar et al. 2018, arXiv 1711.00848, section 3): the same gap, in how well
  thresholds on one unit predict v.
- DCI, disentanglement, completeness, informativeness (Eastwood & Williams 2018, "A framework for the quantitative
  evaluation of disentangled representations", section 2): whether each unit encodes only one factor, whether each
  factor is encoded by only one unit, and how well all units together predict it.

The literature has several estimators of each, and their numbers differ. Here MIG uses 20 bins of equal width (Locatello
et al. 2019, arXiv 1811.12359); SAP and DCI are fitted on training codes and judged on test codes; all treat factors as
classes without an order. A code is the posterior mean: Chen et al. draw from the posterior instead.
"""

import numpy as np
from jaxtyping import Float, Integer

BINS = 20  # per unit, between its least and its largest value
TREES = 10  # per forest
MOST_ROWS = 5000  # for the fit of a forest

Codes = Float[np.ndarray, "n k"]
TestCodes = Float[np.ndarray, "m k"]
Factors = Integer[np.ndarray, "n f"]
TestFactors = Integer[np.ndarray, "m f"]


def factor_scores(codes: Codes, factors: Factors, test_codes: TestCodes, test_factors: TestFactors) -> dict[str, float]:
    """`mig`, `sap` and `dci_...` of test rows, averaged over the factors that vary; {} if none does."""
    varied = (np.ptp(factors, axis=0) > 0) & (np.ptp(test_factors, axis=0) > 0)
    if not varied.any():
        return {}
    factors, test_factors = factors[:, varied], test_factors[:, varied]
    found = {"mig": mig(test_codes, test_factors), "sap": sap(codes, factors, test_codes, test_factors)}
    found = {name: float(by_factor.mean()) for name, by_factor in found.items()}
    return found | dci(codes, factors, test_codes, test_factors)


def mig(codes: Codes, factors: Factors) -> Float[np.ndarray, " f"]:
    """The mutual information gap of every factor, as a fraction of its entropy.

    A factor with more values than bins, or with values that share a bin, cannot reach 1. If unit and factor are
    independent, the plug-in estimate of I is too large by about (bins − 1)(values − 1) / 2N nats; the gap between two
    such units is a fraction of that.
    """
    from sklearn.metrics import mutual_info_score

    lows, widths = codes.min(axis=0), np.maximum(np.ptp(codes, axis=0), np.finfo(np.float32).tiny)
    binned = np.minimum((BINS * ((codes - lows) / widths)).astype(int), BINS - 1)
    told = np.array([[mutual_info_score(unit, factor) for factor in factors.T] for unit in binned.T])
    return gaps(told) / np.array([mutual_info_score(factor, factor) for factor in factors.T])  # I(v; v) = H(v)


def sap(codes: Codes, factors: Factors, test_codes: TestCodes, test_factors: TestFactors) -> Float[np.ndarray, " f"]:
    """For every factor, the gap between the scores of the two units that predict it best.

    A unit predicts a factor of n values by a tree with at most n leaves, that is n − 1 thresholds. Its score is the
    balanced accuracy, rescaled so that guessing scores 0 instead of 1/n (less counts as 0). Without rescaling, a code
    with one unit for each factor would reach only 1 − 1/n. For factors that are numbers, Kumar et al. use R² of a
    linear fit, which knows their order.
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
    """How well thresholds on one unit predict a factor: balanced test accuracy, from 0 (a guess, or worse) to 1."""
    from sklearn.tree import DecisionTreeClassifier

    count = len(np.unique(factor))
    tree = DecisionTreeClassifier(max_leaf_nodes=count, class_weight="balanced", random_state=0)
    right = tree.fit(unit[:, None], factor).predict(test_unit[:, None]) == test_factor
    accuracy = np.mean([right[test_factor == value].mean() for value in np.unique(test_factor)])
    return max(0.0, float(accuracy - 1 / count) / (1 - 1 / count))


def dci(codes: Codes, factors: Factors, test_codes: TestCodes, test_factors: TestFactors) -> dict[str, float]:
    """`dci_disentanglement`, `dci_completeness` and `dci_informativeness`, the mean test accuracy of the forests.

    A random forest (Gini, every unit tried at every split), fitted on at most 5,000 rows, predicts a factor from all
    units; a unit's importance is the share of the impurity that it removes. Eastwood & Williams report the error of a
    regression as informativeness: there 0 is best.
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
    """Disentanglement and completeness, from the importances ≥ 0 of units for factors.

    A unit has 1 − H(P) / log n, where P are its shares among the n factors; a factor has the same among the units. The
    mean over units (factors) weights each by its share of all importance.
    """
    weights = importance / max(importance.sum(), np.finfo(np.float32).tiny)  # constant codes have no importance: 0, 0

    def one_minus_entropy(parts: np.ndarray) -> float:
        total = parts.sum(axis=1)
        share = parts / np.where(total > 0, total, 1.0)[:, None]
        entropy = -(share * np.log(np.where(share > 0, share, 1.0))).sum(axis=1)
        return float((total * (1.0 - entropy / np.log(max(2, parts.shape[1])))).sum())

    return one_minus_entropy(weights), one_minus_entropy(weights.T)


def gaps(scores: Float[np.ndarray, "k f"]) -> Float[np.ndarray, " f"]:
    """For every factor, how far the best unit is above the second best, or above 0 if there is only one unit."""
    *_, second, best = np.sort(np.pad(scores, ((1, 0), (0, 0))), axis=0)
    return best - second
