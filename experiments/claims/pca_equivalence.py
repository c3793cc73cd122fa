"""A linear autoencoder learns the principal subspace, and PCA in closed form is scikit-learn's."""

import numpy as np
from sklearn.decomposition import PCA

from experiments.claims import Row, train


def measure(fast: bool) -> list[Row]:
    del fast  # a few seconds either way
    k = 5
    [pca] = train("pca", {"model.latent_dim": k})
    x, test = (split["x"].reshape(-1, 64).astype(np.float64) for split in (pca.dataset.train, pca.dataset.test))
    oracle = PCA(k).fit(x)
    best = np.square(oracle.inverse_transform(oracle.transform(test)) - test).sum(axis=1).mean()
    return [
        Row(
            f"PCA: squared error of test rows, k = {k}",
            best,
            pca.metrics["reconstruction"],
            1e-5 * best,
            "scikit-learn's PCA",
        ),
    ]
