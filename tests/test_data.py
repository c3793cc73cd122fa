"""Data: every rule of `load` against an independent computation, every bad input against its one line."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from aejax import data
from aejax.errors import UserError
from configs.base import get_config

GENES = "sample,tp53,myc,class\ns1,1.5,2,healthy\ns2,3,4,ill\ns3,5,6,healthy\ns4,7,8,ill\ns5,9,1,ill\n"
TABLE = {"id_column": "sample", "label_column": "class"}


def config(name="digits", **keys):
    section: Any = get_config().data
    section.update(name=name, **keys)
    return section


def save(path, **arrays):
    np.savez(path, **arrays)
    return str(path)


def amat(directory, *counts):
    """The three text files of binarized_mnist with so many rows each, and a packed .npz of the same; the directory."""
    rng, packed = np.random.default_rng(0), {}
    for name, count in zip(data.SPLITS, counts, strict=True):
        bits = rng.integers(0, 2, (count, 784), np.uint8)
        np.savetxt(directory / f"binarized_mnist_{name}.amat", bits, fmt="%d")
        packed[f"x_{name}"] = np.packbits(bits, axis=1)
    save(directory / "packed.npz", **packed, n_pixels=784)
    return str(directory)


def rows_by_value(*splits):
    return sorted(row.tobytes() for split in splits for row in split["x"])


def assert_one_line(error, *words):
    message = str(error.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


# splits


@pytest.mark.parametrize("name", data.sources())
def test_every_source_follows_the_contract(name, tmp_path, books_ndjson):
    """Each file of aejax/data: rows, splits, dtypes and spec agree with each other, and again on a second call."""
    path = save(tmp_path / "a.npz", x=np.random.default_rng(0).random((40, 3)), y=np.arange(40) % 3)
    path = {"books": str(books_ndjson), "binarized_mnist": amat(tmp_path, 12, 5, 5)}.get(name, path)
    one, two = (data.load(config(name, path=path)) for _ in range(2))
    if one.spec.kind == "pairs":
        return assert_pairs(one, two)
    for split in one[:3]:
        assert split["x"].dtype in (np.uint8, np.float32) and split["x"].shape[1:] == one.spec.shape
        y = split.get("y", np.zeros(len(split["x"]), np.int32))
        assert y.dtype == np.int32 and y.shape == split["x"].shape[:1]
        assert ("y" in split) == bool(one.spec.class_names)
        assert set(np.unique(y)) <= set(range(max(1, len(one.spec.class_names))))
    assert one.sha256 == two.sha256
    np.testing.assert_allclose(one.spec.mean, one.train["x"].mean(axis=0), atol=1e-6)


def assert_pairs(one, two):
    """Columns of one length, int32 indices below the sizes; items numbered, named, and labeled by class or -1."""
    columns = [name for name, values in one.train.items() if values.dtype == np.int32]
    assert len(columns) == 2 and {values.dtype for values in one.train.values()} <= {np.dtype("i4"), np.dtype("f4")}
    for split in one[:3]:
        assert len({values.shape for values in split.values()}) == 1
        for column, size in zip(columns, (one.spec.sizes * 2)[:2], strict=True):
            assert split[column].min(initial=0) >= 0 and split[column].max(initial=0) < size
    count = one.spec.sizes[0]
    np.testing.assert_array_equal(one.items["x"], np.arange(count))
    assert one.ids["items"].shape == (count,) and len(set(one.ids["items"].tolist())) == count
    if "y" in one.items:
        assert one.items["y"].dtype == np.int32 and -1 <= one.items["y"].min()
        assert one.items["y"].max() == len(one.spec.class_names) - 1
    assert one.sha256 == two.sha256 and one.spec.shape == ()


def test_binarized_mnist_is_the_same_from_text_and_packed(tmp_path):
    directory = amat(tmp_path, 4, 2, 3)
    text = data.load(config("binarized_mnist", path=directory))
    packed = data.load(config("binarized_mnist", path=f"{directory}/packed.npz"))
    assert text.sha256 == packed.sha256 and text.spec.support == "binary" and text.spec.byte_scale == 1.0
    assert [split["x"].shape for split in text[:3]] == [(count, 28, 28, 1) for count in (4, 2, 3)]
    for name, split in zip(data.SPLITS, text[:3], strict=True):  # numpy's own reader of the text
        np.testing.assert_array_equal(
            split["x"].reshape(-1, 784), np.loadtxt(tmp_path / f"binarized_mnist_{name}.amat")
        )


def test_binarized_mnist_names_the_file_at_fault(tmp_path):
    directory = amat(tmp_path, 4, 2, 3)
    valid = tmp_path / "binarized_mnist_valid.amat"
    halved = "\n".join(" ".join("01" * 196) for _ in range(4))  # 4 × 392
    for text in ("0 1 2", "0 1", "", halved, valid.read_text().replace("1", "7", 1)):
        valid.write_text(text)
        with pytest.raises(UserError) as error:
            data.load(config("binarized_mnist", path=directory))
        assert_one_line(error, "binarized_mnist_valid.amat", "784 zeros and ones")
    valid.unlink()
    wrong = save(tmp_path / "wrong.npz", x_train=np.zeros((3, 784), np.uint8))
    for path, words in ((directory, "all three files"), ("", "data.path=(empty)"), ("nowhere", "data.path=nowhere")):
        with pytest.raises(UserError) as error:
            data.load(config("binarized_mnist", path=path))
        assert_one_line(error, words)
    for path, words in ((wrong, "x_train has shape (3, 784)"), (str(valid.with_suffix(".txt")), "data.path=")):
        with pytest.raises(UserError) as error:
            data.load(config("binarized_mnist", path=path))
        assert_one_line(error, words)


def test_splits_are_disjoint_cover_all_rows_and_have_their_sizes(tmp_path):
    x = np.arange(200, dtype=np.float32)[:, None]
    path = save(tmp_path / "a.npz", x=x, y=np.arange(200), ids=[f"row{i}" for i in range(200)])
    loaded = data.load(config("arrays", path=path, test_fraction=0.2, valid_fraction=0.1))
    assert [len(split["x"]) for split in loaded[:3]] == [144, 16, 40]
    assert rows_by_value(*loaded[:3]) == rows_by_value({"x": x})
    for name, split in zip(data.SPLITS, loaded[:3], strict=True):  # labels and ids go with their rows
        np.testing.assert_array_equal(split["y"], split["x"][:, 0])
        assert loaded.ids[name].tolist() == [f"row{value:.0f}" for value in split["x"][:, 0]]


def test_test_rows_depend_on_the_split_seed_alone():
    first = data.load(config(valid_fraction=0.1)).test["x"]
    np.testing.assert_array_equal(first, data.load(config(valid_fraction=0.5, standardize=False)).test["x"])
    assert rows_by_value({"x": first}) != rows_by_value(data.load(config(split_seed=1)).test)


def test_valid_fraction_zero_keeps_the_source_order(tmp_path):
    x = np.arange(20, dtype=np.uint8).reshape(10, 2)
    loaded = data.load(config("arrays", path=save(tmp_path / "a.npz", x_train=x, x_test=x), valid_fraction=0.0))
    np.testing.assert_array_equal(loaded.train["x"], x)
    assert loaded.valid["x"].shape == (0, 2) and loaded.valid["x"].dtype == np.uint8


def test_a_source_keeps_its_own_splits(tmp_path):
    parts = {f"x_{name}": np.full((3, 2), value, np.float32) for value, name in enumerate(data.SPLITS)}
    loaded = data.load(config("arrays", path=save(tmp_path / "a.npz", **parts)))
    for name in data.SPLITS:
        np.testing.assert_array_equal(getattr(loaded, name)["x"], parts[f"x_{name}"])


def test_sha256_changes_with_any_value(tmp_path):
    x = np.random.default_rng(0).random((10, 2)).astype(np.float32)
    other = x.copy()
    other[3, 1] = np.nextafter(other[3, 1], 2, dtype=np.float32)
    first, second = (data.load(config("arrays", path=save(tmp_path / "a.npz", x=rows))).sha256 for rows in (x, other))
    assert first != second


# dtypes, support, shapes


@pytest.mark.parametrize(
    "x, dtype, scale, support",
    [
        (np.array([[0, 7], [3, 255]], np.uint8), np.uint8, 1 / 255, "unit"),
        (np.array([[0, 255], [255, 0]], np.uint8), np.uint8, 1 / 255, "binary"),
        (np.array([[0, 2], [1, 0]], np.uint8), np.uint8, 1 / 255, "unit"),
        (np.array([[0, 1], [1, 0]], np.uint8), np.uint8, 1.0, "binary"),
        (np.array([[0, 1], [1, 0]], bool), np.uint8, 1.0, "binary"),
        (np.array([[0, 1], [1, 0]], np.int64), np.float32, 1.0, "binary"),
        (np.array([[0, 300], [1, 0]], np.uint16), np.float32, 1.0, "real"),
        (np.array([[0, 0.5], [1, 0]], np.float64), np.float32, 1.0, "unit"),
        (np.array([[0, 0.5], [-1e-3, 0]], ">f4"), np.float32, 1.0, "real"),
    ],
)
def test_dtypes_byte_scale_and_support(x, dtype, scale, support, tmp_path):
    loaded = data.load(config("arrays", path=save(tmp_path / "a.npz", x_train=x, x_test=x), valid_fraction=0.0))
    assert (loaded.train["x"].dtype, loaded.spec.byte_scale, loaded.spec.support) == (dtype, scale, support)
    assert loaded.train["x"].dtype.isnative
    np.testing.assert_array_equal(loaded.train["x"], x.astype(dtype))
    np.testing.assert_allclose(loaded.spec.mean, x.astype(float).mean(axis=0) * scale, rtol=1e-6)


@pytest.mark.parametrize(
    "given, shape, kind",
    [
        ((5,), (5,), "table"),
        ((6, 4), (6, 4, 1), "image"),
        ((6, 4, 1), (6, 4, 1), "image"),
        ((4, 5, 3), (4, 5, 3), "image"),
        ((6, 3), (6, 3), "table"),
        ((3, 6, 1), (3, 6, 1), "table"),
        ((6, 6, 2), (6, 6, 2), "table"),
        ((4, 4, 4, 3), (4, 4, 4, 3), "table"),
    ],
)
def test_shapes_and_kinds(given, shape, kind, tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.random.default_rng(0).random((10, *given)))
    loaded = data.load(config("arrays", path=str(path)))
    assert (loaded.spec.shape, loaded.spec.kind) == (shape, kind)
    assert loaded.spec.mean.shape == shape and loaded.spec.class_names == () and set(loaded.train) == {"x"}


# binarization and standardization


def test_static_binarization_draws_the_grey_values_once():
    grey, drawn = data.load(config()), data.load(config(binarization="static"))
    assert drawn.spec.support == "binary" and drawn.spec.byte_scale == 1.0 and drawn.train["x"].dtype == np.uint8
    assert not drawn.train["x"][grey.train["x"] == 0].any() and drawn.train["x"][grey.train["x"] == 1].all()
    for value in (0.25, 0.5, 0.75):
        ones = drawn.train["x"][grey.train["x"] == value]
        assert abs(ones.mean() - value) < 5 * np.sqrt(value * (1 - value) / ones.size)
    assert drawn.sha256 == data.load(config(binarization="static")).sha256


def test_a_static_draw_does_not_depend_on_the_splits():
    first = data.load(config(binarization="static", valid_fraction=0.1))
    second = data.load(config(binarization="static", valid_fraction=0.4, test_fraction=0.5))
    assert rows_by_value(*first[:3]) == rows_by_value(*second[:3])
    assert rows_by_value(*first[:3]) != rows_by_value(*data.load(config(binarization="static", split_seed=1))[:3])


def test_threshold_and_dynamic_binarization(tmp_path):
    x = np.arange(256, dtype=np.uint8)[:, None]
    path = save(tmp_path / "a.npz", x_train=x, x_test=x)
    threshold = data.load(config("arrays", path=path, valid_fraction=0.0, binarization="threshold"))
    np.testing.assert_array_equal(threshold.train["x"], x >= 128)
    assert (threshold.spec.support, threshold.spec.byte_scale) == ("binary", 1.0)
    dynamic = data.load(config("arrays", path=path, valid_fraction=0.0, binarization="dynamic"))
    np.testing.assert_array_equal(dynamic.train["x"], x)
    assert (dynamic.spec.support, dynamic.spec.byte_scale) == ("binary", 1 / 255)


def test_standardization_is_scikit_learns(tmp_path):
    x = np.random.default_rng(0).normal(3.0, 5.0, (50, 4)).astype(np.float32)
    x[:, 2] = 0.1  # constant: its sd counts as 1
    path = save(tmp_path / "a.npz", x_train=x, x_test=2 * x)
    loaded = data.load(config("arrays", path=path, valid_fraction=0.0, standardize=True))
    scaler: Any = StandardScaler().fit(np.where(np.arange(4) == 2, 0.1, x.astype(float)))
    np.testing.assert_allclose(loaded.train["x"], scaler.transform(x), atol=2e-6)
    np.testing.assert_allclose(loaded.test["x"], scaler.transform(2 * x), atol=2e-6)
    assert loaded.spec.center is not None and loaded.spec.spread is not None
    np.testing.assert_allclose(loaded.spec.center, scaler.mean_, rtol=1e-6)
    np.testing.assert_allclose(loaded.spec.spread, scaler.scale_, rtol=1e-6)
    assert loaded.spec.support == "real" and loaded.train["x"].dtype == np.float32
    np.testing.assert_allclose(loaded.spec.mean, 0, atol=1e-6)


def test_features_without_spread_stay_finite(tmp_path):
    x = np.full((7, 2), 0.1, np.float32)
    x[:, 1] = np.where(np.arange(7) == 0, 1e-45, 0)  # an sd that underflows in float32
    path = save(tmp_path / "a.npz", x_train=x, x_test=x + 1)
    loaded = data.load(config("arrays", path=path, valid_fraction=0.0, standardize=True))
    np.testing.assert_array_equal(loaded.spec.spread, 1)
    np.testing.assert_allclose(loaded.test["x"], 1, rtol=1e-6)


def test_standardization_is_fitted_on_the_training_rows_only(tmp_path):
    x = np.random.default_rng(0).normal(size=(50, 4))
    loaded = data.load(config("arrays", path=save(tmp_path / "a.npz", x=x), standardize=True))
    np.testing.assert_allclose(loaded.train["x"].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(loaded.train["x"].std(axis=0), 1, atol=1e-6)
    assert np.abs(loaded.test["x"].mean(axis=0)).max() > 0.01


# tables


def write(path, text):
    path.write_text(text)
    return str(path)


def table(path, **keys):
    """All rows of a small table in the order of the file: test rows first or not, by their ids."""
    loaded = data.load(config("arrays", path=path, valid_fraction=0.0, **keys))
    ids = np.concatenate([loaded.ids[name] for name in ("train", "test")])
    order = np.argsort(ids)
    stacked = {key: np.concatenate([loaded.train[key], loaded.test[key]])[order] for key in loaded.train}
    return loaded.spec, ids[order].tolist(), stacked


def test_csv_with_ids_and_labels(tmp_path):
    spec, ids, rows = table(write(tmp_path / "g.csv", GENES), **TABLE)
    assert ids == ["s1", "s2", "s3", "s4", "s5"]
    assert (spec.feature_names, spec.class_names, spec.kind) == (("tp53", "myc"), ("healthy", "ill"), "table")
    np.testing.assert_array_equal(rows["x"], np.array([[1.5, 2], [3, 4], [5, 6], [7, 8], [9, 1]]))
    np.testing.assert_array_equal(rows["y"], [0, 1, 0, 1, 1])


def test_tabs_transposition_quotes_bom_and_blank_lines_do_not_matter(tmp_path):
    expected = table(write(tmp_path / "g.csv", GENES), **TABLE)
    cells = [line.split(",") for line in GENES.splitlines()]
    turned = "\n".join("\t".join(f'"{cell}"' for cell in column) for column in zip(*cells, strict=True))
    variants = [
        (GENES.replace(",", "\t"), {"delimiter": "\t"}),
        (GENES.replace(",", "\t"), {"delimiter": "\\t"}),
        (GENES.replace(",", " ; "), {"delimiter": ";"}),
        (turned, {"delimiter": "\t", "transpose": True}),
        ("\ufeff" + GENES.replace("\n", "\r\n\r\n"), {}),
    ]
    for text, keys in variants:
        spec, ids, rows = table(write(tmp_path / "v.csv", text), **TABLE, **keys)
        assert (spec.feature_names, ids) == (expected[0].feature_names, expected[1])
        for key in rows:
            np.testing.assert_array_equal(rows[key], expected[2][key])


def test_csv_without_column_names_and_without_a_name_for_the_ids(tmp_path):
    numbers = data.load(config("arrays", path=write(tmp_path / "a.csv", "1,2,7\n3,4,8\n5,6,7\n"), valid_fraction=0.0))
    assert numbers.spec.shape == (3,) and numbers.spec.feature_names == () and len(numbers.train["x"]) == 2
    spec, ids, rows = table(
        write(tmp_path / "b.csv", ",a,b\nr1,1,2\nr2,3,4\nr3,5,6\n"), id_column="column_1", label_column="b"
    )
    assert (ids, spec.feature_names, spec.class_names) == (["r1", "r2", "r3"], ("a",), ("2", "4", "6"))


@pytest.mark.parametrize(
    "labels, names",
    [
        ([10, 9, 2], ("2", "9", "10")),
        (["10", "9", "-2"], ("-2", "9", "10")),
        (["b", "a", "10"], ("10", "a", "b")),
        ([b"b", b"a", b"c"], ("a", "b", "c")),
        ([3.0, 1.0, 2.0], ("1", "2", "3")),
        (np.array([200, 3, 30], np.uint8), ("3", "30", "200")),
    ],
)
def test_labels_become_codes_of_sorted_names(labels, names, tmp_path):
    path = save(tmp_path / "a.npz", x_train=np.eye(3), y_train=labels, x_test=np.eye(3), y_test=labels)
    loaded = data.load(config("arrays", path=path, valid_fraction=0.0))
    assert loaded.spec.class_names == names
    text = [label.decode() if isinstance(label, bytes) else str(label).removesuffix(".0") for label in labels]
    assert [names[code] for code in loaded.test["y"]] == text


@pytest.mark.parametrize(
    "labels",
    [[0.1, -2.5, 7], [1, 2, 30], ["0.1", "-2.5", "1e3"], [b"1", b"2.5", b"3"], np.array([0.1, 5, 2], np.float16)],
)
def test_labels_that_are_numbers_stay_numbers(labels, tmp_path):
    path = save(tmp_path / "a.npz", x_train=np.eye(3), y_train=labels, x_test=np.eye(3), y_test=labels)
    loaded = data.load(config("arrays", path=path, valid_fraction=0.0, label_kind="number"))
    expected = np.array([float(label) for label in labels], np.float32)
    np.testing.assert_array_equal(loaded.test["y"], expected)
    assert loaded.test["y"].dtype == np.float32 and loaded.spec.class_names == ()
    assert loaded.spec.label_moments == pytest.approx((expected.mean(), expected.std()), rel=1e-6)


def test_moments_of_labels_are_those_of_the_training_rows(tmp_path):
    table = write(tmp_path / "g.csv", "age,a\n" + "\n".join(f"{1.5**row:.3f},{row}" for row in range(30)))
    loaded = data.load(config("arrays", path=table, label_column="age", label_kind="number"))
    y = loaded.train["y"]
    assert len(y) < 30 and loaded.spec.label_moments == pytest.approx((y.mean(), y.std()), rel=1e-5)
    assert loaded.spec.feature_names == ("a",)
    same = data.load(config("arrays", path=save(tmp_path / "a.npz", x=X, y=np.ones(6)), label_kind="number"))
    assert same.spec.label_moments == (1.0, 1.0)  # an sd that can be divided by
    for unlabeled in (config("arrays", path=save(tmp_path / "b.npz", x=X), label_kind="number"), config()):
        assert data.load(unlabeled).spec.label_moments is None


# bad input


X = np.arange(12, dtype=np.float32).reshape(6, 2)
BAD_ARRAYS = {
    "nan": ({"x": np.where(X == 5, np.nan, X)}, ["bad.npz", "nan", "row 2", "feature 1"]),
    "inf": ({"x": np.where(X == 4, -np.inf, X)[:, None]}, ["-inf", "row 2", "feature 0, 0"]),
    "too large for float32": ({"x": np.where(X == 5, 1e300, X.astype(float))}, ["1e+300", "row 2", "feature 1"]),
    "objects": ({"x": np.array([[1, "a"], [None, 2]], object)}, ["bad.npz", "objects"]),
    "object labels": ({"x": X, "y": np.array([None] * 6, object)}, ["bad.npz", "objects"]),
    "strings": ({"x": X.astype(str)}, ["bad.npz", "<U", "float32 or uint8"]),
    "complex": ({"x": X.astype(complex)}, ["complex128"]),
    "0-d": ({"x": np.float32(3)}, ["bad.npz", "()", "[rows"]),
    "1-d": ({"x": X[:, 0]}, ["bad.npz", "(6,)", "[rows"]),
    "no rows": ({"x": X[:0]}, ["bad.npz", "empty"]),
    "no features": ({"x": X[:, :0]}, ["bad.npz", "empty"]),
    "too few labels": ({"x": X, "y": np.arange(5)}, ["y has shape (5,)", "6 rows"]),
    "too few ids": ({"x": X, "ids": np.arange(5)}, ["ids has shape (5,)", "6 rows"]),
    "one-hot labels": ({"x": X, "y": np.eye(6)}, ["y has shape (6, 6)", "one integer or string"]),
    "real labels": ({"x": X, "y": X[:, 0] / 5}, ["float32", "one integer or string", "data.label_kind=number"]),
    "nan labels": ({"x": X, "y": X[:, 0] * np.nan}, ["float32", "one integer or string"]),
    "test of another shape": ({"x_train": X, "x_test": X[:, :1]}, ["(2,)", "(1,)", "test", "one shape"]),
    "test of another dtype": ({"x_train": X, "x_test": X.astype(np.uint8)}, ["float32", "uint8", "test", "one dtype"]),
    "labels for train only": (
        {"x_train": X, "x_test": X, "y_train": np.arange(6)},
        ["`y`", "test", "every split or in none"],
    ),
    "no x": ({"z": X}, ["bad.npz", "`x`", "`x_train`"]),
    "x and x_train": ({"x": X, "x_train": X}, ["bad.npz", "`x`", "`x_train`"]),
    "mistyped name": ({"x_train": X, "x_tset": X}, ["x_tset", "did you mean 'x_test'"]),
    "labels of nothing": ({"x_train": X, "y_test": X}, ["`y_test`", "no `x_test`"]),
    "one row": ({"x": X[:1]}, ["no training rows", "data.test_fraction"]),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_bad_arrays_are_one_line(case, tmp_path):
    arrays, words = BAD_ARRAYS[case]
    path = save(tmp_path / "bad.npz", **arrays)
    with pytest.raises(UserError) as error:
        data.load(config("arrays", path=path))
    assert_one_line(error, *words)


BAD_TABLES = {
    "text in a cell": ("a,b\n1,2\n3,x\n", {}, ["bad.csv", "'x'", "row 1", "'b'", "not a number"]),
    "empty cell": ("a,b\n1,2\n,4\n", {}, ["''", "row 1", "'a'", "not a number"]),
    "nan": ("a,b\n1,2\n3,nan\n5,6\n", {}, ["nan", "row 1", "'b'"]),
    "wrong delimiter": ("a\tb\n1\t2\n", {}, ["data.delimiter"]),
    "no such label column": (GENES, {"label_column": "clas"}, ["data.label_column=clas", "did you mean 'class'"]),
    "no such id column": (GENES, {"id_column": "zzz"}, ["data.id_column=zzz", "sample, tp53, myc, class"]),
    "ragged": ("a,b\n1,2\n3\n", {}, ["bad.csv", "line 3", "1 cells", "2"]),
    "ragged, transposed": ("a,1,2\nb,3\n", {"transpose": True}, ["bad.csv", "line 2"]),
    "twice a name": ("a,b,a\n1,2,3\n", {}, ["bad.csv", "'a'", "rename"]),
    "empty": ("", {}, ["bad.csv", "empty"]),
    "header only": ("a,b\n", {}, ["bad.csv", "empty"]),
    "only labels": ("a\nx\ny\n", {"label_column": "a"}, ["bad.csv", "empty"]),
    "missing label": ("a,b\n1,u\n2,\n", {"label_column": "b"}, ["label", "row 1", "'b'"]),
    "long delimiter": (GENES, {"delimiter": "||"}, ["data.delimiter='||'"]),
    "no text": ("a,b\n\udcff,2\n", {}, ["bad.csv", "UTF-8"]),
}


BAD_NUMBERS = {
    "text": (list("12x456"), ["bad.npz", "'x'", "row 2", "not a finite number", "data.label_kind=class"]),
    "nan": ([1, 2, 3, np.nan, 5, 6], ["label nan", "row 3", "fix or drop the row"]),
    "nan as text": (["1", "nan", "3", "4", "5", "6"], ["'nan'", "row 1"]),
    "too large for float32": ([1, 2, 3, 4, 5, 1e300], ["1e+300", "row 5"]),
    "a column": (np.ones((6, 1)), ["(6, 1)", "one number per row"]),
    "complex": (np.ones(6, complex), ["complex128", "one number per row"]),
    "too few": ([1.5, 2.5], ["y has shape (2,)", "6 rows"]),
}


@pytest.mark.parametrize("case", BAD_NUMBERS)
def test_bad_numbers_for_labels_are_one_line(case, tmp_path):
    labels, words = BAD_NUMBERS[case]
    path = save(tmp_path / "bad.npz", x=X, y=labels)
    with pytest.raises(UserError) as error:
        data.load(config("arrays", path=path, label_kind="number"))
    assert_one_line(error, *words)


@pytest.mark.parametrize("case", BAD_TABLES)
def test_bad_tables_are_one_line(case, tmp_path):
    text, keys, words = BAD_TABLES[case]
    path = tmp_path / "bad.csv"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(UserError) as error:
        data.load(config("arrays", path=str(path), **keys))
    assert_one_line(error, *words)


BAD_SETTINGS = {
    "no test rows": ({"test_fraction": 0.0}, ["data.test_fraction"]),
    "no training rows": ({"test_fraction": 0.9999}, ["no training rows", "data.test_fraction"]),
    "classes as numbers": ({"label_kind": "number"}, ["data.label_kind=number", "data.name=digits", "classes"]),
    "both": ({"standardize": True, "binarization": "static"}, ["data.standardize", "data.binarization=static"]),
}


@pytest.mark.parametrize("case", BAD_SETTINGS)
def test_bad_settings_are_one_line(case):
    keys, words = BAD_SETTINGS[case]
    with pytest.raises(UserError) as error:
        data.load(config(**keys))
    assert_one_line(error, *words)


@pytest.mark.parametrize("binarization", ["static", "dynamic", "threshold"])
def test_binarization_needs_the_unit_interval(binarization, tmp_path):
    with pytest.raises(UserError) as error:
        data.load(config("arrays", path=save(tmp_path / "a.npz", x=X), binarization=binarization))
    assert_one_line(error, f"data.binarization={binarization}", "[0, 1]", "a.npz")


def test_bad_paths_are_one_line(tmp_path):
    cases = [("", "data.path"), (str(tmp_path / "no.npz"), "no.npz"), (write(tmp_path / "a.xls", ""), "'.xls'")]
    for path, word in [*cases, (str(tmp_path), "extension")]:
        with pytest.raises(UserError) as error:
            data.load(config("arrays", path=path))
        assert_one_line(error, word)


@pytest.mark.parametrize("key, value", [("label_column", "y"), ("id_column", "i"), ("transpose", True)])
def test_keys_of_a_table_are_refused_for_arrays(key, value, tmp_path):
    with pytest.raises(UserError) as error:
        data.load(config("arrays", path=save(tmp_path / "a.npz", x=X), **{key: value}))
    assert_one_line(error, f"data.{key}", "a.npz")


@pytest.mark.parametrize("suffix", [".npz", ".npy"])
def test_damaged_files_are_named(suffix, tmp_path):
    """Whatever bytes are missing or overwritten, numpy's complaint becomes one line (or the file is still whole)."""
    path = tmp_path / f"a{suffix}"
    np.savez(path, x=X) if suffix == ".npz" else np.save(path, X)
    whole = path.read_bytes()
    wrong = [whole[:end] for end in range(0, len(whole), 7)]
    wrong += [whole[:at] + b"\xff\x00{" + whole[at + 3 :] for at in range(0, min(len(whole), 200), 3)]
    refused = 0
    for raw in wrong:
        path.write_bytes(raw)
        try:
            data.load(config("arrays", path=str(path)))
        except UserError as error:
            assert "\n" not in str(error) and path.name in str(error)
            refused += 1
    assert refused > len(wrong) * 0.6


# new samples of a trained run


def test_spec_survives_json_to_the_bit(tmp_path):
    path = write(tmp_path / "g.csv", GENES.replace("1.5", "0.1"))
    for loaded in (
        data.load(config("arrays", path=path, standardize=True, **TABLE)),
        data.load(config()),
        data.load(config(binarization="static")),
        data.load(config("arrays", path=save(tmp_path / "n.npz", x=X, y=X[:, 0] / 7), label_kind="number")),
    ):
        values = json.loads(json.dumps(data.spec_to_json(loaded.spec)))
        restored = data.spec_from_json(values)
        for old, new in zip(loaded.spec, restored, strict=True):
            assert type(old) is type(new)
            if isinstance(old, np.ndarray) and isinstance(new, np.ndarray):
                assert old.dtype == new.dtype and old.shape == new.shape and old.tobytes() == new.tobytes()
            else:
                assert old == new
        assert data.spec_to_json(restored) == values


def test_new_rows_of_a_table_are_standardized_as_the_training_rows_were(tmp_path):
    keys = config("arrays", path=write(tmp_path / "g.csv", GENES), standardize=True, **TABLE)
    loaded = data.load(keys)
    x, y, ids = data.read_new(keys.path, keys, loaded.spec)
    assert y is not None and ids is not None
    row = ids.tolist().index(loaded.ids["train"][0])
    np.testing.assert_array_equal(x[row], loaded.train["x"][0])
    assert x.dtype == np.float32 and y.tolist() == [0, 1, 0, 1, 1] and y.dtype == np.int32
    swapped = write(tmp_path / "new.csv", "myc,tp53\n2,1.5\n4,3\n")  # other order, neither ids nor labels
    again, y, ids = data.read_new(swapped, keys, loaded.spec)
    np.testing.assert_array_equal(again, x[:2])
    assert y is None and ids is None


def test_new_images_may_be_bytes_floats_or_flat(tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (20, 5, 4)).astype(np.uint8)
    keys = config("arrays", path=save(tmp_path / "a.npz", x=grey, y=np.arange(20) % 2))
    spec = data.load(keys).spec
    x, y, _ = data.read_new(keys.path, keys, spec)
    assert x.dtype == np.uint8 and y is not None and y.tolist() == [0, 1] * 10
    np.testing.assert_array_equal(x, grey[..., None])
    for number, new in enumerate([grey / 255, (grey / 255)[..., None], (grey / 255).reshape(20, -1)]):
        x, _, _ = data.read_new(save(tmp_path / f"{number}.npz", x=new), keys, spec)
        assert x.dtype == np.float32 and x.shape == (20, 5, 4, 1)
        np.testing.assert_allclose(x[..., 0], grey / 255, atol=1e-6)
    x, _, _ = data.read_new(save(tmp_path / "b.npz", x=grey > 127), keys, spec)  # bytes 0 and 1 are no grey values
    assert x.dtype == np.float32 and x.max() == 1.0


@pytest.mark.parametrize("mode, dtype", [("static", np.float32), ("threshold", np.uint8), ("dynamic", np.uint8)])
def test_new_images_of_a_binarized_run(mode, dtype, tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (20, 5, 4, 1)).astype(np.uint8)
    keys = config("arrays", path=save(tmp_path / "a.npz", x=grey), binarization=mode)
    loaded = data.load(keys)
    x, _, _ = data.read_new(keys.path, keys, loaded.spec)
    assert x.dtype == dtype
    unit = x * np.float32(loaded.spec.byte_scale) if dtype == np.uint8 else x
    np.testing.assert_allclose(unit, grey >= 128 if mode == "threshold" else grey / 255, atol=1e-6)


def test_new_bytes_of_a_standardized_run_are_scaled_first(tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (20, 6)).astype(np.uint8)
    keys = config("arrays", path=save(tmp_path / "a.npz", x_train=grey, x_test=grey[:3]), standardize=True)
    loaded = data.load(keys)
    x, _, _ = data.read_new(save(tmp_path / "b.npz", x=grey[:3]), keys, loaded.spec)
    np.testing.assert_array_equal(x, loaded.test["x"])


def test_new_samples_that_do_not_fit_are_one_line(tmp_path):
    keys = config("arrays", path=write(tmp_path / "g.csv", GENES), **TABLE)
    table, images = data.load(keys).spec, data.load(config()).spec
    cases = [
        (write(tmp_path / "1.csv", "tp53\n1\n"), table, ["'myc'", "missing", "match the run's features"]),
        (write(tmp_path / "2.csv", "tp53,myc,age\n1,2,3\n"), table, ["'age'", "not in the run's data"]),
        (write(tmp_path / "3.csv", GENES.replace("ill", "sick")), table, ["'sick'", "healthy, ill"]),
        (save(tmp_path / "4.npz", x=np.ones((3, 3))), table, ["(3,)", "(2,)"]),
        (save(tmp_path / "5.npz", x=np.ones((3, 8, 7))), images, ["(8, 7, 1)", "(8, 8, 1)"]),
        (save(tmp_path / "6.npz", x=np.full((3, 8, 8), 16.0)), images, ["[16, 16]", "[0, 1]"]),
        (save(tmp_path / "7.npz", x_train=np.ones((3, 8, 8)), x_test=np.ones((3, 8, 8))), images, ["`x`"]),
        (save(tmp_path / "8.npz", x=np.full((3, 8, 8), np.nan)), images, ["nan", "row 0"]),
    ]
    for path, spec, words in cases:
        with pytest.raises(UserError) as error:
            data.read_new(path, keys, spec)
        assert_one_line(error, *words)


def test_labels_of_new_samples_may_be_codes_where_classes_have_words(tmp_path):
    path = save(tmp_path / "a.npz", x=X, y=[0, 1, 2, 0, 1, 2])
    keys = config("arrays", path=path)
    spec = data.load(keys).spec
    for names, codes in ((("boot", "bag", "coat"), [0, 1, 2]), (("2", "1", "0"), [2, 1, 0])):
        y = data.read_new(path, keys, spec._replace(class_names=names))[1]
        assert y is not None and y.tolist() == codes * 2
    with pytest.raises(UserError):
        data.read_new(path, keys, spec._replace(class_names=("1", "2", "3")))


def test_labels_of_new_samples_are_numbers_where_the_runs_are(tmp_path):
    keys = config("arrays", path=save(tmp_path / "a.npz", x=X, y=X[:, 0] / 7), label_kind="number")
    spec = data.load(keys).spec
    y = data.read_new(save(tmp_path / "b.npz", x=X, y=[8, -0.5, 3, 1, 2, 9]), keys, spec)[1]
    assert y is not None and y.tolist() == [8, -0.5, 3, 1, 2, 9] and y.dtype == np.float32
    assert data.read_new(save(tmp_path / "c.npz", x=X), keys, spec)[1] is None


def test_importing_data_is_light():
    code = "import aejax.data, sys; print(*{'jax', 'tensorflow_datasets', 'sklearn'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


def test_the_genuine_binarized_rows_have_their_means():
    raw = os.environ.get("AEJAX_RAW_DATA")
    if not raw or not (path := Path(raw) / "binarized_mnist" / "binarized_mnist.npz").exists():
        pytest.skip("AEJAX_RAW_DATA names no directory with binarized_mnist: the genuine rows are not tested")
    loaded = data.load(config("binarized_mnist", path=str(path)))
    assert [len(split["x"]) for split in loaded[:3]] == [50_000, 10_000, 10_000]
    np.testing.assert_allclose([split["x"].mean() for split in loaded[:3]], [0.130562, 0.131127, 0.132512], atol=1e-6)
