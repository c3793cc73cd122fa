"""The tables of a page: settings with mean ± sd, members, columns and their meanings, keys."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any, NamedTuple

from aejax.keys import KEYS
from aejax.metrics import METRICS, SEEDS, headlines
from aejax.reports.page.numbers import mean_sd, number
from aejax.reports.page.runs import Setting, known_metrics, swept_paths, value_of
from aejax.reports.settings import setting_name

MOST_KEYS = 4  # before the metrics: the last columns may not fit
TALL = 12  # rows; a longer table scrolls in itself, so that the plots are not far below
MOST_ROWS = 400  # of the table of members


class Column(NamedTuple):
    """A column: its name, what is under it (a unit or a key), what it means, and a row's text and value to sort by."""

    name: str
    unit: str
    meaning: str
    cell: Callable[[Any], tuple[str, Any]]
    is_text: bool = False


def columns(
    found: Sequence[Setting], metrics: Sequence[str], metric: Callable[[str], Column], others: Sequence[Column]
) -> list[Column]:
    """The columns of settings or members: the run, some keys, the leading metric, `others`, metrics, further keys."""
    several = len({setting.run.directory for setting in found}) > 1
    run = [Column("run", "", "The run directory.", lambda row: (setting_of(row).run.name, None), True)] * several
    keys = [key_column(path, found) for path in swept_paths(found)]
    made = [metric(name) for name in metrics]
    return [*run, *keys[:MOST_KEYS], *made[:1], *others, *made[1:], *keys[MOST_KEYS:]]


def setting_of(row: Any) -> Setting:
    """The setting of a row of either table."""
    return row if isinstance(row, Setting) else row[0]


def key_column(path: str, found: Sequence[Setting]) -> Column:
    """The column of a key."""
    name = setting_name({path: ""}).rstrip(" =").replace("_", " ")

    def cell(row: Any) -> tuple[str, Any]:
        value = value_of(setting_of(row), path)
        is_number = isinstance(value, float | int) and not isinstance(value, bool)
        return "–" if value is None else number(value) if is_number else str(value), value if is_number else None

    values = [value_of(setting, path) for setting in found]
    texts = any(isinstance(value, str | tuple | bool) for value in values)
    return Column(name, path, f"{KEYS[path].meaning}.", cell, texts)


def metric_column(name: str, cell: Callable[[Any], tuple[str, Any]]) -> Column:
    """The column of a metric; its name, unit and meaning are those of METRICS."""
    known = (METRICS | SEEDS)[name]
    return Column(name.replace("_", " "), known.unit, known.meaning, cell)


def settings_table(found: Sequence[Setting], best: int | None) -> str:
    """A row for each setting: mean ± sd of each metric over its members."""

    def metric(name: str) -> Column:
        def cell(setting: Setting) -> tuple[str, Any]:
            mean = setting.summary.get(name)
            return mean_sd(mean, setting.summary.get(f"{name}_sd")), mean

        return metric_column(name, cell)

    def status(setting: Setting) -> tuple[str, Any]:
        return ", ".join(words(setting)) or "done", None

    members = Column(
        "members", "averaged", "Members that the means are of.", lambda s: (number(s.summary["n"]), s.summary["n"])
    )
    others = [members] + [Column("status", "", "What became of the members.", status, True)] * any(map(words, found))
    made = columns(found, known_metrics(found), metric, others)
    rows = [(place, setting, "best" * (place == best), words(setting)) for place, setting in enumerate(found)]
    leading = next(iter(headlines(known_metrics(found))), "").replace("_", " ")
    return table("settings", made, rows, leading)


def words(setting: Setting) -> list[str]:
    """What is remarkable about the members of a setting: "1 diverged"."""
    statuses = [str(row["status"]) for row in setting.results]
    counts = {word: sum(word in status for status in statuses) for word in ("diverged", "unfinished", "stopped")}
    return [f"{number} {word}" for word, number in counts.items() if number]


def members_table(found: Sequence[Setting]) -> str:
    """A row for each member, as in results.csv."""

    def metric(name: str) -> Column:
        return metric_column(name, lambda row: (mean_sd(row[1].get(name), None), row[1].get(name)))

    metrics = [name for name in known_metrics(found) if name in METRICS]

    def whole(name: str) -> Callable[[Any], tuple[str, Any]]:
        return lambda row: (str(row[1][name]), float(row[1][name]))

    others = [
        Column("member", "", "The number of the member in its run.", whole("member")),
        Column("seed", "", "The seed of the member.", whole("seed")),
        Column("status", "", "How its training ended.", lambda row: (str(row[1]["status"]), None), True),
    ]
    made = columns(found, metrics, metric, others)
    every = [(place, (setting, row)) for place, setting in enumerate(found) for row in setting.results]
    rows = [(place, row, "", words(row[0]._replace(results=[row[1]]))) for place, row in every[:MOST_ROWS]]
    more = f"<p>The first {MOST_ROWS} of {len(every):,} members; results.csv has all.</p>"
    return table("members", made, rows) + more * (len(every) > MOST_ROWS)


def table(name: str, made: Sequence[Column], rows: Iterable[tuple[int, Any, str, list[str]]], leading: str = "") -> str:
    """The HTML of a table; each row comes with its setting's place, its class, and the words that mark it."""

    def attributes(column: Column, value: Any = None) -> str:
        classes = " ".join(filter(None, ["text" * column.is_text, "leading" * (column.name == leading)]))
        sort = "" if value is None else f' data-v="{value:.9g}"'
        return f' class="{classes}"{sort}' if classes else sort

    head = "".join(
        f'<th scope="col"{attributes(column)} title="{escape(column.meaning)}" data-key="{escape(column.unit)}">'
        f"<span>{escape(column.name)}</span><small>{breakable(column.unit)}</small></th>"
        for column in made
    )
    rows, body = list(rows), []
    for place, row, kind, marks in rows:
        bad = " bad" if any(word.endswith(("diverged", "unfinished")) for word in marks) else ""
        cells = []
        for number_of, column in enumerate(made):
            text, value = column.cell(row)
            swatch = f'<i class="swatch s{place}"></i>' if number_of == 0 and len(rows) > 1 else ""
            pill = '<b class="pill">best</b>' if kind and number_of == 0 else ""
            cells.append(f"<td{attributes(column, value)}>{swatch}{escape(text)}{pill}</td>")
        body.append(f'<tr class="{(kind + bad).strip()}" data-s="{place}">{"".join(cells)}</tr>')
    kind = f"scroll{' tall' * (len(body) > TALL)}"
    return (
        f'<div class="{kind}"><table id="{name}"><thead><tr>{head}</tr></thead>\n<tbody>\n'
        + "\n".join(body)
        + "\n</tbody></table></div>"
    )


def breakable(key: str) -> str:
    """A key that may be broken after a dot or an underscore."""
    return re.sub(r"[._]", r"\g<0><wbr>", escape(key))


def meanings(found: Sequence[Setting]) -> str:
    """What the columns mean, as a list."""
    entries = []
    for name in known_metrics(found):
        known = (METRICS | SEEDS)[name]
        unit = f" ({known.unit})" if known.unit else ""
        entries.append(f"<dt>{escape(name.replace('_', ' ') + unit)}</dt><dd>{escape(known.meaning)}</dd>")
    return "<dl>" + "\n".join(entries) + "</dl>"


def config_table(leaves: dict[str, Any]) -> str:
    """The keys of a config, with the default where the value is another."""

    def text(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    rows = "\n".join(
        f'<tr><td class="text">{escape(path)}</td><td class="text">{escape(text(value))}</td>'
        f'<td class="text">{escape(text(KEYS[path].default)) if value != KEYS[path].default else ""}</td></tr>'
        for path, value in leaves.items()
    )
    return (
        '<div class="scroll"><table><thead><tr><th class="text">key</th><th class="text">value</th>'
        f'<th class="text">default, if another</th></tr></thead>\n<tbody>{rows}</tbody></table></div>'
    )
