"""The lists of `train --recipes`, `--models` and `--data`: everything is on them, with a sentence and a time."""

import pytest

from aejax import data
from aejax.data import idx
from experiments import _lists as lists
from tests.conftest import ROOT


def test_every_recipe_is_listed_with_its_time_and_its_first_sentence():
    listed = {line.split()[0]: line.split(maxsplit=1)[1] for line in lists.recipes()}
    assert set(listed) == {path.stem for path in (ROOT / "configs").glob("[a-z]*.py")}
    assert listed["vae"].startswith("5 s ") and listed["vae"].endswith("grey pixels as Bernoulli targets.")
    assert listed["iwae"].startswith("18 s ") and "et al. 2015" in listed["iwae"]
    assert [name for name in listed if name != "base" and not lists.minutes(lists.page(ROOT / "configs" / name))] == []


def test_every_model_and_every_source_is_listed():
    models = {
        path.stem for path in (ROOT / "aejax" / "models").glob("[a-z]*") if path.stem not in ("parts", "__init__")
    }
    assert {line.split()[0] for line in lists.models()} == models
    assert [line.split()[0] for line in lists.sources()] == [*data.sources(), *idx.CLASSES]
    assert all(line.endswith(".") for line in [*lists.models(), *lists.sources()])


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("A VAE. It is trained.", "A VAE."),
        ("The IWAE of Burda et al. 2015. It", "The IWAE of Burda et al. 2015."),
        ("p(x_1 ... x_D) of bits. It", "p(x_1 ... x_D) of bits."),
        ("Digits (of 1998). They", "Digits (of 1998)."),
        ("One\nTwo", "One"),
    ],
)
def test_the_first_sentence(text, first):
    assert lists.sentence(text) == first


@pytest.mark.parametrize("flag", ["--recipes", "--models", "--data", "--keys"])
def test_train_lists_without_jax(flag, ask):
    code, out, err, loaded = ask("cold", "train", [flag])
    assert (code, err, loaded) == (0, "", "") and len(out.splitlines()) > 10
