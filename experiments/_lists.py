"""What there is to choose from: the lines of `train --recipes`, `--models` and `--data`."""

import ast
import re
from pathlib import Path

from aejax import data
from aejax.data import idx
from aejax.keys import KEYS
from experiments import _recipes


def recipes() -> list[str]:
    """Name, time on two CPU cores and purpose of every recipe, as its page states them."""
    pages = {name: page(_recipes.folder() / f"{name}.py") for name in _recipes.names()}
    return columns([(name, minutes(text), sentence(text)) for name, text in pages.items()])


def models() -> list[str]:
    """Name and equation of every value of model.name."""
    folder = Path(data.__file__).parent.parent / "models"
    choices = KEYS["model.name"].within.choices
    assert choices
    return columns([(name, sentence(page(folder / name))) for name in choices()])


def sources() -> list[str]:
    """Every value of data.name that needs no TensorFlow: what it is."""
    folder = Path(data.__file__).parent
    prepared = [
        (name, f"Images; first run `python -m experiments.prepare_data --name={name}`.") for name in idx.CLASSES
    ]
    return columns([(name, sentence(page(folder / name))) for name in data.sources()] + prepared)


def page(path: Path) -> str:
    """The docstring of a file or a folder of Python, each paragraph on one line."""
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return "\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def sentence(text: str) -> str:
    """The first sentence of a page; neither "et al." nor "..." ends it."""
    return re.split(r"(?<=\w\.|[)\]\"]\.)(?<!al\.)\s", text.partition("\n")[0], maxsplit=1)[0]


def minutes(text: str) -> str:
    """The time that a recipe's page states: "10 s"."""
    stated = re.findall(
        r"\b(a minute|a second|seconds|\d+ s|\d+ min|\d+ minutes)\b", text.partition("two CPU")[0].lower()
    )
    return stated[-1] if stated else ""


def columns(rows: list[tuple[str, ...]]) -> list[str]:
    """Rows of words below each other; only the last word may be long."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    return ["  ".join([*map(str.ljust, row, widths), row[-1]]) for row in rows]
