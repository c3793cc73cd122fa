"""Folders of images, from the files to the codes of new ones: each is read as its pixels are, or names its remedy."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from aejax import data
from aejax.data import new_rows, readers, summary
from tests.test_cases import refused
from tests.test_data import config

RNG = np.random.default_rng(0)
COLORED = RNG.integers(0, 256, (12, 6, 5, 3), np.uint8)


def write(folder, names, images: Any = COLORED):
    """Writes images as files with these names below the folder."""
    for name, image in zip(names, images, strict=False):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / name)
    return folder


def pets(folder, number=12, **others):
    return write(folder, [f"{'cat' if i % 2 else 'dog'}/{i:02}.png" for i in range(number)], **others)


def read(folder, **keys):
    return readers.read(str(folder), config("arrays", **keys))


def test_subfolders_are_classes_and_paths_are_ids(tmp_path):
    found = read(pets(tmp_path))
    assert found.names == () and found.notes == () and list(found.splits) == ["train"]
    split = found.splits["train"]
    assert split["x"].dtype == np.uint8 and split["ids"].tolist()[:2] == ["cat/01.png", "cat/03.png"]
    assert split["y"].tolist() == ["cat"] * 6 + ["dog"] * 6
    np.testing.assert_array_equal(split["x"], np.concatenate([COLORED[1::2], COLORED[::2]]))


def test_images_without_subfolders_have_no_classes_and_grey_ones_one_channel(tmp_path):
    split = read(write(tmp_path, [f"{i:02}.png" for i in range(12)], COLORED[..., 0])).splits["train"]
    assert set(split) == {"x", "ids"}
    np.testing.assert_array_equal(split["x"], COLORED[..., :1])


def test_folders_may_hold_the_splits(tmp_path):
    for name in ("train", "test"):
        pets(tmp_path / name, 4, images=COLORED if name == "train" else COLORED[4:])
    splits = read(tmp_path).splits
    assert list(splits) == ["train", "test"] and splits["test"]["ids"][0] == "test/cat/01.png"
    np.testing.assert_array_equal(splits["test"]["x"][0], COLORED[5])
    assert splits["test"]["y"].tolist() == ["cat", "cat", "dog", "dog"]


def test_one_colored_image_makes_all_rgb_and_clear_pixels_are_blended_over_white(tmp_path):
    alpha = RNG.integers(0, 256, (6, 5, 1), np.uint8)
    write(tmp_path, ["a.png", "b.png"], [COLORED[0, ..., 0], np.concatenate([COLORED[1], alpha], axis=-1)])
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_text("no image")
    x = read(tmp_path).splits["train"]["x"]
    np.testing.assert_array_equal(x[0], np.repeat(COLORED[0, ..., :1], 3, axis=-1))
    share = alpha / 255
    np.testing.assert_allclose(x[1], share * COLORED[1] + (1 - share) * 255, atol=1)
    assert read(tmp_path).notes == (
        "1 of 2 images are grey and read as RGB",
        "transparent pixels of 1 images blended over white",
        "1 files are no images and left out",
    )


def test_sixteen_bits_stay_unless_others_have_eight(tmp_path):
    deep = RNG.integers(0, 2**16, (2, 6, 5), np.uint16)
    write(tmp_path, ["a.png", "b.png"], deep)
    x = read(tmp_path).splits["train"]["x"]
    assert x.dtype == np.uint16
    np.testing.assert_array_equal(x[..., 0], deep)
    write(tmp_path, ["c.png"], COLORED[:1, ..., 0])
    mixed = read(tmp_path).splits["train"]["x"]
    assert mixed.dtype == np.uint8
    np.testing.assert_array_equal(mixed[:2, ..., 0], deep // 256)


def test_other_sizes_are_refused_by_name_or_cropped_and_scaled(tmp_path):
    write(pets(tmp_path), ["cat/odd.png"], [np.kron(COLORED[0], np.ones((2, 2, 1), np.uint8))])
    refused(lambda: read(tmp_path), "cat/odd.png has 12 x 10 pixels, but most images", "6 x 5", "data.image_size")
    found = read(tmp_path, image_size=4)
    assert found.splits["train"]["x"].shape == (13, 4, 4, 3) and found.notes == ("images cropped and scaled to 4 x 4",)
    even = write(tmp_path / "even", ["a.png"], [np.full((8, 4, 3), 7, np.uint8)])  # the middle of one color
    np.testing.assert_array_equal(read(even, image_size=2).splits["train"]["x"], 7)


def test_photographs_are_turned_upright(tmp_path):
    picture, exif = Image.fromarray(np.full((6, 5, 3), 200, np.uint8)), Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    picture.save(tmp_path / "a.jpg", exif=exif)
    assert read(tmp_path).splits["train"]["x"].shape == (1, 5, 6, 3)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "cat" / "01.png").write_bytes(b"no image"), ["cat/01.png"]),
        (
            lambda folder: (folder / "cat" / "01.png").write_bytes((folder / "cat" / "03.png").read_bytes()[:90]),
            ["cat/01.png"],
        ),
        (lambda folder: write(folder, ["a.png"]), ["a.png lies beside folders of classes", "move it"]),
        (lambda folder: [file.unlink() for file in folder.rglob("*.png")], ["holds no images", "data.path"]),
    ],
)
def test_a_bad_file_or_folder_is_named(spoil, words, tmp_path):
    spoil(pets(tmp_path))
    refused(lambda: read(tmp_path), *words)


def test_a_folder_becomes_a_data_set_and_new_images_are_read_alike(tmp_path):
    asked = config("arrays", path=str(pets(tmp_path / "pets")))
    dataset = data.load(asked)
    spec = dataset.spec
    assert (spec.kind, spec.shape, spec.class_names) == ("image", (6, 5, 3), ("cat", "dog"))
    assert spec.byte_scale == pytest.approx(1 / 255)
    assert "12 rows of 6 x 5 x 3 (images)" in summary.lines(dataset, asked)[0]
    new = new_rows.read(str(write(tmp_path / "new", ["cat/x.png"], COLORED[:1])), asked, spec)
    np.testing.assert_array_equal(new.x, COLORED[:1])
    assert new.y is not None and new.ids is not None
    assert new.y.tolist() == [0] and new.ids.tolist() == ["cat/x.png"]
    grey = write(tmp_path / "grey", ["x.png"], COLORED[:1, ..., 0])
    refused(lambda: new_rows.read(str(grey), asked, spec), "shape (6, 5, 1)", "(6, 5, 3)")
