"""Chooses and draws the figures of a run: codes, reconstructions and samples by setting, curves over all members."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import numpy as np

from aejax.data import conditions
from aejax.metrics import curves, geometry
from aejax.plan import Member
from aejax.reports import figures
from aejax.reports.settings import setting_name
from aejax.reports.views import MOST_ROWS, View, few_rows, shown_rows, some_rows

Rows = list[dict[str, Any]]


class Picture(NamedTuple):
    """A figure, the name of its file, its caption and its alternative text."""

    name: str
    figure: figures.Figure
    caption: str
    alternative: str


MOST_VIEWS = 8
GRID = 20  # codes along each side of the latent grid
SAMPLES = 64
UNITS = 10  # rows of a traversal
FEWEST_UNITS = 4  # in a picture of the units: fewer are read from units.csv


def draw_views(shown: list[View], projection: str) -> Iterator[Picture]:
    """The pictures of at most eight settings that share their data, spread evenly over the sweep.

    A setting whose first member diverged is left out.
    """
    every, shown = shown, [view for view in shown if np.isfinite(view.codes).all()]
    if not shown:
        return
    lost = len(every) - len(shown)
    some = [shown[round(i)] for i in np.linspace(0, len(shown) - 1, min(len(shown), MOST_VIEWS))]
    note = f" {len(some)} of {len(every)} settings are shown" * (len(some) < len(every))
    note += f"; {lost} diverged." * bool(lost) or "." * bool(note)
    names = "; ".join(view.label for view in some if view.label)
    for picture in draw_some(some, projection):
        alternative = f"{picture.alternative}: {names}" if names else picture.alternative
        yield picture._replace(caption=picture.caption + note, alternative=alternative)


def draw_some(shown: list[View], projection: str) -> Iterator[Picture]:
    """The pictures of these settings."""
    dataset, plane = shown[0].group.dataset, [view for view in shown if view.codes.shape[1] == 2]
    if "position" in dataset.items and plane:
        yield draw_map(plane)
        return
    yield draw_scatter(shown, projection)
    if any((view.codes >= 0).all() or (view.codes == 0).any() for view in shown):  # units that can be off
        yield draw_activations(shown)
    shown, plane = ([view for view in views if view.model.decode] for views in (shown, plane))
    if shown and dataset.spec.kind == "table":
        yield draw_heatmap(shown)
    elif shown and dataset.spec.kind == "series":
        yield draw_series(shown)
        yield draw_series_samples(shown)
    elif shown:
        yield draw_reconstructions(shown)
        yield draw_samples(shown)
        if plane:
            yield draw_grid(plane)
        if deep := [view for view in shown if view.model.kl_of_units and view.codes.shape[1] > 2]:  # prior N(0, I)
            yield draw_traversals(deep)


def draw_scatter(shown: list[View], projection: str) -> Picture:
    """The codes of the test rows (for pairs: of the items), colored by label; projected to 2-D unless k = 2.

    The title says how many rows a panel shows, and whether they are a random part of them.
    """
    dataset = shown[0].group.dataset
    _, y = shown_rows(shown[0].group)
    panels, names = [], []
    for view in shown:
        points, rows, axis_names = figures.embed_2d(view.codes, projection, panels=len(shown))
        panels.append((view.label, points, None if y is None else y[rows]))
        names.append(axis_names)
    what = "test rows" if dataset.spec.kind != "pairs" else "items" if y is None else "labeled items"
    counts = [len(points) for _, points, _ in panels]
    number = " to ".join(f"{count:,}" for count in sorted({min(counts), max(counts)}))
    title = f"Codes of {number} {'random ' * (max(counts) < len(shown[0].codes))}{what}"
    across, up = (" or ".join(dict.fromkeys(axis)) for axis in zip(*names, strict=True))
    one_model = len({view.group.config.model.name for view in shown}) == 1  # others have other units of z
    classes, same_scale = dataset.spec.class_names, across == "z₁" and one_model
    figure = figures.draw_latent_scatter(panels, classes, (across, up), title=title, same_scale=same_scale)
    return Picture("latent", figure, f"{title}, one panel per setting.", "scatter of codes by label")


def draw_map(shown: list[View]) -> Picture:
    """The items' true positions, and the codes of every view rotated, reflected and shifted onto them."""
    dataset = shown[0].group.dataset
    position = dataset.items["position"][:MOST_ROWS]
    panels = [("true positions", position)]
    for view in shown:
        moved, residual = geometry.procrustes(position, view.codes)
        panels.append((", ".join(filter(None, [view.label, f"learned: Procrustes residual {residual:.2g}"])), moved))
    names = dataset.ids["items"][:MOST_ROWS].tolist()
    title = f"Positions of {len(position):,} items, learned from their distances"
    figure = figures.draw_maps(panels, names, title=title)
    return Picture("map", figure, "True positions, and the learned ones laid over them.", "maps of items")


def draw_reconstructions(shown: list[View]) -> Picture:
    """A row of test images, and per view a row of reconstructions, below a row of corrupted inputs if there are any."""
    x, panels = few_rows(shown[0].group, 16)[0], []
    for view in shown:
        if view.model.corrupt:
            x_tilde, x_hat = view.denoise(x)
            panels += [(view.label or "corrupted", x_tilde), ("reconstructed", x_hat)]
        else:
            panels.append((view.label or "reconstruction", view.reconstruct(16)))
    figure = figures.draw_reconstructions(x, panels, title="Test images and their reconstructions")
    caption = "Test images and their reconstructions."
    return Picture("reconstructions", figure, caption, "rows of images and reconstructions")


def draw_activations(shown: list[View]) -> Picture:
    """Histograms of the units' activations, with the fraction of exact zeros."""
    panels = [(view.label, view.codes) for view in shown]
    figure = figures.draw_activations(panels, title="Activations of the code's units")
    caption = "All activations of the test rows; red: exactly 0."
    return Picture("activations", figure, caption, "histograms of activations")


def draw_heatmap(shown: list[View]) -> Picture:
    """Rows of a table above their reconstructions."""
    group = shown[0].group
    spec, (x, y) = group.dataset.spec, few_rows(group, 200)

    def flat(rows: np.ndarray) -> np.ndarray:
        return rows.reshape(len(rows), -1)

    panels = [(view.label or "reconstruction", flat(view.reconstruct(len(x)))) for view in shown]
    figure = figures.draw_table_heatmap(
        flat(x), panels, spec.feature_names, y, spec.class_names, unit=unit_of(shown[0])
    )
    caption = "Test rows and their reconstructions."
    return Picture("heatmap", figure, caption, "heat map of rows and reconstructions")


def draw_series(shown: list[View]) -> Picture:
    """Test series, and on them their reconstructions."""
    x, _ = few_rows(shown[0].group, figures.MOST_SERIES)
    panels = [(view.label or "reconstruction", view.reconstruct(len(x))) for view in shown]
    figure = figures.draw_series([("original", x), *panels], unit=unit_of(shown[0]))
    caption = "Test series and their reconstructions."
    return Picture("reconstructions", figure, caption, "curves of series and reconstructions")


def draw_series_samples(shown: list[View]) -> Picture:
    """Decoded draws, as in `draw_samples`, as curves."""
    panels = [(view.label or "sample", view.decode(view.sample(figures.MOST_SERIES, 0))) for view in shown]
    source = source_of(shown[0])
    figure = figures.draw_series(panels, title=f"Samples: decoded draws from {source}", unit=unit_of(shown[0]))
    return Picture("samples", figure, f"Decoded draws from {source}.", "curves of samples")


def unit_of(view: View) -> str:
    """What the numbers of a table or series are."""
    return "value" if view.group.dataset.spec.center is None else "standardized value"


def source_of(view: View) -> str:
    """From where `View.sample` draws codes, in words."""
    source = "the prior" if view.model.sample_prior else "a Gaussian fitted to the training codes"
    return source + conditions.typical_words(view.group.dataset.spec.conditions)


def draw_samples(shown: list[View]) -> Picture:
    """Decoded draws from the prior, or from a Gaussian fitted to the codes if the model has no prior."""
    num = SAMPLES if len(shown) == 1 else SAMPLES // 4
    source = source_of(shown[0])
    panels = [(view.label, view.decode(view.sample(num, 0))) for view in shown]
    figure = figures.draw_tiles(panels, columns=int(num**0.5), title=f"Samples: decoded draws from {source}")
    return Picture("samples", figure, f"Decoded draws from {source}.", "tiles of samples")


def draw_grid(shown: list[View]) -> Picture:
    """A decoded grid over the plane of codes: at the prior's quantiles, or over the codes' range without a prior."""
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
    spacing += conditions.typical_words(shown[0].group.dataset.spec.conditions)
    figure = figures.draw_latent_grid(panels, title=f"Decoded {GRID} × {GRID} grid of codes ({spacing})")
    return Picture("latent_grid", figure, f"The decoded plane of codes, over {spacing}.", "grid of decoded codes")


def draw_traversals(shown: list[View]) -> Picture:
    """The first test image decoded while one unit at a time moves; units with the largest mean KL come first."""
    panels = []
    for view in shown:
        assert view.model.kl_of_units
        kl = np.asarray(jax.jit(view.model.kl_of_units)(view.params, some_rows(view.group, "test", MOST_ROWS)))
        kl = kl.mean(axis=0)
        units = np.argsort(-kl, kind="stable")[:UNITS]
        codes = figures.traversal_codes(view.codes[0], units)
        c = None if view.c is None else np.repeat(view.c[:1], len(codes), axis=0)
        panels.append((view.label, view.decode(codes, c), view.codes[0], units, kl[units]))
    figure = figures.draw_traversals(panels, title="One unit moved at a time, the others as a test image has them")
    caption = "One unit moved at a time, its KL beside it; the mark is the test image's own value, within ±2.5."
    return Picture("traversals", figure, caption, "rows of decoded images, one unit each")


def draw_sweep(
    members: list[Member], metrics: Rows, results: Rows, units: Rows, likelihoods: Rows
) -> Iterator[Picture]:
    """The pictures of all members: training curves, rate against distortion if a VAE is swept, units, likelihoods."""
    labels = {member.index: setting_name(member.setting) for member in members}
    if len({row["epoch"] for row in metrics}) > 1:  # a model in closed form has no curve
        titles = curves({name for row in metrics for name in row})
        figure = figures.draw_curves(metrics, labels, titles, title="Training")
        yield Picture("curves", figure, "Means over training steps and rows.", "curves of metrics")
    if len(members) > 1 and any(row.get("kl") is not None for row in results):
        yield draw_rate_distortion(members, labels, results)
    if max((row["unit"] for row in units), default=0) >= FEWEST_UNITS - 1:
        figure = figures.draw_units(series(units, labels, "kl", "variance"))
        yield Picture("units", figure, "KL of each unit, and active units.", "curves over units")
    if likelihoods:
        figure = figures.draw_likelihood(series(likelihoods, labels, "num_samples", "nll"))
        caption = "Estimates of −log p(x) on the test set: bounds in expectation, tighter with more samples."
        yield Picture("likelihood", figure, caption, "curves over importance samples")


def draw_rate_distortion(members: list[Member], labels: dict[int, str], results: Rows) -> Picture:
    """KL and reconstruction of every member, colored by the first swept key if its values are numbers."""
    swept = next(iter(members[0].setting), "")
    points = [{**row, "label": labels[row["member"]], "value": row.get(swept)} for row in results]
    numeric = swept and all(isinstance(point["value"], float | int) for point in points)
    points = points if numeric else [{**point, "value": None} for point in points]
    name = setting_name({swept: ""}).rstrip(" =") if numeric else ""
    figure = figures.draw_rate_distortion(points, name)
    caption = "Rate against distortion on the test set."
    return Picture("rate_distortion", figure, caption, "scatter of rate and distortion")


def series(rows: Rows, labels: dict[int, str], x: str, y: str) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """For each member in the rows: its label and its columns `x` and `y`."""
    mine: dict[int, Rows] = {}
    for row in rows:
        mine.setdefault(row["member"], []).append(row)
    return [(labels[index], column(own, x), column(own, y)) for index, own in mine.items()]


def column(rows: Rows, key: str) -> np.ndarray:
    """One number per row; NaN if it is missing."""
    return np.array([row.get(key, np.nan) for row in rows], float)
