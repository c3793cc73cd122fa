"""The whole program: a run that was stopped, killed or damaged ends on the same bits as an undisturbed one."""

import logging
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest

from aejax import config as configs
from aejax import data, records, trained
from aejax.engine import checkpoint, programs, run
from aejax.engine.directory import newest_state
from aejax.errors import Interrupted, UserError
from aejax.plan import Plan, parse_axis
from aejax.reports import gallery
from aejax.reports.write import write_report
from tests.conftest import ROOT, small_config

pytestmark = pytest.mark.slow

SWEEP = ["objective.beta=1,4"]


def train(config, workdir, *sweep, **options):
    return run.run(Plan.make(config, [parse_axis(text, config) for text in sweep], **options), workdir)


def bits(workdir):
    """The outcome of a finished run: its newest state, and its metrics and members as bytes."""
    [group] = programs.make_groups(Plan.read(workdir))
    step, state, _ = newest_state(workdir, 0, programs.state_shapes(group.task, group.members))
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


def test_a_save_that_follows_another_too_soon_is_skipped_except_for_the_last(reference):
    assert checkpoint.sealed_steps(reference / "checkpoints" / "0") == [30, 10]


def test_the_data_of_a_run_are_described(reference):
    dataset = data.load(small_config().data)
    facts = records.read_json(reference / "data.json")["0"]
    assert facts["sha256"] == dataset.sha256 and facts["rows"] == {"train": 1294, "valid": 144, "test": 359}
    np.testing.assert_allclose(
        data.spec_from_json(facts["spec"]).mean, dataset.train["x"].mean(axis=0, dtype=float), rtol=1e-6
    )


def test_done_is_done(reference):
    before = bits(reference)
    train(small_config(), reference, *SWEEP)
    assert bits(reference) == before


def test_done_is_also_when_all_members_have_stopped(small, tmp_path, monkeypatch):
    """Nothing is learned at this rate, so the first epoch is the best."""
    small.model.name, small.model.hidden, small.train.patience = "autoencoder", (), 1
    small.optimizer.learning_rate = 1e-30
    train(small, tmp_path)
    [row] = records.read_csv(tmp_path / "members.csv")
    assert row["status"] == "done, stopped after epoch 2"
    monkeypatch.delattr(programs, "compile_group")
    train(small, tmp_path)


def test_another_config_is_refused_with_the_difference(reference):
    config = small_config()
    config.train.epochs = 4
    with pytest.raises(UserError, match="train.epochs 3 -> 4"):
        train(config, reference, *SWEEP)
    with pytest.raises(UserError, match="--sweep objective.beta"):
        train(small_config(), reference)


def group_of(epochs, log, save):
    """A group of ten steps per epoch with only what its visits depend on; no epochs mean a model in closed form."""
    changes = {"train.epochs": epochs or 1, "log.every_epochs": log, "train.save_every_epochs": save}
    unused: Any = None
    model: Any = SimpleNamespace(fit=not epochs)
    task = programs.Task(model, unused, unused, unused, False, 160, 16, 100)
    return programs.Group(0, [], configs.replaced(small_config(), changes), unused, task)


@pytest.mark.parametrize(
    ("epochs", "log", "save", "expected"),
    [
        (3, 1, 1, [(0, 10, True), (10, 20, True), (20, 30, True)]),
        (7, 2, 3, [(0, 20, False), (20, 40, True), (40, 60, True), (60, 70, True)]),  # a save waits for a logged row
        (4, 1, 3, [(0, 10, False), (10, 20, False), (20, 30, True), (30, 40, True)]),
        (3, 5, 1, [(0, 30, True)]),
        (0, 1, 1, [(0, 0, True)]),
    ],
)
def test_visits_are_fixed_by_the_config_wherever_a_run_resumes(epochs, log, save, expected):
    group = group_of(epochs, log, save)
    assert list(run.visits(group, 0)) == expected
    for start in range(group.total_steps):
        assert list(run.visits(group, start)) == [visit for visit in expected if visit[1] > start]


def test_members_are_written_when_a_status_changes(small, tmp_path):
    """The group is the second of two."""
    plan, statuses = Plan.make(small, [parse_axis("model.latent_dim=2,3", small)]), {0: "waiting", 1: "waiting"}
    group = group_of(3, 1, 1)._replace(members=plan.groups[1])
    for diverged, expected in ((-1, "running"), (-1, None), (7, "diverged at step 7")):
        run.update_members(tmp_path, plan, statuses, group, {"diverged": [diverged]}, False)
        rows = records.read_csv(tmp_path / "members.csv")
        assert [row["status"] for row in rows] == (["waiting", expected] if expected else [])
        (tmp_path / "members.csv").unlink(missing_ok=True)


@pytest.mark.bits
@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGHUP])
def test_a_signal_saves_within_an_epoch_and_the_same_command_ends_on_the_same_bits(
    number, reference, tmp_path, monkeypatch
):
    """The running totals of the epoch's metrics are saved, too: the rows are those of an undisturbed run."""
    with monkeypatch.context() as patch:
        compile_group = programs.compile_group

        def interrupted(group, lanes):
            compiled = compile_group(group, lanes)

            def train_chunk(carry, start, stop, is_first):
                if start == 23:
                    os.kill(os.getpid(), number)
                return compiled.train(carry, start, stop, is_first)

            return compiled._replace(train=train_chunk)

        patch.setattr(programs, "compile_group", interrupted)
        patch.setattr(run, "CHUNK_SECONDS", 0.0)  # chunks of one step
        with pytest.raises(Interrupted, match=f"{number.name} at step 24: saved") as stop:
            train(small_config(), tmp_path, *SWEEP)
    assert stop.value.number == number
    assert checkpoint.sealed_steps(tmp_path / "checkpoints" / "0")[0] == 24
    train(small_config(), tmp_path, *SWEEP)
    assert bits(tmp_path) == bits(reference)


WAITING = """
import fcntl, signal, termios, time
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from aejax.engine import run
with run.stop_signals() as received:
    print("ready", flush=True)
    while not received:
        time.sleep(0.01)
    print("nobody reads this", flush=True)
raise SystemExit(40 + len(received))
"""


@pytest.mark.slow
def test_a_closed_terminal_is_a_signal_and_takes_no_more_text():
    terminal, inner = pty.openpty()
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), inner)
    process = subprocess.Popen([sys.executable, "-c", WAITING], cwd=ROOT, start_new_session=True, **streams)
    os.close(inner)
    assert os.read(terminal, 99).startswith(b"ready")
    os.close(terminal)
    assert process.wait(60) == 41


def test_a_hangup_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with run.stop_signals() as received:
            signal.raise_signal(signal.SIGHUP)
            assert not received and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_an_epoch_that_takes_longer_than_save_every_minutes_is_saved_within(small, tmp_path, monkeypatch):
    small.train.epochs, small.train.save_every_minutes, small.data.valid_fraction = 1, 1e-6, 0.0
    monkeypatch.setattr(run, "CHUNK_SECONDS", 0.0)
    saved = []
    monkeypatch.setattr(checkpoint, "write_step", lambda directory, step, *others: saved.append(step))
    train(small, tmp_path / "often")
    often, saved[:] = list(saved), []
    small.train.save_every_minutes = 0.0
    train(small, tmp_path / "never")
    assert often == list(range(1, 12)) and saved == [11]
    small.train.save_every_minutes = 2.0
    assert run.latest(group_of(1, 1, 1)._replace(config=small)) == pytest.approx(time.monotonic() + 120.0, abs=30.0)


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
    assert f"{victim} differs from the file that was sealed" in capsys.readouterr().err
    assert bits(tmp_path / "run") == bits(reference)


def test_a_group_that_goes_back_leaves_the_rows_of_the_groups_after_it(small, tmp_path):
    """The first of two finished groups loses its newest checkpoint: its rows are written again, no others are lost."""
    small.model.name, small.model.hidden = "autoencoder", ()
    train(small, tmp_path, "model.latent_dim=2,3")
    before = sorted((tmp_path / "metrics.jsonl").read_text().splitlines())
    shutil.rmtree(tmp_path / "checkpoints" / "0" / "30")
    train(small, tmp_path, "model.latent_dim=2,3")
    assert sorted((tmp_path / "metrics.jsonl").read_text().splitlines()) == before


def test_three_programs_are_compiled_for_a_group(small, tmp_path, caplog):
    jax.config.update("jax_log_compiles", True)
    try:
        with caplog.at_level(logging.WARNING):
            train(small, tmp_path, "objective.beta=1,4", "seed=0:2")
    finally:
        jax.config.update("jax_log_compiles", False)
    finished = [record.getMessage() for record in caplog.records if "Finished XLA compilation" in record.getMessage()]
    for name in ("init_member", "train_member", "evaluate_member"):
        assert sum(f"({name})" in line for line in finished) == 1, name


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
        write_report(tmp_path / "run")


def test_a_member_that_diverges_is_a_row_and_not_a_failure(small, tmp_path, monkeypatch):
    small.model.name, small.train.epochs, small.model.hidden = "autoencoder", 1, ()
    workdir = train(small, tmp_path, "optimizer.learning_rate=1e-3,1e30")
    for drawing in ("draw_views", "draw_sweep"):
        monkeypatch.setattr(gallery, drawing, lambda *arguments: [])
    write_report(workdir, projection="pca")
    for name in ("members.csv", "results.csv"):
        good, bad = records.read_csv(workdir / name)
        assert good["status"] == "done" and re.fullmatch(r"diverged at step \d+", bad["status"]), name
    assert [trained.load(workdir, member).status for member in (0, 1)] == [good["status"], bad["status"]]
    assert float(good["reconstruction"]) > 0 and bad["reconstruction"] == "nan"
    rows = [row for row in records.read_lines(workdir / "metrics.jsonl") if row["split"] == "valid"]
    assert [row["reconstruction"] is None for row in rows] == [False, True]
    member = trained.load(workdir, 1)
    trained.check_finite(member)
    member.params = jax.tree.map(lambda leaf: leaf * np.nan, member.params)
    with pytest.raises(
        UserError, match=r"member 1 are not finite \(training diverged at step \d\): choose another with --m"
    ):
        trained.check_finite(member)
    with pytest.raises(UserError, match="codes of training rows are not finite: choose a member that has not diverged"):
        member.sample(3)


def test_training_reads_no_test_row(small, tmp_path, monkeypatch):
    class Untouched:
        """Has a shape, but nothing that jax or numpy could read."""

        shape = (7, 8, 8, 1)

    load = data.load
    monkeypatch.setattr(data, "load", lambda keys: load(keys)._replace(test={"x": Untouched(), "y": Untouched()}))
    small.model.name, small.train.epochs = "autoencoder", 1
    train(small, tmp_path)
    assert [row["split"] for row in records.read_lines(tmp_path / "metrics.jsonl")] == ["train", "valid"]


def test_another_environment_is_named_and_recorded(small, tmp_path, capsys):
    small.model.name, small.train.epochs = "pca", 1
    train(small, tmp_path)
    [first] = records.read_json(tmp_path / "environment.json")
    records.write_json(tmp_path / "environment.json", [first | {"threads": 99}])
    train(small, tmp_path)
    assert "the environment has changed, bits may differ from here on: threads 99 -> " in capsys.readouterr().err
    for _ in range(2):  # in the same one as before, which is not recorded a second time
        assert records.read_json(tmp_path / "environment.json") == [first | {"threads": 99}, first]
        train(small, tmp_path)
        assert "has changed" not in capsys.readouterr().err
