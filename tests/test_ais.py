"""Annealed importance sampling and its reverse against a linear VAE, whose log p(x) is known exactly."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from aejax.data.types import Condition
from aejax.metrics import ais
from aejax.reports.measure import can_anneal
from aejax.types import HParams, TrainState
from tests.test_log_likelihood import SPEC, D, K, make, task

pytestmark = pytest.mark.slow

VARIANCE = 0.3
RNG = np.random.default_rng(0)
W, B = RNG.normal(size=(K, D)), RNG.normal(size=D)
COVARIANCE: Any = W.T @ W + VARIANCE * np.eye(D)
MODEL = make("vae", likelihood="gaussian", variance=VARIANCE)
PARAMS = {"decoder": {"Dense_0": {"kernel": jnp.float32(W), "bias": jnp.float32(B)}}}  # annealing needs no encoder
DENSITY = stats.multivariate_normal(B, COVARIANCE)


@pytest.mark.parametrize("num_steps", [20, 1000])
def test_the_exact_density_of_simulated_rows_lies_within_the_bounds(num_steps):
    """For a normal log w, the gap is its variance: the error of a mean over 100 rows is √gap / 10."""
    simulated, x_test = [], np.float32(DENSITY.rvs(100, random_state=1))

    def sample_x(*arguments):
        simulated.append(MODEL.sample_x(*arguments))
        return simulated[0]

    state = TrainState(jnp.int32(0), jnp.int32(-1), PARAMS, (), ())
    hp = HParams(jnp.uint32(0), {}, {})
    found = ais.measure(task(MODEL._replace(sample_x=sample_x), 7), state, hp, {"x": jnp.asarray(x_test)}, num_steps)
    lower, upper, gap, nll = (float(found[name]) for name in ("ais_lower", "ais_upper", "ais_gap", "nll_ais"))
    exact, exact_test = DENSITY.logpdf(simulated[0]).mean(), DENSITY.logpdf(x_test).mean()
    error = np.sqrt(abs(gap) / 100)
    assert gap == pytest.approx(upper - lower, abs=1e-5) and abs(gap) < (0.1 if num_steps == 1000 else 8.0)
    assert lower - 4 * error < exact < upper + 4 * error
    assert -nll - 4 * error < exact_test < -nll + gap + 4 * error
    if num_steps == 20:
        assert lower + 2 * error < exact < upper - 2 * error  # few steps are loose, on both sides


CHAINS = 20_000


@pytest.fixture(scope="module")
def one_row():
    """A row for all chains: the target, exact draws of p(z) and of p(z|x), and log p(x)."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=K) @ W + B + np.sqrt(VARIANCE) * rng.normal(size=D)
    covariance = np.linalg.inv(np.eye(K) + W @ W.T / VARIANCE)
    posterior = rng.multivariate_normal(covariance @ W @ (x - B) / VARIANCE, covariance, CHAINS)
    rows = jnp.asarray(np.tile(np.float32(x), (CHAINS, 1)))

    def log_likelihood(z):
        return MODEL.log_likelihood(PARAMS, rows[: len(z)], z[None])[0]

    target = ais.Target(lambda z: MODEL.log_prior(PARAMS, z), log_likelihood)
    prior = jnp.float32(rng.normal(size=(CHAINS, K)))
    return target, prior, jnp.float32(posterior), DENSITY.logpdf(x)


def test_the_mean_weight_is_p_forwards_and_its_inverse_backwards(one_row):
    """Unbiased after ten steps that change the weights a lot: a weight or move at the wrong β would show."""
    target, prior, posterior, exact = one_row
    betas = ais.schedule(10)
    steps = jnp.full((11, CHAINS), 0.3)
    both = {
        1: ais.anneal(target, jax.random.key(0), prior, betas, steps),
        -1: ais.anneal(target, jax.random.key(1), posterior, betas[::-1], steps),
    }
    for sign, log_w in both.items():
        w = np.exp(np.asarray(log_w, np.float64) - sign * exact)  # its mean is 1
        error = w.std() / np.sqrt(CHAINS)
        assert error < 0.05 and abs(w.mean() - 1) < 4.5 * error


def test_one_step_is_importance_sampling_from_the_prior(one_row):
    target, prior, _, _ = one_row
    np.testing.assert_array_equal(ais.schedule(1), [0.0, 1.0])
    log_w = ais.anneal(target, jax.random.key(0), prior, ais.schedule(1), jnp.full((2, CHAINS), 0.1))
    np.testing.assert_allclose(log_w, target.log_likelihood(prior), rtol=1e-5, atol=1e-4)


def test_a_move_leaves_the_posterior_invariant_and_the_pilot_finds_its_step(one_row):
    """Moments of 20,000 exact draws, after a move that is often refused, are theirs before."""
    target, prior, z, _ = one_row
    steps = ais.find_steps(target, jax.random.key(3), prior[:300], ais.schedule(150))
    moved, chance = ais.move(
        ais.between(target, jnp.float32(1.0)), jax.random.key(4), z, steps[-1].mean().repeat(CHAINS)
    )
    assert 0.4 < chance.mean() < 0.9 and (moved != z).any(axis=1).mean() == pytest.approx(
        float(chance.mean()), abs=0.02
    )
    before, after = np.asarray(z, np.float64), np.asarray(moved, np.float64)
    assert np.corrcoef(before[:, 0], after[:, 0])[0, 1] < 0.9
    for moments in (lambda z: z, lambda z: z[:, :1] * z, lambda z: z[:, 1:] ** 2):
        center = before.mean(axis=0)
        change = moments(after - center) - moments(before - center)
        error = change.std(axis=0) / np.sqrt(CHAINS)
        assert (np.abs(change.mean(axis=0)) < 4.5 * error).all()


def test_only_a_model_whose_rows_depend_on_the_code_alone_is_annealed():
    counts = SPEC._replace(support="counts")
    assert can_anneal(make("vae", counts, likelihood="poisson", prior="mixture"))
    assert not can_anneal(make("vae", counts, likelihood="poisson", library_size="observed"))
    assert not can_anneal(make("vae", SPEC._replace(conditions=(Condition("batch", ("a", "b"), 0.0, 1.0, 0.0),))))
    assert not can_anneal(make("vae", posterior="two_layer", prior="two_layer"))
    assert not can_anneal(make("vae", posterior="von_mises_fisher", prior="uniform_sphere"))  # a move would leave it
    assert not can_anneal(make("autoencoder"))
