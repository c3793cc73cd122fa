"""One HTML page for a run: its table, pictures and config in a file that needs no network and no other file."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

COLORS = """:root { --ink: #222; --muted: #5f6368; --line: #ddd; --page: #fff; --band: #f5f6f8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e6; --muted: #a0a4aa; --line: #3a3d42; --page: #17181b; --band: #202226; }
}"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{colors}
body {{ margin: 0 auto; padding: 1rem; max-width: 66rem; color: var(--ink); background: var(--page);
  font: 16px/1.5 system-ui, sans-serif; }}
h1 {{ font-size: 1.5rem; margin: .5rem 0 1.5rem; overflow-wrap: anywhere; }}
h2 {{ font-size: 1.15rem; margin: 2rem 0 .75rem; }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .3rem .75rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }}
th {{ font-weight: 600; }}
td.text, th.text {{ text-align: left; }}
tbody tr:nth-child(even) {{ background: var(--band); }}
figure {{ margin: 0 0 2rem; }}
figcaption {{ color: var(--muted); font-size: .875rem; margin-top: .5rem; }}
.picture {{ overflow-x: auto; background: #fff; border-radius: .5rem; }}
img {{ display: block; max-width: 100%; height: auto; margin: 0 auto; }}
summary {{ cursor: pointer; font-weight: 600; }}
</style>
</head>
<body>
<h1>{title}</h1>
<h2>Results</h2>
<div class="scroll">{table}</div>
{notes}
<h2>Figures</h2>
{figures}
<details><summary>Config</summary>
<div class="scroll">{config}</div>
</details>
</body>
</html>
"""
LEAST_WIDTH = 640  # pixels: on a phone, a wide picture scrolls so that its text stays readable


def write(
    path: str | PathLike[str],
    title: str,
    config: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    figures: Sequence[tuple[str | PathLike[str], str, str]],
    notes: Sequence[str] = (),
) -> None:
    """Writes the page: `rows` are the table's rows (keys: columns), `figures` are (PNG path, caption, alt text)."""
    settings = [{"key": key, "value": json.dumps(value, ensure_ascii=False)} for key, value in flatten(config)]
    page = PAGE.format(
        title=escape(title),
        colors=COLORS,
        table=table(rows),
        notes="\n".join(f"<p>{escape(note)}</p>" for note in notes),
        figures="\n".join(picture(*figure) for figure in figures),
        config=table(settings),
    )
    Path(path).write_text(page, encoding="utf-8")


def flatten(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a nested config with their dotted paths."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as an HTML table with right-aligned numbers."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    texts = {column for column in columns if any(isinstance(row.get(column), str) for row in rows)}
    align = {column: ' class="text"' if column in texts else "" for column in columns}
    head = "".join(f'<th scope="col"{align[column]}>{escape(column)}</th>' for column in columns)
    body = [
        "<tr>" + "".join(f"<td{align[column]}>{escape(cell(row.get(column)))}</td>" for column in columns) + "</tr>"
        for row in rows
    ]
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n" + "\n".join(body) + "\n</tbody></table>"


def cell(value: Any) -> str:
    """A float with five significant digits, a dash for None or NaN, and str(value) otherwise."""
    if value is None or value != value:
        return "–"
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def picture(path: str | PathLike[str], caption: str, alt: str) -> str:
    """A PNG embedded in the page, with its size, so that the layout does not shift while it is decoded."""
    data = Path(path).read_bytes()
    width, height = (int.from_bytes(data[i : i + 4], "big") for i in (16, 20))  # offsets in the PNG header
    return (
        f'<figure><div class="picture"><img src="data:image/png;base64,{b64encode(data).decode()}" '
        f'width="{width}" height="{height}" style="min-width: {min(width, LEAST_WIDTH)}px" alt="{escape(alt)}"></div>\n'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
