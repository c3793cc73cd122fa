"""The command that `init` prints: training takes it, and it says of each column what a person would."""

import re
import shlex
from typing import Any

import numpy as np
import pyarrow
import pytest
from PIL import Image

from aejax.engine import programs
from aejax.errors import UserError
from aejax.plan import Plan
from experiments import _recipes as recipes
from experiments import init
from experiments.launch import split
from tests.conftest import ROOT
from tests.test_arrays import write
from tests.test_data import save

RNG = np.random.default_rng(0)
ROWS = range(60)


def table(folder, end="\n", **columns):
    names = ["id", "age", "colour", "size", "note"]
    cells = {
        "id": [f"p{i}" for i in ROWS],
        "age": [20.5 + i if i % 7 else "" for i in ROWS],
        "colour": [("red", "blue")[i % 2] for i in ROWS],
        "size": ["SML"[i % 3] for i in ROWS],
        "note": [f"free text {i // 2}" for i in ROWS],
    } | columns
    lines = [",".join([*names, *columns])] + [",".join(map(str, row)) for row in zip(*cells.values(), strict=True)]
    return write(folder / "t.csv", end.join(lines))


def pictures(folder):
    for i in range(12):
        (folder / "pets" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(RNG.integers(0, 255, (9, 9, 3), np.uint8)).save(folder / "pets" / "ab"[i % 2] / f"{i}.png")
    return str(folder / "pets")


def array(**how):
    return lambda folder: save(folder / "x.npz", **how)


BITS = RNG.integers(0, 2, (60, 9))
MIXED = ["--config=table", "id_column=id", "categorical_columns=colour,size", "ignore_columns=note", "missing=mean"]
CASES: dict[str, tuple[Any, list[str]]] = {
    "columns of all kinds": (table, [*MIXED, "model.likelihood=mixed"]),
    "labels": (
        lambda folder: table(folder, species=[i % 4 for i in ROWS]),
        [*MIXED, "label_column=species", "model.likelihood=mixed"],
    ),
    "whole numbers that are ids": (
        lambda folder: write(folder / "t.csv", "row_id,a\n" + "".join(f"{i},{i * 0.5}\n" for i in ROWS)),
        ["--config=table", "id_column=row_id"],
    ),
    "categories alone": (
        lambda folder: write(folder / "t.csv", "a,b\n" + "".join(f"{'xy'[i % 2]},{'pqr'[i % 3]}\n" for i in ROWS)),
        ["--config=table", "model.likelihood=categorical", "data.standardize=False"],
    ),
    "real numbers": (array(x=RNG.normal(size=(60, 5)), y=np.arange(60) % 3), ["--config=table"]),
    "counts": (array(x=RNG.poisson(1.0, (60, 5))), ["--config=counts", "data.condition_columns=", "library_size=none"]),
    "bits": (array(x=BITS), ["--config=vae"]),
    "grey images": (array(x=RNG.random((60, 9, 9))), ["--config=conv", "model.name=vae"]),
    "small images": (array(x=RNG.random((60, 5, 5))), ["--config=vae"]),
    "images of three channels": (pictures, ["--config=conv", "model.name=vae", "gaussian", "batch_size=8"]),
    "series": (array(x=RNG.normal(size=(60, 16, 2))), ["--config=series", "data.standardize=True"]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_file_gets_a_command_that_training_takes(case, tmp_path):
    make, words = CASES[case]
    path = make(tmp_path)
    lines, given = init.suggested({"data.path": path})
    assert lines[0].startswith(f"data: {path}: ") and lines[-1].startswith(f"recipe: {given[0].partition('=')[2]}, ")
    assert all(any(flag.endswith(word) for flag in given) for word in words), given
    others, settings = split(shlex.split(init.wrapped(["train", *given]).replace("\\\n", "")))
    assert others == ["train", given[0]] and set(settings) >= {"data.path"}
    config = recipes.changed(recipes.load(others[1].removeprefix("--config=")), settings)
    programs.make_groups(Plan.make(config, chosen=settings))


def test_what_is_given_is_not_guessed(tmp_path):
    path = table(tmp_path, species=[i % 4 for i in ROWS])
    lines, given = init.suggested({"data.path": path, "data.label_column": "size", "model.latent_dim": "7"})
    assert "--config.data.label_column=size" in given and "--config.model.latent_dim=7" in given
    assert lines[-2] == "guess: ids 'id'; categories 'colour'; left out 'note'"  # the species are numbers
    more = {"data.missing": "drop_rows", "data.categorical_columns": "size", "data.ignore_columns": "age"}
    _, words = init.suggested({"data.path": path} | more)
    assert "--config.data.missing=drop_rows" in words and "--config.data.ignore_columns=age,note" in words
    assert "--config.data.categorical_columns=size,colour" in words
    with pytest.raises(UserError, match="model.likelihood=bernoulli needs zeros and ones"):
        init.suggested({"data.path": path}, "vae")


@pytest.mark.slow
def test_the_page_shows_what_is_printed_for_its_files(tmp_path, monkeypatch):
    page = (ROOT / "docs" / "own-data.md").read_text(encoding="utf-8").partition("## Five files")[2]
    make = re.search(r"```python\n(.*?)```", page, re.S)
    assert make
    monkeypatch.chdir(tmp_path)
    exec(make[1], {})
    shown = re.findall(r"^python (-m experiments.train --config=.*?)$", page.replace("\\\n", " "), re.M)
    for command in shown:
        _, _, config, _, *flags_of = command.split()
        path = next(flag.partition("path=")[2] for flag in flags_of if "data.path=" in flag)
        given = {"data.condition_columns": "batch"} if path == "counts.npz" else {}
        assert sorted(init.suggested({"data.path": path} | given)[1]) == sorted([config, *flags_of])
    assert len(shown) == 5


def test_the_ids_are_those_that_are_called_so(tmp_path):
    text = "comment,PassengerId,a\n" + "".join(f"free {i},{i * 7 % 61},{i * 37 % 41}\n" for i in ROWS)
    _, words = init.suggested({"data.path": write(tmp_path / "t.csv", text)})
    assert {"--config.data.id_column=PassengerId", "--config.data.ignore_columns=comment"} <= set(words)


def test_a_column_is_what_its_values_say():
    def of(*values, name="a"):
        found: dict[str, list[str]] = {key: [] for key in ("id", "label")}
        return init.guess(name, pyarrow.chunked_array([values]), found)[0]

    assert of("a", "b", "c") == "id" and of("a", "a", "a") == "ignore" and of(*"ababab") == "categorical"
    assert of(1, 2, 3) == "" and of(1, 2, 3, name="cell id") == "id" and of(1.5, 2.5, 3.5, name="id") == ""
    assert of(0, 1, 0, 1, name="class") == "label" and of(0.5, 1, 0, 1, name="class") == ""
    assert of(*"xyxyx", "", name="type") == "categorical"  # a row without a label cannot be trained
    assert of("1", "2", "bad", "4") == "" and of("5 %", "1,000", "7") == ""  # reading it says which cell is wrong
    assert of("$0.50", "−1.5", "x") == "" and of("x" * 300_000, "y", "z") == "id"
    assert of(None, None) == "ignore" and of("1", "2", "x", "x", "y") == "ignore"
