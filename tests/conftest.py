"""Strict jax settings for every test, and small configs, data and launchers that tests share."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # `configs` and `experiments` are not installed
os.environ.setdefault("NPROC", "2")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:  # nothing outside of the temporary directories
    os.environ.setdefault("JAX_ENABLE_COMPILATION_CACHE", "false")
elif worker := os.environ.get("PYTEST_XDIST_WORKER"):
    # A folder for each worker, and its children: JAX may read what another worker has not written to its end.
    compiled = Path(os.environ["JAX_COMPILATION_CACHE_DIR"])
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(compiled if compiled.name == worker else compiled / worker)

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
    """A labeled table of 120 named samples with 6 features, neither centered nor scaled; also writes numbers.csv.

    In numbers.csv the labels are the numbers 100.5 and 200.5.
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
    """Writes 60 books in the public format, each with 8 of 30 links, mostly of its genre's half; and book_info.tsv."""
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


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A headless Chromium with one page, which the tests of a worker share."""
    from tests import chromium

    if not chromium.PROGRAM:
        pytest.skip("needs chromium")
    with chromium.chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


LAUNCHER_SERVER = """
import json, os, runpy, sys, tempfile, traceback

import absl.flags, ml_collections, numpy
if sys.argv[1] == "warm":
    import aejax.engine.run, aejax.reports.write

def launch(name, arguments, files):
    for number in (1, 2):
        os.dup2(files[number - 1].fileno(), number)
    sys.argv = [f"experiments/{name}.py", *arguments]
    code = 1
    try:
        runpy.run_module(f"experiments.{name}", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as stop:
        code = stop.code or 0
    except BaseException:
        traceback.print_exc()
    files[2].write("jax" if "jax" in sys.modules else "")
    for file in (sys.stdout, sys.stderr, files[2]):
        file.flush()
    os._exit(code)

for line in sys.stdin:
    files = [tempfile.TemporaryFile("w+") for _ in range(3)]
    if not (child := os.fork()):
        launch(*json.loads(line), files)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    texts = [(file.seek(0), file.read())[1] for file in files]
    print(json.dumps([code, *texts]), flush=True)
"""


@pytest.fixture(scope="session")
def ask():
    """Runs a launcher: (kind of fork, its name, its arguments) -> (exit code, stdout, stderr, "jax" if imported).

    Each runs in a fork of a process that has imported what all launchers import. A "warm" fork has jax; a "cold" one
    has not, and so shows whether the launcher imports it.
    """
    servers = {}
    threads = dict.fromkeys(["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"], "1")  # a process with threads should not fork

    def call(kind, name, arguments):
        if kind not in servers:
            servers[kind] = subprocess.Popen(
                [sys.executable, "-c", LAUNCHER_SERVER, kind],
                cwd=ROOT,
                env=os.environ | threads,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        server = servers[kind]
        server.stdin.write(json.dumps([name, list(map(str, arguments))]) + "\n")
        server.stdin.flush()
        return json.loads(server.stdout.readline())

    yield call
    for server in servers.values():
        server.communicate()


@pytest.fixture
def refused(ask, tmp_path):
    """Runs a launcher and asserts that it ends with exit code 2 and one line; returns that line."""

    def call(name, arguments, warm=False):
        before = snapshot(tmp_path)
        arguments = [str(argument).replace("TMP", str(tmp_path)) for argument in arguments]
        code, out, err, loaded = ask("warm" if warm else "cold", name, arguments)
        assert code == 2, err
        assert err.startswith("error: ") and err.endswith("\n") and err.count("\n") == 1, err
        assert out == ""
        assert bool(loaded) == warm, "an answer that needs no data must not wait for jax"
        assert snapshot(tmp_path) == before
        return err.removeprefix("error: ").rstrip("\n")

    return call


def snapshot(directory):
    """Every path below a directory and its content, without the bytecode that Python keeps of a recipe."""
    found = (path for path in directory.rglob("*") if "__pycache__" not in path.parts)
    return {path: path.is_file() and path.read_bytes() for path in found}


def assert_words(line, words):
    assert all(word in line for word in words), line
