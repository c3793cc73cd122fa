"""Selection by validation: what is kept, when a member stops, and that nothing else changes."""

import signal
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aejax import config as configs
from aejax import records, trained
from aejax.engine import programs, run, selection
from aejax.engine.directory import newest_state
from aejax.errors import Interrupted, UserError
from aejax.plan import Plan, parse_axis
from aejax.reports.measure import measure_group
from aejax.types import HParams, Kept, TrainState
from tests.conftest import small_config

pytestmark = pytest.mark.bits

EPOCHS, PATIENCE, PER_EPOCH = 30, 3, 10
SWEEP = ("objective.beta=0.01,0.1,1", "seed=0,1", "objective.beta_warmup=0,60")


def config_of(**train):
    """A VAE of 32 units that overfits 160 digits: its validation loss rises again, in some members."""
    config: Any = small_config()
    config.data.valid_fraction, config.train.batch_size, config.train.epochs = 0.88, 16, EPOCHS
    config.model.hidden, config.optimizer.learning_rate = (32,), 0.02
    config.train.update(train)
    return config


def run_of(directory, sweep=SWEEP, **train):
    config = config_of(**train)
    run.run(Plan.make(config, [parse_axis(text, config) for text in sweep]), directory)
    return directory


def state_of(directory):
    [group] = programs.make_groups(Plan.read(directory))
    return group, *newest_state(directory, 0, programs.state_shapes(group.task, group.members))[:2]


def valid_rows(directory, member):
    rows = records.read_lines(directory / "metrics.jsonl")
    return [row for row in rows if row["member"] == member and row["split"] == "valid"]


def expected(rows, warmup, sign=1.0, name="loss"):
    """(the best epoch, the epoch of the stop or −1), by definition, from the rows of a member that never stops."""
    best, value = -1, np.inf
    for row in rows:
        epoch = round(row["epoch"])
        if sign * row[name] < value:
            best, value = epoch, sign * row[name]
        if epoch - max(best, warmup / PER_EPOCH) >= PATIENCE:
            return best, epoch
    return best, -1


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return run_of(tmp_path_factory.mktemp("plain") / "run")


@pytest.fixture(scope="module")
def selected(tmp_path_factory):
    return run_of(tmp_path_factory.mktemp("selected") / "run", keep="best", patience=PATIENCE)


def test_members_stop_and_keep_what_the_definition_says(plain, selected):
    """The rows of a member are those of a run without selection, up to its stop."""
    group, _, state = state_of(selected)
    stops = []
    for lane, member in enumerate(group.members):
        rows = valid_rows(plain, member.index)
        best, stop = expected(rows, member.config.objective.beta_warmup)
        assert state.kept.step[lane] == best * PER_EPOCH
        assert state.kept.stopped[lane] == (stop * PER_EPOCH if stop >= 0 else -1)
        assert state.step[lane] == (stop if stop >= 0 else EPOCHS) * PER_EPOCH
        assert valid_rows(selected, member.index) == rows[: stop if stop >= 0 else EPOCHS]
        stops.append(stop)
    assert -1 in stops and len(set(stops)) > 3, stops  # some never stop, the others at different times


def test_the_statuses_name_the_epochs(selected):
    group, _, state = state_of(selected)
    kept, stopped = (steps // PER_EPOCH for steps in (state.kept.step, state.kept.stopped))
    for row in records.read_csv(selected / "members.csv"):
        lane = int(row["member"])
        words = f"stopped after epoch {stopped[lane]}, " if state.kept.stopped[lane] >= 0 else ""
        assert row["status"] == f"done, {words}kept epoch {kept[lane]}"
        assert trained.load(selected, lane).status == row["status"]


def test_the_kept_parameters_are_those_of_their_step_and_all_readers_use_them(selected, tmp_path):
    """A run of as many epochs as were kept ends on them (its learning rate is constant)."""
    group, _, state = state_of(selected)
    lane = int(np.argmax(state.kept.stopped >= 0))
    member = group.members[lane]
    epochs = int(state.kept.step[lane]) // PER_EPOCH
    alone = [f"{path}={value}" for path, value in member.swept.items()]
    shorter, _, short = state_of(run_of(tmp_path / "short", alone, epochs=epochs))
    mine = jax.tree.map(lambda leaf: leaf[lane], state.kept.chosen[0])
    jax.tree.map(np.testing.assert_array_equal, mine, jax.tree.map(lambda leaf: leaf[0], short.params))
    jax.tree.map(np.testing.assert_array_equal, mine, trained.load(selected, lane).params)
    ours = trained.load_group(selected, group)
    jax.tree.map(np.testing.assert_array_equal, mine, jax.tree.map(lambda leaf: leaf[lane], ours.state.params))
    theirs = trained.load_group(tmp_path / "short", shorter)
    ours, theirs = (measure_group(group).results for group in (ours, theirs))
    assert ours[lane]["loss"] == pytest.approx(theirs[0]["loss"], rel=1e-6)
    assert ours[lane]["status"].startswith("done, stopped after epoch ")


def test_a_member_is_the_same_alone(selected, tmp_path):
    """Whether its neighbors go on or have stopped."""
    group, _, state = state_of(selected)
    for lane in (int(np.argmax(state.kept.stopped >= 0)), int(np.argmin(state.kept.stopped >= 0))):
        alone = [f"{path}={value}" for path, value in group.members[lane].swept.items()]
        _, step, single = state_of(run_of(tmp_path / str(lane), alone, keep="best", patience=PATIENCE))
        mine = jax.tree.map(lambda leaf, lane=lane: leaf[lane : lane + 1], state)
        jax.tree.map(np.testing.assert_array_equal, single, mine)
        assert step == single.step[0]  # a group ends when all its members have stopped


def test_with_lanes_members_stop_at_the_same_epochs(selected, tmp_path):
    _, _, state = state_of(run_of(tmp_path / "run", keep="best", patience=PATIENCE, lanes=6))
    for ours, theirs in zip(state.kept[1:3], state_of(selected)[2].kept[1:3], strict=True):
        assert np.mean(ours == theirs) > 0.8  # rounding may move one


@pytest.mark.parametrize("at", [5, 20])
def test_a_run_that_was_stopped_ends_on_the_same_bits(at, selected, tmp_path, monkeypatch):
    """Before any member stops, and after some have."""
    monkeypatch.setattr(run, "SAVE_SECONDS", 0.0)
    metric_rows = run.metric_rows

    def interrupt(*arguments):
        rows = metric_rows(*arguments)
        if rows[0]["epoch"] == at:
            signal.raise_signal(signal.SIGTERM)
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(run, "metric_rows", interrupt)
        with pytest.raises(Interrupted):
            run_of(tmp_path / "run", keep="best", patience=PATIENCE)
    run_of(tmp_path / "run", keep="best", patience=PATIENCE)
    for ours, theirs in zip(state_of(tmp_path / "run")[2], state_of(selected)[2], strict=True):
        jax.tree.map(np.testing.assert_array_equal, ours, theirs)
    for name in ("metrics.jsonl", "members.csv"):
        assert (tmp_path / "run" / name).read_bytes() == (selected / name).read_bytes()
    before = (tmp_path / "run" / "metrics.jsonl").stat().st_mtime_ns
    run_of(tmp_path / "run", keep="best", patience=PATIENCE)  # done is done
    assert (tmp_path / "run" / "metrics.jsonl").stat().st_mtime_ns == before


def test_another_monitor_decides_and_a_high_one_is_best(plain, tmp_path):
    directory = run_of(tmp_path / "run", ["objective.beta=1", "seed=0"], keep="best", monitor="elbo")
    _, step, state = state_of(directory)
    rows = valid_rows(directory, 0)
    assert step == EPOCHS * PER_EPOCH and state.kept.stopped[0] == -1  # without patience it never stops
    assert state.kept.step[0] == PER_EPOCH * (1 + np.argmax([row["elbo"] for row in rows]))


def test_a_member_that_diverges_keeps_its_best_and_stops(tmp_path):
    sweep = ["optimizer.learning_rate=0.01,1e30"]
    directory = run_of(tmp_path / "run", sweep, keep="best", patience=PATIENCE, epochs=6)
    _, _, state = state_of(directory)
    assert state.diverged[1] >= 0 and state.kept.stopped[1] == PATIENCE * PER_EPOCH and state.kept.step[1] == -1
    finite = np.isfinite(selection.chosen(state).params["decoder"]["Dense_0"]["kernel"]).all(axis=(1, 2))
    assert finite.tolist() == [True, False]  # the other has nothing that it could have kept
    assert records.read_csv(directory / "members.csv")[1]["status"].startswith("diverged at step ")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train.keep": "best", "data.valid_fraction": 0.0}, "train.keep=best needs validation rows.*valid_fraction"),
        ({"train.patience": 2, "data.valid_fraction": 0.0}, "train.patience=2 needs validation rows.*valid_fraction"),
        ({"train.patience": 2, "train.monitor": "auc"}, "train.monitor=auc is not a metric of model.name=vae.*loss, "),
        ({"train.monitor": "elbo"}, "train.monitor has no effect"),
        ({"model.name": "pca", "train.keep": "best"}, "train.keep has no effect"),
    ],
)
def test_what_cannot_be_selected_is_refused(changes, words):
    config = configs.replaced(small_config(), changes)
    with pytest.raises(UserError, match=words):
        configs.check(config, list(changes))
        programs.make_groups(Plan.make(config))


@pytest.mark.parametrize(("warmups", "stop"), [((0, 0), 40), ((60, 0), 90), ((0, 65), 100), ((5, 0), 40)])
def test_epochs_of_a_warm_up_do_not_count(warmups, stop):
    """The best value was at step 10; ten steps an epoch, a patience of three, of any warm-up the last end counts."""
    objective, rate = (jnp.float32(steps) for steps in warmups)
    hp = HParams(jnp.uint32(0), {"beta": jnp.float32(1.0), "beta_warmup": objective}, {"warmup": rate})
    asked: Any = configs.replaced(small_config(), {"train.patience": 3, "train.keep": "best"}).train
    state = selection.begin(asked, TrainState(jnp.int32(0), jnp.int32(-1), jnp.zeros(2), (), ()))
    stops = []
    for step in range(10, 130, 10):
        state = selection.select(asked, 10, hp, state._replace(step=jnp.int32(step)), jnp.float32(step))
        stops += [step] if state.kept.stopped == step else []
    assert stops == [stop] and state.kept.step == 10


def test_kept_parameters_come_with_their_stats():
    """Two members; only the first has kept anything."""
    step, kept_step = jnp.int32([30, 30]), jnp.int32([20, -1])
    best, last = ({"a": jnp.full((2, 3), value)} for value in (1.0, 2.0))
    best_stats, last_stats = jnp.float32([3.0, 3.0]), jnp.float32([4.0, 4.0])
    kept = Kept(jnp.zeros(2), kept_step, jnp.int32([-1, -1]), (best, best_stats))
    found = selection.chosen(TrainState(step, jnp.int32([-1, -1]), last, last_stats, (), kept))
    np.testing.assert_array_equal(found.params["a"], [[1.0] * 3, [2.0] * 3])
    np.testing.assert_array_equal(found.stats, [3.0, 4.0])


def test_a_divergence_comes_first_in_a_status():
    facts = {"diverged": [0, -1, -1], "stopped": [30, 30, -1], "kept": [20, 20, -1]}
    words = ["diverged at step 0", "done, stopped after epoch 3, kept epoch 2", "running"]
    assert selection.statuses(facts, 10, False, "running") == words
