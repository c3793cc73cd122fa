"""The whole program: a run that was stopped, killed or damaged ends on the bits of one that was not."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from types import SimpleNamespace

import jax
import pytest

from aejax import checkpoint, gallery, programs, records, results
from aejax import config as configs
from aejax.engine import run
from aejax.errors import Interrupted, UserError
from aejax.plan import Plan, parse_axis
from tests.conftest import ROOT, small_config

SWEEP = ["objective.beta=1,4"]


def train(config, workdir, *sweep, **options):
    return run.run(Plan.make(config, [parse_axis(text, config) for text in sweep], **options), workdir)


def bits(workdir):
    """All that a finished run is: its metrics and members as bytes, its newest state."""
    [group] = programs.make_groups(Plan.read(workdir))
    step, state = checkpoint.newest_state(workdir, 0, programs.state_shapes(group.task, group.members))
    leaves = [leaf.tobytes() for leaf in jax.tree.leaves(state)]
    return step, leaves, (workdir / "metrics.jsonl").read_bytes(), (workdir / "members.csv").read_bytes()


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("reference")
    train(small_config(), workdir, *SWEEP)
    return workdir


def test_a_run_leaves_what_the_contract_says(reference):
    names = {path.name for path in reference.iterdir()} - {".lock"}
    assert names == {"config.json", "data.json", "environment.json", "members.csv", "metrics.jsonl", "checkpoints"}
    rows = records.read_lines(reference / "metrics.jsonl")
    places = [(row["step"], row["split"], row["member"]) for row in rows]
    steps, splits = (10, 20, 30), ("train", "valid")
    assert places == [(step, split, member) for step in steps for split in splits for member in (0, 1)]
    assert all(row["elbo"] == pytest.approx(-(row["reconstruction"] + row["kl"]), abs=1e-3) for row in rows)
    assert [row["status"] for row in records.read_csv(reference / "members.csv")] == ["done", "done"]
    assert rows[-1]["elbo"] > rows[2]["elbo"]  # it learns


def test_done_is_done(reference):
    before = bits(reference)
    train(small_config(), reference, *SWEEP)
    assert bits(reference) == before


def test_another_config_is_refused_with_the_difference(reference):
    config = small_config()
    config.train.epochs = 4
    with pytest.raises(UserError, match="train.epochs 3 -> 4"):
        train(config, reference, *SWEEP)
    with pytest.raises(UserError, match="--sweep objective.beta"):
        train(small_config(), reference)


def group_of(epochs, log, save):
    """As much of a group of ten steps an epoch as its visits depend on; without epochs, of a model in closed form."""
    changes = {"train.epochs": epochs or 1, "log.every_epochs": log, "train.save_every_epochs": save}
    task = programs.Task(SimpleNamespace(fit=not epochs), None, None, False, 160, 16, 100)
    return programs.Group(0, [], configs.replaced(small_config(), changes), None, task)


@pytest.mark.parametrize(
    ("epochs", "log", "save", "expected"),
    [
        (3, 1, 1, [(10, True), (20, True), (30, True)]),
        (7, 2, 3, [(20, False), (40, True), (60, True), (70, True)]),  # saves wait for a row
        (4, 1, 3, [(10, False), (20, False), (30, True), (40, True)]),
        (3, 5, 1, [(30, True)]),
        (0, 1, 1, [(0, True)]),
    ],
)
def test_visits_are_fixed_by_the_config_wherever_a_run_resumes(epochs, log, save, expected):
    group = group_of(epochs, log, save)
    assert list(run.visits(group, 0)) == expected
    for index, (step, is_save) in enumerate(expected[:-1]):
        if is_save:
            assert list(run.visits(group, step)) == expected[index + 1 :]


@pytest.mark.bits
def test_a_signal_stops_after_a_chunk_and_the_same_command_ends_on_the_same_bits(reference, tmp_path, monkeypatch):
    compile_group = programs.compile_group

    def interrupted(group, lanes):
        compiled = compile_group(group, lanes)

        def train_chunk(carry, start, stop):
            if start == 13:
                os.kill(os.getpid(), signal.SIGTERM)
            return compiled.train(carry, start, stop)

        return compiled._replace(train=train_chunk)

    monkeypatch.setattr(programs, "compile_group", interrupted)
    monkeypatch.setattr(run, "CHUNK_SECONDS", 0.0)  # chunks of one step
    with pytest.raises(Interrupted, match="SIGTERM at step 14: saved at step 10") as stop:
        train(small_config(), tmp_path, *SWEEP)
    assert stop.value.number == signal.SIGTERM
    monkeypatch.undo()
    train(small_config(), tmp_path, *SWEEP)
    assert bits(tmp_path) == bits(reference)


@pytest.mark.bits
def test_a_flipped_bit_is_named_and_the_step_before_is_used(reference, tmp_path, capsys):
    shutil.copytree(reference, tmp_path / "run")
    directory = tmp_path / "run" / "checkpoints" / "0"
    newest = checkpoint.sealed_steps(directory)[0]
    victim = max((directory / str(newest) / "state").rglob("*"), key=lambda path: path.stat().st_size * path.is_file())
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(bytes(content))
    train(small_config(), tmp_path / "run", *SWEEP)
    assert f"{victim} is not the file that was sealed" in capsys.readouterr().err
    assert bits(tmp_path / "run") == bits(reference)


@pytest.mark.bits
def test_kill_at_any_time_and_the_same_command_ends_on_the_same_bits(tmp_path):
    command = [sys.executable, "-m", "experiments.train", "--config=configs/vae.py", "--config.model.hidden=(16,)"]
    command += ["--config.train.epochs=40", "--sweep", "objective.beta=1,4"]
    environment = os.environ | {"NPROC": "2"}

    def start(name):
        with open(tmp_path / f"{name}.log", "w") as log:
            return subprocess.Popen([*command, f"--workdir={tmp_path / name}"], cwd=ROOT, env=environment, stderr=log)

    whole, killed = start("whole"), start("killed")
    while not checkpoint.sealed_steps(tmp_path / "killed" / "checkpoints" / "0"):
        time.sleep(0.005)
        assert killed.poll() is None
    time.sleep(0.05)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    again = start("killed")
    assert whole.wait() == 0 and again.wait() == 0
    assert "resumes at step" in (tmp_path / "killed.log").read_text()
    assert bits(tmp_path / "killed") == bits(tmp_path / "whole")


def test_three_programs_are_compiled_for_a_group(small, tmp_path, caplog):
    jax.config.update("jax_log_compiles", True)
    try:
        with caplog.at_level(logging.WARNING):
            train(small, tmp_path, "objective.beta=1,4", "seed=0:2")
    finally:
        jax.config.update("jax_log_compiles", False)
    finished = [record.getMessage() for record in caplog.records if "Finished XLA compilation" in record.getMessage()]
    for name in ("init_members", "train_members", "evaluate_members"):
        assert sum(f"({name})" in line for line in finished) == 1, name


def test_a_group_per_static_value_and_shards_give_the_whole_sweep(small, tmp_path, monkeypatch):
    """A sweep with a static axis, whole and in two shards: the same results.csv and summary.csv to the byte."""
    small.train.epochs, small.data.valid_fraction = 1, 0.0
    small.model.name = "autoencoder"  # the least to compile
    sweep = ["model.latent_dim=2,3", "seed=0:2"]
    train(small, tmp_path / "whole", *sweep)
    for shard in ("0/2", "1/2"):
        train(small, tmp_path / "parts", *sweep, shard=shard)
    for drawing in ("draw_views", "draw_sweep"):  # pictures are tested elsewhere
        monkeypatch.setattr(gallery, drawing, lambda *arguments: [])
    for workdir in (tmp_path / "whole", tmp_path / "parts"):
        results.evaluate(workdir, projection="pca")
    for name in ("results.csv", "summary.csv"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    rows = records.read_csv(tmp_path / "whole" / "results.csv")
    assert [(row["member"], row["group"], row["model.latent_dim"], row["seed"]) for row in rows] == [
        ("0", "0", "2", "0"),
        ("1", "0", "2", "1"),
        ("2", "1", "3", "0"),
        ("3", "1", "3", "1"),
    ]
    summary = records.read_csv(tmp_path / "whole" / "summary.csv")
    values = [float(row["mse"]) for row in rows[:2]]
    assert float(summary[0]["mse"]) == pytest.approx(sum(values) / 2)
    assert float(summary[0]["mse_sd"]) == pytest.approx(abs(values[0] - values[1]) / 2**0.5)
    shutil.rmtree(tmp_path / "parts" / "shards" / "1-of-2")
    with pytest.raises(UserError, match="1-of-2 missing"):
        results.evaluate(tmp_path / "parts")


def test_log_p_is_estimated_on_demand_under_the_name_of_its_pixels(small, tmp_path):
    small.data.binarization, small.train.epochs, small.evaluate.batch_size = "dynamic", 1, 360
    workdir = train(small, tmp_path, "objective.beta=1,4")
    report = results.evaluate(workdir, "pca", num_samples=60, probe=True)
    rows = records.read_csv(workdir / "results.csv")
    assert "nll" not in rows[0] and [row["num_samples"] for row in rows] == ["60", "60"]
    for row in rows:
        nll, elbo = float(row["nll_dynamic"]), float(row["elbo"])
        assert nll < -elbo + 0.1 and 1 <= float(row["ess"]) <= 60 and 0 < float(row["nll_stderr"]) < 1
        assert all(0 <= float(row[name]) <= 1 for name in ("probe_accuracy", "knn_accuracy"))
        split = float(row["mutual_information"]) + float(row["aggregate_kl"])
        assert split == pytest.approx(float(row["kl"]), rel=0.3)
    curve = [row for row in records.read_csv(workdir / "likelihood.csv") if row["member"] == "1"]
    assert [row["num_samples"] for row in curve] == ["5", "15", "35", "60"]
    assert curve[-1]["nll"] == rows[1]["nll_dynamic"]
    units = records.read_csv(workdir / "units.csv")
    assert [(row["member"], row["unit"]) for row in units] == [("0", "0"), ("0", "1"), ("1", "0"), ("1", "1")]
    assert {"units.png", "likelihood.png"} <= {path.name for path in report.figures}


@pytest.mark.parametrize(("name", "sampled"), [("vae", True), ("made", False), ("ppca", False), ("autoencoder", False)])
def test_only_a_density_that_is_not_exact_is_sampled(small, name, sampled):
    small.model.name, small.data.binarization = name, "none" if name == "ppca" else "dynamic"
    small.model.likelihood = "gaussian" if name == "ppca" else "bernoulli"
    [group] = programs.make_groups(Plan.make(small))
    hp = jax.tree.map(lambda leaf: leaf[0], programs.hparams(group.members))
    state = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), programs.state_shapes(group.task, group.members)
    )
    measure = partial(results.test_of(group, 4 if group.task.model.log_weights else 0), group.task)
    found = jax.eval_shape(measure, state, hp, group.dataset.test)
    assert ("ess" in found) == sampled and ("nll" in found) == (name != "autoencoder")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "nll_grey"),
        ({"data.binarization": "dynamic"}, "nll_dynamic"),
        ({"data.binarization": "threshold"}, "nll_threshold"),
        ({"model.likelihood": "gaussian"}, "nll"),
        ({"model.name": "ppca", "model.likelihood": "gaussian"}, "nll"),
    ],
)
def test_the_name_of_log_p_says_what_was_done_to_the_pixels(small, changes, name):
    [group] = programs.make_groups(Plan.make(configs.replaced(small, changes)))
    assert results.nll_name(group) == name


def test_a_summary_counts_those_that_diverged_and_averages_those_that_are_done():
    def row(beta, status, elbo):
        return {"beta": beta, "seed": 0, "status": status, "elbo": elbo}

    rows = [row(1, "done", -100.0), row(1, "done", -102.0), row(1, "unfinished at step 3 of 9", -300.0)]
    rows += [row(1, "diverged at step 4", None), row(2, "unfinished at step 3 of 9", -200.0)]
    mixed, unfinished = results.summarize(rows, ["beta", "seed"], ["elbo"])
    assert mixed == {"beta": 1, "n": 2, "unfinished": 1, "diverged": 1, "elbo": -101.0, "elbo_sd": 2**0.5}
    assert unfinished == {"beta": 2, "n": 1, "unfinished": 1, "diverged": 0, "elbo": -200.0, "elbo_sd": None}
    [note] = results.still_training([row | {"member": index} for index, row in enumerate(rows)])
    assert note == "not trained to the end: member 2 unfinished at step 3 of 9, member 4 unfinished at step 3 of 9"
    assert results.still_training([rows[0] | {"member": 0}]) == []


def test_the_line_of_progress_is_the_mean_of_the_members_that_are_finite():
    rows = [{"split": "valid", "elbo": elbo} for elbo in (-1.0, float("nan"), -3.0)]
    assert run.describe(rows) == "valid elbo -2 (mean of 2 members, 1 not finite)"
    assert run.describe(rows[1:2]) == "valid elbo nan" and run.describe(rows[:1]) == "valid elbo -1"
    assert run.describe([rows[0], rows[2]]) == "valid elbo -2 (mean of 2 members)"


def test_a_loose_bound_is_named():
    rows = [{"member": 0, "ess": 2.284, "num_samples": 100}, {"member": 1, "ess": 11.0, "num_samples": 100}]
    note = "−log p(x) is a loose bound, raise --num_samples: its effective sample size is 2.28 of 100 in member 0"
    assert results.loose_bounds(rows) == [note]
    assert results.loose_bounds(rows[1:]) == results.loose_bounds([{"member": 0}]) == []


def test_an_evaluation_that_would_lose_estimates_or_probes_is_refused(tmp_path):
    path = tmp_path / "results.csv"
    results.check_kept(path, 0, False)
    for row, message in (
        (
            {"num_samples": 60, "nll": 3.0, "probe_accuracy": 0.5},
            "has what only --num_samples=60 --probe gives: add it",
        ),
        ({"num_samples": 60, "nll": 3.0}, "only --num_samples=60 gives"),
        ({"elbo": -3.0, "mig": 0.5}, "only --probe gives"),
    ):
        records.write_csv(path, [row])
        with pytest.raises(UserError, match=message):
            results.check_kept(path, 0, False)
        results.check_kept(path, 5, True)


def test_collapsed_units_are_named(small):
    members = list(Plan.make(small, [parse_axis("objective.beta=1,2,3", small)]).members)
    rows = [{"member": index, "active_units": active, "status": "done"} for index, active in enumerate((2, 0, 1))]
    note = "collapsed units of 2 (variance of the posterior mean at most 0.01): 2 in member 1, 1 in member 2"
    assert results.collapses(members, rows) == [note]
    diverged = rows[1] | {"status": "diverged at step 3"}
    assert results.collapses(members[:1], rows[:1]) == results.collapses(members[:1], [diverged]) == []


def test_what_cannot_be_measured_is_refused_before_anything_is_computed(small, tmp_path, table_csv, monkeypatch):
    monkeypatch.setattr(results, "evaluate_group", None)  # would fail if called
    small.data.name, small.data.path, small.data.id_column = "arrays", str(table_csv), "id"
    small.data.label_column, small.data.label_kind = "gene0", "number"
    small.model.likelihood, small.train.batch_size, small.train.epochs = "gaussian", 16, 1
    small.data.path = str(tmp_path / "numbers.csv")
    lines = [line.split(",") for line in table_csv.read_text().splitlines()]
    (tmp_path / "numbers.csv").write_text("\n".join(",".join([line[0], *line[2:]]) for line in lines) + "\n")
    sweep = {"path": "model.name", "values": ["vae", "autoencoder"]}
    plan = {"config": configs.to_json(small), "axes": [sweep], "zip": False, "shard": ""}
    records.write_json(tmp_path / "config.json", plan)
    with pytest.raises(UserError, match="--num_samples=10: model.name=autoencoder has no density"):
        results.evaluate(tmp_path, num_samples=10)
    with pytest.raises(UserError, match="--probe: data.name=arrays has no class labels"):
        results.evaluate(tmp_path, probe=True)


def test_changed_data_are_refused(small, tmp_path, table_csv):
    small.data.name, small.data.path = "arrays", str(tmp_path / "t.csv")
    small.data.label_column, small.data.id_column = "kind", "id"
    small.model.likelihood, small.train.batch_size, small.train.epochs = "gaussian", 16, 1
    shutil.copy(table_csv, tmp_path / "t.csv")
    train(small, tmp_path / "run")
    (tmp_path / "t.csv").write_text(table_csv.read_text().replace("s0,", "s0,", 1).replace("10.", "11.", 1))
    with pytest.raises(UserError, match="data of .* have changed"):
        train(small, tmp_path / "run")
    with pytest.raises(UserError, match="data of .* have changed"):
        results.evaluate(tmp_path / "run")
