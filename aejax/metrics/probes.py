"""How well codes separate the classes: probes fitted on training codes and judged on test codes, and clusters."""

import numpy as np
from jaxtyping import Float, Integer

MOST_ROWS = 60_000  # of a split: the first ones are used
NEIGHBORS = 10
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
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import adjusted_rand_score, silhouette_score
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(np.unique(y)) < 2:
        return {}
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(codes, y)
    nearest = KNeighborsClassifier(min(NEIGHBORS, len(codes))).fit(codes, y)
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
