"""Hypothesis (pip install hypothesis) looks for texts, configs, sweeps and files that are neither used nor refused.

Each case is a property. It is tried for SECONDS, with other examples for each seed.
"""

# pyright: reportMissingImports=false

import importlib
import json
import math
import random
import time
from pathlib import Path
from typing import Any

import numpy as np

from aejax import config as configs
from aejax import data
from aejax.errors import UserError
from aejax.keys import KEYS, base_config
from aejax.plan import MOST, Plan, parse_axis
from tests.conftest import ROOT

SMALL, FULL = 0, 4
SECONDS = 150.0
RECIPES = sorted(path.stem for path in (ROOT / "configs").glob("[a-z]*.py"))


def prepare(folder: Path) -> None:
    """Nothing is shared."""


def case(_: None, number: int, chosen: random.Random, folder: Path) -> str:
    """Tries one property with as many examples as there is time for."""
    import hypothesis

    make = (texts, changes, sweeps, files)[number]
    strategy, check = make(folder)
    tried, end = 0, time.monotonic() + SECONDS

    def count(example: Any) -> None:
        nonlocal tried
        tried += 1
        check(example)

    settings = hypothesis.settings(
        max_examples=200, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    while time.monotonic() < end:
        hypothesis.seed(chosen.getrandbits(60))(settings(hypothesis.given(strategy)(count)))()
    return (
        f"{make.__name__}: {tried // 1000},000 or more examples" if tried >= 1000 else f"{make.__name__}: few examples"
    )


def texts(folder: Path) -> tuple[Any, Any]:
    """A text is refused, or is a value of its key that is written as a text with the same meaning."""
    from hypothesis import strategies as st

    def check(example: tuple[str, str]) -> None:
        path, text = example
        default = KEYS[path].default
        try:
            value = configs.parse(path, text, default)
            configs.check_value(path, value)
        except UserError:
            return
        assert type(value) is type(default), (path, text, value)
        again = configs.parse(path, value if isinstance(value, str) else repr(value), default)
        assert again == value, (path, text, value, again)

    numbers = st.one_of(st.integers(), st.floats()).map(str)
    tuples = st.lists(st.integers(-3, 2**40)).map(lambda values: str(tuple(values)))
    words = st.one_of(st.text(), numbers, tuples, st.text("0123456789.,eE+-_()[]naif TrueFalse"))
    return st.tuples(st.sampled_from(sorted(KEYS)), words), check


def values(path: str) -> Any:
    """Values of a key's type; some of them are allowed."""
    from hypothesis import strategies as st

    key = KEYS[path]
    kinds = {
        bool: st.booleans(),
        int: st.integers(-1, 2**33),
        float: st.floats(),
        str: st.text(max_size=20),
        tuple: st.lists(st.integers(-1, 2**33), max_size=4).map(tuple),
    }
    listed = [st.sampled_from(key.within.choices())] if key.within.choices else []
    return st.one_of(st.just(key.default), kinds[type(key.default)], *listed)


def changes(folder: Path) -> tuple[Any, Any]:
    """A changed recipe is refused, or is a plan that JSON keeps."""
    from hypothesis import strategies as st

    def check(example: tuple[str, dict[str, Any]]) -> None:
        recipe, changed = example
        config = importlib.import_module(f"configs.{recipe}").get_config()
        try:
            plan = Plan.make(configs.replaced(config, changed), [])
        except UserError:
            return
        kept = configs.from_json(configs.to_json(plan.config))
        assert configs.flatten(kept) == configs.flatten(plan.config), example

    change = st.sampled_from(sorted(KEYS)).flatmap(lambda path: st.tuples(st.just(path), values(path)))
    return st.tuples(st.sampled_from(RECIPES), st.lists(change, max_size=4).map(dict)), check


def sweeps(folder: Path) -> tuple[Any, Any]:
    """An axis is refused, or has at most MOST values that its key allows; either takes no time."""
    from hypothesis import strategies as st

    config = base_config()

    def check(example: str) -> None:
        started = time.monotonic()
        try:
            axis = parse_axis(example, config)
        except UserError:
            axis = None
        assert time.monotonic() - started < 10, example
        if axis:
            assert 0 < len(axis.values) <= MOST, example
            assert all(type(value) is type(KEYS[axis.path].default) for value in axis.values), example
            assert all(math.isfinite(value) for value in axis.values if isinstance(value, float)), example

    tokens = (
        "0 1 -1 2 9 1e9 1e-9 1e400 nan inf , : ( ) [ ] linspace( geomspace( range( e + - . _ adam True a ' \" ١".split(
            " "
        )
    )
    written = st.one_of(st.text(), st.lists(st.sampled_from(tokens), max_size=12).map("".join))
    return st.tuples(st.sampled_from(sorted(KEYS)), written).map("=".join), check


def files(folder: Path) -> tuple[Any, Any]:
    """A file of arrays or of text is refused, or gives rows whose x is finite and whose facts JSON keeps."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as arrays

    config: Any = base_config()
    config.data.name = "arrays"

    def check(example: tuple[str, Any, dict[str, Any]]) -> None:
        suffix, content, changed = example
        path = folder / f"data{suffix}"
        if suffix == ".npy":
            np.save(path, content)
        elif suffix == ".npz":
            np.savez(path, **content)
        else:
            path.write_text(content, encoding="utf-8", errors="surrogatepass", newline="")
        try:
            loaded = data.load(configs.replaced(config, {**changed, "data.path": str(path)}).data)
        except UserError:
            return
        for split in loaded[:3]:
            x = split["x"]
            assert np.isfinite(np.asarray(x if isinstance(x, np.ndarray) else x.data)).all(), example
        kept = data.spec_to_json(loaded.spec)
        assert data.spec_to_json(data.spec_from_json(json.loads(json.dumps(kept)))) == kept, example

    kinds = st.one_of(arrays.scalar_dtypes(), arrays.unicode_string_dtypes(max_len=4))
    array = arrays.arrays(kinds, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=12))
    names = st.sampled_from("x y train_x test_x train_y test_y ids a".split())
    cells = st.one_of(
        st.text(max_size=6), st.integers().map(str), st.floats().map(str), st.sampled_from(["", "NA", '"', "a"])
    )
    lines = st.lists(st.lists(cells, min_size=1, max_size=5), max_size=30)
    table = st.tuples(st.sampled_from([",", ";", "\t", " "]), lines, st.sampled_from(["\n", "\r\n", "\r"]))
    text = table.map(lambda parts: parts[2].join(parts[0].join(row) for row in parts[1]))
    even = st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), max_size=30)
    )
    ordered = even.map(lambda rows: "\n".join(",".join(row) for row in rows))
    keys = [path for path in sorted(KEYS) if path.startswith("data.") and path not in ("data.path", "data.name")]
    change = st.sampled_from(keys).flatmap(lambda path: st.tuples(st.just(path), values(path)))
    content = st.one_of(
        st.tuples(st.just(".npy"), array),
        st.tuples(st.just(".npz"), st.dictionaries(names, array, max_size=4)),
        st.tuples(st.sampled_from([".csv", ".tsv", ".txt"]), st.one_of(text, ordered)),
    )
    settings = st.lists(change, max_size=2).map(dict)
    return st.tuples(content, settings).map(lambda parts: (*parts[0], parts[1])), check
