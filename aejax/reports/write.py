"""Writes what the test set says of a run: results.csv, summary.csv, units.csv, likelihood.csv, figures, report.html."""

from pathlib import Path
from typing import Any, NamedTuple

from aejax import config as configs
from aejax import records
from aejax.engine import programs
from aejax.errors import UserError
from aejax.metrics import METRICS
from aejax.plan import Plan, parts
from aejax.reports import catalog, gallery, measure, page
from aejax.reports.notes import notes
from aejax.reports.summary import summarize
from aejax.reports.views import View, views

Rows = list[dict[str, Any]]


class Report(NamedTuple):
    """What a test of a run came to."""

    results: Rows  # the rows of results.csv
    summary: Rows  # the rows of summary.csv
    notes: list[str]  # what a reader should not overlook
    figures: list[Path]


def write_report(workdir: Path, projection: str = "tsne", num_samples: int = 0, probe: bool = False) -> Report:
    """Tests every member of a run, or of all its shards, and writes tables, figures and report.html.

    Estimates log p(x) if `num_samples` is not 0, and reads classes and factors from the codes if `probe`. Raises
    UserError if there is no run to evaluate, no density to estimate, or nothing to read, and if an evaluation that was
    there would lose columns.
    """
    check_kept(workdir / "results.csv", num_samples, probe)
    plans = parts(workdir)
    members = sorted((member for plan in plans.values() for member in plan.members), key=lambda member: member.index)
    with records.lock(workdir):
        rows, units, likelihoods, shown = measure_all(plans, num_samples, probe)
        rows, names = in_columns(rows)
        summary = summarize(rows, list(members[0].swept), names)
        write_tables(workdir, results=rows, summary=summary, units=units, likelihood=likelihoods)
        visits = [row for directory in plans for row in records.read_lines(directory / "metrics.jsonl")]
        pictures = []
        for number, alike in enumerate(shown.values()):
            suffix = f"-{number}" if len(shown) > 1 else ""
            pictures += gallery.draw_views(workdir / "figures", alike, suffix, projection)
        pictures += gallery.draw_sweep(workdir / "figures", members, visits, rows, units, likelihoods)
        found, config = notes(members, rows), configs.to_json(members[0].config)
        page.write(workdir / "report.html", workdir.name, config, summary, pictures, found)
    return Report(rows, summary, found, [picture.path for picture in pictures])


def measure_all(
    plans: dict[Path, Plan], num_samples: int, probe: bool
) -> tuple[Rows, Rows, Rows, dict[str, list[View]]]:
    """The rows of results.csv, units.csv and likelihood.csv by member, and what is shown, by the sha256 of its data."""
    groups = [(directory, group) for directory, plan in plans.items() for group in programs.make_groups(plan)]
    for _, group in groups:
        measure.check(group, num_samples, probe)
    rows, units, likelihoods = [], [], []
    shown: dict[str, list[View]] = {}
    for directory, group in groups:
        measured = measure.measure_group(directory, group, num_samples, probe)
        for table, more in zip((rows, units, likelihoods), measured[:3], strict=True):
            table += more
        shown.setdefault(group.dataset.sha256, []).extend(views(group, measured.state.params))
    for table in (rows, units, likelihoods):  # shards and groups interleave
        table.sort(key=lambda row: row["member"])
    return rows, units, likelihoods, shown


def in_columns(rows: Rows) -> tuple[Rows, list[str]]:
    """Rows with their metrics last, in the order of METRICS, and the names of the metrics that any of them has."""
    names = [name for name in METRICS if any(name in row for row in rows)]
    keys = [name for name in rows[0] if name not in METRICS] + names
    return [{name: row[name] for name in keys if name in row} for row in rows], names


def write_tables(workdir: Path, **tables: Rows) -> None:
    """Writes NAME.csv of every table with rows; of the others removes what an evaluation before this one wrote."""
    for name, rows in tables.items():
        if rows:
            records.write_csv(workdir / f"{name}.csv", rows)
        else:
            (workdir / f"{name}.csv").unlink(missing_ok=True)
            if name in catalog.FIGURES:
                catalog.picture(workdir / "figures", name).path.unlink(missing_ok=True)


def check_kept(path: Path, num_samples: int, probe: bool) -> None:
    """Raises UserError if a results.csv has estimates or probes that an evaluation without them would delete."""
    rows = records.read_csv(path)
    samples = max((row.get("num_samples") or "" for row in rows), default="", key=len)
    probed = any(row.get(name) for row in rows for name in ("probe_accuracy", "mig"))
    lost = [f"--num_samples={samples}"] if samples and not num_samples else []
    lost += ["--probe"] if probed and not probe else []
    if lost:
        raise UserError(f"{path} has results that only {' '.join(lost)} produces: add it, or delete the file")
