"""Checks of a resolved config, and its way to JSON and back; imports no jax, so that bad input answers at once.

A path names a leaf of a config: "objective.beta". Floats under `objective` and `optimizer`, and `seed`, are traced.
"""

import ast
import difflib
import json
import math
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from aejax.errors import UserError, choose

Config = Any  # an ml_collections.ConfigDict, whose declared type hides its leaves from type checkers

BOUNDS = (  # paths, what must hold, and the words for it
    (("seed",), lambda v: 0 <= v < 2**32, "from 0 to 4294967295"),
    (("data.valid_fraction", "data.test_fraction"), lambda v: 0.0 <= v < 1.0, "in [0, 1)"),
    (("model.latent_dim", "model.num_samples", "train.epochs", "train.batch_size"), lambda v: v >= 1, "at least 1"),
    (("train.save_every_epochs", "log.every_epochs", "evaluate.batch_size"), lambda v: v >= 1, "at least 1"),
    (("train.lanes", "data.split_seed"), lambda v: v >= 0, "at least 0"),
    (("data.min_link_count", "data.num_labels", "data.num_items", "data.num_contexts"), lambda v: v >= 1, "at least 1"),
    (("data.num_groups", "data.pairs_per_item", "data.num_sentences", "data.window"), lambda v: v >= 1, "at least 1"),
    (("data.planted_share",), lambda v: 0.0 <= v <= 1.0, "in [0, 1]"),
    (("model.num_flows",), lambda v: v >= 0, "at least 0"),
    (("model.codebook_size", "model.num_codes"), lambda v: v >= 1, "at least 1"),
    (("objective.commitment",), lambda v: v >= 0.0, "at least 0"),
    (("objective.mmd",), lambda v: v >= 0.0, "at least 0"),
    (("model.negative_ratio", "model.num_bounds", "model.num_components"), lambda v: v >= 1, "at least 1"),
    (("model.second_latent_dim",), lambda v: v >= 1, "at least 1"),
    (
        ("model.hidden", "model.second_hidden"),
        lambda v: all(isinstance(n, int) and n >= 1 for n in v),
        "a tuple of widths: (512,) or ()",
    ),
    (("model.variance",), lambda v: v > 0.0, "above 0"),
    (("optimizer.learning_rate", "optimizer.eps"), lambda v: v > 0.0, "above 0"),
    (("optimizer.b1", "optimizer.b2", "optimizer.momentum"), lambda v: 0.0 <= v < 1.0, "in [0, 1)"),
    (("optimizer.final_fraction",), lambda v: 0.0 < v <= 1.0, "in (0, 1]"),
    (("optimizer.warmup", "optimizer.weight_decay", "optimizer.clip_norm"), lambda v: v >= 0.0, "at least 0"),
    (("objective.beta", "objective.beta_warmup", "objective.free_bits"), lambda v: v >= 0.0, "at least 0"),
    (("objective.weight_penalty", "objective.frequency_weight"), lambda v: v >= 0.0, "at least 0"),
    (("objective.sparsity", "model.top_k"), lambda v: v >= 0, "at least 0"),
    (("model.top_k_start", "objective.selection_warmup"), lambda v: v >= 0, "at least 0"),
    (("objective.target_activation",), lambda v: 0.0 < v < 1.0, "in (0, 1)"),
    (("objective.corruption_level", "objective.selection"), lambda v: 0.0 <= v <= 1.0, "in [0, 1]"),
)


def flatten(config: Config) -> dict[str, Any]:
    """{"objective.beta": 1.0, ...}, in the config's order."""
    leaves = {}
    for key, value in config.items():
        inner = flatten(value) if isinstance(value, ConfigDict) else None
        leaves |= {key: value} if inner is None else {f"{key}.{path}": leaf for path, leaf in inner.items()}
    return leaves


def is_traced(path: str, value: Any) -> bool:
    """Whether a leaf is an argument of the compiled program; all others are part of it."""
    return path == "seed" or (path.startswith(("objective.", "optimizer.")) and isinstance(value, float))


def read(config: Config, path: str) -> Any:
    """The leaf at a path; raises UserError that names the nearest key."""
    leaves = flatten(config)
    if path in leaves:
        return leaves[path]
    if path.startswith("config."):
        raise UserError(f"{path} is not a key: leave out the leading 'config.': {path.removeprefix('config.')}")
    last = {leaf.rpartition(".")[2]: leaf for leaf in leaves}
    near = difflib.get_close_matches(path, leaves, n=1) or [
        last[name] for name in difflib.get_close_matches(path.rpartition(".")[2], last, n=1)
    ]
    raise UserError(f"config has no key {path!r}" + (f"; did you mean {near[0]!r}?" if near else ""))


def parse(path: str, text: str, default: Any) -> Any:
    """The value that a text means where the default stands, of the default's type; raises UserError if of another."""
    if isinstance(default, str):
        return text
    try:
        value = ast.literal_eval({"true": "True", "false": "False"}.get(text, text))
    except (ValueError, SyntaxError):
        value = text
    if isinstance(default, float) and type(value) is int:
        value = float(value)
    if isinstance(default, tuple) and isinstance(value, list):
        value = tuple(value)
    if type(value) is not type(default):
        raise UserError(f"{path}={text} is no {type(default).__name__}, such as the default {default!r}")
    return value


def replaced(config: Config, changes: dict[str, Any]) -> Config:
    """A copy with other values at some paths."""
    copy = config.copy_and_resolve_references()
    for path, value in changes.items():
        section, _, key = path.rpartition(".")
        (copy[section] if section else copy)[key] = value
    return copy


def model_names() -> tuple[str, ...]:
    """The files of aejax/models."""
    return tuple(sorted(path.stem for path in (Path(__file__).parent / "models").glob("[a-z]*.py")))


@cache
def objective_names(model_name: str) -> tuple[str, ...]:
    """The keyword-only arguments of a model's loss, its objective's schema, read from its source."""
    source = (Path(__file__).parent / "models" / f"{choose('model.name', model_name, model_names())}.py").read_text()
    losses = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef) and node.name == "loss"]
    return tuple(argument.arg for node in losses for argument in node.args.kwonlyargs)


def objective_of(config: Config) -> dict[str, float]:
    """The part of `config.objective` that the model uses: the weights its loss names, and their warm-ups."""
    names = objective_names(config.model.name)
    return {key: value for key, value in config.objective.items() if key.removesuffix("_warmup") in names}


@cache
def model_keys(model_name: str) -> frozenset[str]:
    """The keys of `config.model` that a model reads: those in its `make` and the functions of aejax that it reaches."""
    root = Path(__file__).parent
    keys, seen = {"name", "latent_dim"}, set()
    waiting = [(root / "models" / f"{choose('model.name', model_name, model_names())}.py", "make")]
    while waiting:
        seen.add(place := waiting.pop())
        path, name = place
        functions, modules = definitions(path)
        for node in ast.walk(functions[name]):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "config":
                keys.add(node.attr)
            reached = (path, node.id) if isinstance(node, ast.Name) else None
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
                reached = modules[node.value.id], node.attr
            if reached and reached not in seen and reached[1] in definitions(reached[0])[0]:
                waiting.append(reached)
    return frozenset(keys)


@cache
def definitions(path: Path) -> tuple[dict[str, ast.FunctionDef], dict[str, Path]]:
    """The functions of a source file, and the files of aejax that it imports, by their names in it."""
    body = ast.parse(path.read_text()).body
    functions = {node.name: node for node in body if isinstance(node, ast.FunctionDef)}
    modules = {}
    for node in body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("aejax"):
            room = Path(__file__).parent.parent / str(node.module).replace(".", "/")
            modules |= {name.asname or name.name: room / f"{name.name}.py" for name in node.names}
    return functions, {name: file for name, file in modules.items() if file.exists()}


def check(config: Config, chosen: Iterable[str]) -> None:
    """Raises UserError for a value out of bounds, or a chosen (swept, overridden) key that the model does not use."""
    leaves = flatten(config)
    for path, value in leaves.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise UserError(f"{path}={value} must be finite")
    for paths, holds, words in BOUNDS:
        for path in paths:
            if not holds(leaves[path]):
                raise UserError(f"{path}={leaves[path]} must be {words}")
    for path in chosen:
        if reason := without_effect(config, path):
            raise UserError(reason)


def without_effect(config: Config, path: str) -> str:
    """Why a key changes nothing for the config's model; "" where it may."""
    section, _, key = path.partition(".")
    start = f"{path} has no effect: model.name={config.model.name}"
    if section == "objective" and key not in objective_of(config):
        return (
            f"{start} uses {', '.join(f'objective.{name}' for name in objective_of(config)) or 'no objective weights'}"
        )
    if section == "model" and key not in model_keys(config.model.name):
        others = ", ".join(name for name in model_names() if key in model_keys(name))
        return f"{start} does not read it, but {others}"
    return ""


def to_json(config: Config) -> dict:
    """Plain dictionaries and lists."""
    return json.loads(json.dumps(config.to_dict()))


def from_json(tree: dict) -> Config:
    """The config again; lists become tuples, and a key that is newer than the run has its default.

    A new key's default is what was done before there was the key: an old run stays what it was.
    """
    from configs import base

    def restore(value):
        if isinstance(value, dict):
            return {key: restore(inner) for key, inner in value.items()}
        return tuple(value) if isinstance(value, list) else value

    config = base.get_config()
    config.update(restore(tree))
    return config


def difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    """The paths where two flat configs differ, on one line: "train.epochs 20 -> 30"."""
    missing = object()
    changed = [path for path in {**old, **new} if old.get(path, missing) != new.get(path, missing)]
    return ", ".join(f"{path} {old.get(path, '(none)')} -> {new.get(path, '(none)')}" for path in changed)
