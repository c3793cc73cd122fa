"""The pages and notebooks: links lead somewhere, flags exist, code runs, every metric and function is there."""

import ast
import importlib
import json
import re
import shlex
import subprocess
import sys
import textwrap
import unicodedata
from typing import Any

import matplotlib.pyplot as plt
import pytest

import aejax
from aejax import config as configs
from aejax import records
from aejax.keys import KEYS
from aejax.metrics import METRICS
from tests.conftest import ROOT, small_config

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")), *NOTEBOOKS]


def cells(page, kind):
    """The cells of a notebook that are of a kind."""
    return [cell for cell in json.loads(page.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def read(page):
    """The Markdown of a page or of a notebook's cells."""
    if page in NOTEBOOKS:
        return "\n\n".join("".join(cell["source"]) for cell in cells(page, "markdown"))
    return page.read_text(encoding="utf-8")


def anchors(page):
    """The anchors that GitHub and the site both give to a page's headings."""
    headings = [heading.lower() for heading in re.findall(r"^#+ (.+)$", read(page), flags=re.M)]
    plain = [unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode() for heading in headings]
    github = {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}
    return github & {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip()) for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_link_leads_to_a_file_and_a_heading(page):
    lost = []
    for link in re.findall(r"\]\(([^)\s]+)\)", read(page)):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if "://" not in link and not (target.exists() and (not anchor or anchor in anchors(target))):
            lost.append(link)
    assert not lost


def test_the_navigation_of_the_site_lists_every_page():
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2].partition("\nnot_in_nav:")[0]
    listed = re.findall(r"^ +- .+: (\S+)$", nav, flags=re.M)
    elsewhere = ["index.md", "contributing.md", "changelog.md"]  # the README and others, by docs/theme/hooks.py
    here = [page.name for page in PAGES if page.parent.name == "docs"]
    assert sorted(listed) == sorted([*elsewhere, *here, *(f"notebooks/{page.stem}.md" for page in NOTEBOOKS)])


def test_the_page_of_functions_lists_what_there_is():
    named = re.findall(r"^::: (\S+)$", read(ROOT / "docs" / "api.md"), flags=re.M)
    assert {f"aejax.{name}" for name in aejax.__all__} <= set(named)
    for name in named:
        module, _, last = name.rpartition(".")
        assert hasattr(importlib.import_module(module), last) or importlib.import_module(name)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_command_has_a_launcher_with_its_flags_and_a_recipe(page):
    text = re.sub(r"  #.*", "", read(page))  # comments beside commands
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
    fenced = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", read(page), flags=re.M | re.S)
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
    "export": ("--workdir=no/run", "error: no/run is not a run directory"),
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


def test_every_metric_is_defined():
    assert set(METRICS) <= set(re.findall(r"`(\w+)`", read(ROOT / "docs" / "metrics.md")))


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


@pytest.mark.slow
@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda path: path.name)
def test_the_cells_of_a_notebook_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))
    names: dict[str, Any] = {}
    for cell in cells(page, "code"):
        exec("".join(cell["source"]), names)
    if page.stem == "own_table":
        assert names["z"].shape == (178, 2) and names["row"]["probe_accuracy"] > 0.9
    else:
        assert names["best"]["objective.beta"] == 1 and names["z"].shape == (359, 8)
        kl = [row["kl"] for row in names["rows"]]
        assert min(kl[:2]) > max(kl[2:4]) > max(kl[4:6]) > max(kl[6:])


@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda path: path.name)
def test_the_outputs_of_a_notebook_are_of_one_run_and_name_no_machine(page):
    code = cells(page, "code")
    outputs = [output for cell in code for output in cell["outputs"]]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert outputs and not [output for output in outputs if output["output_type"] == "error"]
    assert not re.findall(r"/(?:tmp|home|root|Users|work|opt|usr)/|Warning", json.dumps(outputs))
    assert page.stat().st_size < 150_000


def test_keys_lists_a_section():
    command = [sys.executable, "-m", "experiments.train", "--keys", "objective"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    listed = [line.split("`")[1] for line in done.stdout.splitlines()[2:]]
    assert listed == [path for path in KEYS if path.startswith("objective.")]
