"""Numbers as a page writes them."""

import math


def number(value: float | int) -> str:
    """A number with five significant digits, and a minus that is one."""
    return signed(f"{value:.5g}")


def mean_sd(mean: float | int | None, sd: float | int | None) -> str:
    """A mean to the digits that its sd has, which are two: "−26.74 ± 0.15"; "–" without a mean."""
    if mean is None or not math.isfinite(mean):
        return "–"
    if not sd or not math.isfinite(sd):  # a single seed, or seeds that agree
        return number(mean)
    largest = max(abs(mean), sd)
    scale = 0 if 1e-3 <= largest < 1e6 else math.floor(math.log10(largest))
    mean, sd = mean / 10.0**scale, sd / 10.0**scale
    digits = 1 - math.floor(math.log10(float(f"{sd:.1e}")))
    text = f"{round(mean, digits):.{max(digits, 0)}f} ± {round(sd, digits):.{max(digits, 0)}f}"
    return signed(f"({text})e{scale}" if scale else text)


def signed(text: str) -> str:
    """The text with a minus sign for every hyphen."""
    return text.replace("-", "−")


def listed(texts: list[str], most: int = 6) -> str:
    """Texts in a row; of many, the first, and how many more there are."""
    return (
        ", ".join(texts) if len(texts) <= most else f"{', '.join(texts[: most - 1])} and {len(texts) - most + 1} more"
    )


def count(number: int, noun: str) -> str:
    """A number of things: "1 member", "1,438 members"."""
    return f"{number:,} {noun}{'s' * (number != 1)}"
