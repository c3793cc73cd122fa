"""The HTML report of a run."""

# matplotlib's stubs know an artist's data only as a union of all array-likes
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportIndexIssue=false
# pyright: reportOperatorIssue=false, reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false

from aejax.reports import figures, page
from tests.panels import pictures


def test_the_report_holds_every_figure_and_row_and_needs_nothing_else(tmp_path):
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path, count in zip(paths, (1, 2), strict=True):
        figures.save(path, figures.draw_tiles([("", pictures(count))]))
    rows = [
        {"member": 0, "status": "done", "elbo": -103.27123, "note": "a < b & c"},
        {"member": 1, "status": "diverged at step 7", "elbo": float("nan"), "note": None},
    ]
    config = {"seed": 0, "model": {"hidden": (512,), "name": "vae"}}
    shown = [(path, f"caption of {path.stem}", f'alt "{path.stem}"') for path in paths]
    for name in ("a.html", "b.html"):
        page.write(tmp_path / name, "λ < 1", config, rows, shown)
    html = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert html == (tmp_path / "b.html").read_text(encoding="utf-8")
    assert "http" not in html and "<script" not in html and "<link" not in html and "url(" not in html
    assert html.count("<img") == html.count('src="data:image/png;base64,') == html.count("alt=") == 2
    assert "alt &quot;a&quot;" in html and "caption of b" in html and "<title>λ &lt; 1</title>" in html
    assert "-103.27<" in html and "diverged at step 7" in html and "a &lt; b &amp; c" in html and "–" in html
    assert "model.hidden" in html and "[512]" in html
    assert html.count("<tr>") == 2 + len(rows) + 3  # two heads, the rows, the leaves of the config
