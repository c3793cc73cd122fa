"""Strictness for every test, and the small runs that tests share."""

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # `configs` and `experiments` are not installed
os.environ.setdefault("NPROC", "2")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_debug_key_reuse", True)


def small_config():
    """A VAE small enough to compile and train in a test: the digits, 16 hidden units, three epochs of ten steps."""
    from configs import base

    config = base.get_config()
    config.model.hidden = (16,)
    config.train.epochs = 3
    return config


@pytest.fixture
def small():
    return small_config()


def write_table(folder):
    """A labeled table of 120 named samples with 6 features, not centered, not scaled; with numbers.csv beside.

    There the kinds are numbers, 100.5 and 200.5.
    """
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 120)
    x = (rng.normal(size=(120, 2)) + 3.0 * y[:, None]) @ rng.normal(size=(2, 6)) + rng.normal(size=(120, 6)) + 10.0
    lines = ["id,kind," + ",".join(f"gene{j}" for j in range(6))]
    lines += [f"s{i},{'ab'[y[i]]}," + ",".join(f"{value:.6f}" for value in x[i]) for i in range(120)]
    path = folder / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    numbers = path.read_text().replace(",a,", ",100.5,").replace(",b,", ",200.5,")
    path.with_name("numbers.csv").write_text(numbers)
    return path


def write_books(folder):
    """60 books in the public format with 8 of 30 links, most from the half of its genre; and book_info.tsv beside."""
    rng = np.random.default_rng(0)
    lines, info = [], ["title\tauthor\tgenre"]
    for book in range(60):
        links = rng.choice(30, 8, replace=False, p=np.where(np.arange(30) % 2 == book % 2, 0.9, 0.1) / 15)
        lines.append(json.dumps([f"Book {book}", {"name": "x"}, [f"Link {link}" for link in links], [], "2017", 3]))
        info.append(f"Book {book}\tsomeone\t{['Fantasy novel, horror', 'crime'][book % 2]}")
    (folder / "book_info.tsv").write_text("\n".join(info) + "\n")
    (folder / "books.ndjson").write_text("\n".join(lines) + "\n")
    return folder / "books.ndjson"


@pytest.fixture(scope="session")
def table_csv(tmp_path_factory):
    return write_table(tmp_path_factory.mktemp("table"))


@pytest.fixture(scope="session")
def books_ndjson(tmp_path_factory):
    return write_books(tmp_path_factory.mktemp("books"))


@pytest.fixture(scope="session")
def planted():
    """The config of a planted graph of 80 items."""
    from configs import books_planted

    config = books_planted.get_config()
    config.data.num_items = config.data.num_contexts = 80
    return config
