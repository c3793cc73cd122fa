"""Tables that people bring, from the file to the codes of new rows: each case reads, or names its remedy."""

import gzip
import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import aejax
from aejax import data
from aejax.data import new_rows, readers, sparse, summary
from aejax.data.readers import csv as csv_reader
from aejax.errors import UserError
from aejax.keys import base_config
from aejax.models import vae
from tests.test_arrays import write
from tests.test_data import assert_one_line, config, save

RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(40, 2)).round(3)
COLOURS, SIZES = ["blue", "red", "red"], ["L", "M", "S", "S", "M"]
LINES = ["id,age,colour,size,height"] + [
    f"r{i},{a},{COLOURS[i % 3]},{SIZES[i % 5]},{b}" for i, (a, b) in enumerate(NUMBERS.tolist())
]
TABLE = "\n".join(LINES) + "\n"
CATEGORIES = {"id_column": "id", "categorical_columns": "colour, size"}


def one_hot(row):
    colour, size = COLOURS[row % 3], SIZES[row % 5]
    return [float(colour == known) for known in ("blue", "red")] + [float(size == known) for known in "LMS"]


def every_row(loaded):
    """x of all rows in the order of their numbers, and the number of the split of each."""
    numbers = np.concatenate([loaded.row_numbers[name] for name in data.SPLITS])
    x = np.concatenate([sparse.dense(split["x"]) for split in loaded[:3]])
    return x[np.argsort(numbers)]


def load(tmp_path, text, **keys):
    return data.load(config("arrays", path=write(tmp_path / "t.csv", text), **keys))


def new(tmp_path, text, loaded, **keys):
    return new_rows.read(write(tmp_path / "new.csv", text), config("arrays", **keys), loaded.spec)


def refused(call, *words):
    with pytest.raises(UserError) as error:
        call()
    assert_one_line(error, *words)


# categories


def test_categories_become_one_hot_blocks_after_the_numbers(tmp_path):
    loaded = load(tmp_path, TABLE, **CATEGORIES)
    names = ("age", "height", "colour=blue", "colour=red", "size=L", "size=M", "size=S")
    assert loaded.spec.feature_names == names and loaded.spec.support == "mixed" and loaded.spec.num_numbers == 2
    expected = np.array([[*NUMBERS[row], *one_hot(row)] for row in range(40)], np.float32)
    np.testing.assert_array_equal(every_row(loaded), expected)
    scaled = load(tmp_path, TABLE, **CATEGORIES, standardize=True)
    np.testing.assert_array_equal(every_row(scaled)[:, 2:], expected[:, 2:])  # blocks stay 0 and 1
    np.testing.assert_allclose(scaled.train["x"][:, :2].std(axis=0), 1.0, rtol=1e-5)
    alone = load(
        tmp_path, "\n".join(",".join(line.split(",")[2:4]) for line in LINES), categorical_columns="colour,size"
    )
    assert alone.spec.support == "categories" and alone.train["x"].dtype == np.uint8 and alone.spec.bounded
    np.testing.assert_array_equal(every_row(alone), expected[:, 2:])


@pytest.mark.parametrize("standardize", [False, True])
def test_new_rows_have_the_runs_blocks_in_any_order_of_columns(standardize, tmp_path):
    loaded = load(tmp_path, TABLE, **CATEGORIES, standardize=standardize)
    order = [4, 2, 0, 1, 3]
    turned = "\n".join(",".join(line.split(",")[i] for i in order) for line in LINES[:1] + LINES[4:6])
    x, _, ids, _ = new(tmp_path, turned, loaded, **CATEGORIES)
    np.testing.assert_array_equal(x, every_row(loaded)[3:5])
    assert ids is not None and ids.tolist() == ["r3", "r4"]
    blocks = ",".join(loaded.spec.feature_names) + "\n1,2,0.25,0.75,0,0.5,0.5\n"  # as `sample` writes them
    x, *_ = new(tmp_path, blocks, loaded, **CATEGORIES)
    np.testing.assert_array_equal(x[:, 2:], [[0.25, 0.75, 0, 0.5, 0.5]])
    np.testing.assert_array_equal(new_rows.prepare(x, config(), loaded.spec).x[:, 2:], x[:, 2:])
    for text, words in (
        ("age,colour,size,height\n1,red,M,2\n1,green,M,2\n", ["row 1", "colour=green is not among", "blue, red"]),
        ("age,colour,size,height\n1,red,,2\n", ["row 0", "no value in 'size'", "data.missing=mean"]),
        (
            "age,size,weight\n1,M,2\n",
            ["columns 'height', 'colour' are missing and column 'weight' is not in the run's"],
        ),
    ):
        refused(lambda text=text: new(tmp_path, text, loaded, **CATEGORIES), *words)


def test_a_category_of_a_test_row_alone_has_a_feature_and_is_named(tmp_path):
    row = int(load(tmp_path, TABLE, **CATEGORIES).row_numbers["test"][0])
    line = LINES[row + 1]
    loaded = load(tmp_path, TABLE.replace(line, re.sub("blue|red", "violet", line)), **CATEGORIES)
    violet = loaded.spec.feature_names.index("colour=violet")
    assert loaded.test["x"][0, violet] == 1 and not loaded.train["x"][:, violet].any()
    assert loaded.notes == ("in no training row: 'colour=violet'",)


def test_arrays_and_sparse_rows_may_have_categories_beside_them(tmp_path):
    matrix: Any = sp.csr_array(RNG.poisson(1.0, (40, 3)))
    arrays = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr, "shape": matrix.shape}
    site = np.arange(40) % 2
    path = save(tmp_path / "a.npz", format=b"csr", **arrays, site=site)
    loaded = data.load(config("arrays", path=path, categorical_columns="site"))
    assert sparse.is_sparse(loaded.train["x"])
    assert loaded.spec.feature_names == ("x1", "x2", "x3", "site=0", "site=1")
    np.testing.assert_array_equal(every_row(loaded)[:, 3:], np.eye(2)[site])
    x, *_ = new_rows.read(path, config("arrays", categorical_columns="site"), loaded.spec)
    np.testing.assert_array_equal(sparse.dense(x), every_row(loaded))


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, ["'blue' is not a number", "data.categorical_columns, label_column, id_column or ignore_columns"]),
        ({"categorical_columns": "color"}, ["data.categorical_columns=color", "did you mean 'colour'"]),
        ({"categorical_columns": "colour,size,colour"}, ["names a column twice"]),
        ({"categorical_columns": "colour,size,age"}, ["age holds real numbers", "data.categorical_columns"]),
        ({"categorical_columns": "id,colour"}, ["data.categorical_columns=id is data.id_column, too"]),
        ({"condition_columns": "id"}, ["data.condition_columns=id is data.id_column, too"]),
        ({**CATEGORIES, "binarization": "static"}, ["data.categorical_columns and data.binarization=static"]),
    ],
)
def test_a_column_that_cannot_hold_categories_is_named(keys, words, tmp_path):
    refused(lambda: load(tmp_path, TABLE, **({"id_column": "id"} | keys)), *words)


def test_keys_of_tables_are_refused_for_images_and_for_arrays_without_names(tmp_path):
    path = save(tmp_path / "a.npz", x=np.zeros((9, 5, 5)))
    refused(lambda: data.load(config("arrays", path=path, missing="mean")), "data.missing=mean is for tables")
    path = save(tmp_path / "b.npz", x=np.zeros((9, 5)))
    words = ["data.categorical_columns=a", "no columns with names"]
    refused(lambda: data.load(config("arrays", path=path, categorical_columns="a")), *words)


# missing values


def holes():
    """The table with two holes: no age in row 7, no colour in row 11."""
    lines = [line.split(",") for line in LINES]
    lines[8][1], lines[12][2] = "NA", "?"
    return "\n".join(map(",".join, lines)) + "\n"


def test_missing_values_are_counted_and_the_remedies_are_named(tmp_path):
    words = ["2 of 40 rows and 2 of 4 columns lack values", "row 7 (counted from 0), feature 'age'", "mean"]
    refused(lambda: load(tmp_path, holes(), **CATEGORIES), *words, "data.missing=drop_rows, drop_columns")


def test_rows_without_holes_keep_their_numbers_and_ids(tmp_path):
    loaded = load(tmp_path, holes(), **CATEGORIES, missing="drop_rows")
    numbers = np.concatenate([loaded.row_numbers[name] for name in data.SPLITS])
    assert sorted(numbers) == [row for row in range(40) if row not in (7, 11)]
    for name, split in zip(data.SPLITS, loaded[:3], strict=True):
        assert loaded.ids[name].tolist() == [f"r{row}" for row in loaded.row_numbers[name]]
        np.testing.assert_array_equal(split["x"][:, 0], np.float32(NUMBERS[loaded.row_numbers[name], 0]))
    assert "2 of 40 rows dropped for missing values" in loaded.notes
    refused(lambda: new(tmp_path, holes(), loaded, **CATEGORIES), "row 7", "'age' (2 such rows)", "data.missing=mean")


def test_columns_with_holes_are_dropped_and_ignored_in_new_rows(tmp_path):
    loaded = load(tmp_path, holes(), **CATEGORIES, missing="drop_columns")
    assert loaded.spec.feature_names == ("height", "size=L", "size=M", "size=S")
    assert loaded.spec.dropped == ("age", "colour") and "('age', 'colour')" in loaded.notes[0]
    x, *_ = new(tmp_path, holes(), loaded, **CATEGORIES)
    np.testing.assert_array_equal(x, every_row(loaded))
    x, *_ = new(tmp_path, "size,height\nM,3\n", loaded, **CATEGORIES)
    np.testing.assert_array_equal(x, [[3, 0, 1, 0]])


@pytest.mark.parametrize("standardize", [False, True])
def test_the_mean_and_the_most_frequent_category_of_the_training_rows_fill_holes(standardize, tmp_path):
    loaded = load(tmp_path, holes(), **CATEGORIES, missing="mean", standardize=standardize)
    train = [row for row in loaded.row_numbers["train"] if row != 7]
    mean = NUMBERS[train, 0].mean()
    raw = every_row(loaded)
    if standardize:
        assert loaded.spec.center is not None and loaded.spec.spread is not None
        raw = raw * loaded.spec.spread[None] + loaded.spec.center[None]
    np.testing.assert_allclose(raw[7, 0], mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(raw[11, 2:4], [0, 1])  # most are red
    assert loaded.spec.fill is not None
    np.testing.assert_allclose(loaded.spec.fill, [mean, NUMBERS[loaded.row_numbers["train"], 1].mean()], rtol=1e-5)
    x, *_ = new(tmp_path, holes(), loaded, **CATEGORIES, missing="mean")
    np.testing.assert_array_equal(x, every_row(loaded))
    full, whole = x[:1].copy(), raw[:1].copy()
    full[0, 0], whole[0, 0] = every_row(loaded)[7, 0], np.nan
    np.testing.assert_allclose(new_rows.prepare(whole, config(), loaded.spec).x, full, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("hole", ["", "NA", "nan", "NaN", "null", "?", "N/A"])
def test_what_counts_as_missing(hole, tmp_path):
    """In a .csv by these words, in a .parquet as null or nan, in arrays as nan; an infinite number is refused."""
    text = "a,b\n" + "".join(f"{i}.5,{hole if i == 3 else i}\n" for i in range(9))
    by_text = load(tmp_path, text, missing="mean")
    x = np.stack([np.arange(9) + 0.5, np.where(np.arange(9) == 3, np.nan, np.arange(9))], axis=1)
    by_array = data.of_arrays(x, None, config("arrays", missing="mean"))
    by_rows = data.of_arrays(sp.csr_array(x), None, config("arrays", missing="mean"))
    assert by_text.sha256 == by_array.sha256 == by_rows.sha256
    if hole in ("", "nan"):
        import pyarrow
        from pyarrow import parquet

        columns = {"a": x[:, 0], "b": [None if i == 3 and not hole else float(x[i, 1]) for i in range(9)]}
        parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
        assert data.load(config("arrays", path=str(tmp_path / "t.parquet"), missing="mean")).sha256 == by_text.sha256
        refused(lambda: load(tmp_path, text.replace("1.5", "inf"), missing="mean"), "row 1", "inf", "not a finite")


def test_holes_that_nothing_can_fill_are_named(tmp_path):
    empty = "a,b,c\n" + "".join(f"{i},,{i}\n" for i in range(9))
    refused(lambda: load(tmp_path, empty, missing="mean"), "feature 'b' has no value in the training rows")
    refused(lambda: load(tmp_path, empty, missing="drop_rows"), "every row has a missing value", "drop_columns")
    words = ["every column has a missing value", "drop_rows"]
    refused(lambda: load(tmp_path, "a,b\n1,\n,2\n1,1\n3,3\n", missing="drop_columns"), *words)
    x = np.where(np.arange(20) == 3, np.nan, 1.0).reshape(10, 2)
    words = ["data.missing=drop_columns needs columns with names"]
    refused(lambda: data.of_arrays(x, None, config("arrays", missing="drop_columns")), *words)


# what a table looks like


def rows_of(separator=",", end="\n", comma=False, names="id,a,größe"):
    text = [names.replace(",", separator)]
    text += [
        separator.join((f"r{i}", *(str(v).replace(".", "," if comma else ".") for v in NUMBERS[i]))) for i in range(40)
    ]
    return end.join(text) + end


SHAPES = {
    "plain": (rows_of().encode(), ()),
    "windows": (rows_of(end="\r\n").encode("utf-8-sig"), ()),
    "semicolons": (rows_of(";").encode(), ("cells separated by semicolons",)),
    "Excel's line": (("sep=;\n" + rows_of(";")).encode(), ()),
    "quotes after spaces": (re.sub(r",([^,\n]*)\n", r', "\1"\n', rows_of()).encode(), ()),
    "tabs": (rows_of("\t").encode(), ("cells separated by tabs",)),
    "bars": (rows_of("|").encode(), ("cells separated by bars",)),
    "decimal commas": (rows_of(";", comma=True).encode(), ("cells separated by semicolons", "decimal commas")),
    "latin-1": (rows_of().encode("latin-1"), ("decoded as Windows-1252, because it is not UTF-8",)),
    "utf-16": (rows_of().encode("utf-16"), ("decoded as UTF-16",)),
    "line break in quotes": (rows_of().replace("r3,", '"r\n3",').encode(), ()),
    "index without a name": (rows_of(names=",a,größe").encode(), ("ids from the column without a name",)),
    "index of pandas": (
        rows_of(names="Unnamed: 0,a,größe").encode(),
        ("ids from the column without a name",),
    ),
}


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (gzip.compress(rows_of().encode()), "compressed by gzip: let its name end with .gz"),
        (b"PK\x03\x04" + bytes(9), "a zip archive or an Excel workbook"),
        (b"PAR1" + bytes(9), "let its name end with .parquet"),
        (rows_of().encode("utf-16-le"), "NUL bytes: save it as UTF-8"),
    ],
)
def test_what_is_no_text_is_named(raw, word, tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(raw)
    with pytest.raises(UserError, match="is no text") as error:
        data.load(config("arrays", path=str(path)))
    assert word in str(error.value)


@pytest.mark.parametrize("case", SHAPES)
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_a_text_is_read_as_it_was_written(case, suffix, tmp_path):
    raw, notes = SHAPES[case]
    path = tmp_path / f"t{suffix}"
    path.write_bytes(gzip.compress(raw) if suffix.endswith("gz") else raw)
    loaded = data.load(config("arrays", path=str(path), id_column="" if "index" in case else "id"))
    assert loaded.spec.feature_names == ("a", "größe") and loaded.notes == notes
    np.testing.assert_array_equal(every_row(loaded), NUMBERS.astype(np.float32))
    row = loaded.row_numbers["train"].tolist().index(3) if 3 in loaded.row_numbers["train"] else None
    if row is not None:
        assert loaded.ids["train"][row] == ("r\n3" if "quotes" in case else "r3")


def test_a_first_line_of_numbers_is_a_row_and_says_so(tmp_path):
    loaded = load(tmp_path, "1,,3\n" + "4,5,6\n" * 9, missing="mean")
    np.testing.assert_array_equal(every_row(loaded)[0], [1, 5, 3])
    assert loaded.spec.feature_names == () and "the first line has no names, so it is a row" in loaded.notes
    numbered = load(tmp_path, ",0,1\n" + "0,5,6\n1,5,7\n" * 4)  # as pandas writes columns without names
    assert numbered.spec.feature_names == ("0", "1") and len(every_row(numbered)) == 8
    assert summary.lines(numbered, config("arrays"))[2].endswith("ids of more than one row: '0', '1'")


def test_an_index_beside_ids_is_no_feature(tmp_path):
    text = "\n".join(f"{'' if i == 0 else i - 1},{line}" for i, line in enumerate(LINES)) + "\n"
    loaded = load(tmp_path, text, **CATEGORIES)
    assert loaded.spec.feature_names[:2] == ("age", "height") and "left out" in loaded.notes[0]
    assert loaded.ids["train"][0] == f"r{loaded.row_numbers['train'][0]}"


def test_numbers_with_points_and_commas_are_refused(tmp_path):
    refused(lambda: load(tmp_path, "a;b\n1,5;2\n1.5;3\n4;5\n"), "'1,5' is not a number", "data.delimiter")


def test_a_quote_within_a_cell_is_a_character(tmp_path):
    loaded = load(tmp_path, "a,size\n" + '1,5" pipe\n2,small\n' * 5 + '3,5" pipe\n', label_column="size")
    assert loaded.spec.class_names == ('5" pipe', "small") and len(every_row(loaded)) == 11


def test_true_and_false_are_one_and_zero(tmp_path):
    loaded = load(tmp_path, "a,b\n" + "1,true\n2,False\n" * 5)
    np.testing.assert_array_equal(every_row(loaded), [[1, 1], [2, 0]] * 5)


def test_a_late_fraction_and_a_long_line_are_read(tmp_path, monkeypatch):
    """The parser infers types, and takes lines, block by block; a block has CHUNK bytes."""
    monkeypatch.setattr(csv_reader, "CHUNK", 1 << 16)

    def read(text):
        return readers.read(write(tmp_path / "t.csv", text), config("arrays")).splits["train"]["x"]

    number = 2_000
    lines = "a,b\n" + "".join(f"{i:>60},{i % 7}\n" for i in range(number))
    x = read(lines + "0.5,7\n")
    assert x[-1].tolist() == [0.5, 7] and x[number - 1, 0] == number - 1
    refused(lambda: read(lines + "3,true\n"), f"row {number} (counted from 0), column 'b': 'true' is not a number")
    refused(lambda: read(lines + "1\n"), f"line {number + 2} has 1 cells, but the first line has 2")
    cell = "0." + "3" * 1000
    np.testing.assert_array_equal(read((",".join([cell] * 300) + "\n") * 2), np.full((2, 300), float(cell)))


# what train prints


def test_train_says_what_it_understood(tmp_path):
    keys = config("arrays", path=write(tmp_path / "t.csv", holes()), **CATEGORIES, missing="mean", standardize=True)
    first, second, third = summary.lines(data.load(keys), keys)
    assert "t.csv: 40 rows of 7 features, with one-hot blocks of colour (2), size (3)" in first
    assert "numbers and categories, from " in first and first.endswith("then standardized")
    assert second == "split: 29 training, 3 validation and 8 test rows; no labels"
    assert third == "note: 2 missing values in 2 of 40 rows and 2 of 4 columns filled from the training rows"
    x = np.zeros((30, 3))
    x[:, 0] = np.arange(30)
    path = save(tmp_path / "a.npz", x=x, y=np.arange(30), ids=["a", "b"] * 15)
    keys = config("arrays", path=path)
    _, second, third = summary.lines(data.load(keys), keys)
    assert second.endswith("30 classes (0, 1, 2, 3, 4, ...), one for each row: is this the column of labels?")
    assert third == "note: constant in the training rows: '1', '2'; ids of more than one row: 'a', 'b'"


def test_large_values_are_pointed_out_and_small_differences_between_them_kept(tmp_path):
    x = np.stack([16_000_000 + np.arange(40) % 4, np.arange(40) % 7 / 8], axis=1)  # float32 holds them all
    path = save(tmp_path / "a.npz", x=x)
    lines = {
        s: summary.lines(data.load(k), k) for s in (0, 1) for k in [config("arrays", path=path, standardize=bool(s))]
    }
    assert lines[0][2] == "note: the values are large: data.standardize=True may keep the training from diverging"
    assert len(lines[1]) == 2


def test_a_column_that_counts_the_rows_is_named(tmp_path):
    text = "nr,a\n" + "".join(f"{i + 7},{(i * 37) % 41}\n" for i in range(50))
    for standardize in (False, True):
        keys = config("arrays", path=write(tmp_path / "t.csv", text), standardize=standardize)
        assert summary.lines(data.load(keys), keys)[2] == "note: 'nr' counts the rows: is it data.id_column?"
    keys = config("arrays", path=write(tmp_path / "t.csv", text), id_column="nr")
    assert len(summary.lines(data.load(keys), keys)) == 2


def test_bytes_two_bytes_and_channels_of_images(tmp_path):
    grey = RNG.integers(0, 256, (20, 6, 5, 3)).astype(np.uint8)
    keys = config("arrays", path=save(tmp_path / "a.npz", x=grey))
    loaded = data.load(keys)
    words = "20 rows of 6 x 5 x 3 (images), numbers in [0, 1], from 0 to 1, bytes divided by 255"
    assert summary.lines(loaded, keys)[0].endswith(words)
    wide = data.load(config("arrays", path=save(tmp_path / "b.npz", x=grey.astype(np.uint16) * 257)))
    np.testing.assert_allclose(every_row(wide), every_row(loaded) / 255, rtol=1e-6)
    assert wide.spec.support == "unit" and wide.notes == ("16-bit grey values divided by 65535",)
    x, *_ = new_rows.read(str(tmp_path / "b.npz"), keys, wide.spec)
    np.testing.assert_array_equal(x, every_row(wide))
    path = save(tmp_path / "c.npz", x=np.moveaxis(grey, -1, 1))
    refused(lambda: data.load(config("arrays", path=path)), "(20, 3, 6, 5)", "axis 1", "numpy.moveaxis(x, 1, -1)")
    floats = data.load(config("arrays", path=save(tmp_path / "d.npz", x=grey.astype(np.float32))))
    model: Any = SimpleNamespace(likelihood="bernoulli")
    refused(lambda: vae.make_likelihood(model, floats.spec), "divide the data by 255 (they lie in [0, 255])")


# from the file to the codes


@pytest.mark.slow
def test_a_mixed_table_trains_reconstructs_and_reads_new_rows(tmp_path):
    settings: Any = base_config()
    settings.data.update(name="arrays", path=write(tmp_path / "t.csv", holes()), **CATEGORIES)
    settings.data.update(missing="mean", standardize=True)
    settings.model.update(likelihood="mixed", hidden=(4,), learn_variance=True)
    settings.train.update(epochs=2, batch_size=8)
    aejax.run(settings, tmp_path / "run")
    model = aejax.load(tmp_path / "run")
    x, *_ = new_rows.read(str(tmp_path / "t.csv"), model.config.data, model.spec)
    codes = model.embed(x)
    x_hat = model.decode(codes)
    for block in (slice(2, 4), slice(4, 7)):
        np.testing.assert_allclose(x_hat[:, block].sum(axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(model.encode(every_row(model.dataset())), codes, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.encode(x_hat), model.encode(model.decode(codes)))
