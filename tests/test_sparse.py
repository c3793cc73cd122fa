"""The penalties of the sparse autoencoder against brute force, top-k by unit, the running mean by its recursion."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import rel_entr

from aejax import config as configs
from aejax.engine import programs, train
from aejax.errors import UserError
from aejax.metrics import averages
from aejax.models import sparse_autoencoder
from aejax.models.parts import losses, networks, units
from aejax.plan import Plan
from configs import sparse_l1

pytestmark = pytest.mark.slow


def build(**changes):
    """The group of a small sparse autoencoder on the digits."""
    small = {"model.latent_dim": 12, "model.unit_decoder": False}
    config = configs.replaced(sparse_l1.get_config(), {**small, **changes})
    [group] = programs.make_groups(Plan.make(config))
    return group


@pytest.fixture(scope="module")
def x():
    return jnp.asarray(build().dataset.train["x"][:9])


def omega(group, x, target=0.1):
    """Fresh parameters of a group's model, and its Ω on some rows."""
    model: Any = group.task.model
    params, stats = jax.jit(model.init)(jax.random.key(1))
    weights = {"sparsity": 0.5, "target_activation": target, "selection": 1.0}
    weights = {name: jnp.float32(value) for name, value in weights.items()}
    loss, (metrics, stats) = jax.jit(model.loss)(params, stats, jax.random.key(0), {"x": x}, **weights)
    expected = metrics["reconstruction"] + 0.5 * metrics["penalty"]
    np.testing.assert_allclose(loss, expected, rtol=1e-6)
    return params, float(metrics["penalty"])


def test_l1_and_l2_are_sums_over_units_and_means_over_rows(x):
    for penalty, expected in (("l1", np.abs), ("l2", np.square)):
        group = build(**{"model.penalty": penalty, "model.code_activation": "identity"})
        params, value = omega(group, x)
        code = np.asarray(group.task.model.encode(params, x), np.float64)
        assert value == pytest.approx(expected(code).sum(axis=1).mean(), rel=1e-5)


def test_the_kl_penalty_is_that_of_bernoullis_with_the_mean_activations(x):
    group = build(**{"model.penalty": "kl", "model.code_activation": "sigmoid"})
    for target in (0.02, 0.3):
        params, value = omega(group, x, target)
        mean = np.asarray(group.task.model.encode(params, x), np.float64).mean(axis=0)
        assert value == pytest.approx((rel_entr(target, mean) + rel_entr(1 - target, 1 - mean)).sum(), rel=1e-4)
    q = jnp.array([0.0, 1.0, 0.3])
    kl = losses.kl_bernoulli(jnp.float32(0.3), q)
    assert jnp.isfinite(kl).all() and kl[2] == pytest.approx(0.0, abs=1e-6) and (kl[:2] > 1).all()


@pytest.mark.parametrize(
    ("hidden", "latent_dim", "activation", "top_k"),
    [((), 12, "sigmoid", 0), ((), 12, "tanh", 3), ((10,), 5, "sigmoid", 3), ((10,), 70, "tanh", 0)],
)
def test_the_contractive_penalty_is_the_squared_jacobian(x, hidden, latent_dim, activation, top_k):
    """One layer has a closed form; a deeper encoder takes a pass per unit (5 < 64) or per feature (70 > 64)."""
    changes = {"model.hidden": hidden, "model.latent_dim": latent_dim, "model.code_activation": activation}
    group = build(**{"model.penalty": "contractive", "model.activation": "tanh", "model.top_k": top_k, **changes})
    params, value = omega(group, x)
    jacobian = jax.jit(jax.vmap(jax.jacobian(lambda row: group.task.model.encode(params, row[None])[0])))(x)
    assert value == pytest.approx(
        np.square(np.asarray(jacobian, np.float64)).reshape(len(x), -1).sum(1).mean(), rel=1e-4
    )


def test_top_k_keeps_exactly_the_k_largest():
    code = jax.random.normal(jax.random.key(0), (40, 9))
    for k in (1, 4, 9):
        kept = np.asarray(units.largest(code, k, k))
        assert ((kept != 0).sum(axis=1) == k).all()
        threshold = np.sort(np.asarray(code), axis=1)[:, -k][:, None]
        np.testing.assert_array_equal(kept, np.where(np.asarray(code) >= threshold, code, 0))
    ties = np.asarray(units.largest(jnp.ones((2, 5)), 2, 2))
    np.testing.assert_array_equal(ties, [[1, 1, 0, 0, 0]] * 2)


def test_gradients_pass_only_through_the_units_that_are_kept():
    code = jax.random.normal(jax.random.key(2), (6, 9))
    gradient = jax.grad(lambda code: (2.0 * units.largest(code, 4, 4)).sum())(code)
    np.testing.assert_array_equal(gradient, 2.0 * (np.asarray(units.largest(code, 4, 4)) != 0))


def test_k_falls_linearly_to_top_k_in_training_and_is_top_k_elsewhere(x):
    """k falls from 8 to 3 over five steps: the loss equals a model's with the same parameters and that k fixed."""
    changes = {"model.code_activation": "identity", "objective.selection_warmup": 5.0}
    hp = programs.hparams(build(**changes, **{"model.top_k": 3, "model.top_k_start": 8}).members)
    weights = {name: jnp.float32(value[0]) for name, value in hp.objective.items()}

    def model_of(top_k, start=0):
        return build(**changes, **{"model.top_k": top_k, "model.top_k_start": start}).task.model

    falling, fixed = model_of(3, 8), {k: model_of(k) for k in (7, 5, 3)}
    params, stats = jax.jit(falling.init)(jax.random.key(1))

    def loss_of(model):
        return jax.jit(
            lambda step: model.loss(params, stats, jax.random.key(0), {"x": x}, **train.warmed(weights, step))[0]
        )

    now, then = loss_of(falling), {k: float(loss_of(model)(jnp.int32(0))) for k, model in fixed.items()}
    assert [float(now(jnp.int32(step))) for step in (0, 2, 4, 5, 9)] == [then[k] for k in (7, 5, 3, 3, 3)]
    assert len(set(then.values())) == 3
    np.testing.assert_array_equal(falling.encode(params, x), fixed[3].encode(params, x))


def test_the_running_mean_follows_its_recursion_through_training_steps():
    group = build(**{"train.batch_size": 32})
    hp = jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), programs.hparams(group.members))
    rows = {"x": jnp.asarray(group.dataset.train["x"][:32])}
    step = jax.jit(lambda state: train.train_step(group.task, state, hp, rows)[0])
    state, means = train.init_state(group.task, hp, rows), []
    for _ in range(4):
        means.append(np.asarray(group.task.model.encode(state.params, rows["x"]), np.float64).mean(axis=0))
        state = step(state)
    weights = 0.99 ** np.arange(3, -1, -1)
    expected = (weights[:, None] * means).sum(axis=0) / weights.sum()
    np.testing.assert_allclose(sparse_autoencoder.running_mean(state.stats), expected, rtol=1e-4, atol=1e-6)


def test_no_gradient_flows_into_the_running_mean():
    stats = {"mean_activation": jnp.zeros(3), "weight": jnp.float32(0.0), "threshold": jnp.float32(0.0)}
    params = {"threshold": jnp.float32(0.0)}

    def total(code):
        seen = sparse_autoencoder.remember(params, stats, code)
        return seen["mean_activation"].sum() + seen["threshold"]

    gradient = jax.grad(total)(jnp.ones((2, 3)))
    assert (gradient == 0).all()


def test_a_unit_decoder_cannot_be_rescaled(x):
    group = build(**{"model.unit_decoder": True})
    model: Any = group.task.model
    params, _ = model.init(jax.random.key(0))
    grown = {**params, "decoder": jax.tree.map(lambda leaf: 10.0 * leaf, params["decoder"])}  # the biases are 0
    z = model.encode(params, x)
    np.testing.assert_allclose(model.decode(grown, z), model.decode(params, z), rtol=1e-5, atol=1e-6)
    rows = networks.first_matrix(networks.unit_rows(grown["decoder"]))
    np.testing.assert_allclose(jnp.sqrt(jnp.square(rows).sum(axis=1)), 1.0, rtol=1e-6)


def test_zeros_and_dead_units_are_counted_over_the_split():
    codes = jnp.array([[0.0, 0.0, 1.0], [0.0, 2.0, 3.0]])
    metrics = averages.sparseness(codes)
    assert metrics["zero_fraction"] == 0.5 and metrics["dead_units"] == 1 and metrics["l0"] == 1.5
    group = build(**{"model.top_k": 2, "model.code_activation": "identity", "evaluate.batch_size": 25})
    hp = jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), programs.hparams(group.members))
    rows = {name: jnp.asarray(values[:60]) for name, values in group.dataset.test.items()}  # 25 + 25 + 10
    state = train.init_state(group.task, hp, rows)
    measured = jax.jit(lambda state: averages.measure(group.task, state, hp, rows))(state)
    code = np.asarray(group.task.model.encode(state.params, rows["x"]))
    assert float(measured["zero_fraction"]) == pytest.approx(10 / 12)
    assert measured["dead_units"] == (code == 0).all(axis=0).sum()
    assert float(measured["mean_activation"]) == pytest.approx(code.mean(), rel=1e-4)
    model: Any = group.task.model
    x, center = np.asarray(rows["x"], np.float64), np.asarray(group.dataset.train["x"]).mean(axis=0)
    missed = np.square(x - np.asarray(model.decode(state.params, jnp.asarray(code)))).sum()
    explained = 1.0 - missed / np.square(x - center).sum()
    assert float(measured["explained_variance"]) == pytest.approx(explained, rel=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model.top_k": 13}, r"model\.top_k=13 is more than model\.latent_dim=12"),
        ({"model.top_k": 3, "model.top_k_start": 2}, r"top_k_start=2 must be 0 or from model\.top_k=3"),
        ({"model.top_k": 3, "model.top_k_start": 13}, r"top_k_start=13 .* to model\.latent_dim=12"),
        ({"model.top_k_start": 5}, r"top_k_start=5 must be 0 or from model\.top_k=0"),
        ({"model.top_k": -1}, r"model\.top_k=-1 must be at least 0"),
        ({"objective.sparsity": -0.5}, r"objective\.sparsity=-0\.5 must be at least 0"),
        ({"objective.target_activation": 0.0}, r"objective\.target_activation=0\.0 must be in \(0, 1\)"),
        ({"objective.target_activation": 1.0}, r"objective\.target_activation=1\.0 must be in \(0, 1\)"),
        ({"model.penalty": "l3"}, r"model\.penalty='l3' is not one of"),
        ({"model.penalty": "kl"}, r"use --config\.model\.code_activation=sigmoid"),
        ({"model.penalty": "l0"}, r"penalty=l0 has no gradient with model\.selection=top_k: use .*=jump_relu"),
        ({"model.selection": "batch_top_k"}, r"selection=batch_top_k needs model\.top_k of at least 1"),
        ({"model.prefixes": (4, 13)}, r"model\.prefixes=\(4, 13\) is more than model\.latent_dim=12"),
        ({"model.prefixes": (4, 12)}, r"prefixes=\(4, 12\) names model\.latent_dim=12, but all units .* leave it out"),
        ({"model.aux_k": 13}, r"model\.aux_k=13 is more than model\.latent_dim=12"),
        ({"model.aux_k": 2, "model.hidden": (4,)}, r"aux_k needs a decoder of one layer: .* or --config.model.aux_k=0"),
        ({"objective.bandwidth": 0.0}, r"objective\.bandwidth=0\.0 must be above 0"),
        (
            {"model.unit_decoder": True, "model.hidden": (4,)},
            r"unit_decoder needs a decoder of one layer: use .*hidden='\(\)'",
        ),
    ],
)
def test_bad_input_is_named(changes, message):
    with pytest.raises(UserError, match=message) as caught:
        build(**changes)
    assert "\n" not in str(caught.value)
