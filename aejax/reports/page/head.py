"""The first lines of a page: what was run, on what, the best setting, and what went wrong."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from aejax import config as configs
from aejax.keys import LOW
from aejax.metrics import METRICS, headlines
from aejax.plan import Plan
from aejax.reports.page.numbers import count, listed, mean_sd, number
from aejax.reports.page.runs import Run, Setting, known_metrics
from aejax.reports.settings import setting_name

PLACES = ("data.path", "data.data_dir", "data.labels_path")  # where data lie, which is not what they are

MOST_NAMED = 3  # runs, or settings in which members diverged, that are described
SPLITS = {"train": "training", "valid": "validation", "test": "test"}


class Head(NamedTuple):
    """Sentences; and the place of the best setting, if one is named."""

    what: str
    best: str
    wrong: list[str]
    place: int | None


def head(runs: Sequence[Run], found: Sequence[Setting]) -> Head:
    """The head of the page of some runs, whose settings were found."""
    place, best = best_of(found)
    said = "; ".join(what(run, len(runs) > 1) for run in runs)
    if len(runs) > MOST_NAMED:
        members = sum(len(run.results) for run in runs)
        said = f"{len(runs)} runs of {count(members, 'member')}: {listed([run.name for run in runs])}"
    return Head(f"{said}.", best, wrong(found), place)


def what(run: Run, named: bool) -> str:
    """ "12 members of vae on digits (1,294 training, 144 validation and 359 test rows): β = 1, 4 × 2 seeds"."""
    have, whole = len(run.results), len(run.plan.sweep)
    members = count(have, "member") if have == whole else f"{have:,} of {count(whole, 'member')}"
    name = f"{run.name}: " if named else ""
    return f"{name}{members} of {model_of(run.plan)} on {data_of(run)}{axes_of(run.plan)}"


def model_of(plan: Plan) -> str:
    """The name of the model, or those of the models."""
    names = dict.fromkeys(member["model.name"] for member in plan.programs)
    return listed(list(names))


def data_of(run: Run) -> str:
    """The name of the data and the numbers of their rows."""
    programs = run.plan.programs
    files = dict.fromkeys(Path(each["data.path"]).name or each["data.name"] for each in programs)
    rows = [entry["rows"] for entry in run.data]
    if any(each != rows[0] for each in rows):
        return f"{listed(list(files))}, with other rows in each group"
    parts = [f"{rows[0][split]:,} {name}" for split, name in SPLITS.items() if rows[0].get(split)]
    return f"{listed(list(files))} ({', '.join(parts[:-1])} and {parts[-1]} rows)"


def axes_of(plan: Plan) -> str:
    """ ": β = 1, 4, 10 × 4 seeds"; "" if nothing is swept."""
    texts = []
    for axis in plan.axes:
        if axis.path == "seed":
            texts.append(count(len(axis.values), "seed"))
            continue
        name = setting_name({axis.path: ""}).rstrip(" =")
        values = [setting_name({axis.path: value}).removeprefix(f"{name} = ") for value in axis.values]
        numbers = isinstance(axis.values[0], float | int) and len(values) > 6
        texts.append(
            f"{len(values)} {name} from {values[0]} to {values[-1]}" if numbers else f"{name} = {listed(values)}"
        )
    return (": " + (" paired with " if plan.zip else " ×\u00a0").join(texts)) * bool(texts)


def best_of(found: Sequence[Setting]) -> tuple[int | None, str]:
    """The place of the best setting, and a sentence that does not say more than the seeds' spread allows."""
    leading = next((name for name in headlines(known_metrics(found)) if name != "loss"), "")
    places = [place for place, setting in enumerate(found) if setting.summary.get(leading) is not None]
    if not places:
        return None, ""
    means = {place: found[place].summary[leading] for place in places}
    sds = {place: found[place].summary.get(f"{leading}_sd") for place in places}
    best = min(places, key=lambda place: means[place] if leading in LOW else -means[place])
    measured, seeds = value(leading, means[best], sds[best]), round(found[best].summary["n"])
    if len(found) == 1:
        return None, f"Test {measured}" + f" over {count(seeds, 'seed')}" * (seeds > 1) + "."
    if not comparable([found[place] for place in places]):
        return None, f"No setting is called best by {leading}, because their data or likelihoods differ."
    lost = round(found[best].summary["diverged"])
    said = f"Best: {found[best].label}, by test {measured} over {count(seeds, 'seed')}"
    said += f" ({lost} more diverged)" * bool(lost)
    if sds[best] is None:
        return best, f"{said}. Without several seeds, nothing tells a difference from chance."
    near = [
        place
        for place in places
        if place != best and abs(means[place] - means[best]) <= max(sds[best], sds[place] or 0)
    ]
    names = listed([found[place].label for place in near], 4)
    spread = f"{names} {'is' if len(near) == 1 else 'are'} within one sd of it" if near else ""
    if spread:
        return best, f"{said}; {spread}, so the order may be chance."
    return best, f"{said}; no other setting is within one sd of it." if len(places) > 1 else f"{said}."


def value(name: str, mean: float, sd: float | None) -> str:
    """ "elbo −26.74 ± 0.15 nats per example"."""
    unit = METRICS[name].unit
    return f"{name} {mean_sd(mean, sd)}" + f" {unit}" * bool(unit)


def comparable(found: Sequence[Setting]) -> bool:
    """Whether the settings have the same test rows, in the same units, and the same likelihood."""

    def facts(setting: Setting) -> tuple[Any, ...]:
        config = setting.config
        data = {path: value for path, value in config.items() if path.startswith("data.") and path not in PLACES}
        same = {entry["sha256"] for entry in setting.run.data}
        likelihood = "" if configs.without_effect(config, "model.likelihood") else config["model.likelihood"]
        return data, sorted(same), likelihood

    return all(facts(setting) == facts(found[0]) for setting in found)


def wrong(found: Sequence[Setting]) -> list[str]:
    """One sentence for the members that diverged, and one for those that are not trained to the end."""
    total, sentences = sum(len(setting.results) for setting in found), []
    for name, words in (("diverged", "diverged"), ("unfinished", "not trained to the end")):
        affected = [setting for setting in found if setting.summary.get(name)]
        if many := sum(round(setting.summary[name]) for setting in affected):
            where = [
                f"{setting.label} ({number(setting.summary[name])} of {len(setting.results)})" for setting in affected
            ]
            named = (
                f": {', '.join(where)}" if len(where) <= MOST_NAMED else f" in {len(where)} of {len(found)} settings"
            )
            named = named * (len(found) > 1)
            verb = "" if name == "diverged" else "is " if many == 1 else "are "
            sentences.append(f"{many:,} of {count(total, 'member')} {verb}{words}{named}.")
    return sentences
