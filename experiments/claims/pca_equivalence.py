"""A linear autoencoder learns the principal subspace, and closed-form PCA equals scikit-learn's."""

from typing import Any

import numpy as np
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA

from experiments.claims import Row, train
from experiments.claims._linear import float64, spectrum, train_full_batch

K = 5


def measure(fast: bool) -> list[Row]:
    del fast  # exact on any data: the digits either way
    [pca] = train("pca", {"model.latent_dim": K, "data.valid_fraction": 0.0})
    [linear] = train_full_batch("linear", 8000, 1e-2, {"model.latent_dim": K})
    x, test = spectrum(linear).x, pca.dataset.test["x"].reshape(-1, 64).astype(np.float64)
    oracle = PCA(K).fit(x)

    def squared_error(rows):
        return np.square(oracle.inverse_transform(oracle.transform(rows)) - rows).sum(axis=1).mean()

    components: Any = oracle.components_
    encoder, decoder = (float64(linear.params[name]["Dense_0"]) for name in ("encoder", "decoder"))
    x_hat = (x @ encoder["kernel"] + encoder["bias"]) @ decoder["kernel"] + decoder["bias"]
    excess, best_test = np.square(x_hat - x).sum(axis=1).mean() / squared_error(x) - 1.0, squared_error(test)
    angle, fitted = (
        subspace_angles(components.T, basis).max() for basis in (decoder["kernel"].T, float64(pca.params["components"]))
    )
    source, theory = "scikit-learn's PCA", "Baldi & Hornik 1989"
    return [
        Row(f"PCA: largest principal angle to its subspace (rad), k = {K}", 1e-3, fitted, "at most", source),
        Row("PCA: squared error of test rows", best_test, pca.metrics["reconstruction"], 1e-5 * best_test, source),
        Row("linear autoencoder: largest principal angle of its decoder (rad)", 1e-3, angle, "at most", theory),
        Row("linear autoencoder: squared error of training rows, excess over PCA's", 0.0, excess, 1e-6, theory),
    ]
