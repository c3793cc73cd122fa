"""What a reader of results should not overlook, a line each."""

from typing import Any

from aejax.metrics.averages import ACTIVE
from aejax.plan import Member

FEW = 10.0  # effective samples, below which an estimate of log p(x) is called loose


def notes(members: list[Member], rows: list[dict[str, Any]]) -> list[str]:
    """All notes on the rows of results.csv."""
    return [*still_training(rows), *loose_bounds(rows), *collapses(members, rows)]


def still_training(rows: list[dict[str, Any]]) -> list[str]:
    """One line that names the members whose training has not come to its end, if there are any."""
    found = [f"member {row['member']} {row['status']}" for row in rows if row["status"].startswith("unfinished")]
    return [f"not trained to the end: {', '.join(found)}"] if found else []


def loose_bounds(rows: list[dict[str, Any]]) -> list[str]:
    """One line that names the members whose log p(x) rests on few of the draws: it would rise with more of them."""
    few = [row for row in rows if (row.get("ess") or FEW) < FEW]
    found = ", ".join(f"{row['ess']:.3g} of {row['num_samples']} in member {row['member']}" for row in few)
    return [f"−log p(x) is a loose bound, raise --num_samples: its effective sample size is {found}"] if few else []


def collapses(members: list[Member], rows: list[dict[str, Any]]) -> list[str]:
    """One line per setting of members with units that tell nothing of x: their posterior mean hardly varies."""
    found: dict[str, list[str]] = {}
    for member, row in zip(members, rows, strict=True):
        k = member.config.model.latent_dim
        known = row.get("active_units") is not None and not row["status"].startswith("diverged")
        if known and row["active_units"] < k:
            found.setdefault(f"of {k}", []).append(f"{k - row['active_units']} in member {row['member']}")
    return [
        f"collapsed units {of} (variance of the posterior mean at most {ACTIVE}): {', '.join(counts)}"
        for of, counts in found.items()
    ]
