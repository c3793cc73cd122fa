"""The Markdown pages: links lead to files, flags exist, every metric is defined."""

import ast
import re
import shlex
import subprocess
import sys
import textwrap
from typing import Any

import pytest

import aejax
from aejax import config as configs
from aejax import records
from aejax.keys import KEYS
from aejax.metrics import METRICS
from tests.conftest import ROOT, small_config

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_link_to_a_file_leads_to_one(page):
    targets = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))]
    missing = [target for target in targets if target and "://" not in target and not (page.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_command_has_a_launcher_with_its_flags_and_a_recipe(page):
    text = re.sub(r"  #.*", "", page.read_text(encoding="utf-8"))  # comments beside commands
    commands = " ".join(text.split()).split("python -m experiments.")[1:]
    wrong = []
    for command in (command.partition("`")[0] for command in commands):
        launcher = re.split(r"\W", command)[0]
        source = (ROOT / "experiments" / f"{launcher}.py").read_text(encoding="utf-8")
        for flag, value in re.findall(r"--(\w+)(?:=(\S+))?", command):
            wrong += [] if re.search(rf'DEFINE_\w+\(\s*"{flag}"', source) else [command]
            wrong += [command] if value.endswith(".py") and not (ROOT / value).exists() else []
    assert not wrong


def commands(page):
    """The commands in the fenced blocks of a page, as a shell reads them: lists of words."""
    fenced = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for block in (block for language, block in fenced if not language):
        for command in re.split(r"\n(?= *python )", textwrap.dedent(block).replace("\\\n", " ")):
            words = shlex.split(re.sub(r"\[(--.*?)\]", r"\1", command), comments=True)  # [...] may be left out
            if words[:1] == ["python"]:
                yield words[1:]


ENDS = {  # a flag that lets a launcher read all others and then stop, and what it prints before it
    "train": ("--shard=99999/100000", "error: --shard=99999/100000: the sweep has only"),
    "evaluate": ("--workdir=no/run", "error: no/run is not a run directory"),
    "compare": ("no/run", " is not a run directory: it has no config.json"),
    "explore": ("--workdir=no/run", "error: no/run is not a run directory"),
    "sample": ("--workdir=no/run", "error: no/run is not a run directory"),
    "embed": ("--input=no/file", " is not a run directory: it has no config.json"),
    "reproduce": ("--list", ""),
}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_command_in_a_block_is_read_by_its_launcher(page, ask, tmp_path):
    """They can be copied as they are: each is parsed with its flags, its keys and its sweep."""
    for module, *arguments in commands(page):
        if module == "-c":
            ast.parse(" ".join(arguments))
        elif (name := arguments[0].removeprefix("experiments.")) in ENDS:
            end, said = ENDS[name]
            given = [re.sub(r"^(--workdir=|--output=)", rf"\1{tmp_path}/", argument) for argument in arguments[1:]]
            code, _, err, _ = ask("cold", name, [*given, end])
            assert (code == 2 and said in err) if said else (code == 0), (arguments, err)
    assert not list(tmp_path.iterdir())


def test_every_command_of_the_lecture_is_in_a_block():
    text = re.sub(
        r"^ *```\n.*?^ *```", "", (ROOT / "docs" / "lecture.md").read_text(encoding="utf-8"), flags=re.M | re.S
    )
    assert "python" not in text.replace("## ", "").replace("python.org", "") and "experiments.evaluate`" not in text
    assert len(list(commands(ROOT / "docs" / "lecture.md"))) > 40


def test_the_readme_defines_every_metric():
    assert set(METRICS) <= set(re.findall(r"`(\w+)`", (ROOT / "README.md").read_text(encoding="utf-8")))


def test_the_page_of_keys_is_current():
    """Below its introduction, the page is the output of `python -m experiments.train --keys`."""
    page = (ROOT / "docs" / "keys.md").read_text(encoding="utf-8")
    assert page.endswith(records.markdown(configs.describe()) + "\n"), "replace its table with what --keys prints"


@pytest.mark.slow
def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    """Runs all blocks in one namespace; a small run stands in for the demo run that the first block expects."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.S)
    assert len(blocks) == 2
    monkeypatch.chdir(tmp_path)
    aejax.run(small_config(), "runs/demo")
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)
    assert names["z"].shape == (len(names["x"]), 2) and names["x_new"].shape == (16, 8, 8, 1)
    assert [row["objective.beta"] for row in names["rows"]] == [1.0, 1.0, 4.0, 4.0]
    assert names["model"].encode(names["x"]).shape == names["z"].shape


def test_keys_lists_a_section():
    command = [sys.executable, "-m", "experiments.train", "--keys", "objective"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    listed = [line.split("`")[1] for line in done.stdout.splitlines()[2:]]
    assert listed == [path for path in KEYS if path.startswith("objective.")]
