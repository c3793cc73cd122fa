"""What figures show: settings by name, the first member of each, and codes to decode."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aejax.data.types import Condition, spread
from aejax.engine import programs
from aejax.metrics import information
from aejax.plan import Plan, parse_axis
from aejax.reports import views
from aejax.reports.settings import setting_name
from aejax.trained import TrainedGroup, sample_codes
from aejax.types import Autoencoder, TrainState


def test_a_setting_is_named_in_the_letters_of_the_field():
    setting = {"objective.beta": 4.0, "model.latent_dim": 2, "optimizer.learning_rate": 1e-3}
    assert setting_name(setting) == "β = 4, k = 2, learning_rate = 0.001"
    assert setting_name({}) == ""


def test_one_view_of_each_setting_in_the_order_of_the_members():
    """As of two shards: the first has members 0, 2 and 4, of which 0 and 4 are of one setting."""
    unused: Any = None
    shown = [
        views.View(label, unused, unused, unused, 0.0, None, index)
        for index, label in ((0, "β = 1"), (2, "β = 10"), (4, "β = 1"), (1, "β = 4"), (3, "β = 1"), (5, "β = 4"))
    ]
    assert [(view.label, view.index) for view in views.one_each(shown)] == [("β = 1", 0), ("β = 4", 1), ("β = 10", 2)]


@pytest.mark.slow
def test_the_first_seed_of_every_setting_is_shown(small):
    sweep = [parse_axis(text, small) for text in ("objective.beta=1,4", "seed=0:2")]
    [group] = programs.make_groups(Plan.make(small, sweep))
    params = jax.vmap(lambda key: group.task.model.init(key)[0])(jax.random.split(jax.random.key(0), 4))
    state = TrainState(jnp.zeros(4), jnp.full(4, -1), params, {}, ())
    shown = views.views(TrainedGroup(group, 0, state, lanes=1, rows=[]))
    assert [view.label for view in shown] == ["β = 1", "β = 4"]
    x = views.some_rows(group, "test", views.MOST_ROWS)
    for view, lane in zip(shown, (0, 2), strict=True):
        mine = jax.tree.map(lambda leaf, lane=lane: leaf[lane], params)
        np.testing.assert_allclose(view.codes, group.task.model.encode(mine, jnp.asarray(x)), rtol=1e-5, atol=1e-6)


def test_rows_of_a_sorted_file_are_spread_over_its_classes(small, monkeypatch):
    """What a picture shows, a probe learns from and the information is estimated on; each has its most."""
    assert [spread(10, 4).tolist(), spread(3, 4).tolist(), spread(0, 4).tolist()] == [[0, 2, 5, 7], [0, 1, 2], []]
    [group] = programs.make_groups(Plan.make(small))
    order = np.argsort(group.dataset.test["y"], kind="stable")
    test = {name: values[order] for name, values in group.dataset.test.items()}
    group = group._replace(dataset=group.dataset._replace(test=test))
    monkeypatch.setattr(views, "MOST_ROWS", 100)
    x, y = views.shown_rows(group)
    few, classes = views.few_rows(group, 7)
    assert y is not None and classes is not None
    assert len(x) == len(y) == 100 and set(y.tolist()) == set(range(10))
    assert few.shape == (7, 8, 8, 1) and len(set(classes.tolist())) > 4
    view = views.View("", group, {}, np.arange(200, dtype=np.float32).reshape(100, 2), 0.0)
    monkeypatch.setattr(views.View, "decode", lambda self, codes, c: codes)
    np.testing.assert_array_equal(view.reconstruct(7)[:, 0] / 2, spread(100, 7))
    for row, code in zip(few, view.reconstruct(7)[:, 0] / 2, strict=True):
        np.testing.assert_array_equal(row, x[int(code)])  # a row and its reconstruction
    monkeypatch.setattr(information, "MOST_ROWS", 20)
    seen = []
    task = group.task._replace(
        model=group.task.model._replace(posterior=lambda params, x: seen.append(x) or (x[:, 0, :2, 0], x[:, 1, :2, 0])),
    )
    task = task._replace(model=task.model._replace(kl_of_units=None))
    hp = jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), programs.hparams(group.members))
    information.measure(task, TrainState(jnp.int32(0), jnp.int32(-1), {}, {}, ()), hp, jax.tree.map(jnp.asarray, test))
    np.testing.assert_allclose(seen[0], test["x"][spread(len(order), 20)], atol=1e-6)


def test_codes_are_decoded_under_their_own_conditions_or_typical_ones(small):
    """The decoder of this model returns the conditions."""
    [group] = programs.make_groups(Plan.make(small))
    batch = Condition("batch", ("A", "B"), 0.0, 1.0, 1.0)
    dataset = group.dataset._replace(spec=group.dataset.spec._replace(conditions=(batch,)))
    model = group.task.model._replace(decode=lambda params, given: given.c)
    group = group._replace(dataset=dataset, task=group.task._replace(model=model))
    c = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
    view = views.View("", group, {}, np.zeros((3, 2), np.float32), 0.0, c)
    np.testing.assert_array_equal(view.reconstruct(2), c[:2])
    np.testing.assert_array_equal(view.decode(view.codes), [[0, 1]] * 3)


def test_items_without_a_label_are_not_shown(planted):
    [group] = programs.make_groups(Plan.make(planted))
    items = {"x": np.arange(4, dtype=np.int32), "y": np.array([1, -1, 0, 2], np.int32)}
    x, y = views.shown_rows(group._replace(dataset=group.dataset._replace(items=items)))
    assert y is not None and (x.tolist(), y.tolist()) == ([0, 2, 3], [1, 0, 2])


def test_a_model_without_a_prior_draws_from_the_gaussian_of_its_codes():
    model = Autoencoder(init=None, loss=None, encode=None)  # pyright: ignore[reportArgumentType]
    codes = np.random.default_rng(0).normal(size=(5000, 2)).astype(np.float32) @ [[2.0, 1.0], [0.0, 0.5]] + [3.0, -1.0]
    drawn = sample_codes(model, {}, codes, 5000, seed=1)
    np.testing.assert_allclose(drawn.mean(axis=0), codes.mean(axis=0), atol=0.15)
    np.testing.assert_allclose(np.cov(drawn, rowvar=False), np.cov(codes, rowvar=False), atol=0.3)
    prior = model._replace(sample_prior=lambda params, key, num: np.full((num, 2), 7.0))
    assert (sample_codes(prior, {}, codes, 3, seed=1) == 7.0).all()
