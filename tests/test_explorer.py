"""The latent explorer in a real browser: it needs only its file, answers the pointer, and decodes as JAX does."""

import json
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest

from aejax.engine import programs, run
from aejax.errors import UserError
from aejax.plan import Plan, parse_axis
from aejax.reports import explorer
from aejax.reports.explorer import blob, members
from aejax.reports.explorer.blob import ERROR, rounded
from aejax.reports.explorer.contents import CODE_BITS, rows_first
from aejax.reports.explorer.members import Choice, Shown
from aejax.reports.measure import Measured
from aejax.trained import TrainedGroup
from aejax.types import Decoder, TrainState
from tests.conftest import small_config

pytestmark = pytest.mark.slow
HOSTILE = "</script><img src=x onerror=document.title=1>"


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """A trained sweep of two members with three units: its page, what the page leaves out, and its members."""
    config, workdir = small_config(), tmp_path_factory.mktemp("runs") / "a sweep"
    config.train.epochs, config.model.latent_dim, config.data.valid_fraction = 1, 3, 0.0
    run.run(Plan.make(config, [parse_axis("objective.beta=0.1,4", config)]), workdir)
    with pytest.MonkeyPatch.context() as patch:
        return written(workdir, workdir / "explorer.html", patch)


def written(workdir, path, patch):
    """Writes a page; returns its path, its notes and the members that it was written from."""
    shown = []
    patch.setattr(explorer, "choices", lambda found: shown.extend(found) or members.choices(found))
    return SimpleNamespace(notes=explorer.write(workdir, path), path=path, members=shown)


def untrained(config, path, patch):
    """The same for random parameters of a config."""
    plan, rng = Plan.make(config), np.random.default_rng(0)
    [group] = programs.make_groups(plan)
    shapes = jax.eval_shape(lambda key: group.task.model.init(key)[0], jax.random.key(0))
    params = jax.tree.map(lambda leaf: rng.normal(size=(1, *leaf.shape)).astype(np.float32) * 0.4, shapes)
    state = TrainState(np.zeros(1), np.full(1, -1), params, {}, ())  # pyright: ignore[reportArgumentType]
    patch.setattr(explorer, "parts", lambda workdir: {workdir: plan})
    patch.setattr(members, "load_group", lambda *_: TrainedGroup(group, 0, state, 1, []))
    patch.setattr(members, "measure_group", lambda *_: Measured([{"status": "done"}], [], [], []))
    return written(path.parent, path, patch)


def probes(shown):
    """Codes [1024, K], the first of which are those of test rows: as many as the page was checked with."""
    codes = rounded(shown.view.codes, CODE_BITS)  # as the page has them
    return np.concatenate([codes[:8], np.random.default_rng(1).normal(size=(1016, codes.shape[1]))]).astype(np.float32)


def decoded(browser, member, codes):
    """What the page decodes of codes [N, K]: [N, features]."""
    rows = json.dumps(codes.tolist())
    return np.array(browser.run(f"{rows}.map((z) => [...decode(members[{member}], z)])"), np.float32)


def picture(browser):
    return browser.run("element.picture.toDataURL()")


def settle(browser):
    """Waits for the next frame."""
    browser.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")


def place(browser, x, y):
    """Where a point of the map, in shares of its sides, lies in the window."""
    box = browser.run("(({ x, y, width }) => [x, y, width])(element.map.getBoundingClientRect())")
    return box[0] + x * box[2], box[1] + y * box[2]


def test_a_sweep_is_explored(browser, sweep, record_property):
    """No network, no error; the pointer, the keys and the sliders change what they should; JAX agrees."""
    browser.errors.clear()
    browser.open(sweep.path)
    assert sweep.notes == [] and sweep.path.stat().st_size < 3_000_000
    assert browser.run("document.querySelector('h1').textContent") == "a sweep"
    assert browser.run("[...element.legend.children].map((entry) => entry.textContent)") == [*"0123456789"]

    before = picture(browser)
    browser.move(*place(browser, 0.3, 0.4))
    settle(browser)
    assert picture(browser) != before
    x, y = browser.run("toPixels(state.points[10], state.points[11], 1)")  # of test row 5
    browser.move(*place(browser, x, y))
    settle(browser)
    at = browser.run("toPixels(state.points[2 * state.row], state.points[2 * state.row + 1], 1)")
    np.testing.assert_allclose(at, [x, y], atol=0.002)
    assert browser.run("element['row-name'].textContent") == browser.run("rowName(state.row)")
    browser.run("element.map.focus()")
    before = picture(browser)
    for _ in range(8):
        browser.press("ArrowRight")
    settle(browser)
    assert picture(browser) != before

    before, z = picture(browser), browser.run("[...state.z]")
    browser.run("element.sliders.querySelector('input').value = 2.5")
    browser.run("element.sliders.querySelector('input').dispatchEvent(new Event('input'))")
    settle(browser)
    assert picture(browser) != before and np.sum(np.array(browser.run("[...state.z]")) != z) == 1

    for x in (0.3, 0.6):
        browser.click(*place(browser, x, 0.5))
    settle(browser)
    assert not browser.run("element.between.hidden") and browser.run("state.ends.length") == 2
    browser.run("walkTo(1)")
    np.testing.assert_allclose(browser.run("[...state.z]"), browser.run("[...state.ends[1]]"), atol=1e-6)

    before, plane = browser.run("[...state.points]"), browser.run("element.plane.toDataURL()")
    browser.run("element.setting.value = 1; element.setting.dispatchEvent(new Event('input'))")
    browser.run("new Promise((done) => setTimeout(done, 700))")
    settle(browser)
    after = browser.run("[...state.points]")
    units = browser.run("state.member.units.slice(0, 2)")
    codes = sweep.members[1].view.codes
    np.testing.assert_allclose(np.reshape(after, (-1, 2)), codes[:, units], atol=2e-3 * np.abs(codes).max())
    assert after != before and browser.run("element.plane.toDataURL()") != plane
    assert browser.run("element['setting-value'].textContent") == "4"

    browser.run("element.view.value = 'pca'; element.view.dispatchEvent(new Event('input'))")
    browser.run("state.z = code(state.member, 5); moveTo([0.5, -0.25])")
    plane = browser.run("coordinates(planeOf(state.member), state.z)")
    np.testing.assert_allclose(plane, [0.5, -0.25], atol=1e-5)

    for member, shown in enumerate(sweep.members):
        z = probes(shown)
        x_hat = shown.view.decode(z).reshape(1024, -1)
        np.testing.assert_allclose(decoded(browser, member, z[:40]), x_hat[:40], atol=ERROR)
        np.testing.assert_allclose(browser.run(f"[...reconstruction(members[{member}], 7)]"), x_hat[7], atol=ERROR)
    x = sweep.members[0].view.group.dataset.test["x"][:3].reshape(3, -1)
    np.testing.assert_allclose(browser.run("rows.slice(0, 3).map((row) => [...row])"), x, atol=0.5 / 255)

    browser.run("(async () => { for (let i = 0; i < 60; i++) { moveTo([i / 30 - 1, 0.3]); redraw(false);"
                " await new Promise(requestAnimationFrame); } })()")  # fmt: skip
    record_property("frame_ms", frame := float(np.median(browser.run("times"))))
    assert 0.0 < frame < 100.0
    check_on_a_phone_in_the_dark(browser, sweep.path)
    assert browser.errors == []
    assert browser.run("fetch('data:,x').then(() => 'open', () => 'closed')") == "closed"
    added = "Object.assign(document.createElement('script'), { textContent: 'window.foreign = 1' })"
    browser.run(f"document.head.append({added})")
    assert browser.run("window.foreign") is None and "Content Security Policy" in str(browser.errors)


def check_on_a_phone_in_the_dark(browser, path):
    browser.open(path, width=390, height=844, dark=True)
    assert browser.run("document.documentElement.scrollWidth") == 390
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(23, 24, 27)"
    assert browser.run("element.picture.getBoundingClientRect().bottom") < 844  # the map and the picture on one screen
    unnamed = "(found) => !(found.labels?.length || found.ariaLabel || found.ariaHidden)"
    assert browser.run(f"[...document.querySelectorAll('input, select, canvas')].filter({unnamed}).length") == 0


def table(folder):
    """A standardized table whose names are hostile, in a folder whose name is, too; with a gated decoder."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 5)) * [1.0, 10.0, 0.1, 5.0, 300.0] + 20.0
    lines = [f"{HOSTILE},a,b,c,d,kind"] + [",".join([*map(str, row), "<i>&amp;" if row[0] > 20 else "b"]) for row in x]
    (folder / "table.csv").write_text("\n".join(lines))
    config = small_config()
    config.data.name, config.data.path, config.data.label_column = "arrays", str(folder / "table.csv"), "kind"
    config.data.standardize, config.model.likelihood, config.model.gated = True, "gaussian", True
    config.train.batch_size = 32
    return config


def images(folder):
    """Colored images whose sides are odd, with a convolutional decoder."""
    x = np.random.default_rng(0).integers(0, 256, (120, 7, 5, 3), np.uint8)
    np.save(folder / "x.npy", x)
    config = small_config()
    config.data.name, config.data.path = "arrays", str(folder / "x.npy")
    config.model.network, config.model.hidden = "conv", (6, 4)
    config.train.batch_size = 32
    return config


def counts(folder):
    """Counts that share an observed total, under a condition, with a code of one unit."""
    config = small_config()
    config.data.name, config.data.condition_columns = "planted_counts", "batch"
    config.model.likelihood, config.model.library_size = "negative_binomial", "observed"
    config.model.latent_dim = 1
    return config


@pytest.mark.parametrize("make", [table, images, counts])
def test_a_decoder_in_the_page_is_that_of_jax(make, browser, tmp_path, monkeypatch):
    monkeypatch.setattr(blob, "LARGE", 0)  # so that weights are rounded
    path = tmp_path / "a <b> run" / "explorer.html"
    [shown] = untrained(make(tmp_path), path, monkeypatch).members
    browser.errors.clear()
    browser.open(path)
    spec, view, z = shown.view.group.dataset.spec, shown.view, probes(shown)
    scale = members.error_scale(view.group)
    found, x_hat = decoded(browser, 0, z[:40]), view.decode(z).reshape(1024, -1)[:40]
    c = None if view.c is None else np.repeat(view.c[7:8], 1024, axis=0)
    row, own = np.array(browser.run("[...reconstruction(members[0], 7)]")), view.decode(z, c).reshape(1024, -1)[7]
    if spec.center is not None:
        found, row = ((x - spec.center.ravel()) / spec.spread.ravel() for x in (found, row))
    assert (np.abs(found - x_hat) <= ERROR * scale).all() and x_hat.std(axis=0).max() > 10 * ERROR
    assert (np.abs(row - own) <= ERROR * scale).all()

    assert browser.run("document.title") == "a <b> run: latent explorer" and browser.errors == []
    assert browser.run("document.querySelectorAll('img, i, b').length") == 0
    if make is table:
        assert browser.run("data.bars[0].name") == HOSTILE
        assert browser.run("[...element.legend.children].map((entry) => entry.textContent)") == ["<i>&amp;", "b"]
    if make is counts:
        before = picture(browser)
        browser.run("var select = element.sliders.querySelector('select'); select.value = 1 - select.value")
        browser.run("select.dispatchEvent(new Event('input'))")
        settle(browser)
        assert picture(browser) != before


def test_a_decoder_that_is_too_large_becomes_a_grid_and_the_page_says_so(browser, tmp_path, monkeypatch):
    [shown] = untrained(small_config(), tmp_path / "explorer.html", monkeypatch).members
    choice = Choice([shown], set(), 100_000)
    html, notes = explorer.assemble("grid", choice, explorer.left_out(choice, [shown]))
    assert notes == ["Members whose decoder is too large for this page, so that a grid of decoded points is drawn: 1."]
    (tmp_path / "grid.html").write_text(html)
    browser.open(tmp_path / "grid.html")
    assert browser.run("element.notes.textContent").startswith(notes[0])
    low, high, side = (browser.run(f"members[0].grid.{name}") for name in ("low", "high", "side"))
    z = np.repeat(shown.view.codes.mean(axis=0)[None], 1024, axis=0)
    near = z.copy()
    for row, steps in enumerate([(0, 0), (side - 1, 3), (7, side - 2)]):
        for unit, a, b, step in zip(shown.units, low, high, steps, strict=False):
            z[row, unit] = a + (b - a) * step / (side - 1)
            near[row, unit] = a + (b - a) * (step - 0.3) / (side - 1)
    x_hat = shown.view.decode(z).reshape(1024, -1)[:3]
    np.testing.assert_allclose(decoded(browser, 0, near[:3]), x_hat, atol=0.5 / 255 + ERROR)


def test_what_does_not_fit_is_left_out_in_order():
    """First further seeds, then decoders, then settings."""

    def of_size(size):
        for number in range(8):  # 4 settings, 2 seeds each
            member: Any = SimpleNamespace(index=number, setting={"objective.beta": float(number // 2)})
            unused: Any = None
            yield Shown(member, unused, unused, unused, "KL", {}, Decoder((), ()), size)

    def order(size):
        made = members.choices(list(of_size(size)))
        return [([one.member.index for one in choice.members], sorted(choice.decoders)) for choice in made]

    all_settings = [0, 2, 4, 6]
    assert order(100_000)[::2][:2] == [([*range(8)], [*range(8)]), (all_settings, all_settings)]
    assert order(100_000)[:2] == 2 * order(100_000)[:1]  # with fewer rows
    large = order(1_100_000)
    assert large[:3] == [(all_settings, [0, 6]), (all_settings, [0]), (all_settings, [])]
    assert [len(shown) for shown, decoders in large[3:] if not decoders] == [3, 2, 1]


def test_a_model_without_a_decoder_is_refused(tmp_path, monkeypatch):
    config = small_config()
    config.model.name = "classifier"
    monkeypatch.setattr(explorer, "parts", lambda workdir: {workdir: Plan.make(config)})
    with pytest.raises(UserError, match="model.name=classifier has no decoder: there is nothing to explore"):
        explorer.write(tmp_path, tmp_path / "explorer.html")


def test_the_rows_that_can_be_looked_at_come_first_and_are_spread():
    order = rows_first(10, 6, 3).tolist()
    assert sorted(order) == [0, 1, 3, 5, 6, 8] and order[:3] == [0, 3, 6]
