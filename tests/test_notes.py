"""What a reader of results should not overlook."""

from aejax.plan import Plan, parse_axis
from aejax.reports.notes import collapses, loose_bounds, still_training


def test_unfinished_members_are_named():
    done, unfinished = {"member": 0, "status": "done"}, {"member": 2, "status": "unfinished at step 3 of 9"}
    [note] = still_training([done, unfinished, unfinished | {"member": 4}])
    assert note == "not trained to the end: member 2 unfinished at step 3 of 9, member 4 unfinished at step 3 of 9"
    assert still_training([done]) == []


def test_a_loose_bound_is_named():
    rows = [{"member": 0, "ess": 2.284, "num_samples": 100}, {"member": 1, "ess": 11.0, "num_samples": 100}]
    note = "−log p(x) is a loose bound, raise --num_samples: its effective sample size is 2.28 of 100 in member 0"
    assert loose_bounds(rows) == [note]
    assert loose_bounds(rows[1:]) == loose_bounds([{"member": 0}]) == []


def test_collapsed_units_are_named(small):
    members = list(Plan.make(small, [parse_axis("objective.beta=1,2,3", small)]).members)
    rows = [{"member": index, "active_units": active, "status": "done"} for index, active in enumerate((2, 0, 1))]
    note = "collapsed units of 2 (variance of the posterior mean at most 0.01): 2 in member 1, 1 in member 2"
    assert collapses(members, rows) == [note]
    diverged = rows[1] | {"status": "diverged at step 3"}
    assert collapses(members[:1], rows[:1]) == collapses(members[:1], [diverged]) == []
