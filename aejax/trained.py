"""What a run directory holds, read back: a member as a numpy-in, numpy-out object, or a group with its state."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from aejax import data, records
from aejax.data import conditions as columns
from aejax.data import new_rows, sparse
from aejax.data.types import Dataset, Spec
from aejax.engine import environment, preprocess, programs, selection
from aejax.engine.directory import METRICS, check_lines, newest_state
from aejax.engine.programs import Group
from aejax.engine.streams import EVALUATION, stream
from aejax.errors import UserError
from aejax.metrics import log_likelihood
from aejax.plan import Member, missing_shards, parts
from aejax.types import Autoencoder, Given, Layers, Params, TrainState

Conditions = Mapping[str, Any] | None  # by the column's name: one value, or one for each row

LACKED = {"decode": "decoder", "posterior": "Gaussian posterior", "log_weights": "density p(x) to estimate"}


class Trained:
    """One trained member: numpy in, numpy out, in batches of `config.evaluate.batch_size` rows.

    Rows x are [N, *spec.shape] or flat, [N, features], in the units of the data that the run was given; they may be
    scipy's sparse rows, which become dense batch by batch, or a data frame, whose columns are matched by name. A
    standardized run standardizes new rows itself. Images' bytes (uint8) are in units of 1/255, or of 1 if none is above
    1. Missing numbers of a table are nan, and are filled if the run fills them. Its categories are one-hot in arrays,
    as spec.feature_names lists them. For a run on pairs, x holds the indices [N] of items. Codes z are [N, K] with K =
    config.model.latent_dim.

    A run with `data.condition_columns` takes `conditions`, for each column one value or one per row, as in
    conditions={"batch": "A"}, wherever the part of the model that is asked is given them.

    - config: the resolved config of this member.
    - spec: the shape, support, names and moments of the data.
    - params: the parameters, a tree of numpy arrays.
    - member: its number in the run, and the swept values that it was trained with.
    - status: "done", or how the training ended otherwise and which epoch's parameters these are.
    - reads_c: whether its "encoder", "decoder" and "prior" are given the conditions.
    - prepared(): the data that it was trained on, read again, with rows x as the model is given them.

    Methods raise UserError for rows that do not fit the training data, and for abilities that the model lacks.
    """

    def __init__(
        self,
        member: Member,
        model: Autoencoder,
        spec: Spec,
        params: Params,
        status: str,
        prepared: Callable[[], Dataset],
    ) -> None:
        self.member, self.config, self.model, self.spec, self.params = member, member.config, model, spec, params
        self.status, self.prepared = status, prepared
        reads, given = self.config.model, bool(spec.conditions)
        self.reads_c = {  # whether a part of the model is given the conditions
            "encoder": given and reads.condition_encoder,
            "decoder": given and reads.condition_decoder,
            "prior": given and reads.prior == "conditional",
        }
        abilities = {name: getattr(model, name) for name in ("encode", "decode", "posterior", "log_weights")}
        static = {"log_weights": 3}  # the number of samples
        self._jitted = {name: jax.jit(fn, static_argnums=static.get(name)) for name, fn in abilities.items() if fn}
        self._weigh = jax.jit(log_likelihood.weigh, static_argnums=(0, 4, 5))
        self._to_units = preprocess.make("none", spec)

    def __repr__(self) -> str:
        name, shape = self.config.model.name, self.spec.shape
        return f"Trained(model.name={name}, rows of shape {shape}, {self.member.row}, {self.status})"

    def dataset(self) -> Dataset:
        """The data that it was trained on, read again, in data units; UserError if they have changed."""
        found = self.prepared()
        if self.spec.center is None:
            return found
        least, most = (-np.inf, np.inf) if self.spec.byte_scale == 1.0 else (0.0, 1.0)  # grey values; rounding leaves
        splits = {name: getattr(found, name) for name in data.SPLITS}
        units = {name: split | {"x": self._in_units(split["x"]).clip(least, most)} for name, split in splits.items()}
        spec = found.spec._replace(mean=found.spec.center, center=None, spread=None)
        directions = {name: found.truth[name] * self.spec.spread for name in found.truth if name == "directions"}
        return found._replace(**units, spec=spec, truth=found.truth | directions)

    def encode(self, x: Any, conditions: Conditions = None) -> np.ndarray:
        """The codes z [N, K] of rows x; for a VAE, the posterior means. Grey values are not binarized."""
        return self.embed(*self._rows(x, conditions, "encoder"))

    def embed(self, rows: Any, c: np.ndarray | None = None) -> np.ndarray:
        """The codes [N, K] of rows (and conditions c [N, J]) as `read` and `prepared` return them."""
        if c is None and self.reads_c["encoder"]:
            self._c({}, sparse.num_rows(rows), "encoder")  # raises, and says what is missing
        return self._batched(lambda _, x: self._jitted["encode"](self.params, x), rows, c, self._units)

    def read(self, path: str) -> new_rows.NewRows:
        """The rows of a file, prepared for `embed`; their conditions are read only if the encoder is given them."""
        spec = self.spec if self.reads_c["encoder"] else self.spec._replace(conditions=())
        return new_rows.read(path, self.config.data, spec)

    def decode(self, z: np.ndarray, conditions: Conditions = None) -> np.ndarray:
        """The mean x_hat [N, *spec.shape] of p(x|z) for codes z [N, K], in data units."""
        decode = self._ability("decode")
        z, k = np.asarray(z, np.float32), self.config.model.latent_dim
        if z.ndim != 2 or z.shape[1] != k or not len(z):
            raise UserError(f"z has shape {z.shape}, expected [N, {k}]: one row for each code of {k} units")
        c = self._c(conditions, len(z), "decoder")
        return self._in_units(self._batched(lambda _, z: decode(self.params, z), z, c))

    def reconstruct(self, x: Any, conditions: Conditions = None) -> np.ndarray:
        """decode(encode(x)): [N, *spec.shape], in data units."""
        return self.decode(self.encode(x, conditions), conditions)

    def sample(self, num: int, seed: int = 0, conditions: Conditions = None) -> np.ndarray:
        """Decoded draws [num, *spec.shape], in data units: the means of p(x|z) for z from `sample_codes`."""
        return self.decode(self.sample_codes(num, seed, conditions), conditions)

    def sample_codes(self, num: int, seed: int = 0, conditions: Conditions = None) -> np.ndarray:
        """Draws z [num, K] from the prior, or for a model without one from a Gaussian fitted to its training codes."""
        self._ability("decode")  # without a decoder, a draw cannot be shown
        needed = 4 * num * (self.config.model.latent_dim + math.prod(self.spec.shape))
        if needed > (here := environment.host_memory()):
            raise UserError(
                f"{num} samples need at least {needed / 1e9:,.1f} GB, and there are {here / 1e9:,.1f}: draw fewer"
            )
        codes = np.zeros((0, 0), np.float32)
        if self.model.sample_prior is None:
            codes = self.embed(self.prepared().train["x"])
        c = self._c(conditions, num, "prior")
        c = c if c is None else preprocess.one_hot(c, self.spec.conditions)
        return sample_codes(self.model, self.params, codes, num, seed, c)

    def posterior(self, x: Any, conditions: Conditions = None) -> tuple[np.ndarray, np.ndarray]:
        """The mean and the log-variance of q(z|x), each [N, K]."""
        q = self._ability("posterior")
        return self._batched(lambda _, x: q(self.params, x), *self._rows(x, conditions, "encoder"), self._units)

    def log_prob(self, x: Any, num_samples: int = 1000, seed: int = 0, conditions: Conditions = None) -> np.ndarray:
        """log p(x) [N] in nats, by importance sampling: in expectation a lower bound, which more samples tighten.

        It is exact if the model knows its density (pPCA, MADE). It is the density of rows as the model sees them: for a
        standardized run, subtract log(spec.spread).sum() to get the density in data units. With the member's seed, the
        mean over the test rows is −nll in results.csv.
        """
        self._check_samples(num_samples)
        size = log_likelihood.chunk_size(num_samples, self.config.evaluate.batch_size)

        def log_p(number, x):
            return self._weigh(self.model, self.params, noise(seed, number), x, num_samples, size)[1][-1]

        return self._batched(log_p, *self._rows(x, conditions, *self.reads_c), self._pixels)

    def log_weights(self, x: Any, num_samples: int, seed: int = 0, conditions: Conditions = None) -> np.ndarray:
        """log p(x, z) − log q(z|x) [num_samples, N] in nats, for draws z of q(z|x) and rows x as in `log_prob`."""
        log_w = self._check_samples(num_samples)

        def weights(number, x):
            return log_w(self.params, noise(seed, number), x, num_samples).T

        return self._batched(weights, *self._rows(x, conditions, *self.reads_c), self._pixels).T

    def layers(self) -> Layers:
        """The member as lists of layers, which a program without jax can compute."""
        assert self.model.layers
        return self.model.layers(jax.tree.map(jnp.asarray, self.params))

    def _ability(self, name: str) -> Callable[..., Any]:
        if name not in self._jitted:
            raise UserError(f"model.name={self.config.model.name} has no {LACKED[name]}")
        return self._jitted[name]

    def _check_samples(self, num_samples: int) -> Callable[..., Any]:
        if num_samples < 1:
            raise UserError(f"num_samples={num_samples} must be at least 1")
        return self._ability("log_weights")

    def _rows(self, x: Any, conditions: Conditions, *readers: str) -> tuple[Any, np.ndarray | None]:
        """Prepared rows, and their conditions if a reader is given them: those of a data frame unless others are."""
        is_asked = any(self.reads_c[reader] for reader in readers) and not conditions
        spec = self.spec if is_asked else self.spec._replace(conditions=())
        rows = new_rows.prepare(x, self.config.data, spec)
        return rows.x, self._c(conditions, sparse.num_rows(rows.x), *readers) if rows.c is None else rows.c

    def _c(self, conditions: Conditions, num: int, *readers: str) -> np.ndarray | None:
        """The conditions of `num` rows as c [num, J]; None if no reader is given them."""
        if conditions and not self.spec.conditions:
            raise UserError(f"this run was trained without {next(iter(conditions))}: leave the conditions out")
        if not any(self.reads_c[reader] for reader in readers):
            return None
        return columns.chosen(self.spec.conditions, conditions or {}, num)

    def _in_units(self, x: np.ndarray) -> np.ndarray:
        """Rows [N, *spec.shape] as the model sees them, in data units."""
        return x if self.spec.center is None else x * self.spec.spread + self.spec.center

    def _units(self, rows: np.ndarray) -> jax.Array:
        """Prepared rows on the device, in the units that the model sees."""
        return self._to_units(jax.random.key(0), {"x": jnp.asarray(rows)})["x"]

    def _pixels(self, rows: np.ndarray) -> jax.Array:
        """The same for a density; raises UserError if a binarized run is given grey values."""
        x, binarization = self._units(rows), self.config.data.binarization
        if binarization in ("static", "dynamic") and not ((x == 0) | (x == 1)).all():
            raise UserError(
                f"x has grey values, but with data.binarization={binarization} the density is over zeros and ones: "
                "binarize x first"
            )
        return x

    def _batched(
        self,
        fn: Callable[[int, Any], Any],
        rows: Any,
        c: np.ndarray | None,
        prepared: Callable[..., Any] = np.asarray,
    ) -> Any:
        """fn(number, prepared(batch)) for all batches of rows, Given if c is, concatenated."""
        size = self.config.evaluate.batch_size

        def batch(first: int) -> Any:
            part = prepared(sparse.dense(rows[first : first + size]))
            return part if c is None else Given(part, preprocess.one_hot(c[first : first + size], self.spec.conditions))

        firsts = enumerate(range(0, sparse.num_rows(rows), size))
        parts = [jax.tree.map(np.asarray, fn(number, batch(first))) for number, first in firsts]
        return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def noise(seed: int, number: int) -> jax.Array:
    """The random key for a batch's draws of z; evaluation uses the same one for a member with this seed."""
    return jax.random.split(jax.random.fold_in(stream(jnp.uint32(seed), EVALUATION), number))[1]


def sample_codes(
    model: Autoencoder, params: Params, codes: np.ndarray, num: int, seed: int, c: Any = None
) -> np.ndarray:
    """Draws [num, K] from the prior (at conditions c [num, C]), or without one from a Gaussian fitted to `codes`.

    Raises UserError if these are not finite.
    """
    if model.sample_prior:
        return np.asarray(model.sample_prior(params, jax.random.key(seed), num, *([] if c is None else [c])))
    if not np.isfinite(codes).all():
        raise UserError(
            "the codes of training rows are not finite: choose a member that has not diverged, or standardize the data"
        )
    mean, covariance = codes.mean(axis=0), np.atleast_2d(np.cov(codes, rowvar=False))
    return np.random.default_rng(seed).multivariate_normal(mean, covariance, num).astype(np.float32)


def check_finite(model: Trained) -> None:
    """Raises UserError if a member's parameters are not finite, because its training diverged."""
    if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(model.params)):
        raise UserError(
            f"the parameters of member {model.member.index} are not finite (training {model.status}): choose another "
            "with --member, or train it with a lower optimizer.learning_rate"
        )


def load(workdir: Path, index: int | None = None, dataset: Dataset | None = None) -> Trained:
    """Loads one member of a run, or of all its shards; raises UserError for an unknown or ambiguous number.

    Its training data are read again only when they are needed, unless `dataset` is given.
    """
    plans = parts(workdir, partial=True)
    found = {member.index: (directory, plan) for directory, plan in plans.items() for member in plan.members}
    if index is None and len(found) > 1:
        raise UserError(f"{workdir} has {len(found)} members: choose one with --member={min(found)} to {max(found)}")
    if (index := min(found) if index is None else index) not in found:
        here = "" if len(found) == max(found) + 1 else f", without those of {', '.join(missing_shards(plans)[:9])}"
        raise UserError(f"--member={index} does not exist: {workdir} has members {min(found)} to {max(found)}{here}")
    directory, plan = found[index]
    [member] = [member for member in plan.members if member.index == index]
    siblings = plan.groups[member.group]
    facts = records.read_json(directory / "data.json")[str(member.group)]
    spec = data.spec_from_json(facts["spec"])
    task = programs.make_task(member.config, spec, facts["rows"]["train"])
    step, state, _ = newest_state(directory, member.group, programs.state_shapes(task, siblings))
    lane, total = siblings.index(member), programs.total_steps(task, member.config)
    params = jax.tree.map(lambda leaf: leaf[lane], selection.chosen(state).params)
    unfinished = f"unfinished at step {step} of {total}"
    status = selection.statuses(selection.facts(state), task.steps_per_epoch, step == total, unfinished)[lane]

    def read_dataset() -> Dataset:
        return unchanged(dataset or data.load(member.config.data), facts, workdir)

    return Trained(member, task.model, spec, params, status, read_dataset)


class TrainedGroup(NamedTuple):
    """The members of a group as their newest checkpoint holds them."""

    group: Group
    step: int
    state: TrainState  # [M, ...]
    lanes: int  # members in one vmap
    rows: list[dict[str, Any]]  # of metrics.jsonl, up to the step


def load_group(directory: Path, group: Group) -> TrainedGroup:
    """The state of a group with the parameters that `train.keep` chose.

    Raises UserError if no step is saved, or if the data have changed since the training.
    """
    plan, facts = (records.read_json(directory / name) for name in ("config.json", "data.json"))
    step, state, seal = newest_state(directory, group.number, programs.state_shapes(group.task, group.members))
    unchanged(group.dataset, facts[str(group.number)], directory)
    mine = [member.index for member in group.members]
    check_lines(directory, mine, step, seal, print)
    rows = records.read_lines(directory / METRICS, lambda row: row["member"] in mine and row["step"] <= step)
    return TrainedGroup(group, step, selection.chosen(state), plan["lanes"][str(group.number)], rows)


def unchanged(dataset: Dataset, facts: dict[str, Any], directory: Path) -> Dataset:
    """The data; raises UserError if they are not those of `facts`, an entry of data.json."""
    if facts["sha256"] != dataset.sha256:
        raise UserError(f"the data of {directory} have changed since it was trained: restore them, or train it again")
    return dataset
