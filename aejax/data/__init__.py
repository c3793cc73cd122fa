"""Data: one file per source, and `prepare`, which makes a Dataset of the rows of every source.

`data.name` names a file here (`digits`, `arrays`), else a prepared TFDS image set. A source has
`read(config.data) -> Rows` (or `Pairs`); `prepare` then does everything else, as its docstring lists.
"""

import hashlib
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aejax.data import checks, sparse
from aejax.data.types import ARE_GREY, SPLITS, Condition, Dataset, Spec, Split
from aejax.errors import UserError, closest

MEMORY = "the arrays in memory"  # used in messages in place of a file name
NOT_SOURCES = ("__init__", "checks", "conditions", "idx", "new_rows", "sparse", "summary", "tables", "tfds", "types")
FROM_PATHS = ("arrays", "binarized_mnist", "books")  # sources that read data.path


class Rows(NamedTuple):
    """What a source returns: its own splits, in its own order, and the names of classes, features and factors."""

    train: Split
    valid: Split | None = None
    test: Split | None = None
    class_names: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()
    factor_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # what the reader had to find out about the file, each in a few words
    directions: np.ndarray | None = None  # [F, ...] of planted features; the splits have "active" bool [N, F]


class Pairs(NamedTuple):
    """What a source of pairs returns: the columns of its rows, and the items (and contexts) that they index."""

    columns: Split  # [N] each: int32 indices, float32 values
    items: Split  # "x" [I] int32, "ids" [I] str; if known "y" [I] int32 (-1: unlabeled), "position" [I, 2]
    sizes: tuple[int, ...]  # number of items, and of contexts if these are not items
    class_names: tuple[str, ...] = ()


def load(config: Any) -> Dataset:
    """The Dataset of the source that `config.data` names; a UserError names the key or file at fault."""
    where = f"data.name={config.name}" if config.name not in FROM_PATHS else f"data.path={config.path}"
    return prepare(_source(config.name).read(config), config, where)


def of_arrays(x: Any, y: Any, config: Any) -> Dataset:
    """The Dataset of rows x [N, ...] and labels y [N] (or None) in memory, as if `config.data` named a file of them.

    x may be a pyarrow table; its labels are then the column `label_column`.
    """
    from aejax.data import arrays

    return prepare(arrays.of_arrays(x, y, config), config, MEMORY)


def prepare(rows: Rows | Pairs, config: Any, where: str) -> Dataset:
    """Turns the rows or pairs of a source into a Dataset; a UserError names the key or file at fault.

    - dtypes: uint8 stays, bool becomes uint8, counts become the smallest of uint8, uint16 and float32 that holds them,
      all else float32. Bytes of images are in units of 1/255, or of 1 if none is above 1; bytes of a table are counts,
      unless all are 0 or 255. Images of uint16 are divided by 65,535, unless no value is above 1.
    - missing: rows or columns of a table that lack values are refused, dropped, or filled with the mean or the most
      frequent category of the training rows.
    - categories: each column of `categorical_columns` becomes a one-hot block after the numbers.
    - sparse rows stay sparse, unless they are standardized or binarized here: their zeros become other numbers.
    - support: "categories" for a table of one-hot blocks, "mixed" if there are numbers, too; "binary" if every value is
      0 or 1, "unit" if all are in [0, 1], "counts" for a table of whole numbers from 0, else "real", in data units.
    - shapes: [H, W] with H, W >= 4 gets a channel axis; [H, W, 1] and [H, W, 3] are images. [T, F] with F < 4
      is a series of F channels; with `series`, so is every [T, F], and [T] becomes [T, 1]. All else is a table.
    - binarization: "static" draws each value once with its grey value as probability, "threshold" is x >= 0.5, both
      stored as uint8; "dynamic" keeps the grey rows, and each train step draws bits from them. All three need [0, 1].
    - splits: if the source has no test rows, `test_fraction` of its rows become the test rows; then, if it has no
      validation rows, `valid_fraction` of the remaining training rows become those (at least one row if the fraction
      is above 0). One permutation drawn from `split_seed` decides, so neither the test rows nor a static draw depend
      on any other setting.
    - standardize: (x - mean) / sd per feature, fitted on the training rows (sd 1 if a feature is constant); one-hot
      blocks stay 0 and 1.
    - pairs are split by the same rule: test pairs are not seen in training, but their items are.
    """
    for key in ("standardize", "categorical_columns"):
        if config[key] and config.binarization != "none":
            raise UserError(f"data.{key} and data.binarization={config.binarization} cannot be combined: remove one")
    if config.label_kind == "number" and rows.class_names:
        raise UserError(
            f"data.label_kind=number does not fit {where}, whose labels are classes: use data.label_kind=class"
        )
    if config.label_kind == "number" and "y" not in rows[0]:
        raise UserError(
            f"data.label_kind=number has no effect: {where} has no labels: set data.label_column, or remove it"
        )
    if isinstance(rows, Pairs):
        return _of_pairs(rows, where, config)
    from aejax.data import conditions, tables

    splits = {name: split for name, split in zip(SPLITS, rows[:3], strict=True) if split is not None}
    _check_fractions(splits, where, config)
    splits = {
        name: checks.checked(split, f"{where} ({name})", rows.feature_names, config.series)
        for name, split in splits.items()
    }
    checks.check_agreement(splits, where)
    splits = {name: s | {"row": np.arange(sparse.num_rows(s["x"]))} for name, s in splits.items()}
    table = tables.dropped(tables.checked(splits, config, where), rows.feature_names, config, where)
    parts = _parts(table.splits, where, config)
    table = tables.completed(table, parts["train"], config, where)
    splits, xs = table.splits, [split["x"] for split in table.splits.values()]
    is_image = checks.is_image(xs[0].shape[1:])
    two_bytes = checks.has_two_bytes(rows.train["x"], xs[0].shape[1:])
    scale = checks.byte_scale(xs, is_image)
    in_blocks = sum(len(column.categories) for column in table.categories)
    support = checks.support(xs, scale, is_image)
    if in_blocks:
        support = "mixed" if in_blocks < xs[0].shape[1] else "categories"
    if config.binarization != "none":
        if support not in ("binary", "unit"):
            raise UserError(
                f"data.binarization={config.binarization} needs values in [0, 1], but {where} has values outside: "
                f"use data.binarization=none or rescale the data{ARE_GREY if support == 'counts' else ''}"
            )
        support = "binary"
    if config.standardize or config.binarization in ("static", "threshold"):
        splits = {name: split | {"x": sparse.dense(split["x"])} for name, split in splits.items()}
    if config.binarization in ("static", "threshold"):
        splits, scale = _binarized(splits, scale, config), 1.0
    splits = _divided(splits, parts)
    limits = sparse.limits(splits["train"]["x"], scale)
    center = spread = None
    if config.standardize:  # the spec keeps the byte scale, because new bytes are scaled before they are standardized
        center, spread = _moments(splits["train"]["x"], scale, in_blocks)
        support = support if in_blocks else "real"
        splits = {name: s | {"x": standardized(s["x"], scale, center, spread)} for name, s in splits.items()}
    ids = {name: split.pop("ids") for name, split in splits.items() if "ids" in split}
    row_numbers = {name: split.pop("row") for name, split in splits.items()}
    splits, given = conditions.encoded(splits, rows, config, where, row_numbers)
    active = {name: split.pop("active") for name, split in splits.items() if "active" in split}
    truth = {}
    if rows.directions is not None:
        truth = {"directions": rows.directions / (1.0 if spread is None else spread), "active": active["test"]}
    train, digest = splits["train"]["x"], _sha256(splits)
    mean = sparse.mean(train) * (scale if train.dtype == np.uint8 else 1.0)
    splits = checks.narrowed(splits) if support == "counts" else splits
    spec = Spec(
        shape=train.shape[1:],
        kind="image" if is_image else "series" if checks.is_series(train.shape[1:], config.series) else "table",
        support=support,
        byte_scale=scale,
        class_names=rows.class_names if "y" in splits["train"] else (),
        feature_names=table.feature_names,
        mean=mean.astype(np.float32),
        center=center,
        spread=spread,
        label_moments=_label_moments(splits["train"]),
        factor_names=rows.factor_names,
        conditions=given,
        categories=table.categories,
        fill=table.fill,
        dropped=table.dropped,
        limits=limits,
    )
    return Dataset(
        *(splits[name] for name in SPLITS),
        spec=spec,
        ids=ids,
        sha256=digest,
        row_numbers=row_numbers,
        truth=truth,
        notes=(*rows.notes, *(["16-bit grey values divided by 65535"] if two_bytes else []), *table.notes),
    )


def _check_fractions(splits: dict[str, Split], where: str, config: Any) -> None:
    """Raises UserError if a fraction is chosen for a split that the source already has."""
    from aejax.keys import KEYS  # which reads the names of the sources

    for name, words in (("valid", "validation"), ("test", "test")):
        path = f"data.{name}_fraction"
        if name in splits and config[f"{name}_fraction"] != KEYS[path].default:
            raise UserError(f"{path} has no effect: {where} has its own {words} rows: leave it out")


def spec_to_json(spec: Spec) -> dict[str, Any]:
    """A Spec as JSON types, with arrays as lists of floats; `spec_from_json` restores it to the bit."""
    values: dict[str, Any] = {}
    for key, value in spec._asdict().items():
        values[key] = value.tolist() if isinstance(value, np.ndarray) else value
        values[key] = list(value) if isinstance(value, tuple) else values[key]
    for key in ("conditions", "categories"):
        values[key] = [[name, list(categories), *rest] for name, categories, *rest in getattr(spec, key)]
    return values


def spec_from_json(values: dict[str, Any]) -> Spec:
    """The Spec that `spec_to_json` wrote, also if it was read back from a JSON file."""
    fields: dict[str, Any] = {key: tuple(values[key]) for key in ("shape", "class_names", "feature_names", "sizes")}
    fields |= {key: tuple(values.get(key, ())) for key in ("factor_names", "dropped")}
    for key in ("conditions", "categories"):
        fields[key] = tuple(
            Condition(name, tuple(categories), *numbers) for name, categories, *numbers in values.get(key, ())
        )
    fields |= {key: tuple(values[key]) for key in ("label_moments", "limits") if values.get(key)}
    for key in ("mean", "center", "spread", "fill"):
        fields[key] = None if values.get(key) is None else np.asarray(values[key], np.float32)
    return Spec(**(values | fields))


def standardized(x: np.ndarray, scale: float, center: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """(x - center) / spread as float32, of rows [N, *shape]; uint8 rows are first multiplied by `scale`."""
    grey = x * np.float32(scale) if x.dtype == np.uint8 else x
    return (grey - center) / spread


def sources() -> list[str]:
    """The names of the data sources in this directory."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in NOT_SOURCES)


def nearest(word: str, choices: Sequence[str]) -> str:
    """The end of a message: the choice nearest to a mistyped word, if one is near, and the first ten choices."""
    near = closest(word, choices)
    listed = ", ".join(choices[:10]) + (", ..." if len(choices) > 10 else "")
    return (f"did you mean {near!r}? " if near else "") + f"known names are {listed}"


def _source(name: str) -> Any:
    return importlib.import_module(f"aejax.data.{name if name in sources() else 'tfds'}")


def _of_pairs(rows: Pairs, where: str, config: Any) -> Dataset:
    """The pairs in three splits, with the "count" of each context; UserError for settings that need an x."""
    for key in ("binarization", "standardize"):
        if config[key] not in ("none", False):
            raise UserError(f"data.{key}={config[key]} does not apply to pairs ({where}): remove it")
    splits = {"train": rows.columns}
    splits = _divided(splits, _parts(splits, where, config))
    if "context" in rows.columns:  # counted in training only, and at least 1
        counts = np.maximum(np.bincount(splits["train"]["context"], minlength=rows.sizes[1]), 1).astype(np.float32)
        splits = {name: split | {"count": counts[split["context"]]} for name, split in splits.items()}
    mean = np.zeros((), np.float32)
    # Support "unit", so that the error for a model of x names the missing x, not the likelihood.
    spec = Spec((), "pairs", "unit", 1.0, rows.class_names, (), mean, center=None, spread=None, sizes=rows.sizes)
    items = {name: values for name, values in rows.items.items() if name != "ids"}
    digest = _sha256(splits | {"items": rows.items})
    return Dataset(
        *(splits[name] for name in SPLITS), spec=spec, ids={"items": rows.items["ids"]}, sha256=digest, items=items
    )


def _binarized(splits: dict[str, Split], scale: float, config: Any) -> dict[str, Split]:
    """Rows of 0 and 1, drawn before the split, so that a row's bits do not depend on the split it ends up in."""
    drawn = {}
    for name, split in splits.items():
        grey = split["x"] * np.float32(scale)
        if config.binarization == "threshold":
            x = grey >= 0.5
        else:
            generator = np.random.default_rng([config.split_seed, 1 + SPLITS.index(name)])
            x = generator.random(grey.shape, dtype=np.float32) < grey
        drawn[name] = split | {"x": x.astype(np.uint8)}
    return drawn


def _parts(splits: dict[str, Split], where: str, config: Any) -> dict[str, np.ndarray]:
    """Which of the source's training rows become those of each split; none if the source has that split itself."""
    count = sparse.num_rows(next(iter(splits["train"].values())))
    order = np.random.default_rng(config.split_seed).permutation(count)
    test = 0 if "test" in splits else _share(config.test_fraction, count)
    valid = 0 if "valid" in splits else _share(config.valid_fraction, count - test)
    if "test" not in splits and test == 0:
        raise UserError(f"{where} has no test split: set data.test_fraction above 0")
    if test + valid >= count:
        raise UserError(
            f"{where}: {test} test and {valid} validation rows leave no training rows (of {count} rows): "
            "lower data.test_fraction or data.valid_fraction, or give more rows"
        )
    parts = {"train": order[test + valid :], "valid": order[test : test + valid], "test": order[:test]}
    return {name: np.sort(part) for name, part in parts.items()}


def _divided(splits: dict[str, Split], parts: dict[str, np.ndarray]) -> dict[str, Split]:
    """All three splits; those that the source lacks are taken from its training rows, in the source's order."""
    taken = {name: {key: rows[part] for key, rows in splits["train"].items()} for name, part in parts.items()}
    return taken | {name: split for name, split in splits.items() if name != "train"}


def _share(fraction: float, count: int) -> int:
    return max(1, round(fraction * count)) if fraction else 0


def _moments(x: np.ndarray, scale: float, in_blocks: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and sd of each feature in data units, float32; an sd of 0 (a constant feature) becomes 1.

    The last `in_blocks` features, which are one-hot, get 0 and 1, so that they stay as they are.
    """
    unit = scale if x.dtype == np.uint8 else 1.0
    center = (x.mean(axis=0, dtype=np.float64) * unit).astype(np.float32)
    spread = (x.std(axis=0, dtype=np.float64) * unit).astype(np.float32)
    if in_blocks:
        center[-in_blocks:], spread[-in_blocks:] = 0.0, 1.0
    return center, np.where(spread == 0, np.float32(1), spread)


def _label_moments(split: Split) -> tuple[float, float] | None:
    """Mean and sd of labels that are numbers (an sd of 0 becomes 1); None for classes and without labels."""
    if "y" not in split or split["y"].dtype.kind != "f":
        return None
    return float(split["y"].mean(dtype=np.float64)), float(split["y"].std(dtype=np.float64)) or 1.0


def _sha256(splits: dict[str, Split]) -> str:
    digest = hashlib.sha256()
    for name in (*SPLITS, *(["items"] if "items" in splits else [])):
        for key, array in sorted(splits[name].items()):
            digest.update(f"{name}.{key} {array.dtype.str} {array.shape} ".encode())
            for block in sparse.blocks(array):  # sparse or dense, the same rows have the same sha256
                digest.update(block.tobytes())
    return digest.hexdigest()
