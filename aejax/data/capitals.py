"""202 capitals and the distances of all their pairs: the lecture's "capitals → 2D coordinates".

capitals.csv holds every "Admin-0 capital" of Natural Earth's 50 m populated places (public domain): capital, country,
latitude and longitude in degrees (https://www.naturalearthdata.com).
"""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from aejax.data import Pairs
from aejax.errors import choose

EARTH_RADIUS = 6371.0  # km


def read(config: Any) -> Pairs:
    """All pairs (first, second, distance in radians); "position" [202, 2] is longitude and latitude in radians."""
    with open(Path(__file__).parent / "capitals.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    position = np.radians([[float(row["longitude"]), float(row["latitude"])] for row in rows])
    distances = {"euclidean": euclidean, "great_circle": great_circle}
    distance = distances[choose("data.distance", config.distance, distances)]
    first, second = np.triu_indices(len(rows), 1)
    columns = {
        "first": first.astype(np.int32),
        "second": second.astype(np.int32),
        "distance": distance(position[first], position[second]).astype(np.float32),
    }
    items = {
        "x": np.arange(len(rows), dtype=np.int32),
        "ids": np.array([row["capital"] for row in rows]),
        "position": position.astype(np.float32),
    }
    return Pairs(columns, items, sizes=(len(rows),))


def euclidean(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The slide's √((x₁ − x₂)² + (y₁ − y₂)²) of rows [N, 2], with longitude and latitude as plane coordinates."""
    return np.sqrt(np.square(a - b).sum(axis=-1))


def great_circle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The angle between points [N, 2] of longitude and latitude on the sphere, all in radians: the haversine formula.

    Multiply it by EARTH_RADIUS for km. Source: Sinnott, "Virtues of the haversine", Sky & Telescope 68, 1984.
    """
    longitude, latitude = np.moveaxis((a - b) / 2, -1, 0)
    haversine = np.sin(latitude) ** 2 + np.cos(a[..., 1]) * np.cos(b[..., 1]) * np.sin(longitude) ** 2
    return 2 * np.arcsin(np.sqrt(np.clip(haversine, 0.0, 1.0)))
