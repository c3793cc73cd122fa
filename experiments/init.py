"""Prints the command that trains on a file of yours: a recipe that fits, and keys that say what its columns are.

    python -m experiments.init --data=people.csv
    python -m experiments.init --data=people.csv --config.data.label_column=size

Keys that are given are kept. The others are guessed, and every guess is printed. Nothing is written.
"""

import importlib
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags

from aejax.data import readers
from aejax.data.tables import listed
from aejax.engine import environment
from aejax.errors import UserError
from aejax.keys import Config, base_config
from aejax.plan import Plan
from experiments import _recipes as recipes
from experiments.launch import answer, launch, split

DATA = flags.DEFINE_string("data", None, "the file, or the folder of images")
CONFIG = flags.DEFINE_string("config", None, "the recipe; without it, one is chosen")
LABELS = re.compile(r"labels?|class(es)?|targets?|y|species|category|diagnosis|(cell[_ ]?)?type|group|kind", re.I)
IDS = re.compile(r"(.*[_ .-])?(?i:ids?|index|barcode|nr)|.*[a-z]I[Dd]|(?i:patient|sample|subject|user|cell|row)ids?")
NUMBER = r"^[$€£¥ ]*[+\-−]?[\d.,'_ ]*\d[\d.,'_ ]*([eE][+-]?\d+)?[ %$€£¥]*$"  # also 5 %, 1,000, $3 and 1'000
MOST = 50  # categories of a column
WIDTH = 110  # of the command

Settings = dict[str, str]  # the texts of keys, by path


def main() -> None:
    if not DATA.value:
        raise UserError("--data is missing: name a file or a folder of images, as in --data=people.csv")
    environment.pin(1)
    given = split(sys.argv[1:])[1]
    for path in given.keys() & {"data.name", "data.path"}:
        raise UserError(f"--config.{path} is not needed: --data names the file")
    lines, flags_of = suggested({"data.path": DATA.value} | given, CONFIG.value)
    workdir = f"--workdir=runs/{Path(DATA.value).name.partition('.')[0] or 'mine'}"
    answer("\n".join(lines) + "\n")
    answer(wrapped(["python -m experiments.train", flags_of[0], workdir, *flags_of[1:]]))
    answer(wrapped(["python -m experiments.evaluate", workdir]))


def suggested(given: Settings, asked: str | None = None) -> tuple[list[str], list[str]]:
    """What was understood of the data, line by line, and the flags of a training that takes them.

    Raises UserError for data that no recipe takes, or that the recipe that is asked for does not take.
    """
    from aejax import data
    from aejax.data import summary
    from aejax.engine import programs

    given = {"data.name": "arrays"} | given
    columns, guesses = of_columns(recipes.changed(base_config(), given))
    columns = {path: merged(path, given.get(path, ""), text) for path, text in columns.items()}
    config = recipes.changed(base_config(), given | columns)
    dataset = data.load(config.data)
    name, reason, keys = (asked, "as asked", {}) if asked else recipe(dataset)
    base, rows = recipes.load(name), programs.num_rows(dataset.train)
    small = {"train.batch_size": str(2 ** int(np.log2(rows)))} if base.train.batch_size > rows else {}
    settings = given | columns | {path: text for path, text in (keys | small).items() if path not in given}
    config = recipes.changed(base, settings)
    programs.make_groups(Plan.make(config, chosen=settings))  # raises what training would raise
    words = [
        f"--config.{path}={text}" for path, text in settings.items() if recipes.changed(base, {path: text}) != base
    ]
    described = [*summary.lines(dataset, config.data), *guesses, f"recipe: {name}, {reason}"]
    return described, [f"--config={name}", *words]


def merged(path: str, given: str, guessed: str) -> str:
    """The text of a key that is given and guessed: both columns of a list, else what is given."""
    return ",".join(filter(None, (given, guessed))) if path.endswith("columns") else given or guessed


def wrapped(words: list[str]) -> str:
    """A command, in lines that a shell joins."""
    lines = [f"  {words[0]}"]
    for word in map(shlex.quote, words[1:]):
        if len(lines[-1]) + len(word) < WIDTH:
            lines[-1] += f" {word}"
        else:
            lines.append(f"      {word}")
    return " \\\n".join(lines)


def of_columns(config: Config) -> tuple[Settings, list[str]]:
    """Which columns of a table hold ids, labels, categories, or nothing of use, and a line that says so."""
    path = config.data.path
    known = readers.FORMATS.get(readers.extension(path))
    if known is None or known.reader not in ("csv", "parquet") or not Path(path).exists():
        return {}, []  # it names its arrays itself, or is refused when it is read
    table, indices = columns_of(path, known.reader, config.data)
    found: dict[str, list[str]] = {key: [] for key in ("id", "label", "categorical", "ignore")}
    if indices or config.data.id_column:
        found["id"].append("")
    if config.data.label_column:
        found["label"].append("")
    has_holes = False
    for name in sorted(table.column_names, key=lambda name: not IDS.fullmatch(name)):  # an id by name comes first
        if name and name not in (*indices, *readers.asked(config.data)):
            key, holes = guess(name, table[name], found)
            has_holes |= holes and key in ("", "categorical")
            found.get(key, []).append(name)
    of = {"id": "ids", "label": "labels", "categorical": "categories", "ignore": "left out"}
    named = {key: [name for name in table.column_names if name in names and name] for key, names in found.items()}
    settings = {
        f"data.{key}_column{'s' * (key in ('categorical', 'ignore'))}": ",".join(names)
        for key, names in named.items()
        if names
    }
    words = [f"{of[key]} {listed(names)}" for key, names in named.items() if names]
    return settings | ({"data.missing": "mean"} if has_holes else {}), [f"guess: {'; '.join(words)}"] if words else []


def columns_of(path: str, reader: str, config: Any) -> tuple[Any, list[str]]:
    """The columns of a table, and those that hold the names of its rows."""
    from aejax.data.readers import csv, parquet

    if reader == "csv":
        table, index, *_ = csv.table(path, config)
    else:
        table, index = parquet.table(path), ""
    return table, readers.indices(table, index)


def guess(name: str, column: Any, found: dict[str, list[str]]) -> tuple[str, bool]:
    """What a column is: "id", "label", "categorical", "ignore", or "" for a number; and whether it has holes."""
    compute: Any = importlib.import_module("pyarrow.compute")
    try:
        values = readers.numbers(column, name, "")
        there = values[~np.isnan(values)] if values.dtype.kind == "f" else values
        is_number, is_whole, kinds = True, bool((there == np.round(there)).all()), len(np.unique(there))
    except UserError:
        there = readers.without_holes(readers.texts(column)).drop_null()
        is_number, is_whole, kinds = False, True, len(compute.unique(there))
        if 2 * (compute.sum(compute.match_substring_regex(there, NUMBER)).as_py() or 0) > len(there):
            return "", False  # numbers, and some that are none: reading them names the first
    holes = len(there) < len(column)
    if kinds == len(column) > 1 and is_whole and not found["id"] and (not is_number or IDS.fullmatch(name)):
        return "id", holes
    if 1 < kinds <= MOST and is_whole and not holes and not found["label"] and LABELS.fullmatch(name):
        return "label", holes
    if is_number:
        return "" if len(there) else "ignore", holes
    return "categorical" if 1 < kinds <= min(MOST, len(column) // 3) else "ignore", holes


def recipe(dataset: Any) -> tuple[str, str, Settings]:
    """The recipe that fits some data, the reason in words, and the keys that it needs."""
    from aejax.data import sparse

    spec, x = dataset.spec, dataset.train["x"]
    sigma = {"model.likelihood": "gaussian", "model.learn_variance": "True", "model.variance_kind": "optimal"}
    if spec.kind == "series":
        return "series", "convolutions over time", {"data.standardize": "True"}
    if spec.kind == "image":
        grey = {} if spec.bounded and spec.shape[-1] == 1 else sigma
        if min(spec.shape[:2]) < 8:
            return "vae", "dense layers, because the images are small", grey
        return "conv", "convolutions, because the rows are images", {"model.name": "vae"} | grey
    if spec.support == "binary":
        return "vae", "because all values are 0 or 1", {}
    if spec.support == "categories":
        words = "with a softmax for each column"
        return "table", words, {"model.likelihood": "categorical", "data.standardize": "False"}
    if spec.support == "mixed":
        return "table", "a Gaussian for each number and a softmax for each category", {"model.likelihood": "mixed"}
    zeros = 1.0 - np.count_nonzero(sparse.stored(x)) / np.prod(x.shape, dtype=float)
    if spec.support == "counts" and zeros > 0.1:
        words = f"because the values are whole numbers from 0, and {zeros:.0%} of them are 0"
        keys = {} if spec.conditions else {"data.condition_columns": ""}
        splits = (split["x"] for split in (dataset.train, dataset.valid, dataset.test))
        is_empty = any((np.asarray(x.sum(axis=1)) == 0).any() for x in splits)  # a row without a total to share out
        return "counts", words, keys | ({"model.library_size": "none"} if is_empty else {})
    return "table", "a Gaussian on standardized columns", {}


if __name__ == "__main__":
    launch(main)
