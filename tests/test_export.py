"""An exported folder gives the codes and rows of the trained member: with numpy alone, and with jax alone."""

import csv
import hashlib
import json
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from aejax import config as configs
from aejax import data, export
from aejax.engine import programs, run
from aejax.errors import UserError
from aejax.export import reader
from aejax.plan import Axis, Plan
from aejax.trained import Trained
from tests.conftest import small_config

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
PACKAGES = Path(sysconfig.get_path("purelib"))


def untrained(changes):
    """A member with random parameters."""
    plan = Plan.make(configs.replaced(small_config(), {"model.hidden": (8,), "train.batch_size": 16} | changes))
    [group] = programs.make_groups(plan)
    shapes = jax.eval_shape(lambda key: group.task.model.init(key)[0], jax.random.key(0))
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda leaf: 0.4 * rng.normal(size=leaf.shape).astype(np.float32), shapes)
    return Trained(plan.sweep[0], group.task.model, group.dataset.spec, params, "done", lambda: group.dataset)


def of_file(path, **keys):
    found = {f"data.{key}": value for key, value in {"name": "arrays", "path": str(path)}.items()}
    return found | {"model.likelihood": "gaussian"} | {key.replace("__", "."): value for key, value in keys.items()}


def bits(folder):
    """Images in bytes of a run on thresholded ones, by a VAE."""
    return {"data.binarization": "threshold"}, RNG.integers(0, 256, (9, 8, 8, 1), np.uint8)


def gated(folder):
    """Grey images, with a learned variance and a standardized x: bytes are scaled first."""
    x = RNG.integers(0, 256, (60, 6, 5, 3), np.uint8)
    np.save(folder / "x.npy", x)
    keys = {"model__gated": True, "model__hidden": (7, 5), "data__standardize": True}
    return of_file(folder / "x.npy", **keys), x[:9]


def images(folder):
    """Colored images with odd sides, in convolutions; the rows come as floats."""
    x = RNG.integers(0, 256, (60, 7, 6, 3), np.uint8)
    np.save(folder / "x.npy", x)
    keys = of_file(folder / "x.npy", model__network="conv", model__hidden=(4, 3), model__activation="gelu")
    return keys | {"model.likelihood": "continuous_bernoulli"}, (x[:9] / 255).astype(np.float32)


def series(folder):
    """Standardized series, in convolutions."""
    x = RNG.normal(5.0, 3.0, (60, 9, 2)).astype(np.float32)
    np.save(folder / "x.npy", x)
    keys = {"model__network": "conv", "model__hidden": (4, 3), "data__standardize": True, "data__series": True}
    return of_file(folder / "x.npy", **keys), x[:9]


def numbers(folder, **keys):
    """A standardized table whose means are far from 0."""
    x = (RNG.normal(size=(60, 6)) @ RNG.normal(size=(6, 6)) + 50.0).astype(np.float32)
    np.savez(folder / "x.npz", x=x)
    return of_file(folder / "x.npz", data__standardize=True, **keys), x[:9]


def model(name, **keys):
    return lambda folder: numbers(folder, model__name=name, model__latent_dim=4, **keys)


def selection(name, **keys):
    return model("sparse_autoencoder", model__selection=name, model__code_activation="relu", model__hidden=(), **keys)


def sphere(folder):
    return numbers(folder, model__posterior="von_mises_fisher", model__prior="uniform_sphere", model__latent_dim=3)


def flow(folder):
    return numbers(folder, model__posterior="planar")


def classes(folder):
    """A classifier: it has no decoder."""
    return {"model.name": "classifier"}, RNG.uniform(size=(9, 64)).astype(np.float32)


def density(folder):
    """MADE, whose code is its last hidden layer."""
    return {"model.name": "made", "data.binarization": "threshold"}, RNG.uniform(size=(9, 8, 8)).astype(np.float32)


def items(folder):
    """Items of a planted graph, by their names."""
    changes = {
        "data.name": "planted_pairs",
        "data.num_items": 20,
        "data.num_contexts": 20,
        "model.likelihood": "bernoulli",
    }
    return changes | {"model.name": "pair_embedding"}, np.array(["Book 3 (genre 3)", "Book 1 (genre 1)"])


def counts(folder):
    """Counts with an observed total, given a category and a number by encoder and decoder."""
    x = RNG.poisson(3.0, (60, 5)) + 1
    batch, age = RNG.integers(1, 4, 60), RNG.uniform(20, 60, 60).round(2)
    lines = [
        f"batch,age,{','.join('abcde')}",
        *(",".join(map(str, [*row])) for row in zip(batch, age, *x.T, strict=True)),
    ]
    (folder / "x.csv").write_text("\n".join(lines))
    keys = {"data__condition_columns": "batch,age", "data__condition_numbers": "age", "model__library_size": "observed"}
    found = of_file(folder / "x.csv", **keys, model__condition_encoder=True) | {"model.likelihood": "negative_binomial"}
    return found, x[:9], {"batch": batch[:9].tolist(), "age": 31.5}


PEOPLE = """colour,age,height,size
red,31,1.7,S
blue,,1.6,L
green,70,,
red,25,1.9,M
"""


def table(folder):
    """A table of numbers and categories with missing values, read by columns as texts."""
    (folder / "x.csv").write_text(PEOPLE + PEOPLE.partition("\n")[2] * 19)
    (folder / "new.csv").write_text(PEOPLE)
    keys = {"data__categorical_columns": "colour,size", "data__missing": "mean", "data__standardize": True}
    rows = list(csv.DictReader(PEOPLE.splitlines()))
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return of_file(folder / "x.csv", **keys) | {"model.likelihood": "mixed"}, columns


CASES = {
    "table": table,
    **{make.__name__: make for make in (bits, gated, images, series, sphere, flow, classes, density, items, counts)},
    **{name: model(name) for name in ("autoencoder", "pca", "ppca", "linear_autoencoder")},
    "top_k": selection("top_k", model__top_k=2),
    "batch_top_k": selection("batch_top_k", model__top_k=2),
    "jump_relu": selection("jump_relu"),
    "vq_vae": model("vq_vae", model__num_codes=2, model__codebook_size=5),
    "fsq": model("fsq", model__levels=(5, 4)),
}
WITH_JAX = ("bits", "table", "series", "ppca", "top_k", "flow", "items", "counts")

READ = """
import json, sys
sys.path[:0] = sys.argv[1:3]
import numpy as np
import reader
for folder in sys.argv[2:]:
    given, model, found = json.load(open(folder + "/given.json")), reader.load(folder), {}
    x = model.table(given["x"]) if isinstance(given["x"], dict) else np.array(given["x"], given["dtype"])
    for name, call, rows in (("z", model.encode, x), ("x_hat", model.decode, given["z"])):
        try:
            found[name] = call(rows, given["c"])
        except ValueError as error:
            found[name] = str(error)
    np.savez(folder + "/found.npz", **found)
print(*sorted(name for name in sys.modules if "." not in name))
"""
RUN = """
import sys
sys.path.insert(0, sys.argv[1])
import jax
import numpy as np
for folder in sys.argv[2:]:
    given = np.load(folder + "/programs.npz")
    found = {}
    for name, row in (("encode", "x"), ("decode", "z")):
        try:
            program = jax.export.deserialize(bytearray(open(f"{folder}/{name}.jax_export", "rb").read()))
        except FileNotFoundError:
            continue
        assert program.platforms == ("cpu", "cuda", "tpu")
        found[name] = program.call(*[given[key] for key in (row, "c") if key in given][: len(program.in_avals)])
    np.savez(folder + "/ran.npz", **found)
print(*sorted(name for name in sys.modules if "." not in name))
"""


def alone(script, folder, packages, arguments):
    """The output of a script that can import the standard library and some packages."""
    folder.mkdir()
    for name in packages:
        for path in PACKAGES.glob(name):
            (folder / path.name).symlink_to(path)
    words = [sys.executable, "-I", "-S", "-c", script, str(folder), *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def exported(name, root):
    """The folder of a case, what its reader cannot do, and the codes and decoded rows of the member."""
    (folder := root / name).mkdir()
    changes, x, *rest = CASES[name](folder)
    conditions, member, target = rest[0] if rest else None, untrained(changes), folder / "model"
    notes = export.write(member, target)
    if isinstance(x, dict):
        rows = member.read(str(folder / "new.csv")).x
        z, rows = member.embed(rows), rows * member.spec.spread + member.spec.center
    else:
        rows = np.array([2, 0], np.int32) if x.dtype.kind == "U" else x
        z = member.encode(rows, conditions)
        rows = rows / np.float32(255) if x.dtype == np.uint8 else rows
    x_hat = member.decode(z, conditions) if member.model.decode else None
    given = {"x": x if isinstance(x, dict) else x.tolist(), "z": z.tolist(), "c": conditions}
    (target / "given.json").write_text(json.dumps(given | {"dtype": "" if isinstance(x, dict) else x.dtype.str}))
    c: dict[str, Any] = (
        {"c": np.array([[batch - 1, 31.5] for batch in conditions["batch"]], np.float32)} if conditions else {}
    )
    np.savez(target / "programs.npz", x=rows if rows.dtype == np.int32 else rows.astype(np.float32), z=z, **c)
    return target, notes, z, x_hat


def arrays_of(path):
    with np.load(path) as file:
        return dict(file)


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_a_reader_with_numpy_alone_gives_the_codes_and_the_decoded_rows(name, tmp_path):
    folder, notes, z, x_hat = exported(name, tmp_path)
    loaded = alone(READ, tmp_path / "alone", ("numpy", "numpy.libs", "safetensors"), [folder])
    assert not {"aejax", "jax", "flax", "scipy", "ml_dtypes", "ml_collections"} & set(loaded) and "reader" in loaded
    found = arrays_of(folder / "found.npz")
    if name == "flow":
        assert notes == ["model.posterior=planar: its code passes through flows, which only encode.jax_export computes"]
        assert str(found["z"]) == notes[0]
    else:
        close(found["z"], z)
        assert found["z"].dtype == np.float32 and z.std() > 0.01
    if x_hat is None:
        assert str(found["x_hat"]) == notes[0] and notes[0].endswith(" has no decoder")
        assert not (folder / "decode.jax_export").exists()
    else:
        close(found["x_hat"], x_hat)
        assert found["x_hat"].dtype == np.float32 and x_hat.std() > 0.01


def test_programs_with_jax_alone_give_the_codes_and_the_decoded_rows(tmp_path):
    made = [exported(name, tmp_path) for name in WITH_JAX]
    needs = ("jax", "jaxlib", "numpy", "numpy.libs", "scipy", "scipy.libs", "ml_dtypes", "opt_einsum", "flatbuffers")
    loaded = alone(RUN, tmp_path / "alone", needs, [folder for folder, *_ in made])
    assert not {"aejax", "flax", "safetensors"} & set(loaded)
    for folder, _, z, x_hat in made:
        ran = arrays_of(folder / "ran.npz")
        close(ran["encode"], z)
        assert ("decode" in ran) == (x_hat is not None)
        if x_hat is not None:
            close(ran["decode"], x_hat)


def test_the_command_writes_a_member_whose_codes_are_those_of_embed(ask, tmp_path):
    config, workdir, folder = small_config(), tmp_path / "run", tmp_path / "model"
    config.train.epochs = 1
    run.run(Plan.make(config, [Axis("seed", (3, 4))]), workdir)
    np.save(tmp_path / "x.npy", x := data.load(config.data).test["x"][:20])
    export_it = [f"--workdir={workdir}", f"--output={folder}"]
    code, _, err, _ = ask("warm", "export", export_it)
    assert code == 2 and "has 2 members: choose one with --member=0 to 1" in err and not folder.exists()
    for member in (0, 1):  # the second replaces the first
        code, out, err, _ = ask("warm", "export", [*export_it, f"--member={member}"])
        assert (code, err) == (0, "") and out == f"{folder}: see its README.md (training done)\n"
    codes = [f"--workdir={workdir}", "--member=1", f"--input={tmp_path / 'x.npy'}", f"--output={tmp_path / 'z.npy'}"]
    assert ask("warm", "embed", codes)[0] == 0
    model = reader.load(folder)
    close(model.encode(x), np.load(tmp_path / "z.npy"))
    facts, weights = model.facts, folder / "weights.safetensors"
    assert facts["weights_sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert facts["config"]["seed"] == 4 and facts["member"]["seed"] == 4 and facts["likelihood"] == "bernoulli"
    assert {array.dtype for array in model.arrays.values()} == {np.dtype(np.float32)}
    damaged = bytearray(weights.read_bytes())
    damaged[-1] ^= 1
    weights.write_bytes(damaged)
    with pytest.raises(ValueError, match="do not belong together"):
        reader.load(folder)


def test_what_cannot_be_written_is_refused_before_the_work(tmp_path, monkeypatch):
    (tmp_path / "notes.txt").write_text("")
    for output, words in ((tmp_path, "holds other files: name a new folder"), (tmp_path / "notes.txt", "is a file")):
        with pytest.raises(UserError, match=words):
            export.check(output)
    monkeypatch.setattr(export.importlib.util, "find_spec", lambda name: None if name == "safetensors" else object())
    with pytest.raises(UserError, match=r"an export needs safetensors: pip install 'aejax\[export\]'"):
        export.check(tmp_path / "new")


def read_back(name, folder):
    """A member of a case, and its reader, from facts that went through JSON."""
    member = untrained(CASES[name](folder)[0])
    facts, arrays = export.describe(member)
    return member, reader.Model(json.loads(json.dumps(facts)), arrays)


@pytest.mark.parametrize(
    ("name", "x", "conditions", "words"),
    [
        ("bits", np.zeros((3, 63)), {}, r"x has shape \(3, 63\), expected"),
        ("bits", np.full((3, 64), 1.5), {}, "x has values above 1"),
        ("bits", np.full((3, 64), np.nan), {}, "x has values that are missing"),
        ("counts", np.full((3, 5), -1.0), {"batch": 1, "age": 3.0}, "x has values below 0"),
        ("counts", np.ones((3, 5)), {"age": 3.0}, "needs conditions for batch"),
        ("counts", np.ones((3, 5)), {"batch": 9, "age": 3.0}, r"batch=\['9'\] is not one of"),
        ("items", np.array([20]), {}, "not an item"),
        ("items", np.array(["Book 99"]), {}, "not an item"),
    ],
)
def test_a_reader_refuses_the_rows_that_the_member_refuses(name, x, conditions, words, tmp_path):
    member, model = read_back(name, tmp_path)
    with pytest.raises(ValueError, match=words):
        model.encode(x, conditions)
    with pytest.raises(UserError):
        member.encode(x, conditions)


def test_a_reader_refuses_strange_categories_and_codes(tmp_path):
    _, model = read_back("table", tmp_path)
    columns = {"colour": ["pink"], "age": [3], "height": [1.7], "size": ["S"]}
    with pytest.raises(ValueError, match=r"colour=\['pink'\] is not one of \['blue', 'green', 'red'\]"):
        model.table(columns)
    with pytest.raises(ValueError, match=r"z has shape \(2, 9\), expected \(N, 2\)"):
        model.decode(np.zeros((2, 9)))
