"""Any image set that TensorFlow Datasets has prepared in the array_record format, read without TensorFlow.

A prepared set is DATA_DIR/NAME/VERSION (NAME may be SET/CONFIG) with the features `image` and, if there are classes,
`label`; the splits train, validation and test are used. It is decoded once: the arrays are cached uncompressed
next to its records, under a name with the sha256 of the set's files, and later runs read the cache.
"""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from aejax.data import SPLITS, Rows, Split, idx, nearest, sources
from aejax.errors import UserError, closest

CACHE = "aejax_"  # prefix of our own files
BATCH = 1000  # rows decoded at a time; twice as fast as one by one
TFDS_SPLITS = dict(zip(SPLITS, ("train", "validation", "test"), strict=True))


def read(config: Any) -> Rows:
    """The images [N, height, width, channels] uint8 and labels of `config.name`; UserError if it is not prepared."""
    directory = find(config.name, root(config.data_dir))
    if directory is None:
        raise UserError(_how_to_prepare(config.name, config.data_dir))
    cache = directory / f"{CACHE}{_content(directory)[:16]}.npz"
    rows = _restore(cache)
    if rows is None:
        library = idx.library(f"data.name={config.name}")
        try:
            rows = _decode(library, directory)
        except UserError:
            raise
        except Exception as error:  # TFDS, protobuf, array_record and PIL raise different errors for damaged files
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise UserError(f"cannot read {directory}: delete it and prepare it again ({reason})") from error
        _store(cache, rows)
    return rows


def root(data_dir: str) -> Path:
    """The directory of the prepared sets: `data_dir`, else TFDS_DATA_DIR, else the default of TFDS."""
    return Path(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()


def find(name: str, data_dir: Path) -> Path | None:
    """The directory of the newest prepared version; None if there is none."""
    return max(_versions(data_dir / name), key=lambda path: [int(part) for part in path.name.split(".")], default=None)


def row_counts(directory: Path) -> dict[str, int]:
    """The number of rows of each split of a prepared set."""
    info = json.loads((directory / "dataset_info.json").read_text())
    return {split["name"]: sum(int(length) for length in split["shardLengths"]) for split in info["splits"]}


def _versions(folder: Path) -> list[Path]:
    """The complete versions; TFDS calls a version `incomplete...` until it is written."""
    found = (path.parent for path in folder.glob("*/dataset_info.json"))
    return [path for path in found if re.fullmatch(r"\d+\.\d+\.\d+", path.name)]


def _how_to_prepare(name: str, data_dir: str) -> str:
    where = root(data_dir)
    if name in idx.CLASSES:
        there = f" --data_dir={data_dir}" if data_dir else ""
        command = f"python -m experiments.prepare_data --name={name} [--source=DIR]{there}"
        return f"data.name={name} is not prepared in {where}: run `{command}`"
    folders = [path for pattern in ("*", "*/*") for path in where.glob(pattern) if path.is_dir() and _versions(path)]
    known = sorted({*sources(), *idx.CLASSES, *(path.relative_to(where).as_posix() for path in folders)})
    unknown = f"data.name={name} is neither a source nor prepared in {where}"
    if (near := closest(name, known)) in idx.CLASSES and find(near, where) is None:
        return f"{unknown}; did you mean {near!r}? {_how_to_prepare(near, data_dir)}"
    return (
        f"{unknown}: {nearest(name, known)}; to prepare another "
        "TFDS image set, install TensorFlow and run `tfds build NAME --file_format=array_record`"
    )


def _content(directory: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(directory.iterdir()):
        if path.is_file() and not path.name.startswith(CACHE):
            digest.update(f"{path.name} {path.stat().st_size} ".encode())
            with open(path, "rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _decode(library: Any, directory: Path) -> Rows:
    from absl import logging

    builder = library.builder_from_directory(directory)
    form = builder.info.file_format.value
    if form != "array_record":
        raise UserError(
            f"{directory} has the format {form}, which needs TensorFlow or loses rows: "
            "prepare it as array_record in another data.data_dir"
        )
    features = builder.info.features
    if "image" not in features or None in features["image"].shape:
        raise UserError(
            f"{directory} has no feature `image` of a fixed shape, only {', '.join(features)}: use another data set"
        )
    if "train" not in builder.info.splits:
        raise UserError(
            f"{directory} has no split `train`, only {', '.join(builder.info.splits)}: use another data set"
        )
    names = getattr(features["label"], "names", None) if "label" in features else None
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)  # TFDS advertises OpenCV
    splits = {
        ours: _split(builder.as_data_source(split=theirs), features["image"], labeled=names is not None)
        for ours, theirs in TFDS_SPLITS.items()
        if theirs in builder.info.splits
    }
    logging.set_verbosity(verbosity)
    return Rows(splits["train"], splits.get("valid"), splits.get("test"), tuple(names or ()))


def _split(source: Any, image: Any, labeled: bool) -> Split:
    x = np.empty((len(source), *image.shape), image.np_dtype)
    y = np.empty(len(source), np.int32)
    for start in range(0, len(source), BATCH):
        items = source.__getitems__(range(start, min(start + BATCH, len(source))))
        for row, item in enumerate(items, start):
            x[row] = item["image"]
            y[row] = item["label"] if labeled else 0
    return {"x": x, "y": y} if labeled else {"x": x}


def _restore(cache: Path) -> Rows | None:
    """The cached rows; None if there is no cache or a damaged one (each array has a checksum in the zip)."""
    try:
        with open(cache, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        splits: dict[str, Split] = {name: {} for name in SPLITS}
        for name in arrays.keys() - {"class_names"}:
            key, split = name.split("_")
            splits[split][key] = arrays[name]
        train, valid, test = (splits[name] or None for name in SPLITS)
        return Rows(train, valid, test, tuple(arrays["class_names"].tolist())) if train else None
    except Exception:  # numpy and zipfile raise many errors for damaged files; all mean: decode again
        return None


def _store(cache: Path, rows: Rows) -> None:
    """Writes the cache completely or not at all; without a cache the set is decoded each time."""
    splits = {name: split for name, split in zip(SPLITS, rows[:3], strict=True) if split is not None}
    arrays: dict[str, Any] = {f"{key}_{name}": array for name, split in splits.items() for key, array in split.items()}
    partial = cache.with_suffix(f".{os.getpid()}.partial")
    try:
        with open(partial, "wb") as file:
            np.savez(file, class_names=np.array(rows.class_names, str), **arrays)
        os.replace(partial, cache)
    except OSError:
        partial.unlink(missing_ok=True)
