"""A λ sweep of linear VAEs lies on the exact rate-distortion curve, and a held KL finds the λ of that curve.

With σ² fixed, a linear VAE of weight β is, up to a constant and the factor β, one of weight 1 whose σ² is w = β σ², and
at its optimum it is probabilistic PCA. A unit has the rate ½ log(λ_i / w) and leaves the distortion w, as long as w is
below its eigenvalue λ_i, and else 0 and λ_i. This is reverse water-filling (Cover & Thomas 2006, theorem 10.3.3).
"""

from typing import Any

import numpy as np

from experiments.claims import Row
from experiments.claims._linear import float64, spectrum, train_full_batch

K, VARIANCE = 4, 0.1
BETAS, TARGETS = (0.5, 1.0, 2.0, 4.0), (1.0, 2.0)
SOURCE = "reverse water-filling"


def measure(fast: bool) -> list[Row]:
    del fast  # exact on any data: the digits either way
    fixed = {"model.latent_dim": K, "model.learn_variance": False, "model.variance": VARIANCE}
    sweep = f"objective.beta={','.join(map(str, BETAS))}"
    rows = []
    for outcome in train_full_batch("linear_vae", 4000, 3e-2, fixed, sweep):
        axes, beta = spectrum(outcome), outcome.swept["objective.beta"]
        expected, measured = water_filling(axes.values, beta * VARIANCE), rate_and_distortion(axes.x, outcome.params)
        for name, unit, exact, found in zip(
            ("rate", "distortion"), ("nats", "squared data units"), expected, measured, strict=True
        ):
            rows.append(Row(f"λ = {beta}: {name} ({unit})", exact, found, 1e-2 * exact, SOURCE))
    held = fixed | {"model.bound": "constrained"}
    sweep = f"objective.kl_target={','.join(map(str, TARGETS))}"
    for outcome in train_full_batch("linear_vae", 4000, 3e-2, held, sweep):
        axes, target = spectrum(outcome), outcome.swept["objective.kl_target"]
        rate, _ = rate_and_distortion(axes.x, outcome.params)
        rows.append(Row(f"KL held at {target} (nats)", target, rate, 1e-2 * target, "definition"))
        exact = water_level(axes.values, target) / VARIANCE
        found = np.exp(outcome.stats["log_multiplier"])
        rows.append(Row(f"λ that holds the KL at {target}", exact, found, 1e-2 * exact, SOURCE))
    return rows


def water_filling(values: np.ndarray, level: float) -> tuple[float, float]:
    """The rate (nats) and distortion (squared data units) of the K largest eigenvalues at a water level."""
    kept = np.maximum(values[:K] / level, 1.0)
    return 0.5 * np.log(kept).sum(), np.minimum(values[:K], level).sum() + values[K:].sum()


def water_level(values: np.ndarray, rate: float) -> float:
    """The level at which the K largest eigenvalues have this rate (nats)."""
    levels = [np.exp((np.log(values[:kept]).sum() - 2.0 * rate) / kept) for kept in range(1, K + 1)]
    return next(level for kept, level in enumerate(levels, 1) if kept == K or level >= values[kept])


def rate_and_distortion(x: np.ndarray, params: Any) -> tuple[float, float]:
    """The KL (nats) and squared data units of a linear VAE, means over rows without sampling."""
    encoder, decoder = (float64(params[name]["Dense_0"]) for name in ("encoder", "decoder"))
    mean, log_sigma = np.split(x @ encoder["kernel"] + encoder["bias"], 2, axis=1)
    variance = np.exp(2.0 * log_sigma)
    residual = np.square(x - mean @ decoder["kernel"] - decoder["bias"]).sum(axis=1)
    spread = variance @ np.square(decoder["kernel"]).sum(axis=1)
    kl = 0.5 * (np.square(mean) + variance - 2.0 * log_sigma - 1.0).sum(axis=1)
    return kl.mean(), (residual + spread).mean()
