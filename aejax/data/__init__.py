"""Data: one file per source, and `prepare`, which makes a Dataset of the rows of every source.

`data.name` names a file here (`digits`, `arrays`), else a prepared TFDS image set. A source has
`read(config.data) -> Rows` (or `Pairs`); `prepare` then does everything else, as its docstring lists.
"""

import difflib
import hashlib
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aejax.data.types import ARE_GREY, Condition, Dataset, Spec
from aejax.errors import UserError

# "x" [N, ...]; if known also "y" [N] int32 codes or float32 numbers, "factors" [N, F] int32, "ids" [N] str, and
# "column:NAME" [N] of numbers or text, which data.condition_columns can name
Split = dict[str, np.ndarray]

SPLITS = ("train", "valid", "test")
MEMORY = "the arrays in memory"  # used in messages in place of a file name
NOT_SOURCES = ("__init__", "conditions", "idx", "tfds", "types")
FROM_PATHS = ("arrays", "binarized_mnist", "books")  # sources that read data.path


class Rows(NamedTuple):
    """What a source returns: its own splits, in its own order, and the names of classes, features and factors."""

    train: Split
    valid: Split | None = None
    test: Split | None = None
    class_names: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()
    factor_names: tuple[str, ...] = ()


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
    """The Dataset of rows x [N, ...] and labels y [N] (or None) in memory, as if `config.data` named a file of them."""
    from aejax.data import arrays

    return prepare(arrays.of_arrays(x, y, config), config, MEMORY)


def prepare(rows: Rows | Pairs, config: Any, where: str) -> Dataset:
    """Turns the rows or pairs of a source into a Dataset; a UserError names the key or file at fault.

    - dtypes: uint8 stays, bool becomes uint8, all else float32. Bytes of images are in units of 1/255, or of 1 if none
      is above 1; bytes of a table are counts, unless all are 0 or 255.
    - support: "binary" if every value is 0 or 1, "unit" if all are in [0, 1], "counts" for a table of whole numbers
      from 0, else "real", in data units.
    - shapes: [H, W] with H, W >= 4 gets a channel axis; [H, W, 1] and [H, W, 3] are images, all else is a table.
    - binarization: "static" draws each value once with its grey value as probability, "threshold" is x >= 0.5, both
      stored as uint8; "dynamic" keeps the grey rows, and each train step draws bits from them. All three need [0, 1].
    - splits: if the source has no test rows, `test_fraction` of its rows become the test rows; then, if it has no
      validation rows, `valid_fraction` of the remaining training rows become those (at least one row if the fraction
      is above 0). One permutation drawn from `split_seed` decides, so neither the test rows nor a static draw depend
      on any other setting.
    - standardize: (x - mean) / sd per feature, fitted on the training rows (sd 1 if a feature is constant).
    - pairs are split by the same rule: test pairs are not seen in training, but their items are.
    """
    if config.standardize and config.binarization != "none":
        raise UserError(f"data.standardize and data.binarization={config.binarization} cannot be combined: remove one")
    if config.label_kind == "number" and rows.class_names:
        raise UserError(
            f"data.label_kind=number does not fit {where}, whose labels are classes: use data.label_kind=class"
        )
    if isinstance(rows, Pairs):
        return _of_pairs(rows, where, config)
    from aejax.data import conditions

    splits = {name: split for name, split in zip(SPLITS, rows[:3], strict=True) if split is not None}
    _check_fractions(splits, where, config)
    splits = {name: _checked(split, f"{where} ({name})", rows.feature_names) for name, split in splits.items()}
    _check_agreement(splits, where)
    xs = [split["x"] for split in splits.values()]
    is_image = _is_image(xs[0].shape[1:])
    scale = _byte_scale(xs, is_image)
    support = _support(xs, scale, is_image)
    if config.binarization != "none":
        if support not in ("binary", "unit"):
            raise UserError(
                f"data.binarization={config.binarization} needs values in [0, 1], but {where} has values outside: "
                f"use data.binarization=none or rescale the data{ARE_GREY if support == 'counts' else ''}"
            )
        support = "binary"
    if config.binarization in ("static", "threshold"):
        splits, scale = _binarized(splits, scale, config), 1.0
    splits = _divided(splits, where, config)
    center = spread = None
    if config.standardize:  # the spec keeps the byte scale, because new bytes are scaled before they are standardized
        center, spread = _moments(splits["train"]["x"], scale)
        support = "real"
        splits = {name: s | {"x": standardized(s["x"], scale, center, spread)} for name, s in splits.items()}
    ids = {name: split.pop("ids") for name, split in splits.items() if "ids" in split}
    splits, given = conditions.encoded(splits, rows, config, where)
    train = splits["train"]["x"]
    mean = train.mean(axis=0, dtype=np.float64) * (scale if train.dtype == np.uint8 else 1.0)
    spec = Spec(
        shape=train.shape[1:],
        kind="image" if is_image else "table",
        support=support,
        byte_scale=scale,
        class_names=rows.class_names if "y" in splits["train"] else (),
        feature_names=rows.feature_names,
        mean=mean.astype(np.float32),
        center=center,
        spread=spread,
        label_moments=_label_moments(splits["train"]),
        factor_names=rows.factor_names,
        conditions=given,
    )
    return Dataset(*(splits[name] for name in SPLITS), spec=spec, ids=ids, sha256=_sha256(splits))


def _check_fractions(splits: dict[str, Split], where: str, config: Any) -> None:
    """Raises UserError if a fraction is chosen for a split that the source already has."""
    from aejax.keys import KEYS  # which reads the names of the sources

    for name, words in (("valid", "validation"), ("test", "test")):
        path = f"data.{name}_fraction"
        if name in splits and config[f"{name}_fraction"] != KEYS[path].default:
            raise UserError(f"{path} has no effect: {where} has its own {words} rows: leave it out")


class NewRows(NamedTuple):
    """New samples for a trained run; None where the file has none."""

    x: np.ndarray  # [N, *shape]
    y: np.ndarray | None  # [N]
    ids: np.ndarray | None  # [N]
    c: np.ndarray | None  # [N, J], the run's conditions


def read_new(path: str, config: Any, spec: Spec) -> NewRows:
    """Reads new samples (.npz `x`[, `y`, `ids`], .npy, .csv) for a trained run.

    `config` is the run's `config.data` (delimiter, columns, transpose; label and id columns may be absent). Columns of
    a table are matched by name; flat rows are reshaped to the run's shape. Floats must be in data units; if the run is
    standardized, its mean and sd are applied here. Bytes are scaled by the rule of `prepare`: they stay uint8 if that
    is the run's own scale, else they are returned as float32 in data units. With "threshold" the rows are thresholded;
    with "static" they keep their grey values. y holds codes of the run's classes, or numbers if the run's labels are
    numbers. Raises UserError for a wrong shape, values outside the run's [0, 1], or a label or category that is not in
    the run.
    """
    from aejax.data import arrays, conditions

    if spec.kind == "pairs":
        raise UserError(f"{path}: this run was trained on pairs and can embed only its own items: omit the file")
    splits, names = arrays.read_file(path, config, new=True)
    if set(splits) != {"train"}:
        raise UserError(f"{path} has several splits: new samples must be one array `x`")
    split = _checked(splits["train"], path, names)
    x = _as_trained(split["x"], path, names, config, spec)
    y, ids = _new_labels(split, path, config, spec), split.get("ids")
    return NewRows(x, y, ids, conditions.of_new(spec.conditions, split, config, path))


def new_rows(x: np.ndarray, config: Any, spec: Spec) -> np.ndarray:
    """New rows x [N, ...] in memory, as `read_new` returns them from a file; for pairs, the indices [N] of items."""
    if spec.kind == "pairs":
        if x.ndim != 1 or x.dtype.kind not in "iu" or not len(x) or x.min() < 0 or x.max() >= spec.sizes[0]:
            raise UserError(
                f"x has shape {x.shape} and dtype {x.dtype}: a run trained on pairs expects the indices [N] of "
                f"its items, integers from 0 to {spec.sizes[0] - 1}"
            )
        return x.astype(np.int32)
    if x.ndim < 2 or x.shape == spec.shape:
        expected = ", ".join(map(str, ("N", *spec.shape)))
        raise UserError(f"x has shape {x.shape}, expected [{expected}]: pass a single row as x[None]")
    return _as_trained(_checked({"x": x}, MEMORY, ())["x"], MEMORY, (), config, spec)


def _as_trained(x: np.ndarray, where: str, names: tuple[str, ...], config: Any, spec: Spec) -> np.ndarray:
    """Checked rows in the run's shape, scaled, thresholded and standardized as its training rows were."""
    x = _shaped(x, where, names, spec)
    is_grey = spec.kind == "image" or spec.byte_scale != 1.0
    scale = _byte_scale([x], is_grey)
    support, bounded = _support([x], scale, is_grey), spec.bounded or spec.byte_scale != 1.0
    if bounded and support not in ("binary", "unit"):
        raise UserError(
            f"{where}: x lies in [{x.min():g}, {x.max():g}], but the run was trained on data in [0, 1]: rescale x"
        )
    if spec.support == "counts" and support not in ("binary", "counts"):
        raise UserError(f"{where}: the run was trained on counts, but x has other numbers: give whole numbers from 0")
    if x.dtype == np.uint8 and scale != spec.byte_scale:
        x = x * np.float32(scale)
    if config.binarization == "threshold":
        x = (x >= 0.5).astype(np.uint8)
    if spec.center is not None and spec.spread is not None:
        x = standardized(x, spec.byte_scale, spec.center, spec.spread)
    return x


def spec_to_json(spec: Spec) -> dict[str, Any]:
    """A Spec as JSON types, with arrays as lists of floats; `spec_from_json` restores it to the bit."""
    values: dict[str, Any] = {}
    for key, value in spec._asdict().items():
        values[key] = value.tolist() if isinstance(value, np.ndarray) else value
        values[key] = list(value) if isinstance(value, tuple) else values[key]
    values["conditions"] = [[name, list(categories), *rest] for name, categories, *rest in spec.conditions]
    return values


def spec_from_json(values: dict[str, Any]) -> Spec:
    """The Spec that `spec_to_json` wrote, also if it was read back from a JSON file."""
    fields: dict[str, Any] = {key: tuple(values[key]) for key in ("shape", "class_names", "feature_names", "sizes")}
    fields["factor_names"] = tuple(values.get("factor_names", ()))
    fields["conditions"] = tuple(
        Condition(name, tuple(categories), *numbers) for name, categories, *numbers in values.get("conditions", ())
    )
    if moments := values.get("label_moments"):
        fields["label_moments"] = tuple(moments)
    for key in ("mean", "center", "spread"):
        fields[key] = None if values[key] is None else np.asarray(values[key], np.float32)
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
    near = difflib.get_close_matches(word, choices, n=1)
    listed = ", ".join(choices[:10]) + (", ..." if len(choices) > 10 else "")
    return (f"did you mean {near[0]!r}? " if near else "") + f"known names are {listed}"


def _source(name: str) -> Any:
    return importlib.import_module(f"aejax.data.{name if name in sources() else 'tfds'}")


def _of_pairs(rows: Pairs, where: str, config: Any) -> Dataset:
    """The pairs in three splits, with the "count" of each context; UserError for settings that need an x."""
    for key in ("binarization", "standardize"):
        if config[key] not in ("none", False):
            raise UserError(f"data.{key}={config[key]} does not apply to pairs ({where}): remove it")
    splits = _divided({"train": rows.columns}, where, config)
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


def _checked(split: Split, where: str, feature_names: tuple[str, ...]) -> Split:
    """The split with x as uint8 or finite float32 and with a channel axis; UserError if its rows do not fit."""
    x = split["x"]
    if x.dtype.kind not in "biuf":
        raise UserError(f"{where}: x has dtype {x.dtype}: it must be numeric (float32 or uint8)")
    if x.ndim < 2:
        raise UserError(f"{where}: x has shape {x.shape}: expected [rows, features] or [rows, height, width, ...]")
    if x.size == 0:
        raise UserError(f"{where}: x is empty (its shape is {x.shape}): give at least one row and one feature")
    if x.dtype.kind == "b":
        x = x.astype(np.uint8)
    elif x.dtype != np.uint8:
        with np.errstate(over="ignore"):
            x = x.astype(np.float32)
        finite = np.isfinite(x)
        if not finite.all():
            row, *feature = (int(i) for i in np.unravel_index(np.argmin(finite), x.shape))
            name = repr(feature_names[feature[0]]) if feature_names else ", ".join(map(str, feature))
            raise UserError(
                f"{where}: row {row} (counted from 0), feature {name}: x is {split['x'][row, *feature]}, "
                "not a finite float32: fix or drop the row"
            )
    for key in split:
        if key not in ("x", "factors") and split[key].shape != (len(x),):
            raise UserError(
                f"{where}: {key} has shape {split[key].shape}, but x has {len(x)} rows: expected [{len(x)}]"
            )
    if x.ndim == 3 and min(x.shape[1:]) >= 4:
        x = x[..., None]
    return split | {"x": x}


def _check_agreement(splits: dict[str, Split], where: str) -> None:
    """All splits must have the shape, the byte-or-float dtype and the labels or ids of the training rows."""
    train = splits["train"]
    for name, split in splits.items():
        if split["x"].shape[1:] != train["x"].shape[1:]:
            shapes = f"train rows have shape {train['x'].shape[1:]}, {name} rows have {split['x'].shape[1:]}"
            raise UserError(f"{where}: {shapes}: use one shape for all splits")
        if split["x"].dtype != train["x"].dtype:
            dtypes = f"train rows are {train['x'].dtype}, {name} rows are {split['x'].dtype}"
            raise UserError(f"{where}: {dtypes}: use one dtype for all splits")
        if different := sorted(set(split) ^ set(train)):
            raise UserError(f"{where}: `{different[0]}` must be in every split or in none, but train and {name} differ")


def _byte_scale(xs: list[np.ndarray], is_image: bool) -> float:
    """1/255 for bytes that are grey values: those of images, unless all are 0 or 1, and of tables that are 0 or 255."""
    if xs[0].dtype != np.uint8 or max(x.max() for x in xs) <= 1:
        return 1.0
    return 1.0 / 255.0 if is_image or all(((x == 0) | (x == 255)).all() for x in xs) else 1.0


def _support(xs: list[np.ndarray], scale: float, is_image: bool) -> str:
    one = 255 if scale != 1.0 else 1
    if all(((x == 0) | (x == one)).all() for x in xs):
        return "binary"
    if all(x.min() >= 0 and x.max() <= one for x in xs):
        return "unit"
    whole = all(x.min() >= 0 and (x == np.round(x)).all() for x in xs)
    return "counts" if whole and not is_image else "real"


def _is_image(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and min(shape[:2]) >= 4 and shape[2] in (1, 3)


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


def _divided(splits: dict[str, Split], where: str, config: Any) -> dict[str, Split]:
    """All three splits; those that the source lacks are taken from its training rows, in the source's order."""
    train = splits["train"]
    count = len(next(iter(train.values())))
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
    taken = {name: {key: rows[np.sort(part)] for key, rows in train.items()} for name, part in parts.items()}
    return taken | {name: split for name, split in splits.items() if name != "train"}


def _share(fraction: float, count: int) -> int:
    return max(1, round(fraction * count)) if fraction else 0


def _moments(x: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean and sd of each feature in data units, float32; an sd of 0 (a constant feature) becomes 1."""
    unit = scale if x.dtype == np.uint8 else 1.0
    center = (x.mean(axis=0, dtype=np.float64) * unit).astype(np.float32)
    spread = (x.std(axis=0, dtype=np.float64) * unit).astype(np.float32)
    return center, np.where(spread == 0, np.float32(1), spread)


def _label_moments(split: Split) -> tuple[float, float] | None:
    """Mean and sd of labels that are numbers (an sd of 0 becomes 1); None for classes and without labels."""
    if "y" not in split or split["y"].dtype.kind != "f":
        return None
    return float(split["y"].mean(dtype=np.float64)), float(split["y"].std(dtype=np.float64)) or 1.0


def _new_labels(split: Split, path: str, config: Any, spec: Spec) -> np.ndarray | None:
    """The labels [N] of new samples, as codes of the run's classes or as numbers; None if they or the run have none."""
    from aejax.data import arrays

    if "y" in split and spec.label_moments:
        return arrays.label_numbers(split["y"], path)
    return arrays.known_codes(split["y"], spec.class_names, path) if "y" in split and spec.class_names else None


def _shaped(x: np.ndarray, path: str, names: tuple[str, ...], spec: Spec) -> np.ndarray:
    """New rows [N, ...] in the run's columns and shape."""
    if names and spec.feature_names and names != spec.feature_names:
        if different := sorted(set(names) ^ set(spec.feature_names)):
            fault = "is not in the run's data" if different[0] in names else "is missing"
            raise UserError(f"{path}: column {different[0]!r} {fault}: the columns must match the run's features")
        place = {name: column for column, name in enumerate(names)}
        x = x[:, [place[name] for name in spec.feature_names]]
    if x.shape[1:] != spec.shape and x.shape[1:] != (np.prod(spec.shape),):
        raise UserError(f"{path}: the rows have shape {x.shape[1:]}, but the run was trained on rows of {spec.shape}")
    return x.reshape(-1, *spec.shape)


def _sha256(splits: dict[str, Split]) -> str:
    digest = hashlib.sha256()
    for name in (*SPLITS, *(["items"] if "items" in splits else [])):
        for key, array in sorted(splits[name].items()):
            digest.update(f"{name}.{key} {array.dtype.str} {array.shape} ".encode())
            digest.update(array.tobytes())
    return digest.hexdigest()
