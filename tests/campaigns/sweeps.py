"""A member has the same bits alone, in any sweep, in any order, and on 1, 2 or 4 devices; also if others diverge.

Each case takes a recipe, shrinks it, and trains a few members in different company.
"""

import importlib
import json
import random
import sys
from pathlib import Path
from typing import Any

from tests.campaigns import commands
from tests.conftest import ROOT

SMALL, FULL = 0, 200
BIG = ("books", "capitals", "conv", "table", "precomputed", "supervised_regression")  # need files, or minutes
RECIPES = sorted(path.stem for path in (ROOT / "configs").glob("[a-z]*.py") if path.stem not in ("base", *BIG))
SCRIPT = "import sys; from tests.campaigns.sweeps import compare; compare(sys.argv[1])"


def prepare(folder: Path) -> Path:
    """The cases share what they compile."""
    return folder / "compiled"


def case(compiled: Path, number: int, chosen: random.Random, folder: Path) -> str:
    """Chooses a recipe and the company; another process, with four devices, compares."""
    seeds = chosen.sample(range(1000), 5)
    asked = {
        "recipe": chosen.choice(RECIPES),
        "seeds": seeds,
        "order": chosen.sample(seeds, 5),
        "subset": chosen.sample(seeds, chosen.randrange(1, 4)),
        "devices": chosen.choice([2, 4]),
        "stops": sorted(chosen.sample(range(1, 8), 3)),
        "resumes": chosen.random() < 0.5,  # each chunk is the first of a process
        "patience": chosen.choice([0, 0, 1]),
        "poisoned": chosen.choice(seeds) if chosen.random() < 0.3 else None,
    }
    words = [sys.executable, "-c", SCRIPT, json.dumps(asked)]
    variables = {"NPROC": "4", "JAX_NUM_CPU_DEVICES": "4", "JAX_COMPILATION_CACHE_DIR": str(compiled)}
    code, said = commands.finish(commands.start(words, variables), 900)
    assert code == 0, f"{asked}: {said}"
    return said.splitlines()[-1]


def compare(text: str) -> None:
    """Trains eight steps of the members alone on one device and in company; raises if a bit differs."""
    from aejax.engine import programs, sweep
    from aejax.plan import Axis, Plan
    from tests.test_sweep import digests, mesh_of

    asked = json.loads(text)
    config: Any = importlib.import_module(f"configs.{asked['recipe']}").get_config()
    if config.model.name in ("pca", "ppca"):
        print("a closed form")
        return

    if config.data.valid_fraction and not config.objective.beta_cycle:
        config.train.patience = asked["patience"]

    def train(seeds: list[int], devices: int, stops: list[int], poisoned: int | None = None) -> dict[int, str]:
        sweep.make_mesh = lambda _: mesh_of(min(devices, len(seeds)))
        axes = [Axis("seed", tuple(seeds))]
        if poisoned is not None:
            rates = [1e30 if seed == poisoned else config.optimizer.learning_rate for seed in seeds]
            axes.append(Axis("optimizer.learning_rate", tuple(rates)))
        [group] = programs.make_groups(Plan.make(config, axes, zip=True))
        compiled = programs.compile_group(group, 1)
        carry, step = (compiled.state, compiled.zero_totals(), compiled.order), 0
        for stop in [*stops, 8]:
            carry, step = compiled.train(carry, step, stop, asked["resumes"] or step == 0), stop
        found = digests(sweep.unpad((carry[0], carry[1]), len(seeds)))
        return dict(zip(seeds, found, strict=True))

    reference = train(asked["seeds"][:1], 1, []) | train(asked["seeds"][1:], 1, [])
    assert len(set(reference.values())) == 5, "seeds make no difference"
    for seeds, poisoned in ((asked["order"], asked["poisoned"]), (asked["subset"], None)):
        found = train(seeds, asked["devices"], asked["stops"], poisoned)
        healthy = [seed for seed in seeds if seed != poisoned]
        assert [found[seed] for seed in healthy] == [reference[seed] for seed in healthy], f"other bits: {asked}"
    print("equal beside a poisoned member" if asked["poisoned"] is not None else "equal")
