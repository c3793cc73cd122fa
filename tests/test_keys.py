"""The table of keys: allowed values, and that a key has an effect exactly if the table says it is read."""

import hashlib
import json
import re
from typing import Any

import jax
import numpy as np
import pytest
from jax.interpreters import partial_eval

from aejax import config as configs
from aejax import data
from aejax.engine import optimizers, programs, run, selection, train
from aejax.errors import UserError
from aejax.keys import KEYS, base_config
from aejax.metrics import averages, information
from aejax.models.parts import networks
from aejax.models.parts.corruptions import CORRUPTIONS
from aejax.plan import Plan

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
    "train.save_every_minutes": (-1.0,),
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
    "objective.kl_target": (0.0, -1.0),
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


OTHER = {  # another value of a key, if the rule below finds none
    "model.hidden": (24,),
    "model.second_hidden": (5,),
    "model.levels": (3,),
    "model.top_k_start": 3,
    "model.prefixes": (3,),
    "data.min_link_count": 16,
    "data.num_labels": 1,
    "optimizer.learning_rate": 0.01,
}
ELSEWHERE = (  # in other tests
    *("train.lanes", "train.deterministic", "train.save_every_minutes", "log.tensorboard"),
    *("data.data_dir", "data.path", "data.labels_path", "data.layer", "data.image_size"),
)
SCENARIOS = {  # small configs that together read every key
    "vae": {"optimizer.schedule": "cosine"},
    "gaussian": {
        **{"model.likelihood": "gaussian", "optimizer.name": "adamw", "data.binarization": "dynamic"},
        **{"train.keep": "best", "train.patience": 2},
    },
    "conv": {"model.network": "conv", "model.hidden": (4,), "optimizer.name": "sgd"},
    "iwae": {"model.bound": "iwae", "model.num_samples": 2},
    "planar": {"model.posterior": "planar"},
    "mixture": {"model.prior": "mixture", "model.num_components": 3},
    "two_layer": {
        "model.posterior": "two_layer",
        "model.prior": "two_layer",
        "model.hidden": (),
        "model.second_hidden": (7,),
    },
    "mmd": {"model.bound": "mmd"},
    "constrained": {"model.bound": "constrained"},
    "capacity": {"model.bound": "capacity"},
    "dip": {"model.bound": "dip"},
    "linear": {"model.name": "autoencoder", "model.hidden": ()},
    "autoencoder": {"model.name": "autoencoder", "model.likelihood": "gaussian", "model.gated": True},
    "denoising": {"model.name": "denoising_autoencoder", "model.likelihood": "squared_error"},
    "sparse": {
        **{"model.name": "sparse_autoencoder", "model.hidden": (), "model.latent_dim": 6, "model.top_k": 2},
        **{"model.top_k_start": 4, "model.penalty": "kl", "model.code_activation": "sigmoid"},
    },
    "batch_top_k": {
        **{"model.name": "sparse_autoencoder", "model.hidden": (), "model.latent_dim": 6},
        **{"model.selection": "batch_top_k", "model.top_k": 2, "model.aux_k": 3},
    },
    "jump_relu": {
        **{"model.name": "sparse_autoencoder", "model.selection": "jump_relu", "model.penalty": "l0"},
        **{"model.hidden": ()},
    },
    "vq_vae": {"model.name": "vq_vae", "model.latent_dim": 6},
    "ema": {"model.name": "vq_vae", "model.latent_dim": 6, "model.codebook_update": "ema"},
    "fsq": {"model.name": "fsq"},
    "linear_autoencoder": {"model.name": "linear_autoencoder"},
    "made": {"model.name": "made", "data.binarization": "threshold", "model.hidden": ()},
    "pca": {"model.name": "pca"},
    "ppca": {"model.name": "ppca"},
    "classifier": {"model.name": "classifier"},
    "counts": {"data.name": "planted_counts", "model.likelihood": "poisson"},
    "conditional": {
        **{"data.name": "planted_counts", "data.condition_columns": "batch"},
        **{"model.likelihood": "poisson", "model.prior": "conditional"},
    },
    "planted_features": {
        **{"data.name": "planted_features", "data.num_rows": 400, "model.likelihood": "gaussian"},
    },
    "laplace": {"model.likelihood": "laplace"},
    "optimal": {"model.likelihood": "gaussian", "model.learn_variance": True, "model.variance_kind": "feature"},
    "capitals": {"data.name": "capitals", "model.name": "distance_embedding"},
    "planted_pairs": {"data.name": "planted_pairs", "model.name": "pair_embedding"},
    "toy_text": {"data.name": "toy_text", "model.name": "pair_embedding", "data.num_sentences": 50},
}
WHOLE = ("vae", "gaussian", "pca", "ppca")  # all keys are checked; elsewhere those of model and objective
FILES = {
    "books": {"data.name": "books", "model.name": "pair_embedding", "data.min_link_count": 2},
    "table": {
        "data.name": "arrays",
        "data.label_column": "kind",
        "data.id_column": "id",
        "model.likelihood": "gaussian",
    },
    "mixed": {
        **{"data.name": "arrays", "data.categorical_columns": "kind", "data.id_column": "id"},
        **{"data.label_column": "gene0", "data.label_kind": "number", "data.ignore_columns": "gene1"},
        **{"model.likelihood": "mixed", "model.learn_variance": True},
    },
}


def changed(changes):
    return configs.replaced(base_config(), changes)


@pytest.mark.parametrize("path", KEYS)
def test_a_key_takes_its_default_and_refuses_something(path):
    """Every bound refuses something; free texts and switches have no bounds."""
    key = KEYS[path]
    configs.check_value(path, key.default)
    assert key.meaning and key.within.words
    kind = type(key.default)
    if kind is bool or (kind is str and not key.within.choices):
        return
    candidates = {tuple: [(0,)], str: ["nonsense"]}.get(kind) or [kind(value) for value in (-1, 2, 2**32)]

    def is_refused(value):
        try:
            configs.check_value(path, value)
        except UserError as error:
            return str(error).startswith(
                f"{path}={value!r} is not one of " if kind is str else f"{path}={value} must be "
            )
        return False

    assert any(map(is_refused, candidates))


@pytest.mark.parametrize(("path", "value"), cases(REFUSED))
def test_check_refuses_a_value_out_of_bounds(path, value):
    with pytest.raises(UserError) as error:
        configs.check(changed({path: value}), [])
    assert str(error.value) == f"{path}={value} must be {KEYS[path].within.words}"


@pytest.mark.parametrize(("path", "value"), cases(TAKEN))
def test_check_takes_a_value_on_the_bounds(path, value):
    configs.check(changed({path: value}), [])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (float("nan"), "finite"),
        (float("inf"), "finite"),
        (1e-60, "as a float32, between 1.2e-38 and 3.4e"),
        (1e39, "as a float32, between 1.2e-38 and 3.4e"),
    ],
)
@pytest.mark.parametrize("path", ["objective.beta", "optimizer.learning_rate", "model.variance"])
def test_check_refuses_a_number_that_float32_cannot_hold(path, value, words):
    with pytest.raises(UserError, match=re.escape(f"{path}={value} must be ") + f".*{words}"):
        configs.check(changed({path: value}), [])


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({}, "data.path", r"with data\.name=digits: it needs data\.name=arrays or "),
        ({}, "data.window", r"with data\.name=digits: it needs data\.name=toy_text$"),
        ({}, "optimizer.momentum", r"with optimizer\.name=adam: it needs optimizer\.name=sgd$"),
        ({}, "optimizer.final_fraction", r"with optimizer\.schedule=constant: it needs .* other than constant$"),
        (
            {},
            "model.variance",
            r"with .*=bernoulli: it needs model\.likelihood=gaussian or laplace or mixed$",
        ),
        ({}, "model.top_k_start", r"with .* it needs model\.top_k above 0 and model\.name=sparse_autoencoder$"),
        (
            {"model.hidden": ()},
            "model.activation",
            r"with model\.hidden=\(\): it needs model\.hidden that is not",
        ),
        ({"model.name": "pca"}, "optimizer.learning_rate", r"with model\.name=pca: .* other than pca or ppca$"),
        (
            {"model.name": "autoencoder"},
            "objective.beta_warmup",
            r"with model\.name=autoencoder: it needs model\.name=",
        ),
    ],
)
def test_check_refuses_a_chosen_key_that_changes_nothing(changes, path, words):
    config = changed(changes)
    configs.check(config, ["seed"] if config.model.name != "pca" else [])
    with pytest.raises(UserError, match=rf"^{path} has no effect {words}"):
        configs.check(config, [path])


def test_a_path_that_is_given_is_read():
    with pytest.raises(UserError, match=r"data\.path has no effect with data\.name=digits"):
        configs.check(changed({"data.path": "my.npy"}), [])


def other_values(path, value):
    """Allowed values of the key other than `value`."""
    within = KEYS[path].within
    if within.choices:
        return [choice for choice in within.choices() if choice != value]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, str):
        return ["other"]
    candidates = [OTHER[path]] if path in OTHER else [type(value)(c) for c in (value + 1, value / 2 + 0.25, value * 2)]
    return [c for c in candidates if c != value and within.holds(c)][:1]


@pytest.fixture(scope="module")
def fingerprint():
    """What a config determines: its data, its programs as traced, its visits, and which traced numbers are used."""
    datasets = {}

    def of(config, evaluated):
        source = json.dumps(configs.to_json(config.data), sort_keys=True)
        if source not in datasets:
            datasets[source] = data.load(config.data)
        dataset = datasets[source]
        task = programs.make_task(config, dataset.spec, programs.num_rows(dataset.train))
        [member] = Plan.resolve(config, [], False, "").members
        group = programs.Group(0, [member], config, dataset, task)
        programs.check_columns(config, task.model, dataset)
        programs.check_selection(group)
        hp = jax.tree.map(lambda leaf: leaf[0], programs.hparams([member]))
        rows = {name: values[: task.batch_size] for name, values in dataset.train.items()}

        def programs_of(hp, rows):
            state = selection.begin(config.train, train.init_state(task, hp, rows))
            found: list[Any] = [(state, {}) if task.model.fit else train.train_step(task, state, hp, rows)]
            if evaluated:
                found.append(measured := averages.measure(task, state, hp, rows))
                if state.kept:
                    monitored = measured[config.train.monitor]
                    found.append(selection.select(config.train, task.steps_per_epoch, hp, state, monitored))
                found += [information.measure(task, state, hp, rows)] if task.model.posterior else []
            return found

        closed = jax.make_jaxpr(programs_of)(hp, rows)
        _, used = partial_eval.dce_jaxpr(closed.jaxpr, [True] * len(closed.jaxpr.outvars))
        names = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path((hp, rows))]
        digest = hashlib.sha256(str(closed.jaxpr).encode())
        for const in closed.consts:
            digest.update(np.asarray(const).tobytes())
        static = (dataset.sha256, str(data.spec_to_json(dataset.spec)), digest.hexdigest(), *run.visits(group, 0))
        return static, {name for name, is_used in zip(names, used, strict=True) if is_used}

    return of


@pytest.mark.slow
@pytest.mark.parametrize("scenario", [*SCENARIOS, *FILES])
def test_a_key_that_is_read_changes_something(scenario, fingerprint, table_csv, books_ndjson):
    """A key is a traced number that a program uses, or another value is refused or changes data, programs or visits."""
    changes = {"model.hidden": (8,), "train.batch_size": 32, "train.epochs": 3, "evaluate.batch_size": 20}
    changes |= (SCENARIOS | FILES)[scenario]
    if scenario == "books":
        changes |= {"data.path": str(books_ndjson), "data.labels_path": str(books_ndjson.with_name("book_info.tsv"))}
    if scenario in ("table", "mixed"):
        changes |= {"data.path": str(table_csv)}
    config = changed(changes)
    whole = scenario in WHOLE
    base, used = fingerprint(config, whole)

    def changes_something(path, value):
        if configs.is_traced(path, value):
            section, _, name = path.rpartition(".")
            return (f"[0].{section}['{name}']" if section else "[0].seed") in used
        taken = []
        for other in other_values(path, value):
            other_config = configs.replaced(config, {path: other})
            try:
                configs.check(other_config, [path])
                if fingerprint(other_config, whole)[0] != base:
                    return True
                taken.append(other)
            except UserError:  # this value is refused: try the next
                pass
        return not taken

    leaves = configs.flatten(config)
    sections = ("model", "objective", "data") if "data.name" in changes else ("model", "objective")
    looked_at = [path for path in leaves if whole or path.partition(".")[0] in sections]
    read = [path for path in looked_at if path not in ELSEWHERE and not configs.without_effect(leaves, path)]
    if config.model.name == "vae" and scenario != "vae":  # keys that every VAE reads are checked in the first
        read = [path for path in read if configs.without_effect(configs.flatten(base_config()), path)]
    assert [path for path in read if not changes_something(path, leaves[path])] == []


def test_the_choices_of_the_table_are_those_of_the_code():
    for path, known in (
        ("model.activation", networks.ACTIVATIONS),
        ("model.code_activation", networks.ACTIVATIONS),
        ("model.initializer", networks.INITIALIZERS),
        ("model.corruption", CORRUPTIONS),
        ("optimizer.name", optimizers.RULES),
        ("optimizer.schedule", optimizers.DECAYS),
    ):
        choices = KEYS[path].within.choices
        assert choices and set(choices()) == set(known), path
