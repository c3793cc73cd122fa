"""Every figure of the claims is a small PNG."""

# matplotlib's stubs know an artist's data only as a union of all array-likes
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false, reportIndexIssue=false
# pyright: reportOperatorIssue=false, reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false

from typing import Any

import numpy as np
import pytest

from aejax.reports import figures
from experiments.claims import _figures
from tests.panels import CLASSES, NAMES, RNG, assert_small_png, codes

pytestmark = pytest.mark.slow

Q = np.linspace(-2, 2, 20).astype(np.float32)
CASES: dict[str, Any] = {
    "matrices": (_figures.draw_matrices, [("k = 2", codes(8, k=8)), ("k = 10", codes(8, k=8))]),
    "errors by level": (
        _figures.draw_errors_by_level,
        [("masking", "part deleted", {"model": Q[-3:], "identity": 2 * Q[-3:]})] * 3,
        [0.1, 0.5, 0.9],
    ),
    "confusion": (_figures.draw_confusion, [("a", np.eye(10, dtype=int) * 7), ("b", np.ones((10, 10), int))], NAMES),
    "kl": (_figures.draw_kl_curve, Q[10:] + 0.1, Q[10:] ** 2, Q[10:13], np.abs(codes(3)), 100),
    "estimators": (
        _figures.draw_estimators,
        np.array([1, 4, 16]),
        [(name, RNG.random(3), RNG.random(3)) for name in ("score function", "reparametrized")],
    ),
    "latent spaces": (
        _figures.draw_latent_spaces,
        [
            _figures.LatentSpace("autoencoder", codes(90), CLASSES % 10, None, codes(2), codes(9)),
            _figures.LatentSpace("VAE", codes(90), CLASSES % 10, 0.1 + np.abs(codes(90)), None, codes(9)),
        ],
        NAMES,
    ),
    "lambda": (
        _figures.draw_lambda_panel,
        [(f"λ = {b}", codes(90), CLASSES % 10, codes(500), np.array([1.0, 0.1])) for b in (1, 4, 10)],
        NAMES,
    ),
}


@pytest.mark.parametrize("draw, arguments", [(case[0], case[1:]) for case in CASES.values()], ids=list(CASES))
def test_every_case_becomes_a_small_png(tmp_path, draw, arguments):
    figures.save(tmp_path / "a.png", draw(*arguments))
    assert_small_png(tmp_path / "a.png")
