"""A trained member as an object, against closed forms, the model's own functions and an evaluation's results."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from aejax import config as configs
from aejax import data, trained
from aejax.engine import programs, run
from aejax.errors import UserError
from aejax.plan import Axis, Plan
from aejax.reports import measure
from tests.conftest import small_config

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
X = (RNG.normal(size=(200, 6)) @ RNG.normal(size=(6, 6)) + 5.0).astype(np.float32) * np.float32(10.0)


@pytest.fixture(scope="module")
def make_run(tmp_path_factory):
    """Trains a small config with some values changed; returns the run directory and the dataset."""

    def make(changes, *axes):
        workdir = tmp_path_factory.mktemp("run")
        plan = Plan.make(configs.replaced(small_config(), {"train.epochs": 1} | changes), axes)
        run.run(plan, workdir)
        return workdir, data.load(plan.config.data)

    return make


@pytest.fixture(scope="module")
def digits(make_run):
    """Two VAEs of digits as zeros and ones, in batches of 100 rows."""
    changes = {"data.binarization": "threshold", "evaluate.batch_size": 100}
    return make_run(changes, Axis("seed", (3, 4)))


@pytest.fixture(scope="module")
def table(make_run, tmp_path_factory):
    """PCA and pPCA of a standardized table."""
    path = tmp_path_factory.mktemp("table") / "x.npz"
    np.savez(path, x=X)
    changes = {"data.name": "arrays", "data.path": str(path), "data.standardize": True, "model.latent_dim": 5}
    changes |= {"model.likelihood": "gaussian", "train.batch_size": 16}
    return make_run(changes, Axis("model.name", ("pca", "ppca")))


def standardized(x, spec):
    return (x - spec.center) / spec.spread


def test_a_member_is_chosen_by_its_number(digits):
    workdir, dataset = digits
    with pytest.raises(UserError, match="has 2 members: choose one with --member=0 to 1"):
        trained.load(workdir)
    with pytest.raises(UserError, match="--member=2 does not exist: .* has members 0 to 1"):
        trained.load(workdir, 2)
    first, second = (trained.load(workdir, index) for index in (0, 1))
    assert [model.member.swept for model in (first, second)] == [{"seed": 3}, {"seed": 4}]
    assert second.config.seed == 4 and "'seed': 4" in repr(second)
    assert np.abs(first.encode(dataset.test["x"]) - second.encode(dataset.test["x"])).max() > 0.01


def otherwise(model, changes, **spec):
    """The same parameters, as if in a run with another config and other data."""
    member = model.member._replace(base=configs.replaced(model.config, changes))
    return trained.Trained(member, model.model, model.spec._replace(**spec), model.params, model.status, model.prepared)


def test_codes_are_those_of_the_model_in_batches(digits):
    workdir, dataset = digits
    model, x = trained.load(workdir, 0), dataset.test["x"]
    parts: Any = model.model
    assert x.dtype == np.uint8 and len(x) == 359  # the last batch is a short one
    codes, bits = model.encode(x), jnp.asarray(x, jnp.float32)
    np.testing.assert_allclose(codes, parts.encode(model.params, bits), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(codes, model.embed(x))
    mean, logvar = model.posterior(x)
    np.testing.assert_array_equal(mean, codes)
    np.testing.assert_allclose(logvar, parts.posterior(model.params, bits)[1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        model.decode(codes), parts.decode(model.params, jnp.asarray(codes)), rtol=1e-4, atol=1e-5
    )


def test_rows_are_read_by_the_rules_of_the_run(digits):
    workdir, _ = digits
    model = trained.load(workdir, 0)
    grey = RNG.integers(0, 256, (5, 8, 8, 1), np.uint8)
    units = (grey / 255).astype(np.float32)
    codes = model.encode(units >= 0.5)
    for same in (units, grey, units[..., 0], units.reshape(5, -1)):  # thresholded, as its training rows were
        np.testing.assert_array_equal(model.encode(same), codes)
    other = otherwise(model, {"data.binarization": "none"}, byte_scale=1 / 255, support="unit")
    direct = model.model.encode(model.params, jnp.asarray(units))
    np.testing.assert_allclose(other.encode(grey), direct, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(other.encode(units), direct, rtol=1e-4, atol=1e-5)
    assert np.abs(direct - codes).max() > 0.01


@pytest.mark.parametrize("x", [X, RNG.choice([0, 3, 255], (60, 5, 4)).astype(np.uint8)])
def test_encode_takes_the_rows_that_dataset_returns(x, make_run, tmp_path):
    np.savez(tmp_path / "x.npz", x=x)
    changes = {"data.name": "arrays", "data.path": str(tmp_path / "x.npz"), "data.standardize": True}
    workdir, prepared = make_run(changes | {"model.name": "pca"})
    model, unit = trained.load(workdir), 255 if x.dtype == np.uint8 else 1
    spec, train = model.dataset().spec, x[prepared.row_numbers["train"]] / unit
    assert spec.center is None and spec.spread is None
    np.testing.assert_allclose(spec.mean.ravel(), train.mean(axis=0).ravel(), 1e-4, 1e-4)
    for split, used in (("train", prepared.train["x"]), ("test", prepared.test["x"])):
        rows = model.dataset()._asdict()[split]["x"]
        np.testing.assert_allclose(rows.reshape(-1, *x.shape[1:]) * unit, x[prepared.row_numbers[split]], 1e-4, 1e-4)
        np.testing.assert_array_equal(model.prepared()._asdict()[split]["x"], used)
        np.testing.assert_allclose(model.encode(rows), model.embed(used), rtol=1e-4, atol=1e-4)
        assert np.abs(model.embed(rows) - model.embed(used)).max() > 0.01


def test_planted_directions_are_returned_in_data_units(make_run):
    sizes = {"data.num_features": 6, "data.num_dimensions": 9, "data.num_rows": 100}
    workdir, _ = make_run({"data.name": "planted_features", "data.standardize": True, "model.name": "pca"} | sizes)
    directions = trained.load(workdir).dataset().truth["directions"]
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1.0, rtol=1e-5)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((8, 8, 1)), r"x has shape \(8, 8, 1\), expected \[N, 8, 8, 1\]: pass a single row as x\[None\]"),
        (np.zeros(64), r"x has shape \(64,\), expected \[N, 8, 8, 1\]"),
        (np.zeros((5, 63)), r"rows have shape \(63,\), but the run was trained on rows of \(8, 8, 1\)"),
        (np.zeros((0, 64)), r"x is empty"),
        (np.full((5, 64), 2.0), r"x lies in \[2, 2\], but the run was trained on data in \[0, 1\]"),
        (np.full((5, 64), np.nan), r"has no value in '0' .5 such rows.: fix or drop such rows$"),
        (np.full((5, 64), "a"), r"x has dtype <U1"),
    ],
)
def test_rows_that_do_not_fit_are_refused(x, message, digits):
    model = trained.load(digits[0], 0)
    for method in (model.encode, model.reconstruct, model.posterior, model.log_prob):
        with pytest.raises(UserError, match=message) as error:
            method(x)
        assert "\n" not in str(error.value)


def test_codes_that_do_not_fit_are_refused(digits):
    for z in (np.zeros(2), np.zeros((3, 4)), np.zeros((0, 2))):
        with pytest.raises(UserError, match=r"z has shape \(.*\), expected \[N, 2\]"):
            trained.load(digits[0], 0).decode(z)


def test_what_a_model_lacks_is_named(digits, table):
    pca, vae = trained.load(table[0], 0), trained.load(digits[0], 0)
    for lacking in (lambda: pca.log_prob(X), lambda: pca.log_weights(X, 3)):
        with pytest.raises(UserError, match=r"model.name=pca has no density p\(x\)"):
            lacking()
    with pytest.raises(UserError, match="model.name=pca has no Gaussian posterior"):
        pca.posterior(X)
    blind = trained.Trained(vae.member, vae.model._replace(decode=None), vae.spec, vae.params, vae.status, vae.prepared)
    for draw in (lambda: blind.sample(3), lambda: blind.decode(np.zeros((3, 2)))):
        with pytest.raises(UserError, match="model.name=vae has no decoder"):
            draw()


def test_a_standardized_run_takes_and_gives_data_units(table):
    workdir, dataset = table
    x = X[:150]
    pca = trained.load(workdir, 0)
    codes = pca.encode(x)
    np.testing.assert_array_equal(codes, pca.embed(standardized(x, dataset.spec)))
    parts: Any = pca.model
    direct = parts.decode(pca.params, codes) * dataset.spec.spread[None] + dataset.spec.center[None]
    np.testing.assert_allclose(pca.decode(codes), direct, rtol=1e-5)
    np.testing.assert_array_equal(pca.reconstruct(x), pca.decode(codes))
    residual = standardized(pca.reconstruct(x), dataset.spec) - standardized(x, dataset.spec)
    assert np.linalg.matrix_rank(residual, tol=1e-2) == 1  # five of six directions come back exactly


def test_an_exact_density_is_the_gaussian_it_is(table):
    workdir, dataset = table
    ppca, x = trained.load(workdir, 1), dataset.test["x"]  # standardized
    new = x * dataset.spec.spread + dataset.spec.center
    w = ppca.params["factors"]
    gaussian = multivariate_normal(ppca.params["mean"], w @ w.T + np.exp(ppca.params["logvar"]) * np.eye(6))
    found = ppca.log_prob(new, num_samples=4)
    np.testing.assert_allclose(found, gaussian.logpdf(x), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(ppca.log_weights(new, 3), np.tile(found, (3, 1)), rtol=1e-4, atol=1e-4)


def test_an_estimated_density_is_that_of_the_evaluation(digits):
    workdir, dataset = digits
    [group] = programs.make_groups(Plan.read(workdir))
    rows = measure.measure_group(trained.load_group(workdir, group), num_samples=40).results  # in two chunks of 20
    for index, seed in ((0, 3), (1, 4)):
        log_p = trained.load(workdir, index).log_prob(dataset.test["x"], 40, seed)
        assert log_p.shape == (359,)
        assert -log_p.mean() == pytest.approx(rows[index]["nll_threshold"], rel=1e-6)


def test_the_weights_average_to_the_density(digits):
    workdir, dataset = digits
    model, x = trained.load(workdir, 0), dataset.test["x"][:150]
    log_w = model.log_weights(x, 400)
    assert log_w.shape == (400, 150)
    estimate = logsumexp(log_w, axis=0) - np.log(400)
    assert np.abs(estimate - model.log_prob(x, 400, seed=1)).mean() < 0.2 < log_w.std(axis=0).mean()
    assert np.abs(estimate - logsumexp(model.log_weights(x, 400, seed=1), axis=0) + np.log(400)).max() > 0.0


def test_a_density_of_zeros_and_ones_is_refused_grey_values(digits):
    model = otherwise(trained.load(digits[0], 0), {"data.binarization": "dynamic"}, support="binary")
    grey = RNG.uniform(size=(5, 64))
    assert np.isfinite(model.encode(grey)).all()
    for density in (lambda: model.log_prob(grey), lambda: model.log_weights(grey, 2)):
        with pytest.raises(
            UserError, match="x has grey values, but with data.binarization=dynamic .*: binarize x first"
        ):
            density()
    assert np.isfinite(model.log_prob(grey > 0.5, 10)).all()


def test_samples_are_decoded_draws(digits, table):
    vae, pca = trained.load(digits[0], 0), trained.load(table[0], 0)
    for model, shape in ((vae, (8, 8, 1)), (pca, (6,))):
        x = model.sample(7, seed=1)
        assert x.shape == (7, *shape)
        np.testing.assert_array_equal(x, model.decode(model.sample_codes(7, seed=1)))
        assert np.abs(x - model.sample(7, seed=2)).max() > 0.01
        with pytest.raises(UserError, match="1000000000000 samples need at least .* GB, and there are"):
            model.sample(10**12)
    drawn = vae.sample_codes(4000)
    assert np.abs(drawn.mean(axis=0)).max() < 0.1 and np.abs(drawn.std(axis=0) - 1).max() < 0.1
    codes = pca.encode(pca.dataset().train["x"])  # without a prior, codes are drawn from the training codes' Gaussian
    np.testing.assert_allclose(np.cov(pca.sample_codes(40000).T), np.cov(codes.T), atol=0.05 * codes.var(axis=0).max())


def test_samples_from_changed_data_are_refused(table):
    workdir, dataset = table
    pca, path = trained.load(workdir, 0), Plan.read(workdir).config.data.path
    np.savez(path, x=X + 1)
    try:
        with pytest.raises(UserError, match="have changed since it was trained"):
            pca.sample(3)
        assert trained.load(workdir, 0, dataset).sample(3).shape == (3, 6)
    finally:
        np.savez(path, x=X)
