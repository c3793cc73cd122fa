"""The published static binarization of MNIST: 50,000 training, 10,000 validation and 10,000 test rows.

`data.path` is the directory with binarized_mnist_train.amat, _valid.amat and _test.amat (one row per line, 784 zeros
and ones), or an .npz of x_train, x_valid and x_test with eight pixels per byte, as numpy.packbits packs them. There are
no labels. Source: Larochelle & Murray 2011, the neural autoregressive distribution estimator.
"""

from pathlib import Path
from typing import Any

import numpy as np

from aejax.data import SPLITS, Rows
from aejax.errors import UserError

SIDE = 28


def read(config: Any) -> Rows:
    """The three splits as uint8 [N, 28, 28]; a UserError names the file at fault."""
    path = Path(config.path).expanduser()
    if not config.path or not path.exists():
        raise UserError(
            f"data.path={config.path or '(empty)'}: data.name=binarized_mnist needs the directory of the .amat files "
            "(binarized_mnist_train.amat, ...), or an .npz of their rows"
        )
    splits = {}
    for name in SPLITS:
        bits = _text(path / f"binarized_mnist_{name}.amat") if path.is_dir() else _packed(path, name)
        splits[name] = {"x": bits.reshape(-1, SIDE, SIDE)}
    return Rows(splits["train"], splits["valid"], splits["test"])


def _text(path: Path) -> np.ndarray:
    """The zeros and ones of a file [N * 784]."""
    try:
        lines = [line.translate(None, b" \t\r") for line in path.read_bytes().split(b"\n")]
    except OSError as error:
        raise UserError(f"cannot read {path} ({error.strerror}): data.path must hold all three files") from error
    bits = np.frombuffer(b"".join(lines), np.uint8) - np.uint8(ord("0"))
    if bits.size == 0 or bits.max() > 1 or {len(line) for line in lines} - {0, SIDE**2}:
        raise UserError(f"{path} is damaged or a different file: each line must hold {SIDE**2} zeros and ones")
    return bits


def _packed(path: Path, name: str) -> np.ndarray:
    """The bits of a split [N * 784]."""
    try:
        with np.load(path, allow_pickle=False) as file:
            packed = file[f"x_{name}"]
    except Exception as error:  # numpy and zipfile fail on damaged files in a dozen ways
        raise UserError(f"cannot read {path} as an .npz with x_{name}: {' '.join(str(error).split())}") from error
    if packed.dtype != np.uint8 or packed.shape[1:] != (SIDE**2 // 8,):
        raise UserError(f"{path}: x_{name} has shape {packed.shape} and dtype {packed.dtype}: expected uint8 [N, 98]")
    return np.unpackbits(packed, axis=1)
