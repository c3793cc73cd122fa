"""A data set and what is known about it: NamedTuples of numpy arrays, without jax."""

from typing import Any, NamedTuple

import numpy as np

# "x" [N, ...], or scipy's csr_array [N, F]; if known also "y" [N] int32 codes or float32 numbers, "factors" [N, F]
# int32, "ids" [N] str, "active" [N, F] bool of planted features, and "column:NAME" [N] of numbers or text, which
# data.condition_columns and data.categorical_columns can name
Split = dict[str, Any]

SPLITS = ("train", "valid", "test")

SUPPORTS = {  # what values data have, in words
    "binary": "zeros and ones",
    "unit": "numbers in [0, 1]",
    "counts": "counts (whole numbers from 0)",
    "real": "real numbers",
    "categories": "categories (all columns are in data.categorical_columns)",
    "mixed": "numbers and categories (some columns are in data.categorical_columns)",
}

# The end of a message about counts.
ARE_GREY = "; if they are grey values, give images of shape [N, height, width], or divide by 255"


class Condition(NamedTuple):
    """A column that a conditional model is given beside x, or a column of categories that is a part of x."""

    name: str
    categories: tuple[str, ...]  # () if it is a number
    center: float  # of a number, the mean of the training rows ...
    spread: float  # ... and their sd; 0 and 1 for categories
    typical: float  # the code of the most frequent category of the training rows; 0 for a number, which is its mean


class Spec(NamedTuple):
    """What is known about a data set before training: static facts, in numpy."""

    shape: tuple[int, ...]  # of one example
    kind: str  # "image", "table", "series" or "pairs": what its figures look like
    support: str  # a key of SUPPORTS: what a likelihood may assume
    byte_scale: float  # a uint8 value times this is the data unit: 1/255 for images unless bytes are 0 and 1, else 1
    class_names: tuple[str, ...]  # () without labels, or if they are numbers
    feature_names: tuple[str, ...]  # () unless the source names its columns
    mean: np.ndarray  # [*shape] of the training rows, as the model sees them
    center: np.ndarray | None  # [*shape] subtracted and ...
    spread: np.ndarray | None  # [*shape] ... divided by if `data.standardize`, both fitted on the training rows
    sizes: tuple[int, ...] = ()  # of pairs: the number of items, and of contexts if these are not items
    label_moments: tuple[float, float] | None = None  # mean and sd of labels that are numbers, of the training rows
    factor_names: tuple[str, ...] = ()  # of data that were generated from known factors
    conditions: tuple[Condition, ...] = ()  # what a conditional model is given
    categories: tuple[Condition, ...] = ()  # the one-hot blocks that x ends with, in their order
    fill: np.ndarray | None = None  # [features before the blocks] in data units: what stands for a missing number
    dropped: tuple[str, ...] = ()  # columns that were left out because they lack values: new rows may have them
    limits: tuple[float, float] | None = None  # the least and the largest training value in data units

    @property
    def bounded(self) -> bool:
        """Whether all values lie in [0, 1]."""
        return self.support in ("binary", "unit", "categories")

    @property
    def num_numbers(self) -> int:
        """The number of features of a table that are not in one-hot blocks."""
        return self.shape[0] - sum(len(column.categories) for column in self.categories)

    @property
    def num_conditions(self) -> int:
        """The width of the conditions that a network sees: categories are one-hot."""
        return sum(len(condition.categories) or 1 for condition in self.conditions)


class Dataset(NamedTuple):
    """Rows of the three splits, their spec and their provenance."""

    train: Split  # "x" [N, *shape] uint8, uint16 or float32, "y" [N] int32 classes or float32 numbers
    valid: Split  # "factors" [N, F] int32 from 0, if the source knows them (pairs: no x, int32 [N])
    test: Split  # "c" [N, J] float32: codes of categories and standardized numbers, if conditional
    spec: Spec
    ids: dict[str, np.ndarray]  # split -> [N] str; {} unless the source names its rows; for pairs: "items" -> [I]
    sha256: str  # of all arrays of the three splits, as they are used
    row_numbers: dict[str, np.ndarray] = {}  # split -> [N] the number of each row in its source, from 0
    truth: dict[str, np.ndarray] = {}  # of planted features: "directions" [F, *shape], "active" bool [N_test, F]
    notes: tuple[str, ...] = ()  # what was done to the source's rows, each in a few words
    items: dict[str, np.ndarray] = {}  # embedded items of pairs: "x" [I] int32; "y" [I], -1: none; "position" [I, 2]


def spread(total: int, most: int) -> np.ndarray:
    """The places of at most `most` of `total` rows, evenly spaced: files may be sorted by class."""
    number = min(total, most)
    return np.arange(number) * total // max(number, 1)
