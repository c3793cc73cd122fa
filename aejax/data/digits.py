"""scikit-learn's digits: 1,797 images of 8 x 8 with grey values 0 to 16, embedded in the package (Alpaydin & Kaynak,
"Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998, https://doi.org/10.24432/C50P49)."""

from typing import Any

import numpy as np

from aejax.data import Rows


def read(config: Any) -> Rows:
    """Grey values in [0, 1], [1797, 8, 8, 1] float32, with labels; the source has no splits."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x = (np.reshape(x, (-1, 8, 8, 1)) / 16.0).astype(np.float32)
    return Rows({"x": x, "y": np.asarray(y, np.int32)}, class_names=tuple("0123456789"))
