"""A map of 202 capitals is learned from their distances: the true one up to a rotation or reflection."""

from functools import cache
from pathlib import Path

import numpy as np

from aejax.data import capitals as source
from aejax.metrics import geometry
from experiments.claims import Outcome, Row, train
from experiments.claims._images import QUIET
from experiments.claims._neighbors import nearest

SEEDS = "seed=0:4"
EMBEDDINGS = "lecture, slide Embeddings: capitals → 2D coordinates"


@cache
def trained(distance: str) -> list[Outcome]:
    return train("capitals", QUIET | {"data.distance": distance}, SEEDS)


def measure(fast: bool) -> list[Row]:
    del fast  # seconds either way
    flat, sphere = trained("euclidean"), trained("great_circle")
    finite = [np.isfinite(codes(member)).all(axis=1).sum() for member in flat]
    return [
        Row("capitals with a code of 2 numbers, every seed", 202, min(finite), 0, EMBEDDINGS),
        Row(
            "slide's distance: largest Procrustes residual of 4 seeds",
            1e-3,
            max(residuals(flat)),
            "at most",
            EMBEDDINGS,
        ),
        Row(
            "slide's distance: root-mean-square error of held-out distances, degrees",
            0.1,
            error(flat),
            "at most",
            EMBEDDINGS,
        ),
        Row("slide's distance: capitals whose nearest neighbor is the true one", 1.0, kept(flat), 0.01, EMBEDDINGS),
        Row(
            "great circle: least Procrustes residual: no flat map keeps them",
            0.1,
            min(residuals(sphere)),
            "at least",
            "Gauss 1827",
        ),
        Row(
            "great circle: root-mean-square error of held-out distances, degrees",
            1.0,
            error(sphere),
            "at least",
            "Gauss 1827",
        ),
        Row(
            "great circle: capitals whose nearest neighbor is the true one",
            kept(flat),
            kept(sphere),
            "at most",
            "the rows above",
        ),
    ]


def draw(directory: Path, fast: bool) -> None:
    from aejax.reports import figures

    position = trained("euclidean")[0].dataset.items["position"]
    panels = [("true positions", position)]
    for distance, words in (("euclidean", "the slide's distance"), ("great_circle", "great-circle distances")):
        moved, residual = geometry.procrustes(position, codes(trained(distance)[0]))
        panels.append((f"learned from {words}: Procrustes residual {residual:.2g}", moved))
    names = trained("euclidean")[0].dataset.ids["items"].tolist()
    figures.save(
        directory / "capitals.png",
        figures.draw_maps(panels, names, title="202 capitals, learned from the distances of their pairs"),
    )


def codes(member: Outcome) -> np.ndarray:
    return np.asarray(member.model.encode(member.params, member.dataset.items["x"]))


def residuals(members: list[Outcome]) -> list[float]:
    return [geometry.procrustes(member.dataset.items["position"], codes(member))[1] for member in members]


def error(members: list[Outcome]) -> float:
    """Root-mean-square error of the distances of held-out pairs in degrees, for the worst seed."""
    return float(np.degrees(max(np.sqrt(member.metrics["loss"]) for member in members)))


def kept(members: list[Outcome]) -> float:
    """The share of capitals whose nearest neighbor by code is also the nearest by distance, for the worst seed."""
    parts = []
    for member in members:
        position = member.dataset.items["position"].astype(float)
        distance = source.great_circle if members is trained("great_circle") else source.euclidean
        true = distance(position[:, None], position[None])
        np.fill_diagonal(true, np.inf)
        near = nearest(codes(member), 1, "euclidean")[:, 0]
        # If several capitals are equally near (within 0.1 %), any of them counts.
        parts.append((true[np.arange(len(true)), near] <= true.min(axis=1) * (1 + 1e-3)).mean())
    return float(min(parts))
