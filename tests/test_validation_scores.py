"""Scores against numbers worked by hand; the library's against the bare formulas."""

import numpy as np
import pytest

from validation.scores import (
    brier_scores,
    calibration,
    log_scores,
    net_benefit,
    paired_difference,
    ranks,
    scores,
    wilson,
)

PROBS = np.array([[0.7, 0.2, 0.1, 0.0], [0.25, 0.25, 0.3, 0.2], [0.1, 0.2, 0.3, 0.4]])
TRUTH = np.array([0, 1, 3])


def test_scores_worked_by_hand():
    found = scores(PROBS, TRUTH)
    assert found.log_loss == pytest.approx(-(np.log(0.7) + np.log(0.25) + np.log(0.4)) / 3, abs=1e-9)
    # 0.09+0.04+0.01; 0.0625+0.5625+0.09+0.04; 0.01+0.04+0.09+0.36
    assert found.brier == pytest.approx((0.14 + 0.755 + 0.5) / 3, abs=1e-9)
    assert found.top_1 == pytest.approx(2 / 3)
    assert found.top_3 == 1.0


def test_scores_of_each_case_average_to_the_librarys():
    found = scores(PROBS, TRUTH)
    assert log_scores(PROBS, TRUTH).mean() == pytest.approx(found.log_loss, abs=1e-9)
    assert brier_scores(PROBS, TRUTH).mean() == pytest.approx(found.brier, abs=1e-9)
    assert ranks(PROBS, TRUTH).tolist() == [1, 2, 1]


def test_a_probability_of_zero_costs_much_and_not_infinity():
    assert np.isfinite(scores(PROBS, np.array([3, 0, 0])).log_loss)


def test_paired_difference_holds_its_mean_and_a_shift_adds():
    rng = np.random.default_rng(3)
    first, second = rng.normal(0.3, 1, 400), np.zeros(400)
    found = paired_difference(first, second, 1)
    half = 1.96 * first.std(ddof=1) / 20
    assert found.low < found.mean < found.high
    assert found.high - found.low == pytest.approx(2 * half, rel=0.1)
    assert paired_difference(first + 1, second, 1).mean == pytest.approx(found.mean + 1)
    assert paired_difference(second + 2, second, 1) == type(found)(2.0, 2.0, 2.0)


def test_wilson_of_a_published_example():
    """Newcombe 1998, Statistics in Medicine 17, 857-872, table I, method 3: 81/263 and 0/20."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_calibration_of_what_is_calibrated_and_of_what_is_overdone():
    rng = np.random.default_rng(5)
    log_odds = rng.normal(-1, 1.5, 60_000)
    probs = 1 / (1 + np.exp(-log_odds))
    outcome = rng.random(len(probs)) < probs
    good = calibration(probs, outcome)
    assert good.slope == pytest.approx(1, abs=0.03)
    assert good.intercept == pytest.approx(0, abs=0.03)
    assert np.allclose(good.predicted, good.observed, atol=0.03)
    overdone = calibration(1 / (1 + np.exp(-2 * log_odds)), outcome)
    assert overdone.slope == pytest.approx(0.5, abs=0.02)


def test_net_benefit_worked_by_hand():
    """Of 10 patients 2 ill; a rule flags 4, both ill among them: (2 - 2 x 0.25) / 10 at a threshold of 0.2."""
    outcome = np.array([True, True] + [False] * 8)
    rule = np.array([1.0, 1.0, 1.0, 1.0] + [0.0] * 6)
    found = net_benefit(outcome, {"rule": rule}, [0.2, 0.5])
    assert found["rule"] == pytest.approx((0.15, 0.0))
    assert found["all"] == pytest.approx((0.2 - 0.8 * 0.25, 0.2 - 0.8))
    assert found["none"] == (0.0, 0.0)
