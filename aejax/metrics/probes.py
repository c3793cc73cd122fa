"""How well codes separate the classes (probes judged on test codes, clusters), and whether they tell the conditions."""

import warnings
from typing import Any

import numpy as np
from jaxtyping import Float, Integer

MOST_ROWS = 60_000  # of a split
NEIGHBORS = 10
MIXED = 50  # neighbors among which conditions mix
PAIRED = 2000  # test rows of the silhouette, which looks at all pairs

Codes = Float[np.ndarray, "n k"]
Labels = Integer[np.ndarray, " n"]


def class_scores(
    codes: Codes, y: Labels, test_codes: Float[np.ndarray, "m k"], test_y: Integer[np.ndarray, " m"]
) -> dict:
    """Four scores of codes and their classes, without a unit.

    `probe_accuracy` and `knn_accuracy` are test accuracies of logistic regression on standardized codes and of the 10
    nearest training codes. `silhouette` (between −1 and 1) says how much nearer test codes are to their own class than
    to the nearest other (Rousseeuw 1987). `kmeans_ari` says how well k-means clusters, as many as classes, agree with
    the classes: 1 is full agreement, 0 is chance (Hubert & Arabie 1985). Scores that the rows do not define, as with a
    single class, are left out.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import adjusted_rand_score, silhouette_score
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(np.unique(y)) < 2:
        return {}
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(codes, y)
    nearest = KNeighborsClassifier(min(NEIGHBORS, len(codes))).fit(codes, y)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # fewer distinct codes than classes
        clusters = KMeans(min(len(np.unique(y)), len(test_codes)), random_state=0).fit_predict(test_codes)
    found = {
        "probe_accuracy": float(linear.score(test_codes, test_y)),
        "knn_accuracy": float(nearest.score(test_codes, test_y)),
        "kmeans_ari": float(adjusted_rand_score(test_y, clusters)),
    }
    paired = np.random.default_rng(0).permutation(len(test_y))[:PAIRED]  # the rows may be sorted by class
    if 2 <= len(np.unique(test_y[paired])) < len(paired):
        found["silhouette"] = float(silhouette_score(test_codes[paired], test_y[paired]))
    return found


def mixing(codes: Codes, c: Float[np.ndarray, "n j"]) -> float:
    """How well the categories c mix among the codes: 1 if the codes do not tell them, 0 if they separate them.

    The entropy of a category among the 50 nearest other codes, averaged over rows, divided by its entropy over all
    rows; the mean over categories (entropy of batch mixing: Haghverdi et al. 2018, Nature Biotechnology 36). NaN if all
    rows have the same category.
    """
    from sklearn.neighbors import NearestNeighbors

    if len(codes) < 2:
        return float("nan")
    num = min(MIXED, len(codes) - 1)
    near = NearestNeighbors(n_neighbors=num).fit(codes).kneighbors(return_distance=False)

    def relative(category: np.ndarray) -> float:
        one_hot = category[:, None] == np.unique(category)[None]
        local, whole = entropy(one_hot[near].mean(axis=1)).mean(), entropy(one_hot.mean(axis=0))
        return float(local / whole) if whole else float("nan")

    return float(np.mean([relative(category) for category in c.T]))


def entropy(p: Float[np.ndarray, "*n k"]) -> Any:
    """−Σ p log p over the last axis: nats."""
    return -(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=-1)
