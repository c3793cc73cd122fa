"""A few cases of each campaign, under a fixed seed; `python -m tests.campaigns --scale=full` runs thousands."""

import random

import pytest

from tests import campaigns
from tests.campaigns import damage, faults, kills, mutants
from tests.conftest import ROOT

SEED = 0


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return kills.prepare(tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.slow
@pytest.mark.bits
@pytest.mark.parametrize("module", [kills, faults])
def test_a_run_that_is_disturbed_ends_on_the_bits_of_one_that_is_not(module, undisturbed, tmp_path):
    for number in range(module.SMALL):
        (tmp_path / str(number)).mkdir()
        module.case(undisturbed, number, random.Random(f"{SEED}/{number}"), tmp_path / str(number))


@pytest.mark.slow
def test_damage_is_found(tmp_path):
    result = campaigns.run("damage", SEED, is_full=False)
    assert not result.failures and result.outcomes.total() == damage.SMALL, result.failures


def test_every_mutant_changes_a_text_that_is_there_once_and_names_tests_that_exist():
    assert len({mutant.name for mutant in mutants.MUTANTS}) == len(mutants.MUTANTS) >= 100
    for mutant in mutants.MUTANTS:
        text = (ROOT / mutant.file).read_text(encoding="utf-8")
        assert text.count(mutant.before) == 1 and mutant.after != mutant.before, mutant.name
        for file, _, test in (name.partition("::") for name in mutant.tests):
            assert f"def {test}" in (ROOT / "tests" / file).read_text(encoding="utf-8"), mutant.name
