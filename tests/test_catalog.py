"""Every figure has a file name, a caption and an alternative text, and the gallery draws each of them."""

import ast
import string

import pytest
from matplotlib.figure import Figure

from aejax.reports import catalog, gallery
from tests.conftest import ROOT


def test_the_gallery_draws_all_figures_of_the_catalog_with_the_words_of_their_captions():
    source = (ROOT / "aejax" / "reports" / "gallery.py").read_text()
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    drawn = {
        name.value: {keyword.arg for keyword in call.keywords}
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == gallery.picture.__name__
        if isinstance(name := call.args[0], ast.Constant)
    }
    fields = {
        name: {field for _, field, _, _ in string.Formatter().parse(caption) if field}
        for name, (caption, _) in catalog.FIGURES.items()
    }
    assert drawn == fields and ".png" not in source


def test_a_picture_is_named_after_its_figure():
    figure = Figure()
    drawn = catalog.picture("samples", figure, source="the prior")
    assert drawn == ("samples", figure, "Decoded draws from the prior.", "tiles of samples")
    with pytest.raises(KeyError):
        catalog.picture("sample", figure)
