"""New samples for a trained run: matched by name, scaled and standardized as its training rows were."""

import json

import numpy as np
import pytest

from aejax import data
from aejax.data import new_rows
from aejax.errors import UserError
from tests.test_arrays import X, write
from tests.test_data import GENES, TABLE, assert_one_line, config, save

# new samples of a trained run


def test_spec_survives_json_to_the_bit(tmp_path):
    path = write(tmp_path / "g.csv", GENES.replace("1.5", "0.1"))
    for loaded in (
        data.load(config("arrays", path=path, standardize=True, **TABLE)),
        data.load(config()),
        data.load(config(binarization="static")),
        data.load(config("arrays", path=save(tmp_path / "n.npz", x=X, y=X[:, 0] / 7), label_kind="number")),
        data.load(config("arrays", path=path, **TABLE, condition_columns="class,myc", condition_numbers="myc")),
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
    x, y, ids, _ = new_rows.read(keys.path, keys, loaded.spec)
    assert y is not None and ids is not None
    row = ids.tolist().index(loaded.ids["train"][0])
    np.testing.assert_array_equal(x[row], loaded.train["x"][0])
    assert x.dtype == np.float32 and y.tolist() == [0, 1, 0, 1, 1] and y.dtype == np.int32
    swapped = write(tmp_path / "new.csv", "myc,tp53\n2,1.5\n4,3\n")  # another order, no ids or labels
    again, y, ids, _ = new_rows.read(swapped, keys, loaded.spec)
    np.testing.assert_array_equal(again, x[:2])
    assert y is None and ids is None


def test_new_images_may_be_bytes_floats_or_flat(tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (20, 5, 4)).astype(np.uint8)
    keys = config("arrays", path=save(tmp_path / "a.npz", x=grey, y=np.arange(20) % 2))
    spec = data.load(keys).spec
    x, y, _, _ = new_rows.read(keys.path, keys, spec)
    assert x.dtype == np.uint8 and y is not None and y.tolist() == [0, 1] * 10
    np.testing.assert_array_equal(x, grey[..., None])
    for number, new in enumerate([grey / 255, (grey / 255)[..., None], (grey / 255).reshape(20, -1)]):
        x, _, _, _ = new_rows.read(save(tmp_path / f"{number}.npz", x=new), keys, spec)
        assert x.dtype == np.float32 and x.shape == (20, 5, 4, 1)
        np.testing.assert_allclose(x[..., 0], grey / 255, atol=1e-6)
    x, _, _, _ = new_rows.read(save(tmp_path / "b.npz", x=grey > 127), keys, spec)  # bytes 0 and 1 are not grey values
    assert x.dtype == np.float32 and x.max() == 1.0


@pytest.mark.parametrize("mode, dtype", [("static", np.float32), ("threshold", np.uint8), ("dynamic", np.uint8)])
def test_new_images_of_a_binarized_run(mode, dtype, tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (20, 5, 4, 1)).astype(np.uint8)
    keys = config("arrays", path=save(tmp_path / "a.npz", x=grey), binarization=mode)
    loaded = data.load(keys)
    x, _, _, _ = new_rows.read(keys.path, keys, loaded.spec)
    assert x.dtype == dtype
    unit = x * np.float32(loaded.spec.byte_scale) if dtype == np.uint8 else x
    np.testing.assert_allclose(unit, grey >= 128 if mode == "threshold" else grey / 255, atol=1e-6)


def test_new_bytes_of_a_standardized_run_are_scaled_first(tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (20, 6)).astype(np.uint8)
    keys = config("arrays", path=save(tmp_path / "a.npz", x_train=grey, x_test=grey[:3]), standardize=True)
    loaded = data.load(keys)
    x, _, _, _ = new_rows.read(save(tmp_path / "b.npz", x=grey[:3]), keys, loaded.spec)
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
            new_rows.read(path, keys, spec)
        assert_one_line(error, *words)


def test_labels_of_new_samples_may_be_codes_where_classes_have_words(tmp_path):
    path = save(tmp_path / "a.npz", x=X, y=[0, 1, 2, 0, 1, 2])
    keys = config("arrays", path=path)
    spec = data.load(keys).spec
    for names, codes in ((("boot", "bag", "coat"), [0, 1, 2]), (("2", "1", "0"), [2, 1, 0])):
        y = new_rows.read(path, keys, spec._replace(class_names=names))[1]
        assert y is not None and y.tolist() == codes * 2
    with pytest.raises(UserError):
        new_rows.read(path, keys, spec._replace(class_names=("1", "2", "3")))


def test_labels_of_new_samples_are_numbers_where_the_runs_are(tmp_path):
    keys = config("arrays", path=save(tmp_path / "a.npz", x=X, y=X[:, 0] / 7), label_kind="number")
    spec = data.load(keys).spec
    y = new_rows.read(save(tmp_path / "b.npz", x=X, y=[8, -0.5, 3, 1, 2, 9]), keys, spec)[1]
    assert y is not None and y.tolist() == [8, -0.5, 3, 1, 2, 9] and y.dtype == np.float32
    assert new_rows.read(save(tmp_path / "c.npz", x=X), keys, spec)[1] is None


def test_new_rows_of_counts_are_counts(tmp_path):
    x = np.random.default_rng(0).poisson(5.0, (20, 6))
    keys = config("arrays", path=save(tmp_path / "a.npz", x=x))
    spec = data.load(keys).spec
    assert spec.support == "counts"
    for new in (x, x.astype(np.uint8), x > 4):
        rows, _, _, _ = new_rows.read(save(tmp_path / "b.npz", x=new), keys, spec)
        np.testing.assert_array_equal(rows, new)  # bytes too: they are no grey values
    for new in (x + 0.5, x - 3.0):
        with pytest.raises(UserError) as error:
            new_rows.read(save(tmp_path / "c.npz", x=new), keys, spec)
        assert_one_line(error, "trained on counts", "whole numbers from 0")
