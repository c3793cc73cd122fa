"""The command line's contract: a user's mistake ends with exit code 2 and one line, before anything is written.

Every case runs a whole launcher, from `sys.argv` to its exit, in its own process (`ask` in conftest.py).
"""

import os
import subprocess
import sys

import jax
import numpy as np
import pytest

from aejax import config as configs
from aejax import records
from aejax.engine import environment
from aejax.errors import UserError
from configs.base import get_config
from experiments import _recipes as recipes
from tests.conftest import ROOT, assert_words

LAUNCHERS = sorted(path.stem for path in (ROOT / "experiments").glob("[a-z]*.py") if path.stem != "launch")
VAE = "--config=configs/vae.py"
PAIRS = ["--config.data.name=planted_pairs", "--config.model.name=pair_embedding", "--config.train.batch_size=9"]
EPOCH = "--config.train.epochs=1"
NUMBERS = ["--config.data.name=arrays", "--config.data.path=TMP/numbers.npz"]


@pytest.mark.parametrize("name", LAUNCHERS)
def test_help_is_0_and_shows_the_docstring_and_the_flags(name):
    process = subprocess.run(
        [sys.executable, "-m", f"experiments.{name}", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert f"python -m experiments.{name}" in process.stdout and "\n  --" in process.stdout


def test_a_real_command_line_ends_as_a_fork_does(refused, tmp_path):
    arguments = [VAE, f"--workdir={tmp_path / 'run'}", "--config.objective.betta=4"]
    command = [sys.executable, "-m", "experiments.train", *arguments]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (process.returncode, process.stdout) == (2, "")
    assert process.stderr == f"error: {refused('train', arguments)}\n"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", LAUNCHERS)
def test_unknown_flags_are_refused(name, refused):
    assert_words(refused(name, ["--wrkdir=TMP/run"]), ["wrkdir"])


@pytest.mark.parametrize("name", [name for name in LAUNCHERS if name not in ("compare", "reproduce")])
def test_words_that_are_no_flags_are_refused(name, refused):
    assert_words(refused(name, ["word"]), ["unexpected argument 'word'", "--help"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["--config is missing", "--config=configs/vae.py"]),
        ([VAE], ["--workdir is missing", "--workdir=runs/vae"]),
        (["--keys", "objectiv"], ["section='objectiv'", "did you mean 'objective'?"]),
        ([VAE, "--workdir=TMP/run", "word"], ["unexpected argument 'word'"]),
        (["--config=", "--workdir=TMP/run"], ["--config is missing", "configs/vae.py"]),
        (["--config=configs", "--workdir=TMP/run"], ["--config", "directory", "configs/vae.py"]),
        (["--config=README.md", EPOCH], ["--config=README.md fails (SyntaxError", "get_config()"]),
        (["--config=aejax/plan.py"], ["--config=aejax/plan.py fails (it has no get_config())"]),
        (["--config=" + "x" * 300], ["File name too long"]),
    ],
)
def test_missing_or_mistyped_flags_are_refused(arguments, words, refused):
    assert_words(refused("train", arguments), words)


@pytest.mark.parametrize(
    ("argument", "meant"),
    [
        ("--config=configs/vaee.py", "--config=configs/vae.py"),
        ("--config=beta-vae", "--config=configs/beta_vae.py"),
        ("--wrkdir=TMP/run", "--workdir=TMP/run"),
        ("--dry-run", "--dry_run"),
        ("--model.latent_dim=3", "--config.model.latent_dim=3"),
        ("model.latent_dim=3", "--config.model.latent_dim=3"),
        ("config.model.latent_dim=3", "--config.model.latent_dim=3"),
        ("--latent-dim=3", "--config.model.latent_dim=3"),
        ("--epochs=3", "--config.train.epochs=3"),
        ("--batch_size=3", "--config.train.batch_size=3"),
        ("--seed", "--config.seed"),
    ],
)
def test_a_mistyped_argument_is_answered_with_the_one_that_was_meant(argument, meant, refused, tmp_path):
    line = refused("train", [VAE, argument] if argument != "--seed" else [VAE, argument, "3"])
    assert f"did you mean {meant.replace('TMP', str(tmp_path))}?" in line


@pytest.mark.parametrize("given", ["beta_vae", "beta_vae.py", "configs/beta_vae.py", r"configs\beta_vae.py"])
def test_a_recipe_of_aejax_is_found_by_name_in_any_directory(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert recipes.find(given) == ROOT / "configs" / "beta_vae.py"
    (tmp_path / given).parent.mkdir(exist_ok=True)
    (tmp_path / given).write_text("")
    assert recipes.find(given).resolve() == tmp_path / given  # a file of the user's comes first


def test_a_launcher_starts_as_a_script_in_any_directory(tmp_path):
    command = [sys.executable, ROOT / "experiments" / "train.py", "--config=vae", "--shard=4/4"]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}  # stands in for the installation
    process = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert process.returncode == 2 and process.stderr.startswith("error: --shard=4/4"), process.stderr


@pytest.mark.parametrize(("asked", "extra"), [("cuda", "cuda13"), ("tpu", "tpu")])
def test_a_platform_that_is_not_here_is_refused(asked, extra, monkeypatch):
    def devices():
        raise AssertionError  # as jax does without a plugin for CUDA

    monkeypatch.setattr(jax, "devices", devices)
    with pytest.raises(UserError, match=f"JAX_PLATFORMS={asked} asks for .*: pip install 'aejax.{extra}.', or unset"):
        environment.check_platform(asked)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--config.objective.betta=4"], ["'objective.betta'", "did you mean 'objective.beta'?"]),
        (["--config.objective.betta", "4"], ["'objective.betta'", "did you mean 'objective.beta'?"]),
        (["--config.latent_dim=4"], ["'latent_dim'", "did you mean 'model.latent_dim'?"]),
        (["--noconfig.train.deterministc"], ["did you mean 'train.deterministic'?"]),
        (["--config.model=4"], ["'model'", "did you mean"]),
        (["--config.objective={'beta': 4.0}"], ["'objective'", "did you mean 'objective."]),
        (["--config.train.epochs=1.5"], ["train.epochs=1.5: expected an integer, such as 60"]),
        (["--config.train.epochs", "ten"], ["train.epochs=ten: expected an integer, such as 60"]),
        (["--config.train.epochs=1,5"], ["train.epochs=1,5: expected an integer", "--sweep train.epochs=1,5"]),
        (["--config.objective.beta=much"], ["objective.beta=much: expected a number, such as 1.0"]),
        (["--config.train.deterministic=maybe"], ["train.deterministic=maybe: expected True or False"]),
        (["--config.model.hidden=wide"], ["model.hidden=wide: expected a tuple, such as (512,)"]),
        (["--config.train.epochs"], ["--config.train.epochs has no value: write --config.train.epochs=VALUE"]),
        (["--config.=3"], ["--config.=3: name a key"]),
        (["--config.model.name=beta_vae"], ["not a model but a recipe: --config=configs/beta_vae.py"]),
        (["--config.train.epochs=0"], ["train.epochs=0 must be at least 1"]),
        (["--config.objective.beta=-1"], ["objective.beta=-1.0 must be at least 0"]),
        (["--config.objective.beta=nan"], ["objective.beta=nan must be finite"]),
        (["--config.model.num_components=0"], ["model.num_components=0 must be at least 1"]),
        (["--config.seed=-1"], ["seed=-1 must be from 0 to 4294967295"]),
        (["--config.model.hidden=(512,0)"], ["model.hidden=(512, 0) must be a tuple of widths"]),
        (["--config.model.name=vaee"], ["model.name='vaee'", "did you mean 'vae'?"]),
        (
            ["--config.model.name=autoencoder", "--config.objective.beta=4"],
            ["objective.beta has no effect", "model.name=autoencoder"],
        ),
    ],
)
def test_what_a_config_does_not_know_is_refused(arguments, words, refused):
    assert_words(refused("train", [VAE, "--workdir=TMP/run", *arguments]), words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--sweep", "objective.betta=1,4"], ["'objective.betta'", "did you mean 'objective.beta'?"]),
        (["--sweep", "config.objective.beta=1,4"], ["leave out the leading 'config.': objective.beta"]),
        (["--sweep", "objective.beta"], ["--sweep objective.beta: write PATH=VALUES"]),
        (["--sweep", "objective.beta=1,,4"], ["--sweep objective.beta=1,,4", "empty value"]),
        (["--sweep", "objective.beta=1,much"], ["objective.beta=much: expected a number"]),
        (["--sweep", "objective.beta=1\n2"], ["objective.beta=1 2: expected a number"]),
        (["--sweep", "seed=0.5"], ["seed=0.5: expected an integer"]),
        (["--sweep", "seed=3:3"], ["--sweep seed=3:3", "empty range"]),
        (["--sweep", "seed=1,2,1"], ["--sweep seed=1,2,1: the value 1 is given twice"]),
        (["--sweep", "objective.beta=geomspace(0,1,3)"], ["write geomspace(START,STOP,NUMBER)"]),
        (["--sweep", "objective.beta=linspace(0,inf,3)"], ["write linspace(START,STOP,NUMBER)"]),
        (["--sweep", "objective.beta=1,-1"], ["objective.beta=-1.0 must be at least 0"]),
        (["--sweep", "model.name=vae,vaee"], ["model.name='vaee'", "did you mean 'vae'?"]),
        (["--sweep", "seed=0:2", "--sweep", "seed=2:4"], ["--sweep seed is given twice", "into one --sweep"]),
        (["--sweep", "seed=0:2", "--sweep", "objective.beta=1,4,10", "--zip"], ["--zip", "seed has 2", "beta has 3"]),
        (["--config.model.name=autoencoder", "--sweep", "objective.beta=1,4"], ["objective.beta has no effect"]),
        (["--sweep", "seed=0:4", "--shard=4/4"], ["--shard=4/4", "as in --shard=0/4"]),
        # A key that one of the members reads is allowed; the shard is the mistake.
        (
            ["--sweep", "model.prior=vamp,mixture", "--config.model.num_components=9", "--shard=2/2"],
            ["--shard=2/2"],
        ),
        (
            ["--sweep", "model.bound=elbo,mmd", "--config.model.num_components=9"],
            ["num_components has no effect"],
        ),
        (["--sweep", "seed=0:4", "--shard=1"], ["--shard=1", "write i/n"]),
        (["--sweep", "seed=0:4", "--shard=5/8"], ["--shard=5/8", "only 4 members"]),
        (["--zip=7"], ["--zip=7"]),
    ],
)
def test_a_bad_sweep_is_refused(arguments, words, refused):
    assert_words(refused("train", [VAE, "--workdir=TMP/run", *arguments]), words)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("evaluate", [], ["--workdir is missing", "--workdir=runs/vae"]),
        ("evaluate", ["--workdir=TMP", "--projection=umpa"], ["--projection='umpa'", "did you mean 'umap'?"]),
        ("evaluate", ["--workdir"], ["the value is missing after --workdir"]),
        ("evaluate", ["--workdir=TMP", "--num_samples=1e9"], ["--num_samples=1e9: expected an integer"]),
        ("evaluate", ["--workdir=TMP", EPOCH], ["config.train.epochs"]),
        ("explore", [], ["--workdir is missing", "--workdir=runs/vae"]),
        ("explore", ["--workdir=TMP", "--output=TMP/page.pdf"], ["--output=", "page.pdf", "write .html"]),
        ("embed", [], ["--workdir is missing"]),
        ("embed", ["--workdir=TMP", "--output=codes.npz"], ["--input is missing"]),
        ("embed", ["--workdir=TMP", "--input=x.npz"], ["--output is missing"]),
        ("embed", ["--workdir=TMP", "--input=x.npz", "--output=TMP/codes.txt"], ["--output=", "codes.txt", ".npz"]),
        ("embed", ["--workdir=TMP", "--member=first"], ["--member=first: expected an integer"]),
        ("sample", [], ["--workdir is missing"]),
        ("sample", ["--workdir=TMP"], ["--output is missing"]),
        ("sample", ["--workdir=TMP", "--output=TMP/x.jpeg"], ["--output=", "x.jpeg", ".png"]),
        ("sample", ["--workdir=TMP", "--output=TMP/x.npy", "--safe_csv"], ["--safe_csv has no effect on", "x.npy"]),
        (
            "embed",
            ["--workdir=TMP", "--input=x.npz", "--output=z.npy", "--safe_csv"],
            ["--safe_csv has no effect", ".csv"],
        ),
        ("export", [], ["--workdir is missing"]),
        ("export", ["--workdir=TMP"], ["--output is missing"]),
        ("sample", ["--workdir=TMP", "--output=TMP/x.png", "--num_samples=0"], ["--num_samples=0"]),
        ("sample", ["--output=TMP/x.png", "--num_samples=3000000000"], ["--num_samples=3000000000", "2147483647"]),
        ("reproduce", ["pca_equivalense"], ["claim='pca_equivalense'", "did you mean 'pca_equivalence'?"]),
        ("prepare_data", ["--data_dir=TMP/data"], ["--name", "mnist"]),
        ("prepare_data", ["--name=mnits", "--data_dir=TMP/data"], ["--name=mnits", "did you mean 'mnist'?"]),
    ],
)
def test_other_launchers_refuse_without_jax(name, arguments, words, refused):
    assert_words(refused(name, arguments), words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--config.data.path=TMP/real.npy"], ["data.path has no effect", "data.name=digits", "data.name=arrays"]),
        (["--sweep", "optimizer.momentum=0.1,0.9"], ["optimizer.momentum has no effect", "optimizer.name=sgd"]),
        (["--config.model.activation=rleu"], ["model.activation='rleu'", "did you mean 'relu'?"]),
        (["--config.model.likelihood=bernouli"], ["model.likelihood='bernouli'", "did you mean 'bernoulli'?"]),
        (["--config.model.likelihood=squared_error"], ["model.likelihood=squared_error is not a density", "=gaussian"]),
        (["--config.model.network=mpl"], ["model.network='mpl'", "did you mean 'mlp'?"]),
        (["--config.model.network=conv", "--config.model.hidden=()"], ["model.network=conv", "--config.model.hidden="]),
        (["--config.optimizer.name=adm"], ["optimizer.name='adm'", "did you mean 'adam'?"]),
        (["--config.optimizer.schedule=cosin"], ["optimizer.schedule='cosin'", "did you mean 'cosine'?"]),
        (["--config.data.binarization=dynamik"], ["data.binarization='dynamik'", "did you mean 'dynamic'?"]),
        (["--config.train.batch_size=5000"], ["train.batch_size=5000", "1294 training rows"]),
        (["--config.data.name=digit", "--config.data.data_dir=TMP"], ["data.name=digit", "digits"]),
        (
            ["--config.data.name=MNIST", "--config.data.data_dir=TMP"],
            ["did you mean 'mnist'?", "prepare_data --name=mnist"],
        ),
        (["--config.data.name=arrays"], ["data.path is empty"]),
        (["--config.data.name=arrays", "--config.data.path=TMP/missing.npy"], ["missing.npy does not exist"]),
        (
            ["--config.data.name=arrays", "--config.data.path=TMP/real.npy"],
            ["model.likelihood=bernoulli", "[0, 1]", "--config.model.likelihood=gaussian"],
        ),
        (
            ["--config.model.name=regressor"],
            ["model.name=regressor", "the labels are classes", "data.label_kind=number"],
        ),
        (["--config.data.label_kind=number"], ["data.label_kind has no effect", "data.name=digits"]),
        (
            [*NUMBERS, "--config.data.label_kind=number", "--config.model.name=classifier"],
            ["model.name=classifier", "the labels are numbers", "model.name=regressor"],
        ),
        ([*NUMBERS, "--config.model.name=regressor"], ["numbers.npz", "float64", "data.label_kind=number"]),
        (
            ["--config.data.name=arrays", "--config.data.path=TMP/real.npy", "--config.model.name=regressor"],
            ["model.name=regressor", "the data have no labels", "data.label_kind=number"],
        ),
        (
            ["--config.data.name=arrays", "--config.data.path=TMP/real.npy", "--config.model.name=classifier"],
            ["model.name=classifier", "the data have no labels", "data.label_column"],
        ),
        (
            ["--config.model.prior=vampp"],
            ["model.prior='vampp' is not one of", "did you mean 'vamp'?"],
        ),
        (["--config.model.prior=vamp", "--config.model.posterior=planar"], ["model.prior=vamp", "posterior=gaussian"]),
        (["--config.train.batch_size=5000", "--dry_run"], ["train.batch_size=5000"]),
        (["--config.train.epochs=2000000000"], ["train.epochs=2000000000 is 20000000000 steps", "2147483647"]),
        (["--config.model.latent_dim=2000000000"], ["needs at least 37,936.0 GB", "1 states of 3.69e+04 GB"]),
        (["--config.model.hidden=(1000000000,)"], ["needs at least 2,144.0 GB", "lower model.latent_dim"]),
        (
            ["--config.model.name=autoencoder", "--config.model.latent_dim=2000000000"],
            ["lower model.latent_dim, model.hidden, train.batch_size or train.lanes"],
        ),
        (["--config.train.lanes=1000000", "--sweep", "seed=0:2"], ["1000000 states of 0.000836 GB", "train.lanes"]),
        (["--config.model.num_samples=2000000000"], ["1 times 5.24e+05 GB of a layer", "model.num_samples"]),
        (
            [*PAIRS, "--config.model.negative_ratio=2000000000"],
            ["GB of a layer in a step", "train.batch_size, model.negative_ratio or train.lanes"],
        ),
        (
            ["--config.model.bound=iwae", "--config.model.num_samples=9", "--config.model.num_bounds=100000000"],
            ["GB of a layer in a step", "model.num_samples, model.num_bounds or train.lanes"],
        ),
        ([*PAIRS, "--config.data.num_contexts=2000000000"], ["data.num_contexts=2000000000", "10,000,000"]),
        (["--sweep", "optimizer.name=adam,adm"], ["optimizer.name='adm'"]),
        (["--workdir=TMP/real.npy"], ["cannot create the directory", "real.npy", "--workdir"]),
    ],
)
def test_what_does_not_fit_the_data_is_refused_before_anything_is_written(arguments, words, refused, tmp_path):
    x = np.random.default_rng(0).normal(size=(200, 3))
    np.save(tmp_path / "real.npy", x)
    np.savez(tmp_path / "numbers.npz", x=x, y=x[:, 0])
    assert_words(refused("train", [VAE, "--workdir=TMP/run", EPOCH, *arguments], warm=True), words)


def plan(**changes):
    """A run directory's config.json, as `train` writes it."""
    config = configs.replaced(get_config(), changes)
    sweep = [{"path": "seed", "values": [0, 1]}]
    return {"config": configs.to_json(config), "axes": sweep, "zip": False, "shard": "", "lanes": {"0": 1}}


@pytest.mark.parametrize(
    ("changes", "arguments", "words"),
    [
        ({"train.epochs": 30}, ["--sweep=seed=0:2"], ["(train.epochs 30 -> 1)"]),
        ({}, ["--sweep=seed=0:3"], ["(--sweep seed (0, 1) -> (0, 1, 2))"]),
        ({}, ["--sweep=seed=0:2", "--sweep=objective.beta=1,4"], ["(--sweep objective.beta (none) -> (1.0, 4.0))"]),
        ({}, [], ["(--sweep seed (0, 1) -> (none))"]),
        ({}, ["--sweep=seed=0:2", "--zip"], ["(--zip False -> True)"]),
    ],
)
def test_a_workdir_with_another_config_is_refused_with_the_difference(changes, arguments, words, refused, tmp_path):
    records.write_json(tmp_path / "run" / "config.json", plan(**{"train.epochs": 1} | changes))
    line = refused("train", ["--config=configs/base.py", EPOCH, "--workdir=TMP/run", *arguments], warm=True)
    normal = line.replace("[", "(").replace("]", ")")
    assert_words(normal, ["run holds another run", *words, "choose another --workdir"])


def test_a_locked_workdir_names_its_holder(refused, tmp_path):
    with records.lock(tmp_path / "run"):
        line = refused("train", [VAE, EPOCH, "--workdir=TMP/run"], warm=True)
    assert_words(line, [f"run is in use by process {os.getpid()} on "])


@pytest.mark.parametrize("run", ["missing", "empty", "damaged", "file"])
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("evaluate", []),
        ("explore", []),
        ("embed", ["--input=TMP/x.npy", "--output=TMP/z.npy"]),
        ("sample", ["--output=TMP/x.npy"]),
        ("export", ["--output=TMP/model"]),
    ],
)
def test_what_is_no_run_is_refused(name, arguments, run, refused, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    records.write(tmp_path / "damaged" / "config.json", "{")
    line = refused(name, [f"--workdir=TMP/{run}", *arguments], warm=True)
    words = ["damaged/config.json is damaged", "--workdir"] if run == "damaged" else [f"{run} is not a run directory"]
    assert_words(line, words)


def test_umap_that_is_not_installed_is_named_before_anything_is_computed(tmp_path):
    script = f"""
import runpy, sys
sys.modules["umap"] = None  # as if it were not installed, where it is
sys.argv = ["evaluate", "--workdir={tmp_path}", "--projection=umap"]
try:
    runpy.run_module("experiments.evaluate", run_name="__main__", alter_sys=True)
finally:
    print("jax" in sys.modules)
"""
    process = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert (process.returncode, process.stdout) == (2, "False\n")
    assert process.stderr.startswith("error: --projection=umap") and process.stderr.count("\n") == 1
    assert "pip install umap-learn" in process.stderr and not list(tmp_path.iterdir())


def test_evaluate_refuses_missing_shards(refused, tmp_path):
    records.write_json(tmp_path / "run" / "shards" / "0-of-2" / "config.json", plan())
    assert_words(refused("evaluate", ["--workdir=TMP/run"], warm=True), ["missing shards 1-of-2"])


def test_a_run_of_pairs_needs_no_input_and_others_do(refused, tmp_path):
    for kind, flag in (("pairs", "--output"), ("table", "--input")):
        records.write_json(tmp_path / kind / "data.json", {"0": {"spec": {"kind": kind}}})
        assert_words(refused("embed", [f"--workdir=TMP/{kind}"]), [f"{flag} is missing"])
    assert_words(
        refused("embed", ["--workdir=TMP/pairs", "--output=x.tsv", "--metric=cosin"]),
        ["--metric='cosin'", "did you mean 'cosine'?"],
    )


@pytest.mark.slow
def test_a_dry_run_prints_the_members_and_writes_nothing(ask, tmp_path):
    arguments = [
        VAE,
        EPOCH,
        "--config.model.hidden=()",
        "--sweep=model.latent_dim=2,3",
        "--sweep=seed=0:2",
        "--dry_run",
    ]
    code, out, err, _ = ask("warm", "train", [*arguments, f"--workdir={tmp_path / 'run'}"])
    assert code == 0 and not list(tmp_path.iterdir()), err
    header, _, *rows = (line.strip("| ").split(" | ") for line in out.splitlines() if line.startswith("|"))
    assert header == ["member", "group", "seed", "model.latent_dim"]
    assert rows == [["0", "0", "0", "2"], ["1", "0", "1", "2"], ["2", "1", "0", "3"], ["3", "1", "1", "3"]]
    assert "model.latent_dim: static" in out and "seed: traced" in out
    assert "group 0: 2 members, 10 steps each" in out and "group 1: 2 members, 10 steps each" in out
