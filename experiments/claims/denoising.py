"""Denoising autoencoders beat the identity and a median filter, and make digits with 10 % of their pixels readable."""

from functools import cache
from pathlib import Path

import jax
import numpy as np
from scipy.ndimage import median_filter
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix

from experiments.claims import Outcome, Row, train
from experiments.claims._images import images, rows_of

SOURCE = "lecture, slides Denoising Autoencoders"
LEVELS = {  # meaning of the level
    "masking": "part of the pixels deleted",
    "salt_and_pepper": "part of the pixels at 0 or 1",
    "gaussian": "standard deviation of the noise",
}
FROM = 0.3  # the lowest level at which the baselines must be beaten
MOST = 10000  # the most rows that train the classifier, and the most that are tested


@cache
def trained(fast: bool) -> dict[str, list[Outcome]]:
    """For each corruption, one model per level."""
    changes = images(fast, epochs=60) | ({"model.hidden": (128,)} if fast else {"train.epochs": 5})
    levels = "linspace(0.1,0.9,5)" if fast else "linspace(0.1,0.9,9)"
    return {
        name: train("denoising", changes | {"model.corruption": name}, f"objective.corruption_level={levels}")
        for name in LEVELS
    }


def measure(fast: bool) -> list[Row]:
    rows = []
    for name, members in trained(fast).items():
        for member in members:
            if (level := level_of(member)) >= FROM:
                table = errors(member)
                baselines = {key: table[key] for key in ("identity", "median filter")}
                named = ", ".join(f"{key} {error:.4f}" for key, error in baselines.items())
                what = f"{name}, level {level:.1f}: squared error per pixel, at most the baselines' ({named})"
                rows.append(Row(what, min(baselines.values()), table["denoising autoencoder"], "at most", SOURCE))
    tables = readings(fast)
    right = {name: counts.trace() / counts.sum() for name, counts in tables.items()}
    what = "90 % deleted: digits read rightly after denoising, at least as before"
    rows.append(Row(what, right["corrupted"], right["denoised"], "at least", SOURCE))
    pairs, share, even = confused(tables["denoised"])
    what = f"the pairs confused most ({pairs}): share of the mistakes, at least as if spread evenly"
    return [*rows, Row(what, even, share, "at least", "lecture: can you spot the mistakes?")]


def draw(directory: Path, fast: bool) -> None:
    from aejax import records
    from aejax.reports import figures
    from experiments.claims._figures import draw_confusion, draw_errors_by_level

    members = trained(fast)
    levels = [level_of(member) for member in members["masking"]]
    panels, table = [], []
    for name, meaning in LEVELS.items():
        tables = [errors(member) for member in members[name]]
        table += [{"corruption": name, "level": level} | row for level, row in zip(levels, tables, strict=True)]
        panels.append((name, meaning, {key: np.array([table[key] for table in tables]) for key in tables[0]}))
    figures.save(directory / "denoising_errors.png", draw_errors_by_level(panels, levels))
    records.write_csv(directory / "denoising_errors.csv", table)
    deleted = members["masking"][-1]
    x, rows = rows_of(deleted, "test", 16)[0], []
    for name in LEVELS:
        x_tilde, x_hat = denoise(members[name][-1], x)
        rows += [(f"{name.replace('_', ' ')}, level 0.9", x_tilde), ("reconstructed", x_hat)]
    figure = figures.draw_reconstructions(x, rows, title="Test images, corrupted and reconstructed")
    figures.save(directory / "denoising.png", figure)
    title = "Test digits with 90 % of their pixels deleted, as a classifier of clean digits reads them"
    figure = draw_confusion(list(readings(fast).items()), deleted.dataset.spec.class_names, title=title)
    figures.save(directory / "denoising_confusion.png", figure)


def level_of(member: Outcome) -> float:
    return member.swept["objective.corruption_level"]


def denoise(member: Outcome, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x corrupted, and its reconstruction."""
    x_tilde = member.model.corrupt(jax.random.key(0), jax.numpy.asarray(x), level_of(member))
    x_hat = jax.jit(lambda params, x: member.model.decode(params, member.model.encode(params, x)))(
        member.params, x_tilde
    )
    return np.asarray(x_tilde), np.asarray(x_hat)


def errors(member: Outcome) -> dict[str, float]:
    """Squared error per pixel of the test rows; the baselines get corrupted rows clipped to [0, 1]."""
    x, _ = rows_of(member, "test", MOST)
    x_tilde, x_hat = denoise(member, x)
    clipped = np.clip(x_tilde, 0.0, 1.0)
    candidates = {
        "denoising autoencoder": x_hat,
        "identity": clipped,
        "median filter": median_filter(clipped, size=(1, 3, 3, 1)),
        "mean image": member.dataset.spec.mean[None],
    }
    return {name: float(np.square(x - candidate).mean()) for name, candidate in candidates.items()}


@cache
def readings(fast: bool) -> dict[str, np.ndarray]:
    """Counts [true, read] by a classifier of clean training rows: test rows with 90 % deleted, and these denoised."""
    member = trained(fast)["masking"][-1]
    x, y = rows_of(member, "train", MOST)
    classifier = LogisticRegression(max_iter=1000).fit(x.reshape(len(x), -1), y)
    x, y = rows_of(member, "test", MOST)
    x_tilde, x_hat = denoise(member, x)
    return {
        name: confusion_matrix(y, classifier.predict(rows.reshape(len(rows), -1)))
        for name, rows in (("corrupted", x_tilde), ("denoised", x_hat))
    }


def confused(counts: np.ndarray, most: int = 5) -> tuple[str, float, float]:
    """The pairs (true→read) with the most mistakes, their share of all mistakes, and their share if spread evenly."""
    mistakes = counts * (1 - np.eye(len(counts), dtype=int))
    order = np.argsort(-mistakes, axis=None, kind="stable")[:most]
    pairs = [np.unravel_index(place, counts.shape) for place in order]
    names = ", ".join(f"{true}→{read}" for true, read in pairs)
    return names, mistakes.ravel()[order].sum() / mistakes.sum(), most / (len(counts) * (len(counts) - 1))
