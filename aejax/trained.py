"""From a run directory back to one trained member, and what it is used for: codes, neighbors, new data."""

import math
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from aejax import checkpoint, data, models, preprocess, programs, records
from aejax.errors import UserError
from aejax.metrics import geometry
from aejax.plan import Member, parts
from aejax.reports import figures, views
from aejax.types import Autoencoder, Params, Spec

Labels = list[str] | np.ndarray | None  # of rows: names of classes, or float32 [N]; None without any


class Trained(NamedTuple):
    """One trained member, ready for use without the data that it was trained on."""

    member: Member
    model: Autoencoder
    params: Params
    spec: Spec


def load_member(workdir: Path, index: int | None) -> Trained:
    """One member of a run, by its number; raises UserError if there are several and none was named."""
    by_index = {
        member.index: (directory, plan, member) for directory, plan in parts(workdir).items() for member in plan.members
    }
    if index is None and len(by_index) > 1:
        raise UserError(f"{workdir} has {len(by_index)} members: choose one with --member=0 to {len(by_index) - 1}")
    if (index := index or 0) not in by_index:
        raise UserError(f"--member={index}: {workdir} has the members 0 to {len(by_index) - 1}")
    directory, plan, member = by_index[index]
    facts = records.read_json(directory / "data.json")[str(member.group)]
    spec = data.spec_from_json(facts["spec"])
    siblings = plan.groups[member.group]
    like = programs.state_shapes(programs.make_task(member.config, spec, facts["rows"]["train"]), siblings)
    _, state = checkpoint.newest_state(directory, member.group, like)
    place = [other.index for other in siblings].index(index)
    params = jax.tree.map(lambda leaf: leaf[place], state.params)
    return Trained(member, models.make(member.config.model, spec), params, spec)


def embed(trained: Trained, x: np.ndarray) -> np.ndarray:
    """The codes [N, K] of rows x [N, *shape], batch by batch; grey values are not binarized."""
    config = trained.member.config
    to_units, encode = preprocess.make("none", trained.spec), jax.jit(trained.model.encode)
    size = config.evaluate.batch_size
    batches = [to_units(jax.random.key(0), {"x": jax.numpy.asarray(x[i : i + size])}) for i in range(0, len(x), size)]
    return np.concatenate([np.asarray(encode(trained.params, batch["x"])) for batch in batches])


def label_names(y: np.ndarray | None, spec: Spec) -> Labels:
    """The names [N] of classes y, "" for the code −1; labels that are numbers stay as they are."""
    if y is None or y.dtype.kind == "f":
        return y
    names = [*spec.class_names, ""]
    return [names[code] for code in y]


def embed_items(workdir: Path, trained: Trained) -> tuple[np.ndarray, Labels, np.ndarray]:
    """Of a run of pairs, the codes [I, K] of its items, their labels ("" for none) and ids; reads the run's data."""
    member = trained.member
    dataset = data.load(member.config.data)
    if records.read_json(next(iter(parts(workdir))) / "data.json")[str(member.group)]["sha256"] != dataset.sha256:
        raise UserError(f"the data of {workdir} have changed since it was trained: its items may be others")
    labels = label_names(dataset.items.get("y"), trained.spec)
    return embed(trained, dataset.items["x"]), labels, dataset.ids["items"]


def neighbors(
    codes: np.ndarray, labels: Labels, ids: np.ndarray, name: str, num: int, metric: str
) -> list[dict[str, Any]]:
    """The `num` rows nearest to the one of that id, the nearest first; raises UserError for an unknown id."""
    known = ids.tolist()
    if name not in known:
        raise UserError(f"--neighbors={name} is no item: {data.nearest(name, known)}")
    row = known.index(name)
    near = geometry.similarity(codes[row : row + 1], codes, metric)[0]
    near[row] = -np.inf
    order = np.argsort(-near, kind="stable")[: min(num, len(codes) - 1)]
    sign = 1.0 if metric == "cosine" else -1.0  # a distance is a similarity's opposite
    return [
        {metric: float(sign * near[i]), "item": known[i]} | ({} if labels is None else {"label": labels[i]})
        for i in order
    ]


def write_projector(directory: Path, codes: np.ndarray, labels: Labels, ids: np.ndarray) -> None:
    """vectors.tsv and metadata.tsv as TensorFlow's Embedding Projector loads them (projector.tensorflow.org).

    One column of metadata has no line of names, several have one.
    """
    clean = [" ".join(str(name).split()) for name in ids]  # a tab or a line break would shift the columns
    named = [] if labels is None else [f"{name}\t{label}" for name, label in zip(clean, labels, strict=True)]
    rows = ["id\tlabel", *named] if named else clean
    records.write(directory / "vectors.tsv", "".join("\t".join(f"{v:.8g}" for v in code) + "\n" for code in codes))
    records.write(directory / "metadata.tsv", "".join(row + "\n" for row in rows))


def sample(trained: Trained, num: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes [num, K] and their decoded x_hat [num, *shape], in the units of the data before standardization."""
    model, spec = trained.model, trained.spec
    if model.decode is None:
        raise UserError(f"model.name={trained.member.config.model.name} has no decoder: it cannot draw data")
    codes = np.zeros((0, 0), np.float32)
    if model.sample_prior is None:
        codes = embed(trained, data.load(trained.member.config.data).train["x"])
    codes = views.sample_codes(model, trained.params, codes, num, seed)
    x = np.asarray(jax.jit(model.decode)(trained.params, codes))
    return codes, x if spec.center is None else x * spec.spread + spec.center


def write_codes(path: Path, codes: np.ndarray, labels: Labels, ids: np.ndarray | None) -> None:
    """Codes as .npy; with their ids and labels as .npz; or as .csv, one column a unit."""
    named: dict[str, Any] = {
        name: np.asarray(values) for name, values in (("ids", ids), ("labels", labels)) if values is not None
    }
    if path.suffix == ".npy":
        np.save(path, codes)
    elif path.suffix == ".npz":
        np.savez(path, codes=codes, **named)
    else:
        units = {f"z{unit + 1}": column for unit, column in enumerate(codes.T)}
        columns = {name.removesuffix("s"): values for name, values in named.items()} | units
        records.write_csv(path, [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)])


def write_samples(path: Path, spec: Spec, codes: np.ndarray, x: np.ndarray) -> None:
    """Samples as a picture, as .npy (x), .npz (x, codes), or .csv under the names of the features."""
    if path.suffix == ".png":
        figures.tiles(path, [("", x)], columns=math.isqrt(len(x) - 1) + 1, title=f"{len(x)} samples")
    elif path.suffix == ".npy":
        np.save(path, x)
    elif path.suffix == ".npz":
        np.savez(path, x=x, codes=codes)
    else:
        rows = x.reshape(len(x), -1)
        names = spec.feature_names or [f"x{feature + 1}" for feature in range(rows.shape[1])]
        records.write_csv(path, [dict(zip(names, row, strict=True)) for row in rows])
