"""Reads, checks and serializes configs; imports no jax, so that bad input is reported at once.

A path names a leaf of a config: "objective.beta". aejax/keys.py describes every key.
"""

import ast
import json
import math
import warnings
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from aejax.errors import UserError, choose, closest
from aejax.keys import KEYS, Config, Values, base_config

TEXTS = tuple(path for path, key in KEYS.items() if key.default == "")
SWITCH = {"true": True, "True": True, "false": False, "False": False}


def literal(text: str) -> Any:
    """The value of a Python literal; raises SyntaxError or ValueError also for what Python would only warn of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", SyntaxWarning)
        return ast.literal_eval(text)


KINDS = {  # of the values of keys: their name, and what reads one
    int: ("an integer", lambda text: int(text, 0)),
    float: ("a number", float),
    bool: ("True or False", SWITCH.get),
    tuple: ("a tuple", literal),
}
LARGEST_INTEGER = 2**31 - 1
SMALLEST, LARGEST = (float(bound) for bound in (np.finfo(np.float32).tiny, np.finfo(np.float32).max))


def flatten(config: Any) -> dict[str, Any]:
    """{"objective.beta": 1.0, ...}, in the config's order."""
    leaves = {}
    for key, value in config.items():
        inner = flatten(value) if isinstance(value, ConfigDict) else None
        leaves |= {key: value} if inner is None else {f"{key}.{path}": leaf for path, leaf in inner.items()}
    return leaves


def is_traced(path: str, value: Any) -> bool:
    """Whether a leaf is an argument of the compiled program; otherwise it is compiled in."""
    return path == "seed" or (path.startswith(("objective.", "optimizer.")) and isinstance(value, float))


def nearest(path: str) -> str:
    """The key that a mistyped path is nearest to, as a whole or by its last name; "" if none is near."""
    last = {key.rpartition(".")[2]: key for key in reversed(KEYS)}  # of two keys, the first
    name = path.rpartition(".")[2]
    return closest(path, KEYS) or last.get(closest(name, last), "")


def unknown(path: str) -> str:
    """The message for a path that is not a key; it names the nearest key."""
    if path.startswith("config."):
        return f"{path} is not a key: leave out the leading 'config.': {path.removeprefix('config.')}"
    near = nearest(path)
    return f"config has no key {path!r}" + (f"; did you mean {near!r}?" if near else "")


def read(config: Config, path: str) -> Any:
    """The leaf at a path; for an unknown path, raises UserError that names the nearest key."""
    leaves = flatten(config)
    if path not in leaves:
        raise UserError(unknown(path))
    return leaves[path]


def parse(path: str, text: str, default: Any) -> Any:
    """Parses a text as a value of the default's type; raises UserError if it has another type."""
    if isinstance(default, str):
        return text
    kind, read = KINDS[type(default)]
    try:
        value: Any = read(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):  # the last two: very deep brackets
        value = None
    if isinstance(default, tuple) and isinstance(value, list):
        value = tuple(value)
    if type(value) is not type(default):
        several = (
            f"; to train several, --sweep {path}={text}" if isinstance(default, int | float) and "," in text else ""
        )
        raise UserError(f"{path}={text}: expected {kind}, such as {default!r}{several}")
    return value


def replaced(config: Config, changes: dict[str, Any]) -> Config:
    """A copy with other values at some paths."""
    copy: Any = config
    copy = copy.copy_and_resolve_references()
    for path, value in changes.items():
        section, _, key = path.rpartition(".")
        (copy[section] if section else copy)[key] = value
    return copy


def objective_of(config: Config) -> dict[str, float]:
    """The part of `config.objective` that the model reads: the weights of its loss, and their warm-ups."""
    leaves = flatten(config)
    return {
        path.removeprefix("objective."): value
        for path, value in leaves.items()
        if path.startswith("objective.") and not unmet(leaves, path)
    }


def check(config: Any, chosen: Collection[str]) -> None:
    """Raises UserError for an invalid config, a value that its key does not allow, or a chosen key without effect.

    `chosen` holds the swept and overridden paths. A text key that is empty by default also counts as chosen if it is
    set.
    """
    check_types(config)
    leaves = flatten(config)
    for path, value in leaves.items():
        check_value(path, value)
    check_effects(leaves, chosen)


def check_effects(leaves: dict[str, Any], chosen: Collection[str]) -> None:
    """Raises UserError for a chosen key, or a text key that is empty by default and set, without effect."""
    given = [path for path in TEXTS if leaves[path]]
    for path in dict.fromkeys([*chosen, *given]):
        if reason := without_effect(leaves, path):
            raise UserError(reason)


def check_types(config: Any) -> None:
    """Raises UserError unless a config has every key, no other, and each with its default's type."""
    if not isinstance(config, ConfigDict):
        raise UserError(f"the config is a {type(config).__name__}: start from aejax.keys.base_config() and change it")
    leaves = flatten(config)
    if strange := [path for path in leaves if path not in KEYS]:
        raise UserError(unknown(strange[0]))
    if missing := [path for path in KEYS if path not in leaves]:
        raise UserError(f"config lacks {missing[0]}: start from aejax.keys.base_config() and change it")
    for path, value in leaves.items():
        default = KEYS[path].default
        if type(value) is not type(default):
            kind = type(value).__name__
            raise UserError(
                f"{path}={value!r} is of type {kind}: expected {type(default).__name__}, as in the default {default!r}"
            )


def check_value(path: str, value: Any) -> None:
    """Raises UserError for a value that its key does not allow or that a float32 or an int32 cannot hold."""
    within = KEYS[path].within
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UserError(f"{path}={value} must be finite")
        if value and not SMALLEST <= abs(value) <= LARGEST:
            raise UserError(
                f"{path}={value} must be 0 or, as a float32, between {SMALLEST:.2g} and {LARGEST:.2g} in magnitude"
            )
    if within.choices:
        choose(path, str(value), within.choices())
    elif not within.holds(value):
        raise UserError(f"{path}={value} must be {within.words}")
    numbers = value if isinstance(value, tuple) else (value,)
    if path != "seed" and any(isinstance(number, int) and number > LARGEST_INTEGER for number in numbers):
        raise UserError(f"{path}={value} must be at most {LARGEST_INTEGER}")
    if isinstance(value, float) and not within.holds(rounded := float(np.float32(value))):
        near = np.nextafter(np.float32(rounded), np.float32(math.copysign(math.inf, value - rounded)))
        raise UserError(f"{path}={value} is {rounded:g} as a float32, and must be {within.words}: use {near!s}")


def without_effect(leaves: dict[str, Any], path: str) -> str:
    """Why a key has no effect in a config with these leaves; "" if it is read."""
    if not (failing := unmet(leaves, path)):
        return ""
    have = ", ".join(f"{other}={leaves[other]}" for other in failing)
    return (
        f"{path} has no effect with {have}: it needs {' and '.join(other + words for other, words in failing.items())}"
    )


def unmet(leaves: dict[str, Any], path: str) -> dict[str, str]:
    """The conditions of a key that fail, {path: words}, for the alternative with the fewest; {} if the key is read."""
    return min((failing(leaves, alternative) for alternative in KEYS[path].when), key=len, default={})


def failing(leaves: dict[str, Any], conditions: Mapping[str, Values]) -> dict[str, str]:
    """The conditions that fail, {path: words}, with those of the keys that they name."""
    found = {}
    for path, values in conditions.items():
        found |= {} if values.hold(leaves[path]) else {path: values.words}
        found |= {name: words for name, words in unmet(leaves, path).items() if name not in found}
    return found


def describe(section: str = "") -> list[dict[str, str]]:
    """The rows of a table of all keys, or of one section's; raises UserError for an unknown section."""
    sections = dict.fromkeys(path.partition(".")[0] for path in KEYS)
    if section:
        choose("section", section, sections)
    rows = []
    for path, key in KEYS.items():
        if section in ("", path.partition(".")[0]):
            choices = ", ".join(key.within.choices()) if key.within.choices else key.within.words
            conditions = (" and ".join(other + v.words for other, v in when.items()) for when in key.when)
            meaning = f"{key.meaning} ({key.unit})" if key.unit else key.meaning
            rows.append(
                {
                    "key": f"`{path}`",
                    "default": f"`{key.default!r}`",
                    "values": choices,
                    "swept": "in one program" if is_traced(path, key.default) else "a program each",
                    "meaning": meaning,
                    "read if": "; or ".join(conditions) or "always",
                }
            )
    return rows


def to_json(config: Any) -> dict:
    """The config as plain dictionaries and lists."""
    return json.loads(json.dumps(config.to_dict()))


def from_json(tree: dict) -> Config:
    """Restores a config; lists become tuples, and a key that an older run lacks gets its default.

    A new key's default must keep the old behavior, so that old runs stay what they were.
    """

    def restore(value):
        if isinstance(value, dict):
            return {key: restore(inner) for key, inner in value.items()}
        return tuple(value) if isinstance(value, list) else value

    config: Any = base_config()
    config.update(restore(tree))
    return config


def difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    """The paths where two flat configs differ, on one line: "train.epochs 20 -> 30"."""
    missing = object()
    changed = [path for path in {**old, **new} if old.get(path, missing) != new.get(path, missing)]

    def short(value: Any) -> str:
        return text if len(text := str(value)) <= 80 else f"{text[:77]}..."

    return ", ".join(f"{path} {short(old.get(path, '(none)'))} -> {short(new.get(path, '(none)'))}" for path in changed)
