"""A penalty on a linear autoencoder's weights makes W1 = W2ᵀ, shrinks sᵢ² by λ/σᵢ² and sets it to 0 if σᵢ² < λ."""

import numpy as np

from experiments.claims import Row
from experiments.claims._linear import float64, spectrum, train_full_batch

SOURCE = "Kunin et al. 2019, sum loss"


def measure(fast: bool) -> list[Row]:
    del fast  # exact on any data: the digits either way
    outcomes = train_full_batch("linear_regularized", 3000, 1e-2, {}, "objective.weight_penalty=0.1,0.3")
    rows = []
    for outcome in outcomes:
        penalty = outcome.swept["objective.weight_penalty"]
        encoder, decoder = (float64(outcome.params[name]) for name in ("encoder", "decoder"))
        _, s, directions = np.linalg.svd(decoder, full_matrices=False)  # of W2ᵀ [k, D]: its rows are the directions
        axes = spectrum(outcome)
        k = len(s)
        kept = axes.values[:k] > penalty
        alignment = np.abs((directions * axes.vectors[:, :k].T).sum(axis=1))[kept]
        difference = np.abs(encoder - decoder.T).max()
        shrunk = np.abs(s**2 - np.maximum(0.0, 1.0 - penalty / axes.values[:k])).max()
        rows += [
            Row(f"λ = {penalty}: largest difference of W1 and W2ᵀ", 0.0, difference, 1e-4, SOURCE),
            Row(f"λ = {penalty}: largest difference of sᵢ² and 1 − λ/σᵢ²", 0.0, shrunk, 1e-4, SOURCE),
            Row(f"λ = {penalty}: directions kept of {k} (σᵢ² > λ)", kept.sum(), (s**2 > 1e-4).sum(), 0.0, SOURCE),
            Row(f"λ = {penalty}: cosine to the eigenvectors, smallest", 1.0, alignment.min(), 1e-4, SOURCE),
        ]
    return rows
