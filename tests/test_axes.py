"""From --sweep PATH=VALUES to members: every form of VALUES, their order, groups and shards, every refusal."""

from pathlib import Path

import numpy as np
import pytest

from aejax import axes
from aejax import config as configs
from aejax.axes import Axis
from aejax.errors import UserError
from configs.base import get_config

BETAS, SEEDS = Axis("objective.beta", (1.0, 4.0, 10.0)), Axis("seed", (0, 1))
DIMS = Axis("model.latent_dim", (2, 10, 20))


def members(*sweep, zipped=False):
    return axes.members(get_config(), list(sweep), zipped)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("objective.beta=1,4,10", (1.0, 4.0, 10.0)),
        ("objective.beta=4", (4.0,)),
        ("objective.beta= 1 , 2.5 ", (1.0, 2.5)),
        ("seed=0:4", (0, 1, 2, 3)),
        ("seed=2:9:3", (2, 5, 8)),
        ("objective.beta=0:3", (0.0, 1.0, 2.0)),
        ("objective.beta=geomspace(1e-4,1e-2,3)", tuple(np.geomspace(1e-4, 1e-2, 3).tolist())),
        ("objective.beta=linspace(0, 1, 11)", tuple(np.linspace(0, 1, 11).tolist())),
        ("objective.beta=linspace(2,1,2)", (2.0, 1.0)),
        ("optimizer.name=adam,sgd", ("adam", "sgd")),
        ("data.standardize=true,false", (True, False)),
        ("model.hidden=(512,),(256, 128),()", ((512,), (256, 128), ())),
        ("model.hidden=[512],(64,)", ((512,), (64,))),
    ],
)
def test_parse_axis_reads_every_form(text, values):
    axis = axes.parse_axis(text, get_config())
    assert axis == Axis(text.partition("=")[0], values)
    assert [type(value) for value in axis.values] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("objective.beta", "--sweep objective.beta: write PATH=VALUES"),
        ("objective.beta=", "--sweep objective.beta=: write PATH=VALUES"),
        ("objective.beta=1,,2", "--sweep objective.beta=1,,2 has an empty value"),
        ("objective.beta=1,2,", "--sweep objective.beta=1,2, has an empty value"),
        ("objective.beta= ", "has an empty value"),
        ("objective.beta=1,1.0", "--sweep objective.beta=1,1.0: 1.0 stands twice"),
        ("objective.beta=linspace(1,1,2)", "stands twice"),
        ("objective.beta=a,b", "objective.beta=a is not a float, such as the default 1.0"),
        ("seed=1.5", "seed=1.5 is not a int, such as the default 0"),
        ("seed=linspace(0,1,3)", "is not a int"),
        ("seed=-1:3", "seed=-1:3 is not a int"),
        ("seed=4:4", "--sweep seed=4:4 is an empty range"),
        ("seed=5:2", "is an empty range"),
        ("seed=0:8:0", "is an empty range"),
        ("objective.beta=geomspace(0,1,5)", "write geomspace(START,STOP,NUMBER)"),
        ("objective.beta=geomspace(-1,1,5)", "write geomspace(START,STOP,NUMBER)"),
        ("objective.beta=linspace(0,inf,3)", "write linspace(START,STOP,NUMBER)"),
        ("objective.beta=linspace(0,1,0)", "write linspace(START,STOP,NUMBER)"),
        ("objective.beta=linspace(0,1,2.5)", "write linspace(START,STOP,NUMBER)"),
        ("objective.beta=linspace(0,b,3)", "write linspace(START,STOP,NUMBER)"),
        ("objective.beta=linspace(0,1)", "objective.beta=linspace(0,1) is not a float"),
        ("objective.beta=logspace(0,1,3)", "is not a float"),
        ("objective.betta=1", "config has no key 'objective.betta'; did you mean 'objective.beta'?"),
        ("config.objective.beta=1", "leave out the leading 'config.': objective.beta"),
        ("model=vae", "config has no key 'model'"),
        ("=1,2", "config has no key ''"),
    ],
)
def test_parse_axis_refuses(text, message):
    with pytest.raises(UserError) as error:
        axes.parse_axis(text, get_config())
    assert message in str(error.value)


def test_without_axes_there_is_one_member():
    config = get_config()
    for zipped in (False, True):
        (member,) = axes.members(config, [], zipped)
        assert (member.index, member.group, member.swept) == (0, 0, {})
        assert configs.flatten(member.config) == configs.flatten(config)


def test_a_product_runs_over_the_last_axis_fastest():
    swept = [(member.index, *member.swept.values()) for member in members(BETAS, SEEDS)]
    assert swept == [(0, 1.0, 0), (1, 1.0, 1), (2, 4.0, 0), (3, 4.0, 1), (4, 10.0, 0), (5, 10.0, 1)]


def test_zip_pairs_the_axes():
    seeds = Axis("seed", (5, 6, 7))
    assert [m.swept for m in members(BETAS, seeds, zipped=True)] == [
        {"objective.beta": 1.0, "seed": 5},
        {"objective.beta": 4.0, "seed": 6},
        {"objective.beta": 10.0, "seed": 7},
    ]


def test_a_members_config_is_the_sweeps_with_its_own_values():
    config = get_config()
    for member in axes.members(config, [BETAS, SEEDS], False):
        expected = configs.flatten(config) | member.swept
        assert configs.flatten(member.config) == expected
    assert configs.flatten(config) == configs.flatten(get_config())


def test_traced_axes_make_one_group_and_static_values_one_each():
    assert {member.group for member in members(BETAS, SEEDS)} == {0}
    assert [member.group for member in members(SEEDS, DIMS)] == [0, 1, 2, 0, 1, 2]
    assert [member.group for member in members(DIMS, BETAS)] == [0] * 3 + [1] * 3 + [2] * 3


def test_a_groups_members_share_their_static_part():
    everyone = members(DIMS, Axis("optimizer.name", ("adam", "sgd")), SEEDS)
    assert len({member.group for member in everyone}) == 6
    for one in everyone:
        for other in everyone:
            assert (one.group == other.group) == (axes.static_part(one.config) == axes.static_part(other.config))


@pytest.mark.parametrize(
    ("path", "value", "same"),
    [
        ("seed", 3, True),
        ("objective.beta", 2.0, True),
        ("optimizer.learning_rate", 0.5, True),
        ("optimizer.name", "sgd", False),
        ("model.variance", 0.5, False),
        ("data.split_seed", 1, False),
        ("train.epochs", 1, False),
    ],
)
def test_the_static_part_holds_all_but_what_is_traced(path, value, same):
    changed = configs.replaced(get_config(), {path: value})
    assert (axes.static_part(changed) == axes.static_part(get_config())) is same


def test_members_of_unequal_zipped_axes_are_refused():
    with pytest.raises(UserError, match=r"--zip needs axes of one length: objective.beta has 3, seed has 2"):
        members(BETAS, SEEDS, zipped=True)


def test_an_axis_given_twice_is_refused():
    with pytest.raises(UserError, match=r"--sweep seed stands twice"):
        members(SEEDS, BETAS, SEEDS)


def test_every_member_is_checked():
    with pytest.raises(UserError, match=r"objective.beta=-1.0 must be at least 0"):
        members(Axis("objective.beta", (1.0, -1.0)))
    with pytest.raises(UserError, match=r"objective.beta has no effect with model.name=autoencoder"):
        members(Axis("model.name", ("vae", "autoencoder")), BETAS)


@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_shards_partition_the_members(count):
    everyone = members(BETAS, SEEDS)
    shards = [axes.shard(everyone, f"{index}/{count}") for index in range(count)]
    assert sorted((member for shard in shards for member in shard), key=lambda member: member.index) == everyone
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


def test_a_shard_keeps_the_sweeps_numbers():
    kept = axes.shard(members(SEEDS, DIMS), "1/2")
    assert [(member.index, member.group) for member in kept] == [(1, 1), (3, 0), (5, 2)]


@pytest.mark.parametrize("text", ["2/2", "0/0", "-1/2", "1", "1/", "a/b", "0/2/3", " 0/2", "0.5/2"])
def test_a_bad_shard_is_refused(text):
    with pytest.raises(UserError, match="write i/n with i from 0 to n - 1, as in --shard=0/4"):
        axes.shard(members(BETAS), text)


def test_an_empty_shard_is_refused():
    with pytest.raises(UserError, match=r"--shard=3/4: the sweep has only 3 members"):
        axes.shard(members(BETAS), "3/4")


def test_a_shard_has_a_directory_of_its_own():
    assert axes.run_directory("runs/a", "") == Path("runs/a")
    assert axes.run_directory("runs/a", "1/4") == Path("runs/a/shards/1-of-4")


def test_a_setting_is_without_the_seed():
    assert [axes.setting(member) for member in members(SEEDS, BETAS)[:2]] == [
        {"objective.beta": 1.0},
        {"objective.beta": 4.0},
    ]
