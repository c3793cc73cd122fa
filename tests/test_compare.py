"""Several runs on one page, and what a browser does with it."""

import re

import pytest

from aejax import records
from aejax.errors import UserError
from aejax.reports import figures, page
from tests.conftest import assert_words, small_config
from tests.evaluated import write_run
from tests.panels import pictures

HOSTILE = "</script><img src=x onerror=document.title=1>"


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The directory of two runs: a sweep, of which two members diverged, and an autoencoder of a hostile name."""
    folder = tmp_path_factory.mktemp("runs")

    def status(member):
        return "diverged at step 7" if member.config.objective.beta == 8 else "done"

    def elbo(member):
        return -100.0 - 2.0 * abs(member.config.objective.beta - 2) - 0.1 * member.config.seed

    write_run(folder / "sweep", "objective.beta=1,2,4,8", "seed=0:2", elbo=elbo, status=status)
    config = small_config()
    config.model.name = "autoencoder"
    write_run(folder / HOSTILE.replace("/", "∕"), "seed=0:2", config=config)
    rows = records.read_csv(next(folder.glob("<*")) / "summary.csv")
    records.write_csv(next(folder.glob("<*")) / "summary.csv", [row | {"kl": "", "kl_sd": ""} for row in rows])
    return folder


def paths(folder):
    return [folder / "sweep", next(folder.glob("<*"))]


def test_a_row_for_each_setting_and_a_column_for_each_key_that_differs(two, ask, tmp_path):
    output = tmp_path / "new" / "both.html"
    code, out, err, loaded = ask("cold", "compare", [*paths(two), f"--output={output}"])
    assert (code, err, loaded) == (0, "", "")
    assert out == f"open {output} in a browser ({len(output.read_bytes()) / 1e6:.2f} MB)\n"
    html = output.read_text(encoding="utf-8")
    [shown] = re.findall(r'<table id="settings">(.*?)</table>', html, re.S)
    assert re.findall(r"<span>(.*?)</span>", shown)[:4] == ["run", "β", "model", "elbo"]
    rows = [re.findall(r"<td.*?>(?:<i.*?></i>)?(.*?)</td>", row) for row in re.findall(r"<tr class.*?</tr>", shown)]
    assert [row[:3] for row in rows[:2]] == [["sweep", "1", "vae"], ["sweep", "2", "vae"]] and len(rows) == 5
    assert rows[4][1:3] == ["–", "autoencoder"]  # nothing reads its beta
    assert rows[4][7] == "–"  # no kl
    assert "sweep, β = 2 is within one sd of it" in html and "<img" not in html
    assert html.count("python -m experiments.train") == 2


def test_what_is_no_evaluated_run_is_refused(two, refused, tmp_path):
    assert_words(refused("compare", []), ["name the run directories", "python -m experiments.compare"])
    assert_words(refused("compare", ["TMP/no", "--output=TMP/a.png"]), ["--output", ".html"])
    line = refused("compare", ["TMP/no", "--output=TMP/a.html"])
    assert_words(line, ["no config.json", "python -m experiments.train", "--workdir="])
    sweep = two / "sweep"
    with pytest.raises(UserError, match="sweep is given twice"):
        page.write(tmp_path / "page.html", [sweep, sweep / ".." / "sweep"])


def test_runs_of_one_name_are_told_apart_by_their_paths(tmp_path):
    directories = [write_run(tmp_path / name / "run") for name in "ab"]
    page.write(tmp_path / "page.html", directories)
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert all(f'<td class="text"><i class="swatch s{i}"></i>{path}</td>' in html for i, path in enumerate(directories))


def column(browser, number):
    return browser.run(f"[...element('settings').tBodies[0].rows].map((row) => row.cells[{number}].textContent)")


def center(browser, selector):
    """The middle of what a selector finds, scrolled into the window."""
    browser.run(f"document.querySelector('{selector}').scrollIntoView({{ block: 'center' }})")
    box = "(({ x, y, width, height }) => [x + width / 2, y + height / 2])"
    return browser.run(f"{box}(document.querySelector('{selector}').getBoundingClientRect())")


@pytest.mark.slow
def test_a_browser_sorts_filters_and_names_what_lies_under_the_pointer(two, browser, tmp_path):
    browser.errors.clear()
    figures.save(tmp_path / "a.png", figures.draw_tiles([("", pictures(1))]))
    page.write(tmp_path / "page.html", paths(two), [(tmp_path / "a.png", "caption", "alt")])
    browser.open(tmp_path / "page.html", width=1200, height=900)
    assert browser.run("document.title").startswith("sweep, <")
    browser.run("document.images[0].scrollIntoView()")
    assert browser.run("document.images[0].decode().then(() => document.images.length)") == 1

    def sort(number):
        browser.run(f"element('settings').tHead.rows[0].cells[{number}].querySelector('button').click()")
        return column(browser, number)

    assert sort(1) == ["1", "2", "4", "8", "–"] and sort(1) == ["8", "4", "2", "1", "–"]
    assert sort(3)[0].startswith("−104.05") and sort(3)[0].startswith("−100") and sort(3)[-1] == "–"
    assert browser.run("element('settings').tHead.rows[0].cells[3].ariaSort") == "ascending"

    def shown(text):
        browser.run(f"element('filter').value = '{text}'; element('filter').dispatchEvent(new Event('input'))")
        rows = (
            "all('#settings tbody tr').filter((row) => row.offsetParent).map((row) => row.cells[1].textContent).sort()"
        )
        return browser.run(rows)

    assert shown("beta>=4") == ["4", "8"] and shown("elbo>-101 sweep") == ["2"] and shown("diverged") == ["8"]
    assert shown("model=auto") == ["–"] and shown("nonsense>3") == []
    assert browser.run("all('#curves polyline').filter((line) => line.getClientRects().length).length") == 0
    assert len(shown("")) == 5

    browser.move(*center(browser, "#svg-p0"))
    said = browser.run("element('tip').textContent")
    assert re.match(r"(sweep, β = \d|<.*), epoch 2, (validation|training): elbo −\d+\.\d+ \(2 seeds from −", said), said
    assert browser.run("new Set(all('.hot').map((found) => found.dataset.s)).size") == 1
    browser.move(*center(browser, "circle.dot"))
    assert "seed 0: kl" in browser.run("element('tip').textContent")
    browser.move(2, 2)
    assert browser.run("element('tip').hidden") and browser.run("all('.hot').length") == 0

    browser.open(tmp_path / "page.html", width=390, height=844, dark=True)
    assert browser.run("document.documentElement.scrollWidth") == 390
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(23, 24, 27)"
    assert not browser.run("element('columns').hidden")
    browser.run("element('columns').click()")
    assert browser.run("[...element('settings').rows[0].cells].every((cell) => !cell.hidden)")
    assert browser.errors == []
    added = "Object.assign(document.createElement('script'), { textContent: 'window.foreign = 1' })"
    browser.run(f"document.head.append({added})")
    assert browser.run("window.foreign") is None and "Content Security Policy" in str(browser.errors)
