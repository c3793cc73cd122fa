"""The resolved config: paths, parsing, bounds, the objective's schema and the way to JSON and back."""

import importlib
import inspect
import json

import numpy as np
import pytest
from ml_collections import ConfigDict

from aejax import config as configs
from aejax import models
from aejax.errors import UserError
from aejax.types import Spec
from configs.base import get_config

REFUSED = {  # values just outside of bounds
    "seed": (-1, 2**32),
    "data.valid_fraction": (-0.01, 1.0),
    "data.test_fraction": (-0.01, 1.0),
    "data.split_seed": (-1,),
    "model.latent_dim": (0,),
    "model.num_samples": (0,),
    "model.hidden": ((0,), (512, -1), (2.5,), ("a",)),
    "model.variance": (0.0, -1.0),
    "train.epochs": (0,),
    "train.batch_size": (0,),
    "train.save_every_epochs": (0,),
    "train.lanes": (-1,),
    "log.every_epochs": (0,),
    "evaluate.batch_size": (0,),
    "optimizer.learning_rate": (0.0, -1e-3),
    "optimizer.eps": (0.0,),
    "optimizer.b1": (-0.1, 1.0),
    "optimizer.b2": (-0.1, 1.0),
    "optimizer.momentum": (-0.1, 1.0),
    "optimizer.final_fraction": (0.0, 1.1),
    "optimizer.warmup": (-1.0,),
    "optimizer.weight_decay": (-1.0,),
    "optimizer.clip_norm": (-1.0,),
    "objective.beta": (-1.0,),
    "objective.beta_warmup": (-1.0,),
}
TAKEN = {  # values on the bounds
    "seed": (0, 2**32 - 1),
    "data.valid_fraction": (0.0, 0.99),
    "model.hidden": ((), (1,)),
    "model.latent_dim": (1,),
    "train.lanes": (0,),
    "optimizer.final_fraction": (1.0,),
    "optimizer.momentum": (0.0,),
    "objective.beta": (0.0,),
}


def cases(table):
    return [(path, value) for path, values in table.items() for value in values]


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
    assert str(error.value) == f"model.key={text} is no {type(default).__name__}, such as the default {default!r}"


def test_replaced_changes_a_copy_only():
    config = get_config()
    copy = configs.replaced(config, {"seed": 7, "objective.beta": 4.0})
    assert (
        configs.difference(configs.flatten(config), configs.flatten(copy)) == "objective.beta 1.0 -> 4.0, seed 0 -> 7"
    )
    assert configs.read(config, "seed") == 0 and configs.read(config, "objective.beta") == 1.0


@pytest.mark.parametrize("name", models.NAMES)
def test_objective_names_are_the_losss_keyword_only_arguments(name):
    """What is read from the source, before jax is imported, is what the model takes."""
    spec = Spec((8, 8, 1), "image", "unit", 1.0, ("a", "b"), (), np.zeros((8, 8, 1), np.float32), None, None)
    spec = spec._replace(label_moments=(0.0, 1.0))  # no data have both kinds of labels: here every model finds its own
    loss = models.make(changed(model={"name": name}).model, spec).loss
    parameters = inspect.signature(loss).parameters.values()
    keyword_only = tuple(parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY)
    assert configs.objective_names(name) == keyword_only


def test_an_unknown_model_is_refused_with_the_nearest():
    with pytest.raises(UserError, match=r"model.name='vaee' is not one of autoencoder, .*vae.*; did you mean 'vae'\?"):
        configs.objective_names("vaee")


def test_objective_of_is_what_the_model_uses():
    assert configs.objective_of(get_config()) == {"beta": 1.0, "beta_warmup": 0.0, "free_bits": 0.0}
    assert configs.objective_of(changed(model={"name": "autoencoder"})) == {}


def test_check_takes_the_base_config():
    configs.check(get_config(), ["seed", "train.epochs", "objective.beta", "objective.beta_warmup"])


@pytest.mark.parametrize("path", [path for paths, _, _ in configs.BOUNDS for path in paths])
def test_every_bound_refuses_something(path):
    """Beside the edges below: a key that BOUNDS names exists, and a bound that refuses nothing is none."""
    default = configs.read(get_config(), path)
    candidates = [(0,)] if isinstance(default, tuple) else [type(default)(value) for value in (-1, 2, 2**32)]

    def is_refused(value):
        try:
            configs.check(configs.replaced(get_config(), {path: value}), [])
        except UserError as error:
            return str(error).startswith(f"{path}={value} must be ")
        return False

    assert any(map(is_refused, candidates))


@pytest.mark.parametrize(("path", "value"), cases(REFUSED))
def test_check_refuses_a_value_out_of_bounds(path, value):
    words = next(words for paths, _, words in configs.BOUNDS if path in paths)
    with pytest.raises(UserError) as error:
        configs.check(configs.replaced(get_config(), {path: value}), [])
    assert str(error.value) == f"{path}={value} must be {words}"


@pytest.mark.parametrize(("path", "value"), cases(TAKEN))
def test_check_takes_a_value_on_the_bounds(path, value):
    configs.check(configs.replaced(get_config(), {path: value}), [])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("path", ["objective.beta", "optimizer.learning_rate", "model.variance"])
def test_check_refuses_a_number_that_is_not_finite(path, value):
    with pytest.raises(UserError, match=f"{path}={value} must be finite"):
        configs.check(configs.replaced(get_config(), {path: value}), [])


@pytest.mark.parametrize("path", ["objective.beta", "objective.beta_warmup"])
def test_check_refuses_a_chosen_weight_that_the_model_lacks(path):
    autoencoder = changed(model={"name": "autoencoder"})
    with pytest.raises(UserError, match=f"{path} has no effect: model.name=autoencoder uses no objective weights"):
        configs.check(autoencoder, ["seed", path])
    configs.check(autoencoder, ["seed"])


@pytest.mark.parametrize(
    ("name", "key", "others"),
    [
        ("vae", "num_bounds", "iwae"),
        ("vae", "gradient", "iwae"),
        ("iwae", "top_k", "sparse_autoencoder"),
        ("pca", "hidden", "autoencoder"),
        ("ppca", "likelihood", "autoencoder"),
        ("classifier", "output_bias", "autoencoder"),
        ("autoencoder", "prior", "vae"),
    ],
)
def test_check_refuses_a_chosen_key_that_the_model_does_not_read(name, key, others):
    with pytest.raises(UserError, match=f"model.{key} has no effect: model.name={name} does not .* but .*{others}"):
        configs.check(changed(model={"name": name}), [f"model.{key}"])


@pytest.mark.parametrize("name", configs.model_names())
def test_the_keys_of_a_model_are_those_that_it_reads_when_it_runs(name):
    """Against a config that notes what is read of it while the model is made; others it may read when it is used."""
    read = set()

    class Noting:
        def __getattr__(self, key):
            read.add(key)
            return get_config().model[key]

    spec = Spec((4, 4, 1), "image", "unit", 1.0, ("a", "b"), (), np.full((4, 4, 1), 0.5, np.float32), None, None)
    spec = spec._replace(sizes=(5, 5), label_moments=(0.0, 1.0))
    importlib.import_module(f"aejax.models.{name}").make(Noting(), spec)
    assert read <= configs.model_keys(name)


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
