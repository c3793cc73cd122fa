"""Optimizers against optax's own, schedules against optax's and by hand; their numbers may be traced."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from aejax.engine import optimizers

pytestmark = pytest.mark.slow

NUMBERS = {
    "learning_rate": 0.03,
    "warmup": 0.0,
    "final_fraction": 0.01,
    "b1": 0.8,
    "b2": 0.95,
    "eps": 1e-6,
    "momentum": 0.7,
    "weight_decay": 0.1,
    "clip_norm": 0.0,
}
PARAMS = {"w": jnp.arange(6.0).reshape(2, 3) / 3, "b": jnp.array([1.0, -2.0])}
OPTAX = {
    "adam": lambda rate, n: optax.adam(rate, n["b1"], n["b2"], n["eps"]),
    "adamw": lambda rate, n: optax.adamw(rate, n["b1"], n["b2"], n["eps"], weight_decay=n["weight_decay"]),
    "sgd": lambda rate, n: optax.sgd(rate, n["momentum"]),
}
OTHERS = {"learning_rate": 0.2, "b1": 0.5, "b2": 0.9, "eps": 1e-2, "momentum": 0.0, "weight_decay": 0.5}
TOTAL = 50


def numbers(**changes):
    return {name: jnp.float32(value) for name, value in (NUMBERS | changes).items()}


def gradient(step):
    return jax.tree.map(lambda leaf: jnp.sin(leaf + step) * (1 + step), PARAMS)


def ours(name, schedule="constant", steps=6, **changes):
    """The parameters after `steps` steps of our optimizer."""
    make = optimizers.make(name, schedule, TOTAL)
    params, state = PARAMS, make(numbers(**changes), jnp.int32(0)).init(PARAMS)
    for step in range(steps):
        updates, state = make(numbers(**changes), jnp.int32(step)).update(gradient(step), state, params)
        params = optax.apply_updates(params, updates)
    return params


def theirs(transformation, steps=6):
    params, state = PARAMS, transformation.init(PARAMS)
    for step in range(steps):
        updates, state = transformation.update(gradient(step), state, params)
        params = optax.apply_updates(params, updates)
    return params


def assert_close(one, other, rtol=1e-5):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-6), one, other)


def rates(schedule, steps, total=TOTAL, **changes):
    return [float(optimizers.learning_rate(schedule, total, numbers(**changes), jnp.int32(step))) for step in steps]


@pytest.mark.parametrize("changes", [{}, OTHERS], ids=["numbers", "others"])
@pytest.mark.parametrize("name", optimizers.RULES)
def test_an_optimizer_equals_optax(name, changes):
    chosen = NUMBERS | changes
    assert_close(ours(name, **changes), theirs(OPTAX[name](chosen["learning_rate"], chosen)))


@pytest.mark.parametrize("name", OPTAX)
def test_a_scheduled_and_clipped_optimizer_equals_optax(name):
    rise, fall = optax.linear_schedule(0.0, 0.03, 3), optax.cosine_decay_schedule(0.03, TOTAL - 3, 0.2)
    expected = optax.chain(
        optax.clip_by_global_norm(0.5),
        OPTAX[name](lambda step: jnp.where(step < 3, rise(step + 1), fall(jnp.maximum(step - 3, 0))), NUMBERS),
    )
    assert_close(ours(name, "cosine", warmup=3.0, final_fraction=0.2, clip_norm=0.5), theirs(expected))


def test_the_constant_rate_is_the_peak_after_its_warmup():
    assert rates("constant", range(6), warmup=4.0) == pytest.approx([0.0075, 0.015, 0.0225, 0.03, 0.03, 0.03])
    assert rates("constant", [0, 10, TOTAL]) == pytest.approx([0.03] * 3)


@pytest.mark.parametrize("warmup", [0, 1, 8])
@pytest.mark.parametrize(
    ("schedule", "decay"),
    [
        ("cosine", lambda steps: optax.cosine_decay_schedule(0.03, steps, alpha=0.01)),
        ("exponential", lambda steps: optax.exponential_decay(0.03, steps, 0.01)),
    ],
)
def test_a_schedule_equals_optax(schedule, decay, warmup):
    steps = range(TOTAL + 1)
    rise = optax.linear_schedule(0.0, 0.03, warmup) if warmup else None
    expected = [rise(step + 1) if rise and step < warmup else decay(TOTAL - warmup)(step - warmup) for step in steps]
    np.testing.assert_allclose(rates(schedule, steps, warmup=float(warmup)), np.array(expected), rtol=1e-5)


def test_decays_by_hand():
    """The peak, then the arithmetic or geometric mean halfway, then the final fraction at the end and after it."""
    assert rates("cosine", [10, 30, 50, 70], warmup=10.0) == pytest.approx([0.03, 0.03 * 0.505, 0.0003, 0.0003])
    assert rates("exponential", [10, 30, 50, 70], warmup=10.0) == pytest.approx([0.03, 0.003, 0.0003, 0.0003])


def test_the_stages_are_those_of_the_iwae_paper():
    epochs = [stage for stage in range(8) for _ in range(3**stage)]  # the stage of each of 3,280 epochs
    progress = (jnp.arange(len(epochs)) + 0.5) / len(epochs)
    rates = 1e-3 * optimizers.DECAYS["stages"](progress, jnp.float32(0.1))
    np.testing.assert_allclose(rates, [1e-3 * 10 ** (-stage / 7) for stage in epochs], rtol=1e-5)


@pytest.mark.parametrize("schedule", optimizers.DECAYS)
def test_a_warmup_longer_than_the_training_only_rises(schedule):
    assert rates(schedule, range(5), total=5, warmup=100.0) == pytest.approx([0.0003 * n for n in range(1, 6)])


@pytest.mark.parametrize("clip_norm", [0.01, 1.0, 1e3])
def test_clip_equals_optax(clip_norm):
    clipped, _ = optimizers.clip(jnp.float32(clip_norm)).update(gradient(2), optax.EmptyState())
    expected, _ = optax.clip_by_global_norm(clip_norm).update(gradient(2), optax.EmptyState())
    assert_close(clipped, expected)


@pytest.mark.parametrize("clip_norm", [0.0, 1e3])
def test_clip_leaves_a_gradient_as_it_is(clip_norm):
    """To the bit, if clipping is off or the norm is below the bound."""
    clipped, _ = optimizers.clip(jnp.float32(clip_norm)).update(gradient(2), optax.EmptyState())
    jax.tree.map(np.testing.assert_array_equal, clipped, gradient(2))


def test_clip_of_a_zero_gradient_is_zero():
    zero = jax.tree.map(jnp.zeros_like, PARAMS)
    jax.tree.map(
        np.testing.assert_array_equal, optimizers.clip(jnp.float32(1.0)).update(zero, optax.EmptyState())[0], zero
    )


@pytest.mark.parametrize("schedule", optimizers.DECAYS)
@pytest.mark.parametrize("name", optimizers.RULES)
def test_all_numbers_may_change_without_compiling_anew(name, schedule):
    make, traces = optimizers.make(name, schedule, TOTAL), []

    @jax.jit
    def update(hp, step):
        traces.append(hp)
        transformation = make(hp, step)
        return jax.tree.leaves(transformation.update(gradient(1), transformation.init(PARAMS), PARAMS)[0])[0]

    settings = [{}, {"learning_rate": 0.06}, {key: value / 2 + 0.1 for key, value in NUMBERS.items()}]
    first, double, _ = (update(numbers(**changes), jnp.int32(step)) for step, changes in enumerate(settings, start=7))
    assert len(traces) == 1
    if schedule == "constant":
        np.testing.assert_allclose(double, 2 * first, rtol=1e-5)


def test_members_of_a_vmap_have_rates_and_clips_of_their_own():
    make = optimizers.make("sgd", "cosine", TOTAL)
    changes = [{"learning_rate": 0.01, "clip_norm": 0.0}, {"learning_rate": 0.1, "clip_norm": 0.5, "warmup": 5.0}]

    def update(hp):
        transformation = make(hp, jnp.int32(3))
        return transformation.update(gradient(1), transformation.init(PARAMS), PARAMS)[0]

    together = jax.vmap(update)(jax.tree.map(lambda *leaves: jnp.stack(leaves), *(numbers(**c) for c in changes)))
    for member, change in enumerate(changes):
        assert_close(jax.tree.map(lambda leaf, at=member: leaf[at], together), update(numbers(**change)))
