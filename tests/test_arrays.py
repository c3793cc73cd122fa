"""Arrays and tables of the user: columns, labels, and every input that cannot be used."""

import numpy as np
import pytest

from aejax import data
from aejax.errors import UserError
from tests.test_data import GENES, TABLE, assert_one_line, config, save

# tables


def write(path, text):
    path.write_text(text)
    return str(path)


def table(path, **keys):
    """The spec, the sorted ids and, in their order, all rows of a small table's training and test splits."""
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
        write(tmp_path / "b.csv", ",1900,b\nr1,1,2\nr2,3,4\nr3,5,6\n"), id_column="column_1", label_column="b"
    )  # a name may be a number
    assert (ids, spec.feature_names, spec.class_names) == (["r1", "r2", "r3"], ("1900",), ("2", "4", "6"))


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
    assert same.spec.label_moments == (1.0, 1.0)  # the sd of equal labels counts as 1
    for unlabeled in (config("arrays", path=save(tmp_path / "b.npz", x=X)), config()):
        assert data.load(unlabeled).spec.label_moments is None


# bad input


X = np.arange(12, dtype=np.float32).reshape(6, 2)
BAD_ARRAYS = {
    "nan": ({"x": np.where(X == 5, np.nan, X)}, ["bad.npz", "1 of 6 rows and 1 of 2 columns", "row 2", "feature '1'"]),
    "nan in an image": ({"x": np.full((6, 4, 4), np.nan)}, ["bad.npz", "nan", "row 0", "feature 0, 0"]),
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
    "empty cell": ("a,b\n1,2\n,4\n", {}, ["row 1", "'a'", "data.missing=drop_rows, drop_columns or mean"]),
    "nan": ("a,b\n1,2\n3,nan\n5,6\n", {}, ["1 of 3 rows and 1 of 2 columns", "row 1", "'b'"]),
    "wrong delimiter": ("a:b\n1:2\n", {}, ["'1:2' is not a number", "data.delimiter"]),
    "commas among semicolons": ("a;b;c,d\n1;2;3\n", {}, ["line 2 has 1 cells", "data.delimiter"]),
    "no such label column": (GENES, {"label_column": "clas"}, ["data.label_column=clas", "did you mean 'class'"]),
    "no such id column": (GENES, {"id_column": "zzz"}, ["data.id_column=zzz", "sample, tp53, myc, class"]),
    "ragged": ("a,b\n1,2\n3\n", {}, ["bad.csv", "line 3", "1 cells", "2"]),
    "ragged, transposed": ("a,1,2\nb,3\n", {"transpose": True}, ["bad.csv", "line 2"]),
    "a comment": ("# made\na,b\n1,2\n", {}, ["line 2 has 2 cells", "delete the lines above the names"]),
    "a quote after a space": ('a, b\n1, "x,y"\n', {}, ["line 2 has 3 cells", "remove the space before the quote"]),
    "an open quote": ('a,b\n1,x\n2,"y\n3,z\n', {"label_column": "b"}, ["a quote is not closed", "close or remove"]),
    "no feature": ("a,b\nx,1\n", {"id_column": "a", "label_column": "b"}, ["x is empty", "beside y 'b', ids 'a'"]),
    "twice a name": ("a,b,a\n1,2,3\n", {}, ["bad.csv", "'a'", "rename"]),
    "empty": ("", {}, ["bad.csv", "empty"]),
    "header only": ("a,b\n", {}, ["bad.csv", "empty"]),
    "only labels": ("a\nx\ny\n", {"label_column": "a"}, ["bad.csv", "empty"]),
    "digits that float32 lacks": (
        "t,a\n1700000000,1\n1700000049,2\n1700000020,3\n",
        {},
        ["'t' lies in [1700000000, 1700000049]", "steps of 128", "subtract 1700000000"],
    ),
    "missing label": ("a,b\n1,u\n2,\n", {"label_column": "b"}, ["label", "row 1", "'b'"]),
    "numbers for no labels": ("a,b\n1,2\n", {"label_kind": "number"}, ["data.label_kind=number", "has no labels"]),
    "long delimiter": (GENES, {"delimiter": "||"}, ["data.delimiter='||'"]),
    "no text": ("a,b\n\udc81,2\n", {}, ["bad.csv", "UTF-8"]),
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
    for path, word in [*cases, (str(tmp_path), "holds no images")]:
        with pytest.raises(UserError) as error:
            data.load(config("arrays", path=path))
        assert_one_line(error, word)


@pytest.mark.parametrize("key, value", [("label_column", "y"), ("id_column", "i"), ("transpose", True)])
def test_keys_of_a_table_are_refused_for_arrays(key, value, tmp_path):
    with pytest.raises(UserError) as error:
        data.load(config("arrays", path=save(tmp_path / "a.npz", x=X), **{key: value}))
    assert_one_line(error, f"data.{key}", "a.npz")


@pytest.mark.parametrize("name", ["valid", "test"])
def test_a_fraction_of_rows_that_the_file_splits_itself_is_refused(name, tmp_path):
    path = save(tmp_path / "a.npz", x_train=X, **{f"x_{name}": X})
    data.load(config("arrays", path=path))
    with pytest.raises(UserError) as error:
        data.load(config("arrays", path=path, **{f"{name}_fraction": 0.3}))
    assert_one_line(error, f"data.{name}_fraction has no effect", "its own", "leave it out")


@pytest.mark.parametrize("suffix", [".npz", ".npy"])
def test_damaged_files_are_named(suffix, tmp_path):
    """If bytes are missing or overwritten, numpy's error becomes one line (some damage leaves the file readable)."""
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
