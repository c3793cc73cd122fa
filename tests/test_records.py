"""The files of a run directory: written whole or not at all, read back as they were, one process at a time."""

import errno
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aejax import records
from aejax.data.types import Spec
from aejax.errors import UserError
from experiments import _outputs

ROOT = Path(__file__).parent.parent
PIXELS = Spec((2, 1, 1), "image", "unit", 1.0, (), (), np.zeros((2, 1, 1), np.float32), None, None)
HOLD = """
import pathlib, sys
from aejax import records
with records.lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_write_makes_directories_and_replaces(tmp_path):
    path = tmp_path / "a" / "b.txt"
    for text in ("λ\r\n, long enough to be seen", "short\n"):
        records.write(path, text)
        assert path.read_bytes() == text.encode()
    assert os.listdir(path.parent) == ["b.txt"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_crash_while_writing_leaves_the_old_file(call, tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    records.write_json(path, {"old": 1})

    def crash(*arguments):
        raise OSError("no space left")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="no space left"):
        patch.setattr(records.os, call, crash)
        records.write_json(path, {"new": 2})
    assert records.read_json(path) == {"old": 1} and os.listdir(tmp_path) == ["a.json"]
    records.write_json(path, {"new": 2})
    assert records.read_json(path) == {"new": 2} and os.listdir(tmp_path) == ["a.json"]


@pytest.mark.parametrize("name", ["z.npy", "z.npz", "z.csv", "z.tsv", "z.parquet", "x.npy", "x.npz", "x.csv", "x.png"])
def test_an_output_takes_the_place_of_an_old_one_only_when_it_is_whole(name, tmp_path, monkeypatch):
    path, codes = tmp_path / name, np.ones((4, 2), np.float32)
    path.write_text("old")

    def crash(*arguments):
        raise OSError("no space left")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="no space left"):
        patch.setattr(records.os, "fsync", crash)
        write_output(path, codes)
    assert path.read_text() == "old" and os.listdir(tmp_path) == [name]
    write_output(path, codes)
    assert path.stat().st_size > 10


def write_output(path, codes):
    """Writes codes, or samples of 2 x 1 pixels."""
    if path.name.startswith("z"):
        _outputs.write_codes(path, codes, None, np.array(["a", "b", "c", "d"]))
    else:
        _outputs.write_samples(path, PIXELS, codes, codes.reshape(4, 2, 1, 1), {})


def test_what_is_read_was_durable_before_it_was_renamed(tmp_path, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(records.os, name, lambda *a, name=name, real=real: (calls.append(name), real(*a))[1])
    records.write(tmp_path / "a", "text")
    assert calls == ["fsync", "replace", "fsync"]


def test_json_and_back(tmp_path):
    tree = {"a": [1, 2.5, None, True, "λ"], "b": {"c": 0.1 + 0.2}}
    records.write_json(tmp_path / "a.json", tree)
    assert records.read_json(tmp_path / "a.json") == tree


def test_a_digest_is_that_of_the_content_in_any_order():
    assert records.digest({"a": 1, "b": [2.5, None]}) == records.digest({"b": [2.5, float("nan")], "a": 1})
    assert records.digest({"a": 1, "b": [2.5]}) != records.digest({"a": 1, "b": [2.6]})


def test_json_says_null_for_what_is_no_number(tmp_path):
    tree = {"a": math.nan, "b": {"c": math.inf}, "d": [-math.inf, {"e": math.nan}, (1.0, math.nan)]}
    records.write_json(tmp_path / "a.json", [tree])

    def refuse(constant):
        raise AssertionError(constant)

    read = json.loads((tmp_path / "a.json").read_text(), parse_constant=refuse)
    assert read == [{"a": None, "b": {"c": None}, "d": [None, {"e": None}, [1.0, None]]}]


def test_json_that_is_missing_or_damaged_is_the_users_to_mend(tmp_path):
    (tmp_path / "file").write_text("")
    for directory in (tmp_path, tmp_path / "missing", tmp_path / "file"):
        with pytest.raises(UserError, match=f"{directory} is not a run directory: it has no config.json"):
            records.read_json(directory / "config.json")
    for damaged in (b'{"a": 1', b"", b'{"a": "\xff"}'):
        (tmp_path / "config.json").write_bytes(damaged)
        with pytest.raises(
            UserError,
            match=r"config.json is damaged .*: restore it, repeat the command .*, or choose another --workdir",
        ):
            records.read_json(tmp_path / "config.json")


def test_csv_and_back(tmp_path):
    """The union of the keys in the order of appearance; floats in full; commas, quotes, line ends and λ survive."""
    rows = [{"member": 0, "status": 'a,"b"\nc', "elbo": 0.1 + 0.2}, {"member": 1, "λ": -1e-30, "elbo": None}]
    records.write_csv(tmp_path / "a.csv", rows)
    assert (tmp_path / "a.csv").read_bytes().startswith("member,status,elbo,λ\n".encode())
    assert b"\r" not in (tmp_path / "a.csv").read_bytes()
    read = records.read_csv(tmp_path / "a.csv")
    assert read == [
        {"member": "0", "status": 'a,"b"\nc', "elbo": "0.30000000000000004", "λ": ""},
        {"member": "1", "status": "", "elbo": "", "λ": "-1e-30"},
    ]
    assert [float(read[0]["elbo"]), float(read[1]["λ"])] == [0.1 + 0.2, -1e-30]


def test_csv_keeps_nan_apart_from_missing(tmp_path):
    records.write_csv(tmp_path / "a.csv", [{"a": math.nan, "b": None}])
    assert records.read_csv(tmp_path / "a.csv") == [{"a": "nan", "b": ""}]


def test_a_missing_file_has_no_rows(tmp_path):
    assert records.read_csv(tmp_path / "a.csv") == [] == records.read_lines(tmp_path / "a.jsonl")


def test_lines_append(tmp_path):
    path, rows = tmp_path / "a.jsonl", [{"member": 0, "elbo": -1.5}, {"member": 1, "elbo": math.nan, "name": "λ"}]
    records.append_lines(path, rows[:1])
    records.append_lines(path, rows[1:])
    assert records.read_lines(path) == [rows[0], {"member": 1, "elbo": None, "name": "λ"}]
    assert "NaN" not in path.read_text()


def test_lines_are_kept_to_the_byte_and_a_cut_one_is_dropped(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"step":  1, "name": "λ"}\n{"step": 2}\n{"step": 3}\n{"st', encoding="utf-8")
    records.keep_lines(path, lambda row: row["step"] != 2)
    assert path.read_text(encoding="utf-8") == '{"step":  1, "name": "λ"}\n{"step": 3}\n'


def test_a_missing_file_is_made_where_lines_are_kept(tmp_path):
    records.keep_lines(tmp_path / "a.jsonl", lambda row: True)
    assert (tmp_path / "a.jsonl").read_bytes() == b""


def test_a_line_that_a_crash_cut_off_is_left_out(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"step": 1}\n{"step": 2}\n{"ste')
    assert records.read_lines(tmp_path / "a.jsonl") == [{"step": 1}, {"step": 2}]


def test_a_lock_names_its_holder_and_falls_when_that_dies(tmp_path):
    directory = tmp_path / "run"
    command = [sys.executable, "-c", HOLD, str(directory)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout and holder.stdout.readline() == "held\n"
        with (
            pytest.raises(UserError, match=rf"run is in use by process {holder.pid} on \S+: wait"),
            records.lock(directory),
        ):
            pytest.fail("two hold one directory")
        holder.kill()
    with records.lock(directory):
        assert f"process {os.getpid()} on " in (directory / ".lock").read_text()


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_lock_of_what_is_no_directory_is_refused(name, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=rf"cannot create the directory .*{name} \(.*\): choose another --workdir"):
        with records.lock(tmp_path / name):
            pytest.fail("held")


def test_a_lock_is_let_go_by_an_exception(tmp_path):
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), records.lock(tmp_path):
            raise ZeroDivisionError


def test_markdown_is_a_table_of_all_columns():
    rows = [{"λ": 4.0, "elbo": -103.26789, "n": 3}, {"λ": 1e-7, "status": None}]
    assert records.markdown(rows).split("\n") == [
        "| λ | elbo | n | status |",
        "| --- | --- | --- | --- |",
        "| 4 | -103.27 | 3 |  |",
        "| 1e-07 |  |  |  |",
    ]


def test_what_the_system_refuses_has_the_path(tmp_path):
    with pytest.raises(OSError) as raised, records.naming(tmp_path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert raised.value.filename == str(tmp_path)


def test_a_cell_of_a_table_is_one_line():
    assert records.markdown([{"id": "a\nb", "z": 0.123456}]).splitlines()[2] == "| a b | 0.12346 |"
