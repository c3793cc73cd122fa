"""The commands on a run's page, read as a shell and the launchers read them."""

import importlib
import shlex

import pytest

from aejax import config as configs
from aejax.plan import Axis, Plan, parse_axis
from aejax.reports.page import commands
from experiments import _recipes as recipes
from experiments.launch import split
from tests.conftest import ROOT, small_config

RECIPES = sorted(path.stem for path in (ROOT / "configs").glob("[a-z]*.py"))


def planned(words):
    """The plan of a command of `train`, and its other flags."""
    python, _, module, *arguments = shlex.split(" ".join(words))
    assert (python, module) == ("python", "experiments.train")
    others, settings = split(arguments)
    config = recipes.changed(recipes.load("base"), settings)
    axes = [parse_axis(text, config) for flag, text in zip(others, others[1:], strict=False) if flag == "--sweep"]
    return Plan.make(config, axes, "--zip" in others, chosen=settings), others


def differing(again, plan):
    """The keys in which two plans differ and that some member of `plan` reads."""
    leaves, others = configs.flatten(plan.config), configs.flatten(again.config)
    paths = [path for path in leaves if leaves[path] != others[path]]
    return [path for path in paths if not all(configs.without_effect(program, path) for program in plan.programs)]


@pytest.mark.parametrize("name", RECIPES)
def test_a_command_gives_the_plan_of_every_recipe(name):
    config = importlib.import_module(f"configs.{name}").get_config()
    axes = [] if configs.without_effect(configs.flatten(config), "seed") else [parse_axis("seed=3:6", config)]
    plan = Plan.make(config, axes)
    again, others = planned(commands.train(plan, "runs/a b"))
    assert differing(again, plan) == [] and again.axes == plan.axes
    assert "--workdir=runs/a b" in others and "--config=base" in others


def test_a_command_gives_the_sweep():
    config = small_config()
    config.data.ignore_columns, config.data.name, config.data.path = "it's, $(x) `y`", "arrays", "/a b/ä;.csv"
    config.train.keep, config.model.likelihood = "best", "gaussian"
    texts = ["objective.beta=geomspace(1e-3,10,5)", "model.hidden=(8,),(8, 4),()", "seed=1,4"]
    for zipped, axes in ((False, texts), (True, [texts[1], "seed=0:3"])):
        plan = Plan.make(config, [parse_axis(text, config) for text in axes], zipped)
        again, _ = planned(commands.train(plan, "runs/again"))
        assert (again.axes, again.zip) == (plan.axes, zipped)
        assert [member.swept for member in again.sweep] == [member.swept for member in plan.sweep]
        assert differing(again, plan) == []


def test_a_sweep_that_no_flag_can_hold_has_no_command():
    config = small_config()
    plan = Plan.make(config, [Axis("data.name", ("digits", "a,b"))])
    assert commands.train(plan, "runs/again") == []


def test_an_evaluation_is_asked_for_what_it_measured():
    rows = [{"num_samples": 50.0, "probe_accuracy": 0.5, "ais_steps": None}, {"num_samples": None}]
    assert commands.evaluate(rows, "r") == [
        "python -m experiments.evaluate --workdir=r",
        "--num_samples=50",
        "--probe",
    ]
    assert commands.options([{"ais_steps": "7", "mig": ""}]) == ["--ais=7"]
