"""Coverage of the bands and calibration of the posteriors, on simulated patients.

Oracles: elimination on the truth's network, the model's own bands, weighted quantiles and clustered errors by hand.
"""

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from model import Model
from model.banded import bands
from model.build import network_of
from model.drawn import drawn_posteriors
from model.elimination import EliminationEngine
from model.evidence import Evidence
from model.network import Network
from model.parameters import StatedParameters
from priors.records import CAUDA_EQUINA, CAUSE, CONTEXT_NODES, PRESENT
from validation.coverage import (
    ALL,
    LEADING,
    NOTABLE,
    OTHER,
    OWN,
    WEIGHTED,
    Coverage,
    CoverageSizes,
    Covered,
    VisitCoverage,
    covered,
    measure_coverage,
    visit_coverage,
)
from validation.recalibration import (
    FEWEST,
    RecalibrationSizes,
    Spread,
    calibration_errors,
    measure_recalibration,
    outcome_calibration,
)
from validation.scores import Calibration
from validation.truths import Banded, DrawnTruth, Patient, Visit, band_patients, draw_truths, visit_patients
from validation.views.coverage import section

SMALL = CoverageSizes(truths=6, visits=(Visit(0.6, 1), Visit(0.1, 1)), recalibration=RecalibrationSizes(2000, 120))


def quiet(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def truths(model: Model) -> tuple[DrawnTruth, ...]:
    return draw_truths(model, 4, seed=5)


@pytest.fixture(scope="module")
def small(model: Model) -> Coverage:
    return measure_coverage(model, quiet, SMALL)


def outcomes_of(network: Network, evidence: Evidence) -> np.ndarray:
    cause, complication = EliminationEngine().query(network, evidence, (CAUSE, CAUDA_EQUINA)).posteriors
    return np.append(cause.probs, complication.as_dict()[PRESENT])


# Truths


def test_the_network_of_the_stated_numbers_is_the_models(model: Model) -> None:
    built = network_of(StatedParameters(model.priors), model.digest, model.profile)
    assert (built.nodes, built.digest, built.profile) == (model.network.nodes, model.digest, model.profile)
    for ours, theirs in zip(built.cpds, model.network.cpds, strict=True):
        assert (ours.node, ours.parents) == (theirs.node, theirs.parents)
        assert np.array_equal(ours.table, theirs.table), ours.node


def test_a_truths_network_holds_its_numbers(model: Model, truths: tuple[DrawnTruth, ...]) -> None:
    evidence = Evidence((("age", "age_50_64"), ("fever", "present"), ("straight_leg_raise_positive", "absent")))
    found = []
    for truth in truths:
        expected = outcomes_of(truth.network, evidence)
        drawn = drawn_posteriors(model.network, truth.numbers, evidence, (CAUSE, CAUDA_EQUINA))
        assert drawn.posteriors[0].probs.shape[1] == 1
        assert np.abs(drawn.posteriors[0].probs[:, 0] - expected[:-1]).max() < 1e-12
        found.append(expected)
    assert np.ptp(found, axis=0).max() > 0.01  # and truths differ


def test_truths_are_other_draws_than_the_models(model: Model, truths: tuple[DrawnTruth, ...]) -> None:
    own = {column.tobytes() for column in model.draws.values.T}
    assert not own & {truth.numbers.values[:, 0].tobytes() for truth in truths}


def test_a_visit_records_its_share(model: Model, truths: tuple[DrawnTruth, ...]) -> None:
    patients = visit_patients(model, truths, Visit(0.0, 3), [1])
    assert [patient.truth for patient in patients] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert all(patient.evidence.nodes == CONTEXT_NODES for patient in patients)
    full = visit_patients(model, truths, Visit(1.0, 1), [1])
    assert len({len(patient.evidence.nodes) for patient in full}) == 1
    half, again, others = (visit_patients(model, truths, Visit(0.5, 8), [seed]) for seed in (1, 1, 2))
    share = np.mean([len(patient.evidence.nodes) - 3 for patient in half]) / (len(full[0].evidence.nodes) - 3)
    assert share == pytest.approx(0.5, abs=0.05)
    assert half == again != others


# Bands


def weighted_quantile(values: np.ndarray, weights: np.ndarray, p: float) -> float:
    """Return the smallest value with at least the share p of the weight at or below it."""
    order = np.argsort(values)
    total = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][np.searchsorted(total, p)])


def test_banded_patients_by_other_routes(model: Model, truths: tuple[DrawnTruth, ...]) -> None:
    patients = visit_patients(model, truths, Visit(0.3, 1), [3])
    found = band_patients(model, truths, patients, quiet)
    assert found.truth.tolist() == [0, 1, 2, 3]
    for row, (truth, evidence) in enumerate(patients):
        band = bands(model, evidence)
        ends = [*band.posterior.values(), band.complications[CAUDA_EQUINA]]
        assert found.ends[row].T.tolist() == [[end.low, end.high] for end in ends]
        assert np.abs(found.stated[row] - outcomes_of(model.network, evidence)).max() < 1e-12
        assert np.abs(found.own[row] - outcomes_of(truths[truth].network, evidence)).max() < 1e-12
        assert np.abs(found.other[row] - outcomes_of(truths[(truth + 1) % 4].network, evidence)).max() < 1e-12
        drawn = drawn_posteriors(model.network, model.draws, evidence, (CAUSE, CAUDA_EQUINA))
        weights = np.exp(drawn.log_evidence - drawn.log_evidence.max())
        assert found.effective[row] == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
        for cause, probs in enumerate(drawn.posteriors[0].probs):
            expected = [weighted_quantile(probs, weights, p) for p in (0.025, 0.975)]
            assert found.weighted_ends[row][:, cause].tolist() == expected


def test_where_nothing_is_known_all_draws_weigh_the_same(model: Model, truths: tuple[DrawnTruth, ...]) -> None:
    found = band_patients(model, truths, [Patient(2, Evidence())], quiet)
    assert found.effective[0] == pytest.approx(model.draws.settings.size)
    assert np.abs(found.own[0][:-1] - truths[2].numbers.prevalences()[:, 0]).max() < 1e-12
    drawn = model.draws.prevalences()
    ends = np.quantile(drawn, [0.025, 0.975], axis=1, method="inverted_cdf")
    assert found.weighted_ends[0][:, :-1] == pytest.approx(ends, rel=1e-9)


# Shares with clustered errors


def test_a_share_and_its_error_by_hand() -> None:
    # Truths with 2 of 4, 4 of 4 and 3 of 4 hits: 9 of 12; deviations from 3 a truth are -1, 1, 0.
    hits = np.array([[1, 1], [0, 0], [1, 1], [1, 1], [1, 1], [1, 0]], dtype=bool)
    found = covered(hits, np.ones_like(hits), np.array([0, 0, 1, 1, 2, 2]))
    assert found.share == pytest.approx(0.75)
    assert found.error == pytest.approx(np.sqrt(3 / 2 * 2) / 12)
    assert found.posteriors == 12


def test_what_does_not_count_is_left_out_of_a_share() -> None:
    hits = np.array([[True, False], [True, False], [False, False]])
    counted = np.array([[True, False], [True, False], [True, False]])
    found = covered(hits, counted, np.array([0, 1, 2]))
    assert (found.share, found.posteriors) == (pytest.approx(2 / 3), 3)
    assert found.error == pytest.approx(np.sqrt(3 / 2 * (2 / 9 + 4 / 9 - 0)) / 3)


def test_truths_and_not_patients_are_the_units_of_the_error() -> None:
    # The same patient ten times over tells nothing more.
    hits = np.random.default_rng(1).random((40, 3)) < 0.9
    once = covered(hits, np.ones_like(hits), np.arange(40))
    ten = np.repeat(hits, 10, axis=0)
    again = covered(ten, np.ones_like(ten), np.repeat(np.arange(40), 10))
    assert again.error == pytest.approx(once.error)


def by_hand() -> tuple[VisitCoverage, Sequence[str]]:
    """Return the coverage of two patients of two truths; causes a and b, and the complication c."""
    names = ("a", "b", "c")
    low, high = [0.5, 0.005, 0.01], [0.9, 0.5, 0.02]
    banded = Banded(
        truth=np.array([0, 1]),
        stated=np.array([[0.7, 0.3, 0.005], [0.004, 0.996, 0.015]]),
        own=np.array([[0.95, 0.05, 0.015], [0.4, 0.6, 0.03]]),
        other=np.array([[0.6, 0.4, 0.015], [0.6, 0.4, 0.015]]),
        ends=np.array([[low, high]] * 2),
        weighted_ends=np.array([[[0, 0, 0], [1, 1, 1]], [[0, 0, 0], [1, 1, 0.01]]]),
        effective=np.array([10.0, 20.0]),
    )
    known = [Patient(0, Evidence((("fever", "present"),))), Patient(1, Evidence())]
    return visit_coverage(Visit(0.5, 1), known, banded, names, serious=[1, 2]), names


def test_coverage_by_hand() -> None:
    found, names = by_hand()
    # own: a is above, then below; b inside, then above; c inside, then above.
    assert found.inside[OWN][ALL].share == pytest.approx(2 / 6)
    assert found.inside[OTHER][ALL].share == 1
    assert found.inside[WEIGHTED][ALL].share == pytest.approx(5 / 6)
    # notable: a, b of the first (c has 0.5 %); b, c of the second (a has 0.4 %)
    assert (found.inside[OWN][NOTABLE].share, found.inside[OWN][NOTABLE].posteriors) == (pytest.approx(1 / 4), 4)
    # leading: a of the first, b of the second; never the complication
    assert (found.inside[OWN][LEADING].share, found.inside[OWN][LEADING].posteriors) == (0, 2)
    assert found.leading_above.share == 1
    assert (found.serious_above.share, found.serious_above.posteriors) == (pytest.approx(2 / 4), 4)
    shares = [(own.inside[OWN].share, own.below.share, own.above.share) for own in found.outcomes.values()]
    assert tuple(found.outcomes) == names
    assert shares == [(0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0, 0.5)]
    assert found.per_truth == pytest.approx(np.quantile([2 / 3, 0], [0.025, 0.25, 0.5, 0.75, 0.975]))
    assert found.effective_draws[2] == 15
    assert found.findings == 0.5


@pytest.mark.slow
def test_a_draw_taken_without_regard_to_the_findings_lies_in_the_bands(model: Model) -> None:
    # Exact but for the 1,024 draws: the only coverage that theory gives; a draw that made the findings has less.
    sizes = CoverageSizes(truths=96, visits=(Visit(0.7, 1),), recalibration=RecalibrationSizes(500, 20))
    found = measure_coverage(model, quiet, sizes).visits[0]
    other, own, weighted = (found.inside[kind][ALL] for kind in (OTHER, OWN, WEIGHTED))
    assert abs(other.share - 0.95) < 4 * other.error
    assert abs(weighted.share - 0.945) < 4 * weighted.error
    assert own.share < other.share


# Calibration


def simulated(slope: float, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities and outcomes of which the log odds are slope * log odds + shift."""
    rng = np.random.default_rng(11)
    log_odds = rng.normal(-1, 1.5, 4000)
    return 1 / (1 + np.exp(-log_odds)), rng.random(4000) < 1 / (1 + np.exp(-(slope * log_odds + shift)))


@pytest.mark.parametrize("slope", [0.5, 1.0, 1.6])
def test_a_slope_is_found_within_its_error(slope: float) -> None:
    probs, outcome = simulated(slope)
    found = outcome_calibration(probs, outcome, np.arange(4000))
    assert found.found is not None
    assert found.slope_error is not None
    assert abs(found.found.slope - slope) < 3 * found.slope_error
    assert 0.01 < found.slope_error < 0.1
    assert found.events == outcome.sum()
    assert found.expected == pytest.approx(probs.sum())


def test_an_error_is_the_spread_of_the_slope_over_samples() -> None:
    probs, _ = simulated(1)
    rng = np.random.default_rng(3)
    slopes, told = [], []
    for _ in range(60):
        outcome = rng.random(len(probs)) < probs
        found = outcome_calibration(probs, outcome, np.arange(len(probs)))
        assert found.found is not None
        slopes.append(found.found.slope)
        told.append(found.slope_error)
    assert np.mean(told) == pytest.approx(np.std(slopes, ddof=1), rel=0.25)


def test_a_group_of_copies_tells_no_more_than_one() -> None:
    probs, outcome = simulated(1)
    once = calibration_errors(probs, outcome, np.arange(4000))
    copies = calibration_errors(np.repeat(probs, 5), np.repeat(outcome, 5), np.repeat(np.arange(4000), 5))
    apart = calibration_errors(np.repeat(probs, 5), np.repeat(outcome, 5), np.arange(20_000))
    assert copies == pytest.approx(once, rel=2e-3)
    assert apart == pytest.approx(np.array(once) / np.sqrt(5), rel=2e-3)


@pytest.mark.parametrize("events", [0, FEWEST - 1, 200 - FEWEST + 1])
def test_too_few_events_give_no_slope(events: int) -> None:
    outcome = np.arange(200) < events
    found = outcome_calibration(np.full(200, 0.3), outcome, np.arange(200))
    assert (found.found, found.slope_error, found.intercept_error) == (None, None, None)
    assert (found.posteriors, found.events) == (200, events)


def test_the_stated_network_is_calibrated_on_its_own_patients(model: Model, truths: tuple[DrawnTruth, ...]) -> None:
    found = measure_recalibration(model, truths, RecalibrationSizes(8000, 200), 4, quiet)
    assert tuple(found.stated) == (NOTABLE, LEADING, *model.priors.structure.cause_names, CAUDA_EQUINA)
    for name, own in found.stated.items():
        if own.found is not None and own.slope_error is not None and own.intercept_error is not None:
            assert abs(own.found.slope - 1) < 4 * own.slope_error, name
            assert abs(own.found.intercept) < 4 * own.intercept_error, name
    assert found.stated["disc_herniation"].events == pytest.approx(6400, abs=200)
    assert sum(found.stated[cause].events for cause in model.priors.structure.cause_names) == 8000
    assert found.drawn[LEADING].posteriors == 800
    assert found.spread.deviation > 0


def test_sampling_noise_is_taken_out_of_the_spread() -> None:
    assert Spread((0.9, 1.0, 1.1), 1.0, deviation=0.05, error=0.04).between == pytest.approx(0.03)
    assert Spread((0.9, 1.0, 1.1), 1.0, deviation=0.03, error=0.04).between == 0


# The section


def test_the_same_sizes_give_the_same_figures(model: Model, small: Coverage) -> None:
    told: list[str] = []
    again = measure_coverage(model, told.append, SMALL)
    assert section(again).figures == section(small).figures
    assert any("bands" in what for what in told)
    other = measure_coverage(model, quiet, replace(SMALL, seed=1))
    assert section(other).figures != section(small).figures


def test_the_section_says_what_was_measured(model: Model, small: Coverage) -> None:
    found = section(small)
    json.dumps(found.figures, allow_nan=False)
    assert found.key == "coverage"
    text = " ".join(found.text)
    assert "arithmetic" in text
    assert "need not be 95 %" in text
    assert [len(grid.rows) for grid in found.grids] == [2 * 3, 15, 17, 3]
    assert all(len(row) == len(grid.columns) for grid in found.grids for row in grid.rows)
    assert {row[0] for row in found.grids[1].rows} == {
        cause.short for cause in (*model.priors.structure.causes, model.priors.structure.complication)
    }
    assert all(picture.svg.startswith("<svg") and picture.alt for picture in found.pictures)
    assert len(found.checks) == 7


def with_share(small: Coverage, kind: str, share: float) -> Coverage:
    visit = small.visits[0]
    inside = {**visit.inside, kind: {**visit.inside[kind], ALL: Covered(share, 0.001, 100)}}
    return replace(small, visits=(replace(visit, inside=inside), *small.visits[1:]))


@pytest.mark.parametrize(("share", "holds"), [(0.929, False), (0.931, True), (0.969, True), (0.971, False)])
@pytest.mark.parametrize("kind", [OTHER, OWN, WEIGHTED])
def test_coverage_outside_93_to_97_fails_its_check(small: Coverage, kind: str, share: float, holds: bool) -> None:
    checks = section(with_share(small, kind, share)).checks
    assert checks[[OTHER, OWN, WEIGHTED].index(kind)].holds is holds


@pytest.mark.parametrize(("share", "holds"), [(0.024, True), (0.026, False)])
def test_serious_causes_above_their_bands_fail_their_check(small: Coverage, share: float, holds: bool) -> None:
    visit = replace(small.visits[0], serious_above=Covered(share, 0.001, 100))
    found = section(replace(small, visits=(visit, *small.visits[1:])))
    assert found.checks[3].holds is holds
    assert ("safe side" in " ".join(found.text)) is holds


@pytest.mark.parametrize(
    ("slope", "intercept", "holds"), [(1.02, 0.02, True), (1.04, 0.0, False), (0.96, 0.0, False), (1.0, -0.04, False)]
)
def test_calibration_beyond_three_errors_fails_its_check(
    small: Coverage, slope: float, intercept: float, holds: bool
) -> None:
    recalibration = small.recalibration
    curve = Calibration(slope, intercept, (0.2, 0.8), (0.2, 0.8))
    leading = replace(recalibration.stated[LEADING], found=curve, slope_error=0.01, intercept_error=0.01)
    changed = replace(recalibration, stated={**recalibration.stated, LEADING: leading})
    assert section(replace(small, recalibration=changed)).checks[5].holds is holds
