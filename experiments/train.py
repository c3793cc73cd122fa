"""Trains a model, or a whole sweep of it as one compiled program.

    python -m experiments.train --config=configs/vae.py --workdir=runs/vae
    python -m experiments.train --config=configs/vae.py --workdir=runs/lambda \\
        --config.train.epochs=30 --sweep objective.beta=1,4,10 --sweep seed=0:4

    python -m experiments.train --config=table --workdir=runs/table --config.data.path=FILE.csv

The same command on the same workdir resumes. --config.SECTION.KEY=VALUE sets a key. What there is to choose from:
--recipes, --models, --data, and --keys, or --keys SECTION, as in --keys objective.
"""

import shlex
import sys
from pathlib import Path

from absl import flags

from aejax import config as configs
from aejax import records
from aejax.engine import environment
from aejax.errors import UserError
from aejax.plan import Plan, parse_axis
from experiments import _lists as lists
from experiments import _recipes as recipes
from experiments.launch import answer, launch, split, unknown

CONFIG = flags.DEFINE_string("config", None, "the recipe: a name, a file of configs/, or a file of yours")
WORKDIR = flags.DEFINE_string("workdir", None, "the run directory")
SWEEP = flags.DEFINE_multi_string(
    "sweep",
    [],
    "PATH=VALUES, repeated for a product; VALUES: 1,4,10 or 0:8 or 0:8:2 or 'geomspace(1e-4,1e-2,5)' or linspace(...)",
)
ZIP = flags.DEFINE_bool("zip", False, "pair the axes of --sweep instead of their product")
DRY_RUN = flags.DEFINE_bool("dry_run", False, "print the members, the axes that recompile and the memory, and exit")
RECIPES = flags.DEFINE_bool("recipes", False, "print the recipes and how long each takes, and exit")
MODELS = flags.DEFINE_bool("models", False, "print the values of model.name, and exit")
DATA = flags.DEFINE_bool("data", False, "print the values of data.name, and exit")
KEYS = flags.DEFINE_bool("keys", False, "print all keys, or those of the section that follows, and exit")
SHARD = flags.DEFINE_string("shard", "", "i/n: train the i-th (from 0) of n parts, in WORKDIR/shards/i-of-n")


def main(words: list[str]) -> None:
    if KEYS.value:
        answer(records.markdown(configs.describe(*words[:1])))
        return
    for flag, listed in ((RECIPES, lists.recipes), (MODELS, lists.models), (DATA, lists.sources)):
        if flag.value:
            answer("\n".join(listed()))
            return
    if words:
        raise UserError(unknown(words[0]))
    if not CONFIG.value:
        raise UserError(
            "--config is missing: name a recipe, as in --config=configs/vae.py; for a file of yours, "
            "`python -m experiments.init --data=FILE` names one"
        )
    _, settings = split(sys.argv[1:])
    config = recipes.changed(recipes.load(CONFIG.value), settings)
    plan = Plan.make(config, [parse_axis(text, config) for text in SWEEP.value], ZIP.value, SHARD.value, settings)
    workdir = WORKDIR.value or ""
    if not workdir and not DRY_RUN.value:
        raise UserError("--workdir is missing: name the run directory, as in --workdir=runs/vae")
    environment.pin(len(plan.members), config.train.deterministic, plan.directory(workdir))
    if DRY_RUN.value:
        dry_run(plan)
        return
    from aejax.engine.progress import say
    from aejax.engine.run import run  # imports jax, which reads what was pinned

    run(plan, workdir)
    for line in ("next:", *commands(plan, workdir)):
        say(line)


def commands(plan: Plan, workdir: str) -> list[str]:
    """The commands that use what was trained."""
    from aejax import data, models

    run, there = "python -m experiments.", f"--workdir={shlex.quote(workdir)}"
    lines = [f"  {run}evaluate {there}"]
    if plan.shard:
        return [f"{lines[0]} (when all shards are trained)"]
    first = plan.members[0]
    spec = data.spec_from_json(records.read_json(Path(workdir) / "data.json")[str(first.group)]["spec"])
    member = f" --member={first.index}" if len(plan.members) > 1 else ""
    if models.make(first.config.model, spec).decode:
        given = "".join(f" --condition={shlex.quote(condition.name)}=VALUE" for condition in spec.conditions)
        file = "samples.png" if spec.kind == "image" else "samples.csv"
        lines.append(f"  {run}explore {there}")
        lines.append(f"  {run}sample {there}{member}{given} --output={file}")
    given = "" if spec.kind == "pairs" else " --input=FILE"
    lines.append(f"  {run}embed {there}{member}{given} --output=codes.npz")
    return [*lines, f"  {run}export {there}{member} --output=model"]


def dry_run(plan: Plan) -> None:
    """Prints what would be trained."""
    from aejax.engine import programs

    groups = programs.make_groups(plan)
    answer(records.markdown([member.row for member in plan.members]))
    for axis in plan.axes:
        traced = configs.is_traced(axis.path, axis.values[0])
        answer(f"{axis.path}: {'traced, inside one program' if traced else 'static, one program for each value'}")
    for line in programs.what_was_read(groups):
        answer(line)
    for group in groups:
        state, temporaries = (size / 2**20 for size in programs.lane_memory(group))
        members = f"{len(group.members)} member{'s' * (len(group.members) > 1)}"
        answer(
            f"group {group.number}: {members}, {group.total_steps} steps each; "
            f"a member's state takes {state:.1f} MiB, each lane adds {temporaries:.1f} MiB in training"
        )


if __name__ == "__main__":
    launch(main, positional=True)
