"""Measures the members of a run on its test set: the rows of results.csv, units.csv and likelihood.csv."""

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from aejax.data.types import Spec, spread
from aejax.engine import programs, selection, sweep
from aejax.engine.programs import Group
from aejax.errors import UserError
from aejax.metrics import (
    METRICS,
    UNITS,
    ais,
    averages,
    consistency,
    dictionaries,
    disentanglement,
    information,
    log_likelihood,
    probes,
)
from aejax.reports.views import some_rows
from aejax.trained import TrainedGroup
from aejax.types import Autoencoder, Metrics, Params, TrainState


class Measured(NamedTuple):
    """The rows of a group, by table."""

    results: list[dict[str, Any]]  # one for each member
    units: list[dict[str, Any]]
    likelihoods: list[dict[str, Any]]
    codes: list[tuple[int, np.ndarray]]  # of the same test rows, by member, if seeds are swept


def measure_group(trained: TrainedGroup, num_samples: int = 0, probe: bool = False, ais_steps: int = 0) -> Measured:
    """Measures the members of a group.

    Estimates log p(x) if `num_samples` is not 0, bounds it by AIS if `ais_steps` is not 0, probes the codes if `probe`.
    """
    group, step, state, lanes, _ = trained
    metrics = test_metrics(group, state, lanes, num_samples, ais_steps)
    probed = probe_members(group, state) if probe else [{}] * len(group.members)
    recovered = recover_members(group, state) if group.dataset.truth else [{}] * len(group.members)
    total = group.total_steps
    unfinished = f"unfinished at step {step} of {total}"
    statuses = selection.statuses(selection.facts(state), group.task.steps_per_epoch, step == total, unfinished)
    rows = []
    for lane, member in enumerate(group.members):
        values = {name: metrics[name][lane].item() for name in METRICS if name in metrics}
        rows.append({**member.row, "status": statuses[lane], **values, **recovered[lane], **probed[lane]})
    codes = seed_codes(group, state) if "seed" in group.members[0].swept else []
    return Measured(rows, unit_rows(group, metrics), likelihood_rows(group, metrics, num_samples), codes)


def test_metrics(
    group: Group, state: TrainState, lanes: int, num_samples: int, ais_steps: int
) -> dict[str, np.ndarray]:
    """Everything that `metrics_of` measures on the test rows, for every member: [M, ...]."""
    mesh = sweep.make_mesh(len(group.members))
    rows, placed = sweep.replicate(group.dataset.test, mesh), sweep.pad(state, mesh, lanes)
    measure = programs.compile_evaluate(group, mesh, lanes, placed, rows, metrics_of(group, num_samples, ais_steps))
    metrics = sweep.unpad(measure(placed), len(group.members))
    if "ess" in metrics:
        metrics["num_samples"] = np.full(len(group.members), num_samples)
    if ais_steps:
        metrics["ais_steps"] = np.full(len(group.members), ais_steps)
    if "nll" in metrics:
        metrics[nll_name(group)] = metrics.pop("nll")
    return metrics


def metrics_of(group: Group, num_samples: int, ais_steps: int = 0) -> Callable[..., Metrics]:
    """The function that measures, for one member and some rows, every metric that the model supports."""
    model = group.task.model
    chosen: list[Callable[..., Metrics]] = [averages.measure]
    if model.posterior:
        chosen.append(information.measure)

    def measure(*member: Any) -> Metrics:
        values = {name: value for measure in chosen for name, value in measure(*member).items()}
        if num_samples and "nll" not in values:  # the loss may compute it exactly
            values |= log_likelihood.measure(*member, num_samples=num_samples)
        if ais_steps:
            values |= ais.measure(*member, num_steps=ais_steps)
        return values

    return measure


def nll_name(group: Group) -> str:
    """The column of −log p(x), named after the binarization, because NLLs are only comparable under the same one.

    "nll_grey" evaluates the Bernoulli formula on grey values; it is not a valid likelihood.
    """
    config = group.config
    if config.data.binarization != "none":
        return f"nll_{config.data.binarization}"
    grey = group.dataset.spec.support == "unit" and config.model.likelihood == "bernoulli" and not group.task.model.fit
    return "nll_grey" if grey else "nll"


def probe_members(group: Group, state: TrainState) -> list[dict[str, float]]:
    """How well each member's codes predict the classes, and the factors from which the data were generated."""
    encode, most = jax.jit(group.task.model.encode), probes.MOST_ROWS
    train, test = (
        {name: values[spread(programs.num_rows(split), most)] for name, values in split.items()}
        for split in (group.dataset.train, group.dataset.test)
    )
    rows, size = [some_rows(group, name, most) for name in ("train", "test")], group.task.evaluate_batch_size

    def probe(lane: int) -> dict[str, float]:
        params = jax.tree.map(lambda leaf: leaf[lane], state.params)
        codes, test_codes = (codes_of(encode, params, x, size) for x in rows)
        if not (np.isfinite(codes).all() and np.isfinite(test_codes).all()):  # a diverged member
            return {}
        found = {}
        if group.dataset.spec.class_names:
            found |= probes.class_scores(codes, train["y"], test_codes, test["y"])
        if group.dataset.spec.factor_names:
            found |= disentanglement.factor_scores(codes, train["factors"], test_codes, test["factors"])
        if columns := categories(group.dataset.spec):
            found["condition_mixing"] = probes.mixing(test_codes, test["c"][:, columns])
        return found

    return [probe(lane) for lane in range(len(group.members))]


def seed_codes(group: Group, state: TrainState) -> list[tuple[int, np.ndarray]]:
    """Each member's number and its finite codes of the same test rows; for pairs, of the items."""
    most, encode = consistency.MOST_ROWS, jax.jit(group.task.model.encode)
    items = group.dataset.items
    x = items["x"][:most] if items else some_rows(group, "test", most)
    found = []
    for lane, member in enumerate(group.members):
        params = jax.tree.map(lambda leaf, lane=lane: leaf[lane], state.params)
        found.append((member.index, codes_of(encode, params, x, group.task.evaluate_batch_size)))
    return [(index, codes) for index, codes in found if np.isfinite(codes).all()]


def codes_of(encode: Callable[..., Any], params: Params, x: Any, size: int) -> np.ndarray:
    """The codes [N, K] of rows, `size` at a time."""
    num = len(jax.tree.leaves(x)[0])
    batches = (jax.tree.map(operator.itemgetter(slice(i, i + size)), x) for i in range(0, num, size))
    return np.concatenate([np.asarray(encode(params, batch)) for batch in batches])


def categories(spec: Spec) -> list[int]:
    """The places of the conditions that are categories."""
    return [place for place, condition in enumerate(spec.conditions) if condition.categories]


def recover_members(group: Group, state: TrainState) -> list[dict[str, float]]:
    """How well each member's units recover the features from which the data were generated."""
    model, truth = group.task.model, group.dataset.truth
    if not model.decode:
        return [{}] * len(group.members)
    rows, size = some_rows(group, "test", len(truth["active"])), group.task.evaluate_batch_size
    encode, decode, k = jax.jit(model.encode), jax.jit(model.decode), group.config.model.latent_dim
    units = np.eye(k + 1, k, dtype=np.float32)  # one unit is 1; in the last row, none

    def recover(lane: int) -> dict[str, float]:
        params = jax.tree.map(lambda leaf: leaf[lane], state.params)
        codes = codes_of(encode, params, rows, size)
        moved = np.asarray(decode(params, units)).reshape(k + 1, -1)
        if not (np.isfinite(codes).all() and np.isfinite(moved).all()):  # a diverged member
            return {}
        return dictionaries.scores(moved[:-1] - moved[-1:], codes, truth["directions"], truth["active"])

    return [recover(lane) for lane in range(len(group.members))]


def check(group: Group, num_samples: int, probe: bool, ais_steps: int = 0) -> None:
    """Raises UserError if there is no density to estimate, or if the data have no classes or factors to predict."""
    if ais_steps and not can_anneal(group.task.model):
        raise UserError(
            f"--ais={ais_steps} needs a VAE with one layer of z, not on a sphere, without conditions or an observed "
            f"library size: omit the flag (model.name={group.config.model.name})"
        )
    if num_samples and not group.task.model.log_weights:
        name = group.config.model.name
        raise UserError(f"--num_samples={num_samples}: model.name={name} has no density p(x): omit the flag")
    spec, test = group.dataset.spec, group.dataset.test
    if probe and not (spec.class_names and "y" in test) and not spec.factor_names and not categories(spec):
        name = group.config.data.name
        raise UserError(f"--probe: data.name={name} has no class labels or factors to predict: omit the flag")


def can_anneal(model: Autoencoder) -> bool:
    """Whether x can be simulated from a model and both of its densities are known."""
    return bool(model.log_prior and model.log_likelihood and model.sample_x)


def unit_rows(group: Group, metrics: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """The rows of units.csv: for each unit of each member, its KL (nats), if known, and the variance of its mean."""
    known = {name: metrics[f"unit_{name}"] for name in UNITS if f"unit_{name}" in metrics}
    return [
        {"member": member.index, "unit": unit} | {name: values[lane, unit].item() for name, values in known.items()}
        for lane, member in enumerate(group.members)
        for unit in range(group.config.model.latent_dim if known else 0)
    ]


def likelihood_rows(group: Group, metrics: dict[str, np.ndarray], num_samples: int) -> list[dict[str, Any]]:
    """The rows of likelihood.csv: for each member, the estimate of −log p(x) (nats) by number of samples."""
    if "curve" not in metrics:
        return []
    samples = log_likelihood.curve_samples(
        num_samples, log_likelihood.chunk_size(num_samples, group.config.evaluate.batch_size)
    )
    return [
        {"member": member.index, "metric": nll_name(group), "num_samples": number, "nll": nll.item()}
        for member, curve in zip(group.members, metrics["curve"], strict=True)
        for number, nll in zip(samples, curve, strict=True)
    ]
