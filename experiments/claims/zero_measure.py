"""Most of an autoencoder's latent space is off the data, a VAE's prior is not: slightly for k = 2, clearly for k = 10.

For an autoencoder, draws are uniform over the box of its codes, or from the Gaussian fitted to them; for a VAE, from
its prior. A draw is off the data if its nearest training code is farther away than that of 99 % of the test codes.
"""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from aejax.reports import figures
from experiments.claims import Outcome, Row, _figures, train
from experiments.claims._images import decode, encode, interval, nearest, posterior, rows_of, squared_error_vae

MOST_ROWS, MOST_CODES = 2000, 10_000
INTERPOLATION_TITLE = "From one test image to another on a straight line of codes"
LECTURE = "the lecture's slide"


@cache
def trained(fast: bool) -> dict[tuple[str, int], list[Outcome]]:
    """Five seeds of an autoencoder and of a VAE with the same networks, for k = 2 and 10."""
    autoencoder = {"model.name": "autoencoder", "model.likelihood": "squared_error"}
    found: dict[tuple[str, int], list[Outcome]] = {}
    for name, changes in (("AE", autoencoder), ("VAE", {})):
        settings = squared_error_vae(fast, 60) | changes
        outcomes = train("vae_squared_error", settings, "model.latent_dim=2,10", "seed=0:5")
        for outcome in outcomes:
            found.setdefault((name, outcome.swept["model.latent_dim"]), []).append(outcome)
    return found


def draws(outcome: Outcome, kind: str, num: int) -> np.ndarray:
    """Codes [num, k] drawn from the "box" or the "Gaussian" of the training codes, or from the "prior"."""
    rng = np.random.default_rng(0)
    codes = encode(outcome, rows_of(outcome, "train", MOST_CODES)[0])
    if kind == "box":
        return rng.uniform(codes.min(axis=0), codes.max(axis=0), (num, codes.shape[1]))
    if kind == "Gaussian":
        return rng.multivariate_normal(codes.mean(axis=0), np.cov(codes, rowvar=False), num)
    return rng.normal(size=(num, codes.shape[1]))


def codes_of(outcome: Outcome, split: str, most: int) -> np.ndarray:
    """The codes of rows: points for an autoencoder, one draw from each posterior for a VAE."""
    x, _ = rows_of(outcome, split, most)
    if outcome.model.posterior is None:
        return encode(outcome, x)
    mean, sigma = posterior(outcome, x)
    return mean + sigma * np.random.default_rng(1).normal(size=mean.shape)


def measures(outcome: Outcome, kind: str) -> tuple[float, float]:
    """The share of draws off the data, and the mean distance from decoded draws to their nearest test image."""
    known, others = codes_of(outcome, "train", MOST_CODES), codes_of(outcome, "test", MOST_ROWS)
    z, (x, _) = draws(outcome, kind, MOST_ROWS), rows_of(outcome, "test", MOST_ROWS)
    off = nearest(z, known) > np.quantile(nearest(others, known), 0.99)
    return off.mean(), nearest(decode(outcome, z), x).mean()


def places(outcome: Outcome) -> tuple[int, int]:
    """The rank of 4 and 9 among the 45 pairs of digits, closest first, and of 6 among the ten digits, widest first.

    A pair's distance is the distance of its mean codes divided by the pooled spread. A digit's spread is the root of
    the trace of its covariance.
    """
    x, y = rows_of(outcome, "test", 10_000)
    codes = encode(outcome, x)
    means = np.array([codes[y == digit].mean(axis=0) for digit in range(10)])
    spreads = np.array([np.sqrt(codes[y == digit].var(axis=0).sum()) for digit in range(10)])
    pooled = np.sqrt((spreads[:, None] ** 2 + spreads**2) / 2)
    distances = np.linalg.norm(means[:, None] - means, axis=-1) / pooled
    pairs = distances[np.triu_indices(10, 1)]
    return int((pairs <= distances[4, 9]).sum()), int((spreads >= spreads[6]).sum())


def measure(fast: bool) -> list[Row]:
    found, rows = trained(fast), []
    values = {
        (k, kind): np.array([measures(outcome, kind) for outcome in found[name, k]])
        for k in (2, 10)
        for name, kind in (("AE", "box"), ("AE", "Gaussian"), ("VAE", "prior"))
    }

    def compare(k: int, kind: str, which: int, what: str, tolerance: Any) -> Row:
        mean, low, high = interval(values[k, kind][:, which] - values[k, "prior"][:, which])
        text = (
            f"k = {k}: {what}, AE ({kind}) − VAE (prior): {mean:.2g}, 95 % interval {low:.2g} to {high:.2g}: lower end"
        )
        return Row(text, 0.0, low, tolerance, LECTURE if tolerance == "at least" else "measured, not the lecture's")

    off, distance = "share of draws off the data", "distance from decoded draws to the nearest test image"
    rows.append(
        Row("k = 10: share of the AE's box off the data", 0.9, values[10, "box"][:, 0].mean(), "at least", LECTURE)
    )
    rows += [compare(10, "box", 0, off, "at least"), compare(10, "Gaussian", 0, off, "at least")]
    rows += [compare(10, "box", 1, distance, "at least"), compare(10, "Gaussian", 1, distance, "at least")]
    rows += [compare(2, "box", 0, off, "at least")]
    rows += [compare(2, "box", 1, f"{distance} is not larger", "at most")]  # codes nearly fill the plane
    ranks = np.array([places(outcome) for name in ("AE", "VAE") for outcome in found[name, 2]]).mean(axis=0)
    if fast:
        source, sense = "measured, not the lecture's", "at least"
        rows.append(Row("8 × 8 digits: 4 and 9 are not close: mean rank of 45 pairs", 10.0, ranks[0], sense, source))
        rows.append(Row("8 × 8 digits: 6 is not spread: mean rank of 10 digits", 5.5, ranks[1], sense, source))
    else:
        rows.append(Row("4 and 9 are close: mean rank of 45 pairs", 5.0, ranks[0], "at most", LECTURE))
        rows.append(Row("6 is spread: mean rank of 10 digits", 5.5, ranks[1], "at most", LECTURE))
    return rows


def draw(directory: Path, fast: bool) -> None:
    """The codes of both models side by side, decoded draws, and interpolations."""
    found = trained(fast)
    autoencoder, vae = found["AE", 2][0], found["VAE", 2][0]
    (x, y), names = rows_of(vae, "test", MOST_ROWS), vae.dataset.spec.class_names
    known = encode(autoencoder, rows_of(autoencoder, "train", MOST_CODES)[0])
    box = np.stack([known.min(axis=0), known.max(axis=0)])
    z = [draws(outcome, kind, 64).astype(np.float32) for outcome, kind in ((autoencoder, "box"), (vae, "prior"))]
    points, mean, sigma = encode(autoencoder, x), *posterior(vae, x)
    spaces = [
        _figures.LatentSpace("autoencoder: points (×: uniform in their box)", points, y, None, box, z[0]),
        _figures.LatentSpace("VAE: distributions, 2σ (×: draws from N(0, I))", mean, y, sigma, None, z[1]),
    ]
    figures.save(directory / "latent_spaces.png", _figures.draw_latent_spaces(spaces, names))
    panels = [("autoencoder", decode(autoencoder, z[0])), ("VAE", decode(vae, z[1]))]
    figures.save(directory / "latent_draws.png", figures.draw_tiles(panels, title="What the draws × decode to"))
    figures.save(
        directory / "interpolation.png",
        figures.draw_rows(interpolations([autoencoder, vae], x, y), INTERPOLATION_TITLE),
    )


def interpolations(outcomes: list[Outcome], x: np.ndarray, y: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """For each pair of digits and model, a row of images interpolated between two test images, shown at the ends."""
    rows, steps = [], np.linspace(0.0, 1.0, 12)[:, None]
    for first, second in ((4, 9), (1, 7), (6, 0)):
        ends = x[[np.flatnonzero(y == first)[0], np.flatnonzero(y == second)[0]]]
        for outcome, label in zip(outcomes, ("AE", "VAE"), strict=True):
            start, stop = encode(outcome, ends)
            between = decode(outcome, (1 - steps) * start + steps * stop)
            rows.append((f"{label}: {first} to {second}", np.concatenate([ends[:1], between, ends[1:]])))
    return rows
