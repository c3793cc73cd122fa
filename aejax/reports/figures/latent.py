"""Codes as points in a plane: the code itself for k = 2; its t-SNE, UMAP or PCA for k > 2."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from aejax.reports.figures.style import (
    CLASS_COLORS,
    GREY,
    SEQUENTIAL,
    WIDTH,
    class_colors,
    grid_shape,
    headline,
    label_points,
    legend_columns,
    new_figure,
    styled,
    wrap,
)

Points = Float[np.ndarray, "n 2"]
Classes = Int[np.ndarray, " n"]
Numbers = Float[np.ndarray, " n"]
Panel = tuple[str, Float[np.ndarray, "_ 2"], Int[np.ndarray, " _"] | Float[np.ndarray, " _"] | None]  # each has its n

MOST_CLASSES, NAMED_CLASSES = 30, 9
CHARACTER = 0.092  # inches of a title
OTHERS = "others"
RANDOM = "random height"  # of codes with one unit
MOST_NEIGHBOR_ROWS = 2000  # of all panels: t-SNE takes 3 ms a row, UMAP embeds the same rows


@styled()
def draw_latent_scatter(
    panels: Sequence[Panel],
    class_names: Sequence[str] = (),
    axis_names: tuple[str, str] = ("z₁", "z₂"),
    title: str = "Codes",
    same_scale: bool = True,
) -> Figure:
    """One square per panel (label, codes [N, 2], y [N] or None), all on one scale if `same_scale`.

    Each class has a color and a name; of more than 30 only the nine most frequent, and the others are grey. Numeric
    labels have one color scale for all panels, from their 1st to their 99th percentile.
    """
    panels, class_names, title = with_few_classes(panels, class_names, title)
    labeled = [y for _, _, y in panels if y is not None and y.dtype.kind != "f"]
    numbers = [y for _, _, y in panels if y is not None and y.dtype.kind == "f"]
    class_names = class_names or [str(c) for c in range(1 + max((int(y.max()) for y in labeled), default=-1))]
    colors = Normalize(*np.percentile(np.concatenate(numbers), [1, 99])) if numbers else None
    down, side = grid_shape(len(panels), 4)
    cell = min(5.0, WIDTH / side)
    is_line = axis_names[1] == RANDOM
    figure = new_figure(cell * side, (0.4 if is_line else 1.0) * cell * down + 0.5, layout="compressed")
    grid = figure.subplots(down, side, squeeze=False, sharex=same_scale, sharey=same_scale).ravel()
    everything = square(np.concatenate([z for _, z, _ in panels]))
    for axes, (label, z, y) in zip(grid, panels, strict=False):
        left, right, bottom, top = everything if same_scale else square(z)
        height = {"ylim": (bottom, top), "aspect": "equal"} if not is_line else {"yticks": []}
        axes.set(xlim=(left, right), **height)
        name = wrap(label, int(cell / CHARACTER))
        axes.set_title(name, fontsize=8.5 if "\n" in name else None)
        scatter(axes, z, y, colors or colors_of(class_names), area=0.2 * cell)
    for axes in grid[len(panels) :]:
        axes.remove()
    name_axes(figure, side, axis_names)
    headline(figure, title)
    if labeled and len(class_names) <= len(CLASS_COLORS):
        legend(figure, class_names)
    if colors:
        figure.colorbar(ScalarMappable(colors, SEQUENTIAL), ax=list(grid[: len(panels)]), label="label", extend="both")
    for axes, (_, z, y) in zip(grid, panels, strict=False):
        if y is not None and not colors:
            name_classes(axes, z, y, class_names)
    return figure


def with_few_classes(
    panels: Sequence[Panel], class_names: Sequence[str], title: str
) -> tuple[Sequence[Panel], Sequence[str], str]:
    """The panels with the most frequent classes and OTHERS, if there are too many to name; `title` then says so.

    Labels that no two rows of a panel share are left out.
    """
    every = [np.bincount(y, minlength=len(class_names)) for _, _, y in panels if y is not None and y.dtype.kind != "f"]
    if len(class_names) <= MOST_CLASSES or not every:
        return panels, class_names, title
    if max(counts.max() for counts in every) < 2:
        return [(label, z, None) for label, z, _ in panels], (), title
    first = np.argsort(-np.sum(every, axis=0), kind="stable")[:NAMED_CLASSES]
    code = np.full(len(class_names), NAMED_CLASSES)
    code[first] = np.arange(NAMED_CLASSES)
    few = [(label, z, None if y is None else code[y]) for label, z, y in panels]
    title = f"{title}; {NAMED_CLASSES} of {len(class_names):,} classes named"
    return few, [*(class_names[int(c)] for c in first), OTHERS], title


def colors_of(class_names: Sequence[str], dark: bool = False) -> np.ndarray:
    """The color of each class [C, 4]; OTHERS are grey."""
    colors = class_colors(len(class_names), dark)
    if OTHERS in class_names[-1:]:
        grey = CLASS_COLORS.index(GREY)
        colors = colors[[*range(grey), *range(grey + 1, len(colors)), grey]]
    return colors


def scatter(axes: Axes, z: Points, y: Classes | Numbers | None, colors: np.ndarray | Normalize, area: float) -> None:
    """Draws the points in random order, so that no class hides the others; `colors` are theirs or a scale."""
    order = np.random.default_rng(0).permutation(len(z))
    if y is None:
        color = class_colors(1)
    else:
        color = SEQUENTIAL(colors(y[order])) if isinstance(colors, Normalize) else colors[y[order]]
    size = area * float(np.clip(16000 / max(len(z), 1), 7, 40))
    axes.scatter(*z[order].T, s=size, c=color, alpha=0.7, linewidths=0)


def square(z: Points) -> tuple[float, float, float, float]:
    """The smallest square (left, right, bottom, top) around all finite points, with a margin."""
    finite = z[np.isfinite(z).all(axis=1)]
    if not len(finite):
        return -1.0, 1.0, -1.0, 1.0
    low, high = finite.min(axis=0).astype(float), finite.max(axis=0).astype(float)
    center = (low + high) / 2
    least = 1e-6 * float(np.abs(center).max())  # codes may be equal, and so large that 1 is no distance
    half = max(0.53 * float((high - low).max()), least) or 1.0
    return center[0] - half, center[0] + half, center[1] - half, center[1] + half


def name_axes(figure: Figure, side: int, axis_names: tuple[str, str]) -> None:
    """Labels only the outer axes of the grid."""
    for i, axes in enumerate(figure.axes):
        if i + side >= len(figure.axes):
            axes.set_xlabel(axis_names[0])
            axes.tick_params(labelbottom=True)
        if i % side == 0:
            axes.set_ylabel(axis_names[1])


def legend(figure: Figure, class_names: Sequence[str]) -> None:
    """One dot per class below the figure."""
    dots = [
        Line2D([], [], marker="o", linestyle="", color=color, label=name, markersize=5)
        for color, name in zip(colors_of(class_names), class_names, strict=True)
    ]
    columns = min(10, legend_columns(class_names, 0.3))
    figure.legend(handles=dots, loc="outside lower center", ncols=columns, handletextpad=0.1, columnspacing=1.0)


def name_classes(axes: Axes, z: Points, y: Classes, class_names: Sequence[str]) -> None:
    """Writes each class's name at the median of its points; of names that overlap, only the largest class's.

    If a legend exists and fewer than 60 % of the names fit (collapsed codes), writes none.
    """
    finite = np.isfinite(z).all(axis=1)
    counts = np.bincount(y[finite], minlength=len(class_names))
    present = [c for c in np.argsort(-counts, kind="stable") if counts[c] and class_names[c] != OTHERS]
    medians = np.array([np.median(z[finite & (y == c)], axis=0) for c in present]).reshape(-1, 2)
    notes = label_points(axes, medians, [class_names[int(c)] for c in present])
    if len(class_names) <= len(CLASS_COLORS) and len(notes) < 0.6 * len(present):
        for note in notes:
            note.remove()


def embed_2d(
    codes: Float[np.ndarray, "n k"], method: str = "tsne", seed: int = 0, panels: int = 1
) -> tuple[Float[np.ndarray, "rows 2"], Int[np.ndarray, " rows"], tuple[str, str]]:
    """Codes [N, K] as points [n, 2], the points' row indices [n] in `codes`, and the names of the two axes.

    Codes with K = 2 are unchanged, and with K = 1 get random heights. Otherwise `method` is "pca", or "tsne" or "umap"
    on rows drawn with `seed`, at most 2,000 in all `panels` of a figure; codes that are not all finite (a diverged
    member) become NaN. UMAP needs umap-learn. Raises ValueError for any other method.
    """
    every = np.arange(len(codes))
    if codes.shape[1] == 2:
        return codes, every, ("z₁", "z₂")
    if codes.shape[1] == 1:
        heights = np.random.default_rng(seed).uniform(-0.5, 0.5, (len(codes), 1)) * codes.std()
        return np.hstack([codes, heights]), every, ("z₁", RANDOM)
    if method == "pca":
        return principal(codes), every, ("PC 1", "PC 2")
    if method not in ("tsne", "umap"):
        raise ValueError(f'method must be "tsne", "umap" or "pca", not "{method}"')
    rows = np.sort(np.random.default_rng(seed).permutation(len(codes))[: MOST_NEIGHBOR_ROWS // panels])
    if method == "umap":
        return umap(codes[rows], seed), rows, ("UMAP 1", "UMAP 2")
    return tsne(codes[rows], seed), rows, ("t-SNE 1", "t-SNE 2")


def principal(codes: Float[np.ndarray, "n k"]) -> Points:
    """Scores on the first two principal components, each signed so that its largest loading is positive."""
    if not np.isfinite(codes).all():
        return np.full((len(codes), 2), np.nan)
    centered = codes.astype(np.float64) - codes.mean(axis=0, dtype=np.float64)
    components = np.linalg.svd(centered, full_matrices=False)[2][:2]
    components *= np.sign(components[np.arange(len(components)), np.abs(components).argmax(axis=1)])[:, None]
    scores = centered @ components.T
    return np.pad(scores, ((0, 0), (0, 2 - scores.shape[1])))  # one row has one component only


def tsne(codes: Float[np.ndarray, "n k"], seed: int) -> Points:
    """t-SNE (van der Maaten & Hinton 2008) initialized by PCA; one thread makes it reproducible."""
    from sklearn.manifold import TSNE  # takes a second to import
    from threadpoolctl import threadpool_limits

    start = principal(codes)
    if not np.isfinite(start).all() or len(codes) < 4:
        return start
    start = 1e-4 * start / (start[:, 0].std() or 1.0)
    perplexity = min(30.0, (len(codes) - 1) / 3)
    with threadpool_limits(limits=1):
        method = TSNE(init=start, perplexity=perplexity, random_state=seed)  # pyright: ignore[reportArgumentType]
        return method.fit_transform(codes)


def umap(codes: Float[np.ndarray, "n k"], seed: int) -> Points:
    """UMAP (McInnes et al. 2018, arXiv 1802.03426) initialized by PCA; one thread makes it reproducible."""
    import umap as umap_learn  # pyright: ignore[reportMissingImports]  # optional, and takes ten seconds to import

    start = principal(codes)
    if len(codes) < 4 or not np.isfinite(start).all() or not np.ptp(start, axis=0).all():
        return start  # too few, diverged, or collapsed to a line: umap-learn divides by the ranges
    neighbors = min(15, len(codes) - 1)
    method = umap_learn.UMAP(n_neighbors=neighbors, init=start, random_state=seed, n_jobs=1)
    return np.asarray(method.fit_transform(codes))
