"""The exit codes of the command line, and what a launcher prints with each of them."""

import errno
import os
import re
import signal
import sys

import pytest
from absl import flags

from aejax.engine.progress import say
from aejax.errors import Interrupted, UserError
from experiments.launch import answer, launch
from tests.conftest import ROOT


@pytest.fixture
def ended(monkeypatch, capsys):
    """Launches a main that performs an action; returns its exit code, stdout and stderr."""
    monkeypatch.setattr(sys, "argv", ["launcher"])
    monkeypatch.setattr(os, "_exit", sys.exit)
    monkeypatch.setattr(flags, "FLAGS", flags.FlagValues())

    def call(action):
        def main():
            return action()

        with pytest.raises(SystemExit) as stop:
            launch(main)
        return stop.value.code or 0, *capsys.readouterr()

    return call


def raising(error):
    def action():
        raise error

    return action


def test_what_is_done_ends_with_0_and_a_number_is_the_exit_code(ended):
    assert ended(lambda: print("trained")) == (0, "trained\n", "")
    assert ended(lambda: 1) == (1, "", "")


def test_input_that_is_refused_ends_with_2_and_one_line(ended):
    assert ended(raising(UserError("seed=x:\n no int"))) == (2, "", "error: seed=x: no int\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_with_128_plus_its_number_and_says_what_is_kept(number, ended):
    kept = Interrupted(number, "stopped at step 14: saved at step 10")
    assert ended(raising(kept)) == (128 + number, "", "stopped at step 14: saved at step 10\n")


def test_an_interrupt_outside_of_training_ends_with_130(ended):
    assert ended(raising(KeyboardInterrupt())) == (130, "", "")


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "runs/a"), 3, "runs/a: Permission denied"),
        (
            OSError(errno.ENOSPC, "No space left on device", "runs/a/members.csv"),
            3,
            "runs/a/members.csv: No space left on device; free some space and run the same command again",
        ),
        (OSError("64 requested and 0 written"), 3, "standard output: 64 requested and 0 written"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "x" * 9), 2, "xxxxxxxxx: File name too long"),
        (
            MemoryError("Unable to allocate 9 GiB"),
            3,
            "the memory of this machine is exhausted: Unable to allocate 9 GiB",
        ),
    ],
)
def test_what_the_system_refuses_ends_with_3_and_one_line(error, code, line, ended):
    assert ended(raising(error)) == (code, "", f"error: {line}\n")


def test_control_characters_do_not_reach_the_terminal(ended):
    name = "\x1b[31mred\x07\u202e\udcff"
    seen = r"\x1b[31mred\x07\u202e\udcff"
    assert ended(raising(UserError(f"{name} é λ"))) == (2, "", f"error: {seen} é λ\n")
    assert ended(raising(Interrupted(2, name))) == (130, "", f"{seen}\n")
    assert ended(lambda: answer(f"{name}\n\té λ")) == (0, f"{seen}\n\té λ\n", "")
    assert ended(lambda: say(name)) == (0, "", f"{seen}\n")


def test_every_line_is_said_in_one_place():
    places = [*(ROOT / "aejax").rglob("*.py"), *(ROOT / "experiments").glob("*.py")]
    allowed = ("__main__", "launch", "benchmark")  # the benchmark prints its own numbers
    assert [
        path for path in places if re.search(r"\bprint\(|stderr\.write", path.read_text()) and path.stem not in allowed
    ] == []


def test_anything_else_is_a_bug_with_its_traceback(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["launcher"])
    with pytest.raises(ZeroDivisionError):  # Python prints the traceback and exits with 1
        launch(lambda: 1 // 0)
