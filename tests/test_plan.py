"""From --sweep PATH=VALUES to members: every form of VALUES, their order, groups and shards, every refusal."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from aejax import config as configs
from aejax import plan, records
from aejax.errors import UserError
from aejax.plan import Axis, Plan
from configs.base import get_config

BETAS, SEEDS = Axis("objective.beta", (1.0, 4.0, 10.0)), Axis("seed", (0, 1))
DIMS = Axis("model.latent_dim", (2, 10, 20))


def members(*axes, **options):
    return Plan.make(get_config(), axes, **options).members


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("objective.beta=1,4,10", (1.0, 4.0, 10.0)),
        ("objective.beta=4", (4.0,)),
        ("objective.beta=[1, 4,10]", (1.0, 4.0, 10.0)),
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
    axis = plan.parse_axis(text, get_config())
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
        ("objective.beta=1,1.0", "--sweep objective.beta=1,1.0: the value 1.0 is given twice"),
        ("objective.beta=1,1.00000000001", "the value 1.00000000001 is given twice"),
        ("objective.beta=linspace(1,1,2)", "is given twice"),
        ("objective.beta=a,b", "objective.beta=a: expected a number, such as 1.0"),
        ("seed=1.5", "seed=1.5: expected an integer, such as 0"),
        ("seed=linspace(0,1,3)", "expected an integer"),
        ("seed=-1:3", "seed=-1:3: expected an integer"),
        ("seed=4:4", "--sweep seed=4:4 is an empty range"),
        ("seed=5:2", "is an empty range"),
        ("seed=0:8:0", "is an empty range"),
        ("objective.beta=geomspace(0,1,5)", "write geomspace(START,STOP,NUMBER)"),
        ("objective.beta=geomspace(-1,1,5)", "write geomspace(START,STOP,NUMBER)"),
        ("objective.beta=linspace(0,inf,3)", "write linspace(START,STOP,NUMBER)"),
        ("objective.beta=linspace(0,1,0)", "write linspace(START,STOP,NUMBER)"),
        ("objective.beta=linspace(0,1,2.5)", "write linspace(START,STOP,NUMBER)"),
        ("objective.beta=linspace(0,b,3)", "write linspace(START,STOP,NUMBER)"),
        ("objective.beta=linspace(0,1)", "objective.beta=linspace(0,1): expected a number"),
        ("objective.beta=logspace(0,1,3)", "expected a number"),
        ("objective.betta=1", "config has no key 'objective.betta'; did you mean 'objective.beta'?"),
        ("config.objective.beta=1", "leave out the leading 'config.': objective.beta"),
        ("model=vae", "config has no key 'model'"),
        ("=1,2", "config has no key ''"),
    ],
)
def test_parse_axis_refuses(text, message):
    with pytest.raises(UserError) as error:
        plan.parse_axis(text, get_config())
    assert message in str(error.value)


def test_without_axes_there_is_one_member():
    config = get_config()
    for zipped in (False, True):
        (member,) = Plan.make(config, zip=zipped).members
        assert (member.index, member.group, member.swept) == (0, 0, {})
        assert configs.flatten(member.config) == configs.flatten(config)


def test_a_product_runs_over_the_last_axis_fastest():
    swept = [(member.index, *member.swept.values()) for member in members(BETAS, SEEDS)]
    assert swept == [(0, 1.0, 0), (1, 1.0, 1), (2, 4.0, 0), (3, 4.0, 1), (4, 10.0, 0), (5, 10.0, 1)]


def test_zip_pairs_the_axes():
    seeds = Axis("seed", (5, 6, 7))
    assert [m.swept for m in members(BETAS, seeds, zip=True)] == [
        {"objective.beta": 1.0, "seed": 5},
        {"objective.beta": 4.0, "seed": 6},
        {"objective.beta": 10.0, "seed": 7},
    ]


def test_a_members_config_is_the_sweeps_with_its_own_values():
    config = get_config()
    for member in Plan.make(config, [BETAS, SEEDS]).members:
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
            static = {"model.latent_dim", "optimizer.name"}
            same = all(one.swept[path] == other.swept[path] for path in static)
            assert (one.group == other.group) == same


@pytest.mark.parametrize(
    ("path", "values", "groups"),
    [
        ("seed", (3, 4), [0, 0]),
        ("objective.beta", (2.0, 3.0), [0, 0]),
        ("optimizer.learning_rate", (0.5, 0.1), [0, 0]),
        ("optimizer.name", ("sgd", "adam"), [0, 1]),
        ("model.learn_variance", (True, False), [0, 1]),
        ("data.split_seed", (1, 2), [0, 1]),
        ("train.epochs", (1, 2), [0, 1]),
    ],
)
def test_values_of_what_is_traced_share_a_group(path, values, groups):
    sweep = Plan.resolve(get_config(), [Axis(path, values)], False, "").sweep
    assert [member.group for member in sweep] == groups


def test_a_hundred_thousand_members_are_planned_from_one_config(monkeypatch):
    """A config for each would take gigabytes and minutes: none is made before a member trains."""
    made = []
    replaced = configs.replaced
    monkeypatch.setattr(configs, "replaced", lambda *arguments: made.append(arguments) or replaced(*arguments))
    axes = [plan.parse_axis(text, get_config()) for text in ("seed=0:50000", "optimizer.name=adam,sgd")]
    everyone = Plan.make(get_config(), axes)
    assert len(everyone.members) == 100_000 and len(made) < 10
    assert [len(group) for group in everyone.groups.values()] == [50_000, 50_000]
    assert everyone.members[-1].config.optimizer.name == "sgd" and everyone.members[-1].config.seed == 49_999


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["seed=0:200000"], "--sweep seed=0:200000 has 200,000 members: at most 100,000 are possible"),
        (["seed=0:99999999999999"], "--sweep seed=0:99999999999999 has 99,999,999,999,999 members"),
        (["objective.beta=linspace(0,1,10000000000)"], "has 10,000,000,000 members"),
        (["seed=0:1000", "objective.beta=0:101"], "the sweep has 101,000 members"),
    ],
)
def test_a_sweep_that_is_too_large_is_counted_and_refused(texts, message):
    with pytest.raises(UserError, match=message.replace("(", ".").replace(")", ".")):
        Plan.make(get_config(), [plan.parse_axis(text, get_config()) for text in texts])


@pytest.mark.parametrize("values", [range(10**12), itertools.count()])
def test_pythons_values_are_counted_too(values):
    with pytest.raises(UserError, match="sweep seed has .* members: at most 100,000"):
        plan.make_axis("seed", values, get_config())


def test_members_of_unequal_zipped_axes_are_refused():
    with pytest.raises(UserError, match=r"--zip needs axes of equal length: objective.beta has 3 values, seed has 2"):
        members(BETAS, SEEDS, zip=True)


def test_an_axis_given_twice_is_refused():
    with pytest.raises(UserError, match=r"--sweep seed is given twice"):
        members(SEEDS, BETAS, SEEDS)


def test_every_member_is_checked():
    with pytest.raises(UserError, match=r"objective.beta=-1.0 must be at least 0"):
        members(Axis("objective.beta", (1.0, -1.0)))
    with pytest.raises(UserError, match=r"objective.beta has no effect with model.name=autoencoder"):
        members(Axis("model.name", ("vae", "autoencoder")), BETAS)


@pytest.mark.parametrize("count", [1, 2, 4, 6])
def test_shards_partition_the_members(count):
    everyone = members(BETAS, SEEDS)
    shards = [members(BETAS, SEEDS, shard=f"{index}/{count}") for index in range(count)]
    assert tuple(sorted((member for shard in shards for member in shard), key=lambda m: m.index)) == everyone
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


def test_a_shard_keeps_the_sweeps_numbers():
    kept = members(SEEDS, DIMS, shard="1/2")
    assert [(member.index, member.group) for member in kept] == [(1, 1), (3, 0), (5, 2)]


@pytest.mark.parametrize("text", ["2/2", "0/0", "-1/2", "1", "1/", "a/b", "0/2/3", " 0/2", "0.5/2"])
def test_a_bad_shard_is_refused(text):
    with pytest.raises(UserError, match="write i/n with i from 0 to n - 1, as in --shard=0/4"):
        members(BETAS, shard=text)


def test_an_empty_shard_is_refused():
    with pytest.raises(UserError, match=r"--shard=3/4: the sweep has only 3 members"):
        members(BETAS, shard="3/4")


def test_groups_are_those_of_the_shards_members():
    groups = Plan.make(get_config(), [SEEDS, DIMS], shard="1/4").groups
    assert {number: [member.index for member in group] for number, group in groups.items()} == {1: [1], 2: [5]}


def test_a_shard_has_a_directory_of_its_own():
    assert Plan.make(get_config()).directory("runs/a") == Path("runs/a")
    assert Plan.make(get_config(), [SEEDS], shard="1/2").directory("runs/a") == Path("runs/a/shards/1-of-2")


def test_a_members_row_and_setting():
    member = members(BETAS, SEEDS)[3]
    assert list(member.row.items()) == [("member", 3), ("group", 0), ("seed", 1), ("objective.beta", 4.0)]
    assert member.setting == {"objective.beta": 4.0}


WIDTHS = Axis("model.hidden", ((512,), (64, 64)))


@pytest.mark.parametrize(
    ("axes", "options"),
    [((), {}), ((BETAS, WIDTHS), {"shard": "1/2"}), ((DIMS, BETAS), {"zip": True})],
)
def test_a_plan_comes_back_from_its_directory(axes, options, tmp_path):
    made = Plan.make(get_config(), axes, **options)
    records.write_json(tmp_path / "config.json", {**made.to_json(), "lanes": {"0": 1}})
    read = Plan.read(tmp_path)
    assert made.difference(read) == "" and read._replace(config=None, sweep=()) == made._replace(config=None, sweep=())
    assert [member.row for member in read.members] == [member.row for member in made.members]
    assert [configs.flatten(member.config) for member in read.sweep] == [configs.flatten(m.config) for m in made.sweep]


def test_what_a_run_was_checked_for_is_not_checked_again(tmp_path):
    records.write_json(tmp_path / "config.json", Plan.resolve(get_config(), [Axis("seed", (-1,))], False, "").to_json())
    assert Plan.read(tmp_path).members[0].config.seed == -1


@pytest.mark.parametrize(
    ("changes", "axes", "options", "difference"),
    [
        ({}, (BETAS, SEEDS), {}, ""),
        ({"train.epochs": 30}, (BETAS, SEEDS), {}, "train.epochs 20 -> 30"),
        ({}, (BETAS,), {}, "--sweep seed (0, 1) -> (none)"),
        ({}, (BETAS, Axis("seed", (1, 0))), {}, "--sweep seed (0, 1) -> (1, 0)"),
        ({}, (SEEDS, BETAS), {}, "order of --sweep objective.beta, seed -> seed, objective.beta"),
        ({}, (BETAS, SEEDS), {"shard": "0/2"}, "--shard  -> 0/2"),
    ],
)
def test_plans_differ_where_their_members_do(changes, axes, options, difference):
    other = Plan.make(configs.replaced(get_config(), changes), axes, **options)
    assert Plan.make(get_config(), [BETAS, SEEDS]).difference(other) == difference


def write_shards(workdir, *plans):
    for part in plans:
        records.write_json(part.directory(workdir) / "config.json", part.to_json())


def test_shards_are_read_as_one_run(tmp_path):
    shards = [Plan.make(get_config(), [BETAS], shard=f"{index}/2") for index in range(2)]
    write_shards(tmp_path, *shards)
    found = plan.parts(tmp_path)
    assert list(found) == [tmp_path / "shards" / f"{index}-of-2" for index in range(2)]
    assert [[member.index for member in part.members] for part in found.values()] == [[0, 2], [1]]


def test_shards_of_two_sweeps_are_refused(tmp_path):
    write_shards(tmp_path, Plan.make(get_config(), [BETAS, SEEDS], shard="0/2"))
    with pytest.raises(UserError, match="incomplete: train the missing shards 1-of-2, or evaluate with --partial"):
        plan.parts(tmp_path)
    assert [path.name for path in plan.parts(tmp_path, partial=True)] == ["0-of-2"]
    assert plan.missing_shards([tmp_path / "shards" / "vae"]) == []  # a whole run in a directory of this name
    write_shards(tmp_path, Plan.make(get_config(), [SEEDS, BETAS], shard="1/2"))
    with pytest.raises(UserError, match="not one sweep: its parts differ .order of --sweep objective.beta, seed"):
        plan.parts(tmp_path)


def test_what_would_not_form_one_run_is_refused_at_its_start(tmp_path):
    whole, half, quarter = (Plan.make(get_config(), [BETAS, SEEDS], shard=shard) for shard in ("", "1/2", "1/4"))
    write_shards(tmp_path / "shards", Plan.make(get_config(), [BETAS, SEEDS], shard="0/2"))
    plan.check_beside(tmp_path / "shards", half)
    with pytest.raises(UserError, match=r"is split otherwise \(0-of-2\): use --shard=i/2, or choose another --workdir"):
        plan.check_beside(tmp_path / "shards", quarter)
    with pytest.raises(UserError, match="holds shards of a run, such as 0-of-2: add --shard=i/n, or"):
        plan.check_beside(tmp_path / "shards", whole)
    write_shards(tmp_path / "whole", whole)
    plan.check_beside(tmp_path / "whole", whole)
    with pytest.raises(UserError, match="holds a whole run, not shards of one: leave --shard out, or"):
        plan.check_beside(tmp_path / "whole", half)


@pytest.mark.parametrize(
    ("path", "values", "parsed"),
    [
        ("objective.beta", [1, 4.5], (1.0, 4.5)),
        ("objective.beta", np.linspace(0.0, 1.0, 3), (0.0, 0.5, 1.0)),
        ("objective.beta", (np.float32(0.5), np.int64(2)), (0.5, 2.0)),
        ("objective.beta", "geomspace(1,4,2)", (1.0, 4.0)),
        ("seed", range(2, 4), (2, 3)),
        ("optimizer.name", ["adam", "sgd"], ("adam", "sgd")),
        ("model.hidden", [(512,), [64, 64], ()], ((512,), (64, 64), ())),
        ("data.standardize", [True, False], (True, False)),
    ],
)
def test_an_axis_of_pythons_values(path, values, parsed):
    axis = plan.make_axis(path, values, get_config())
    assert axis == Axis(path, parsed)
    assert [type(value) for value in axis.values] == [type(value) for value in parsed]


@pytest.mark.parametrize(
    ("path", "values", "message"),
    [
        ("objective.betta", [1], "config has no key 'objective.betta'; did you mean 'objective.beta'?"),
        ("objective.beta", [1, "much"], "objective.beta=much: expected a number"),
        ("objective.beta", [True], "objective.beta=True: expected a number"),
        ("seed", [0.5], "seed=0.5: expected an integer"),
        ("seed", np.array([1.0]), "seed=1.0: expected an integer"),
        ("seed", [1, 2, 1], "--sweep seed=1,2,1: the value 1 is given twice"),
        ("seed", 3, "sweep seed=3: give a list of values"),
        ("seed", [], "--sweep seed= has no values"),
        ("seed", "", "--sweep seed=: write PATH=VALUES"),
    ],
)
def test_an_axis_of_wrong_values_is_refused(path, values, message):
    with pytest.raises(UserError) as error:
        plan.make_axis(path, values, get_config())
    assert message in str(error.value)
