"""The summary of a sweep: the mean and spread over seeds of every swept setting, as rows and as a Markdown table."""

import statistics
from typing import Any

from aejax import records


def summarize(rows: list[dict[str, Any]], swept: list[str], metrics: list[str]) -> list[dict[str, Any]]:
    """Mean, sd and n over the seeds of every swept setting; diverged members are counted, not averaged.

    Unfinished ones are averaged only if a setting has no other.
    """
    settings = [path for path in swept if path != "seed"]
    summary = []
    for setting in dict.fromkeys(tuple(row[path] for path in settings) for row in rows):
        mine = [row for row in rows if tuple(row[path] for path in settings) == setting]
        done, unfinished, diverged = (
            [row for row in mine if row["status"].startswith(status)] for status in ("done", "unfinished", "diverged")
        )
        good = done or unfinished
        counts = {"n": len(good), "unfinished": len(unfinished), "diverged": len(diverged)}
        entry = dict(zip(settings, setting, strict=True)) | counts
        for name in metrics:
            values = [row[name] for row in good if row.get(name) is not None]
            entry[name] = statistics.fmean(values) if values else None
            entry[f"{name}_sd"] = statistics.stdev(values) if len(values) > 1 else None
        summary.append(entry)
    return summary


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
