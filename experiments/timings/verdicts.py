"""What the times say: a comparison of two contenders, and the targets. All are ratios of times of the same round."""

import itertools
import math
import statistics
from collections.abc import Sequence
from typing import Any

from experiments.timings import best, floor, label

CHANCE = 1 / 16  # how often equal contenders may pass for different ones
ROUNDS = 5  # fewer never decide
RULE = (
    "Ratios are medians over the rounds. Their interval has 94 % confidence (sign test): it is the whole range of up "
    "to 8 rounds, and leaves out the most extreme ones of more. A difference counts only if the interval lies on one "
    f"side of the limit and there are at least {ROUNDS} rounds; otherwise it is not decided."
)
PEER = {32: 0.4, 128: 0.75, 512: 0.85}  # batch size: the most that one member may cost, as a part of PyTorch's best
BF16 = 0.5  # the same for one member with bfloat16 products at a batch size of 128, where the processor has AMX
SWEEP = 0.6  # the same for a member in a sweep of 8, at any batch size
ALONE = 1.05  # the most that a member in a sweep of 32 may cost, as a part of one alone
FLOOR = 0.65  # the least part of a step of 128 rows that the floor may be


def interval(times: Sequence[float], others: Sequence[float]) -> tuple[float, float]:
    """The confidence interval of the median ratio: it leaves out as many rounds at each end as CHANCE allows.

    Of n rounds of equal contenders, at most k favor one of the two with the probability 2 Σ_{i ≤ k} C(n, i) / 2ⁿ.
    """
    ordered = sorted(time / other for time, other in zip(times, others, strict=True))
    tails = itertools.accumulate(math.comb(len(ordered), i) for i in range(len(ordered)))
    left_out = max(0, sum(2 * tail / 2 ** len(ordered) <= CHANCE for tail in tails) - 1)
    return ordered[left_out], ordered[-1 - left_out]


def compare(times: Sequence[float], others: Sequence[float], limit: float = 1.0) -> str:
    """Says whether `times` are "faster" or "slower" than `limit` × `others`, or that this is "not decided".

    It is not decided if the interval of the ratio contains the limit, or if there are fewer than ROUNDS rounds.
    """
    low, high = interval(times, others)
    if len(times) < ROUNDS or low <= limit <= high:
        return "not decided"
    return "faster" if high < limit else "slower"


def ratio(times: Sequence[float], others: Sequence[float]) -> dict[str, Any]:
    """The median ratio and its interval, as cells of a table."""
    low, high = interval(times, others)
    median = statistics.median(time / other for time, other in zip(times, others, strict=True))
    return {"ratio": round(median, 3), "interval": f"{low:.2f} to {high:.2f}"}


def peer(seconds: dict[str, list[float]]) -> list[float] | None:
    """The times of the best way to train one member in PyTorch; None if it was not timed."""
    return best(seconds, [name for name in seconds if name.startswith("PyTorch") and name.endswith(label("", 1))])


def targets(batch_size: int, seconds: dict[str, list[float]]) -> list[dict[str, Any]]:
    """A row for each target at this batch size, with its ratio and "met", "missed", "not decided" or "not measured"."""
    one, eight, many = (seconds.get(label("aejax", members)) for members in (1, 8, 32))
    stacked = seconds.get(label("PyTorch torch.func", 8))
    rows = [
        target("a member in a sweep of 8 / PyTorch's runs one after the other", eight, peer(seconds), SWEEP),
        target("a member in a sweep of 8 / one of 8 in torch.func", eight, stacked, SWEEP),
        target("a member in a sweep of 32 / one alone", many, one, ALONE),
    ]
    if batch_size in PEER:
        rows.insert(0, target("one member / PyTorch's best", one, peer(seconds), PEER[batch_size]))
    if batch_size == 128:
        what = f"one member / the floor, which is to be at least {FLOOR} of it"
        rows.append(target(what, one, seconds.get(floor.FLOOR), 1 / FLOOR))
        rows.append(
            target("one bf16 member / PyTorch's best", seconds.get(label("aejax bf16", 1)), peer(seconds), BF16)
        )
    return [{"batch": batch_size} | row for row in rows]


def target(what: str, times: list[float] | None, others: list[float] | None, limit: float) -> dict[str, Any]:
    """The row of a target times / others ≤ limit."""
    row = {"target": what, "at most": round(limit, 3)}
    if times is None or others is None:
        return row | {"verdict": "not measured"}
    verdict = compare(times, others, limit)
    return row | ratio(times, others) | {"verdict": {"faster": "met", "slower": "missed"}.get(verdict, verdict)}
