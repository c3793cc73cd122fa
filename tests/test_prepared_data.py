"""Prepared image sets: raw files, downloads, the cache, what TFDS itself reads, and the genuine MNIST."""

import gzip
import io
import os
import shutil
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aejax import data
from aejax.data import idx, tfds
from aejax.errors import UserError
from tests.conftest import ROOT
from tests.test_data import assert_one_line, config, rows_by_value


def idx_files(folder, seed=0):
    """Tiny raw files in MNIST's format: the first pixel of an image is its label."""
    folder.mkdir()
    generator = np.random.default_rng(seed)
    for split, count in (("train", 40), ("test", 12)):
        images = generator.integers(0, 256, (count, 6, 5)).astype(np.uint8)
        labels = generator.integers(0, 10, count).astype(np.uint8)
        images[:, 0, 0] = labels
        for file, array in zip(idx.FILES[split], (images, labels), strict=True):
            header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            (folder / file).write_bytes(gzip.compress(header + array.tobytes()))
    return folder


def prepared(name, data_dir):
    """The directory of a prepared set, which must exist."""
    directory = tfds.find(name, data_dir)
    assert directory is not None
    return directory


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """(raw files, data directory): a prepared set called fashion_mnist that is not the genuine one."""
    folder = tmp_path_factory.mktemp("tiny")
    idx.prepare("fashion_mnist", folder / "data", str(idx_files(folder / "raw")), verify=False)
    return folder / "raw", folder / "data"


def test_a_prepared_set_holds_the_raw_rows(tiny, monkeypatch):
    raw, data_dir = tiny
    loaded = data.load(config("fashion_mnist", data_dir=str(data_dir), valid_fraction=0.25))
    assert [len(split["x"]) for split in loaded[:3]] == [30, 10, 12]
    assert loaded.spec.shape == (6, 5, 1) and loaded.spec.kind == "image" and loaded.train["x"].dtype == np.uint8
    assert loaded.spec.class_names[9] == "Ankle boot" and loaded.ids == {}
    for split in loaded[:3]:
        np.testing.assert_array_equal(split["x"][:, 0, 0, 0], split["y"])
    for name, splits in (("train", loaded[:2]), ("test", loaded[2:3])):
        images = gzip.decompress((raw / idx.FILES[name][0]).read_bytes())[16:]
        assert rows_by_value(*splits) == sorted(images[at : at + 30] for at in range(0, len(images), 30))
    directory = prepared("fashion_mnist", data_dir)
    assert tfds.row_counts(directory) == {"train": 40, "test": 12}
    monkeypatch.setattr(tfds, "BATCH", 7)
    assert rows_by_value(tfds._decode(idx.library(""), directory).train) == rows_by_value(*loaded[:2])


def test_the_cache_is_used_and_rebuilt_when_damaged(tiny, monkeypatch):
    keys = config("fashion_mnist", data_dir=str(tiny[1]))
    first = data.load(keys).sha256
    (cache,) = prepared("fashion_mnist", tiny[1]).glob("aejax_*.npz")
    whole = cache.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(tfds, "_decode", None)
        assert data.load(keys).sha256 == first
    wrong = [whole[:end] for end in (0, 100, len(whole) // 2, len(whole) - 1)]
    wrong += [whole[:at] + bytes([whole[at] ^ 16]) + whole[at + 1 :] for at in range(0, len(whole), 499)]
    for raw in wrong:
        cache.write_bytes(raw)
        assert data.load(keys).sha256 == first
    assert [path.name for path in cache.parent.glob("aejax_*")] == [cache.name]


def test_the_cache_follows_the_content_and_may_be_unwritable(tiny, tmp_path, monkeypatch):
    idx.prepare("fashion_mnist", tmp_path, str(idx_files(tmp_path / "raw", seed=1)), verify=False)
    keys = config("fashion_mnist", data_dir=str(tmp_path))
    directory = prepared("fashion_mnist", tmp_path)
    data.load(config("fashion_mnist", data_dir=str(tiny[1])))
    (stale,) = prepared("fashion_mnist", tiny[1]).glob("aejax_*.npz")
    (directory / stale.name).write_bytes(stale.read_bytes())  # another set's cache is not this one's
    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", lambda *_, **__: (_ for _ in ()).throw(OSError("disk full")))
        uncached = data.load(keys).sha256
    assert uncached != data.load(config("fashion_mnist", data_dir=str(tiny[1]))).sha256
    assert [path.name for path in directory.glob("aejax_*")] == [stale.name]
    assert data.load(keys).sha256 == uncached and len(list(directory.glob("aejax_*"))) == 2


def test_a_checksum_that_is_not_listed_names_the_file(tiny, tmp_path):
    with pytest.raises(UserError) as error:
        idx.prepare("fashion_mnist", tmp_path, str(tiny[0]))
    assert_one_line(error, "train-images-idx3-ubyte.gz", "sha256")
    assert not list(tmp_path.iterdir())


def test_a_data_directory_that_cannot_be_written_is_named(tiny, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError) as error:
        idx.prepare("mnist", tmp_path / "file", str(tiny[0]), verify=False)
    assert_one_line(error, f"--data_dir={tmp_path / 'file'}")


def test_missing_raw_files_are_all_named(tiny, tmp_path):
    source = idx_files(tmp_path / "raw")
    for file in ("train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        (source / file).unlink()
    with pytest.raises(UserError) as error:
        idx.prepare("mnist", tmp_path, str(source))
    assert_one_line(error, f"--source={source}", "train-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz")


BAD_IDX = {
    "empty": b"",
    "no gzip": b"no gzip",
    "no header": gzip.compress(b"\0\0"),
    "no deflate": gzip.compress(b"")[:10] + b"\xff" * 20,
    "too few values": gzip.compress(b"\0\0\x08\1\0\0\0\x09ab"),
}


@pytest.mark.parametrize("raw", BAD_IDX.values(), ids=BAD_IDX)
def test_damaged_raw_files_are_named(raw, tmp_path):
    source = idx_files(tmp_path / "raw")
    (source / "train-labels-idx1-ubyte.gz").write_bytes(raw)
    with pytest.raises(UserError) as error:
        idx.prepare("mnist", tmp_path, str(source), verify=False)
    assert_one_line(error, "train-labels-idx1-ubyte.gz")


def test_downloads_are_kept_and_verified(tiny, tmp_path, monkeypatch):
    fetched = []

    def fetch(url, timeout):
        assert timeout <= 10
        fetched.append(url)
        return io.BytesIO((tiny[0] / url.split("/")[-1]).read_bytes())

    monkeypatch.setattr(urllib.request, "urlopen", fetch)
    with pytest.raises(UserError) as error:
        idx.prepare("mnist", tmp_path)
    assert_one_line(error, "sha256", "https://storage.googleapis.com/cvdf-datasets/mnist/")
    assert len(fetched) == 4
    idx.prepare("mnist", tmp_path, verify=False)
    assert len(fetched) == 5  # only the file that had failed
    assert tfds.row_counts(prepared("mnist", tmp_path)) == {"train": 40, "test": 12}


def test_a_failed_download_says_at_once_which_files_go_where(tmp_path, monkeypatch):
    def refuse(url, timeout):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(UserError) as error:
        idx.prepare("kmnist", tmp_path)
    assert_one_line(error, "no network", "--source=", *(file for pair in idx.FILES.values() for file in pair))
    assert not list(tmp_path.rglob("*.partial"))


def test_a_missing_set_answers_at_once_with_the_command(tiny, tmp_path, monkeypatch):
    start = time.perf_counter()
    with pytest.raises(UserError) as error:
        data.load(config("mnist", data_dir=str(tmp_path)))
    assert time.perf_counter() - start < 1
    assert_one_line(error, f"data.name=mnist is not prepared in {tmp_path}: run `python -m experiments.prepare_data")
    assert f"--data_dir={tmp_path}" in str(error.value)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tiny[1]))
    with pytest.raises(UserError) as error:
        data.load(config("mnist"))
    assert_one_line(error, f"not prepared in {tiny[1]}:", "--name=mnist [--source=DIR]`")
    with pytest.raises(UserError) as error:
        data.load(config("digit"))
    assert_one_line(error, "data.name=digit", "did you mean 'digits'", "arrays", "fashion_mnist", "tfds build")
    data.load(config("fashion_mnist"))


def test_other_formats_and_unfinished_sets_are_refused(tiny, tmp_path):
    copy = tmp_path / "old" / "1.0.0"
    copy.mkdir(parents=True)
    for path in prepared("fashion_mnist", tiny[1]).glob("*.*"):
        if not path.name.startswith("aejax_"):
            (copy / path.name).write_bytes(path.read_bytes().replace(b'"array_record"', b'"tfrecord"'))
    with pytest.raises(UserError) as error:
        data.load(config("old", data_dir=str(tmp_path)))
    assert_one_line(error, "old/1.0.0", "tfrecord", "array_record")
    copy.rename(tmp_path / "old" / "incomplete.X_1.0.0")
    assert tfds.find("old", tmp_path) is None


@pytest.mark.parametrize("file", ["fashion_mnist-train.array_record-00000-of-00001", "dataset_info.json"])
def test_a_damaged_set_is_named(file, tiny, tmp_path):
    shutil.copytree(tiny[1], tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("aejax_*"))
    path = prepared("fashion_mnist", tmp_path) / file
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError) as error:
        data.load(config("fashion_mnist", data_dir=str(tmp_path)))
    assert_one_line(error, str(path.parent), "prepare it again")


def test_the_newest_version_is_read(tmp_path):
    for version in ("3.0.1", "10.0.0", "9.0.0"):
        (tmp_path / "set" / version).mkdir(parents=True)
        (tmp_path / "set" / version / "dataset_info.json").write_text("{}")
    assert tfds.find("set", tmp_path) == tmp_path / "set" / "10.0.0"


# without TFDS, which only the extra `tfds` installs


def test_without_tfds_a_prepared_set_names_the_extra(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    shutil.copytree(tiny[1], tmp_path / "data", ignore=shutil.ignore_patterns("aejax_*"))
    with pytest.raises(UserError) as error:
        data.load(config("fashion_mnist", data_dir=str(tmp_path / "data")))
    assert_one_line(error, "data.name=fashion_mnist needs TensorFlow Datasets", "pip install 'aejax[tfds]'")
    with pytest.raises(UserError) as error:
        idx.prepare("mnist", tmp_path, str(tiny[0]))
    assert_one_line(error, "--name=mnist needs TensorFlow Datasets", "pip install 'aejax[tfds]'")


# the launcher and the genuine files


def launch(*arguments):
    command = [sys.executable, "-m", "experiments.prepare_data", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)


@pytest.mark.slow
def test_the_launcher_says_what_is_there_and_what_it_cannot_prepare(tiny, tmp_path):
    there = launch("--name=fashion_mnist", f"--data_dir={tiny[1]}")
    assert there.returncode == 0 and "already prepared" in there.stdout and "40 train rows" in there.stdout
    for arguments, words in (
        (["--name=cifar10"], ["--name=cifar10", "mnist, fashion_mnist, kmnist", "tfds build"]),
        (["--name=mnist", f"--source={tmp_path}"], ["train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"]),
    ):
        refused = launch(*arguments, f"--data_dir={tmp_path}")
        assert refused.returncode == 2 and refused.stdout == "" and refused.stderr.count("\n") == 1
        assert all(word in refused.stderr for word in words), refused.stderr


@pytest.fixture(scope="session")
def mnist(tmp_path_factory):
    """A data directory with the genuine MNIST, prepared by the launcher."""
    raw = os.environ.get("AEJAX_RAW_DATA")
    if not raw or not (Path(raw) / "mnist").is_dir():
        pytest.skip("AEJAX_RAW_DATA names no directory with mnist/*.gz: the genuine files are not tested")
    data_dir = tmp_path_factory.mktemp("mnist")
    done = launch("--name=mnist", f"--source={Path(raw) / 'mnist'}", f"--data_dir={data_dir}")
    assert done.returncode == 0 and "60000 train rows" in done.stdout, done.stderr
    return data_dir


@pytest.mark.slow
def test_the_genuine_mnist_is_tfds_own(mnist, monkeypatch):
    """Decodes only one of the two splits: the other would take TFDS a quarter of a minute."""
    import tensorflow_datasets

    monkeypatch.setattr(tfds, "TFDS_SPLITS", {"train": "test"})
    loaded = tfds._decode(idx.library(""), prepared("mnist", mnist)).train
    raw = gzip.decompress((Path(os.environ["AEJAX_RAW_DATA"]) / "mnist" / idx.FILES["test"][0]).read_bytes())[16:]
    assert rows_by_value(loaded) == sorted(raw[at : at + 784] for at in range(0, len(raw), 784))
    for split, labels in (("train", [4, 1, 0, 7, 8, 1, 2, 7, 1, 6]), ("test", loaded["y"][:10].tolist())):
        stock: Any = tensorflow_datasets.data_source("mnist", split=split, data_dir=mnist, download=False)
        assert [item["label"] for item in stock.__getitems__(range(10))] == labels  # in the order of TFDS
