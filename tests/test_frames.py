"""Data frames in Python: what a file of the same columns gives, trained, kept and matched by name."""

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow
import pytest

import aejax
from aejax import data
from aejax.data import readers
from aejax.errors import UserError
from aejax.keys import base_config
from tests.test_arrays import write
from tests.test_cases import CATEGORIES, LINES, NUMBERS, TABLE, load, refused
from tests.test_data import config

KINDS = np.array(["a", "b"])[np.arange(40) % 2]


def frame() -> Any:
    """The table of test_cases."""
    cells = dict(zip(LINES[0].split(","), zip(*(line.split(",") for line in LINES[1:]), strict=True), strict=True))
    cells |= {"age": NUMBERS[:, 0], "height": NUMBERS[:, 1]}
    return pyarrow.table({name: pyarrow.array(values) for name, values in cells.items()})


def of(given, y=None, **keys):
    return data.of_arrays(readers.as_table(given, y, keys.get("label_column", "")), None, config("arrays", **keys))


def streamed(table):
    """What any data frame is that knows Arrow's protocol, such as one of polars."""
    return SimpleNamespace(columns=table.column_names, __arrow_c_stream__=table.__arrow_c_stream__)


def test_a_data_frame_is_the_file_of_it(tmp_path):
    expected, table = load(tmp_path, TABLE, **CATEGORIES), frame()
    in_codes = table.set_column(2, "colour", table["colour"].dictionary_encode())  # a category of pandas
    for given in (table, in_codes, streamed(table)):
        loaded = of(given, **CATEGORIES)
        assert loaded.sha256 == expected.sha256 and loaded.spec.feature_names == expected.spec.feature_names
        assert loaded.ids["test"].tolist() == expected.ids["test"].tolist()
    metadata = {b"pandas": json.dumps({"index_columns": ["id"]}).encode()}
    indexed = of(table.replace_schema_metadata(metadata), categorical_columns="colour,size")
    assert indexed.sha256 == expected.sha256 and indexed.ids["test"].tolist() == expected.ids["test"].tolist()
    assert indexed.notes == ("ids from the index 'id'",)
    metadata = {b"pandas": json.dumps({"index_columns": ["id", "size"]}).encode()}
    two = of(table.replace_schema_metadata(metadata), categorical_columns="colour")
    assert two.notes == ("ids from the index 'id'", "the index 'size' left out")


def test_kinds_of_columns(tmp_path):
    """Whole numbers, truth, decimals, nothing at all, and holes of each."""
    columns: Any = {
        "whole": pyarrow.array([1, None, 3, 4, 5]),
        "truth": pyarrow.array([True, False, None, True, True]),
        "decimal": pyarrow.array([1.5, 2.0, 3.0, None, 5.0]).cast(pyarrow.decimal128(4, 1)),
        "text": pyarrow.array(["1e3", " 2", "NA", "4", None]),
        "nothing": pyarrow.nulls(5),
    }
    x = readers.of_table(pyarrow.table(columns), config("arrays"), "here", False).splits["train"]["x"]
    nan = np.nan
    rows = [[1, nan, 3, 4, 5], [1, 0, nan, 1, 1], [1.5, 2, 3, nan, 5], [1000, 2, nan, 4, nan], [nan] * 5]
    np.testing.assert_array_equal(x, np.array(rows).T)
    times: Any = pyarrow.table({"a": [1.0, 2.0], "at": pyarrow.array([1, 2], pyarrow.timestamp("ns"))})
    found = readers.of_table(times, config("arrays", id_column="at"), "here", False).splits["train"]["ids"]
    assert found[0].startswith("1970-01-01 00:00:00.000000001")
    unnamed = pyarrow.table({"a": [1.0, 2.0], "": [3.0, 4.0]})
    assert readers.of_table(unnamed, config("arrays"), "here", False).names == ("a", "column_2")
    days = pyarrow.table({"day": pyarrow.array([0, 1], pyarrow.date32())})
    refused(lambda: of(days), "column 'day': '1970-01-01' is not a number", "data.categorical_columns")


def test_labels_come_beside_a_data_frame_or_in_it():
    table = frame()
    beside = of(table, KINDS, label_column="y", **CATEGORIES)
    inside = of(table.append_column("kind", pyarrow.array(KINDS)), label_column="kind", **CATEGORIES)
    assert beside.spec.class_names == ("a", "b") and beside.sha256 == inside.sha256
    refused(lambda: of(table, KINDS, label_column="size"), "has a column 'size', and y is given, too")
    refused(lambda: of(table, KINDS[:3], label_column="y"), "y has 3 labels for 40 rows")
    mixed = SimpleNamespace(columns=["a"], __arrow_c_stream__=None)
    refused(lambda: of(mixed), "the arrays in memory", "data frame")
    refused(lambda: of(table, np.eye(2)[np.arange(40) % 2], label_column="y"), "y has shape (40, 2)")


@pytest.mark.slow
def test_a_fit_of_a_data_frame_is_kept_and_knows_new_ones(tmp_path):
    settings: Any = base_config()
    settings.data.update(id_column="id", condition_columns="size", categorical_columns="colour")
    settings.model.update(likelihood="mixed", hidden=(4,))
    settings.train.update(epochs=1, batch_size=8)
    model = aejax.fit(settings, frame(), KINDS, workdir=tmp_path / "run")
    assert model.config.data.label_column == "y" and (tmp_path / "run" / "data.parquet").is_file()
    turned = frame().select(["height", "size", "colour", "age"]).slice(3, 5)
    codes = model.encode(turned)
    sizes = turned["size"].to_pylist()
    np.testing.assert_array_equal(codes, model.encode(turned.drop(["size"]), conditions={"size": sizes}))
    kept = aejax.load(tmp_path / "run")
    lines = [",".join(line.split(",")[1:]) for line in (LINES[0], *LINES[4:9])]
    np.testing.assert_array_equal(codes, kept.embed(*read_rows(kept, write(tmp_path / "n.csv", "\n".join(lines)))))
    assert kept.dataset().spec.class_names == ("a", "b")
    blank = turned.append_column("y", pyarrow.nulls(5, pyarrow.string()))
    np.testing.assert_array_equal(model.encode(blank), codes)
    with pytest.raises(UserError, match="column 'age' is missing"):
        model.encode(turned.drop(["age"]))
    with pytest.raises(UserError, match="needs a value of size"):
        model.encode(turned.drop(["size"]))


def read_rows(model, path):
    rows = model.read(path)
    return rows.x, rows.c
