"""Files of counts, sparse or not: scipy, pyarrow and anndata write them, and they train as the same dense rows do."""

import gzip
import hashlib
import sys
from typing import Any

import jax
import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp

import aejax
from aejax import data
from aejax.data import new_rows, sparse
from aejax.engine import programs
from aejax.errors import UserError
from aejax.keys import base_config
from aejax.plan import Plan
from aejax.reports import views
from tests.test_arrays import write
from tests.test_data import assert_one_line, config, save

RNG = np.random.default_rng(0)
X = RNG.poisson(0.7, (30, 5)).astype(np.int32)
X[:, 0] += 1  # no row is empty
X[4, 2] = 300  # no byte
Y = np.array(["T", "B", "NK"])[np.arange(30) % 3]
IDS = np.array([f"cell-{row}" for row in range(30)])
NAMES = tuple(f"gene{place}" for place in range(5))


def csv_text(separator):
    lines = [["id", *NAMES, "type"], *([IDS[i], *map(str, X[i]), Y[i]] for i in range(30))]
    return "\n".join(separator.join(line) for line in lines) + "\n"


def npz(folder, form):
    sp.save_npz(folder / "x.npz", sp.csr_matrix(X).asformat(form))
    return {}


def npz_with_age(folder):
    m: Any = sp.csr_array(X)
    arrays = {"data": m.data, "indices": m.indices, "indptr": m.indptr, "age": np.arange(30.0)}
    save(folder / "x.npz", format=b"csr", shape=m.shape, **arrays)
    return {}


def npz_with_labels(folder):
    m: Any = sp.csr_array(X)
    save(folder / "x.npz", format=b"csr", shape=m.shape, data=m.data, indices=m.indices, indptr=m.indptr, y=Y, ids=IDS)
    return {}


def text(folder, name, separator):
    with gzip.open(folder / name, "wt") as file:
        file.write(csv_text(separator))
    return {"label_column": "type", "id_column": "id"}


def mtx(folder, name="matrix.mtx", beside="", turned=False, dense=False):
    """A matrix of features × rows, with its names in gzipped or plain files if `beside` is their ending."""
    matrix = X if turned else X.T
    scipy.io.mmwrite(folder / "matrix.mtx", matrix if dense else sp.coo_matrix(matrix))
    raw = (folder / "matrix.mtx").read_bytes()
    (folder / "matrix.mtx").unlink()
    prefix = name.partition("matrix")[0]
    tables = {f"{prefix}barcodes.tsv{beside}": "\n".join(IDS)}
    tables |= {f"{prefix}features.tsv{beside}": "\n".join(f"ENS{i}\t{name}\tGene" for i, name in enumerate(NAMES))}
    for file, content in {name: raw, **(tables if name != "plain.mtx" else {})}.items():
        content = content if isinstance(content, bytes) else content.encode()
        (folder / file).write_bytes(gzip.compress(content) if file.endswith(".gz") else content)
    return {"transpose": turned}


def parquet(folder, **more):
    import pyarrow
    from pyarrow import parquet

    columns = {"type": pyarrow.array(Y.tolist()).dictionary_encode(), "id": IDS.tolist()}
    columns |= {name: X[:, place] for place, name in enumerate(NAMES)}
    parquet.write_table(pyarrow.table(columns | more), folder / "x.parquet")
    return {"label_column": "type", "id_column": "id"}


def h5ad(folder, layer="", form="csr"):
    anndata: Any = pytest.importorskip("anndata", reason="anndata is not installed: .h5ad is not tested")
    import pandas  # type: ignore[import-not-found]  # comes with anndata

    obs = pandas.DataFrame({"type": pandas.Categorical(Y), "id": IDS, "age": np.arange(30.0)}, index=IDS)
    matrix = X.astype(np.float32) if form == "dense" else sp.csr_matrix(X.astype(np.float32)).asformat(form)
    table = anndata.AnnData(matrix, obs, pandas.DataFrame(index=list(NAMES)))
    if layer:
        table.layers[layer] = matrix
        table.X = np.log1p(X)
    table.write_h5ad(folder / "x.h5ad")
    return {"label_column": "type", "layer": layer}


FILES: dict[str, tuple[str, Any]] = {
    "csr": ("x.npz", lambda folder: npz(folder, "csr")),
    "csc": ("x.npz", lambda folder: npz(folder, "csc")),
    "coo": ("x.npz", lambda folder: npz(folder, "coo")),
    "csr and labels": ("x.npz", npz_with_labels),
    "csv.gz": ("x.csv.gz", lambda folder: text(folder, "x.csv.gz", ",")),
    "tsv.gz": ("x.TSV.gz", lambda folder: text(folder, "x.TSV.gz", "\t")),
    "mtx alone": ("plain.mtx", lambda folder: mtx(folder, "plain.mtx")),
    "mtx": ("matrix.mtx", mtx),
    "mtx.gz": ("GSM_matrix.mtx.gz", lambda folder: mtx(folder, "GSM_matrix.mtx.gz", beside=".gz")),
    "mtx of rows": ("matrix.mtx", lambda folder: mtx(folder, turned=True)),
    "dense mtx": ("matrix.mtx", lambda folder: mtx(folder, dense=True)),
    "parquet": ("x.parquet", parquet),
    "h5ad": ("x.h5ad", h5ad),
    "h5ad layer": ("x.h5ad", lambda folder: h5ad(folder, "counts", "csc")),
    "dense h5ad": ("x.h5ad", lambda folder: h5ad(folder, form="dense")),
}
DENSE = ("csv.gz", "tsv.gz", "dense mtx", "parquet", "dense h5ad")


@pytest.mark.parametrize("kind", FILES)
def test_every_format_gives_the_data_of_the_dense_npz(kind, tmp_path):
    """The same sha256 as the dense file (of x alone, or of x and y), with labels, ids and names where they are."""
    name, write_file = FILES[kind]
    keys = config("arrays", path=str(tmp_path / name), **write_file(tmp_path))
    found = data.load(keys)
    labels = {"y": Y} if "y" in found.train else {}
    expected = data.load(config("arrays", path=save(tmp_path / "dense.npz", x=X, **labels)))
    assert found.sha256 == expected.sha256
    assert found.spec._replace(feature_names=(), mean=expected.spec.mean) == expected.spec
    np.testing.assert_array_equal(found.spec.mean, expected.spec.mean)
    for split in ("train", "valid", "test"):
        x, dense = getattr(found, split)["x"], getattr(expected, split)["x"]
        assert sparse.is_sparse(x) == (kind not in DENSE) and x.dtype == dense.dtype == np.uint16
        np.testing.assert_array_equal(sparse.dense(x), dense)
    has_names = "npz" not in name and "plain" not in name
    assert bool(labels) == ("mtx" not in kind and kind not in ("csr", "csc", "coo"))
    assert found.spec.feature_names == (NAMES if has_names else ())
    if has_names or labels:
        rows = sparse.dense(found.test["x"])
        np.testing.assert_array_equal(rows, X[[IDS.tolist().index(name) for name in found.ids["test"]]])
    x, y, ids, _ = new_rows.read(keys.path, keys, found.spec)  # what embed reads
    np.testing.assert_array_equal(sparse.dense(x), X)
    assert (y is not None) == bool(labels) and (ids is None) == (not (has_names or labels))


@pytest.mark.parametrize("kind", ["npz", "h5ad", "parquet"])
def test_columns_that_are_conditions_are_no_features(kind, tmp_path):
    written = {"npz": npz_with_age, "h5ad": h5ad, "parquet": lambda folder: parquet(folder, age=np.arange(30.0))}
    keys = {"condition_columns": "age", "condition_numbers": "age"}
    found = data.load(config("arrays", path=str(tmp_path / f"x.{kind}"), **written[kind](tmp_path), **keys))
    assert found.spec.shape == (5,)
    rows, (age,) = found.row_numbers["train"], found.spec.conditions
    np.testing.assert_allclose(found.train["c"][:, 0], (rows - rows.mean()) / rows.std(), rtol=1e-6)
    assert age.center == rows.mean()


def test_new_columns_are_matched_by_name(tmp_path):
    keys = config("arrays", path=str(tmp_path / "x.parquet"), **parquet(tmp_path))
    spec = data.load(keys).spec
    mtx(tmp_path)
    order = [3, 1, 4, 0, 2]
    scipy.io.mmwrite(tmp_path / "matrix.mtx", sp.coo_matrix(X.T[order]))
    write(tmp_path / "genes.tsv", "".join(f"ENS{i}\t{NAMES[i]}\n" for i in order))
    (tmp_path / "features.tsv").unlink()
    x, *_ = new_rows.read(str(tmp_path / "matrix.mtx"), keys, spec)
    np.testing.assert_array_equal(sparse.dense(x), X)
    write(tmp_path / "genes.tsv", "".join(f"ENS{i}\tsame\n" for i in range(5)))  # symbols that repeat: the first column
    with pytest.raises(UserError, match="'gene0', .* are missing and columns 'ENS0', .* are not in the run's data"):
        new_rows.read(str(tmp_path / "matrix.mtx"), keys, spec)


def test_a_value_is_stored_once_and_no_zero_is():
    matrix: Any = sp.csr_matrix((np.array([3, -1, 2, 4, -4]), [1, 1, 0, 2, 2], [0, 2, 5]), shape=(2, 3))
    x = sparse.as_csr(matrix, "x")
    assert (x.data.tolist(), x.indices.tolist(), x.indptr.tolist()) == ([2, 2], [1, 0], [0, 1, 2])
    assert matrix.nnz == 5  # the user's matrix is left alone


@pytest.mark.parametrize("keys", [{}, {"standardize": True}, {"binarization": "static"}, {"binarization": "dynamic"}])
def test_real_numbers_may_be_sparse(keys, tmp_path):
    """To the bit, also the means: rows of real numbers, or of numbers in [0, 1] where they are binarized."""
    x = np.where(RNG.random((40, 6)) < 0.4, RNG.normal(size=(40, 6)), 0).astype(np.float32)
    x = np.clip(np.abs(x), 0, 1) if "binarization" in keys else x
    sp.save_npz(tmp_path / "x.npz", sp.csc_array(x))
    found = data.load(config("arrays", path=str(tmp_path / "x.npz"), **keys))
    expected = data.load(config("arrays", path=save(tmp_path / "dense.npz", x=x), **keys))
    assert found.sha256 == expected.sha256 and found.spec.support == expected.spec.support
    for one, two in zip(found.spec, expected.spec, strict=True):
        np.testing.assert_array_equal(one, two)
    assert sparse.is_sparse(found.train["x"]) == (keys in ({}, {"binarization": "dynamic"}))
    rows, *_ = new_rows.read(str(tmp_path / "x.npz"), config("arrays", **keys), found.spec)
    again, *_ = new_rows.read(str(tmp_path / "dense.npz"), config("arrays", **keys), found.spec)
    np.testing.assert_array_equal(sparse.dense(rows), again)


# bad files


def bad_index(folder):
    m: Any = sp.csc_array(X)
    save(folder / "x.npz", format=b"csc", shape=m.shape, data=m.data, indices=m.indices + 3, indptr=m.indptr)


def lines(folder, name, number):
    mtx(folder)
    path = folder / name
    path.write_text("\n".join(path.read_text().splitlines()[:number]))


def cut(folder, name, write_file, *arguments):
    write_file(folder, *arguments)
    raw = (folder / name).read_bytes()
    (folder / name).write_bytes(raw[: len(raw) * 2 // 3])


def parquet_of(folder, **columns):
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(columns), folder / "x.parquet")


def not_finite(folder):
    x = X.astype(float)
    x[3, 2] = np.inf
    sp.save_npz(folder / "x.npz", sp.csr_array(x))


BAD: dict[str, tuple[str, Any, dict[str, Any], list[str]]] = {
    "cut npz": ("x.npz", lambda f: cut(f, "x.npz", npz, "csr"), {}, ["x.npz", "damaged"]),
    "indices outside": ("x.npz", bad_index, {}, ["x.npz", "not a sparse matrix that can be read"]),
    "inf": ("x.npz", not_finite, {}, ["row 3", "feature 2", "inf"]),
    "layer of an npz": ("x.npz", lambda f: npz(f, "csr"), {"layer": "counts"}, ["data.layer applies only to .h5ad"]),
    "cut mtx": ("matrix.mtx", lambda f: cut(f, "matrix.mtx", mtx), {}, ["matrix.mtx", "damaged"]),
    "cut mtx.gz": ("matrix.mtx.gz", lambda f: cut(f, "matrix.mtx.gz", mtx, "matrix.mtx.gz"), {}, ["damaged"]),
    "few barcodes": ("matrix.mtx", lambda f: lines(f, "barcodes.tsv", 29), {}, ["names 29 rows", "has 30: give"]),
    "few features": ("matrix.mtx", lambda f: lines(f, "features.tsv", 4), {}, ["names 4 features", "has 5: give"]),
    "mtx is turned": ("matrix.mtx", lambda f: mtx(f, turned=True), {"transpose": False}, ["data.transpose=True"]),
    "label of an mtx": ("matrix.mtx", mtx, {"label_column": "type"}, ["data.label_column applies only to .csv"]),
    "cut csv.gz": ("x.csv.gz", lambda f: cut(f, "x.csv.gz", text, "x.csv.gz", ","), {}, ["x.csv.gz"]),
    "no gzip": ("x.csv.gz", lambda f: write(f / "x.csv.gz", "a,b\n1,2\n"), {}, ["x.csv.gz", "gzip"]),
    "cut parquet": ("x.parquet", lambda f: cut(f, "x.parquet", parquet), {}, ["x.parquet", "damaged"]),
    "text in parquet": (
        "x.parquet",
        parquet,
        {"label_column": "type"},
        ["'id'", "'cell-0' is not a", "id_column"],
    ),
    "hole": ("x.parquet", lambda f: parquet_of(f, a=[1, 2, 3], b=[1, None, 3]), {}, ["1 of 3 rows", "row 1", "'b'"]),
    "no column": ("x.parquet", parquet, {"label_column": "typ"}, ["did you mean 'type'"]),
    "cut h5ad": ("x.h5ad", lambda f: cut(f, "x.h5ad", h5ad), {}, ["x.h5ad", "damaged"]),
    "no obs": ("x.h5ad", h5ad, {"label_column": "typ"}, ["data.label_column=typ", "did you mean 'type'"]),
    "no layer": ("x.h5ad", lambda f: h5ad(f, "counts"), {"layer": "count"}, ["data.layer=count", "'counts'"]),
    "no layers": ("x.h5ad", h5ad, {"layer": "counts"}, ["data.layer=counts", "none, remove the key"]),
    "two dots": ("x.npz.gz", lambda f: write(f / "x.npz.gz", ""), {}, ["'.npz.gz'", ".mtx.gz"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_one_line(case, tmp_path):
    name, write_file, keys, words = BAD[case]
    write_file(tmp_path)
    with pytest.raises(UserError) as error:
        data.load(config("arrays", path=str(tmp_path / name), **keys))
    assert_one_line(error, *words)


def test_a_missing_extra_is_named_with_its_command(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "anndata", None)
    with pytest.raises(UserError) as error:
        data.load(config("arrays", path=write(tmp_path / "x.h5ad", "")))
    assert_one_line(error, "x.h5ad", "pip install 'aejax[anndata]'")


# likelihoods of counts


def counts_config(**changes):
    config: Any = base_config()
    config.data.name, config.model.likelihood, config.model.hidden = "arrays", "poisson", (8,)
    config.train.batch_size, config.train.epochs, config.train.keep = 8, 1, "best"
    for key, value in changes.items():
        config.model[key] = value
    return config


def with_zeros(x):
    """A csr_array that stores its zeros."""
    stored: Any = sp.csr_array(x + 10)
    stored.data -= 10
    return stored


@pytest.mark.parametrize("as_rows", [np.asarray, sp.csr_array, with_zeros])
@pytest.mark.parametrize(
    ("value", "library_size", "words"),
    [
        (-2.0, "none", ["row 17", "'cell-17'", "feature 3: x is -2,", "model.likelihood=poisson needs counts"]),
        (1.5, "observed", ["row 17", "'cell-17'", "feature 3: x is 1.5,"]),
        (None, "observed", ["row 17", "'cell-17'", "all zeros (1 such", "model.library_size=none"]),
    ],
)
def test_rows_that_are_no_counts_are_named(as_rows, value, library_size, words, tmp_path):
    """Before anything is compiled, and by the row's number in the file, whatever split it is in."""
    x = X.astype(np.float32)
    x[17, :3], x[17, 3:] = 0.0, value or 0.0
    config = counts_config(library_size=library_size)
    rows = as_rows(x)
    dataset = data.of_arrays(rows, None, config.data)
    named = {split: IDS[dataset.row_numbers[split]] for split in ("train", "valid", "test")}
    with pytest.raises(UserError) as error:
        programs.make_groups(Plan.make(config), dataset._replace(ids=named))
    assert_one_line(error, *words)
    if value is None:
        programs.make_groups(Plan.make(counts_config()), dataset)


def test_standardized_counts_name_the_key():
    config = counts_config()
    config.data.standardize = True
    with pytest.raises(UserError, match=r"remove data\.standardize"):
        programs.make_groups(Plan.make(config), data.of_arrays(X, None, config.data))


@pytest.mark.slow
def test_sparse_rows_train_to_the_bits_of_dense_ones(tmp_path, capsys):
    config = counts_config(name="autoencoder", library_size="observed", hidden=())
    dense = aejax.fit(config, X, Y)
    capsys.readouterr()
    one = aejax.fit(config, sp.coo_matrix(X), Y, workdir=tmp_path / "run")
    assert "the sparse rows are dense on the device: 24 x 5 uint16, 0.0 MB" in capsys.readouterr().err
    jax.tree.map(np.testing.assert_array_equal, one.params, dense.params)
    np.testing.assert_array_equal(one.encode(sp.csc_array(X)), dense.encode(X))
    kept = aejax.load(tmp_path / "run")  # reads data.npz again
    assert sparse.is_sparse(kept.dataset().train["x"])
    np.testing.assert_array_equal(kept.embed(kept.dataset().test["x"]), dense.encode(dense.dataset().test["x"]))
    [group] = programs.make_groups(Plan.read(tmp_path / "run"))
    np.testing.assert_array_equal(views.some_rows(group, "test", 9), sparse.dense(kept.dataset().test["x"]))
    assert programs.num_bytes(group.dataset) == 24 * 5 * 2 + 24 * 4  # x and y
    assert all(size > 0 for size in programs.lane_memory(group))


def test_the_sha256_is_that_of_dense_float32_rows():
    """However few bytes lie on the device: runs of before can be resumed."""
    dataset, digest = data.of_arrays(sp.csr_array(X), None, config("arrays")), hashlib.sha256()
    for name in ("train", "valid", "test"):
        x = X[dataset.row_numbers[name]].astype(np.float32)
        digest.update(f"{name}.x <f4 {x.shape} ".encode() + x.tobytes())
    assert dataset.sha256 == digest.hexdigest()


def test_the_rows_of_a_file_keep_their_numbers():
    dataset = data.of_arrays(np.arange(60.0).reshape(30, 2), None, config("arrays"))
    for name in ("train", "valid", "test"):
        np.testing.assert_array_equal(getattr(dataset, name)["x"][:, 0], 2 * dataset.row_numbers[name])
