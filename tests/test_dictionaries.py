"""The recovery of planted features: the source against its definition, the scores against brute force."""

from itertools import permutations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aejax import data
from aejax.engine import programs
from aejax.errors import UserError
from aejax.metrics import dictionaries
from aejax.plan import Plan
from aejax.reports import measure
from aejax.types import TrainState
from configs import base, batch_top_k


def config(**keys):
    section: Any = base.get_config().data
    section.update({"name": "planted_features", "num_features": 24, "num_dimensions": 40, "num_rows": 8000, **keys})
    return section


def test_rows_are_sums_of_the_features_that_are_active():
    """There are more dimensions than features, so each row tells its strengths; they are in units of the sd, too."""
    for standardize in (False, True):
        dataset = data.load(config(standardize=standardize))
        x, truth, spec = dataset.test["x"], dataset.truth, dataset.spec
        shift = 0.0 if spec.center is None else spec.center / spec.spread
        strength = (x + shift) @ np.linalg.pinv(truth["directions"])
        np.testing.assert_array_equal(strength > 0.25, truth["active"])
        assert 0.49 < strength[truth["active"]].min() < 0.52 and 1.48 < strength.max() < 1.51
        np.testing.assert_allclose(strength[~truth["active"]], 0.0, atol=1e-4)
        if not standardize:
            np.testing.assert_allclose(np.linalg.norm(truth["directions"], axis=1), 1.0, rtol=1e-5)
        assert set(dataset.test) == {"x"}
    assert data.load(base.get_config().data).truth == {}


def test_features_are_equally_frequent_and_only_neighbors_depend_on_each_other():
    for correlation in (0.0, 0.6):
        active = data.load(config(correlation=correlation, test_fraction=0.9)).truth["active"].astype(np.float64)
        np.testing.assert_allclose(active.mean(axis=0), 4 / 24, atol=0.025)
        found: Any = np.corrcoef(active.T)
        within: Any = np.kron(np.eye(3), np.ones((8, 8))) == 1
        assert np.abs(found[~within]).max() < 0.06
        within &= ~np.eye(24, dtype=bool)
        low, high = (-0.06, 0.06) if correlation == 0.0 else (0.28, 0.42)
        assert low < found[within].min() and found[within].max() < high
    with pytest.raises(UserError, match=r"^data\.active_features=24 must be less than data\.num_features=24: use"):
        data.load(config(active_features=24.0))


def test_mcc_is_the_best_of_all_matchings():
    rng = np.random.default_rng(0)
    for units, features in ((4, 4), (5, 3), (3, 5)):
        directions, truth = rng.normal(size=(units, 6)), rng.normal(size=(features, 6))
        norms = np.linalg.norm(directions, axis=1)[:, None] * np.linalg.norm(truth, axis=1)[None]
        cosines = np.abs(directions @ truth.T) / norms
        cosines = cosines if units <= features else cosines.T
        best = max(
            np.mean([cosines[row, column] for row, column in enumerate(order)])
            for order in permutations(range(max(units, features)), min(units, features))
        )
        zeros = np.zeros((1, units)), np.zeros((1, features), bool)
        found = dictionaries.scores(directions, zeros[0], truth, zeros[1])
        assert found["mcc"] == pytest.approx(best, rel=1e-6)
        assert found["f1"] == 0.0


def test_uniqueness_and_f1_of_units_and_their_nearest_features():
    """Units 0 and 1 point to feature 0, unit 2 backwards to feature 1; no unit points to features 2 and 3."""
    directions = np.array([[1.0, 0.1, 0.0, 0.0], [2.0, 0.0, 0.1, 0.0], [0.1, -1.0, 0.0, 0.0]])
    codes = np.array([[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.5, 0.0, 3.0], [0.0, 1.0, 0.0]])
    active = np.array([[1, 0, 1, 0], [1, 0, 1, 0], [0, 1, 1, 0], [0, 0, 1, 0]], bool)
    found = dictionaries.scores(directions, codes, np.eye(4), active)
    assert found["uniqueness"] == pytest.approx(2 / 3)
    assert found["f1"] == pytest.approx((4 / 5 + 0.0 + 1.0) / 3)


@pytest.mark.slow
def test_an_autoencoder_that_knows_the_features_recovers_them():
    """A decoder of the true directions and an encoder of their inverse, with half its units in another order."""
    settings: Any = batch_top_k.get_config()
    settings.data.update(config())
    settings.model.latent_dim, settings.model.aux_k = 24, 0
    [group] = programs.make_groups(Plan.make(settings))
    order, truth = np.r_[0:12, 23:11:-1], group.dataset.truth["directions"]
    params, stats = group.task.model.init(jax.random.key(0))
    params |= {
        "encoder": {"Dense_0": {"kernel": np.linalg.pinv(truth)[:, order], "bias": np.zeros(24, np.float32)}},
        "decoder": {"Dense_0": {"kernel": truth[order], "bias": np.ones(40, np.float32)}},
        "threshold": jnp.float32(0.25),
    }
    params = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], params)
    state = TrainState(jnp.zeros(1), jnp.zeros(1), params, stats, ())
    [found] = measure.recover_members(group, state)
    assert found == pytest.approx({"mcc": 1.0, "uniqueness": 1.0, "f1": 1.0}, rel=1e-5)
    [diverged] = measure.recover_members(group, state._replace(params=jax.tree.map(lambda a: a * np.nan, params)))
    assert diverged == {}
