"""Tables of published numbers: every row is a valid run, and a small one on the digits is run completely."""

import ast
import importlib
from types import SimpleNamespace

import pytest

from aejax import config as configs
from aejax import records
from aejax.errors import Interrupted
from aejax.reports import gallery
from experiments import reproduce, tables
from experiments.tables import Outcome, Row
from tests.conftest import ROOT

SCHEDULE = {"model.hidden": (8,), "train.epochs": 2, "data.binarization": "dynamic"}
ROW = Row("VAE, k = 1 (small)", 30.0, "nobody", "vae", SCHEDULE | {"train.epochs": 9}, SCHEDULE, num_samples=3, seeds=2)


def rows_of(name):
    return importlib.import_module(f"experiments.tables.{name}").ROWS


@pytest.mark.parametrize("name", tables.NAMES)
def test_a_table_says_in_one_line_what_it_compares(name):
    tree = ast.parse((ROOT / "experiments" / "tables" / f"{name}.py").read_text())
    first, _, rest = (ast.get_docstring(tree) or "").partition("\n")
    assert first.endswith(".") and 20 < len(first) < 120
    assert not rest or rest.startswith("\n")


@pytest.mark.parametrize("name", tables.NAMES)
def test_every_row_is_a_run_of_its_own_that_could_be_started(name):
    rows = rows_of(name)
    directories = [tables.directory_of(row, fast) for row in rows for fast in (True, False)]
    assert len(set(directories)) == 2 * len(rows)
    for row in rows:
        full, fast = (configs.flatten(tables.config_of(row, fast)) for fast in (False, True))
        assert full["train.epochs"] >= fast["train.epochs"]
        binarized = full["data.binarization"]
        assert row.metric in ("nll" if binarized == "none" else f"nll_{binarized}", "reconstruction", "probe_accuracy")
        assert row.num_samples == 0 or row.metric.startswith("nll")


@pytest.mark.slow
def test_a_row_is_trained_and_evaluated_once(tmp_path, monkeypatch):
    for drawing in ("draw_views", "draw_sweep"):  # pictures are tested elsewhere
        monkeypatch.setattr(gallery, drawing, lambda *arguments: [])
    first = tables.measure(ROW, True, tmp_path)
    assert first.reason == "" and all(seconds > 0.0 for seconds in first.seconds.values())
    directory = tmp_path / "vae-k-1-small-fast"
    results = records.read_csv(directory / "results.csv")
    assert [row["num_samples"] for row in results] == ["3", "3"]
    values = [float(row["nll_dynamic"]) for row in results]
    assert first.summary["nll_dynamic"] == pytest.approx(sum(values) / 2) and first.summary["n"] == 2.0
    before = (directory / "results.csv").stat().st_mtime_ns
    again = tables.measure(ROW, True, tmp_path)
    assert again == first  # the seconds too: the second call does not train
    assert (directory / "results.csv").stat().st_mtime_ns == before
    line = tables.line(ROW, again, True)
    mean, sd = first.summary["nll_dynamic"], first.summary["nll_dynamic_sd"]
    assert line["ours"] == f"{mean:.5g} ± {sd:.2g} (n = 2)" and line["published"] == "30 (nobody)"
    assert line["difference"] == f"{mean - 30.0:+.3g}" and line["schedule"] == "2 epochs, batch 128, adam 0.001"
    diverged = Outcome({"n": 0.0, "diverged": 2.0}, first.seconds)
    assert tables.line(ROW, diverged, True)["ours"] == "(n = 0, 2 diverged)"
    # More samples need another measurement, but not another training.
    assert not tables.is_measured(ROW._replace(num_samples=5), directory)
    assert not tables.is_measured(ROW._replace(metric="probe_accuracy"), directory)


def test_a_row_is_measured_when_all_its_members_are_done_or_diverged(tmp_path):
    def written(*members):
        records.write_csv(tmp_path / "results.csv", [dict(zip(names, member, strict=True)) for member in members])
        return tables.is_measured(ROW, tmp_path)

    names = "status", "num_samples", "nll_dynamic"
    assert not tables.is_measured(ROW, tmp_path)
    assert written(("done", 3, 30.5), ("done", 3, 31.5))
    assert written(("done", 3, 30.5), ("diverged at step 4", 3, None))
    assert not written(("done", 3, 30.5), ("unfinished at step 4 of 9", 3, 31.5))
    assert not written(("done", 5, 30.5)) and not written(("done", 3, None))
    both = Outcome({"n": 1.0, "diverged": 1.0, "nll_dynamic": 30.5, "nll_stderr": 0.25, "ess": 2.0}, {"training": 90.0})
    line = tables.line(ROW, both, True)
    assert line["ours"] == "30.5 (n = 1, 1 diverged)" and line["difference"] == "+0.5"
    assert line["wall time"] == "training 1.5 min" and line["ESS"] == "2"


def test_a_row_that_is_not_run_says_why(monkeypatch, tmp_path):
    assert tables.measure(ROW._replace(fast=None), True, tmp_path).reason == "not run: needs an accelerator"
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    absent = ROW._replace(changes=tables.MNIST)
    command = "not run: python -m experiments.prepare_data --name=mnist"
    assert tables.measure(absent, True, tmp_path).reason == command
    static = {"data.name": "binarized_mnist", "data.path": "nowhere/rows.npz", "data.binarization": "none"}
    reason = tables.measure(ROW._replace(changes=static, fast={}), True, tmp_path).reason
    assert reason == "not run: AEJAX_RAW_DATA must name a directory with nowhere/rows.npz"
    assert tables.line(ROW, Outcome({}, {}, reason), True)["ours"] == reason
    assert not list(tmp_path.iterdir())


def test_the_launcher_prints_all_rows_of_a_table_without_data(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(reproduce, "FAST", SimpleNamespace(value=True))
    monkeypatch.setattr(reproduce, "RUNS", SimpleNamespace(value=str(tmp_path)))
    reproduce.compare("iwae_table")
    rows = records.read_json(tmp_path / "iwae_table.json")["rows"]
    assert [row["model"] for row in rows] == [row.what for row in rows_of("iwae_table")]
    lines = [line for line in capsys.readouterr().out.splitlines() if " | nll_dynamic | " in line]
    assert len(lines) == len(rows) and all("not run: " in line for line in lines)
    assert "| 86.76 (Burda et al. 2015) |" in lines[0]


def test_a_table_that_is_stopped_prints_what_was_measured(tmp_path, monkeypatch, capsys):
    outcomes = iter(
        [Outcome({"nll_dynamic": 87.0, "nll_stderr": 0.1, "ess": 9.0, "n": 1.0, "diverged": 0.0}, {"training": 60.0})]
    )

    def measure(row, fast, runs):
        if outcome := next(outcomes, None):
            return outcome
        raise Interrupted(15, "SIGTERM")

    monkeypatch.setattr(reproduce.tables, "measure", measure)
    monkeypatch.setattr(reproduce, "FAST", SimpleNamespace(value=True))
    monkeypatch.setattr(reproduce, "RUNS", SimpleNamespace(value=str(tmp_path)))
    with pytest.raises(Interrupted):
        reproduce.compare("iwae_table")
    first, second, *_ = [line for line in capsys.readouterr().out.splitlines() if " | nll_dynamic | " in line]
    assert "| 87 (n = 1) | +0.24 |" in first and "stopped before it was measured" in second
