"""MIG, SAP and DCI in cases with known scores: one unit per factor, rotated, doubled, coarse and independent units."""

import numpy as np
import pytest

from aejax.metrics import disentanglement

VALUES = 4
GRID = np.array(list(np.ndindex(VALUES, VALUES, VALUES)), np.int32)
FACTORS = np.tile(GRID, (4, 1))
CODES = FACTORS.astype(np.float32)
TURN = np.array([[1, 1, 0], [1, -1, 0], [0, 0, np.sqrt(2)]], np.float32) / np.float32(np.sqrt(2))
TWO_OF_THREE = 1.0 - np.log(2) / np.log(3)  # 1 − H / log 3, if two of three share equally


def scores(codes, factors=FACTORS):
    return disentanglement.factor_scores(codes, factors, codes, factors)


@pytest.mark.parametrize("codes", [CODES, -3.0 * CODES[:, ::-1], CODES**2 + 5.0], ids=["same", "permuted", "bent"])
def test_one_unit_for_each_factor_has_all_scores_1(codes):
    """Whatever the units' order, sign and scale; adding units that encode nothing changes nothing."""
    names = "mig", "sap", "dci_disentanglement", "dci_completeness", "dci_informativeness"
    assert scores(codes) == {name: pytest.approx(1.0, abs=1e-6) for name in names}
    assert scores(np.pad(codes, ((0, 0), (0, 2)))) == scores(codes)


def test_two_factors_turned_by_45_degrees_have_no_gap():
    """(v₁ ± v₂)/√2 tell as much of v₁ as of v₂: their gaps are 0, the third is 1; scores are means over factors."""
    found = scores(CODES @ TURN)
    assert found["mig"] == pytest.approx(1 / 3, abs=1e-6) and found["sap"] == pytest.approx(1 / 3, abs=1e-6)
    assert found["dci_disentanglement"] == pytest.approx((2 * TWO_OF_THREE + 1) / 3, abs=0.02)
    assert found["dci_completeness"] == pytest.approx((2 * TWO_OF_THREE + 1) / 3, abs=0.02)
    assert found["dci_informativeness"] == 1.0  # nothing is lost


def test_a_unit_that_adds_two_factors_has_their_mutual_information():
    """I(v₁ + v₂; v₁) = H(v₁ + v₂) − H(v₂); there is no second unit, so this is the whole gap."""
    share = np.array([1, 2, 3, 4, 3, 2, 1]) / 16
    expected = -(share * np.log(share)).sum() / np.log(VALUES) - 1.0
    found = disentanglement.mig((CODES @ TURN)[:, :1], FACTORS)
    np.testing.assert_allclose(found, [expected, expected, 0.0], atol=1e-6)


def test_a_second_unit_for_a_factor_closes_its_gap():
    codes = np.concatenate([CODES, 2.0 * CODES[:, :1]], axis=1)
    np.testing.assert_allclose(disentanglement.mig(codes, FACTORS), [0.0, 1.0, 1.0], atol=1e-6)
    np.testing.assert_allclose(disentanglement.sap(codes, FACTORS, codes, FACTORS), [0.0, 1.0, 1.0], atol=1e-6)
    assert scores(codes)["dci_disentanglement"] == pytest.approx(1.0)  # each unit still encodes one factor


def test_a_unit_that_knows_half_of_a_factor():
    """v // 2 of four values has half of the entropy; it predicts half of the rows, and chance a quarter."""
    codes = np.concatenate([CODES[:, :1] // 2, CODES[:, 1:]], axis=1)
    np.testing.assert_allclose(disentanglement.mig(codes, FACTORS), [0.5, 1.0, 1.0], atol=1e-6)
    np.testing.assert_allclose(disentanglement.sap(codes, FACTORS, codes, FACTORS), [1 / 3, 1.0, 1.0], atol=1e-6)
    assert scores(codes)["dci_informativeness"] == pytest.approx((0.5 + 1 + 1) / 3)


def test_independent_codes_score_0():
    rng = np.random.default_rng(0)
    codes, test_codes = rng.normal(size=(2, len(FACTORS), 3)).astype(np.float32)
    found = disentanglement.factor_scores(codes, FACTORS, test_codes, FACTORS)
    bias = (disentanglement.BINS - 1) * (VALUES - 1) / (2 * len(FACTORS)) / np.log(VALUES)  # of a plug-in I / H
    assert found["mig"] < bias and found["sap"] < 0.1
    assert found["dci_disentanglement"] < 0.03 and found["dci_completeness"] < 0.03
    assert found["dci_informativeness"] == pytest.approx(1 / VALUES, abs=0.07)


def test_readers_are_judged_on_other_rows_than_they_are_fitted_on():
    """Only the training rows' factors are shifted: a reader fitted on the test rows would still be right."""
    shifted = (FACTORS + 1) % VALUES
    found = disentanglement.factor_scores(CODES, shifted, CODES, FACTORS)
    assert found["sap"] == found["dci_informativeness"] == 0.0
    assert disentanglement.factor_scores(0.0 * CODES, FACTORS, CODES, FACTORS)["mig"] == pytest.approx(1.0)


def test_concentration_of_importances():
    diagonal, even = np.diag([3.0, 2.0, 1.0]), np.ones((4, 3))
    np.testing.assert_allclose(disentanglement.concentration(diagonal), 1.0)
    np.testing.assert_allclose(disentanglement.concentration(even), 0.0, atol=1e-12)
    # Units 1 and 2 share factor 1, which has half of all importance; unit 3 is off; unit 4 alone encodes factor 2.
    found = disentanglement.concentration(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [0.0, 2.0]]))
    np.testing.assert_allclose(found, [1.0, 0.5 * (1.0 - np.log(2) / np.log(4)) + 0.5])
    assert disentanglement.concentration(np.zeros((4, 3))) == (0.0, 0.0)
    assert disentanglement.concentration(np.ones((1, 2))) == pytest.approx((0.0, 1.0))  # a single unit is complete


def test_factors_that_do_not_vary_are_left_out():
    constant = FACTORS * np.array([1, 1, 0], np.int32)
    assert scores(CODES, constant) == scores(CODES[:, :2], FACTORS[:, :2])
    assert scores(CODES, np.zeros_like(FACTORS)) == {}
