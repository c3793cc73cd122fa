"""The metrics of a run's test set: results.csv, summary.csv, figures and report.html."""

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from aejax import checkpoint, gallery, information, likelihood, programs, records, report, representation, sweep
from aejax import config as configs
from aejax.disentanglement import factor_scores
from aejax.errors import UserError
from aejax.metrics import averages
from aejax.plan import Member, parts
from aejax.programs import Group
from aejax.types import Metrics, TrainState

METRICS = (  # columns, in their order
    *("elbo", "bound", "nll", "nll_grey", "nll_static", "nll_dynamic", "nll_threshold"),
    *("nll_stderr", "ess", "num_samples"),
    *("reconstruction", "kl", "kl_second", "mutual_information", "aggregate_kl", "mse", "psnr", "ssim", "active_units"),
    *("probe_accuracy", "knn_accuracy", "silhouette", "kmeans_ari"),
    *("mig", "sap", "dci_disentanglement", "dci_completeness", "dci_informativeness"),
    *("perplexity", "mmd", "index_code_mi", "total_correlation", "dimension_kl"),
    *("penalty", "mean_activation", "zero_fraction", "dead_units", "accuracy", "auc", "label_mse", "loss"),
)
FEW = 10.0  # effective samples, below which an estimate of log p(x) is called loose


class Tested(NamedTuple):
    """What the test set says of a group's members."""

    rows: list[dict[str, Any]]  # of results.csv
    state: TrainState  # [M, ...]
    curves: dict[str, np.ndarray]  # by metric, [M, ...]: what is more than a number


def evaluate_group(directory: Path, group: Group, num_samples: int = 0) -> Tested:
    """The test metrics of a group's members; log p(x) by importance sampling too, where `num_samples` is not 0."""
    plan, facts = (records.read_json(directory / name) for name in ("config.json", "data.json"))
    if facts[str(group.number)]["sha256"] != group.dataset.sha256:
        raise UserError(f"the data of {directory} have changed since it was trained: its test metrics would mislead")
    step, state = checkpoint.newest_state(directory, group.number, programs.state_shapes(group.task, group.members))
    mesh, lanes = sweep.make_mesh(len(group.members)), plan["lanes"][str(group.number)]
    rows = sweep.replicate(group.dataset.test, mesh)
    placed = sweep.pad(state, mesh, lanes)
    found = programs.compile_evaluate(group, mesh, lanes, placed, rows, test_of(group, num_samples))(placed)
    metrics = sweep.unpad(found, len(group.members))
    if "ess" in metrics:
        metrics["num_samples"] = np.full(len(group.members), num_samples)
    if "nll" in metrics:
        metrics[nll_name(group)] = metrics.pop("nll")
    finished = "done" if step == group.total_steps else f"unfinished at step {step} of {group.total_steps}"
    results = []
    for lane, member in enumerate(group.members):
        diverged = int(state.diverged[lane])
        status = finished if diverged < 0 else f"diverged at step {diverged}"
        values = {name: metrics[name][lane].item() for name in METRICS if name in metrics}
        results.append({**member.row, "status": status, **values})
    return Tested(results, state, {name: values for name, values in metrics.items() if values.ndim > 1})


def nll_name(group: Group) -> str:
    """The column of −log p(x), which says what was done to the pixels: other pixels are other data.

    Grey values as targets of a Bernoulli have no density p(x): "nll_grey" is the same formula, and no likelihood.
    """
    config = group.config
    if config.data.binarization != "none":
        return f"nll_{config.data.binarization}"
    grey = group.dataset.spec.support == "unit" and config.model.likelihood == "bernoulli" and not group.task.model.fit
    return "nll_grey" if grey else "nll"


def test_of(group: Group, num_samples: int) -> Callable[..., Metrics]:
    """All that is measured of each member on the test rows, as its model allows."""
    model = group.task.model
    chosen: list[Callable[..., Metrics]] = [averages.evaluate_member]
    if model.posterior:
        chosen.append(information.evaluate_member)

    def measure(*member: Any) -> Metrics:
        values = {name: value for measure in chosen for name, value in measure(*member).items()}
        if num_samples and "nll" not in values:  # a density that the loss knows is exact already
            values |= likelihood.evaluate_member(*member, num_samples=num_samples)
        return values

    return measure


def probe_members(group: Group, state: TrainState) -> list[dict[str, float]]:
    """What the codes of each member say of the classes, and of the factors that the data were generated from."""
    encode, most = jax.jit(group.task.model.encode), representation.MOST_ROWS
    train, test = (
        {name: values[:most] for name, values in split.items()} for split in (group.dataset.train, group.dataset.test)
    )
    rows, size = [gallery.first_rows(group, name, most) for name in ("train", "test")], group.task.evaluate_batch_size

    def probe(lane: int) -> dict[str, float]:
        params = jax.tree.map(lambda leaf: leaf[lane], state.params)
        codes, test_codes = (
            np.concatenate([np.asarray(encode(params, x[i : i + size])) for i in range(0, len(x), size)]) for x in rows
        )
        if not (np.isfinite(codes).all() and np.isfinite(test_codes).all()):  # of a diverged member
            return {}
        found = {}
        if group.dataset.spec.class_names:
            found |= representation.probes(codes, train["y"], test_codes, test["y"])
        if group.dataset.spec.factor_names:
            found |= factor_scores(codes, train["factors"], test_codes, test["factors"])
        return found

    return [probe(lane) for lane in range(len(group.members))]


def check(group: Group, num_samples: int, probe: bool) -> None:
    """Raises UserError where a model has no density to estimate, or the data neither classes nor factors to read."""
    if num_samples and not group.task.model.log_weights:
        name = group.config.model.name
        raise UserError(f"--num_samples={num_samples}: model.name={name} has no density p(x) to estimate: leave it out")
    spec, test = group.dataset.spec, group.dataset.test
    if probe and not (spec.class_names and "y" in test) and not spec.factor_names:
        name = group.config.data.name
        raise UserError(f"--probe: data.name={name} has no class labels (and no factors) to read: leave it out")


def summarize(rows: list[dict[str, Any]], swept: list[str], metrics: list[str]) -> list[dict[str, Any]]:
    """Mean, sd and n over the seeds of every swept setting; diverged members are counted, not averaged.

    Unfinished ones are averaged only where a setting has no other.
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


class Report(NamedTuple):
    """What a test of a run came to."""

    summary: list[dict[str, Any]]  # the rows of summary.csv
    notes: list[str]  # what a reader should not overlook
    figures: list[Path]


def evaluate(workdir: Path, projection: str = "tsne", num_samples: int = 0, probe: bool = False) -> Report:
    """Tests every member of a run, or of all its shards, and writes tables, figures and report.html.

    log p(x) is estimated where `num_samples` is not 0, classes and factors are read from the codes where
    `probe`. Raises UserError where there is no run to evaluate, no density to estimate, or nothing to read, and where
    an evaluation that was there would lose columns.
    """
    check_kept(workdir / "results.csv", num_samples, probe)
    plans = parts(workdir)
    members = [member for plan in plans.values() for member in plan.members]
    rows, metrics, units, likelihoods, pictures = [], [], [], [], []
    shown: dict[str, list[gallery.View]] = {}  # by their data
    with records.lock(workdir):
        groups = [(directory, group) for directory, plan in plans.items() for group in programs.make_groups(plan)]
        for _, group in groups:
            check(group, num_samples, probe)
        for directory in plans:
            metrics += records.read_lines(directory / "metrics.jsonl")
        for directory, group in groups:
            tested = evaluate_group(directory, group, num_samples)
            found = probe_members(group, tested.state) if probe else [{}] * len(tested.rows)
            rows += [row | probes for row, probes in zip(tested.rows, found, strict=True)]
            units += unit_rows(group, tested)
            likelihoods += likelihood_rows(group, tested, num_samples)
            shown.setdefault(group.dataset.sha256, []).extend(gallery.views(group, tested.state.params))
        for table in (rows, units, likelihoods):  # shards and groups interleave
            table.sort(key=lambda row: row["member"])
        members.sort(key=lambda member: member.index)
        names = [name for name in METRICS if any(name in row for row in rows)]
        keys = [name for name in rows[0] if name not in METRICS] + names
        rows = [{name: row[name] for name in keys if name in row} for row in rows]
        summary = summarize(rows, list(members[0].swept), names)
        records.write_csv(workdir / "results.csv", rows)
        records.write_csv(workdir / "summary.csv", summary)
        for number, views in enumerate(shown.values()):
            suffix = f"-{number}" if len(shown) > 1 else ""
            pictures += gallery.draw_views(figures_in(workdir), views, suffix, projection)
        pictures += gallery.draw_sweep(figures_in(workdir), members, metrics, rows, units, likelihoods)
        for name, table in (("units", units), ("likelihood", likelihoods)):
            if table:
                records.write_csv(workdir / f"{name}.csv", table)
            else:  # of an evaluation before this one
                (workdir / f"{name}.csv").unlink(missing_ok=True)
                (workdir / "figures" / f"{name}.png").unlink(missing_ok=True)
        notes = [*still_training(rows), *loose_bounds(rows), *collapses(members, rows)]
        config = configs.to_json(members[0].config)
        report.write(workdir / "report.html", workdir.name, config, summary, pictures, notes)
    return Report(summary, notes, [picture.path for picture in pictures])


def unit_rows(group: Group, tested: Tested) -> list[dict[str, Any]]:
    """The rows of units.csv: of every member's units the variance of the posterior mean, and the KL (nats) if known."""
    known = {name: tested.curves[f"unit_{name}"] for name in ("kl", "variance") if f"unit_{name}" in tested.curves}
    return [
        {"member": member.index, "unit": unit} | {name: values[lane, unit].item() for name, values in known.items()}
        for lane, member in enumerate(group.members)
        for unit in range(group.config.model.latent_dim if known else 0)
    ]


def likelihood_rows(group: Group, tested: Tested, num_samples: int) -> list[dict[str, Any]]:
    """The rows of likelihood.csv: of every member the estimate of −log p(x) (nats) as the samples grow."""
    if "curve" not in tested.curves:
        return []
    samples = likelihood.curve_samples(
        num_samples, likelihood.chunk_size(num_samples, group.config.evaluate.batch_size)
    )
    return [
        {"member": member.index, "metric": nll_name(group), "num_samples": number, "nll": nll.item()}
        for member, curve in zip(group.members, tested.curves["curve"], strict=True)
        for number, nll in zip(samples, curve, strict=True)
    ]


def check_kept(path: Path, num_samples: int, probe: bool) -> None:
    """Raises UserError where a results.csv has estimates or probes that an evaluation without them would delete."""
    rows = records.read_csv(path)
    samples = max((row.get("num_samples") or "" for row in rows), default="", key=len)
    probed = any(row.get(name) for row in rows for name in ("probe_accuracy", "mig"))
    lost = [f"--num_samples={samples}"] if samples and not num_samples else []
    lost += ["--probe"] if probed and not probe else []
    if lost:
        raise UserError(f"{path} has what only {' '.join(lost)} gives: add it, or delete the file")


def loose_bounds(rows: list[dict[str, Any]]) -> list[str]:
    """One line that names the members whose log p(x) rests on few of the draws: it would rise with more of them."""
    few = [row for row in rows if (row.get("ess") or FEW) < FEW]
    found = ", ".join(f"{row['ess']:.3g} of {row['num_samples']} in member {row['member']}" for row in few)
    return [f"−log p(x) is a loose bound, raise --num_samples: its effective sample size is {found}"] if few else []


def still_training(rows: list[dict[str, Any]]) -> list[str]:
    """One line that names the members whose training has not come to its end, if there are any."""
    found = [f"member {row['member']} {row['status']}" for row in rows if row["status"].startswith("unfinished")]
    return [f"not trained to the end: {', '.join(found)}"] if found else []


def collapses(members: list[Member], rows: list[dict[str, Any]]) -> list[str]:
    """One line per setting of members with units that tell nothing of x: their posterior mean hardly varies."""
    found: dict[str, list[str]] = {}
    for member, row in zip(members, rows, strict=True):
        k = member.config.model.latent_dim
        known = row.get("active_units") is not None and not row["status"].startswith("diverged")
        if known and row["active_units"] < k:
            found.setdefault(f"of {k}", []).append(f"{k - row['active_units']} in member {row['member']}")
    return [
        f"collapsed units {of} (variance of the posterior mean at most {averages.ACTIVE}): {', '.join(counts)}"
        for of, counts in found.items()
    ]


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
