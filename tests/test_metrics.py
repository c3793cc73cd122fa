"""The table of metrics names everything that can be measured, and nothing else."""

import jax
import numpy as np
import pytest

from aejax import config as configs
from aejax import metrics
from aejax.engine import programs
from aejax.metrics import METRICS, UNITS, dictionaries, disentanglement, probes
from aejax.plan import Plan
from aejax.reports import measure
from tests.test_contracts import RECIPES, recipe


@pytest.mark.slow
def test_the_table_names_all_that_is_measured_and_nothing_else(table_csv, books_ndjson):
    """With every option, and one recipe for each combination of model, posterior and bound."""
    recipes = {}
    for name in RECIPES:
        config = recipe(name, table_csv, books_ndjson)
        model = config.model
        recipes.setdefault((model.name, model.posterior, model.bound, model.prefixes), config)
    found, units = set(), set()
    for config in recipes.values():
        [group] = programs.make_groups(Plan.make(config))
        hp = jax.tree.map(lambda leaf: leaf[0], programs.hparams(group.members))
        shapes = programs.state_shapes(group.task, group.members)
        state = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), shapes)
        model = group.task.model
        samples, steps = 4 if model.log_weights else 0, 2 if measure.can_anneal(model) else 0
        evaluate = measure.metrics_of(group, samples, steps * ("nll_ais" not in found))  # takes long to trace
        values = jax.eval_shape(
            lambda *member, run=evaluate, task=group.task: run(task, *member), state, hp, group.dataset.test
        )
        found |= {name for name, value in values.items() if value.ndim == 0}
        units |= {name for name, value in values.items() if value.ndim > 0}
        if "nll" in values:
            pixels = [
                configs.replaced(config, {"data.binarization": kind}) for kind in ("static", "dynamic", "threshold")
            ]
            found |= {measure.nll_name(group._replace(config=config)) for config in (config, *pixels)}
    codes, y = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32), np.arange(40) % 2
    found |= set(probes.class_scores(codes, y, codes, y))
    found |= set(dictionaries.scores(codes[:2], codes, codes[:2], codes > 0))
    found |= set(disentanglement.factor_scores(codes, y[:, None], codes, y[:, None]))
    assert found | {"num_samples", "ais_steps", "condition_mixing"} == set(METRICS)
    assert units == {f"unit_{name}" for name in UNITS} | {"curve"}


def test_every_metric_has_a_sentence_and_those_who_have_it():
    for metric in (*METRICS.values(), *UNITS.values()):
        assert metric.meaning.endswith(".") and metric.given_by and not metric.given_by.endswith(".")


def test_curves_have_titles_and_the_loss_leads_if_nothing_is_reconstructed():
    assert set(metrics.CURVES) | {"loss"} == {name for name, metric in METRICS.items() if metric.curve}
    assert metrics.curves({"mse", "penalty", "reconstruction", "loss", "step"}) == [
        ("reconstruction", "reconstruction error (per example)"),
        ("penalty", "penalty Ω (per example)"),
        ("mse", "squared error per feature"),
    ]
    assert [name for name, _ in metrics.curves({"auc", "accuracy", "loss"})] == ["loss", "accuracy", "auc"]


def test_the_line_of_progress_shows_the_bound_or_else_the_loss():
    assert metrics.headlines(["loss", "kl", "elbo", "active_units"]) == ["elbo", "kl"]
    assert metrics.headlines(["label_mse", "loss", "zero_fraction"]) == ["loss", "label_mse"]
    assert {*metrics.HEADLINES, *metrics.OTHER_HEADLINES} <= set(METRICS)


def test_the_markdown_table_has_a_row_of_four_cells_for_every_metric():
    head, rule, *rows = metrics.markdown(METRICS).splitlines()
    assert head == "| metric | unit | meaning | models, data or options |" and set(rule) <= set("| -")
    cells = [row.replace(r"\|", "").split("|")[1:-1] for row in rows]
    assert [row[0].strip() for row in cells] == [f"`{name}`" for name in METRICS]
    assert all(len(row) == 4 for row in cells)
