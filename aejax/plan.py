"""The plan of a run: a config and the axes of its sweep, which determine the members; config.json stores it.

Imports no jax. Members are numbered in the order of the sweep; the last axis varies fastest.
"""

import itertools
import math
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aejax import config as configs
from aejax import records
from aejax.config import Config
from aejax.errors import UserError

MOST = 100_000  # members of a sweep
SHARD = re.compile(r"\d+-of-\d+")
ELSEWHERE = "choose another --workdir"


class Axis(NamedTuple):
    """One swept path and its values."""

    path: str
    values: tuple[Any, ...]


class Member(NamedTuple):
    """One member: its number in the whole sweep, its program's number, its swept values and the config of the sweep."""

    index: int
    group: int
    swept: dict[str, Any]
    base: Config

    @property
    def config(self) -> Config:
        """The resolved config, made anew: a hundred thousand of them would take gigabytes."""
        return configs.replaced(self.base, self.swept)

    @property
    def row(self) -> dict[str, Any]:
        """The first columns of every table of members."""
        return {"member": self.index, "group": self.group, "seed": self.base.seed, **self.swept}

    @property
    def setting(self) -> dict[str, Any]:
        """The swept values without the seed: members that share them are repetitions."""
        return {path: value for path, value in self.swept.items() if path != "seed"}


class Plan(NamedTuple):
    """A sweep of a config, or one shard of it; `Plan.make` makes and checks one, `Plan.read` reads it from a run."""

    config: Config
    axes: tuple[Axis, ...]
    zip: bool  # pairs the axes' values instead of combining all of them
    shard: str  # "i/n": every n-th member, from the i-th, counted from 0; "": all of them
    sweep: tuple[Member, ...]  # all members, of all shards

    @classmethod
    def make(
        cls,
        config: Config,
        axes: Iterable[Axis] = (),
        zip: bool = False,
        shard: str = "",
        chosen: Collection[str] = (),
    ) -> "Plan":
        """Makes a plan and checks all its members; raises UserError that says what is wrong.

        A swept key must have an effect in every member; the `chosen` paths, which the user set, in one at least.
        """
        configs.check_types(config)
        plan = cls.resolve(config, axes, zip, shard)
        leaves, axes_of = configs.flatten(config), {axis.path: axis.values for axis in plan.axes}
        for path, value in leaves.items():
            for each in axes_of.get(path, (value,)):
                configs.check_value(path, each)
        programs = plan.programs
        for program in programs:
            configs.check_effects(program, axes_of)
        for path in chosen:
            if all(reasons := [configs.without_effect(program, path) for program in programs]):
                raise UserError(reasons[0])
        if not plan.members:
            raise UserError(f"--shard={shard}: the sweep has only {len(plan.sweep)} members")
        return plan

    @classmethod
    def resolve(cls, config: Config, axes: Iterable[Axis], zip: bool, shard: str) -> "Plan":
        """Makes a plan without checking its members; raises UserError for axes that do not fit together."""
        axes = tuple(axes)
        paths = [axis.path for axis in axes]
        if repeated := {path for path in paths if paths.count(path) > 1}:
            raise UserError(f"--sweep {repeated.pop()} is given twice: put all its values into one --sweep")
        if zip and len({len(axis.values) for axis in axes}) > 1:
            lengths = ", ".join(f"{axis.path} has {len(axis.values)} values" for axis in axes)
            raise UserError(f"--zip needs axes of equal length: {lengths}")
        check_number("the sweep", math.prod(len(axis.values) for axis in (axes[:1] if zip else axes)))
        if shard:
            part_of(shard)
        config = configs.replaced(config, {})  # the caller may go on to change his
        return cls(config, axes, zip, shard, members_of(config, axes, zip))

    @classmethod
    def read(cls, directory: Path) -> "Plan":
        """The plan of a run directory, from its config.json; raises UserError if it is missing."""
        return cls.from_json(records.read_json(directory / "config.json"))

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> "Plan":
        """The plan that `to_json` wrote; ignores other keys, such as the lanes of a run."""

        def restore(value: Any) -> Any:
            return tuple(value) if isinstance(value, list) else value

        axes = [Axis(axis["path"], tuple(map(restore, axis["values"]))) for axis in tree["axes"]]
        return cls.resolve(configs.from_json(tree["config"]), axes, tree["zip"], tree["shard"])

    def to_json(self) -> dict[str, Any]:
        """The plan as plain dictionaries and lists; the members are not stored, because they follow from it."""
        axes = [{"path": axis.path, "values": list(axis.values)} for axis in self.axes]
        return {"config": configs.to_json(self.config), "axes": axes, "zip": self.zip, "shard": self.shard}

    @property
    def members(self) -> tuple[Member, ...]:
        """The members to train: all of them, or those of the shard."""
        if not self.shard:
            return self.sweep
        index, count = part_of(self.shard)
        return self.sweep[index::count]

    @property
    def programs(self) -> list[dict[str, Any]]:
        """The leaves of the first config of each program: which keys have an effect depends on what is static only."""
        firsts = {member.group: member for member in reversed(self.sweep)}
        leaves = configs.flatten(self.config)
        return [leaves | firsts[group].swept for group in sorted(firsts)]

    @property
    def groups(self) -> dict[int, list[Member]]:
        """The members of each program: {its number: members}, in the order of the numbers."""
        groups: dict[int, list[Member]] = {}
        for member in self.members:
            groups.setdefault(member.group, []).append(member)
        return dict(sorted(groups.items()))

    def directory(self, workdir: str | Path) -> Path:
        """The directory of the run, or of its shard."""
        return Path(workdir) / "shards" / self.shard.replace("/", "-of-") if self.shard else Path(workdir)

    def difference(self, other: "Plan") -> str:
        """How another plan differs, on one line: "train.epochs 20 -> 30"; "" if the members are the same."""

        def flat(plan: Plan) -> dict[str, Any]:
            sweeps = {f"--sweep {axis.path}": axis.values for axis in plan.axes}
            return configs.flatten(plan.config) | sweeps | {"--zip": plan.zip, "--shard": plan.shard}

        def order(plan: Plan) -> dict[str, str]:  # members are numbered in the order of the axes
            return {"order of --sweep": ", ".join(axis.path for axis in plan.axes)}

        return configs.difference(flat(self), flat(other)) or configs.difference(order(self), order(other))


def members_of(config: Config, axes: Sequence[Axis], zipped: bool) -> tuple[Member, ...]:
    """The members of a sweep (a single one without axes); members with equal static values share a group."""
    paths = [axis.path for axis in axes]
    combine = zip if zipped and axes else itertools.product
    settings = [dict(zip(paths, values, strict=True)) for values in combine(*(axis.values for axis in axes))]
    static = [axis.path for axis in axes if not configs.is_traced(axis.path, axis.values[0])]
    groups: dict[tuple[Any, ...], int] = {}
    numbers = [groups.setdefault(tuple(swept[path] for path in static), len(groups)) for swept in settings]
    pairs = enumerate(zip(numbers, settings, strict=True))
    return tuple(Member(index, number, swept, config) for index, (number, swept) in pairs)


def part_of(shard: str) -> tuple[int, int]:
    """i and n of a shard "i/n"."""
    numbers = re.fullmatch(r"(\d+)/(\d+)", shard)
    if not numbers or int(numbers[1]) >= int(numbers[2]):
        raise UserError(f"--shard={shard}: write i/n with i from 0 to n - 1, as in --shard=0/4")
    return int(numbers[1]), int(numbers[2])


def check_number(what: str, number: int) -> None:
    """Raises UserError if `number` members or values are too many."""
    if number > MOST:
        raise UserError(f"{what} has {number:,} members: at most {MOST:,} are possible; sweep a smaller part")


def shards_of(workdir: Path) -> list[Path]:
    """The directories of the shards that a workdir holds."""
    return sorted(
        path.parent for path in workdir.glob("shards/*-of-*/config.json") if SHARD.fullmatch(path.parent.name)
    )


def check_beside(workdir: Path, plan: Plan) -> None:
    """Raises UserError if a workdir holds parts of a run that would not form one with the plan."""
    others = [path for path in shards_of(workdir) if path != plan.directory(workdir)]
    if not plan.shard and others:
        raise UserError(f"{workdir} holds shards of a run, such as {others[0].name}: add --shard=i/n, or {ELSEWHERE}")
    if plan.shard and (workdir / "config.json").exists():
        raise UserError(f"{workdir} holds a whole run, not shards of one: leave --shard out, or {ELSEWHERE}")
    for name, _, count in (path.name.partition("-of-") for path in others):
        if count != plan.shard.partition("/")[2]:
            raise UserError(f"{workdir} is split otherwise ({name}-of-{count}): use --shard=i/{count}, or {ELSEWHERE}")


def parts(workdir: Path, partial: bool = False) -> dict[Path, Plan]:
    """The plans of a workdir by run directory: of the workdir itself, or of all its shards, which form one run.

    Raises UserError if shards are missing (unless `partial`), or belong to different sweeps.
    """
    shards = shards_of(workdir)
    if (missing := missing_shards(shards)) and not partial:
        names = f"{', '.join(missing[:9])}{', ...' * (len(missing) > 9)}"
        raise UserError(f"{workdir}/shards is incomplete: train the missing shards {names}, or evaluate with --partial")
    plans = {directory: Plan.read(directory) for directory in shards or [workdir]}
    first, *others = (plan._replace(shard="") for plan in plans.values())
    if change := next(filter(None, map(first.difference, others)), ""):
        raise UserError(f"{workdir}/shards is not one sweep: its parts differ ({change})")
    return plans


def missing_shards(shards: Iterable[Path]) -> list[str]:
    """The names of the shards that a split lacks."""
    names = {path.name for path in shards if path.parent.name == "shards" and SHARD.fullmatch(path.name)}
    counts = {int(name.partition("-of-")[2]) for name in names}
    return [name for count in sorted(counts) for i in range(count) if (name := f"{i}-of-{count}") not in names]


def parse_axis(text: str, config: Config) -> Axis:
    """Parses PATH=VALUES into an axis of the key's type; raises UserError that says what is wrong.

    VALUES: `1,4,10` (also in brackets), `0:8` (0 to 7), `0:8:2`, `geomspace(1e-4,1e-2,5)` or `linspace(0,1,11)`.
    """
    path, equals, written = text.partition("=")
    if not equals or not written:
        raise UserError(f"--sweep {text}: write PATH=VALUES, as in --sweep objective.beta=1,4,10")
    default, written = configs.read(config, path), written.strip()  # an unknown key is reported first
    if not isinstance(default, tuple) and (listed := re.fullmatch(r"\[(.*)\]", written)):
        written = listed[1]
    return make_axis(path, expand(path, written), config)


def make_axis(path: str, values: Any, config: Config) -> Axis:
    """Makes an axis from values of the key's type, or from their text; raises UserError that says what is wrong.

    NumPy numbers are allowed. A single string is read as VALUES, as in `parse_axis`.
    """
    default = configs.read(config, path)
    if isinstance(values, str):
        return parse_axis(f"{path}={values}", config)
    if not isinstance(values, Iterable):
        raise UserError(f"sweep {path}={values!r}: give a list of values")
    if hasattr(values, "__len__"):
        check_number(f"sweep {path}", len(values))  # pyright: ignore
    plain = [getattr(value, "item", lambda value=value: value)() for value in itertools.islice(values, MOST + 1)]
    check_number(f"sweep {path}", len(plain))
    written = [value if isinstance(value, str) else repr(value) for value in plain]
    parsed = tuple(configs.parse(path, value, default) for value in written)
    if not parsed:
        raise UserError(f"--sweep {path}= has no values")
    known = set()
    for value in parsed:
        configs.check_value(path, value)
        trained = np.float32(value) if isinstance(value, float) else value
        if trained in known:
            listed = ",".join(written[:9]) + ",..." * (len(written) > 9)
            raise UserError(f"--sweep {path}={listed}: the value {value} is given twice")
        known.add(trained)
    return Axis(path, parsed)


def expand(path: str, written: str) -> list[str]:
    """Expands VALUES into single values, as text."""
    if call := re.fullmatch(r"(geomspace|linspace)\(([^,()]+),([^,()]+),([^,()]+)\)", written):
        name, *numbers = call.groups()
        try:
            start, stop, num = float(numbers[0]), float(numbers[1]), int(numbers[2])
            if num < 1 or not np.isfinite([start, stop]).all() or (name == "geomspace" and start * stop <= 0):
                raise ValueError
            check_number(f"--sweep {path}={written}", num)
        except ValueError:
            raise UserError(f"--sweep {path}={written}: write {name}(START,STOP,NUMBER)") from None
        return [repr(float(value)) for value in getattr(np, name)(start, stop, num)]
    if bounds := re.fullmatch(r"(\d+):(\d+)(?::(\d+))?", written):
        start, stop, step = int(bounds[1]), int(bounds[2]), int(bounds[3] or 1)
        if step == 0 or start >= stop:
            raise UserError(f"--sweep {path}={written} is an empty range")
        check_number(f"--sweep {path}={written}", -(-(stop - start) // step))
        return [str(value) for value in range(start, stop, step)]
    values = [value.strip() for value in re.split(r",(?![^(\[]*[)\]])", written)]  # commas outside brackets
    if "" in values:
        raise UserError(f"--sweep {path}={written} has an empty value")
    return values
