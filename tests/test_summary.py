"""Means over the seeds of a setting, as rows and as text."""

from aejax.reports.summary import show, summarize


def test_a_summary_counts_those_that_diverged_and_averages_those_that_are_done():
    def row(beta, status, elbo):
        return {"beta": beta, "seed": 0, "status": status, "elbo": elbo}

    rows = [row(1, "done", -100.0), row(1, "done", -102.0), row(1, "unfinished at step 3 of 9", -300.0)]
    rows += [row(1, "diverged at step 4", None), row(2, "unfinished at step 3 of 9", -200.0)]
    mixed, unfinished = summarize(rows, ["beta", "seed"], ["elbo"])
    assert mixed == {"beta": 1, "n": 2, "unfinished": 1, "diverged": 1, "elbo": -101.0, "elbo_sd": 2**0.5}
    assert unfinished == {"beta": 2, "n": 1, "unfinished": 1, "diverged": 0, "elbo": -200.0, "elbo_sd": None}


def test_a_mean_and_its_spread_are_shown_in_one_cell():
    rows = [{"beta": 1, "n": 2, "elbo": -101.0, "elbo_sd": 2**0.5, "kl": None, "kl_sd": None}]
    assert show(rows).splitlines()[2] == "| 1 | 2 | -101 ± 1.4 |  |"
