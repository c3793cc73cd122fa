"""The exceptions that end a run early: unusable input, or a signal."""

import difflib
import unicodedata
from collections.abc import Iterable


class UserError(Exception):
    """Unusable input: the message is one line naming the key, file or flag and the remedy; launchers exit with 2."""


class Interrupted(Exception):
    """A signal ended the run; its last save is kept. Launchers exit with 128 + number."""

    def __init__(self, number: int, message: str):
        super().__init__(message)
        self.number = number


def printable(text: str) -> str:
    """The text with control characters, except ends of lines, as escapes (\\x1b): data must not steer a terminal."""
    unseen = ("Cc", "Cf", "Cs")  # controls, marks that turn or hide letters, bytes that are no text
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in unseen and char not in "\n\t" else char
        for char in text
    )


def closest(word: str, choices: Iterable[str]) -> str:
    """The choice nearest to a mistyped word, whatever its case and its dashes; "" if none is near."""

    def folded(text: str) -> str:
        return text.lower().replace("-", "_")

    known = {folded(choice): choice for choice in choices}
    near = difflib.get_close_matches(folded(word), known, n=1)
    return known[near[0]] if near else ""


def choose(key: str, value: str, choices: Iterable[str]) -> str:
    """Returns `value` if it is one of `choices`, else raises a UserError that names the key and the nearest choice."""
    choices = sorted(choices)
    if value in choices:
        return value
    near = closest(value, choices)
    hint = f"; did you mean {near!r}?" if near else ""
    raise UserError(f"{key}={value!r} is not one of {', '.join(choices)}{hint}")
