"""Data: every rule of `load` against an independent computation, every bad input against its one-line error."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from aejax import data
from aejax.data import digits, planted_counts
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
    """Writes binarized_mnist as three text files with `counts` rows and as one packed .npz; returns the directory."""
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
def test_every_source_follows_the_contract(name, tmp_path, books_ndjson, monkeypatch):
    """For each file of aejax/data: rows, splits, dtypes and spec agree, also on a second call.

    None needs TensorFlow Datasets, which only the extra `tfds` installs.
    """
    for module in ("tensorflow_datasets", "tensorflow"):
        monkeypatch.setitem(sys.modules, module, None)
    path = save(tmp_path / "a.npz", x=np.random.default_rng(0).random((40, 3)), y=np.arange(40) % 3)
    path = {"books": str(books_ndjson), "binarized_mnist": amat(tmp_path, 12, 5, 5)}.get(name, path)
    one, two = (data.load(config(name, path=path)) for _ in range(2))
    if one.spec.kind == "pairs":
        return assert_pairs(one, two)
    for split in one[:3]:
        assert split["x"].dtype in (np.uint8, np.uint16, np.float32) and split["x"].shape[1:] == one.spec.shape
        y = split.get("y", np.zeros(len(split["x"]), np.int32))
        assert y.dtype == np.int32 and y.shape == split["x"].shape[:1]
        assert ("y" in split) == bool(one.spec.class_names)
        assert set(np.unique(y)) <= set(range(max(1, len(one.spec.class_names))))
    assert one.sha256 == two.sha256
    np.testing.assert_allclose(one.spec.mean, one.train["x"].mean(axis=0), atol=1e-6)


def test_the_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    rows = digits.read(None).train
    np.testing.assert_array_equal(rows["x"].reshape(len(x), -1), x / 16.0)
    np.testing.assert_array_equal(rows["y"], y)


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


def test_the_batches_of_planted_counts_differ_by_factors_of_their_own():
    """The log of the ratio of two factors has the sd 0.5 √2 over the features."""
    split = planted_counts.read(config()).train
    shares = [split["x"][split["column:batch"] == batch].mean(axis=0) for batch in "AB"]
    np.testing.assert_allclose(np.log(shares[0] / shares[1]).std(), planted_counts.EFFECT * np.sqrt(2), rtol=0.15)


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
    loaded = data.load(config("arrays", path=path, test_fraction=0.2, valid_fraction=0.117))
    assert [len(split["x"]) for split in loaded[:3]] == [141, 19, 40]  # 18.72 of 160 rows are validation rows
    assert rows_by_value(*loaded[:3]) == rows_by_value({"x": x.astype(np.uint8)})  # the bytes of counts
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


def test_sha256_changes_with_any_value_of_any_split_and_with_their_shape(tmp_path):
    rng = np.random.default_rng(0)
    parts = {f"x_{name}": rng.random((4, 6)).astype(np.float32) for name in data.SPLITS}

    def digest(changes):
        return data.load(config("arrays", path=save(tmp_path / "a.npz", **parts | changes))).sha256

    found = [digest({}), digest({name: x.reshape(6, 4) for name, x in parts.items()})]
    for name, x in parts.items():
        other = x.copy()
        other[3, 1] = np.nextafter(other[3, 1], 2, dtype=np.float32)
        found.append(digest({name: other}))
    assert len(set(found)) == 5


# dtypes, support, shapes


@pytest.mark.parametrize(
    "x, dtype, scale, support",
    [
        (np.array([[0, 7], [3, 255]], np.uint8), np.uint8, 1.0, "counts"),
        (np.tile(np.array([0, 7, 3, 255], np.uint8), (2, 4, 1)), np.uint8, 1 / 255, "unit"),
        (np.tile(np.array([0, 1, 0, 2], np.uint8), (2, 4, 1)), np.uint8, 1 / 255, "unit"),
        (np.array([[0, 255], [255, 0]], np.uint8), np.uint8, 1 / 255, "binary"),
        (np.array([[0, 2], [1, 0]], np.uint8), np.uint8, 1.0, "counts"),
        (np.array([[0.0, 3.0], [1.0, 0.0]]), np.uint8, 1.0, "counts"),
        (np.array([[0.0, 3.5], [1.0, 0.0]]), np.float32, 1.0, "real"),
        (np.tile(np.array([0, 7, 3, 255], np.float32), (2, 4, 1)), np.float32, 1.0, "real"),  # an image has no counts
        (np.array([[0, 3], [-1, 0]], np.int64), np.float32, 1.0, "real"),
        (np.array([[0, 1], [1, 0]], np.uint8), np.uint8, 1.0, "binary"),
        (np.array([[0, 1], [1, 0]], bool), np.uint8, 1.0, "binary"),
        (np.array([[0, 1], [1, 0]], np.int64), np.float32, 1.0, "binary"),
        (np.array([[0, 300], [1, 0]], np.int64), np.uint16, 1.0, "counts"),
        (np.array([[0, 2**16 - 1], [1, 0]], np.float32), np.uint16, 1.0, "counts"),
        (np.array([[0, 2**16], [1, 0]], np.uint32), np.float32, 1.0, "counts"),
        (np.array([[0, 0.5], [1, 0]], np.float64), np.float32, 1.0, "unit"),
        (np.array([[0, 0.5], [-1e-3, 0]], ">f4"), np.float32, 1.0, "real"),
    ],
)
def test_dtypes_byte_scale_and_support(x, dtype, scale, support, tmp_path):
    loaded = data.load(config("arrays", path=save(tmp_path / "a.npz", x_train=x, x_test=x), valid_fraction=0.0))
    assert (loaded.train["x"].dtype, loaded.spec.byte_scale, loaded.spec.support) == (dtype, scale, support)
    assert loaded.train["x"].dtype.isnative
    x = x.reshape(loaded.train["x"].shape)
    np.testing.assert_array_equal(loaded.train["x"], x.astype(dtype))
    np.testing.assert_allclose(loaded.spec.mean, x.astype(float).mean(axis=0) * scale, rtol=1e-6)


@pytest.mark.parametrize(
    "given, shape, kind",
    [
        ((5,), (5,), "table"),
        ((6, 4), (6, 4, 1), "image"),
        ((6, 4, 1), (6, 4, 1), "image"),
        ((4, 5, 3), (4, 5, 3), "image"),
        ((6, 3), (6, 3), "series"),
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


def test_the_splits_of_a_source_are_drawn_independently(tmp_path):
    path = save(tmp_path / "a.npz", **{f"x_{name}": np.full((50, 4), 0.5, np.float32) for name in data.SPLITS})
    loaded = data.load(config("arrays", path=path, binarization="static"))
    assert len({split["x"].tobytes() for split in loaded[:3]}) == 3


def test_threshold_and_dynamic_binarization(tmp_path):
    x = np.arange(256, dtype=np.uint8).reshape(16, 4, 4)
    path = save(tmp_path / "a.npz", x_train=x, x_test=x)
    x = x[..., None]
    threshold = data.load(config("arrays", path=path, valid_fraction=0.0, binarization="threshold"))
    np.testing.assert_array_equal(threshold.train["x"], x >= 128)
    assert (threshold.spec.support, threshold.spec.byte_scale) == ("binary", 1.0)
    near = np.full((3, 2), [0.5, np.nextafter(np.float32(0.5), np.float32(0))], np.float32)
    halves = config("arrays", path=save(tmp_path / "b.npz", x_train=near, x_test=near), valid_fraction=0.0)
    halves.binarization = "threshold"
    np.testing.assert_array_equal(data.load(halves).train["x"], [[1, 0]] * 3)
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


def test_bytes_are_standardized_in_units_of_the_data(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (50, 4, 4), np.uint8)
    path = save(tmp_path / "a.npz", x_train=x, x_test=x[:5])
    loaded = data.load(config("arrays", path=path, valid_fraction=0.0, standardize=True))
    scaler: Any = StandardScaler().fit(x.reshape(50, 16) / 255)
    np.testing.assert_allclose(loaded.train["x"].reshape(50, 16), scaler.transform(x.reshape(50, 16) / 255), atol=2e-6)
    assert loaded.spec.spread is not None
    np.testing.assert_allclose(loaded.spec.spread.ravel(), scaler.scale_, rtol=1e-6)


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


def test_importing_data_is_light():
    code = "import aejax.data, sys; print(*{'jax', 'tensorflow_datasets', 'sklearn', 'scipy'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


def test_the_genuine_binarized_rows_have_their_means():
    raw = os.environ.get("AEJAX_RAW_DATA")
    if not raw or not (path := Path(raw) / "binarized_mnist" / "binarized_mnist.npz").exists():
        pytest.skip("AEJAX_RAW_DATA names no directory with binarized_mnist: the genuine rows are not tested")
    loaded = data.load(config("binarized_mnist", path=str(path)))
    assert [len(split["x"]) for split in loaded[:3]] == [50_000, 10_000, 10_000]
    np.testing.assert_allclose([split["x"].mean() for split in loaded[:3]], [0.130562, 0.131127, 0.132512], atol=1e-6)
