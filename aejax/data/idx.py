"""Prepares MNIST and its variants for TFDS without TensorFlow: from their raw IDX files to array_record.

IDX (http://yann.lecun.com/exdb/mnist): two zero bytes, the type (8: uint8), the number of dimensions, the size of each
as a big-endian uint32, then the values. The rows are written where `tfds.data_source(NAME)` looks for them, in TFDS's
order.
"""

import gzip
import hashlib
import importlib.resources
import io
import math
import os
import shutil
import struct
import sys
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from aejax.errors import UserError

VERSION = "3.0.1"  # of TFDS's builders, the same for all of them
FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}
CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion_mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    "kmnist": ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
}


def prepare(name: str, data_dir: Path, source: str = "", verify: bool = True) -> None:
    """Writes DATA_DIR/NAME/VERSION from the raw .gz files in `source` or from downloads; a UserError names the files.

    The files must have the checksums that TFDS lists; `verify=False` is for tests, which use other files.
    """
    folder = Path(source).expanduser() if source else data_dir / "downloads" / name
    files = [file for pair in FILES.values() for file in pair]
    listed = _listed(name)
    if source:
        if missing := [file for file in files if not (folder / file).is_file()]:
            raise UserError(f"--source={source}: {', '.join(missing)} missing: put the raw files of {name} there")
    else:
        _download({file: listed[file][0] for file in files}, folder)
    for file in files if verify else ():
        if hashlib.sha256((folder / file).read_bytes()).hexdigest() != listed[file][1]:
            if not source:
                (folder / file).unlink()  # so that the next call downloads it again
            raise UserError(
                f"{folder / file} has the wrong sha256 (damaged, or a different file): download it again from "
                f"{listed[file][0]}"
            )
    try:
        _build(name, data_dir, folder)
    except OSError as error:
        raise UserError(f"--data_dir={data_dir}: cannot write {name} there: {error}") from error


def library(needed_by: str) -> Any:
    """The module tensorflow_datasets; raises UserError that names what needs it if it is not installed."""
    try:
        import tensorflow_datasets
    except ImportError as error:
        raise UserError(f"{needed_by} needs TensorFlow Datasets (not TensorFlow): pip install 'aejax[tfds]'") from error
    return tensorflow_datasets


def _listed(name: str) -> dict[str, tuple[str, str]]:
    """File -> URL and sha256, from the list that comes with TFDS: lines of URL, bytes, sha256, file."""
    text = importlib.resources.files(library(f"--name={name}")).joinpath(f"url_checksums/{name}.txt").read_text()
    return {file: (url, sha256) for url, _, sha256, file in (line.split("\t") for line in text.splitlines())}


def _download(urls: dict[str, str], folder: Path) -> None:
    """Downloads the missing files; each is written completely or not at all."""
    for file, url in urls.items():
        if (folder / file).is_file():
            continue
        partial = folder / f"{file}.{os.getpid()}.partial"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                folder.mkdir(parents=True, exist_ok=True)
                with open(partial, "wb") as out:
                    shutil.copyfileobj(answer, out)
            os.replace(partial, folder / file)
        except OSError as error:  # URLError and timeouts are OSErrors; TFDS itself would try for 200 s
            partial.unlink(missing_ok=True)
            raise UserError(
                f"cannot download {url} into {folder} ({error}): put {', '.join(urls)} into a directory and pass "
                "--source=DIRECTORY"
            ) from error


def _build(name: str, data_dir: Path, folder: Path) -> None:
    import tensorflow_datasets as tfds

    arrays = {split: tuple(_read_idx(folder / file) for file in pair) for split, pair in FILES.items()}
    for split, (images, labels) in arrays.items():
        if images.ndim != 3 or labels.shape != images.shape[:1]:
            raise UserError(
                f"{folder}: {split} images {images.shape} do not match labels {labels.shape}: check the raw files"
            )

    class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version(VERSION)

        def _info(self) -> Any:
            image = tfds.features.Image(shape=(*arrays["train"][0].shape[1:], 1))
            label = tfds.features.ClassLabel(names=CLASSES[name])
            features = tfds.features.FeaturesDict({"image": image, "label": label})
            return tfds.core.DatasetInfo(builder=self, features=features, supervised_keys=("image", "label"))

        def _split_generators(self, dl_manager: Any) -> dict[str, Iterator]:
            return {split: self._generate_examples(*pair) for split, pair in arrays.items()}

        def _generate_examples(self, images: np.ndarray, labels: np.ndarray) -> Iterator[tuple[int, dict[str, Any]]]:
            for row, (image, label) in enumerate(zip(images, labels, strict=True)):
                yield row, {"image": _png(image), "label": int(label)}  # an array would be encoded by TensorFlow

    Builder.name = name
    builder = Builder(data_dir=data_dir, file_format="array_record")  # parquet silently loses rows
    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    with redirect_stdout(io.StringIO()):
        builder.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))


def _read_idx(path: Path) -> np.ndarray:
    try:
        raw = gzip.decompress(path.read_bytes())
        zero, kind, rank = struct.unpack(">HBB", raw[:4])
        shape = struct.unpack(f">{rank}I", raw[4 : 4 + 4 * rank])
        values = np.frombuffer(raw, np.uint8, offset=4 + 4 * rank)
    except (OSError, EOFError, struct.error, zlib.error, ValueError) as error:
        raise UserError(f"{path} is not a gzipped IDX file: download it again ({error})") from error
    if zero or kind != 8 or len(values) != math.prod(shape):
        raise UserError(f"{path} is not an IDX file of uint8: download it again")
    return values.reshape(shape)


def _png(image: np.ndarray) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(image).save(out, "png")
    return out.getvalue()
