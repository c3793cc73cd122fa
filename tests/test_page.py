"""The page of evaluated runs: what it says first, its tables and plots, and that it needs nothing else."""

import re

import pytest

from aejax import records
from aejax.errors import UserError
from aejax.reports import figures, page
from aejax.reports.page import numbers, runs, tables
from aejax.reports.page.box import Box, decades
from aejax.reports.page.curves import draw_curves
from aejax.reports.page.head import head
from tests.conftest import small_config
from tests.evaluated import write_run
from tests.panels import pictures

HOSTILE = "</script><img src=x onerror=document.title=1>"


def beta(member):
    return member.config.objective.beta


def head_of(*directories):
    found = [runs.read(directory) for directory in directories]
    return head(found, runs.settings(found))


def test_a_page_needs_nothing_else_and_is_the_same_twice(tmp_path):
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path, count in zip(paths, (1, 2), strict=True):
        figures.save(path, figures.draw_tiles([("", pictures(count))]))
    run = write_run(tmp_path / "run", "objective.beta=1,4", "seed=0:2")
    shown = [(path, f"caption of {path.stem}", f'alt "{path.stem}"') for path in paths]
    for name in ("a.html", "b.html"):
        assert page.write(tmp_path / name, [run], shown, ["a < b"]) == []
    html = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert html == (tmp_path / "b.html").read_text(encoding="utf-8") and len(html) < page.LIMIT
    assert "http:" not in html and "https:" not in html and "<link" not in html and " style=" not in html
    assert {found[:1] for found in re.findall(r"url\((.*?)\)", html)} == {"#"}  # what is drawn is cut at its frame
    assert html.count("<img") == html.count('src="data:image/png;base64,') == html.count(" alt=") == 2
    assert html.count('loading="lazy"') == 2 and "alt &quot;a&quot;" in html and "caption of b" in html
    assert "a &lt; b" in html and "default-src 'none'" in html
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        [text] = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.S)
        assert f"{directive} 'sha256-{page.hash_of(text)}'" in html


def test_the_head_says_what_was_run_on_what_and_what_is_best(tmp_path):
    def elbo(member):
        return -100.0 - abs(beta(member) - 2) - 0.1 * member.config.seed

    said = head_of(write_run(tmp_path / "run", "objective.beta=1,2,4", "seed=0:3", elbo=elbo))
    assert said.what == (
        "9 members of vae on digits (1,294 training, 144 validation and 359 test rows): β = 1, 2, 4 ×\u00a03 seeds."
    )
    assert (said.place, said.wrong) == (1, [])
    assert said.best == (
        "Best: β = 2, by test elbo −100.10 ± 0.10 nats per example over 3 seeds; "
        "no other setting is within one sd of it."
    )


def test_a_best_setting_is_not_oversold(tmp_path):
    def near(member):
        return -100.0 - 0.1 * beta(member) - member.config.seed

    said = head_of(write_run(tmp_path / "near", "objective.beta=1,2,40", "seed=0:3", elbo=near)).best
    assert said.endswith("over 3 seeds; β = 2 is within one sd of it, so the order may be chance.")
    said = head_of(write_run(tmp_path / "single", "objective.beta=1,2", elbo=near)).best
    assert said.endswith(
        "−100.1 nats per example over 1 seed. Without several seeds, nothing tells a difference from chance."
    )
    said = head_of(write_run(tmp_path / "alone", elbo=near))
    assert (said.place, said.best) == (None, "Test elbo −100.1 nats per example.")
    said = head_of(write_run(tmp_path / "units", "data.standardize=True,False", "seed=0:2"))
    assert said.place is None and "No setting is called best by elbo" in said.best


def test_members_that_diverged_or_are_not_done_are_counted_and_marked(tmp_path):
    def status(member):
        return {2: "diverged at step 7", 3: "diverged at step 9", 5: "unfinished at step 3 of 9"}.get(
            member.index, "done"
        )

    run = write_run(tmp_path / "run", "objective.beta=1,2,4", "seed=0:2", status=status)
    said = head_of(run)
    assert said.wrong == [
        "2 of 6 members diverged: β = 2 (2 of 2).",
        "1 of 6 members is not trained to the end: β = 4 (1 of 2).",
    ]
    html = tables.settings_table(runs.settings([runs.read(run)]), said.place)
    marked = re.findall(r'<tr class="(.*?)" data-s="(\d)">(.*?)</tr>', html)
    assert [(kind, place) for kind, place, _ in marked] == [("best", "0"), ("bad", "1"), ("bad", "2")]
    assert "2 diverged" in marked[1][2] and "1 unfinished" in marked[2][2] and "nan" not in html


@pytest.mark.parametrize(
    ("mean", "sd", "text"),
    [
        (-26.744, 0.1512, "−26.74 ± 0.15"),
        (0.053806, 0.0003, "0.05381 ± 0.00030"),
        (-103.27123, None, "−103.27"),
        (2.0, 0.0, "2"),
        (12345.6, 1234.5, "12300 ± 1200"),
        (99.97, 0.0996, "99.97 ± 0.10"),
        (3.1e-9, 2e-10, "(3.10 ± 0.20)e−9"),
        (0.00001, 5.0, "0.0 ± 5.0"),
        (None, None, "–"),
        (float("nan"), 1.0, "–"),
    ],
)
def test_the_sd_decides_the_digits(mean, sd, text):
    assert numbers.mean_sd(mean, sd) == text


def test_columns_are_named_by_metrics_and_keys(tmp_path):
    found = runs.settings([runs.read(write_run(tmp_path / "run", "optimizer.learning_rate=0.001,0.01"))])
    head_row = tables.settings_table(found, None).partition("</thead>")[0]
    names = re.findall(r"<span>(.*?)</span><small>(.*?)</small>", head_row.replace("<wbr>", ""))
    assert names[:3] == [
        ("learning rate", "optimizer.learning_rate"),
        ("elbo", "nats per example"),
        ("members", "averaged"),
    ]
    assert ("active units", "units") in names and "_sd" not in head_row


def test_curves_are_means_with_bands_and_marks(tmp_path):
    def status(member):
        return ["done", "diverged at step 25", "done, stopped after epoch 2, kept epoch 1", "done"][member.index]

    run = write_run(tmp_path / "run", "objective.beta=1,2", "seed=0:2", elbo=lambda m: -100.0 - m.index, status=status)
    rows = records.read_lines(run / "metrics.jsonl")
    for row in rows:
        row["elbo"] = None if row["member"] == 1 and row["epoch"] > 1 else -100.0 - row["member"] - 1 / row["epoch"]
    (run / "metrics.jsonl").write_text("")
    records.append_lines(run / "metrics.jsonl", rows)
    html, [panel] = draw_curves(runs.settings([runs.read(run)]))
    lines = {(line["s"], line["split"]): line for line in panel["series"]}
    assert lines[0, "valid"]["m"] == pytest.approx([-101.5, -100.5, -100.33])
    assert (lines[1, "valid"]["low"], lines[1, "valid"]["high"]) == ([-104, -103.5, -103.33], [-103, -102.5, -102.33])
    assert html.count('class="band') == html.count("<polyline") == 4  # 2 settings, 2 splits
    assert html.count("mark cross s0") == html.count("mark stop s1") == 1
    assert "×: a seed diverged, ○: a seed stopped early." in html


def test_a_loss_over_decades_has_an_axis_of_powers_of_ten():
    y = Box(300, 210, (1, 9), (1e-9, 1e-1), log=True)
    assert y.up(1e-9) == pytest.approx(210 - y.bottom) and y.up(1e-1) == pytest.approx(y.top)
    assert y.up(1e-5) == pytest.approx((y.up(1e-9) + y.up(1e-1)) / 2)
    assert decades((2e-9, 0.5), 5) == pytest.approx([1e-8, 1e-6, 1e-4, 1e-2])


def test_many_settings_stay_below_the_limit(tmp_path, monkeypatch):
    """The best of 60 settings, not one of the evenly spaced, is on the page, too."""
    monkeypatch.setattr(page, "MOST_SETTINGS", 50)
    monkeypatch.setattr(tables, "MOST_ROWS", 70)

    def elbo(member):
        return -100.0 - abs(member.index // 2 - 29) - 0.1 * member.config.seed

    run = write_run(tmp_path / "run", "objective.beta=linspace(1,60,60)", "seed=0:2", elbo=elbo, epochs=60)
    said = page.write(tmp_path / "page.html", [run])
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert said == ["50 of 60 settings are on this page; summary.csv has all."] and said[0] in html
    assert "40 of 50 settings are drawn." in html and "The first 70 of 100 members; results.csv has all." in html
    assert re.search(r'<tr class="best".*?</i>30<', html) and len(html.encode()) < page.LIMIT


def test_figures_that_do_not_fit_are_named(tmp_path, monkeypatch):
    figures.save(tmp_path / "large.png", figures.draw_tiles([("", pictures(9))]))
    run = write_run(tmp_path / "run")
    monkeypatch.setattr(page, "LIMIT", 20_000 + (tmp_path / "large.png").stat().st_size)
    said = page.write(tmp_path / "page.html", [run], [(tmp_path / "large.png", "", "")])
    assert (
        said and said[0].endswith("MB are left out: large.png.") and "<img" not in (tmp_path / "page.html").read_text()
    )


def test_hostile_names_are_escaped(tmp_path):
    config = small_config()
    config.data.name, config.data.path = "arrays", f"{HOSTILE}.csv"
    config.data.label_column, config.model.likelihood, config.data.ignore_columns = HOSTILE, "gaussian", HOSTILE
    run = write_run(tmp_path / "a <b>& run", "objective.beta=1,2", config=config)
    page.write(tmp_path / "page.html", [run], [], [HOSTILE])
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<img" not in html and "<b>&" not in html and html.count("</script>") == 2
    assert "<title>a &lt;b&gt;&amp; run</title>" in html


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_text("{")])
def test_a_page_does_not_need_the_environment(damage, tmp_path):
    run = write_run(tmp_path / "run")
    page.write(tmp_path / "page.html", [run])
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Trained with jax 0.10, Python 3.11, cpu; sha256 of the data: ab12." in html and "NPROC=2 python -m" in html
    damage(run / "environment.json")
    page.write(tmp_path / "page.html", [run])
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "because environment.json is missing or damaged" in html and "NPROC" not in html


def test_a_run_that_is_not_evaluated_is_refused(tmp_path):
    run = write_run(tmp_path / "run")
    (run / "results.csv").unlink()
    with pytest.raises(
        UserError, match=r"is not evaluated: type `python -m experiments.evaluate --workdir=.*run` first"
    ):
        page.write(tmp_path / "page.html", [run])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("results", "member,seed,status,elbo\n0,0,done,x\n"),
        ("results", "member,seed,status,elbo\n7,0,done,1\n"),  # another run's
        ("results", "member,status,elbo\n0,done,1\n"),
        ("summary", "n,unfinished,diverged,elbo\n1,0,0,1\n1,0,0,2\n"),
        ("summary", "elbo\n1\n"),
    ],
)
def test_tables_that_are_damaged_or_do_not_fit_are_refused(name, text, tmp_path):
    run = write_run(tmp_path / "run")
    (run / f"{name}.csv").write_text(text)
    with pytest.raises(records.Damaged, match=r"results.csv is damaged|summary.csv is damaged"):
        page.write(tmp_path / "page.html", [run])
