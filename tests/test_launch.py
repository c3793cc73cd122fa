"""The exit codes of the command line, and what a launcher prints with each of them."""

import signal
import sys

import pytest

from aejax.errors import Interrupted, UserError
from experiments.launch import launch


@pytest.fixture
def ended(monkeypatch, capsys):
    """Launches a main that performs an action; returns its exit code, stdout and stderr."""
    monkeypatch.setattr(sys, "argv", ["launcher"])

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


def test_anything_else_is_a_bug_with_its_traceback(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["launcher"])
    with pytest.raises(ZeroDivisionError):  # Python prints the traceback and exits with 1
        launch(lambda: 1 // 0)
