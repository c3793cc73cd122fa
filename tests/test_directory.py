"""A run directory whose files are damaged, missing or another run's: found, named, and made anew where possible."""

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aejax import records, trained
from aejax.engine import programs, run
from aejax.errors import UserError
from aejax.plan import Plan, parse_axis
from tests.conftest import small_config

SWEEP = ("seed=0,1", "model.latent_dim=1,2")  # two groups of two members, which alternate
FILES = ("config.json", "data.json", "environment.json", "members.csv", "metrics.jsonl")


def config_of(**train):
    config: Any = small_config()
    config.model.name, config.model.hidden, config.train.epochs = "autoencoder", (), 2
    config.train.update(train)
    return config


def train(workdir, config=None):
    config = config or config_of()
    return run.run(Plan.make(config, [parse_axis(axis, config) for axis in SWEEP]), workdir)


def read(workdir):
    """What `evaluate` reads of a run before it measures, and what `embed` reads."""
    groups = [trained.load_group(workdir, group) for group in programs.make_groups(Plan.read(workdir))]
    trained.load(workdir, 3)
    return [(group.step, group.lanes, group.rows, group.group.members) for group in groups]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return train(tmp_path_factory.mktemp("finished") / "run")


@pytest.fixture
def copied(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "run"))


def contents(workdir):
    return {name: (workdir / name).read_bytes() for name in FILES}


def test_members_of_groups_that_alternate_have_their_own_parameters(finished):
    """Each is the lane of its group's state that has its seed."""
    for group in programs.make_groups(Plan.read(finished)):
        state = trained.load_group(finished, group).state
        for lane, member in enumerate(group.members):
            params = trained.load(finished, member.index).params
            np.testing.assert_array_equal(
                params["encoder"]["Dense_0"]["kernel"], state.params["encoder"]["Dense_0"]["kernel"][lane]
            )
        assert [member.index % 2 for member in group.members] == [group.number] * 2


def test_a_run_may_be_moved_and_repeated(finished, copied):
    before = read(finished)
    assert read(copied) == before
    train(copied)
    assert contents(copied) == contents(finished) and len(before[0][2]) == 2 * 2 * 2


def flip(path, random):
    """Flips one bit; returns the content before."""
    before = path.read_bytes()
    content, place = bytearray(before), random.randrange(len(before))
    content[place] ^= 1 << random.randrange(8)
    path.write_bytes(bytes(content))
    return before


@pytest.mark.parametrize("name", FILES)
def test_no_flipped_bit_passes_in_silence(name, copied, capsys):
    """Training again makes the file anew and says so, or refuses; reading gives the same as before, or refuses."""
    generator, before, whole = random.Random(0), read(copied), contents(copied)
    refused, mended = 0, 0
    flips = 6 if name in ("environment.json", "members.csv") else 12
    for _ in range(flips):
        flip(copied / name, generator)
        try:
            assert read(copied) == before
        except UserError as error:
            refused += 1
            assert name in str(error) and "\n" not in str(error)
        try:
            train(copied)
            if (copied / name).read_bytes() != whole[name]:  # a space, or the name of a key that nothing reads
                assert read(copied) == before
            mended += f"{name} is damaged" in capsys.readouterr().err
        except UserError as error:
            assert name in str(error)
        (copied / name).write_bytes(whole[name])
    assert refused >= 8 or name in ("environment.json", "members.csv")
    assert mended >= min(flips, 8) - 2 or name in ("members.csv", "metrics.jsonl")


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_missing_is_made_anew(name, copied):
    before, whole = read(copied), contents(copied)
    (copied / name).unlink()
    train(copied)
    if name != "metrics.jsonl":  # its rows are lost
        assert contents(copied) == whole and read(copied) == before
    else:
        assert [rows for _, _, rows, _ in read(copied)] == [[], []]


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A run of the same shapes with other settings and data."""
    config = config_of(epochs=1)
    config.optimizer.learning_rate, config.data.split_seed = 0.1, 1
    return train(tmp_path_factory.mktemp("other") / "run", config)


@pytest.mark.parametrize("name", ["config.json", "data.json", "metrics.jsonl", "checkpoints"])
def test_another_runs_file_is_refused(name, copied, other):
    if name == "checkpoints":
        shutil.rmtree(copied / name)
        shutil.copytree(other / name, copied / name)
    else:
        shutil.copy(other / name, copied / name)
    with pytest.raises(UserError, match=r"config.json is not the one|data.json is not that of|metrics.jsonl differs"):
        read(copied)
    words = "another run|data of .* have changed|config.json is not the one|metrics.jsonl differs"
    with pytest.raises(UserError, match=words):
        train(copied)


def test_another_runs_config_is_not_mended_by_its_own_command(copied, other):
    """The command of the exchanged config.json would go on from checkpoints of other settings."""
    shutil.copy(other / "config.json", copied / "config.json")
    (copied / "data.json").unlink()
    config = config_of(epochs=1)
    config.optimizer.learning_rate, config.data.split_seed = 0.1, 1
    with pytest.raises(UserError, match="config.json is not the one with which .*checkpoints were trained"):
        train(copied, config)


def test_lines_after_the_sealed_step_do_not_count(copied):
    """A crash may leave whole rows and anything else there; a line that a seal covers is missed if it is gone."""
    before, path = read(copied), copied / "metrics.jsonl"
    whole = path.read_bytes()
    later = json.dumps(json.loads(whole.splitlines()[-1]) | {"step": 30}).encode()
    path.write_bytes(whole + later + b"\n\0\0\xff\n[1]\n{\n" + whole.splitlines()[-1][:20])
    assert read(copied) == before
    path.write_bytes(b"\n".join(whole.split(b"\n")[:-2]) + b"\n")
    with pytest.raises(UserError, match="metrics.jsonl differs from what was sealed at step 20: restore it, or delete"):
        read(copied)


def test_runs_from_before_there_were_seals_are_read(copied):
    """Their files have no sha256, and their checkpoints name neither run nor lines."""
    before = read(copied)
    for name in ("config.json", "data.json"):
        tree = records.read_json(copied / name)
        tree.pop("data", None)
        records.write_json(copied / name, tree)
    records.write_json(copied / "environment.json", records.read_json(copied / "environment.json"))
    for seal in copied.glob("checkpoints/*/*/seal.json"):
        tree = records.read_json(seal)
        records.write_json(seal, records.sealed({key: tree[key] for key in tree if key not in ("run", "lines")}))
    assert read(copied) == before
    train(copied)
    assert read(copied) == before
