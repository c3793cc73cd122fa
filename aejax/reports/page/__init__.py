"""One HTML page that answers what came out of evaluated runs; it needs no network and no other file.

The page is readable without JavaScript: tables and plots (SVG) are written here, and page.js sorts, filters, and names
what lies under the pointer.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from aejax import config as configs
from aejax import records
from aejax.reports.page import commands, tables
from aejax.reports.page.colors import colors
from aejax.reports.page.curves import draw_curves
from aejax.reports.page.head import Head, head
from aejax.reports.page.members import draw_sweep
from aejax.reports.page.numbers import count, listed
from aejax.reports.page.runs import Run, Setting, read_all, settings

HERE = Path(__file__).parent
LIMIT = 3_000_000  # bytes of a page
MOST_SETTINGS = 400
LEAST_WIDTH = 640  # pixels: on a phone, a wide picture scrolls so that its text stays readable

Pictures = Sequence[tuple[str | PathLike[str], str, str]]  # PNG, caption, alternative text


def write(output: Path, directories: Sequence[Path], figures: Pictures = (), notes: Sequence[str] = ()) -> list[str]:
    """Writes the page of evaluated runs; returns what it leaves out, in sentences.

    `notes` are warnings for the reader. Figures that would take the page over LIMIT are left out. Raises UserError if a
    directory holds no evaluated run.
    """
    runs = read_all(directories)
    found = settings(runs)
    first = head(runs, found)
    found, place, said = on_the_page(found, first.place)
    drawn, panels = draw_curves(found)
    drawn += draw_sweep(found)
    members = sum(len(run.results) for run in runs)
    texts = {"labels": [setting.label for setting in found], "panels": panels}

    def page(pictures: Pictures, notes: Sequence[str]) -> str:
        return fill(
            HERE / "page.html",
            styles=[HERE / "page.css", colors(found)],
            scripts=[HERE / "page.js"],
            title=escape(listed([run.name for run in runs], 8)),
            head=sentences(first, notes),
            settings=tables.settings_table(found, place),
            plots=drawn,
            open="",
            members_name=f"All {count(members, 'member')}" if members > 1 else "The member",
            members=tables.members_table(found),
            meanings=tables.meanings(found),
            figures=gallery(pictures),
            commands="\n".join(reproduce(run, len(runs) > 1) for run in runs),
            panels=embedded(texts),
        )

    fitting, lost = within(figures, LIMIT - len(page([], [*notes, *said]).encode()) - 10_000)
    said += [f"Figures that would make this page larger than {LIMIT / 1e6:g} MB are left out: {listed(lost)}."] * bool(
        lost
    )
    records.write(output, page(fitting, [*notes, *said]))
    return said


def on_the_page(found: Sequence[Setting], best: int | None) -> tuple[list[Setting], int | None, list[str]]:
    """At most MOST_SETTINGS settings, evenly spaced; where the best is among them; and a sentence if some are not."""
    if len(found) <= MOST_SETTINGS:
        return list(found), best, []
    spaced = {round(i) for i in np.linspace(0, len(found) - 1, MOST_SETTINGS - 1)}
    places = sorted(spaced if best is None else spaced | {best})
    said = f"{len(places):,} of {len(found):,} settings are on this page; summary.csv has all."
    return [found[place] for place in places], None if best is None else places.index(best), [said]


def within(figures: Pictures, room: int) -> tuple[Pictures, list[str]]:
    """The figures that fit into so many bytes, and the names of the others."""
    fitting, lost = [], []
    for figure in figures:
        size = Path(figure[0]).stat().st_size * 4 // 3 + 1000
        (fitting if size <= room else lost).append(figure)
        room -= size if size <= room else 0
    return fitting, [Path(figure[0]).name for figure in lost]


def fill(template: Path, styles: Iterable[Path | str], scripts: Iterable[Path], **pieces: str) -> str:
    """A page from a template with {{name}} for each piece, its style and script, and their hashes for its policy."""
    sheets = [HERE / "colors.css", *styles]
    style = "\n".join(sheet if isinstance(sheet, str) else sheet.read_text(encoding="utf-8") for sheet in sheets)
    script = "\n".join(path.read_text(encoding="utf-8") for path in scripts)
    known = pieces | {"style": style, "style_hash": hash_of(style), "script": script, "script_hash": hash_of(script)}
    return re.sub(r"\{\{(\w+)\}\}", lambda found: known[found[1]], template.read_text(encoding="utf-8"))


def hash_of(text: str) -> str:
    """The hash of an inline script or style for the content-security-policy."""
    return b64encode(sha256(text.encode()).digest()).decode()


def embedded(tree: Any) -> str:
    """JSON that an HTML page can hold in a script."""
    return json.dumps(records.finite(tree), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def sentences(first: Head, notes: Sequence[str]) -> str:
    """The first lines of the page."""
    lead = f'<p class="lead">{escape(first.best)}</p>' if first.best else ""
    bad = "".join(f'<p class="bad">{escape(text)}</p>' for text in first.wrong)
    quiet = "".join(f'<p class="quiet">{escape(note)}</p>' for note in notes)
    return f"{lead}\n<p>{escape(first.what)}</p>\n{bad}{quiet}"


def gallery(figures: Pictures) -> str:
    """The section of the figures."""
    shown = "\n".join(picture(*figure) for figure in figures)
    return f'<section id="figures"><h2>Figures</h2><div class="figures">{shown}</div></section>' if shown else ""


def picture(path: str | PathLike[str], caption: str, alt: str) -> str:
    """A PNG embedded in the page, with its size, so that the layout does not shift while it is decoded."""
    data = Path(path).read_bytes()
    width, height = (int.from_bytes(data[i : i + 4], "big") for i in (16, 20))  # offsets in the PNG header
    kind = "wide" if width > LEAST_WIDTH else ""
    return (
        f'<figure><div class="picture {kind}"><img src="data:image/png;base64,{b64encode(data).decode()}" '
        f'width="{width}" height="{height}" loading="lazy" decoding="async" alt="{escape(alt)}"></div>\n'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def reproduce(run: Run, named: bool) -> str:
    """The commands, the versions and the config of a run."""
    again = f"runs/{Path(run.name).name}-again"
    environment = run.environment
    threads = f"NPROC={environment['threads']} " if environment.get("threads") else ""
    words, end = commands.train(run.plan, again), " \\\n    "
    trained = threads + end.join(words) if words else "# this sweep was made in Python: its values are no flags"
    text = f"{trained}\n{threads}{end.join(commands.evaluate(run.results, again))}"
    data = ", ".join(dict.fromkeys(entry["sha256"][:12] for entry in run.data))
    heading = f"<h3>{escape(run.name)}</h3>" if named else ""
    leaves = tables.config_table(configs.flatten(run.plan.config))
    return (
        f"{heading}<pre><code>{escape(text)}</code></pre>\n"
        f'<p class="quiet">{escape(trained_with(environment))}; sha256 of the data: {escape(data)}.</p>'
        f"<details><summary>Config</summary>{leaves}</details>"
    )


def trained_with(environment: dict[str, Any]) -> str:
    """The versions, devices and commit of an entry of environment.json."""
    if not environment:
        return "Versions and threads are unknown, because environment.json is missing or damaged"
    packages, commit = environment["packages"], environment["git_commit"]
    known = [f"{name} {packages[name]}" for name in ("aejax", "jax") if name in packages]
    known += [f"Python {environment['python']}", listed(sorted(set(environment["devices"])))]
    return f"Trained with {', '.join([*known, *([f'commit {commit[:12]}'] if commit else [])])}"
