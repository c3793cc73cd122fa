"""What a person sees of a training: lines in a log, a bar and a table on a terminal."""

import io
import os
import re
import shutil
import sys

import pytest

from aejax.engine import programs, progress, run
from aejax.plan import Plan, parse_axis


def test_the_line_of_progress_is_the_mean_of_the_members_that_are_finite():
    rows = [{"split": "valid", "elbo": elbo} for elbo in (-1.0, float("nan"), -3.0)]
    assert progress.describe(rows) == "valid elbo -2 (mean of 2 members, 1 not finite)"
    assert progress.describe(rows[1:2]) == "valid metrics not finite" and progress.describe(rows[:1]) == "valid elbo -1"
    assert progress.describe([rows[0], rows[2]]) == "valid elbo -2 (mean of 2 members)"


@pytest.mark.parametrize(("every", "least", "most"), [(1, 20, 22), (5, 60, 60), (50, 6, 6)])
def test_a_long_run_prints_about_twenty_lines_unless_its_config_says_how_many(every, least, most, small, capsys):
    small.train.epochs, small.log.every_epochs = 300, every
    group = programs.make_groups(Plan.make(small))[0]
    with progress.progress(group, 0) as show:
        show(1)  # the first chunk
        for _, step, _ in run.visits(group, 0):
            show(step, [{"member": 0, "split": "valid", "elbo": 1.0}], {})
    lines = capsys.readouterr().err.splitlines()
    assert least <= len(lines) <= most
    assert all(re.search(r"epoch \d+ of 300: valid elbo 1; \S+ steps/s, [\d:]+ left$", line) for line in lines[:-1])
    assert lines[-1].startswith("group 0 epoch 300 of 300: valid elbo 1; ") and lines[-1].endswith("steps/s")


def test_the_last_visit_has_a_line_when_the_members_stop_early(small, capsys):
    small.train.epochs = 300
    group = programs.make_groups(Plan.make(small))[0]
    with progress.progress(group, 0) as show:
        for epoch in range(1, 18):  # lines are fifteen epochs apart
            show(
                10 * epoch, [{"member": 0, "split": "valid", "elbo": -epoch}], {0: "running" if epoch < 17 else "done"}
            )
    assert re.findall(r"epoch (\d+) of", capsys.readouterr().err) == ["1", "16", "17"]


class Terminal(io.StringIO):
    """What tqdm needs of a terminal: line feeds, carriage returns, and the sequence that goes up a line."""

    def isatty(self):
        return True

    def screen(self):
        """The lines that a person sees."""
        lines, row, column = [""], 0, 0
        for part in re.findall(r"\x1b\[A|\r|\n|[^\x1b\r\n]+", self.getvalue()):
            if part in ("\x1b[A", "\n"):
                row, column = row + (1 if part == "\n" else -1), column * (part != "\n")
                lines += [""] * (row == len(lines))
            elif part == "\r":
                column = 0
            else:
                before = lines[row].ljust(column)
                lines[row], column = before[:column] + part + before[column + len(part) :], column + len(part)
        return [line.rstrip() for line in lines if line.strip()]


@pytest.mark.parametrize(("lines", "shown"), [(24, 4), (8, 3), (4, 0)])
def test_a_terminal_shows_the_members_that_fit_below_the_bar_and_the_last_lines_stay(lines, shown, small, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((60, lines)))
    plan = Plan.make(small, [parse_axis(text, small) for text in ("objective.beta=1,4", "seed=7,8")])
    [group] = programs.make_groups(plan)
    expected = [
        "member  beta  seed  elbo  kl  status",
        "     0   1.0     7   -10   3  running",
        "     1   1.0     8   -11   3  running",
        "     2   4.0     7   -12   3  running",
        "     3   4.0     8   -13   3  running",
    ]
    statuses, finished = dict.fromkeys(range(4), "running"), {0: "diverged at step 9", 3: "done, stopped after epoch 1"}
    with progress.progress(group, 0) as show:
        show(1)
        rows = [{"member": i, "split": "valid", "elbo": -10.0 - i, "kl": 3.0} for i in range(4)]
        show(5, rows, statuses)
        bar, *table = sys.stderr.screen()  # pyright: ignore[reportAttributeAccessIssue]
        assert bar.startswith("group 0:") and table == expected[: shown + 1] * (shown > 0)
        show(group.total_steps - 1, rows[:3], statuses | finished)  # the last one stopped before, and now the others
    *table, bar = sys.stderr.screen()  # pyright: ignore[reportAttributeAccessIssue]
    assert bar.startswith("group 0:") and len(table) == (shown + 1) * (shown > 0)
    for place, status in finished.items():
        if place < shown:
            assert table[place + 1] == expected[place + 1].replace("running", status)


def test_a_log_has_no_table(small, capsys):
    [group] = programs.make_groups(Plan.make(small, [parse_axis("seed=0,1", small)]))
    with progress.progress(group, 0) as show:
        show(
            group.total_steps, [{"member": i, "split": "valid", "elbo": -1.0} for i in range(2)], {0: "done", 1: "done"}
        )
    [line] = capsys.readouterr().err.splitlines()
    assert "valid elbo -1 (mean of 2 members)" in line
