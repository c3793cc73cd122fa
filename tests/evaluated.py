"""Evaluated runs that were never trained, for the tests of pages."""

from typing import Any

from aejax import records
from aejax.plan import Plan, parse_axis
from aejax.reports.summary import summarize
from tests.conftest import small_config

ROWS = {"train": 1294, "valid": 144, "test": 359}


def write_run(directory, *sweep, elbo=lambda member: -100.0, status=lambda member: "done", config=None, epochs=3):
    """Writes the files of an evaluated run, without training one."""
    config = config or small_config()
    plan = Plan.make(config, [parse_axis(text, config) for text in sweep])
    rows: list[dict[str, Any]] = []
    for member in plan.sweep:
        kl = float("nan") if status(member).startswith("diverged") else 5.0 + 0.5 * member.index
        values = {"elbo": elbo(member) + 0.0 * kl, "reconstruction": -elbo(member) - kl, "kl": kl, "active_units": 2}
        rows.append({**member.row, "status": status(member), **values})
    visits = [
        {"member": row["member"], "step": 10 * e, "epoch": float(e), "split": split, "elbo": row["elbo"] - 1 / e}
        for row in rows
        for e in range(1, epochs + 1)
        for split in ("train", "valid")
    ]
    directory.mkdir(parents=True)
    records.write_json(directory / "config.json", records.sealed(plan.to_json()))
    records.write_json(directory / "data.json", records.sealed({"0": {"sha256": "ab12", "rows": ROWS}}))
    environment = {"python": "3.11", "packages": {"jax": "0.10"}, "devices": ["cpu"], "threads": 2, "git_commit": None}
    records.write_json(directory / "environment.json", [environment])
    records.append_lines(directory / "metrics.jsonl", visits)
    records.write_csv(directory / "results.csv", rows)
    metrics = ["elbo", "reconstruction", "kl", "active_units"]
    swept = list(plan.sweep[0].swept)
    records.write_csv(directory / "summary.csv", summarize(rows, swept, metrics, {}))
    return directory
