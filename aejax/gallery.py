"""Which pictures a run gets: of each group's codes, reconstructions and samples, of all members their curves."""

from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from aejax import figures, geometry, trained
from aejax.plan import Member
from aejax.programs import Group
from aejax.types import Autoencoder, Dataset, Params

MOST_VIEWS = 8
MOST_ROWS = 5000  # of the test set, in a scatter
GRID = 20  # codes along each side of the latent grid
SAMPLES = 64
UNITS = 10  # rows of a traversal
METRICS = [  # of the curves, those that the run has
    ("elbo", "ELBO (nats per example)"),
    ("nll", "−log p(x) (nats per example)"),
    ("reconstruction", "reconstruction error (per example)"),
    ("kl", "KL (nats per example)"),
    ("penalty", "penalty Ω (per example)"),
    ("mse", "squared error per feature"),
    ("accuracy", "accuracy"),
    ("label_mse", "squared error of the label"),
    ("auc", "AUC, pairs against negatives"),
]

LETTERS = {  # of swept keys, as the lecture writes them
    "objective.beta": "β",
    "objective.sparsity": "λ",
    "objective.target_activation": "z₀",
    "model.latent_dim": "k",
    "model.name": "model",
}


class Picture(NamedTuple):
    """A file with its caption and alternative text."""

    path: Path
    caption: str
    alternative: str


class View(NamedTuple):
    """A displayed member, the first seed of its setting, and its codes of the test rows (of pairs: of the items)."""

    label: str
    group: Group
    params: Params
    codes: np.ndarray
    level: float  # of the corruption, where the model has one

    @property
    def model(self) -> Autoencoder:
        return self.group.task.model

    def denoise(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """x corrupted as in training, and its reconstruction."""
        assert self.model.corrupt
        x_tilde = self.model.corrupt(jax.random.key(0), jnp.asarray(x), self.level)
        return np.asarray(x_tilde), self.decode(np.asarray(jax.jit(self.model.encode)(self.params, x_tilde)))

    def decode(self, codes: np.ndarray) -> np.ndarray:
        assert self.model.decode
        return np.asarray(jax.jit(self.model.decode)(self.params, codes))

    def sample(self, num: int, seed: int) -> np.ndarray:
        return trained.sample_codes(self.model, self.params, self.codes, num, seed)


def setting_name(setting: dict[str, Any]) -> str:
    """The swept values in the field's letters: "β = 4, latent_dim = 2"."""
    named = [(LETTERS.get(path, path.rpartition(".")[2]), value) for path, value in setting.items()]
    return ", ".join(f"{name} = {f'{value:g}' if isinstance(value, float) else value}" for name, value in named)


def views(group: Group, params: Params) -> list[View]:
    """The first member of each setting in a group; `params` are those of all its members [M, ...]."""
    first: dict[str, int] = {}
    for lane, member in enumerate(group.members):
        first.setdefault(setting_name(member.setting), lane)
    x, encode = shown_rows(group)[0], jax.jit(group.task.model.encode)

    def view(label: str, lane: int) -> View:
        mine = jax.tree.map(lambda leaf: leaf[lane], params)
        level = group.members[lane].config.objective.corruption_level
        return View(label, group, mine, np.asarray(encode(mine, x)), level)

    return [view(label, lane) for label, lane in first.items()]


def first_rows(group: Group, split: str, num: int) -> np.ndarray:
    """The first x of a split as the model sees them, binarized with a key of the split's own."""
    rows = {name: jnp.asarray(values[:num]) for name, values in getattr(group.dataset, split).items()}
    key = jax.random.fold_in(jax.random.key(0), Dataset._fields.index(split))
    return np.asarray(group.task.preprocess(key, rows)["x"])


def shown_rows(group: Group) -> tuple[np.ndarray, np.ndarray | None]:
    """What a scatter shows, x and y: the first test rows; of pairs the items, where some are labeled only these."""
    if group.dataset.spec.kind != "pairs":
        y = group.dataset.test.get("y")
        return first_rows(group, "test", MOST_ROWS), None if y is None else y[:MOST_ROWS]
    items = group.dataset.items
    y = items.get("y", np.zeros(len(items["x"]), np.int32))
    rows = np.flatnonzero(y >= 0)[:MOST_ROWS]
    return items["x"][rows], y[rows] if "y" in items else None


def spread(count: int, most: int) -> list[int]:
    """At most `most` indices below `count`, evenly spread, with the first and the last."""
    return sorted({round(i) for i in np.linspace(0, count - 1, min(count, most))})


def draw_views(directory: Path, shown: list[View], suffix: str, projection: str) -> list[Picture]:
    """The pictures of settings with the same data, of many eight spread over the sweep; files end in `suffix`."""
    shown = [shown[i] for i in spread(len(shown), MOST_VIEWS)]
    dataset, plane = shown[0].group.dataset, [view for view in shown if view.codes.shape[1] == 2]
    if "position" in dataset.items and plane:
        return [draw_map(directory / f"map{suffix}.png", plane)]
    pictures = [draw_scatter(directory / f"latent{suffix}.png", shown, projection)]
    if any((view.codes >= 0).all() or (view.codes == 0).any() for view in shown):  # units that can be off
        pictures.append(draw_activations(directory / f"activations{suffix}.png", shown))
    shown, plane = ([view for view in views if view.model.decode] for views in (shown, plane))
    if shown and dataset.spec.kind == "table":
        pictures.append(draw_heatmap(directory / f"heatmap{suffix}.png", shown))
    elif shown:
        pictures.append(draw_reconstructions(directory / f"reconstructions{suffix}.png", shown))
        pictures.append(draw_samples(directory / f"samples{suffix}.png", shown))
        if plane:
            pictures.append(draw_grid(directory / f"latent_grid{suffix}.png", plane))
        if deep := [view for view in shown if view.model.kl_of_units and view.codes.shape[1] > 2]:  # prior N(0, I)
            pictures.append(draw_traversals(directory / f"traversals{suffix}.png", deep))
    return pictures


def draw_scatter(path: Path, shown: list[View], projection: str) -> Picture:
    """The codes of the test rows (of pairs: the items), colored by label: as they are for k = 2, else projected."""
    dataset = shown[0].group.dataset
    _, y = shown_rows(shown[0].group)
    panels, names = [], []
    for view in shown:
        points, rows, axis_names = figures.embed_2d(view.codes, projection)
        panels.append((view.label, points, None if y is None else y[rows]))
        names.append(axis_names)
    what = "test rows" if dataset.spec.kind != "pairs" else "items" if y is None else "labeled items"
    title = f"Codes of {min(len(points) for _, points, _ in panels):,} {what}"
    across, up = (" or ".join(dict.fromkeys(axis)) for axis in zip(*names, strict=True))
    figures.latent_scatter(path, panels, dataset.spec.class_names, (across, up), title=title, same_scale=across == "z₁")
    return Picture(path, f"{title}, one panel per setting.", "scatter of codes by label")


def draw_map(path: Path, shown: list[View]) -> Picture:
    """The items' true positions, and the codes of every view rotated, reflected and shifted onto them."""
    dataset = shown[0].group.dataset
    position = dataset.items["position"][:MOST_ROWS]
    panels = [("true positions", position)]
    for view in shown:
        moved, residual = geometry.procrustes(position, view.codes)
        panels.append((", ".join(filter(None, [view.label, f"learned: Procrustes residual {residual:.2g}"])), moved))
    names = dataset.ids["items"][:MOST_ROWS].tolist()
    figures.maps(path, panels, names, title=f"Positions of {len(position):,} items, learned from their distances")
    return Picture(path, "True positions, and the learned ones laid over them.", "maps of items")


def draw_reconstructions(path: Path, shown: list[View]) -> Picture:
    """A row of test images, and per view a row of reconstructions, below what they were made from if corrupted."""
    x, panels = first_rows(shown[0].group, "test", 16), []
    for view in shown:
        if view.model.corrupt:
            x_tilde, x_hat = view.denoise(x)
            panels += [(view.label or "corrupted", x_tilde), ("reconstructed", x_hat)]
        else:
            panels.append((view.label or "reconstruction", view.decode(view.codes[:16])))
    figures.reconstructions(path, x, panels, title="Test images and their reconstructions")
    return Picture(path, "The first test images and their reconstructions.", "rows of images and reconstructions")


def draw_activations(path: Path, shown: list[View]) -> Picture:
    """How the units' activations are spread, and how many are exactly 0."""
    figures.activations(path, [(view.label, view.codes) for view in shown], title="Activations of the code's units")
    return Picture(path, "All activations of the test rows; red: exactly 0.", "histograms of activations")


def draw_heatmap(path: Path, shown: list[View]) -> Picture:
    """Rows of a table above their reconstructions."""
    group = shown[0].group
    spec, x, y = group.dataset.spec, first_rows(group, "test", 200), group.dataset.test.get("y")

    def flat(rows: np.ndarray) -> np.ndarray:
        return rows.reshape(len(rows), -1)

    panels = [(view.label or "reconstruction", flat(view.decode(view.codes[: len(x)]))) for view in shown]
    unit = "standardized value" if spec.center is not None else "value"
    figures.table_heatmap(
        path, flat(x), panels, spec.feature_names, None if y is None else y[:200], spec.class_names, unit=unit
    )
    return Picture(path, "Test rows and their reconstructions.", "heat map of rows and reconstructions")


def draw_samples(path: Path, shown: list[View]) -> Picture:
    """Decoded draws from the prior, or from a Gaussian fitted to the codes of a model without one."""
    num = SAMPLES if len(shown) == 1 else SAMPLES // 4
    what = "the prior" if shown[0].model.sample_prior else "a Gaussian fitted to the test codes"
    panels = [(view.label, view.decode(view.sample(num, 0))) for view in shown]
    figures.tiles(path, panels, columns=int(num**0.5), title=f"Samples: decoded draws from {what}")
    return Picture(path, f"Decoded draws from {what}.", "tiles of samples")


def draw_grid(path: Path, shown: list[View]) -> Picture:
    """The decoded plane of codes: over its prior's quantiles for a model with one, else over the codes' range."""
    panels = []
    for view in shown:
        if view.model.sample_prior:
            draws = view.sample(100_000, 0)  # a learned prior's quantiles have no closed form
            steps = np.quantile(draws, np.linspace(0.025, 0.975, GRID), axis=0).astype(np.float32)
        else:
            low, high = np.percentile(view.codes, [2.5, 97.5], axis=0)
            steps = np.linspace(low, high, GRID, dtype=np.float32)
        z1, z2 = steps[:, 0], steps[:, 1]
        panels.append((view.label, view.decode(figures.grid_codes(z1, z2)), z1, z2))
    spacing = "quantiles of the prior" if shown[0].model.sample_prior else "the range of the test codes"
    figures.latent_grid(path, panels, title=f"Decoded {GRID} × {GRID} grid of codes ({spacing})")
    return Picture(path, f"The decoded plane of codes, over {spacing}.", "grid of decoded codes")


def draw_traversals(path: Path, shown: list[View]) -> Picture:
    """The first test image with one unit after the other moved, those that tell most of the image first."""
    panels = []
    for view in shown:
        assert view.model.kl_of_units
        kl = np.asarray(jax.jit(view.model.kl_of_units)(view.params, first_rows(view.group, "test", MOST_ROWS)))
        kl = kl.mean(axis=0)
        units = np.argsort(-kl, kind="stable")[:UNITS]
        codes = figures.traversal_codes(view.codes[0], units)
        panels.append((view.label, view.decode(codes), view.codes[0], units, kl[units]))
    figures.traversals(path, panels, title="One unit moved at a time, the others as a test image has them")
    caption = "One unit moved at a time, its KL beside it; the mark is the test image's own value, within ±2.5."
    return Picture(path, caption, "rows of decoded images, one unit each")


def draw_sweep(
    directory: Path,
    members: list[Member],
    metrics: list[dict[str, Any]],
    results: list[dict[str, Any]],
    units: list[dict[str, Any]],
    likelihoods: list[dict[str, Any]],
) -> list[Picture]:
    """The pictures of all members: their curves, for a swept VAE rate against distortion, and what their codes hold."""
    labels = {member.index: setting_name(member.setting) for member in members}
    known = [(key, label) for key, label in METRICS if any(key in row for row in metrics)]
    if not any("reconstruction" in row for row in metrics):
        known = [("loss", "loss (per example)"), *known]
    pictures = []
    if metrics:
        figures.curves(directory / "curves.png", metrics, labels, known, title="Training")
        pictures.append(Picture(directory / "curves.png", "Means over training steps and rows.", "curves of metrics"))
    if len(members) > 1 and any(row.get("kl") is not None for row in results):
        path, swept = directory / "rate_distortion.png", next(iter(members[0].setting), "")
        points = [{**row, "label": labels[row["member"]], "value": row.get(swept)} for row in results]
        numeric = swept and all(isinstance(point["value"], float | int) for point in points)
        points = points if numeric else [{**point, "value": None} for point in points]
        figures.rate_distortion(path, points, setting_name({swept: ""}).rstrip(" =") if numeric else "")
        pictures.append(Picture(path, "Rate against distortion on the test set.", "scatter of rate and distortion"))
    if units:
        figures.units(directory / "units.png", series(units, labels, "kl", "variance"))
        pictures.append(Picture(directory / "units.png", "KL of each unit, and active units.", "curves over units"))
    if likelihoods:
        figures.likelihood(directory / "likelihood.png", series(likelihoods, labels, "num_samples", "nll"))
        caption = "Estimates of −log p(x) on the test set: bounds in expectation, tighter with more samples."
        pictures.append(Picture(directory / "likelihood.png", caption, "curves over importance samples"))
    return pictures


def series(
    rows: list[dict[str, Any]], labels: dict[int, str], x: str, y: str
) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """The label of each member that the rows are of, and two of their columns."""
    mine: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        mine.setdefault(row["member"], []).append(row)
    return [(labels[index], column(own, x), column(own, y)) for index, own in mine.items()]


def column(rows: list[dict[str, Any]], key: str) -> np.ndarray:
    """One number per row; NaN where it is missing."""
    return np.array([row.get(key, np.nan) for row in rows], float)
