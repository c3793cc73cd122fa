"""A folder of images: x uint8 [N, H, W, 1 or 3], or uint16 [N, H, W, 1] if all have 16 bits; the ids are the paths.

Subfolders are the classes. Folders named train (and valid, test) hold the splits, and the classes below. One colored
image makes all of them RGB. Transparent pixels are blended over white. `data.image_size` crops every image to its
middle square and scales it; without it, all images must have one size.
"""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from aejax.data import SPLITS, readers
from aejax.errors import UserError

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
GREY, DEEP, CLEAR = ("1", "L", "LA"), ("I;16", "I;16B", "I;16L"), ("LA", "PA", "RGBA")  # PIL's modes


def read(path: str, config: Any, new: bool) -> readers.Read:
    """The images of a folder; a UserError names the file or folder at fault."""
    folder = Path(path)
    whole = sorted(file for file in folder.rglob("*") if file.is_file() and not file.name.startswith("."))
    files = [file for file in whole if file.suffix.lower() in ENDINGS]
    if not files:
        raise UserError(f"{path} holds no images ({', '.join(ENDINGS)}): correct data.path")
    are_splits = not new and {file.relative_to(folder).parts[0] for file in files} <= set(SPLITS)
    roots = {name: folder / name for name in SPLITS} if are_splits else {"train": folder}
    found = {name: [file for file in files if root in file.parents] for name, root in roots.items()}
    if not found["train"]:
        raise UserError(f"{path} has no images in train: name the folder of the training images so")
    modes = _modes(files)
    images = dict(zip(files, _load(files, _mode(modes), config.image_size), strict=True))
    _check_sizes(images, path)
    splits = {
        name: {"x": np.stack([images[file] for file in part]), "ids": _ids(part, folder)} | _labels(part, roots[name])
        for name, part in found.items()
        if part
    }
    return readers.Read(splits, (), _notes(modes, len(whole) - len(files), config.image_size))


def _modes(files: Sequence[Path]) -> Counter[str]:
    """How many images have each of PIL's modes; "clear" counts those with transparent pixels."""
    modes: Counter[str] = Counter()
    for file in files:
        with _open(file) as image:
            modes[image.mode] += 1
            modes["clear"] += image.mode in CLEAR or "transparency" in image.info
    return modes


def _mode(modes: Counter[str]) -> str:
    """The mode in which all images are read."""
    kinds = {mode for mode, count in modes.items() if count} - {"clear"}
    return "I;16" if kinds <= set(DEEP) else "L" if kinds <= {*GREY, *DEEP} else "RGB"


def _open(file: Path) -> Image.Image:
    try:
        return Image.open(file)
    except Exception as error:  # PIL fails on damaged files in a dozen ways
        raise readers.damaged(str(file), error) from error


def _load(files: Sequence[Path], mode: str, size: int) -> list[np.ndarray]:
    def load(file: Path) -> np.ndarray:
        try:
            with _open(file) as image:
                image = ImageOps.exif_transpose(image)
                if image.mode in DEEP and mode != "I;16":  # PIL would clip at 255
                    image = Image.fromarray((np.asarray(image) // 256).astype(np.uint8))
                if image.mode in CLEAR or "transparency" in image.info:
                    image = image.convert("RGBA")
                    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
                if size:
                    image = ImageOps.fit(image if mode == "I;16" else image.convert(mode), (size, size))
                array = np.asarray(image if mode == "I;16" else image.convert(mode))
                return array if array.ndim == 3 else array[..., None]
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise readers.damaged(str(file), error) from error

    with ThreadPoolExecutor() as pool:
        return list(pool.map(load, files))


def _check_sizes(images: dict[Path, np.ndarray], path: str) -> None:
    """Raises UserError that names the first image of another size than most."""
    sizes = Counter(image.shape for image in images.values())
    most = sizes.most_common(1)[0][0]
    for file, image in images.items():
        if image.shape != most:
            raise UserError(
                f"{file} has {image.shape[0]} x {image.shape[1]} pixels, but most images of {path} have "
                f"{most[0]} x {most[1]}: set data.image_size, which crops and scales all of them"
            )


def _ids(files: Sequence[Path], folder: Path) -> np.ndarray:
    return np.array([str(file.relative_to(folder)) for file in files])


def _labels(files: Sequence[Path], root: Path) -> dict[str, np.ndarray]:
    """The classes [N] as "y"; {} if no image lies in a subfolder."""
    names = [str(file.relative_to(root).parent) for file in files]
    if set(names) == {"."}:
        return {}
    if "." in names:
        raise UserError(
            f"{files[names.index('.')]} lies beside folders of classes: move it into one of them, or remove it"
        )
    return {"y": np.array(names)}


def _notes(modes: Counter[str], others: int, size: int) -> tuple[str, ...]:
    """What was done to the images, each in a few words."""
    grey = sum(modes[mode] for mode in (*GREY, *DEEP))
    clear = modes.pop("clear")
    notes = [f"{grey} of {modes.total()} images are grey and read as RGB"] if grey and _mode(modes) == "RGB" else []
    notes += [f"transparent pixels of {clear} images blended over white"] if clear else []
    notes += [f"images cropped and scaled to {size} x {size}"] if size else []
    return (*notes, *([f"{others} files are no images and left out"] if others else []))
