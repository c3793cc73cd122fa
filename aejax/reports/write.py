"""Evaluates a run and writes results.csv, summary.csv, units.csv, likelihood.csv, figures and report.html."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aejax import records, tensorboard
from aejax.engine import programs
from aejax.engine.programs import Group
from aejax.engine.progress import say
from aejax.errors import UserError
from aejax.metrics import METRICS
from aejax.plan import Member, Plan, missing_shards, parts
from aejax.reports import figures, gallery, measure, page
from aejax.reports.gallery import Picture
from aejax.reports.measure import Measured
from aejax.reports.page import commands
from aejax.reports.summary import notes, summarize
from aejax.reports.views import View, one_each, shown_rows, views
from aejax.trained import load_group

Rows = list[dict[str, Any]]
DRAWN = ("curves", "rate_distortion")  # figures that the page draws itself


class Evaluation(NamedTuple):
    """A run, read and measured."""

    members: list[Member]
    visits: Rows  # the rows of metrics.jsonl
    results: Rows
    units: Rows
    likelihoods: Rows
    codes: dict[int, np.ndarray]  # of the same test rows, by member, if seeds are swept
    shown: dict[str, list[View]]  # the views of each data set, by the suffix of their figures' files


class Report(NamedTuple):
    """What an evaluation wrote."""

    results: Rows  # the rows of results.csv
    summary: Rows  # the rows of summary.csv
    notes: list[str]  # warnings for the reader
    figures: list[Path]


def write_report(
    workdir: Path,
    projection: str = "tsne",
    num_samples: int = 0,
    probe: bool = False,
    ais_steps: int = 0,
    partial: bool = False,
) -> Report:
    """Evaluates every member of a run, or of all its shards, and writes tables, figures and report.html.

    Estimates log p(x) if `num_samples` is not 0, bounds it on both sides by AIS if `ais_steps` is not 0, and predicts
    classes and factors from the codes if `probe`. If `partial`, shards may be missing; a note names them. Raises
    UserError if there is no run to evaluate, if the model has no density to estimate, if the data have nothing to
    predict, and if results.csv would lose columns of an earlier evaluation.
    """
    check_kept(workdir / "results.csv", num_samples, probe, ais_steps)
    plans = parts(workdir, partial)
    tensorboard.check(next(iter(plans.values())))
    with records.lock(workdir):
        run = evaluate(plans, num_samples, probe, ais_steps)
        results, metrics = in_columns(run.results)
        summary = summarize(results, list(run.members[0].swept), metrics, run.codes)
        write_tables(workdir, results=results, summary=summary, units=run.units, likelihood=run.likelihoods)
        pictures = []
        for suffix, views_of_one in run.shown.items():
            pictures += save(workdir / "figures", gallery.draw_views(views_of_one, projection), suffix)
        curves = gallery.draw_sweep(run.members, run.visits, results, run.units, run.likelihoods)
        pictures += save(workdir / "figures", curves)
        found = [*missing(plans), *notes(run.members, results)]
        shown = [picture for picture in pictures if picture[0].stem not in DRAWN]
        found += page.write(workdir / "report.html", [workdir], shown, found)
        if run.members[0].config.log.tensorboard:
            codes = [code for some in run.shown.values() for code in labeled_codes(some)]
            tensorboard.write_evaluation(workdir, run.members, results, pictures, codes)
    return Report(results, summary, found, [path for path, _, _ in pictures])


def labeled_codes(shown: list[View]) -> list[tuple[str, np.ndarray, list[str] | None]]:
    """The name of each view, its codes [N, K], and the labels of their rows if there are some."""
    y, names = shown_rows(shown[0].group)[1], shown[0].group.dataset.spec.class_names
    labels = None if y is None else [names[label] if names else f"{label:g}" for label in y]
    return [(view.label or "codes", view.codes, labels) for view in shown]


def missing(plans: Mapping[Path, Plan]) -> list[str]:
    """One line that names the shards that are not there, if any."""
    names, first = missing_shards(plans), next(iter(plans.values()))
    lost = len(first.sweep) - sum(len(plan.members) for plan in plans.values())
    listed = ", ".join(names[:9]) + ", ..." * (len(names) > 9)
    return [f"without the shards {listed}: {lost} of {len(first.sweep)} members are not here"] if names else []


def evaluate(plans: dict[Path, Plan], num_samples: int, probe: bool, ais_steps: int) -> Evaluation:
    """Measures all members of some run directories; rows are sorted by member."""
    groups = [(directory, group) for directory, plan in plans.items() for group in programs.make_groups(plan)]
    for _, group in groups:
        measure.check(group, num_samples, probe, ais_steps)
    measured, shown, visits = measure_all(groups, num_samples, probe, ais_steps)
    members = sorted((member for _, group in groups for member in group.members), key=lambda member: member.index)
    return Evaluation(members, visits, *measured[:-1], dict(measured.codes), shown)


def measure_all(
    groups: list[tuple[Path, Group]], num_samples: int, probe: bool, ais_steps: int
) -> tuple[Measured, dict[str, list[View]], Rows]:
    """The rows of all groups by member, for each data set the suffix of its files and its views, and the visits."""
    measured, shown, visits = Measured([], [], [], []), {}, []
    for directory, group in groups:
        trained = load_group(directory, group)  # one at a time, because a state holds all its members' parameters
        tables = measure.measure_group(trained, num_samples, probe, ais_steps)
        for table, rows in zip(measured, tables, strict=True):
            table += rows
        shown.setdefault(group.dataset.sha256, []).extend(views(trained))
        visits += trained.rows
    for table in measured[:-1]:  # shards and groups interleave
        table.sort(key=lambda row: row["member"])
    suffixes = {f"-{number}" * (len(shown) > 1): one_each(alike) for number, alike in enumerate(shown.values())}
    return measured, suffixes, visits


def save(directory: Path, pictures: Iterable[Picture], suffix: str = "") -> list[tuple[Path, str, str]]:
    """Writes pictures as they are drawn; returns the path, caption and alternative text of each."""
    saved = []
    for name, figure, caption, alternative in pictures:
        saved.append((directory / f"{name}{suffix}.png", caption, alternative))
        figures.save(saved[-1][0], figure)
    return saved


def in_columns(rows: Rows) -> tuple[Rows, list[str]]:
    """Rows with their metrics last, in the order of METRICS, and the names of the metrics that occur."""
    names = [name for name in METRICS if any(name in row for row in rows)]
    keys = [name for name in rows[0] if name not in METRICS] + names
    return [{name: row[name] for name in keys if name in row} for row in rows], names


def write_tables(workdir: Path, **tables: Rows) -> None:
    """Writes NAME.csv of every table with rows; removes the file and the figure of a table without any."""
    for name, rows in tables.items():
        if rows:
            records.write_csv(workdir / f"{name}.csv", rows)
        else:
            (workdir / f"{name}.csv").unlink(missing_ok=True)
            (workdir / "figures" / f"{name}.png").unlink(missing_ok=True)


def check_kept(path: Path, num_samples: int, probe: bool, ais_steps: int = 0) -> None:
    """Raises UserError if results.csv has estimates or probes that this evaluation would delete."""
    try:
        rows = records.read_csv(path)
    except records.Damaged as damage:
        say(f"{damage}; it is made anew")
        return
    asked = {"--num_samples": num_samples, "--ais": ais_steps, "--probe": probe}
    lost = [option for option in commands.options(rows) if not asked[option.partition("=")[0]]]
    if lost:
        raise UserError(f"{path} has results that only {' '.join(lost)} produces: add it, or delete the file")
