"""Claims of the lecture and of papers, one per file with `measure(fast) -> rows`; the filename is the claim's name.

A claim with figures also has `draw(directory, fast)`, called after `measure`; both share work that is cached by `fast`.
"""

import importlib
import tempfile
from pathlib import Path
from typing import Any, Literal, NamedTuple

NAMES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py")))


class Row(NamedTuple):
    """One checkable statement: `measured` is within `tolerance` of `expected`, or at least or at most `expected`."""

    what: str
    expected: Any  # numbers, also numpy's
    measured: Any
    tolerance: float | Literal["at least", "at most"]
    source: str

    @property
    def holds(self) -> bool:
        if self.tolerance == "at least":
            return bool(self.measured >= self.expected)
        if self.tolerance == "at most":
            return bool(self.measured <= self.expected)
        return bool(abs(self.measured - self.expected) <= self.tolerance)  # False for NaN


class NotRun(Exception):
    """The claim's data are missing; the message is the command that fetches them."""


class Outcome(NamedTuple):
    """One trained member of a claim's experiment and its metrics on the test rows."""

    swept: dict[str, Any]
    model: Any  # aejax.types.Autoencoder
    params: Any
    stats: Any
    metrics: dict[str, float]
    dataset: Any  # aejax.data.types.Dataset


def train(recipe: str, changes: dict[str, Any] | None = None, *sweep: str, zipped: bool = False) -> list[Outcome]:
    """Trains a recipe with some values changed, or a sweep of it, as an ordinary run in a temporary directory.

    The outcomes are in the order of the sweep; without one there is a single outcome.
    """
    import jax

    from aejax import config as configs
    from aejax.engine import programs, run
    from aejax.metrics import METRICS
    from aejax.plan import Plan, parse_axis
    from aejax.reports.measure import measure_group
    from aejax.trained import load_group

    config = configs.replaced(importlib.import_module(f"configs.{recipe}").get_config(), changes or {})
    plan = Plan.make(config, [parse_axis(text, config) for text in sweep], zipped)
    outcomes: dict[int, Outcome] = {}
    with tempfile.TemporaryDirectory() as workdir:
        directory = run.run(plan, workdir)
        for group in programs.make_groups(plan):
            members = load_group(directory, group)
            for lane, (member, row) in enumerate(zip(group.members, measure_group(members).results, strict=True)):
                state = jax.tree.map(lambda leaf, lane=lane: leaf[lane], members.state)
                metrics = {name: row[name] for name in METRICS if name in row}
                outcomes[member.index] = Outcome(
                    member.swept, group.task.model, state.params, state.stats, metrics, group.dataset
                )
    return [outcomes[index] for index in sorted(outcomes)]
