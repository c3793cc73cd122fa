"""What every model and every recipe must satisfy; new files are found automatically."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from aejax import config as configs
from aejax.engine import programs, train
from aejax.keys import files
from aejax.models import vae
from aejax.models.vae.types import Posterior
from aejax.plan import Plan
from aejax.types import Given, conditioned
from configs import base
from tests import layers
from tests.conftest import ROOT

pytestmark = pytest.mark.slow


def unused(*_: Any) -> Any:
    raise AssertionError


GAUSSIAN = Posterior(*[unused] * 4, gaussian=True)  # any posterior with a density
RECIPES = ["base", *sorted(path.stem for path in (ROOT / "configs").glob("[a-z]*.py") if path.stem != "base")]


def recipe(name, table_csv, books_ndjson):
    """A recipe's config, on data that a fresh clone has."""
    config = importlib.import_module(f"configs.{name}").get_config()
    if config.data.name == "arrays":
        path = table_csv.with_name("numbers.csv") if config.data.label_kind == "number" else table_csv
        config.data.path, config.data.label_column, config.data.id_column = str(path), "kind", "id"
    if config.data.name == "books":
        config.data.path, config.data.min_link_count = str(books_ndjson), 2
    return config


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_has_the_keys_of_base_and_says_how_it_is_run(name):
    config = importlib.import_module(f"configs.{name}").get_config()
    leaves, expected = configs.flatten(config), configs.flatten(base.get_config())
    assert {path: type(value) for path, value in leaves.items()} == {
        path: type(value) for path, value in expected.items()
    }
    text = (ROOT / "configs" / f"{name}.py").read_text()
    if name != "base":
        assert f"python -m experiments.train --config=configs/{name}.py" in text
        assert "two CPU" in text and re.search(r"[Ee]xpect [^.]*\d", text)  # how long it takes, the number to expect
    changed = [path for path in leaves if leaves[path] != expected[path]]
    configs.check(config, [])
    named = [name for names in re.findall(r"model\.name=([\w,]+)", text) for name in names.split(",")]
    names = [config.model.name, *named]
    for path in changed:  # the recipe's model, or one that its file names, reads the key
        assert not all(configs.without_effect(leaves | {"model.name": name}, path) for name in names)
    restored = configs.from_json(configs.to_json(config))
    assert configs.flatten(restored) == leaves


@pytest.fixture(scope="module")
def tasks(table_csv, books_ndjson):
    """The group and the first batch of every recipe."""
    made = {}

    def make(name):
        if name not in made:
            [group] = programs.make_groups(Plan.make(recipe(name, table_csv, books_ndjson)))
            rows = {key: jnp.asarray(values[: group.task.batch_size]) for key, values in group.dataset.train.items()}
            made[name] = group, rows
        return made[name]

    return make


def loss_of(group, hp, state, rows):
    batch = group.task.preprocess(jax.random.key(1), rows)
    weights = train.warmed(hp.objective, jnp.int32(0))
    return group.task.model.loss(state.params, state.stats, jax.random.key(2), batch, **weights)[0]


def test_a_fitted_model_needs_no_step(tasks):
    fitted = [name for name in RECIPES if tasks(name)[0].task.model.fit]
    assert fitted
    for name in fitted:
        group, rows = tasks(name)
        hp = jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), programs.hparams(group.members))
        start = jax.jit(lambda hp, rows, task=group.task: train.init_state(task, hp, rows))(hp, rows)
        untrained = start._replace(params=group.task.model.init(jax.random.key(0))[0])
        assert loss_of(group, hp, start, rows) < loss_of(group, hp, untrained, rows)
        assert group.total_steps == 0


def assert_schema(loss, weights, config):
    """A loss (for a VAE, its bound's) takes the config's weights as keyword-only arguments and requires no others."""
    if config.model.name == "vae":
        loss = vae.part("bounds", config.model.bound)(config.model, GAUSSIAN).loss
    names = [p for p in inspect.signature(loss).parameters.values() if p.kind == p.KEYWORD_ONLY]
    assert {p.name for p in names if p.default is p.empty} <= set(weights) <= {p.name for p in names}


@pytest.mark.parametrize("name", RECIPES[1:])  # base, the first, is vae
def test_a_model_keeps_its_contract(name, tasks):
    group, rows = tasks(name)
    model, spec = group.task.model, group.dataset.spec
    pairs = spec.kind == "pairs"
    assert set(model.columns) <= set(rows)
    objective = {name: jnp.float32(value) for name, value in configs.objective_of(group.config).items()}
    weights = train.warmed(objective, jnp.int32(0))
    assert_schema(model.loss, weights, group.config)

    @jax.jit  # everything the contract checks, compiled once
    def use(rows, items):
        params, stats = model.init(jax.random.key(0))
        batch = rows if pairs else group.task.preprocess(jax.random.key(1), rows)
        x = items if pairs else conditioned(batch["x"], batch)
        found = {"code": model.encode(params, x), "first": model.encode(params, jax.tree.map(lambda a: a[:3], x))}
        found |= {"params": params, "rows": x}
        found["loss"], (found["metrics"], _) = model.loss(params, stats, jax.random.key(2), batch, **weights)
        if group.config.model.name == "vae" and not model.kl_of_units:  # a Monte Carlo KL
            keys = jax.random.split(jax.random.key(4), 16)
            found["kl"] = lax.map(lambda key: model.loss(params, stats, key, batch, **weights)[1][0]["kl"], keys)
        if model.decode:
            found["x_hat"] = model.decode(params, conditioned(found["code"], {} if pairs else batch))
        if model.posterior:
            found["mean"], found["logvar"] = model.posterior(params, x)
        if model.sample_prior:
            found["z"] = model.sample_prior(params, jax.random.key(3), 5, *([batch["c"][:5]] if "c" in batch else []))
        if model.log_prior:
            found["log_prior"] = model.log_prior(params, found["z"])
        if model.sample_x:
            found["x"] = model.sample_x(params, jax.random.key(5), found["z"])
            found["log_likelihood"] = model.log_likelihood(params, found["x"], jnp.stack([found["z"], found["z"]]))
        return found

    items = jnp.asarray(group.dataset.items["x"]) if pairs else None
    found = use(rows, items)
    code, metrics = found["code"], found["metrics"]
    num_rows = group.task.batch_size if items is None else len(items)
    assert code.shape == (num_rows, group.config.model.latent_dim) and code.dtype == np.float32
    np.testing.assert_allclose(found["first"], code[:3], rtol=1e-4, atol=1e-5)  # rows do not mix
    assert found["loss"].shape == () and all(value.shape == () for value in metrics.values())
    if "elbo" in metrics:
        np.testing.assert_allclose(metrics["elbo"], -(metrics["reconstruction"] + metrics["kl"]), rtol=1e-6)
        # A Monte Carlo KL may be negative by chance, but not its mean over 16 keys.
        if "kl" in found:
            assert found["kl"].mean() >= -4.0 * found["kl"].std() / 4.0
        else:
            assert metrics["kl"] >= 0
    made = model.layers(found["params"])
    x, c = found["rows"] if isinstance(found["rows"], Given) else (found["rows"], None)
    assert (made.encoder is None) == (group.config.model.posterior in ("planar", "iaf"))
    if made.encoder:
        np.testing.assert_allclose(layers.computed(made.encoder, x, c), code, rtol=1e-5, atol=1e-5)
    assert bool(model.decode) == bool(made.decoder)
    if model.decode:
        assert found["x_hat"].shape == (num_rows, *spec.shape)
        decoded = layers.mean(made.decoder.link, layers.computed(made.decoder.layers, code, c))
        np.testing.assert_allclose(decoded, found["x_hat"].reshape(num_rows, -1), rtol=1e-4, atol=1e-5)
    if model.posterior:
        assert found["mean"].shape == found["logvar"].shape == code.shape
        np.testing.assert_array_equal(found["mean"], code)
    if model.sample_prior:
        assert found["z"].shape == (5, code.shape[1])
    if model.log_prior:
        assert found["log_prior"].shape == (5,)
    if model.sample_x:
        assert found["x"].shape == (5, *spec.shape) and found["log_likelihood"].shape == (2, 5)


@pytest.mark.parametrize(
    ("key", "folder"),
    [("name", "models"), *((kind[:-1], f"models/vae/{kind}") for kind in ("posteriors", "priors", "bounds"))],
)
def test_every_model_and_part_has_a_recipe(key, folder):
    used = {importlib.import_module(f"configs.{name}").get_config().model[key] for name in RECIPES}
    assert used == set(files(folder))


ALLOWED = {  # in addition to types, errors, config, keys and the modules of the same package
    "__init__": {"interface"},
    "keys": {"data"},
    "data.readers": {"data"},
    "plan": {"records"},
    "models": {"models"},
    "metrics": {"engine.streams", "models.parts.losses", "records"},
    "engine.checkpoint": {"records"},
    "engine.directory": {"data", "plan", "records"},
    "engine.environment": {"records"},
    "engine.progress": {"metrics", "plan"},
    "engine.programs": {"data", "metrics.averages", "models", "plan"},
    "engine.sweep": {"data.sparse"},
    "tensorboard": {"metrics", "plan", "records"},
    "engine.run": {""},  # everything
    "export": {"engine.preprocess", "records", "trained"},
    "trained": {"data", "engine", "metrics.log_likelihood", "plan", "records"},
    "reports.views": {"data.conditions", "data.sparse", "engine.preprocess", "engine.programs", "trained"},
    "reports.explorer": {"engine.programs", "plan", "records", "reports", "trained"},
    "reports.figures": {"records"},
    "reports.gallery": {"data.conditions", "metrics", "plan"},
    "reports.measure": {"engine", "metrics", "trained"},
    "reports.page": {"metrics", "plan", "records", "reports"},
    "reports.summary": {"metrics", "plan", "records"},
    "reports.write": {"engine.programs", "engine.progress", "metrics", "plan", "records", "tensorboard", "trained"},
    "interface": {""},
}


def modules_imported(path):
    """The modules of aejax that a file imports, or their names: "metrics.averages.measure"."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        yield from (name.removeprefix("aejax.") for name in names if name.startswith("aejax."))


def is_in(name, rooms):
    return any(f"{name}.".startswith(f"{room}." if room else "") for room in rooms)


def test_imports_form_a_star():
    for path in sorted((ROOT / "aejax").rglob("*.py")):
        parts = path.relative_to(ROOT / "aejax").with_suffix("").parts
        module, package = ".".join(parts), ".".join(parts[:-1]) or parts[0]
        rooms = [".".join(parts[:depth]) for depth in range(len(parts), 0, -1)]
        allowed = next((ALLOWED[room] for room in rooms if room in ALLOWED), set())
        for name in modules_imported(path):
            assert is_in(name, {"types", "data.types", "errors", "config", "keys", "__version__", package, *allowed}), (
                f"{module}: {name}"
            )
        lines = [line.strip() for line in path.read_text().splitlines()]
        assert not any(line.startswith(("from configs", "import configs")) for line in lines), path


@pytest.mark.parametrize(
    ("library", "room"),
    [
        *(
            ("matplotlib", "reports/figures/"),
            ("umap", "reports/figures/latent.py"),
            ("flax", "models/parts/networks.py"),
        ),
        *(("orbax", "engine/checkpoint.py"), ("optax", "engine/optimizers.py")),
    ],
)
def test_a_library_stays_in_its_room(library, room):
    for path in (ROOT / "aejax").rglob("*.py"):
        if not path.relative_to(ROOT / "aejax").as_posix().startswith(room):
            text = path.read_text()
            assert f"import {library}" not in text and f"from {library}" not in text, path


def test_what_answers_at_once_imports_no_jax():
    modules = "experiments.train, aejax.plan, aejax.data, aejax.metrics"
    script = f"import sys; import {modules}; print('jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_importing_aejax_changes_nothing():
    script = """
import os, sys
sys.modules |= dict.fromkeys(["tensorflow_datasets", "tensorflow"])  # what the extra `tfds` alone installs
before = dict(os.environ)
import aejax.engine.run, aejax.reports.write
print(before == dict(os.environ))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=Path(ROOT), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
