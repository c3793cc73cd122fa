"""Which figures a run gets, and what they show."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from aejax import config as configs
from aejax.engine import programs
from aejax.plan import Plan
from aejax.reports import gallery, views
from configs import denoising

pytestmark = pytest.mark.slow


def build(config):
    """A group of one member, and its parameters before the training."""
    [group] = programs.make_groups(Plan.make(config))
    return group, jax.tree.map(lambda leaf: leaf[None], jax.jit(group.task.model.init)(jax.random.key(0))[0])


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, ["latent", "reconstructions", "samples", "latent_grid"]),
        ({"model.latent_dim": 3}, ["latent", "reconstructions", "samples", "traversals"]),
        ({"model.name": "classifier"}, ["latent"]),
    ],
)
def test_the_figures_of_images_are_those_that_the_model_has(small, tmp_path, changes, names):
    group, params = build(configs.replaced(small, changes))
    pictures = gallery.draw_views(tmp_path, views.views(group, params), "-1", "pca")
    assert [picture.path.name for picture in pictures] == [f"{name}-1.png" for name in names]
    assert all(picture.path.is_file() for picture in pictures)


def test_the_picture_shows_what_was_corrupted_and_reconstructed(tmp_path):
    group, params = build(configs.replaced(denoising.get_config(), {"model.hidden": (16,)}))
    model: Any = group.task.model
    [view] = views.views(group, params)
    x = views.first_rows(group, "test", 6)
    x_tilde, x_hat = view.denoise(x)
    assert x_tilde.shape == x_hat.shape == x.shape and 0.3 < (x_tilde == x).mean() < 1.0
    np.testing.assert_allclose(
        x_hat, model.decode(view.params, model.encode(view.params, jnp.asarray(x_tilde))), atol=1e-6
    )
    plain = group._replace(task=group.task._replace(model=model._replace(corrupt=None)))
    heights = []
    for shown in (view, view._replace(group=plain)):
        with Image.open(gallery.draw_reconstructions(tmp_path, "", [shown]).path) as picture:
            heights.append(picture.height)
    assert heights[0] > heights[1]  # a row more: the corrupted images
