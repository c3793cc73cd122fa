"""Claims: what each file must define, when a row holds, and how the launcher exits."""

import ast
import json
import math
import subprocess
import sys

import numpy as np
import pytest

from experiments import claims, tables
from experiments.claims import Row
from tests.conftest import ROOT

LECTURE = {
    "kl_formulas",
    "lambda_sweep",
    "latent_size",
    "linear_vae",
    "pca_equivalence",
    "regularized_linear",
    "reparametrization",
    "zero_measure",
}
# Runs the launcher on the claims of this test; `main` reads its flags from sys.argv.
SCRIPT = """
import sys, types
from pathlib import Path
from experiments import claims, reproduce
from experiments.claims import NotRun, Row

def absent(fast):
    raise NotRun("python -m bring_the_data")

def draw(directory, fast):
    directory.mkdir()
    (directory / f"drawn-{fast}").touch()

made = {
    "good": lambda fast: [Row("one", 1, 1.0, 0.0, "arithmetic"), Row("fast", 1.0, float(fast), "at least", "flag")],
    "bad": lambda fast: [Row("one", 1.0, 2.0, 0.5, "arithmetic"), Row("one", 1.0, 1.0, 0.5, "arithmetic")],
    "undefined": lambda fast: [Row("nothing", 0.0, float("nan"), "at most", "arithmetic")],
    "absent": absent,
}
for name, measure in made.items():
    sys.modules[f"experiments.claims.{name}"] = types.SimpleNamespace(measure=measure, draw=draw)
claims.NAMES = tuple(made)
reproduce.launch(reproduce.main, positional=True)
"""


def reproduce(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "experiments.reproduce", *arguments], cwd=ROOT, capture_output=True, text=True
    )


def reproduce_ours(tmp_path, *arguments):
    """Runs the launcher on this test's own claims; also returns its claims.json."""
    output = tmp_path / "claims.json"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments, f"--output={output}"], cwd=ROOT, capture_output=True, text=True
    )
    return done, json.loads(output.read_text())


@pytest.mark.parametrize("name", claims.NAMES)
def test_a_claim_says_in_one_line_what_it_measures(name):
    tree = ast.parse((ROOT / "experiments" / "claims" / f"{name}.py").read_text())
    first, _, rest = (ast.get_docstring(tree) or "").partition("\n")
    assert first.endswith(".") and 20 < len(first) < 120
    assert not rest or rest.startswith("\n")
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert [argument.arg for argument in functions["measure"].args.args] == ["fast"]
    if "draw" in functions:
        assert [argument.arg for argument in functions["draw"].args.args] == ["directory", "fast"]


@pytest.mark.parametrize(
    ("expected", "measured", "tolerance", "holds"),
    [
        (1.0, 1.05, 0.1, True),
        (1.0, 1.2, 0.1, False),
        (1.0, 0.8, 0.1, False),
        (2.0, 2.0, 0.0, True),
        (1.0, 1.0, "at least", True),
        (1.0, 0.9, "at least", False),
        (1.0, 1.0, "at most", True),
        (1.0, 1.1, "at most", False),
        (1.0, math.nan, 1e9, False),
        (1.0, math.nan, "at least", False),
        (1.0, math.nan, "at most", False),
        (math.nan, 1.0, 1e9, False),
        (1.0, 1.0, math.nan, False),
        (1.0, math.inf, 1e9, False),
        (np.float64(1.0), np.float32(1.0), np.float64(0.1), True),
    ],
)
def test_a_row_holds_within_its_tolerance(expected, measured, tolerance, holds):
    assert Row("what", expected, measured, tolerance, "source").holds is holds


def test_the_list_names_every_claim():
    done = reproduce("--list")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [*claims.NAMES, *tables.NAMES]
    assert set(claims.NAMES) >= LECTURE
    assert all(line.endswith(".") for line in lines)


def test_an_unknown_claim_is_refused_with_the_nearest():
    done = reproduce("kl_formula")
    assert done.returncode == 2
    assert done.stderr.startswith("error: claim='kl_formula'") and "did you mean 'kl_formulas'" in done.stderr
    assert done.stderr.count("\n") == 1 and done.stdout == ""


@pytest.mark.slow
def test_what_holds_ends_with_0_and_what_lacks_data_is_counted(tmp_path):
    done, written = reproduce_ours(tmp_path, "good", "absent", "--fast", f"--figures={tmp_path / 'pictures'}")
    assert done.returncode == 0, done.stderr
    assert "not run: python -m bring_the_data" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("2 of 2 measured statements hold; 1 claims not run")
    assert [row["holds"] for row in written["claims"]["good"]] == [True, True]
    assert written["fast"] is True and "absent" not in written["claims"]
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["drawn-True"]


@pytest.mark.slow
def test_a_claim_that_fails_ends_with_1_after_all_were_measured(tmp_path):
    done, written = reproduce_ours(tmp_path, "bad", "undefined", "good")
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines()[-1].startswith("2 of 5 measured statements hold; 0 claims not run")
    assert [line.split("|")[1].strip() for line in done.stdout.splitlines() if " one |" in line] == [
        "FAIL",
        "pass",
        "pass",
    ]
    assert written["claims"]["undefined"][0]["measured"] is None and not written["claims"]["undefined"][0]["holds"]
    assert not (tmp_path / "pictures").exists()
