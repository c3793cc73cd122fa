"""The metrics of a run's test set: results.csv, summary.csv, figures and report.html."""

import statistics
from pathlib import Path
from typing import Any

from aejax import config as configs
from aejax import gallery, programs, records, report, sweep, trained
from aejax.errors import UserError
from aejax.programs import Group
from aejax.types import TrainState

METRICS = (  # columns, in their order
    *("elbo", "nll", "reconstruction", "kl", "mse", "psnr", "active_units"),
    *("perplexity", "mmd"),
    *("penalty", "mean_activation", "zero_fraction", "dead_units", "accuracy", "auc", "label_mse", "loss"),
)


def evaluate_group(directory: Path, group: Group) -> tuple[list[dict[str, Any]], TrainState]:
    """The test metrics of a group's members, as rows of results.csv, and their state [M, ...]."""
    plan, facts = (records.read_json(directory / name) for name in ("config.json", "data.json"))
    if facts[str(group.number)]["sha256"] != group.dataset.sha256:
        raise UserError(f"the data of {directory} have changed since it was trained: its test metrics would mislead")
    step, state = trained.newest_state(directory, group.number, programs.state_shapes(group.task, group.members))
    mesh, lanes = sweep.make_mesh(len(group.members)), plan["lanes"][str(group.number)]
    rows = sweep.replicate(group.dataset.test, mesh)
    placed = sweep.pad(state, mesh, lanes)
    metrics = programs.compile_evaluate(group, mesh, lanes, placed, rows)(placed)
    metrics = sweep.unpad(metrics, len(group.members))
    finished = "done" if step == group.total_steps else f"unfinished at step {step} of {group.total_steps}"
    results = []
    for lane, member in enumerate(group.members):
        diverged = int(state.diverged[lane])
        status = finished if diverged < 0 else f"diverged at step {diverged}"
        values = {name: metrics[name][lane].item() for name in METRICS if name in metrics}
        results.append(
            {"member": member.index, "group": group.number, "seed": member.config.seed, **member.swept}
            | {"status": status, **values}
        )
    return results, state


def summarize(rows: list[dict[str, Any]], swept: list[str], metrics: list[str]) -> list[dict[str, Any]]:
    """Mean, sd and n over the seeds of every swept setting; diverged members are counted, not averaged."""
    settings = [path for path in swept if path != "seed"]
    summary = []
    for setting in dict.fromkeys(tuple(row[path] for path in settings) for row in rows):
        mine = [row for row in rows if tuple(row[path] for path in settings) == setting]
        good = [row for row in mine if not row["status"].startswith("diverged")]
        entry = dict(zip(settings, setting, strict=True)) | {"n": len(good), "diverged": len(mine) - len(good)}
        for name in metrics:
            values = [row[name] for row in good if row.get(name) is not None]
            entry[name] = statistics.fmean(values) if values else None
            entry[f"{name}_sd"] = statistics.stdev(values) if len(values) > 1 else None
        summary.append(entry)
    return summary


def evaluate(workdir: Path, projection: str = "tsne") -> tuple[list[dict[str, Any]], list[Path]]:
    """Tests every member of a run, or of all its shards, and writes tables, figures and report.html.

    Returns the rows of summary.csv and the figures' files; raises UserError where there is no run to evaluate.
    """
    directories = trained.parts(workdir)
    members = [member for directory in directories for member in trained.read_members(directory)]
    rows, metrics, pictures = [], [], []
    shown: dict[str, list[gallery.View]] = {}  # by their data
    with records.lock(workdir):
        for directory in directories:
            metrics += records.read_lines(directory / "metrics.jsonl")
            for group in programs.make_groups(trained.read_members(directory)):
                results, state = evaluate_group(directory, group)
                rows += results
                shown.setdefault(group.dataset.sha256, []).extend(gallery.views(group, state.params))
        rows.sort(key=lambda row: row["member"])
        members.sort(key=lambda member: member.index)
        names = [name for name in METRICS if any(name in row for row in rows)]
        summary = summarize(rows, list(members[0].swept), names)
        records.write_csv(workdir / "results.csv", rows)
        records.write_csv(workdir / "summary.csv", summary)
        for number, views in enumerate(shown.values()):
            suffix = f"-{number}" if len(shown) > 1 else ""
            pictures += gallery.draw_views(figures_in(workdir), views, suffix, projection)
        pictures += gallery.draw_sweep(figures_in(workdir), members, metrics, rows)
        report.write(workdir / "report.html", workdir.name, configs.to_json(members[0].config), summary, pictures)
    return summary, [picture.path for picture in pictures]


def figures_in(workdir: Path) -> Path:
    """The directory of a run's figures."""
    (workdir / "figures").mkdir(exist_ok=True)
    return workdir / "figures"


def show(summary: list[dict[str, Any]]) -> str:
    """The summary as a Markdown table with "mean ± sd" in one cell."""

    def cells(row: dict[str, Any]) -> dict[str, Any]:
        merged = {}
        for name, value in row.items():
            if not name.endswith("_sd"):
                spread = row.get(f"{name}_sd")
                merged[name] = value if spread is None else f"{value:.5g} ± {spread:.2g}"
        return merged

    return records.markdown([cells(row) for row in summary])
