"""Summarizes results.csv: the mean and spread over seeds of every swept setting, and warnings."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from aejax import records
from aejax.metrics import METRICS, SEEDS
from aejax.metrics.averages import ACTIVE
from aejax.metrics.consistency import consistency
from aejax.plan import Member

FEW = 10.0  # effective samples; an estimate of log p(x) from fewer is called loose


def summarize(
    rows: list[dict[str, Any]], swept: list[str], metrics: list[str], codes: Mapping[int, np.ndarray]
) -> list[dict[str, Any]]:
    """Mean, sd and n over the seeds of every swept setting; diverged members are counted, not averaged.

    Unfinished members are averaged only if none of the setting's members is done. `codes` are the members' codes of the
    same rows; where there are several, their consistency is a column.
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
            with np.errstate(invalid="ignore"):  # a metric of a member that is done may be infinite
                entry[name] = float(np.mean(values)) if values else None
                entry[f"{name}_sd"] = float(np.std(values, ddof=1)) if len(values) > 1 else None
        if codes:
            found = [codes[row["member"]] for row in good if row["member"] in codes]
            entry |= consistency(found) if len(found) > 1 else dict.fromkeys(SEEDS)
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


def notes(members: list[Member], rows: list[dict[str, Any]]) -> list[str]:
    """Warnings for the reader of results.csv, one line each."""
    return [*still_training(rows), *not_finite(rows), *loose_bounds(rows), *collapses(members, rows)]


def still_training(rows: list[dict[str, Any]]) -> list[str]:
    """One line that names the unfinished members, if there are any."""
    found = [f"member {row['member']} {row['status']}" for row in rows if row["status"].startswith("unfinished")]
    return [f"not trained to the end: {', '.join(found)}"] if found else []


def not_finite(rows: list[dict[str, Any]]) -> list[str]:
    """One line per list of metrics that are infinite or undefined, with the members that have not diverged."""
    found: dict[str, list[str]] = {}
    for row in rows:
        strange = [name for name in METRICS if not np.isfinite(row.get(name) or 0.0)]
        if strange and "diverged" not in row["status"]:
            found.setdefault(", ".join(strange), []).append(str(row["member"]))
    return [
        f"infinite or undefined on the test rows: {names} (member{'s' * (len(members) > 1)} {', '.join(members)})"
        for names, members in found.items()
    ]


def loose_bounds(rows: list[dict[str, Any]]) -> list[str]:
    """One line that names the members whose effective sample size is below FEW, if there are any."""
    few = [row for row in rows if (row.get("ess") or FEW) < FEW]
    found = ", ".join(f"{row['ess']:.3g} of {row['num_samples']} in member {row['member']}" for row in few)
    return [f"−log p(x) is a loose bound; raise --num_samples (effective sample size: {found})"] if few else []


def collapses(members: list[Member], rows: list[dict[str, Any]]) -> list[str]:
    """One line per number of units: how many units of each member have a posterior mean that hardly varies with x."""
    found: dict[str, list[str]] = {}
    for member, row in zip(members, rows, strict=True):
        k = member.config.model.latent_dim
        known = row.get("active_units") is not None and not row["status"].startswith("diverged")
        if known and row["active_units"] < k:
            found.setdefault(f"of {k}", []).append(f"{k - row['active_units']} in member {row['member']}")
    return [
        f"collapsed units (out {of}; variance of the posterior mean at most {ACTIVE}): {', '.join(counts)}"
        for of, counts in found.items()
    ]
