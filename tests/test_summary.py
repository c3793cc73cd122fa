"""Means over the seeds of a setting, as rows and as text; and warnings."""

import numpy as np

from aejax.metrics import SEEDS
from aejax.metrics.consistency import consistency
from aejax.plan import Plan, parse_axis
from aejax.reports.summary import collapses, loose_bounds, not_finite, show, still_training, summarize


def test_a_summary_counts_those_that_diverged_and_averages_those_that_are_done():
    def row(beta, status, elbo):
        return {"beta": beta, "seed": 0, "status": status, "elbo": elbo}

    rows = [row(1, "done", -100.0), row(1, "done", -102.0), row(1, "unfinished at step 3 of 9", -300.0)]
    rows += [row(1, "diverged at step 4", None), row(2, "unfinished at step 3 of 9", -200.0)]
    mixed, unfinished = summarize(rows, ["beta", "seed"], ["elbo"], {})
    assert mixed == {"beta": 1, "n": 2, "unfinished": 1, "diverged": 1, "elbo": -101.0, "elbo_sd": 2**0.5}
    assert unfinished == {"beta": 2, "n": 1, "unfinished": 1, "diverged": 0, "elbo": -200.0, "elbo_sd": None}


def test_the_consistency_of_seeds_is_that_of_the_members_that_count():
    """Member 2 has diverged, and member 3 is alone in its setting."""
    rows = [{"member": i, "beta": i // 3, "status": "diverged at step 4" if i == 2 else "done"} for i in range(4)]
    codes = {index: np.random.default_rng(index).normal(size=(20, 2)) for index in (0, 1, 2, 3)}
    many, alone = summarize(rows, ["beta", "seed"], [], codes)
    assert {name: many[name] for name in SEEDS} == consistency([codes[0], codes[1]])
    assert [alone[name] for name in SEEDS] == [None, None]


def test_a_mean_and_its_spread_are_shown_in_one_cell():
    rows = [{"beta": 1, "n": 2, "elbo": -101.0, "elbo_sd": 2**0.5, "kl": None, "kl_sd": None}]
    assert show(rows).splitlines()[2] == "| 1 | 2 | -101 ± 1.4 |  |"


def test_unfinished_members_are_named():
    done, unfinished = {"member": 0, "status": "done"}, {"member": 2, "status": "unfinished at step 3 of 9"}
    [note] = still_training([done, unfinished, unfinished | {"member": 4}])
    assert note == "not trained to the end: member 2 unfinished at step 3 of 9, member 4 unfinished at step 3 of 9"
    assert still_training([done]) == []


def test_infinite_metrics_are_named_and_make_no_number_of_their_mean():
    """Members that are done: their parameters are finite, and the exponential of a decoder's output was too large."""
    rows = [{"member": index, "seed": index, "status": "done", "elbo": -np.inf, "kl": 1.0} for index in (0, 1)]
    rows += [{"member": 2, "seed": 2, "status": "done", "elbo": np.nan, "nll": np.inf}]
    rows += [{"member": 3, "seed": 3, "status": "diverged at step 3", "elbo": np.nan}]
    assert not_finite(rows) == [
        "infinite or undefined on the test rows: elbo (members 0, 1)",
        "infinite or undefined on the test rows: elbo, nll (member 2)",
    ]
    [both] = summarize(rows[:2], ["seed"], ["elbo"], {})
    assert both["elbo"] == -np.inf and np.isnan(both["elbo_sd"])
    [opposite] = summarize([rows[0], rows[1] | {"elbo": np.inf}], ["seed"], ["elbo"], {})
    assert np.isnan(opposite["elbo"]) and np.isnan(opposite["elbo_sd"])


def test_a_loose_bound_is_named():
    rows = [{"member": 0, "ess": 2.284, "num_samples": 100}, {"member": 1, "ess": 11.0, "num_samples": 100}]
    note = "−log p(x) is a loose bound; raise --num_samples (effective sample size: 2.28 of 100 in member 0)"
    assert loose_bounds(rows) == [note]
    assert loose_bounds(rows[1:]) == loose_bounds([{"member": 0}]) == []


def test_collapsed_units_are_named(small):
    members = list(Plan.make(small, [parse_axis("objective.beta=1,2,3", small)]).members)
    rows = [{"member": index, "active_units": active, "status": "done"} for index, active in enumerate((2, 0, 1))]
    note = "collapsed units (out of 2; variance of the posterior mean at most 0.01): 2 in member 1, 1 in member 2"
    assert collapses(members, rows) == [note]
    diverged = rows[1] | {"status": "diverged at step 3"}
    assert collapses(members[:1], rows[:1]) == collapses(members[:1], [diverged]) == []
