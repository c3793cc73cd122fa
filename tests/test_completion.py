"""Tab completion: what it offers, and that bash puts it in the right place."""

import shutil
import subprocess

import pytest

from aejax.__main__ import launchers
from aejax.keys import KEYS
from experiments import completion
from tests.conftest import ROOT


@pytest.fixture
def candidates(ask):
    """Completes a line, without importing jax."""

    def complete(line):
        code, out, err, loaded = ask("cold", "completion", [f"--line={line}"])
        assert (code, err, loaded) == (0, "", "")
        return out.splitlines()

    return complete


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("aejax tr", ["train"]),
        ("aejax nothing --o", []),
        ("aejax train --rec", ["--recipes"]),
        ("aejax evaluate --proj", ["--projection="]),
        ("aejax evaluate --projection=t", ["--projection=tsne"]),
        ("aejax evaluate --config", []),
        ("aejax train --config=vae_s", ["--config=vae_squared_error"]),
        ("aejax train --config vae_s", ["vae_squared_error"]),
        ("aejax train --config=vae --config.model.like", ["--config.model.likelihood="]),
        ("aejax train --config.model.prior=v", ["--config.model.prior=vamp"]),
        (
            "aejax train --config.train.deterministic=",
            [f"--config.train.deterministic={each}" for each in (True, False)],
        ),
        ("aejax train --sweep objective.beta_c", ["objective.beta_cycle="]),
        ("aejax train --sweep=model.prior=vamp,st", ["--sweep=model.prior=vamp,standard_normal"]),
        ("aejax train --config.data.path=", []),  # a file
        ("aejax train --workdir=", []),
        ("aejax train --zip vae", []),
    ],
)
def test_the_last_word_of_a_line_is_completed(line, words, candidates):
    assert candidates(line) == words


def test_commands_flags_and_keys_are_all_offered(candidates):
    assert candidates("aejax ") == list(launchers())
    assert candidates("aejax train --config.") == [f"--config.{path}=" for path in KEYS]
    assert {"--config=", "--sweep=", "--dry_run"} <= set(candidates("aejax train "))


@pytest.mark.parametrize(
    ("line", "answers", "placed"),
    [  # = and : end a word in bash
        ("aejax tr", ["train"], ["train"]),
        ("aejax train --config=va", ["--config=vae", "--config=vamp"], ["vae", "vamp"]),
        ("aejax train --config.model.pri", ["--config.model.prior="], ["--config.model.prior="]),
        ("aejax train --sweep=model.prior=v", ["--sweep=model.prior=vamp"], ["vamp"]),
        ("aejax train --workdir=", [], []),
    ],
)
@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_bash_places_what_is_offered(line, answers, placed):
    script = f"""
compopt() {{ :; }}
aejax() {{ printf '%s\\n' {" ".join(answers)}; }}
{completion.SCRIPTS["bash"]}
COMP_LINE={line!r} COMP_POINT={len(line)}
_aejax
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == placed and not done.stderr
