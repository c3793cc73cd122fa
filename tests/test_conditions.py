"""Conditions: how they are read, that each part of a VAE is given them if asked, and p(x|c) in closed form."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from aejax import config as configs
from aejax import data, models, trained
from aejax.data import conditions, new_rows
from aejax.data.types import Condition, Spec
from aejax.engine import run
from aejax.engine.preprocess import one_hot
from aejax.errors import UserError
from aejax.keys import base_config
from aejax.metrics import probes
from aejax.plan import Plan
from aejax.types import Given
from tests.test_arrays import write
from tests.test_data import assert_one_line, config, save

D, K, B = 4, 2, 6
BATCH, AGE = Condition("batch", ("A", "B", "C"), 0.0, 1.0, 1.0), Condition("age", (), 40.0, 10.0, 0.0)
SPEC = Spec((D,), "table", "real", 1.0, (), (), np.zeros(D, np.float32), None, None, conditions=(BATCH, AGE))
RNG = np.random.default_rng(0)
X, CODES = RNG.normal(size=(B, D)).astype(np.float32), np.array([[i % 3, i / 4 - 1] for i in range(B)], np.float32)
C = one_hot(CODES, SPEC.conditions)
TABLE = "batch,age,g1,g2,kind\n" + "".join(
    f"{'AB'[i % 2]},{20 + i}.5,{i},{2 * i}.25,{'xy'[i % 2]}\n" for i in range(20)
)


def make(spec=SPEC, **keys) -> Any:
    keys = {"latent_dim": K, "hidden": (3,), "likelihood": "gaussian", "activation": "tanh"} | keys
    return models.make(
        configs.replaced(base_config(), {f"model.{key}": value for key, value in keys.items()}).model, spec
    )


def test_categories_become_one_hot_vectors_and_numbers_stay():
    np.testing.assert_array_equal(C[4], [0, 1, 0, 0.0])
    np.testing.assert_array_equal(C[5], [0, 0, 1, 0.25])
    assert C.shape == (B, SPEC.num_conditions)
    kind = Condition("kind", ("x", "y"), 0.0, 1.0, 0.0)
    np.testing.assert_array_equal(one_hot([[2, 0.25, 1]], (BATCH, AGE, kind)), [[0, 0, 1, 0.25, 0, 1]])


def test_the_density_of_a_linear_gaussian_model_given_c_is_its_closed_form():
    """x = W z + V c + b + noise, z ~ N(m(c), S(c)): importance sampling meets N(W m + V c + b, W S W' + I)."""
    model = make(hidden=(), prior="conditional")
    params = jax.tree.map(
        lambda a: jnp.asarray(RNG.normal(size=a.shape), jnp.float32) * 0.3, model.init(jax.random.key(0))[0]
    )
    wide = {"kernel": jnp.zeros((D, 2 * K)), "bias": jnp.repeat(jnp.float32([0.0, 0.5]), K)}  # covers the posterior
    params["encoder"]["Dense_0"] = wide
    log_w = model.log_weights(params, jax.random.key(1), Given(jnp.asarray(X), C), 100_000)
    w, v, b = (
        np.asarray(a, np.float64)
        for a in (
            params["decoder"]["Dense_0"]["kernel"],
            params["decoder"]["Condition"]["kernel"],
            params["decoder"]["Dense_0"]["bias"],
        )
    )
    moments = np.asarray(C @ params["prior"]["matrix"] + params["prior"]["bias"][None], np.float64)

    def covariance(row) -> Any:
        return w.T @ np.diag(np.exp(row[K:])) @ w + np.eye(D)

    exact = [
        multivariate_normal.logpdf(x, w.T @ row[:K] + v.T @ c + b, covariance(row))
        for row, c, x in zip(moments, np.asarray(C), X, strict=True)
    ]
    ratio = np.exp(np.asarray(log_w, np.float64) - np.asarray(exact))  # its mean is 1
    error = ratio.std(axis=0) / np.sqrt(len(ratio))
    assert (error < 0.1).all() and (np.abs(ratio.mean(axis=0) - 1.0) < 4.5 * error).all()


def test_the_kl_is_from_the_posterior_to_the_prior_at_the_rows_conditions():
    model = make(prior="conditional")
    params = model.init(jax.random.key(0))[0]
    params["prior"] = jax.tree.map(lambda a: a + 0.3 * jnp.cos(jnp.arange(a.size)).reshape(a.shape), params["prior"])
    mean, logvar = map(np.asarray, model.posterior(params, Given(jnp.asarray(X), C)))
    m, v = np.split(np.asarray(C @ params["prior"]["matrix"]) + np.asarray(params["prior"]["bias"]), 2, axis=1)
    expected = 0.5 * (v - logvar + np.exp(logvar - v) + np.square(mean - m) * np.exp(-v) - 1.0)
    np.testing.assert_allclose(model.kl_of_units(params, Given(jnp.asarray(X), C)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("network", ["mlp", "conv"])
@pytest.mark.parametrize(("encoder", "decoder"), [*itertools.product([False, True], repeat=2)])
def test_a_part_is_given_the_conditions_if_asked(network, encoder, decoder):
    spec = SPEC._replace(shape=(4, 4, 1), kind="image", mean=np.zeros((4, 4, 1), np.float32))
    model = make(spec, network=network, condition_encoder=encoder, condition_decoder=decoder)
    params, z = model.init(jax.random.key(0))[0], jnp.ones((1, K))
    x, one, other = jnp.ones((1, 4, 4, 1)), C[:1], C[1:2]
    codes = [model.encode(params, Given(x, c)) for c in (one, other)]
    decoded = [model.decode(params, Given(z, c)) for c in (one, other)]
    assert (np.abs(codes[0] - codes[1]).max() > 1e-3) == encoder
    assert (np.abs(decoded[0] - decoded[1]).max() > 1e-3) == decoder


@pytest.mark.parametrize("switched", [False, True], ids=["zeros", "switched off"])
def test_conditions_of_zeros_and_parts_without_conditions_change_no_bit(switched):
    """Three steps of training from the same key give the same parameters as without conditions."""

    def train(model, batch):
        @jax.jit
        def step(params, key):
            gradient = jax.grad(lambda params: model.loss(params, (), key, batch, beta=1.0)[0])(params)
            return jax.tree.map(lambda p, g: p - 0.1 * g, params, gradient)

        params = model.init(jax.random.key(3))[0]
        for number in range(3):
            params = step(params, jax.random.key(number))
        return params

    plain = train(make(SPEC._replace(conditions=())), {"x": jnp.asarray(X)})
    model = make(condition_encoder=not switched, condition_decoder=not switched)
    found = train(model, {"x": jnp.asarray(X), "c": C if switched else jnp.zeros_like(C)})
    for part in ("encoder", "decoder"):
        assert ("Condition" in found[part]) == (not switched)
        for layer, values in plain[part].items():
            jax.tree.map(np.testing.assert_array_equal, values, found[part][layer])


def test_a_table_gives_its_columns_as_codes_and_standardized_numbers(tmp_path):
    keys = config(
        "arrays",
        path=write(tmp_path / "t.csv", TABLE),
        label_column="kind",
        condition_columns="age, batch,kind",
        condition_numbers="age",
    )
    loaded = data.load(keys)
    assert loaded.spec.feature_names == ("g1", "g2") and loaded.spec.shape == (2,)
    age, batch, kind = loaded.spec.conditions
    rows = loaded.train["x"][:, 0].astype(int)  # g1 is the number of the row
    assert batch.categories == ("A", "B") and kind.categories == ("x", "y") and not age.categories
    np.testing.assert_allclose(age.center, (rows + 20.5).mean())
    np.testing.assert_allclose(age.spread, (rows + 20.5).std())
    for split in (loaded.train, loaded.valid, loaded.test):
        rows = split["x"][:, 0].astype(int)
        np.testing.assert_allclose(split["c"][:, 0], (rows + 20.5 - age.center) / age.spread, rtol=1e-6)
        np.testing.assert_array_equal(split["c"][:, 1], rows % 2)
        np.testing.assert_array_equal(split["c"][:, 2], split["y"])
    new = new_rows.read(write(tmp_path / "new.csv", "g2,g1,batch,age,kind\n1,2,B,20.5,x\n"), keys, loaded.spec)
    assert new.c is not None
    np.testing.assert_allclose(new.c, [[(20.5 - age.center) / age.spread, 1, 0]], rtol=1e-6)
    assert new_rows.read(write(tmp_path / "few.csv", "g2,g1,batch\n1,2,B\n"), keys, loaded.spec).c is None


def test_the_typical_category_is_the_most_frequent():
    fitted = conditions.fit("batch", np.array(["C", "A", "B", "B", "C", "B"]), False, "t.csv", np.arange(6))
    assert fitted == Condition("batch", ("A", "B", "C"), 0.0, 1.0, 1.0)


def test_arrays_labels_and_factors_can_be_conditions(tmp_path):
    path = save(tmp_path / "a.npz", x=X, y=np.arange(B) % 2, age=np.arange(B) / 2, site=np.repeat([7, 8], 3))
    loaded = data.load(config("arrays", path=path, condition_columns="label,site,age", condition_numbers="age"))
    site = [condition.categories for condition in loaded.spec.conditions][1]
    assert site == ("7", "8") and loaded.train["c"].shape == (len(loaded.train["x"]), 3)
    np.testing.assert_array_equal(loaded.train["c"][:, 0], loaded.train["y"])
    sprites = data.load(config("sprites", condition_columns="shape"))
    place = sprites.spec.factor_names.index("shape")
    np.testing.assert_array_equal(sprites.test["c"][:, 0], sprites.test["factors"][:, place])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"condition_columns": "bach"}, ("data.condition_columns=bach", "did you mean 'batch'")),
        ({"condition_columns": "batch,batch"}, ("names a column twice",)),
        ({"condition_columns": "batch", "condition_numbers": "age"}, ("data.condition_numbers=age", "add it there")),
        ({"condition_columns": "batch", "condition_numbers": "batch"}, ("row 0", "no finite number in batch")),
    ],
)
def test_a_column_that_cannot_be_a_condition_is_named(changes, words, tmp_path):
    with pytest.raises(UserError) as error:
        data.load(config("arrays", path=write(tmp_path / "t.csv", TABLE), label_column="kind", **changes))
    assert_one_line(error, *words)


def test_real_numbers_empty_cells_and_unseen_categories_are_named(tmp_path):
    """Rows are counted in the file, whatever split they end up in."""

    def load(text, columns):
        return data.load(
            config("arrays", path=write(tmp_path / "t.csv", text), label_column="kind", condition_columns=columns)
        )

    with pytest.raises(UserError, match="age holds real numbers: name it in data.condition_numbers"):
        data.load(config("arrays", path=save(tmp_path / "a.npz", x=X, age=np.arange(B) / 2), condition_columns="age"))
    with pytest.raises(UserError, match="age holds real numbers: name it in data.condition_numbers"):
        load(TABLE, "age,batch")
    for row in (0, 7, 13):
        with pytest.raises(UserError, match=rf"row {row} \(counted from 0\) has no value in batch"):
            load(TABLE.replace(f"{'AB'[row % 2]},{20 + row}.5", f",{20 + row}.5"), "batch")
    row = int(load(TABLE, "batch").test["x"][0, 1])  # g1 is the number of the row; in training it would be known
    with pytest.raises(UserError, match=rf"row {row} \(counted from 0\): batch=RARE is not among the training rows"):
        load(TABLE.replace(f"{'AB'[row % 2]},{20 + row}.5", f"RARE,{20 + row}.5"), "batch")
    with pytest.raises(UserError, match=r"the conditions: row 1 .*: batch=D is not among the training rows: .*A, B, C"):
        conditions.chosen(SPEC.conditions, {"batch": ["A", "D"], "age": 3}, 2)


def test_values_are_chosen_for_all_rows_or_for_each():
    found = conditions.chosen(SPEC.conditions, {"batch": "B", "age": ["30", "50"]}, 2)
    np.testing.assert_array_equal(found, [[1, -1], [1, 1]])
    np.testing.assert_array_equal(conditions.typical(SPEC.conditions), [[1, 0]])
    assert conditions.typical_words(SPEC.conditions) == " at batch = B, age = 40"
    for values, words in (
        ({"batch": "B"}, "needs a value of age .a number; the mean is 40.: give it .*--condition=age=VALUE"),
        ({"batch": "B", "age": "x"}, r"age=x is not a finite number: give one \(the mean is 40\)"),
        ({"batch": "B", "age": "nan"}, "age=nan is not a finite number"),
        ({"batch": "B", "age": 1, "sex": 1}, "sex is not a condition of this run: known names are batch, age"),
        (
            {"batch": ["A", "B", "C"], "age": 1},
            r"batch has shape \(3,\): give one value, or one for each of the 2 rows",
        ),
    ):
        with pytest.raises(UserError, match=words):
            conditions.chosen(SPEC.conditions, values, 2)


def test_the_conditional_prior_and_the_vamp_prior_say_what_they_need():
    with pytest.raises(UserError, match="model.prior=conditional needs conditions: .* data.condition_columns"):
        make(SPEC._replace(conditions=()), prior="conditional")
    with pytest.raises(UserError, match="model.prior=vamp .*: use --config.model.condition_encoder=false"):
        make(prior="vamp")
    make(prior="vamp", condition_encoder=False)


def test_mixing_is_the_entropy_among_neighbors():
    codes = RNG.normal(size=(300, 2)).astype(np.float32)
    separate = np.repeat([0.0, 1.0], 150)[:, None].astype(np.float32)
    mixed = np.tile([0.0, 1.0], 150)[:, None].astype(np.float32)
    assert probes.mixing(codes + 100 * separate, separate) == 0.0
    distances = np.linalg.norm(codes[:, None] - codes[None], axis=-1)
    share = mixed[np.argsort(distances, axis=1)[:, 1:51], 0].mean(axis=1)
    by_hand = -(share * np.log(share) + (1 - share) * np.log1p(-share)).mean() / np.log(2)
    np.testing.assert_allclose(probes.mixing(codes, mixed), by_hand, rtol=1e-5)
    assert np.isnan([probes.mixing(codes[:num], separate[:num]) for num in (1, 2)]).all()


@pytest.fixture(scope="module")
def counts(tmp_path_factory):
    """A run of the counts recipe, one epoch of a small network."""
    from configs import counts

    workdir = tmp_path_factory.mktemp("counts")
    changes = {"train.epochs": 1, "model.hidden": (8,), "model.prior": "conditional", "evaluate.batch_size": 3}
    run.run(Plan.make(configs.replaced(counts.get_config(), changes)), workdir)
    return workdir


@pytest.mark.slow
def test_a_trained_member_is_asked_at_a_condition(counts, tmp_path):
    """The encoder of the recipe is given no batch; its decoder and its prior are."""
    model, x = trained.load(counts), trained.load(counts).dataset().test["x"][:5]
    codes = model.encode(x)
    rows = model.read(save(tmp_path / "new.npz", x=x, batch=["C"] * 5))  # unseen, but the encoder is not given it
    np.testing.assert_array_equal(model.embed(rows.x, rows.c), codes)
    a, b = (model.decode(codes, {"batch": batch}) for batch in "AB")
    assert np.abs(a - b).max() > 0
    mixed = model.decode(codes, {"batch": list("ABABA")})  # in batches of three rows and two
    np.testing.assert_allclose(mixed, np.where(np.arange(5)[:, None] % 2, b, a), rtol=1e-5)
    assert np.abs(model.sample_codes(3, 0, {"batch": "A"}) - model.sample_codes(3, 0, {"batch": "B"})).max() > 0
    np.testing.assert_array_equal(model.reconstruct(x, {"batch": "A"}), a)
    known = model.log_prob(x, 8, conditions={"batch": "A"}), model.log_prob(x, 8, conditions={"batch": "B"})
    assert (known[0] != known[1]).all()
    with pytest.raises(
        UserError,
        match="this run needs a value of batch .one of A, B.: give it as a column of the file, as conditions=",
    ):
        model.decode(codes)
    with pytest.raises(UserError, match="batch=C is not among the training rows: .*known names are A, B"):
        model.sample(2, conditions={"batch": "C"})


@pytest.mark.slow
def test_sample_takes_conditions(counts, ask, refused, tmp_path):
    arguments = [f"--workdir={counts}", "--num_samples=2", f"--output={tmp_path / 's.csv'}"]
    code, out, *_ = ask("warm", "sample", [*arguments, "--condition=batch=B"])
    assert code == 0 and "2 samples" in out and len((tmp_path / "s.csv").read_text().splitlines()) == 3
    for given, words in (
        ([], "this run needs a value of batch (one of A, B)"),
        (["--condition=batch=Z"], "batch=Z is not among the training rows"),
        (["--condition=batch"], "--condition=batch: name a column and its value"),
        (["--condition=batch=A", "--condition=batch=B"], "--condition names a column twice"),
    ):
        code, _, error, _ = ask("warm", "sample", [*arguments, *given])
        assert code == 2 and words in error and error.count("\n") == 1, error
