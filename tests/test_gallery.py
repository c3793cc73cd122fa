"""Which figures a run gets, and what they show."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aejax import config as configs
from aejax.engine import programs
from aejax.plan import Plan
from aejax.reports import gallery, views
from aejax.reports.figures import latent
from aejax.trained import Trained, TrainedGroup
from aejax.types import TrainState
from configs import denoising

pytestmark = pytest.mark.slow


def build(config):
    """An untrained group of one member."""
    [group] = programs.make_groups(Plan.make(config))
    params, stats = jax.tree.map(lambda leaf: leaf[None], jax.jit(group.task.model.init)(jax.random.key(0)))
    return TrainedGroup(group, 0, TrainState(jnp.zeros(1), jnp.full(1, -1), params, stats, ()), lanes=1, rows=[])


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, ["latent", "reconstructions", "samples", "latent_grid"]),
        ({"model.latent_dim": 3}, ["latent", "reconstructions", "samples", "traversals"]),
        ({"model.name": "classifier"}, ["latent"]),
    ],
)
def test_the_figures_of_images_are_those_that_the_model_has(small, changes, names):
    pictures = gallery.draw_views(views.views(build(configs.replaced(small, changes))), "pca")
    assert [picture.name for picture in pictures] == names


@pytest.mark.parametrize(
    ("sizes", "title", "counts"),
    [
        ((2,), "Codes of 359 test rows", [359]),
        ((3,), "Codes of 40 random test rows", [40]),
        ((3, 3), "Codes of 20 random test rows", [20, 20]),
        ((2, 3), "Codes of 20 to 359 test rows", [359, 20]),
    ],
)
def test_the_title_of_a_scatter_says_how_many_rows_it_shows(small, monkeypatch, sizes, title, counts):
    monkeypatch.setattr(latent, "MOST_NEIGHBOR_ROWS", 40)
    shown = [views.views(build(configs.replaced(small, {"model.latent_dim": k})))[0] for k in sizes]
    picture = gallery.draw_scatter(shown, "tsne")
    assert picture.figure.get_suptitle() == title and picture.caption.startswith(title)
    assert [len(axes.collections[0].get_offsets()) for axes in picture.figure.axes] == counts  # pyright: ignore


def test_the_picture_shows_what_was_corrupted_and_reconstructed():
    trained = build(configs.replaced(denoising.get_config(), {"model.hidden": (16,)}))
    [view], group = views.views(trained), trained.group
    model: Any = group.task.model
    x = views.some_rows(group, "test", 6)
    x_tilde, x_hat = view.denoise(x)
    assert x_tilde.shape == x_hat.shape == x.shape and 0.3 < (x_tilde == x).mean() < 1.0
    np.testing.assert_allclose(
        x_hat, model.decode(view.params, model.encode(view.params, jnp.asarray(x_tilde))), atol=1e-6
    )
    plain = group._replace(task=group.task._replace(model=model._replace(corrupt=None)))
    shown = (view, view._replace(group=plain))
    heights = [gallery.draw_reconstructions([one]).figure.get_figheight() for one in shown]
    assert heights[0] > heights[1]  # one more row: the corrupted images


def test_captions_say_how_many_settings_are_shown(small, monkeypatch):
    def draw(shown, _):
        yield gallery.Picture("latent", gallery.figures.Figure(), "".join(view.label for view in shown), "scatter")

    monkeypatch.setattr(gallery, "draw_some", draw)
    [view] = views.views(build(small))
    settings = [view._replace(label=label) for label in "abcdefghij"]
    [picture] = gallery.draw_views(settings, "pca")
    assert picture.caption == "abdefgij 8 of 10 settings are shown."
    lost = [settings[0], settings[1]._replace(codes=np.nan * view.codes)]
    assert [picture.caption for picture in gallery.draw_views(lost, "pca")] == [
        "a 1 of 2 settings are shown; 1 diverged."
    ]
    assert list(gallery.draw_views(lost[1:], "pca")) == []
    [picture] = gallery.draw_views(settings[:2], "pca")
    assert (picture.caption, picture.alternative) == ("ab", "scatter: a; b")


def test_only_codes_of_one_model_share_a_scale(small):
    shown = [views.views(build(configs.replaced(small, {"model.name": name})))[0] for name in ("vae", "autoencoder")]
    shown = [view._replace(codes=scale * view.codes) for view, scale in zip(shown, (1.0, 50.0), strict=True)]
    for some, is_shared in ((shown, False), ([shown[0], shown[0]._replace(codes=shown[1].codes)], True)):
        first, second = gallery.draw_scatter(some, "pca").figure.axes[:2]
        assert (first.get_xlim() == second.get_xlim()) == is_shared


@pytest.mark.parametrize(("k", "names"), [(3, []), (4, ["units"])])
def test_a_few_units_make_no_picture(k, names, small):
    units = [{"member": 0, "unit": unit, "kl": 1.0, "variance": 1.0} for unit in range(k)]
    assert [picture.name for picture in gallery.draw_sweep(list(Plan.make(small).members), [], [], units, [])] == names


def test_a_single_visit_makes_no_curve(small):
    row = {"member": 0, "step": 0, "epoch": 0.0, "split": "valid", "loss": 1.0}
    members = list(Plan.make(small).members)
    assert list(gallery.draw_sweep(members, [row], [], [], [])) == []
    assert len(list(gallery.draw_sweep(members, [row, row | {"epoch": 1.0}], [], [], []))) == 1


def test_codes_without_a_prior_are_drawn_as_the_launcher_sample_draws_them(small):
    """From a Gaussian fitted to the training rows' codes, in batches that do not divide them."""
    trained = build(configs.replaced(small, {"model.name": "autoencoder", "evaluate.batch_size": 500}))
    [view], group = views.views(trained), trained.group
    model = Trained(group.members[0], group.task.model, group.dataset.spec, view.params, "", lambda: group.dataset)
    np.testing.assert_allclose(view.sample(9, 3), model.sample_codes(9, seed=3), rtol=1e-4, atol=1e-5)
    assert "training codes" in gallery.source_of(view)
