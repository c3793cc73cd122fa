"""Sources of pairs against known facts about them, and pairs as a Dataset."""

import json
from typing import Any

import numpy as np
import pytest

from aejax import config as configs
from aejax import data
from aejax.data import books, capitals, planted_pairs, toy_text
from aejax.engine import programs
from aejax.errors import UserError
from aejax.plan import Plan
from configs import base

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
LINE = '["A Book", {}, ["One", "one", "Two", "Hardcover"], []]'


def settings(**changes):
    return configs.replaced(base.get_config(), {f"data.{key}": value for key, value in changes.items()}).data


# Sources


def test_haversine_knows_distances_on_the_earth():
    start = np.radians([[2.3522, 48.8566], [0.0, 90.0], [10.0, 0.0]])  # Paris, the North Pole, the equator
    stop = np.radians([[13.4050, 52.5200], [77.0, -90.0], [11.0, 0.0]])  # Berlin, the South Pole, the equator
    distance = capitals.great_circle(start, stop)
    np.testing.assert_allclose(distance[0] * capitals.EARTH_RADIUS, 877.5, atol=1.0)
    np.testing.assert_allclose(distance[1:], [np.pi, np.radians(1.0)])


def test_capitals_are_all_pairs_of_202():
    rows = capitals.read(settings())
    assert rows.sizes == (202,) == rows.items["x"].shape == (len(set(rows.items["ids"].tolist())),)
    first, second = rows.columns["first"], rows.columns["second"]
    assert len({*zip(first.tolist(), second.tolist(), strict=True)}) == 202 * 201 // 2 and (first < second).all()
    prague, warsaw = (rows.items["ids"].tolist().index(name) for name in ("Prague", "Warsaw"))
    np.testing.assert_allclose(np.degrees(rows.items["position"][prague]), [14.46, 50.08], atol=0.1)  # longitude first
    pair = (first == min(prague, warsaw)) & (second == max(prague, warsaw))
    slide = np.hypot(50.07 - 52.24, 14.41 - 21.02)  # the slide's coordinates, in degrees
    assert np.degrees(rows.columns["distance"][pair]) == pytest.approx(slide, abs=0.1)
    with pytest.raises(UserError, match="data.distance='haversine' is not one of euclidean, great_circle"):
        capitals.read(settings(distance="haversine"))


def write_books(folder, *lines):
    (folder / "books.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(folder / "books.ndjson")


def test_books_are_read_as_their_authors_filter_them(tmp_path):
    path = write_books(
        tmp_path,
        LINE,
        "",
        '["Another", null, ["two", "Three", "Hardcover"]]',
        '["A Book", {}, ["Three"]]',
        '["Third", {}, ["ONE", "Three"]]',
    )
    (tmp_path / "info.tsv").write_text(
        'title\tauthor\tgenre\nA Book\t"me\tFantasy novel, horror\nThird\tx\tnovel\nAnother\t\t\n'
    )
    rows = books.read(settings(path=path, min_link_count=2, labels_path=str(tmp_path / "info.tsv"), num_labels=1))
    titles, kept = rows.items["ids"], ["one", "three", "two"]
    pairs = [(titles[item], kept[context]) for item, context in zip(*rows.columns.values(), strict=True)]
    assert pairs == [
        ("A Book", "one"),
        ("A Book", "two"),
        ("Another", "three"),
        ("Another", "two"),
        ("Third", "one"),
        ("Third", "three"),
    ]
    assert rows.sizes == (3, 3) and rows.class_names == ("fantasy",) and rows.items["y"].tolist() == [0, -1, -1]


@pytest.mark.parametrize(
    ("lines", "changes", "words"),
    [
        ([LINE, "[1, 2"], {}, r"books.ndjson: line 2 is not a JSON array \[title, infobox, wikilinks"),
        ([LINE, "", '["no links"]'], {}, r"line 3 is not a JSON array \[title"),
        ([LINE, "7"], {}, r"line 2 is not a JSON array \[title"),
        (['[1, {}, ["x"]]'], {}, "line 1 must have a title and a list of links"),
        (['["t", {}, [3]]'], {}, "line 1 must have a title and a list of links"),
        ([""], {}, "is empty"),
        ([LINE], {"min_link_count": 2}, "no link appears in at least 2 books: lower data.min_link_count"),
        ([LINE], {"labels_path": "no.tsv", "min_link_count": 1}, "cannot read data.labels_path=no.tsv"),
    ],
)
def test_damaged_books_are_refused_by_their_line(lines, changes, words, tmp_path):
    with pytest.raises(UserError, match=words):
        books.read(settings(path=write_books(tmp_path, *lines), **changes))


def test_labels_need_their_columns(tmp_path):
    (tmp_path / "info.tsv").write_text("name\tkind\nA\tb\n")
    with pytest.raises(UserError, match="columns title and genre"):
        books.read_genres(str(tmp_path / "info.tsv"))


def test_the_planted_graph_has_the_share_that_was_planted():
    config: Any = settings(num_items=300, num_contexts=1001, num_groups=7, pairs_per_item=30, planted_share=0.5)
    rows = planted_pairs.read(config)
    item, context = rows.columns.values()
    assert len(np.unique(item * 1001 + context)) == len(item) and context.max() < 1001
    own = (rows.items["y"][item] == context % 7).mean()
    assert own == pytest.approx(0.5 + 0.5 / 7, abs=0.03)
    assert np.bincount(context, minlength=1001).min() > 0
    alone = planted_pairs.read(configs.replaced(config, {"planted_share": 1.0}))
    assert (alone.items["y"][alone.columns["item"]] == alone.columns["context"] % 7).all()


def test_the_toy_text_pairs_each_word_with_those_near_it(monkeypatch):
    monkeypatch.setattr(toy_text, "write", lambda num, seed: ["the deep ship sails", "she drifts"])
    rows = toy_text.read(settings(window=2))
    words = rows.items["ids"]
    pairs = sorted((str(words[a]), str(words[b])) for a, b in zip(*rows.columns.values(), strict=True))
    one_way = [
        ("the", "deep"),
        ("the", "ship"),
        ("deep", "ship"),
        ("deep", "sails"),
        ("ship", "sails"),
        ("she", "drifts"),
    ]
    assert pairs == sorted(one_way + [(b, a) for a, b in one_way])
    topics = dict(zip(words.tolist(), rows.items["y"].tolist(), strict=True))
    assert topics["ship"] == topics["sails"] == 0 and topics["the"] == topics["she"] == -1


# Pairs as a Dataset


def test_pairs_are_divided_and_counted_in_training_only(planted):
    dataset = data.load(planted.data)
    whole = planted_pairs.read(planted.data)
    sizes = [programs.num_rows(split) for split in dataset[:3]]
    assert sum(sizes) == len(whole.columns["item"]) and sizes[1] == 0 and sizes[2] == round(0.1 * sum(sizes))
    codes = [split["item"] * 80 + split["context"] for split in dataset[:3]]
    assert len(np.unique(np.concatenate(codes))) == sum(sizes)  # no test pair is trained on
    counts = np.bincount(dataset.train["context"], minlength=80)
    np.testing.assert_array_equal(dataset.train["count"], counts[dataset.train["context"]])
    np.testing.assert_array_equal(dataset.test["count"], np.maximum(counts, 1)[dataset.test["context"]])
    assert dataset.spec.kind == "pairs" and dataset.spec.sizes == (80, 80) and len(dataset.ids["items"]) == 80
    assert data.spec_from_json(json.loads(json.dumps(data.spec_to_json(dataset.spec)))).sizes == (80, 80)


def test_the_digest_knows_the_names_of_items(planted, monkeypatch):
    before = data.load(planted.data).sha256
    rows = planted_pairs.read(planted.data)
    renamed = rows._replace(items=rows.items | {"ids": np.char.add(rows.items["ids"], "!")})
    monkeypatch.setattr(planted_pairs, "read", lambda config: renamed)
    assert data.load(planted.data).sha256 != before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model.name": "vae"}, "model.name=vae needs `x`, which data.name=planted_pairs does not have"),
        ({"data.name": "digits"}, "needs `item`, which data.name=digits does not have .it has x, y"),
        ({"data.name": "capitals"}, "needs `item`"),
        ({"data.standardize": True}, "data.standardize=True does not apply to pairs"),
        ({"data.binarization": "static"}, "data.binarization=static does not apply to pairs"),
        ({"model.target": "both"}, "model.target='both'"),
        ({"model.negatives": "none"}, "model.negatives='none'"),
        ({"data.num_groups": 500}, "data.num_groups=500"),
    ],
)
def test_what_does_not_fit_pairs_is_refused(changes, words, planted):
    config = configs.replaced(planted, changes)
    with pytest.raises(UserError, match=words):
        programs.make_groups(Plan.make(config))
