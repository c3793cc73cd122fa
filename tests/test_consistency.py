"""How far codes of several seeds agree, against scikit-learn, the definition by kernels, and known cases."""

import numpy as np
from sklearn.linear_model import LinearRegression

from aejax.metrics.consistency import consistency, linear_cka, linear_r2, span

RNG = np.random.default_rng(0)
A = RNG.normal(size=(200, 3)).astype(np.float32)
B = np.concatenate([A[:, :2] @ RNG.normal(size=(2, 2)), RNG.normal(size=(200, 2))], axis=1).astype(np.float32) + 5.0


def centered(code):
    return code.astype(np.float64) - code.mean(axis=0, dtype=np.float64)


def test_the_share_explained_is_that_of_a_linear_regression():
    fitted = LinearRegression().fit(A, B)
    share = 1 - np.square(B - fitted.predict(A)).sum() / np.square(centered(B)).sum()
    adjusted = 1 - (1 - share) * (200 - 1) / (200 - 3 - 1)
    np.testing.assert_allclose(linear_r2(span(centered(A)), centered(B)), adjusted, rtol=1e-5)
    unrelated = [linear_r2(span(centered(RNG.normal(size=(50, 20)))), centered(B[:50])) for _ in range(200)]
    assert abs(np.mean(unrelated)) < 0.03  # without the correction it is 0.4


def test_the_alignment_is_that_of_the_centered_kernels():
    h = np.eye(200) - 1 / 200
    k, m = (h @ code.astype(np.float64) @ code.T.astype(np.float64) @ h for code in (A, B))
    np.testing.assert_allclose(
        linear_cka(centered(A), centered(B)), (k * m).sum() / np.sqrt((k * k).sum() * (m * m).sum())
    )


def test_rotated_codes_agree_and_both_ways_count():
    rotation = np.linalg.qr(RNG.normal(size=(3, 3)))[0].astype(np.float32)
    same = consistency([A, 2.0 * A @ rotation + 1.0, -A])
    np.testing.assert_allclose([same["code_r2"], same["code_cka"]], 1.0, rtol=1e-5)
    half = np.concatenate([A[:, :1], np.zeros((200, 1), np.float32)], axis=1)  # A explains it, it explains a third of A
    ways = [linear_r2(span(centered(a)), centered(b)) for a, b in ((A, half), (half, A))]
    assert ways[0] > 0.999 and 0.2 < ways[1] < 0.5
    np.testing.assert_allclose(consistency([A, half])["code_r2"], np.mean(ways))


def test_codes_that_do_not_vary_or_fill_the_rows_have_no_consistency():
    assert np.isnan(list(consistency([A, np.ones_like(A)]).values())).all()
    assert np.isnan(consistency([A[:4], B[:4]])["code_r2"])
