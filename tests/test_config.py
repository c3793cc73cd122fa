"""The resolved config: paths, parsing, checks, and the round trip through JSON."""

import json
import warnings

import pytest
from ml_collections import ConfigDict

from aejax import config as configs
from aejax.errors import UserError
from configs.base import get_config


def changed(**sections):
    return configs.replaced(get_config(), {f"{s}.{key}": v for s, keys in sections.items() for key, v in keys.items()})


def test_flatten_names_every_leaf():
    tree = ConfigDict({"seed": 3, "a": {"y": (1, 2), "b": {"c": "text"}}, "z": 0.5})
    assert configs.flatten(tree) == {"seed": 3, "a.y": (1, 2), "a.b.c": "text", "z": 0.5}


def test_traced_are_the_seed_and_all_numbers_of_objective_and_optimizer():
    leaves = configs.flatten(get_config())
    traced = {path for path, value in leaves.items() if configs.is_traced(path, value)}
    numbers = {path for path in leaves if path.startswith(("objective.", "optimizer."))}
    assert traced == {"seed", *numbers} - {"optimizer.name", "optimizer.schedule"}


def test_read_returns_the_leaf():
    config = get_config()
    assert configs.read(config, "seed") == 0 and configs.read(config, "model.hidden") == (512,)


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("objective.betta", "did you mean 'objective.beta'?"),
        ("beta", "did you mean 'objective.beta'?"),
        ("optimizer.lerning_rate", "did you mean 'optimizer.learning_rate'?"),
        ("train.learning_rate", "did you mean 'optimizer.learning_rate'?"),
        ("latent_dims", "did you mean 'model.latent_dim'?"),
        ("seeds", "did you mean 'seed'?"),
        ("config.objective.beta", "leave out the leading 'config.': objective.beta"),
    ],
)
def test_read_of_a_missing_key_names_the_nearest(path, hint):
    with pytest.raises(UserError) as error:
        configs.read(get_config(), path)
    assert path in str(error.value) and str(error.value).endswith(hint)


@pytest.mark.parametrize("path", ["model", "", "qqqqq", "."])
def test_read_refuses_what_is_no_leaf(path):
    with pytest.raises(UserError, match="config has no key"):
        configs.read(get_config(), path)


@pytest.mark.parametrize(
    ("text", "default", "value"),
    [
        ("4", 0, 4),
        ("-4", 0, -4),
        ("4", 1.0, 4.0),
        ("1e-3", 1.0, 0.001),
        ("inf", 1.0, float("inf")),
        ("true", False, True),
        ("False", True, False),
        ("mlp", "conv", "mlp"),
        ("4", "text", "4"),
        ("true", "text", "true"),
        ("(512,)", (1,), (512,)),
        ("()", (1,), ()),
        ("[3, 4]", (1,), (3, 4)),
    ],
)
def test_parse_takes_the_type_of_the_default(text, default, value):
    parsed = configs.parse("path", text, default)
    assert parsed == value and type(parsed) is type(default)


def test_parse_refuses_what_python_warns_of_without_a_warning():
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with pytest.raises(UserError, match="expected a tuple"):
            configs.parse("model.hidden", "(1if 2 else 3,)", ())
    assert not said


@pytest.mark.parametrize(
    ("text", "default"),
    [
        ("1.5", 0),
        ("1.0", 0),
        ("true", 0),
        ("true", 1.0),
        ("1", True),
        ("yes", False),
        ("many", 1.0),
        ("512", (512,)),
        ("(512", (512,)),
        ("", 0),
        ("None", 1.0),
        ("__import__('os')", 1.0),
    ],
)
def test_parse_refuses_another_type(text, default):
    with pytest.raises(UserError) as error:
        configs.parse("model.key", text, default)
    kind = {int: "an integer", float: "a number", bool: "True or False", tuple: "a tuple"}[type(default)]
    assert str(error.value) == f"model.key={text}: expected {kind}, such as {default!r}"


def test_replaced_changes_a_copy_only():
    config = get_config()
    copy = configs.replaced(config, {"seed": 7, "objective.beta": 4.0})
    assert (
        configs.difference(configs.flatten(config), configs.flatten(copy)) == "objective.beta 1.0 -> 4.0, seed 0 -> 7"
    )
    assert configs.read(config, "seed") == 0 and configs.read(config, "objective.beta") == 1.0


def test_objective_of_is_what_the_model_uses():
    assert configs.objective_of(get_config()) == {"beta": 1.0, "beta_warmup": 0.0, "beta_cycle": 0.0, "free_bits": 0.0}
    assert configs.objective_of(changed(model={"name": "autoencoder"})) == {}


def test_check_takes_the_base_config():
    configs.check(get_config(), ["seed", "train.epochs", "objective.beta", "objective.beta_warmup"])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("path", ["objective.beta", "optimizer.learning_rate", "model.variance"])
def test_check_refuses_a_number_that_is_not_finite(path, value):
    with pytest.raises(UserError, match=f"{path}={value} must be finite"):
        configs.check(configs.replaced(get_config(), {path: value}), [])


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("objective.beta", 1e39, "objective.beta=1e+39 must be 0 or, as a float32, between 1.2e-38 and 3.4e+38"),
        ("optimizer.eps", 1e-60, "optimizer.eps=1e-60 must be 0 or, as a float32, between 1.2e-38 and 3.4e+38"),
        ("optimizer.learning_rate", 1e-46, "optimizer.learning_rate=1e-46 must be 0 or, as a float32, between"),
        ("optimizer.clip_norm", 1e-60, "optimizer.clip_norm=1e-60 must be 0 or, as a float32, between"),
        (
            "optimizer.b2",
            0.99999999999,
            "optimizer.b2=0.99999999999 is 1 as a float32, and must be in .0, 1.: use 0.99999994",
        ),
        ("train.epochs", 10**29, "train.epochs=1(0){29} must be at most 2147483647"),
        ("model.hidden", (512, 2**31), "model.hidden=.512, 2147483648. must be at most 2147483647"),
        ("seed", 2**32, "seed=4294967296 must be from 0 to 4294967295"),
    ],
)
def test_check_refuses_a_number_that_32_bits_cannot_hold(path, value, message):
    with pytest.raises(UserError, match=message.replace("+", ".")):
        configs.check(configs.replaced(get_config(), {path: value}), [])
    configs.check(configs.replaced(get_config(), {"optimizer.b2": 0.99999994, "seed": 2**32 - 1}), [])


def test_json_and_back_is_the_same_config():
    config = changed(model={"hidden": (64, 32)}, optimizer={"learning_rate": 0.1 + 0.2}, data={"delimiter": "\t"})
    tree = json.loads(json.dumps(configs.to_json(config)))
    restored = configs.flatten(configs.from_json(tree))
    assert list(restored.items()) == list(configs.flatten(config).items())
    assert [type(value) for value in restored.values()] == [type(v) for v in configs.flatten(config).values()]


def test_a_key_newer_than_the_json_has_its_default():
    config = changed(model={"hidden": (64, 32)}, train={"epochs": 7})
    tree = configs.to_json(config)
    del tree["model"]["gradient"], tree["objective"]["free_bits"]
    assert configs.flatten(configs.from_json(tree)) == configs.flatten(config)


def test_difference_names_changed_missing_and_new_paths():
    old, new = {"a": 1, "b": 2, "c": (1,)}, {"a": 1, "c": (1, 2), "d": None}
    assert configs.difference(old, new) == "b 2 -> (none), c (1,) -> (1, 2), d (none) -> None"
    assert configs.difference(old, dict(old)) == ""
    assert len(configs.difference({"seeds": tuple(range(10_000))}, {"seeds": ()})) < 100
