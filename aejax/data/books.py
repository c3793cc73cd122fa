"""Books and the links of their Wikipedia pages, in the public format of Koehrsen's "wikipedia-data-science".

One JSON array per line: [title, infobox, wikilinks, ...]. Links are lower-cased and kept if at least
`data.min_link_count` books have them; binding formats and Wikipedia's project tags are dropped, as in Koehrsen's
"Building a Recommendation System Using Neural Network Embeddings" (2018). A book links to a page at most once.

`data.labels_path` is an optional .tsv with the columns title and genre. A genre is the text before its first
comma, without "novel"; the `data.num_labels` most frequent genres are the classes, and all other books are unlabeled.
"""

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from aejax.data import Pairs
from aejax.errors import UserError

DROPPED = {
    "hardcover",
    "paperback",
    "hardback",
    "e-book",
    "wikipedia:wikiproject books",
    "wikipedia:wikiproject novels",
}


def read(config: Any) -> Pairs:
    """All pairs (item: book, context: link) as int32; a UserError names the file, its line and the remedy."""
    links_of = read_links(config.path)
    counts = Counter(link for links in links_of.values() for link in links)
    kept = sorted(link for link, count in counts.items() if count >= config.min_link_count)
    number = {link: place for place, link in enumerate(kept)}
    pairs = [(book, number[link]) for book, links in enumerate(links_of.values()) for link in links if link in number]
    if not pairs:
        raise UserError(
            f"{config.path}: no link appears in at least {config.min_link_count} books: lower data.min_link_count, or "
            "check the file"
        )
    item, context = np.array(pairs, np.int32).T
    items = {"x": np.arange(len(links_of), dtype=np.int32), "ids": np.array(list(links_of))}
    class_names = ()
    if config.labels_path:
        items["y"], class_names = labels(read_genres(config.labels_path), list(links_of), config.num_labels)
    return Pairs({"item": item, "context": context}, items, (len(links_of), len(kept)), class_names)


def read_links(path: str) -> dict[str, list[str]]:
    """Each book's sorted, lower-cased links, by title; if several pages have one title, only the first counts."""
    if not path:
        raise UserError("data.path is empty: give the .ndjson file of books, or use data.name=planted_pairs")
    if not Path(path).is_file():
        raise UserError(f"{path} does not exist or is not a file: correct data.path")
    books: dict[str, list[str]] = {}
    with open(path, "rb") as file:
        for line, text in enumerate(file, 1):
            if not text.strip():
                continue
            try:
                title, _, links, *_ = json.loads(text)
            except (TypeError, ValueError) as error:  # ValueError: also bad UTF-8 and too few values
                raise UserError(
                    f"{path}: line {line} is not a JSON array [title, infobox, wikilinks, ...]: fix it ({error})"
                ) from None
            if not isinstance(title, str) or not isinstance(links, list) or not all(isinstance(n, str) for n in links):
                raise UserError(f"{path}: line {line} must have a title and a list of links, all as text: fix it")
            books.setdefault(title, sorted({link.lower() for link in links} - DROPPED))
    if not books:
        raise UserError(f"{path} is empty: it needs one JSON array per line")
    return books


def read_genres(path: str) -> dict[str, str]:
    """Title -> genre, from a .tsv with these two columns."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read data.labels_path={path} as a .tsv in UTF-8: {error}") from None
    if not rows or not {"title", "genre"} <= set(rows[0]):
        raise UserError(f"data.labels_path={path} needs a first line with the columns title and genre")
    return {row["title"]: row["genre"] or "" for row in rows}


def labels(genres: dict[str, str], titles: list[str], num_labels: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Codes [books] int32 of the most frequent genres, -1 for all others, and the genres' names."""
    mine = [genre_name(genres.get(title, "")) for title in titles]
    ranked = sorted(Counter(name for name in mine if name).items(), key=lambda entry: (-entry[1], entry[0]))
    names = tuple(sorted(name for name, _ in ranked[:num_labels]))
    return np.array([names.index(name) if name in names else -1 for name in mine], np.int32), names


def genre_name(text: str) -> str:
    """ "Fantasy novel, horror" -> "fantasy"; a plain "novel" stays."""
    name = text.partition(",")[0].strip().lower()
    return name.removesuffix(" novels").removesuffix(" novel")
