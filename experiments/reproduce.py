"""Measures the claims of the lecture and of papers, says which hold, and compares published tables with our numbers.

    python -m experiments.reproduce --list
    python -m experiments.reproduce --fast
    python -m experiments.reproduce pca_equivalence kl_formulas
    python -m experiments.reproduce reparametrization --fast --figures=figures
    python -m experiments.reproduce iwae_table --fast --runs=runs/tables

Without names it measures all claims. A table trains for hours, so it runs only if you name it. Prints a table per claim
and writes claims.json; exits with 1 if a measured claim fails. `--fast` uses smaller data and shorter trainings, and
needs only a fresh clone; for a table, it uses schedules that take at most an hour per row on two CPU cores.
`--figures=DIR` writes the figures of the claims that have some. `--runs` is the directory of the runs of tables and
NAME.json; the same command resumes them.
"""

import ast
import importlib
import time
from pathlib import Path

from absl import flags

from aejax import records
from aejax.engine import environment
from aejax.errors import choose
from experiments import claims, tables
from experiments.launch import answer, launch

LIST = flags.DEFINE_bool("list", False, "print the names of the claims and tables, then exit")
FAST = flags.DEFINE_bool("fast", False, "smaller data, shorter trainings")
RUNS = flags.DEFINE_string("runs", "runs/tables", "directory for the runs of tables")
FIGURES = flags.DEFINE_string("figures", "", "directory for the claims' pictures; empty: draw none")
OUTPUT = flags.DEFINE_string("output", "claims.json", "file for the measured rows")


def main(names: list[str]) -> int:
    known = (*claims.NAMES, *tables.NAMES)
    names = [choose("claim", name, known) for name in names] or list(known if LIST.value else claims.NAMES)
    if LIST.value:
        for name in names:
            answer(f"{name:24}{docstring(name).partition(chr(10))[0]}")
        return 0
    environment.pin(environment.cores())
    measured, failed, not_run = {}, 0, 0
    for name in names:
        if name in tables.NAMES:
            compare(name)
            continue
        started = time.monotonic()
        try:
            claim = importlib.import_module(f"experiments.claims.{name}")
            rows = claim.measure(FAST.value)
            rows = [row._replace(expected=float(row.expected), measured=float(row.measured)) for row in rows]
        except claims.NotRun as absent:
            answer(f"\n## {name}\n\nnot run: {absent}")
            not_run += 1
            continue
        failed += sum(not row.holds for row in rows)
        measured[name] = [row._asdict() | {"holds": row.holds} for row in rows]
        answer(f"\n## {name} ({time.monotonic() - started:.0f} s)\n\n{table(rows)}")
        if FIGURES.value and hasattr(claim, "draw"):
            claim.draw(Path(FIGURES.value), FAST.value)
    if measured or not_run:
        records.write_json(
            Path(OUTPUT.value), {"environment": environment.describe(), "fast": FAST.value, "claims": measured}
        )
        total = sum(len(rows) for rows in measured.values())
        answer(f"\n{total - failed} of {total} measured statements hold; {not_run} claims not run; {OUTPUT.value}")
    return 1 if failed else 0


def compare(name: str) -> None:
    """Measures the rows of a table that can be measured; prints all rows and writes NAME.json, even if interrupted."""
    rows = importlib.import_module(f"experiments.tables.{name}").ROWS
    stopped = tables.Outcome({}, {}, "not run: stopped before it was measured")
    lines = [tables.line(row, stopped, FAST.value) for row in rows]
    try:
        for number, row in enumerate(rows):
            lines[number] = tables.line(row, tables.measure(row, FAST.value, Path(RUNS.value) / name), FAST.value)
    finally:
        path = Path(RUNS.value) / f"{name}.json"
        records.write_json(path, {"environment": environment.describe(), "fast": FAST.value, "rows": lines})
        answer(f"\n## {name}\n\n{records.markdown(lines)}\n\n{path}")


def docstring(name: str) -> str:
    """The docstring of a claim or a table, read without importing it."""
    package = tables if name in tables.NAMES else claims
    path = Path(package.__file__).parent / f"{name}.py"
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def table(rows: list[claims.Row]) -> str:
    """The rows of a claim as Markdown."""
    signs = {"at least": "≥ ", "at most": "≤ "}
    return records.markdown(
        [
            {
                "": "pass" if row.holds else "FAIL",
                "what": row.what,
                "expected": f"{signs[row.tolerance]}{row.expected:.5g}"
                if isinstance(row.tolerance, str)
                else f"{row.expected:.5g} ± {row.tolerance:.1g}",
                "measured": row.measured,
                "source": row.source,
            }
            for row in rows
        ]
    )


if __name__ == "__main__":
    launch(main, positional=True)
