"""aejax from Python: the same bits as the command line, arrays in memory, and one-line errors."""

import os
import subprocess
import sys
from typing import Any

import jax
import numpy as np
import pytest

import aejax
from aejax import config as configs
from aejax import data, interface, records
from aejax.errors import UserError
from aejax.reports import gallery
from tests.conftest import ROOT, small_config

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
PLAIN: Any = {"seed": 0}  # a dict instead of a config
X = RNG.integers(0, 256, (300, 8, 8), np.uint8)
Y = np.array(["cat", "dog"])[RNG.integers(0, 2, 300)]
COMMANDS = {path.stem for path in (ROOT / "experiments").glob("[a-z]*.py")} - {"launch"}


def command(*arguments):
    """`aejax ARGUMENTS`: (exit code, stdout, stderr)."""
    done = subprocess.run(
        [sys.executable, "-m", "aejax", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True
    )
    return done.returncode, done.stdout, done.stderr


def python(script, **environment):
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=os.environ | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def small(**changes):
    """A VAE of 300 small images: two epochs of 13 steps."""
    changes = {"train.epochs": 2, "train.batch_size": 16} | changes
    return configs.replaced(small_config(), changes)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A model that was fitted in a workdir, and the workdir."""
    workdir = tmp_path_factory.mktemp("fitted")
    return aejax.fit(small(), X, Y, workdir=workdir), workdir


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A run of a sweep over β and seeds on the digits."""
    return aejax.run(small(), tmp_path_factory.mktemp("swept"), {"objective.beta": [1, np.int64(4)], "seed": range(2)})


def test_importing_aejax_imports_nothing_and_changes_nothing():
    script = """
import os, sys
before = dict(os.environ)
import aejax
print([name for name in ("jax", "ml_collections", "numpy") if name in sys.modules])
aejax.load, aejax.fit, aejax.run, aejax.evaluate
print("jax" in sys.modules, before == dict(os.environ))
try:
    aejax.load("missing")
except aejax.UserError as error:
    print("jax" in sys.modules, error)
"""
    assert python(script).splitlines() == [
        "[]",
        "False True",
        "False missing is not a run directory: it has no config.json",
    ]


def test_a_notebook_sees_what_there_is():
    assert set(aejax.__all__) <= set(dir(aejax)) and aejax.UserError is UserError
    assert aejax.run is interface.run and aejax.evaluate is interface.evaluate  # not modules of these names
    mistyped = "lode"
    with pytest.raises(AttributeError, match="module 'aejax' has no attribute 'lode'"):
        getattr(aejax, mistyped)


@pytest.mark.parametrize(("first", "pinned"), [("", "3 float32"), ("import jax; ", "None None")])
def test_threads_are_pinned_unless_jax_is_there(first, pinned, tmp_path):
    records.write_json(tmp_path / "environment.json", [{"threads": 3}])
    script = f"""
import os, pathlib
del os.environ["NPROC"]
{first}
from aejax import interface
interface.pin(2, pathlib.Path({str(tmp_path)!r}))
print(os.environ.get("NPROC"), os.environ.get("JAX_DEFAULT_MATMUL_PRECISION"))
"""
    assert python(script, NPROC="2") == pinned


def test_a_fit_is_the_training_of_a_file_to_the_bit(fitted, tmp_path):
    model, workdir = fitted
    np.savez(tmp_path / "rows.npz", x=X, y=Y)
    settings = ["--config=configs/base.py", "--config.model.hidden=(16,)", "--config.train.epochs=2"]
    settings += ["--config.train.batch_size=16", "--config.data.name=arrays"]
    settings += [f"--config.data.path={tmp_path / 'rows.npz'}", f"--workdir={tmp_path / 'run'}"]
    code, out, error = command("train", *settings)
    assert (code, out) == (0, ""), error
    assert (tmp_path / "run" / "metrics.jsonl").read_bytes() == (workdir / "metrics.jsonl").read_bytes()
    same = aejax.load(tmp_path / "run")
    assert jax.tree.all(jax.tree.map(lambda a, b: a.tobytes() == b.tobytes(), model.params, same.params))
    code, _, error = command(
        "embed", f"--workdir={tmp_path / 'run'}", f"--input={tmp_path / 'rows.npz'}", f"--output={tmp_path / 'z.npy'}"
    )
    assert code == 0, error
    np.testing.assert_array_equal(np.load(tmp_path / "z.npy"), model.encode(X))
    code, _, error = command(
        *("sample", f"--workdir={tmp_path / 'run'}", "--num_samples=5", "--seed=2", f"--output={tmp_path / 'x.npy'}")
    )
    assert code == 0, error
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), model.sample(5, seed=2))


def test_a_fit_without_a_workdir_leaves_nothing_behind(fitted, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    model = aejax.fit(small(), X, Y)
    np.testing.assert_array_equal(model.encode(X), fitted[0].encode(X))
    assert not list(tmp_path.iterdir())
    assert model.config.data.name == "arrays" and model.config.data.path == ""
    assert len(model.dataset().train["x"]) == 216 and model.spec.class_names == ("cat", "dog")  # 0.8 ⋅ 0.9 of 300


def test_a_fit_in_a_workdir_goes_on_and_is_evaluated(fitted, monkeypatch):
    _, workdir = fitted
    before = (workdir / "metrics.jsonl").read_bytes()
    aejax.fit(small(), X, Y, workdir=workdir)
    assert (workdir / "metrics.jsonl").read_bytes() == before
    with pytest.raises(UserError, match="the data of .* have changed"):
        aejax.fit(small(), 255 - X, Y, workdir=workdir)
    with pytest.raises(UserError, match=r"holds another run \(train.epochs 2 -> 3\)"):
        aejax.fit(small(**{"train.epochs": 3}), X, Y, workdir=workdir)
    for drawing in ("draw_views", "draw_sweep"):
        monkeypatch.setattr(gallery, drawing, lambda *arguments: [])
    [row] = aejax.evaluate(workdir)
    assert row["status"] == "done" and row["elbo"] < 0


def test_a_run_of_a_sweep_and_its_table(swept, monkeypatch):
    keys = ("member", "seed", "objective.beta", "status")
    assert [tuple(row[key] for key in keys) for row in swept.members] == [
        (0, 0, 1.0, "done"),
        (1, 1, 1.0, "done"),
        (2, 0, 4.0, "done"),
        (3, 1, 4.0, "done"),
    ]
    for drawing in ("draw_views", "draw_sweep"):
        monkeypatch.setattr(gallery, drawing, lambda *arguments: [])
    rows = aejax.evaluate(swept.directory)
    assert [{key: row[key] for key in swept.members[0]} for row in rows] == swept.members
    written = records.read_csv(swept.directory / "results.csv")
    assert [float(row["elbo"]) for row in written] == [row["elbo"] for row in rows]
    assert all(isinstance(row["elbo"], float) and isinstance(row["seed"], int) for row in rows)
    assert aejax.load(swept.directory, member=2).member.swept == {"objective.beta": 4.0, "seed": 0}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda path: aejax.run(small(), path, {"objective.betta": [1]}), "did you mean 'objective.beta'"),
        (lambda path: aejax.run(small(), path, {"objective.beta": [-1]}), "objective.beta=-1.0 must be at least 0"),
        (lambda path: aejax.run(small(), path, {"seed": [0, 1]}, shard="2/2"), "--shard=2/2: write i/n"),
        (
            lambda path: aejax.run(small(), path, {"seed": [0], "objective.beta": [1, 4]}, zip=True),
            "--zip needs axes of equal length",
        ),
        (lambda path: aejax.run(small(**{"train.batch_size": 5000}), path), "train.batch_size=5000 is more than"),
        (lambda path: aejax.fit(small(), X / 100.0, workdir=path), r"model.likelihood=bernoulli"),
        (lambda path: aejax.fit(small(), X[0, 0], workdir=path), r"arrays in memory.*x has shape \(8,\)"),
        (lambda path: aejax.fit(small(), X, Y[:5], workdir=path), r"arrays in memory.*y has shape \(5,\)"),
        (lambda path: aejax.fit(small(), X, RNG.normal(size=300), workdir=path), "data.label_kind=number"),
        (
            lambda path: aejax.fit(small(**{"data.name": "arrays", "data.label_column": "y"}), X, workdir=path),
            "data.label_column applies only to .csv",
        ),
        (lambda path: aejax.fit(PLAIN, X, workdir=path), "the config is a dict"),
        (lambda path: aejax.run(PLAIN, path, {"seed": [0, 1]}), "the config is a dict"),
        (lambda path: aejax.load(path), "is not a run directory"),
        (lambda path: aejax.evaluate(path), "is not a run directory"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line_and_leaves_nothing(call, message, tmp_path):
    with pytest.raises(UserError, match=message) as error:
        call(tmp_path / "run")
    assert "\n" not in str(error.value) and not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("y", "kind", "codes", "names"),
    [
        (["b", "a", "b"], "class", [1, 0, 1], ("a", "b")),
        (np.array(["b", "a", "b"], object), "class", [1, 0, 1], ("a", "b")),
        (np.array([20, 3, 20]), "class", [1, 0, 1], ("3", "20")),
        ([1.0, 0.0, 1.0], "class", [1, 0, 1], ("0", "1")),
        ([0.5, 2.0, -1.0], "number", [0.5, 2.0, -1.0], ()),
    ],
)
def test_labels_in_memory(y, kind, codes, names):
    config = small(**{"data.label_kind": kind, "data.name": "arrays"}).data
    dataset = data.of_arrays(np.arange(90, dtype=np.float64).reshape(90, 1), np.repeat(np.asarray(y), 30), config)
    order = np.argsort(np.concatenate([split["x"][:, 0] for split in dataset[:3]]))
    found = np.concatenate([split["y"] for split in dataset[:3]])[order]
    assert found.tolist() == np.repeat(codes, 30).tolist() and dataset.spec.class_names == names


def test_the_commands_are_listed_with_what_they_do():
    code, out, error = command()
    assert (code, error) == (0, "") and command("--help") == (0, out, "")
    lines = dict(line.split(maxsplit=1) for line in out.splitlines()[2:])
    assert set(lines) == COMMANDS
    assert lines["train"] == "Trains a model, or a whole sweep of it as one compiled program."


def test_an_unknown_command_and_a_refusal_end_as_the_launchers_do():
    code, out, error = command("trian")
    assert (code, out) == (2, "") and error.startswith("error: command='trian'") and "did you mean 'train'" in error
    code, out, error = command("train", "--wrkdir=x")
    assert (code, out) == (2, "") and "did you mean --workdir=x?" in error and error.count("\n") == 1
