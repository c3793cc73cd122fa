"""Embeddings of items: pairs as data, negatives and AUC, maps from distances, and the output of a run on pairs."""

import csv
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import roc_auc_score

from aejax import config as configs
from aejax import data, models, records, trained
from aejax.data import new_rows
from aejax.data.readers import parquet
from aejax.engine import run
from aejax.errors import UserError
from aejax.models import pair_embedding
from aejax.plan import Plan
from aejax.reports.write import write_report
from configs import books_planted, supervised_regression
from configs import capitals as capitals_recipe
from configs import supervised as supervised_recipe
from experiments import _outputs as outputs
from experiments.claims import book_embedding

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)


# The pair embedding


@pytest.mark.parametrize("decimals", [1, 8])
def test_auc_is_scikit_learns_with_and_without_ties(decimals):
    positive, negative = RNG.normal(0.5, 1.0, 70).round(decimals), RNG.normal(0.0, 1.0, 130).round(decimals)
    expected = roc_auc_score(np.arange(200) < 70, np.concatenate([positive, negative]))
    measured = pair_embedding.auc(jnp.asarray(positive, jnp.float32), jnp.asarray(negative, jnp.float32))
    assert measured == pytest.approx(expected, abs=1e-6)


def loss_of(config, dataset, key, rows, frequency_weight=0.0, params=None):
    model = models.make(config.model, dataset.spec)
    params = params or model.init(jax.random.key(0))[0]
    batch = {name: jnp.asarray(values[rows]) for name, values in dataset.train.items()}
    return jax.jit(model.loss)(params, (), key, batch, frequency_weight=jnp.float32(frequency_weight))


@pytest.mark.parametrize("negatives", ["uniform", "shuffled"])
@pytest.mark.parametrize("target", ["classification", "regression"])
def test_negatives_depend_on_the_key_alone(target, negatives, planted):
    config = configs.replaced(planted, {"model.target": target, "model.negatives": negatives})
    dataset, rows = data.load(config.data), np.arange(64)
    one, same, other = jax.lax.map(
        lambda seed: loss_of(config, dataset, jax.random.key(seed), rows)[0], jnp.array([1, 1, 2])
    )
    assert one == same != other


@pytest.mark.parametrize("target", ["classification", "regression"])
def test_a_known_embedding_has_the_loss_of_the_equation(target, planted):
    """All items in one direction and all contexts opposite: every cosine is -1, whichever negatives are drawn."""
    config = configs.replaced(planted, {"model.target": target, "model.negative_ratio": 3})
    dataset, ones = data.load(config.data), np.ones((80, 50), np.float32)
    params = {"items": jnp.asarray(ones), "contexts": jnp.asarray(-2 * ones)}
    if target == "classification":
        params |= {"log_scale": jnp.log(2.0), "bias": jnp.float32(0.5)}
        expected = (np.log1p(np.exp(1.5)) + 3 * np.log1p(np.exp(-1.5))) / 4
    else:
        expected = (4.0 + 3 * 0.0) / 4
    loss, (metrics, _) = loss_of(config, dataset, jax.random.key(0), np.arange(64), 0.5, params)
    assert loss == pytest.approx(expected, rel=1e-4)
    assert metrics["accuracy"] == pytest.approx(0.75) and metrics["auc"] == pytest.approx(0.5, abs=0.3)


def test_frequency_weight_moves_the_weight_to_pairs_of_frequent_contexts(planted):
    dataset = data.load(planted.data)
    params = models.make(planted.model, dataset.spec).init(jax.random.key(0))[0]
    rows = np.arange(256)

    @jax.jit
    def loss(contexts, weight):
        return loss_of(planted, dataset, jax.random.key(0), rows, weight, {**params, "contexts": contexts})[0]

    def pull(weight):
        """The norm of the gradient for each context."""
        return np.linalg.norm(jax.grad(loss)(params["contexts"], weight), axis=1)

    counts = np.bincount(dataset.train["context"], minlength=80)
    seen = np.unique(dataset.train["context"][rows])
    ratio = pull(2.0)[seen] / pull(0.0)[seen]
    assert np.corrcoef(ratio, counts[seen])[0, 1] > 0.5


# The distance embedding and the classifier


def test_the_stress_is_that_of_the_true_map_zero():
    config = capitals_recipe.get_config()
    dataset = data.load(config.data)
    model = models.make(config.model, dataset.spec)
    rows = {name: jnp.asarray(values) for name, values in dataset.train.items()}
    table = jnp.asarray(dataset.items["position"])
    assert model.loss({"table": table}, (), None, rows)[0] < 1e-10
    distances = np.asarray(rows["distance"], np.float64)
    doubled = model.loss({"table": 2 * table}, (), None, rows)[0]
    assert doubled == pytest.approx(np.square(distances).mean(), rel=1e-4)
    same = {"table": jnp.zeros_like(table)}  # all in one place: the gradient must still be finite
    gradient = jax.grad(lambda params: model.loss(params, (), None, rows)[0])(same)
    assert jnp.isfinite(gradient["table"]).all()


def test_the_classifier_has_the_cross_entropy_of_its_probabilities():
    config = supervised_recipe.get_config()
    config.model.hidden = (8,)
    dataset = data.load(config.data)
    model = models.make(config.model, dataset.spec)
    params, stats = model.init(jax.random.key(0))
    batch = {name: jnp.asarray(values[:50]) for name, values in dataset.train.items()}
    loss, (metrics, _) = jax.jit(model.loss)(params, stats, jax.random.key(1), batch)
    layer = params["classifier"]["Dense_0"]
    logits = np.asarray(model.encode(params, batch["x"]) @ layer["kernel"], np.float64) + np.asarray(layer["bias"])
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    y = dataset.train["y"][:50]
    assert loss == pytest.approx(-np.log(probability[np.arange(50), y]).mean(), rel=1e-5)
    assert metrics["accuracy"] == pytest.approx((probability.argmax(axis=1) == y).mean())


# The regressor


@pytest.fixture(scope="module")
def linear_run(tmp_path_factory):
    """A regressor with k = 1 and no hidden layer, trained on all rows at once; and its file of 200 rows (40 test)."""
    directory = tmp_path_factory.mktemp("regressor")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4)) * [1.0, 2.0, 3.0, 4.0] + 5.0
    y = 1000.0 + x @ [30.0, -20.0, 10.0, 0.0] + 15.0 * rng.normal(size=200)
    np.savez(directory / "rows.npz", x=x, y=y, ids=[f"row {i}" for i in range(200)])
    config = supervised_regression.get_config()
    config.data.path, config.data.valid_fraction = str(directory / "rows.npz"), 0.0
    config.model.hidden, config.model.latent_dim = (), 1
    config.optimizer.learning_rate, config.optimizer.schedule = 0.05, "cosine"
    config.train.batch_size = 160
    config.train.epochs = config.train.save_every_epochs = config.log.every_epochs = 800
    run.run(Plan.make(config), directory / "run")
    write_report(directory / "run", "pca")
    return directory / "run", data.load(config.data)


def test_a_linear_regressor_is_least_squares(linear_run):
    workdir, dataset = linear_run
    loaded = trained.load(workdir)
    oracle = LinearRegression().fit(dataset.train["x"], dataset.train["y"])
    assert loaded.spec.label_moments
    mean, sd = loaded.spec.label_moments
    layer = loaded.params["regressor"]["Dense_0"]
    y_hat = mean + sd * (loaded.embed(dataset.test["x"]) @ layer["kernel"] + layer["bias"])[:, 0]
    np.testing.assert_allclose(y_hat, oracle.predict(dataset.test["x"]), atol=0.01 * sd)
    [row] = records.read_csv(workdir / "results.csv")
    error = np.square(oracle.predict(dataset.test["x"]) - dataset.test["y"]).mean()
    assert float(row["label_mse"]) == pytest.approx(error, rel=0.01)
    assert float(row["loss"]) == pytest.approx(error / (2 * sd**2), rel=0.01)
    assert {path.name for path in (workdir / "figures").iterdir()} == {"latent.png"}  # one visit makes no curve


def test_labels_that_are_numbers_come_with_the_codes(linear_run, tmp_path):
    workdir, dataset = linear_run
    loaded = trained.load(workdir)
    x, y, ids, _ = new_rows.read(loaded.config.data.path, loaded.config.data, loaded.spec)
    codes, labels = loaded.embed(x), outputs.label_names(y, loaded.spec)
    assert y is not None and ids is not None
    row = ids.tolist().index(dataset.ids["test"][0])
    for name in ("codes.npz", "codes.csv"):
        outputs.write_codes(tmp_path / name, codes, labels, ids)
    with np.load(tmp_path / "codes.npz") as file:
        assert file["labels"].dtype == np.float32 and file["labels"][row] == dataset.test["y"][0]
    written = records.read_csv(tmp_path / "codes.csv")[row]
    assert list(written) == ["id", "label", "z1"] and np.float32(written["label"]) == dataset.test["y"][0]
    near = outputs.neighbors(codes, labels, ids, "row 7", 3, "euclidean")
    assert [np.float32(entry["label"]) for entry in near] == [y[ids.tolist().index(entry["item"])] for entry in near]
    outputs.write_codes(tmp_path / "codes.tsv", codes, labels, ids)
    assert (tmp_path / "codes_metadata.tsv").read_text().splitlines()[
        1 + row
    ] == f"{ids[row]}\t{dataset.test['y'][0]!s}"


def test_codes_as_parquet_and_without_formulas(tmp_path):
    codes = np.array([[-1.5, 2], [0, -4]], np.float32)
    ids, labels = np.array(["=1+1", "a"]), ["@sum", "-x"]
    outputs.write_codes(tmp_path / "codes.parquet", codes, labels, ids)
    table = parquet.table(str(tmp_path / "codes.parquet"))
    assert table.to_pydict() == {"id": ["=1+1", "a"], "label": ["@sum", "-x"], "z1": [-1.5, 0.0], "z2": [2.0, -4.0]}
    for safe, quote in ((False, ""), (True, "'")):
        outputs.write_codes(tmp_path / "codes.csv", codes, labels, ids, safe)
        first, second = records.read_csv(tmp_path / "codes.csv")
        assert list(first.values()) == [f"{quote}=1+1", f"{quote}@sum", "-1.5", "2.0"]
        assert list(second.values()) == ["a", f"{quote}-x", "0.0", "-4.0"]
        outputs.write_codes(tmp_path / "codes.tsv", codes, labels, ids, safe)
        assert (tmp_path / "codes.tsv").read_text() == "-1.5\t2\n0\t-4\n"
        metadata = (tmp_path / "codes_metadata.tsv").read_text()
        assert metadata == f"id\tlabel\n{quote}=1+1\t{quote}@sum\na\t{quote}-x\n"
    spec: Any = SimpleNamespace(feature_names=("=a", "b"))
    outputs.write_samples(tmp_path / "x.csv", spec, codes, codes, {}, safe=True)
    assert (tmp_path / "x.csv").read_text().splitlines()[0] == "'=a,b"


# Runs of pairs


@pytest.fixture(scope="module")
def book_run(tmp_path_factory, books_ndjson):
    """A short run on the 60 books, evaluated."""
    config = books_planted.get_config()
    config.data.name, config.data.path, config.data.min_link_count = "books", str(books_ndjson), 2
    config.data.labels_path = str(books_ndjson.with_name("book_info.tsv"))
    config.model.latent_dim = 4
    config.train.epochs, config.train.save_every_epochs, config.log.every_epochs = 60, 60, 30
    workdir = tmp_path_factory.mktemp("book_run")
    run.run(Plan.make(config), workdir)
    write_report(workdir, "pca")
    return workdir


def test_a_run_of_pairs_learns_and_is_evaluated(book_run):
    [row] = records.read_csv(book_run / "results.csv")
    assert 0 < float(row["auc"]) < 1 and 0 < float(row["accuracy"]) < 1
    before, after = records.read_lines(book_run / "metrics.jsonl")
    assert after["auc"] > before["auc"] > 0.6 and after["loss"] < before["loss"]
    assert {path.name for path in (book_run / "figures").iterdir()} == {"latent.png", "curves.png"}


def test_items_are_embedded_by_their_names(book_run, tmp_path):
    loaded = trained.load(book_run)
    dataset = loaded.dataset()
    codes, ids = loaded.encode(dataset.items["x"]), dataset.ids["items"]
    labels = outputs.label_names(dataset.items["y"], loaded.spec)
    assert labels
    np.testing.assert_allclose(np.linalg.norm(codes, axis=1), 1.0, rtol=1e-5)
    near = outputs.neighbors(codes, labels, ids, "Book 7", 5, "cosine")
    cosine = codes @ codes[ids.tolist().index("Book 7")]
    assert [row["item"] for row in near] == ids[np.argsort(-cosine)[1:6]].tolist()
    assert sum(row["label"] == "crime" for row in near) >= 4  # like Book 7
    far = outputs.neighbors(codes, labels, ids, "Book 7", 5, "euclidean")
    assert [row["item"] for row in far] == [row["item"] for row in near]  # unit vectors: the same order
    assert far[0]["euclidean"] == pytest.approx(np.sqrt(2 - 2 * near[0]["cosine"]), rel=1e-3)
    with pytest.raises(UserError, match="--neighbors=Bok 7 is not an item: did you mean 'Book 7'"):
        outputs.neighbors(codes, labels, ids, "Bok 7", 5, "cosine")
    outputs.write_codes(tmp_path / "books.tsv", codes, labels, np.char.replace(ids, "Book 7", "Book\t7"))
    with open(tmp_path / "books_metadata.tsv", newline="") as file:
        metadata = list(csv.reader(file, delimiter="\t"))
    vectors = np.loadtxt(tmp_path / "books.tsv", delimiter="\t")
    assert metadata[0] == ["id", "label"] and metadata[8] == ["Book 7", "crime"] and len(metadata) == 61
    np.testing.assert_allclose(vectors, codes, rtol=1e-6)
    for given, written in ((ids, ids.tolist()), (None, [str(number) for number in range(60)])):
        outputs.write_codes(tmp_path / "books.tsv", codes, None, given)
        assert (tmp_path / "books_metadata.tsv").read_text().splitlines() == written


def test_a_run_of_pairs_takes_no_new_samples_and_no_other_books(book_run, books_ndjson, tmp_path):
    loaded = trained.load(book_run)
    with pytest.raises(UserError, match="can embed only its own items: omit the file"):
        new_rows.read("x.npy", loaded.config.data, loaded.spec)
    for x in (np.array([60]), np.array([-1]), np.array([0.5]), np.zeros((2, 2), int)):
        with pytest.raises(UserError, match="expects the indices .* of its items, integers from 0 to 59"):
            loaded.encode(x)
    before = books_ndjson.read_text()
    try:
        books_ndjson.write_text(before.replace('"Book 3"', '"Book III"'))
        with pytest.raises(UserError, match="have changed since it was trained"):
            loaded.dataset()
    finally:
        books_ndjson.write_text(before)


# The claims' baseline


def test_ppmi_of_a_table_done_by_hand():
    """p(0, 0) = 2/4, by chance ¾ ⋅ ½; p(0, 1) = ¼, by chance ¾ ⋅ ½, so PPMI is 0; p(1, 1) = ¼, by chance ¼ ⋅ ½."""
    matrix = book_embedding.ppmi(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), (2, 2)).toarray()
    np.testing.assert_allclose(matrix, [[np.log(4 / 3), 0.0], [0.0, np.log(2)]], atol=1e-12)


def test_the_baseline_gives_back_the_ppmi_when_nothing_is_cut(planted):
    dataset = data.load(planted.data)
    whole = book_embedding.ppmi(dataset.train["item"], dataset.train["context"], (80, 80)).toarray()
    for items, contexts in book_embedding.baseline(dataset, 79):
        assert np.linalg.norm(items @ contexts.T - whole) < 0.05 * np.linalg.norm(whole)
