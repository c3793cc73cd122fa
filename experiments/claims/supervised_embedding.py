"""With the same encoder and k, a classifier's code predicts labels better, an autoencoder's code pixels.

Probes are fitted on codes of training rows and judged on test rows: logistic regression for the label, and the mean of
the 10 nearest training images (by code) for the pixels, a decoder that works for both.
"""

from functools import cache
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from experiments.claims import Outcome, Row, train
from experiments.claims._images import encode, images, rows_of

SOURCE = "lecture, slide Learning embeddings"
SEEDS, MOST = 3, 10_000


@cache
def trained(fast: bool) -> dict[str, list[Outcome]]:
    """Three seeds of each."""
    members = train("supervised", images(fast, 200), "model.name=classifier,autoencoder", f"seed=0:{SEEDS}")
    return {name: [m for m in members if m.swept["model.name"] == name] for name in ("classifier", "autoencoder")}


def measure(fast: bool) -> list[Row]:
    measured = {name: np.mean([probes(m) for m in members], axis=0) for name, members in trained(fast).items()}
    (accuracy, error), (other_accuracy, other_error) = measured["classifier"], measured["autoencoder"]
    label = f"k = 2, mean of {SEEDS} seeds: probe accuracy of the classifier's codes, at least the autoencoder's"
    pixel = (
        f"k = 2, mean of {SEEDS} seeds: squared error per pixel from the autoencoder's codes, at most the classifier's"
    )
    return [
        Row(label, other_accuracy, accuracy, "at least", SOURCE),
        Row(pixel, error, other_error, "at most", SOURCE),
    ]


def draw(directory: Path, fast: bool) -> None:
    from aejax.reports import figures

    panels = []
    for name, members in trained(fast).items():
        x, y = rows_of(members[0], "test", 5000)
        accuracy, error = probes(members[0])
        label = f"{name}: probe accuracy {accuracy:.2f}, squared error {error:.3f}"
        panels.append((label, encode(members[0], x), y))
    names = trained(fast)["classifier"][0].dataset.spec.class_names
    title = "Codes of test rows, k = 2: learned for the labels, and for the pixels"
    figures.save(
        directory / "supervised_embedding.png",
        figures.draw_latent_scatter(panels, names, title=title, same_scale=False),
    )


def probes(member: Outcome) -> tuple[float, float]:
    """Label accuracy and squared error per pixel on test rows, by probes fitted on training rows."""
    (x, y), (test_x, test_y) = (rows_of(member, split, MOST) for split in ("train", "test"))
    codes, test_codes = encode(member, x), encode(member, test_x)
    label = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(codes, y)
    pixels = make_pipeline(StandardScaler(), KNeighborsRegressor(10)).fit(codes, x.reshape(len(x), -1))
    error = np.square(pixels.predict(test_codes) - test_x.reshape(len(test_x), -1)).mean()
    return float(label.score(test_codes, test_y)), float(error)
