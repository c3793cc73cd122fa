"""BatchTopK, JumpReLU, Matryoshka prefixes and AuxK, each against its definition in numpy."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aejax.engine import programs, train
from aejax.models.parts import units
from tests.test_sparse import build

pytestmark = pytest.mark.slow

K = 12
PLAIN = {"model.code_activation": "relu", "model.hidden": (), "model.likelihood": "squared_error"}
PLAIN |= {"model.output_activation": "identity", "objective.sparsity": 0.3}
BATCH = {"model.selection": "batch_top_k", "model.top_k": 3}


@pytest.fixture(scope="module")
def x():
    return jnp.asarray(build().dataset.train["x"][:9])


def model_of(**changes) -> Any:
    return build(**PLAIN, **changes).task.model


def start_of(model, **entries):
    """Parameters with entries of their own, and the stats."""
    params, stats = jax.jit(model.init)(jax.random.key(1))
    return {**params, **entries}, stats


def flat(x):
    return np.asarray(x, np.float64).reshape(len(x), -1)


def arrays(params):
    """The code before its selection, and the decoder's W and b, as functions of x: numpy in double precision."""
    encoder, decoder = (
        {name: np.asarray(leaf, np.float64) for name, leaf in params[part]["Dense_0"].items()}
        for part in ("encoder", "decoder")
    )

    def a(x):
        return np.maximum(flat(x) @ encoder["kernel"] + encoder["bias"], 0.0)

    return a, decoder["kernel"], decoder["bias"]


def loss_and_gradient(model, params, stats, x, **weights):
    weights = {name: jnp.float32(value) for name, value in {"sparsity": 0.0, **weights}.items()}

    def loss(params):
        return model.loss(params, stats, jax.random.key(0), {"x": x}, **weights)

    (value, (metrics, stats)), gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))(params)
    return jax.tree.map(np.asarray, (value, gradient, metrics, stats))


def assert_same(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


def test_batch_top_k_of_one_row_is_top_k_to_the_bit(x):
    batch, single = model_of(**BATCH), model_of(**{"model.top_k": 3})
    params, stats = start_of(batch)
    own = {name: params[name] for name in ("encoder", "decoder")}
    value, gradient, *_ = loss_and_gradient(batch, params, stats, x[:1], sparsity=0.3)
    expected, slope, *_ = loss_and_gradient(single, own, start_of(single)[1], x[:1], sparsity=0.3)
    assert value == expected
    assert_same({name: gradient[name] for name in own}, slope)
    assert gradient["threshold"] == 0


def test_batch_top_k_keeps_the_largest_of_the_batch_and_afterwards_what_exceeds_their_mean_threshold(x):
    group = build(**PLAIN, **BATCH, **{"train.batch_size": 9})
    model: Any = group.task.model
    hp = jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), programs.hparams(group.members))
    step = jax.jit(lambda state: train.train_step(group.task, state, hp, {"x": x})[0])
    state, smallest = train.init_state(group.task, hp, {"x": x}), []
    assert (model.encode(state.params, x) > 0).sum() == (arrays(state.params)[0](x) > 0).sum()  # threshold 0
    for _ in range(3):
        largest = np.sort(arrays(state.params)[0](x).ravel())[::-1]
        smallest.append(largest[9 * 3 - 1])
        state = step(state)
    weights = 0.99 ** np.arange(2, -1, -1)
    threshold = (weights * smallest).sum() / weights.sum()
    assert float(state.params["threshold"]) == pytest.approx(threshold, rel=1e-4)
    a = arrays(state.params)[0](x)
    np.testing.assert_allclose(model.encode(state.params, x), np.where(a > threshold, a, 0.0), rtol=1e-4, atol=1e-6)
    kept = np.asarray(units.largest_of_batch(jnp.float32(a), 3, 3))
    np.testing.assert_array_equal(kept, np.where(a >= np.sort(a.ravel())[-27], np.float32(a), 0.0))


def test_the_smallest_kept_unit_of_a_batch_without_any_is_what_it_was():
    code = jnp.array([[0.0, 3.0], [2.0, 0.0]])
    assert units.smallest_kept(code, jnp.float32(7.0)) == 2.0
    assert units.smallest_kept(0.0 * code, jnp.float32(7.0)) == 7.0


def test_prefixes_add_the_errors_of_the_first_units_alone(x):
    nested, whole = model_of(**BATCH, **{"model.prefixes": (4, 7, 4)}), model_of(**BATCH)
    params, stats = start_of(nested)
    value, _, metrics, _ = loss_and_gradient(nested, params, stats, x)
    plain = loss_and_gradient(whole, params, stats, x)[0]
    assert metrics["reconstruction"] == pytest.approx(plain, rel=1e-6)
    a, w, b = arrays(params)
    code = np.where(a(x) >= np.sort(a(x).ravel())[-27], a(x), 0.0)
    errors = [np.square(flat(x) - code[:, :m] @ w[:m] - b).sum(axis=1).mean() for m in (4, 7, K)]
    assert value == pytest.approx(sum(errors), rel=1e-5)
    assert metrics["prefix_reconstruction"] == pytest.approx(errors[0], rel=1e-5)


def test_the_gradient_of_a_threshold_is_its_pseudo_derivative(x):
    """Rajamanoharan et al. 2024: −θ/ε K((a − θ)/ε) through z and −1/ε K((a − θ)/ε) through the number of units."""
    model = model_of(**{"model.selection": "jump_relu", "model.penalty": "l0"})
    theta, epsilon, sparsity = np.linspace(0.2, 1.3, K), 0.5, 0.3
    params, stats = start_of(model, log_threshold=jnp.float32(np.log(theta)))
    value, gradient, metrics, _ = loss_and_gradient(model, params, stats, x, sparsity=sparsity, bandwidth=epsilon)
    a, w, b = arrays(params)
    a = a(x)
    z = a * (a > theta)
    missed = z @ w + b - flat(x)
    np.testing.assert_allclose(model.encode(params, x), z, rtol=1e-4, atol=1e-6)
    assert value == pytest.approx(np.square(missed).sum(axis=1).mean() + sparsity * metrics["penalty"], rel=1e-5)
    assert metrics["penalty"] == pytest.approx((z > 0).sum(axis=1).mean())
    slope = 2.0 * missed @ w.T / len(x)  # of the error in z
    expected = np.zeros(K)
    for row in range(len(x)):
        for unit in range(K):
            if abs((a[row, unit] - theta[unit]) / epsilon) < 0.5:
                expected[unit] += -theta[unit] / epsilon * slope[row, unit] - sparsity / epsilon / len(x)
    assert (expected != 0).sum() >= K // 2
    np.testing.assert_allclose(gradient["log_threshold"], expected * theta, rtol=1e-3, atol=1e-5)
    kernel = slope * (a > theta)  # the step has no derivative in a
    np.testing.assert_allclose(gradient["encoder"]["Dense_0"]["kernel"], flat(x).T @ kernel, rtol=1e-3, atol=1e-5)


def test_aux_k_is_the_error_of_what_the_largest_dead_units_add(x):
    """Gao et al. 2024, A.2: ‖e − ê‖² of the residual e, a constant, and ê = W z of the largest dead units."""
    settings = {"model.top_k": 3, "model.aux_k": 2, "model.unit_decoder": True}
    model = model_of(**settings)
    params, stats = start_of(model)
    weights = {"aux_weight": 0.25, "dead_after": 5.0}
    a, w, b = arrays(params)
    a, norms = a(x), np.linalg.norm(w, axis=1, keepdims=True)
    w = w / norms
    code = np.where(a >= np.sort(a, axis=1)[:, [-3]], a, 0.0)
    e = flat(x) - code @ w - b
    for idle, dead in (([5, 9, 7], [0, 1, 2]), ([4, 9, 0], [1])):  # more than two, fewer than two
        stats = {**stats, "idle": jnp.zeros(K).at[:3].set(jnp.float32(idle))}
        z = np.zeros_like(a)
        for row in range(len(a)):
            best = sorted(dead, key=lambda unit: -a[row, unit])[:2]
            z[row, best] = a[row, best]
        missed = e - z @ w
        value, gradient, metrics, after = loss_and_gradient(model, params, stats, x, **weights)
        aux = np.square(missed).sum(axis=1).mean()
        assert value == pytest.approx(metrics["reconstruction"] + 0.25 * aux, rel=1e-5)
        used = (code != 0).any(axis=0)
        np.testing.assert_array_equal(after["idle"], np.where(used, 0.0, np.asarray(stats["idle"]) + 1.0))
        _, alone, *_ = loss_and_gradient(model, params, stats, x, **{**weights, "aux_weight": 0.0})
        slope = -2.0 * 0.25 * z.T @ missed / len(x)  # in the unit rows; their own direction has no gradient
        slope = (slope - (slope * w).sum(axis=1, keepdims=True) * w) / norms
        added = jax.tree.map(lambda one, other: np.asarray(one) - np.asarray(other), gradient, alone)
        np.testing.assert_allclose(added["decoder"]["Dense_0"]["kernel"], slope, rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(added["decoder"]["Dense_0"]["bias"], 0.0, atol=1e-5)
        live = np.setdiff1d(np.arange(K), dead)
        np.testing.assert_allclose(added["encoder"]["Dense_0"]["kernel"][:, live], 0.0, atol=1e-5)
        assert np.abs(added["encoder"]["Dense_0"]["kernel"][:, dead]).max() > 1e-3
