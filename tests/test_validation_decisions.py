"""Decision curves: net benefit worked by hand, against dcurves, and the theorem that no rule beats the truth."""

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from model import load_model
from model.batch import batch_posterior
from model.evidence_batch import hard_batch
from priors.records import CAUDA_EQUINA, CAUSE
from validation.actions import Change, benefits, serious
from validation.cohort import batch_tables
from validation.decisions import ALL, NAIVE, NETWORK, NONE, DecisionSizes, at_threshold, measure_decisions
from validation.views.decisions import section

SMALL = DecisionSizes(patients=2500, profiles=("emergency",), points=7)


@pytest.fixture(scope="module")
def found():
    return measure_decisions(lambda _: None, SMALL)


def test_net_benefit_worked_by_hand():
    """Ten patients, two with it; at 20 % a false alarm costs a quarter."""
    has = np.array([True, True, *[False] * 8])
    network = np.array([0.9, 0.1, 0.5, *[0.05] * 7])  # finds one of two, one false alarm
    flags = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, *[0.0] * 4])  # finds both, four false alarms
    at = at_threshold(has, {NETWORK: network, "flags_1": flags}, 0.2)
    assert at.rules[NETWORK].net_benefit == pytest.approx((1 - 0.25) / 10)
    assert at.rules["flags_1"].net_benefit == pytest.approx((2 - 4 * 0.25) / 10)
    assert at.rules[ALL].net_benefit == pytest.approx((2 - 8 * 0.25) / 10)
    assert at.rules[NONE].net_benefit == 0
    assert (at.rules[NETWORK].acted, at.rules[NETWORK].found.events, at.rules[NETWORK].found.total) == (2, 1, 2)
    assert at.best_rival == "flags_1"
    # network less flags, patient by patient: 0, -1, 0, 1/4, 1/4, 1/4 and four zeros
    differences = np.array([0, -1, 0, 0.25, 0.25, 0.25, 0, 0, 0, 0])
    assert at.against["flags_1"].mean == pytest.approx(differences.mean())
    error = differences.std(ddof=1) / np.sqrt(10)
    assert at.against["flags_1"].high == pytest.approx(differences.mean() + 1.959964 * error, rel=1e-6)


def test_a_probability_on_the_threshold_is_acted_on():
    at = at_threshold(np.array([True, False]), {NETWORK: np.array([0.2, 0.1])}, 0.2)
    assert at.rules[NETWORK].acted == 1


@pytest.mark.parametrize("threshold", [0.003, 0.01, 0.05])
def test_no_rule_on_the_same_records_beats_the_networks_posterior(threshold):
    """All 256 rules over three findings, exact: the expected net benefit of acting on the posterior is the largest."""
    model = load_model("emergency")
    nodes = ("fever", "history_of_cancer", "spinal_percussion_tenderness")
    records = np.array(list(product((1, 2), repeat=3))).T
    answer = batch_posterior(batch_tables(model.network), hard_batch(nodes, records))
    chance = np.exp(answer.log_evidence)
    probs = serious(model).any(answer.posteriors[CAUSE])
    gain = chance * (probs - (1 - probs) * threshold / (1 - threshold))  # of acting on each record
    best = max(gain @ np.array(rule) for rule in product((0, 1), repeat=8))
    assert chance.sum() == pytest.approx(1)
    assert gain[probs >= threshold].sum() == pytest.approx(best, abs=1e-15)
    assert (probs >= threshold).any()


def test_curves_go_through_the_action_thresholds(found):
    assert len(found.curves) == 2 * 3
    for curve in found.curves:
        assert list(curve.thresholds) == sorted(set(curve.thresholds))
        acts = [at.threshold for at in curve.action]
        assert acts == ([0.01] if CAUDA_EQUINA in curve.key else [0.01, 0.02, 0.05])
        for at in curve.action:
            place = curve.thresholds.index(at.threshold)
            for name, rule in at.rules.items():  # dcurves against the mean of what each patient gets
                assert curve.net_benefit[name][place] == pytest.approx(rule.net_benefit, abs=1e-9)


def test_treating_all_follows_its_formula(found):
    for curve in found.curves:
        share = curve.events / curve.patients
        odds = np.array(curve.thresholds) / (1 - np.array(curve.thresholds))
        assert curve.net_benefit[ALL] == pytest.approx(share - (1 - share) * odds, abs=1e-9)
        assert set(curve.net_benefit[NONE]) == {0.0}


def test_a_rule_acts_on_the_same_patients_at_every_threshold(found):
    curve = next(c for c in found.curves if c.own_truth and CAUDA_EQUINA not in c.key)
    for name in ("flags_1", "flags_2", "flags_3"):
        assert len({at.rules[name].acted for at in curve.action}) == 1
    at = curve.action[0]
    assert curve.patients > at.rules["flags_1"].acted > at.rules["flags_2"].acted > at.rules["flags_3"].acted > 0
    assert at.rules[NETWORK].acted > curve.action[-1].rules[NETWORK].acted


def test_rivals_are_those_of_the_outcome(found):
    for curve in found.curves:
        flags = {"cauda_equina_sign"} if CAUDA_EQUINA in curve.key else {"flags_1", "flags_2", "flags_3"}
        assert set(curve.action[0].against) == {NAIVE, ALL, NONE, *flags}
        assert curve.action[0].best_rival in curve.action[0].against


def test_harmed_cohorts_are_marked(found):
    assert [c.own_truth for c in found.curves] == [True, True, False, False, False, False]
    noisy = [c for c in found.curves if c.key.startswith("emergency_noise")]
    own = [c for c in found.curves if c.own_truth]
    assert [c.events for c in noisy] == [c.events for c in own]  # the same patients
    assert noisy[0].action[0].rules["flags_3"].acted > own[0].action[0].rules["flags_3"].acted  # invented flags


@pytest.mark.slow
def test_on_its_own_truth_the_network_brings_most():
    own = [c for c in measure_decisions(lambda _: None, replace(SMALL, patients=40_000)).curves if c.own_truth]
    for curve in own:
        for at in curve.action:
            for rival, found in at.against.items():
                assert found.beyond(4).high >= 0, (curve.key, at.threshold, rival)
        assert curve.action[0].against[ALL].low > 0


def test_the_section_shows_every_curve(found):
    made = section(found)
    assert (made.key, len(made.pictures), len(made.grids)) == ("decisions", 6, 7)
    for grid in made.grids:
        assert {len(row) for row in grid.rows} == {len(grid.columns)}
    every = {row[0]: row for row in made.grids[1].rows}
    assert every["act on all"][1:3] == ("1000", "all")
    assert every["act on none"][1:3] == ("0", "none")
    assert any("case reports" in paragraph for paragraph in made.text)
    figures = json.loads(json.dumps(made.figures))
    assert figures["curves"][0]["net_benefit"][NETWORK] == list(found.curves[0].net_benefit[NETWORK])
    assert all("<svg" in picture.svg and picture.title in picture.alt for picture in made.pictures)


def test_the_check_fails_where_a_rival_is_clearly_better(found):
    first = found.curves[0]
    beaten = replace(first.action[0], against={NAIVE: Change(-0.01, -0.011, -0.009)})
    made = section(replace(found, curves=(replace(first, action=(beaten,)), *found.curves[1:])))
    assert not made.checks[0].holds
    assert "naive Bayes" in made.checks[0].detail
    assert section(found).checks[0].holds


def test_the_same_sizes_give_the_same_curves(found):
    assert measure_decisions(lambda _: None, SMALL) == found


def test_benefits_of_nobody_acted_on_are_none():
    assert benefits(np.zeros(3, dtype=bool), np.ones(3, dtype=bool), 0.5).tolist() == [0, 0, 0]
