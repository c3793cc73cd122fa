"""A larger weight λ of the KL pushes the codes of a VAE towards N(0, 1), at the price of reconstruction."""

from functools import cache
from pathlib import Path

import numpy as np

from aejax.models.parts import losses
from aejax.reports import figures
from experiments.claims import Outcome, Row, _figures, train
from experiments.claims._images import posterior, rows_of, squared_error_vae

LAMBDAS = (1.0, 4.0, 10.0)
MOST_ROWS = 10_000
LECTURE = "the lecture's slide"


@cache
def trained(fast: bool) -> dict[float, list[Outcome]]:
    """Three seeds for each λ, in one program."""
    outcomes = train("vae_squared_error", squared_error_vae(fast, 60), "objective.beta=1,4,10", "seed=0:3")
    return {weight: [o for o in outcomes if o.swept["objective.beta"] == weight] for weight in LAMBDAS}


def distance_to_prior(outcome: Outcome) -> float:
    """KL[N(m, v) ‖ N(0, 1)] summed over units: nats; m and v are the aggregate posterior's moments."""
    mean, sigma = posterior(outcome, rows_of(outcome, "test", MOST_ROWS)[0])
    m, v = mean.mean(axis=0), mean.var(axis=0) + np.square(sigma).mean(axis=0)
    return float(0.5 * (m**2 + v - np.log(v) - 1.0).sum())


def kl_by_unit(outcome: Outcome) -> np.ndarray:
    """The KL of every unit [k], mean over test rows: nats."""
    mean, logvar = outcome.model.posterior(outcome.params, rows_of(outcome, "test", MOST_ROWS)[0])
    return np.asarray(losses.kl_standard_normal(mean, logvar)).mean(axis=0)


def measure(fast: bool) -> list[Row]:
    found = trained(fast)
    rows = []
    for low, high in ((1.0, 4.0), (4.0, 10.0)):
        pairs = list(zip(found[low], found[high], strict=True))
        kl = max(b.metrics["kl"] / a.metrics["kl"] for a, b in pairs)
        distortion = min(b.metrics["reconstruction"] - a.metrics["reconstruction"] for a, b in pairs)
        step = f"λ = {low:g} to {high:g}, worst of three seeds"
        rows.append(Row(f"{step}: the KL falls, by a factor", 1.0, kl, "at most", LECTURE))
        rows.append(Row(f"{step}: the distortion rises (nats)", 0.0, distortion, "at least", LECTURE))
    moments = {weight: np.mean([distance_to_prior(o) for o in found[weight]]) for weight in LAMBDAS}
    what = "aggregate posterior's moments from N(0, 1), mean of three seeds (nats)"
    for low, high in ((1.0, 4.0), (4.0, 10.0)):
        rows.append(Row(f"λ = {high:g}: {what}, below λ = {low:g}", moments[low], moments[high], "at most", LECTURE))
    for weight in LAMBDAS:
        outcome, units = found[weight][0], kl_by_unit(found[weight][0])
        what = f"λ = {weight:g}: KL of {', '.join(f'{value:.2f}' for value in units)} in z₁, z₂; the sum (nats)"
        rows.append(Row(what, outcome.metrics["kl"], units.sum(), 1e-3, "the run's own kl"))
    return rows


def draw(directory: Path, fast: bool) -> None:
    """The codes for each λ, the aggregate posterior against N(0, 1), the KL of each unit; seed 0."""
    panels = []
    for weight, (outcome, *_) in trained(fast).items():
        x, y = rows_of(outcome, "test", MOST_ROWS)
        mean, sigma = posterior(outcome, x)
        repeated = 20 * len(mean)
        rows = np.arange(repeated) % len(mean)
        z = mean[rows] + sigma[rows] * np.random.default_rng(0).normal(size=(repeated, 2))
        panels.append((f"λ = {weight:g}", mean, y, z, kl_by_unit(outcome)))
    figures.save(
        directory / "lambda.png", _figures.draw_lambda_panel(panels, trained(fast)[1.0][0].dataset.spec.class_names)
    )
