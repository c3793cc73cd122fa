"""Sprites: the factors determine an image, each factor changes it, and the factors stay with their rows."""

import json

import numpy as np
import pytest

from aejax import data
from aejax.data import sprites
from configs.base import get_config


@pytest.fixture(scope="module")
def dataset():
    config = get_config().data
    config.name = "sprites"
    return data.load(config)


@pytest.fixture(scope="module")
def rows(dataset):
    """x [N, 32, 32] and factors [N, 5] of all splits, in the order of the factors."""
    x, factors = (np.concatenate([split[name] for split in dataset[:3]]) for name in ("x", "factors"))
    order = np.lexsort(factors.T[::-1])
    return x[order, ..., 0], factors[order]


def test_every_combination_is_there_once_and_no_two_images_are_equal(rows):
    x, factors = rows
    counts = (3, 4, 8, 8, 8)
    np.testing.assert_array_equal(factors, np.array(list(np.ndindex(counts))))
    assert len({image.tobytes() for image in x}) == len(x) == np.prod(counts)
    assert x.dtype == np.uint8 and set(np.unique(x)) == {0, 1}


def test_figures_move_by_whole_pixels_and_are_never_cut(rows):
    x = rows[0].reshape(-1, 8, 8, 32, 32)  # kind, x, y
    area = x.sum(axis=(-2, -1))
    assert (area == area[:, :1, :1]).all()
    pixels = np.arange(32)
    for across, place in ((x.sum(axis=-2), 1), (x.sum(axis=-1), 2)):  # x to the right, y down
        middle = (across * pixels).sum(axis=-1) / area
        np.testing.assert_allclose(np.diff(middle, axis=place), 2.0, rtol=1e-9)
        np.testing.assert_allclose(np.diff(middle, axis=3 - place), 0.0, atol=1e-9)


def test_four_rotations_are_a_quarter_turn_to_the_left_and_areas_go_with_the_squared_radius(rows):
    centered = np.roll(rows[0].reshape(3, 4, 8, 64, 32, 32)[:, :, :, 0], (7, 7), axis=(-2, -1))
    different = np.rot90(centered[:, :, :4], axes=(-2, -1)) != centered[:, :, 4:]
    assert different.sum(axis=(-2, -1)).max() <= 2  # pixels on an edge
    area = centered.sum(axis=(-2, -1)).mean(axis=2)
    np.testing.assert_allclose(area / area[:, -1:], np.tile((sprites.RADII / 8.5) ** 2, (3, 1)), atol=0.03)


def test_factors_and_classes_go_with_their_rows(dataset):
    """In each split, rendering a row's factors gives the row; the splits are shuffled."""
    for split in dataset[:3]:
        for x, (*kind, column, row) in zip(split["x"][:10], split["factors"][:10].tolist(), strict=True):
            moved = np.roll(sprites.render(*kind), (2 * row - 7, 2 * column - 7), axis=(0, 1))
            np.testing.assert_array_equal(x[..., 0], moved)
        np.testing.assert_array_equal(split["y"], split["factors"][:, 0])
        assert split["factors"].dtype == np.int32
        assert (np.ptp(split["factors"][:200], axis=0) == np.array([2, 3, 7, 7, 7])).all()


def test_the_spec_names_the_factors_and_older_specs_have_none(dataset):
    assert dataset.spec.factor_names == ("shape", "scale", "rotation", "x", "y")
    assert dataset.spec.support == "binary" and dataset.spec.class_names == sprites.SHAPES
    values = json.loads(json.dumps(data.spec_to_json(dataset.spec)))
    assert data.spec_from_json(values).factor_names == dataset.spec.factor_names
    del values["factor_names"]  # as written before there were factors
    assert data.spec_from_json(values).factor_names == ()
