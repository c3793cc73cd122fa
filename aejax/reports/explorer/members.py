"""The members of a run as a page may show them, and which of them it holds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aejax.engine.programs import Group
from aejax.plan import Member
from aejax.reports.explorer.blob import fewest_bits, num_chars, probes, rounded
from aejax.reports.measure import measure_group
from aejax.reports.settings import setting_name
from aejax.reports.views import View, some_batch, views_of
from aejax.trained import load_group
from aejax.types import Decoder

LIMIT = 3_000_000  # bytes of the page
REACH = 2.6  # of a map at least, in units of z: two standard deviations of a prior N(0, I) and a margin
SD_ROWS = 3000
ROW_BYTES = (600_000, 150_000)


class Shown(NamedTuple):
    """A member as the page may show it."""

    member: Member
    view: View
    units: np.ndarray  # [K] from the strongest to the weakest; two units keep their order
    strength: np.ndarray  # [K] by unit ...
    measure: str  # ... its "KL" in nats or the "variance" of its codes
    metrics: dict[str, Any]
    decoder: Decoder | None = None  # in numpy, rounded; None if a page cannot hold or compute it
    num_chars: int = 0  # that the decoder takes


class Choice(NamedTuple):
    """What a page may hold: members, and those of them that have their decoder in it; the others have a grid."""

    members: list[Shown]
    decoders: set[int]  # by their numbers
    row_bytes: int  # of the test rows that can be looked at, before deflating


def show(directory: Path, group: Group) -> Iterator[Shown]:
    """Every member of a group, measured on the test rows."""
    trained = load_group(directory, group)
    measured = measure_group(trained)
    every = views_of(trained, range(len(group.members)))
    for member, view, metrics in zip(group.members, every, measured.results, strict=True):
        rows = [row for row in measured.units if row["member"] == member.index]
        name, measure = ("kl", "KL") if rows and "kl" in rows[0] else ("variance", "variance")
        strength = np.array([row[name] for row in rows]) if rows else view.codes.var(axis=0)
        units = np.argsort(-strength, kind="stable") if len(strength) > 2 else np.arange(len(strength))
        yield Shown(member, view, units, strength, measure, metrics)


def with_decoders(shown: list[Shown]) -> Iterator[Shown]:
    """The members with their decoders, of as many bits as they need anywhere on a map that holds all their codes."""
    low = min(-REACH, *(float(one.view.codes.min()) for one in shown))
    high = max(REACH, *(float(one.view.codes.max()) for one in shown))
    for one in shown:
        view = one.view
        made = view.model.layers(view.params).decoder if view.model.layers else None
        if not made or not made.link:
            yield one
            continue
        bits = fewest_bits(view, probes(view.codes, low, high), error_scale(view.group))
        layers = tuple(layer._replace(arrays=rounded(layer.arrays, bits)) for layer in made.layers)
        chars = num_chars([layer.arrays for layer in layers])
        yield one._replace(decoder=Decoder(layers, made.link) if chars < LIMIT else None, num_chars=chars)


def error_scale(group: Group) -> np.ndarray:
    """The unit of a decoder's error: 1 if x lies in [0, 1] or is standardized, else each feature's sd [features]."""
    spec = group.dataset.spec
    if spec.bounded or spec.center is not None:
        return np.ones(1)
    sd = some_batch(group, "test", SD_ROWS)["x"].reshape(-1, spec.mean.size).std(axis=0)
    return np.where(sd > 0, sd, 1.0)


def choices(shown: list[Shown]) -> Iterator[Choice]:
    """What a page may hold, the most first: every member; one seed of each setting; grids; fewer settings."""
    firsts = list({setting_name(one.member.setting): one for one in reversed(shown)}.values())[::-1]
    for members in (shown, firsts):
        if all(one.decoder for one in members) and sum(one.num_chars for one in members) < LIMIT:
            for row_bytes in ROW_BYTES:
                yield Choice(members, {one.member.index for one in members}, row_bytes)
    for most in range(len(firsts) - 1, -1, -1):
        decoders = [one for one in spread(firsts, most) if one.decoder]
        if sum(one.num_chars for one in decoders) < LIMIT:
            yield Choice(firsts, {one.member.index for one in decoders}, ROW_BYTES[0])
    for most in range(len(firsts) - 1, 0, -1):
        yield Choice(spread(firsts, most), set(), ROW_BYTES[0])


def spread(items: list[Any], most: int) -> list[Any]:
    """At most `most` of the items, evenly spaced, from the first to the last."""
    return [items[i] for i in sorted({round(i) for i in np.linspace(0, len(items) - 1, most)})]
