"""scikit-learn's digits: 1,797 images of 8 x 8 with grey values 0 to 16 (Alpaydin & Kaynak, "Optical Recognition of
Handwritten Digits", UCI Machine Learning Repository, 1998, https://doi.org/10.24432/C50P49)."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from aejax.data import Rows


def read(config: Any) -> Rows:
    """Grey values in [0, 1], [1797, 8, 8, 1] float32, with labels; the source has no splits."""
    package = find_spec("sklearn")  # its file is read without it: the import would take seconds
    assert package and package.origin
    table = np.loadtxt(Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz", np.uint8, delimiter=",")
    x = table[:, :-1].reshape(-1, 8, 8, 1) / np.float32(16.0)
    return Rows({"x": x, "y": table[:, -1].astype(np.int32)}, class_names=tuple("0123456789"))
