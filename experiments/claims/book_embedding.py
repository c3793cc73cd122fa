"""A book embedding learned from links predicts unseen links and groups genres better than PPMI and SVD do.

Both embeddings have k dimensions, learn from the same pairs and are compared by their cosine. The baseline is the
matrix of positive pointwise mutual information, max(0, log p(book, link) / p(book) p(link)), cut to its k leading
singular vectors, U Sᵖ for the best of p = 0, ½, 1 (Levy & Goldberg 2014). With `--fast` the books are generated.
"""

import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import svds
from sklearn.metrics import roc_auc_score

from aejax.data.types import Dataset
from experiments.claims import NotRun, Outcome, Row, train
from experiments.claims import _neighbors as neighbors
from experiments.claims._images import QUIET

KOEHRSEN = "lecture, slide book embedding; Koehrsen 2018"
COMMAND = (
    "AEJAX_RAW_DATA=DIR python -m experiments.reproduce book_embedding, with p15_books.ndjson and book_info.tsv of "
    "github.com/WillKoehrsen/wikipedia-data-science in DIR/koehrsen_books"
)
SEEDS = 3
NEAR = 10  # neighbors that count for the purity
NEGATIVES = 10  # random pairs per held-out one


@cache
def trained(fast: bool) -> list[Outcome]:
    """Three seeds; raises NotRun if the book files are missing."""
    if fast:
        return train("books_planted", QUIET, f"seed=0:{SEEDS}")
    folder = Path(os.environ.get("AEJAX_RAW_DATA", "")) / "koehrsen_books"
    if not (folder / "p15_books.ndjson").is_file():
        raise NotRun(COMMAND)
    paths = {"data.path": str(folder / "p15_books.ndjson"), "data.labels_path": str(folder / "book_info.tsv")}
    return train("books", QUIET | paths | {"data.min_link_count": 2}, f"seed=0:{SEEDS}")


def measure(fast: bool) -> list[Row]:
    members = trained(fast)
    dataset, k = members[0].dataset, codes(members[0])[0].shape[1]
    bases = baseline(dataset, k)
    baseline_auc = max(link_auc(dataset, *base) for base in bases)
    baseline_purity = max(purity(dataset, base[0]) for base in bases)
    measured_auc = np.mean([link_auc(dataset, *codes(member)) for member in members])
    measured_purity = np.mean([purity(dataset, codes(member)[0]) for member in members])
    near, random = shared_links(dataset, codes(members[0])[0])
    against = f"k = {k}, mean of {SEEDS} seeds, at least PPMI and SVD's"
    rows = [
        Row(f"AUC of held-out links: {against}", baseline_auc, measured_auc, "at least", KOEHRSEN),
        Row(
            f"neighbors of the same genre, {NEAR} nearest: {against}",
            baseline_purity,
            measured_purity,
            "at least",
            KOEHRSEN,
        ),
        Row(f"shared links (Jaccard), {NEAR} nearest books, at least random ones'", random, near, "at least", KOEHRSEN),
    ]
    if fast:
        best, groups = genre_auc(dataset), len(dataset.spec.class_names)
        noise = 3 * np.sqrt(best * (1 - best) / len(dataset.test["item"]))
        what = f"AUC of held-out links, at most that of knowing the {groups} genres (and three standard errors)"
        rows.append(Row(what, best + noise, measured_auc, "at most", "the planted graph holds nothing else"))
    return rows


def draw(directory: Path, fast: bool) -> None:
    from aejax.reports import figures

    member = trained(fast)[0]
    y, embedded = member.dataset.items["y"], codes(member)[0]
    base = max(
        (base[0] for base in baseline(member.dataset, embedded.shape[1])), key=lambda u: purity(member.dataset, u)
    )
    panels = []
    for name, points in (("learned", embedded), ("PPMI + SVD", unit(base))):
        near = purity(member.dataset, points)
        projected, rows, axis_names = figures.embed_2d(points[y >= 0], "tsne")
        panels.append((f"{name}: {near:.0%} of {NEAR} nearest share the genre", projected, y[y >= 0][rows]))
    title = f"{len(panels[0][1]):,} books with a genre: t-SNE of {embedded.shape[1]} dimensions"
    names = member.dataset.spec.class_names
    figures.save(
        directory / "book_embedding.png",
        figures.draw_latent_scatter(panels, names, axis_names, title=title, same_scale=False),
    )


def codes(member: Outcome) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors of books [I, k] and of links [C, k]."""
    return np.asarray(member.model.encode(member.params, member.dataset.items["x"])), unit(member.params["contexts"])


def unit(rows: np.ndarray) -> np.ndarray:
    rows = np.asarray(rows, np.float64)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def ppmi(item: np.ndarray, context: np.ndarray, sizes: tuple[int, ...]) -> coo_matrix:
    """max(0, log p(i, c) / (p(i) p(c))) of pairs [N] with repetitions: nats, sparse [I, C]."""
    counts = coo_matrix((np.ones(len(item)), (item, context)), shape=sizes)
    counts.sum_duplicates()
    of_item, of_context = (np.asarray(counts.sum(axis=axis)).ravel() for axis in (1, 0))
    values = np.log(counts.data * len(item) / (of_item[counts.row] * of_context[counts.col]))
    return coo_matrix((np.maximum(values, 0.0), (counts.row, counts.col)), shape=sizes)


def baseline(dataset: Dataset, k: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """U Sᵖ [I, k] and V S¹⁻ᵖ [C, k] of the training pairs' PPMI, for p = 0, ½ and 1."""
    matrix: Any = ppmi(dataset.train["item"], dataset.train["context"], dataset.spec.sizes)
    factors: Any = svds(matrix.tocsr(), k=k, v0=np.ones(min(matrix.shape)))
    left, scale, right = factors
    return [(left * scale**p, right.T * scale ** (1 - p)) for p in (0.0, 0.5, 1.0)]


def genre_auc(dataset: Dataset) -> float:
    """AUC of the planted graph's held-out links, scored only by whether book and link have the same genre."""
    genres = np.eye(len(dataset.spec.class_names))
    return link_auc(dataset, genres[dataset.items["y"]], genres[np.arange(dataset.spec.sizes[1]) % len(genres)])


def link_auc(dataset: Dataset, items: np.ndarray, contexts: np.ndarray) -> float:
    """AUC of the cosines: all held-out pairs against random pairs that occur in no split."""
    items, contexts, sizes = unit(items), unit(contexts), dataset.spec.sizes
    generator = np.random.default_rng(0)
    item, context = dataset.test["item"], dataset.test["context"]
    known = np.concatenate([split["item"] * sizes[1] + split["context"] for split in dataset[:3]])
    drawn = generator.integers(0, sizes[0] * sizes[1], NEGATIVES * len(item))
    drawn = drawn[~np.isin(drawn, known)]
    item, context = np.concatenate([item, drawn // sizes[1]]), np.concatenate([context, drawn % sizes[1]])
    is_pair = np.arange(len(item)) < len(item) - len(drawn)
    return float(roc_auc_score(is_pair, (items[item] * contexts[context]).sum(axis=1)))


def purity(dataset: Dataset, items: np.ndarray) -> float:
    return neighbors.purity(items, dataset.items["y"], NEAR)


def shared_links(dataset: Dataset, items: np.ndarray) -> tuple[float, float]:
    """Mean |both| / |either| of the links of a book and its nearest books, and of a book and any other book."""
    linked = np.zeros(dataset.spec.sizes, np.float32)
    for split in dataset[:3]:
        linked[split["item"], split["context"]] = 1.0
    both, number = linked @ linked.T, linked.sum(axis=1)
    jaccard = both / np.maximum(number[:, None] + number[None] - both, 1.0)
    near = np.take_along_axis(jaccard, neighbors.nearest(items, NEAR, "cosine"), axis=1).mean()
    return float(near), float((jaccard.sum() - np.trace(jaccard)) / (jaccard.size - len(jaccard)))
