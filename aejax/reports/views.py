"""What the figures of a run show: the first member of every setting, its codes, and rows as its model sees them."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from aejax.data import conditions, sparse
from aejax.data.types import Dataset, spread
from aejax.engine.preprocess import one_hot
from aejax.engine.programs import Group, num_rows
from aejax.reports.settings import setting_name
from aejax.trained import TrainedGroup, sample_codes
from aejax.types import Autoencoder, Batch, Given, Params, conditioned

MOST_ROWS = 5000  # test rows in a scatter
MOST_TRAIN_ROWS = 20_000  # whose codes a Gaussian is fitted to


class View(NamedTuple):
    """A displayed member (the first seed of its setting) and its codes of the test rows (for pairs: of the items)."""

    label: str
    group: Group
    params: Params
    codes: np.ndarray
    level: float  # of the corruption, if the model has one
    c: np.ndarray | None = None  # the conditions of the rows of `codes` [N, C], if the model is given some
    index: int = 0  # of the member

    @property
    def model(self) -> Autoencoder:
        return self.group.task.model

    def denoise(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """x corrupted as in training, and its reconstruction."""
        assert self.model.corrupt
        x_tilde = self.model.corrupt(jax.random.key(0), jnp.asarray(x), self.level)
        return np.asarray(x_tilde), self.decode(np.asarray(jax.jit(self.model.encode)(self.params, x_tilde)))

    def decode(self, codes: np.ndarray, c: np.ndarray | None = None) -> np.ndarray:
        """The decoded codes [N, K], under conditions c [N, C]: without c, under typical ones."""
        assert self.model.decode
        c = self.typical(len(codes)) if c is None else c
        return np.asarray(jax.jit(self.model.decode)(self.params, codes if c is None else Given(codes, c)))

    def reconstruct(self, num: int) -> np.ndarray:
        """The reconstructions of `few_rows`, under their own conditions."""
        rows = spread(len(self.codes), num)
        return self.decode(self.codes[rows], None if self.c is None else self.c[rows])

    def sample(self, num: int, seed: int) -> np.ndarray:
        """Codes from the prior (under typical conditions), or from a Gaussian fitted to the training rows' codes."""
        codes = self.codes if self.model.sample_prior else self.train_codes()
        return sample_codes(self.model, self.params, codes, num, seed, self.typical(num))

    def train_codes(self) -> np.ndarray:
        """The codes of at most MOST_TRAIN_ROWS training rows, spread over them."""
        x = some_rows(self.group, "train", MOST_TRAIN_ROWS)
        encode, size = jax.jit(self.model.encode), self.group.config.evaluate.batch_size
        firsts = range(0, len(jax.tree.leaves(x)[0]), size)
        parts = [jax.tree.map(lambda leaf, first=first: leaf[first : first + size], x) for first in firsts]
        return np.concatenate([np.asarray(encode(self.params, part)) for part in parts])

    def typical(self, num: int) -> np.ndarray | None:
        """The typical conditions [num, C]; None if the model is given none."""
        known = self.group.dataset.spec.conditions
        return np.repeat(np.asarray(one_hot(conditions.typical(known), known)), num, axis=0) if known else None


def views(trained: TrainedGroup) -> list[View]:
    """The first member of each setting in a group."""
    first: dict[str, int] = {}
    for lane, member in enumerate(trained.group.members):
        first.setdefault(setting_name(member.setting), lane)
    return list(views_of(trained, first.values()))


def views_of(trained: TrainedGroup, lanes: Iterable[int]) -> Iterator[View]:
    """The members of these lanes, one after the other."""
    group, params = trained.group, trained.state.params
    x, encode = shown_rows(group)[0], jax.jit(group.task.model.encode)
    c = some_batch(group, "test", MOST_ROWS)["c"] if group.dataset.spec.conditions else None

    for lane in lanes:
        member, mine = group.members[lane], jax.tree.map(lambda leaf, lane=lane: leaf[lane], params)
        codes = np.asarray(encode(mine, x if c is None else Given(x, c)))
        level = member.config.objective.corruption_level
        yield View(setting_name(member.setting), group, mine, codes, level, c, member.index)


def one_each(shown: Iterable[View]) -> list[View]:
    """The first member's view of every setting, in the order of the members: shards and groups interleave."""
    first: dict[str, View] = {}
    for view in sorted(shown, key=lambda view: view.index):
        first.setdefault(view.label, view)
    return list(first.values())


def some_rows(group: Group, split: str, num: int) -> Any:
    """At most `num` x of a split as the model sees them, in numpy: Given if the model is given conditions."""
    batch = some_batch(group, split, num)
    return conditioned(batch["x"], batch)


def some_batch(group: Group, split: str, num: int) -> dict[str, np.ndarray]:
    """At most `num` rows of a split, spread over it, as the model sees them; each split is binarized with its key."""
    whole = getattr(group.dataset, split)
    places = spread(num_rows(whole), num)
    rows = {name: sparse.dense(values[places]) for name, values in whole.items()}
    return jax.tree.map(np.asarray, prepare(group.task.preprocess, Dataset._fields.index(split), rows))


@partial(jax.jit, static_argnums=(0, 1))
def prepare(preprocess: Callable[[jax.Array, Batch], Batch], number: int, rows: Batch) -> dict[str, jax.Array]:
    """Rows of the split with this number, in one program: each operation alone would be compiled, too."""
    batch = preprocess(jax.random.fold_in(jax.random.key(0), number), rows)
    return {name: batch[name] for name in ("x", "c") if name in batch}


def few_rows(group: Group, num: int) -> tuple[np.ndarray, np.ndarray | None]:
    """At most `num` of the x and y of `shown_rows`, those of `View.reconstruct`."""
    x, y = shown_rows(group)
    rows = spread(len(x), num)
    return x[rows], None if y is None else y[rows]


def shown_rows(group: Group) -> tuple[np.ndarray, np.ndarray | None]:
    """The x and y of a scatter: test rows; for pairs, the labeled items, or all if there are no labels."""
    if group.dataset.spec.kind != "pairs":
        y = group.dataset.test.get("y")
        return some_batch(group, "test", MOST_ROWS)["x"], None if y is None else y[spread(len(y), MOST_ROWS)]
    items = group.dataset.items
    y = items.get("y", np.zeros(len(items["x"]), np.int32))
    rows = np.flatnonzero(y >= 0)[:MOST_ROWS]
    return items["x"][rows], y[rows] if "y" in items else None
