"""Losses against quadrature, scipy and finite differences in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, special, stats

from aejax.models.parts import losses

pytestmark = pytest.mark.slow

SHAPES = [(1,), (7,), (2, 3, 5), (4, 4, 1)]


def rows(seed, *shape):
    """The same numbers as jax's float32 and as numpy's float64."""
    x = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return jnp.asarray(x), x.astype(np.float64)


def grey(seed, *shape):
    x = np.random.default_rng(seed).uniform(size=shape).astype(np.float32)
    return jnp.asarray(x), x.astype(np.float64)


def plain_bernoulli(x, logits):
    """x log p + (1 − x) log(1 − p), summed over features."""
    log_probs = x * special.log_expit(logits) + (1 - x) * special.log_expit(-logits)
    return log_probs.reshape(len(x), -1).sum(axis=1)


def finite_difference(fn, at, epsilon=1e-5):
    """The gradient of a scalar function of an array, by central differences."""
    gradient = np.zeros_like(at)
    for place in np.ndindex(*at.shape):
        up, down = at.copy(), at.copy()
        up[place] += epsilon
        down[place] -= epsilon
        gradient[place] = (fn(up) - fn(down)) / (2 * epsilon)
    return gradient


@pytest.mark.parametrize(("mean", "logvar"), [(0.0, 0.0), (1.5, -2.0), (-3.0, 1.0), (0.2, -6.0)])
def test_kl_equals_quadrature(mean, logvar):
    sigma = np.exp(logvar / 2)

    def integrand(z):
        return stats.norm.pdf(z, mean, sigma) * (stats.norm.logpdf(z, mean, sigma) - stats.norm.logpdf(z))

    expected, _ = integrate.quad(integrand, mean - 12 * sigma, mean + 12 * sigma)
    kl = losses.kl_standard_normal(jnp.array([[mean]]), jnp.array([[logvar]]))
    np.testing.assert_allclose(kl, [[expected]], rtol=1e-5, atol=1e-6)


def test_kl_is_per_unit_and_zero_at_the_prior():
    mean, _ = rows(0, 3, 4)
    assert losses.kl_standard_normal(mean, mean).shape == (3, 4)
    assert (losses.kl_standard_normal(jnp.zeros((3, 4)), jnp.zeros((3, 4))) == 0.0).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_bernoulli_equals_the_plain_formula_on_grey_values(shape):
    (x, x64), (logits, logits64) = grey(0, 5, *shape), rows(1, 5, *shape)
    value = losses.bernoulli_log_likelihood(x, 4.0 * logits)
    assert value.shape == (5,)
    np.testing.assert_allclose(value, plain_bernoulli(x64, 4.0 * logits64), rtol=1e-5)


def test_bernoulli_equals_scipy_on_binary_values():
    x = np.random.default_rng(1).integers(0, 2, size=(6, 9))
    logits, logits64 = rows(0, 6, 9)
    expected = stats.bernoulli.logpmf(x, special.expit(logits64)).sum(axis=1)
    np.testing.assert_allclose(losses.bernoulli_log_likelihood(jnp.float32(x), logits), expected, rtol=1e-5)


@pytest.mark.parametrize("logit", [-100.0, 100.0])
@pytest.mark.parametrize("x", [0.0, 0.25, 1.0])
def test_bernoulli_is_right_at_extreme_logits(x, logit):
    def log_prob(x, logit):
        return losses.bernoulli_log_likelihood(jnp.full((1, 1), x), jnp.full((1, 1), logit)).sum()

    value, (by_x, by_logit) = jax.value_and_grad(log_prob, argnums=(0, 1))(x, logit)
    assert value == pytest.approx(plain_bernoulli(np.array([[x]]), logit)[0], abs=1e-6)
    assert by_x == logit
    assert by_logit == pytest.approx(x - (logit > 0))


def test_bernoulli_gradient_equals_finite_differences():
    (x, x64), (logits, logits64) = grey(0, 3, 4), rows(1, 3, 4)
    weights = np.array([1.0, -2.0, 0.5])  # different, to notice if rows exchange their gradients

    def weighted(x, logits):
        return (losses.bernoulli_log_likelihood(x, logits) * jnp.float32(weights)).sum()

    by_x, by_logits = jax.jit(jax.grad(weighted, argnums=(0, 1)))(x, logits)
    expected_by_x = finite_difference(lambda at: (plain_bernoulli(at, logits64) * weights).sum(), x64)
    expected_by_logits = finite_difference(lambda at: (plain_bernoulli(x64, at) * weights).sum(), logits64)
    np.testing.assert_allclose(by_x, expected_by_x, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(by_logits, expected_by_logits, rtol=1e-4, atol=1e-5)


def test_bernoulli_gradient_equals_that_of_the_same_value():
    """The hand-written rule against jax's derivative of the value: forwards, backwards and under vmap."""

    def plain(x, logits):
        return (x * jax.nn.log_sigmoid(logits) + (1 - x) * jax.nn.log_sigmoid(-logits)).sum(axis=-1)

    (x, _), (logits, _), (dx, _), (dlogits, _) = grey(0, 3, 4), rows(1, 3, 4), rows(2, 3, 4), rows(3, 3, 4)
    forwards = [jax.jvp(fn, (x, logits), (dx, dlogits)) for fn in (losses.bernoulli_log_likelihood, plain)]
    backwards = [
        jax.vmap(jax.grad(lambda row, fn=fn: fn(x, row).sum()))(jnp.stack([logits, -logits]))
        for fn in (losses.bernoulli_log_likelihood, plain)
    ]
    for ours, expected in (forwards, backwards):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), ours, expected)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("logvar", [-3.0, 0.0, 1.2])
def test_gaussian_equals_scipy(shape, logvar):
    (x, x64), (mean, mean64) = rows(0, 5, *shape), rows(1, 5, *shape)
    expected = stats.norm.logpdf(x64, mean64, np.exp(logvar / 2)).reshape(5, -1).sum(axis=1)
    value = losses.gaussian_log_likelihood(x, mean, jnp.float32(logvar))
    assert value.shape == (5,)
    np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-5)


def test_gaussian_gradient_equals_finite_differences():
    (x, x64), (mean, mean64) = rows(0, 3, 4), rows(1, 3, 4)
    by_mean, by_logvar = jax.grad(lambda m, v: losses.gaussian_log_likelihood(x, m, v).sum(), argnums=(0, 1))(
        mean, jnp.float32(-0.7)
    )
    np.testing.assert_allclose(
        by_mean,
        finite_difference(lambda at: stats.norm.logpdf(x64, at, np.exp(-0.35)).sum(), mean64),
        rtol=1e-4,
        atol=1e-5,
    )
    expected = finite_difference(lambda at: stats.norm.logpdf(x64, mean64, np.exp(at / 2)).sum(), np.array(-0.7))
    np.testing.assert_allclose(by_logvar, expected, rtol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_squared_error_is_a_sum_over_features(shape):
    (x, x64), (x_hat, x_hat64) = rows(0, 5, *shape), rows(1, 5, *shape)
    expected = [np.linalg.norm((a - b).ravel()) ** 2 for a, b in zip(x64, x_hat64, strict=True)]
    np.testing.assert_allclose(losses.squared_error(x, x_hat), expected, rtol=1e-5)


def test_squared_error_is_a_gaussian_of_variance_one_half_up_to_its_constant():
    """−log p = ‖x − x_hat‖² + d/2 log π at σ² = ½, the lecture's reading."""
    (x, _), (x_hat, _) = rows(0, 5, 6), rows(1, 5, 6)
    gaussian = losses.gaussian_log_likelihood(x, x_hat, jnp.log(jnp.float32(0.5)))
    np.testing.assert_allclose(-gaussian - 3 * np.log(np.pi), losses.squared_error(x, x_hat), rtol=1e-4, atol=1e-5)
