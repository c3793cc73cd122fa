"""A few odd rows are given to a random model, which is trained, trained again, evaluated, loaded and exported.

The rows are 4 to 40 numbers, bits, counts, bytes, categories, images or series, some of them constant, huge or tiny.
Each step succeeds or is refused in one line, and what it returns is finite, in the units of the data, and consistent
with the rest.
"""

import json
import random
import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np

from aejax import config as configs
from aejax.errors import UserError
from aejax.keys import KEYS, base_config, files
from tests.campaigns import commands

SMALL, FULL = 1, 400
SCRIPT = "import sys; from tests.campaigns.rows import use; use(sys.argv[1], sys.argv[2])"
MODELS = [name for name in files("models") if name not in ("pair_embedding", "distance_embedding")]
KINDS = ("real", "unit", "binary", "counts", "bytes", "images", "series", "table")
LIKELIHOODS = {  # that take the kind, beside a Gaussian
    "unit": ("bernoulli", "continuous_bernoulli"),
    "binary": ("bernoulli",),
    "counts": ("poisson", "negative_binomial", "zero_inflated_negative_binomial"),
    "bytes": ("discretized_logistic", "poisson"),
    "images": ("discretized_logistic", "bernoulli", "continuous_bernoulli"),
    "table": ("mixed",),
}
UNDEFINED = ("explained_variance", "condition_mixing")  # if nothing varies
SIZES = {
    "model.hidden": [(), (3,), (4, 3)],
    "model.latent_dim": [1, 2, 4],
    "model.num_components": [1, 3],
    "model.second_hidden": [(3,)],
    "model.levels": [(2,), (3, 2)],
    "train.epochs": [1, 3],
    "train.batch_size": [1, 3, 8, 50],
    "evaluate.batch_size": [1, 7, 1000],
    "data.test_fraction": [0.05, 0.2, 0.5],
    "data.valid_fraction": [0.0, 0.1, 0.5],
}


def prepare(folder: Path) -> None:
    """The cases share what they compile."""


def case(_: None, number: int, chosen: random.Random, folder: Path) -> str:
    """Writes the rows and chooses configs; another process uses them up to the first that is not refused."""
    kind = KINDS[number % len(KINDS)]
    path = write_rows(kind, chosen, folder)
    asked = [{"data.name": "arrays", "data.path": str(path), **choose(kind, chosen)} for _ in range(20)]
    words = [sys.executable, "-c", SCRIPT, json.dumps(asked), str(folder / "run")]
    code, said = commands.finish(commands.start(words), 600)
    assert code == 0, f"{asked}: {said}"
    return said.splitlines()[-1]


def choose(kind: str, chosen: random.Random) -> dict[str, Any]:
    """Keys for rows of this kind, which may contradict each other."""
    changed = {path: chosen.choice(values) for path, values in SIZES.items()}
    changed["model.name"] = chosen.choice(["vae"] * len(MODELS) + MODELS)
    likelihoods = ["bernoulli"] if changed["model.name"] == "made" else ["gaussian", *LIKELIHOODS.get(kind, ())]
    changed["model.likelihood"] = chosen.choice(likelihoods)
    if kind == "table":
        changed["data.missing"] = chosen.choice(["mean", "mean", "drop_rows"])
        changed |= {"data.categorical_columns": "b", "data.label_column": "y"}
    elif chosen.random() < 0.2:
        changed["data.condition_columns"] = "label"
    for path in chosen.sample(sorted(set(KEYS) - set(changed)), 6):
        if choices := KEYS[path].within.choices:
            changed[path] = chosen.choice(choices())
        elif isinstance(KEYS[path].default, bool):
            changed[path] = not KEYS[path].default
    return changed


def write_rows(kind: str, chosen: random.Random, folder: Path) -> Path:
    """A file of odd rows, with labels if it is a table, or sometimes."""
    rng = np.random.default_rng(chosen.getrandbits(60))
    num, width = chosen.randrange(4, 41), chosen.randrange(1, 6)
    scale = chosen.choice([1.0, 1.0, 1e-30, 1e-6, 1e6, 1e15])
    x = {
        "real": lambda: rng.normal(size=(num, width)) * scale + chosen.choice([0, 0, 1e3 * scale]),
        "unit": lambda: rng.beta(*chosen.choice([(1, 1), (0.01, 0.01), (50, 1)]), size=(num, width)),
        "binary": lambda: rng.random((num, width)) < chosen.choice([0.0, 0.05, 0.5, 1.0]),
        "counts": lambda: rng.poisson(chosen.choice([0.1, 5, 1e3, 1e6]), (num, width)),
        "bytes": lambda: rng.integers(0, 256, (num, width), np.uint8),
        "images": lambda: rng.integers(
            0, chosen.choice([2, 256]), (num, *chosen.choice([(4, 4), (5, 3, 3)])), np.uint8
        ),
        "series": lambda: rng.normal(size=(num, 6, chosen.choice([1, 2]))) * scale,
        "table": lambda: rng.normal(size=(num, width)) * scale,
    }[kind]()
    if chosen.random() < 0.3:
        x[:, 0] = x[0, 0]  # a constant feature
    if chosen.random() < 0.1:
        x[:] = x[:1]  # all rows are equal
    if kind == "table":
        names = [*(f"a{number}" for number in range(width)), "b", "y"]
        empty = chosen.choice([0.0, 0.1, 0.5])
        lines = [
            [*("" if rng.random() < empty else f"{value:.7g}" for value in row), rng.choice(["u", "v", "w"]), "no"]
            for row in x
        ]
        (folder / "rows.csv").write_text("\n".join(map(",".join, [names, *lines])), encoding="utf-8")
        return folder / "rows.csv"
    labels = {
        "none": {},
        "one": {"y": np.zeros(num, int)},
        "some": {"y": rng.integers(0, 3, num)},
        "names": {"y": rng.choice(["a", "b"], num)},
    }
    np.savez(folder / "rows.npz", x=x, **labels[chosen.choice(sorted(labels))])
    return folder / "rows.npz"


def use(asked: str, directory: str) -> None:
    """Trains, evaluates, loads and exports; prints how it ended, and raises if that is not as promised."""
    import aejax
    from aejax import trained
    from aejax.reports.measure import can_anneal

    workdir, base = Path(directory), base_config()
    for changed in json.loads(asked):
        keys = {path: tuple(value) if isinstance(value, list) else value for path, value in changed.items()}
        config: Any = configs.replaced(base, keys)
        try:
            aejax.run(config, workdir)
            break
        except UserError as error:
            print(f"refused: {error}")
            assert "\n" not in str(error) and not workdir.exists(), f"{error}, and a directory: {workdir.exists()}"
    else:
        print("refused")
        return
    print(changed)
    before = commands.bits(workdir)
    aejax.run(config, workdir)
    assert commands.bits(workdir) == before, "a second run changed the first"
    model = aejax.load(workdir)
    abilities = {
        "num_samples": 3 * bool(model.model.log_weights),
        "ais": 3 * can_anneal(model.model),
        "probe": bool(model.spec.class_names),
    }
    [row] = aejax.evaluate(workdir, **abilities)
    try:
        trained.check_finite(model)
    except UserError:
        assert model.status.startswith("diverged"), model.status
        print("diverged")
        return
    strange = [name for name, value in row.items() if isinstance(value, float) and not np.isfinite(value)]
    named = "infinite or undefined on the test rows" in (workdir / "report.html").read_text(encoding="utf-8")
    assert named == bool(strange), strange
    if any(name not in UNDEFINED for name in strange):
        assert np.abs(np.nan_to_num(model.dataset().train["x"].astype(float))).max() > 1e4, f"{strange} in {row}"
        print("overflows")
        return
    check_model(model, row)
    check_export(model, workdir.parent / "exported")
    print("used")


def conditions_of(data: Any, spec: Any) -> dict[str, list[str]]:
    """The conditions of the test rows, by name."""
    columns = enumerate(spec.conditions)
    return {found.name: [found.categories[int(code)] for code in data.test["c"][:, j]] for j, found in columns}


def close(found: np.ndarray, expected: np.ndarray, what: str) -> None:
    """Raises if two arrays are not finite, or differ by more than rounding."""
    assert np.isfinite(found).all() and np.isfinite(expected).all(), f"{what}: not finite"
    assert np.allclose(found, expected, rtol=1e-3, atol=1e-4 * max(1.0, np.abs(expected).max())), f"{what} differ"


def check_model(model: Any, row: dict[str, Any]) -> None:
    """What a loaded model returns is finite, of the right shape, and what the evaluation measured."""
    data, prepared, spec = model.dataset(), model.prepared(), model.spec
    x = data.test["x"]
    c = conditions_of(data, spec)
    z = model.encode(x, c)
    close(z, model.embed(prepared.test["x"], prepared.test.get("c")), "encode and embed")
    if model.model.posterior:
        mean, logvar = model.posterior(x, c)
        close(mean, z, "encode and posterior")
        assert np.isfinite(logvar).all(), "logvar"
    if model.model.decode:
        x_hat = model.reconstruct(x, c)
        assert x_hat.shape == x.shape and np.isfinite(x_hat).all(), x_hat
        drawn = model.sample(5, conditions={name: values[0] for name, values in c.items()})
        assert drawn.shape == (5, *spec.shape) and np.isfinite(drawn).all(), drawn
        if "mse" in row and spec.center is None and model.config.data.binarization == "none":
            error = np.square(x * np.float64(spec.byte_scale if x.dtype == np.uint8 else 1.0) - x_hat).mean()
            assert np.isclose(error, row["mse"], rtol=1e-3), (error, row["mse"])
    if model.model.log_weights and model.config.data.binarization == "none":
        nll = -model.log_prob(x, 3, model.config.seed, c).mean()
        [measured] = [value for name, value in row.items() if name in ("nll", "nll_grey")]
        assert np.isclose(nll, measured, rtol=1e-3), (nll, measured)


def check_export(model: Any, folder: Path) -> None:
    """The folder's reader computes the codes of the model."""
    from aejax import export

    lacks = export.write(model, folder)
    loaded = runpy.run_path(str(folder / "reader.py"))["load"](folder)
    data = model.dataset()
    x, c = data.test["x"], conditions_of(data, model.spec)
    if not any("encode" in sentence for sentence in lacks):
        close(loaded.encode(x, c), model.encode(x, c), "the reader's codes")
