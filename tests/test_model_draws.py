"""Draws of all numbers: prevalences that sum to one, rows that keep value and interval, offsets, kept files.

Oracles: scipy's quadrature and distributions, numbers worked by hand. Not here: posteriors (`test_model_drawn.py`).
"""

import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, stats

from model import Model, load_model
from model.cpds import finding_rows
from model.draws import (
    CENTRE_POINTS,
    LATIN,
    METHODS,
    PLAIN,
    SOBOL,
    DrawnParameters,
    DrawSettings,
    draw_parameters,
    uniforms,
)
from model.errors import ModelError
from model.network import Network
from model.parameters import StatedParameters, log_multipliers, share_keys, stated_probabilities
from model.rows import expit
from priors import PRIORS_FOLDER, PriorSet, available_profiles
from priors.odds import NORMAL_975
from priors.prevalences import leading_distribution, share_centres, share_spread, shares_at
from priors.records import (
    AGE,
    CAUSE,
    CONTEXT_NODES,
    DEPENDENCE,
    ODDS_MULTIPLIER,
    PRESENT,
    PROBABILITY,
    SEX,
    THRESHOLD,
    Estimate,
    Key,
    Row,
)
from priors.shapes import Finding
from priors.uncertainty import STRENGTH_MAXIMUM, STRENGTH_MINIMUM

MANY, FEW = DrawSettings(2**12), DrawSettings(64, replicates=4)
SIGMAS = 4  # of the Monte Carlo error
Drawer = Callable[..., DrawnParameters]


@pytest.fixture(scope="module", params=available_profiles())
def profile(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def priors(models: Mapping[str, Model], profile: str) -> PriorSet:
    return models[profile].priors


@pytest.fixture(scope="module")
def network(models: Mapping[str, Model], profile: str) -> Network:
    return models[profile].network


@pytest.fixture(scope="module")
def many(priors: PriorSet, network: Network) -> DrawnParameters:
    return draw_parameters(priors, network.digest, MANY)


@pytest.fixture(scope="module")
def few(priors: PriorSet, network: Network) -> DrawnParameters:
    return draw_parameters(priors, network.digest, FEW)


@pytest.fixture
def draw(model: Model) -> Drawer:
    """Return a function that draws from the documents' numbers, few unless told."""

    def run(settings: DrawSettings = FEW, folder: Path | None = None, digest: str = "") -> DrawnParameters:
        return draw_parameters(model.priors, digest or model.digest, settings, folder)

    return run


def estimate(
    value: float, low: float | None = None, high: float | None = None, events: int | None = None, total: int = 0
) -> Estimate:
    return Estimate(value, low, high, events, total or None, "judgement", "someone", ("desk_judgement",), "why")


def same(one: DrawnParameters, other: DrawnParameters) -> bool:
    """Say whether two sets of draws are the same to the last bit."""
    assert one.arrays.keys() == other.arrays.keys()
    return np.array_equal(one.values, other.values) and all(
        np.array_equal(array, other.arrays[name]) for name, array in one.arrays.items()
    )


def apart(one: np.ndarray, other: np.ndarray | float) -> float:
    """Return the largest distance between two arrays."""
    return float(np.abs(one - other).max())


def prevalence_rows(priors: PriorSet) -> dict[str, Estimate]:
    return {c: priors.cells[Key(PROBABILITY, CAUSE, c), ""].estimate for c in priors.structure.cause_names}


def rows_with_draws(priors: PriorSet, drawn: DrawnParameters) -> list[tuple[Row, np.ndarray]]:
    """Return every row that states a number for causes, once, with its draws."""
    names, found = priors.structure.cause_names, {}
    for (key, cause), row in priors.cells.items():
        if cause and key.parameter != THRESHOLD:
            found[id(row)] = (row, drawn.per_cause(key)[names.index(cause)])
    return list(found.values())


def states_of(network: Network) -> dict[str, tuple[str, ...]]:
    return {node.name: node.states for node in network.nodes}


# The leading cause


LEADING = {
    "documents": estimate(0.80, 0.70, 0.90),
    "primary_care": estimate(0.59, 0.42, 0.75),
    "emergency": estimate(0.625, 0.42, 0.8),
    "specialist": estimate(0.555, 0.4, 0.74),
    "even": estimate(0.5, 0.4, 0.6),
    "near_its_upper_end": estimate(0.86, 0.7, 0.9),
    "counts": estimate(0.8, events=80, total=100),
}


@pytest.mark.parametrize("number", LEADING.values(), ids=LEADING)
def test_the_leading_cause_has_its_stated_interval_and_mean(number: Estimate) -> None:
    found = leading_distribution(number)
    ends = (number.low, number.high) if number.low else stats.beta(80.5, 20.5).ppf([0.025, 0.975])
    assert found.probability(np.array([-NORMAL_975, NORMAL_975])) == pytest.approx(ends, abs=1e-9)

    def weighted(z: float) -> float:
        return float(found.probability(np.array(z))) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    mean = integrate.quad(weighted, -12, 0, epsabs=1e-12)[0] + integrate.quad(weighted, 0, 12, epsabs=1e-12)[0]
    assert mean == pytest.approx(number.value, abs=1e-9)


@pytest.mark.parametrize("value", [0.701, 0.72, 0.88, 0.899])
def test_a_value_too_near_an_end_cannot_be_the_leading_mean(value: float) -> None:
    with pytest.raises(
        ValueError, match=rf"{value} cannot be the mean .* 0\.7 to 0\.9, whose mean .* move `(low|high)` away"
    ):
        leading_distribution(estimate(value, 0.7, 0.9))


def test_the_leading_deviate_moves_the_leading_share_alone_up(model: Model, draw: Drawer) -> None:
    drawn = draw(MANY).prevalences()
    leading = drawn[0]
    assert stats.spearmanr(leading, 1 - drawn[1:].sum(axis=0)).statistic == pytest.approx(1)
    rest = drawn[1:] / drawn[1:].sum(axis=0)
    assert max(abs(stats.spearmanr(leading, share).statistic) for share in rest) < SIGMAS / math.sqrt(MANY.size)


# The other causes


def log_upper(spread: float) -> float:
    """Return ln of the upper end of a log-normal over its mean."""
    return 1.959964 * spread - spread**2 / 2


def test_a_spread_that_reaches_both_ends_is_taken_from_the_wider_side() -> None:
    # ln(4/96) = -3.17805, ln(0.5/99.5) = -5.29330, ln(10/90) = -2.19722: the lower side is 2.11525 wide
    found = share_spread(estimate(0.04, 0.005, 0.10))
    assert found == pytest.approx(2.11525 / 1.959964, abs=1e-5)
    assert math.exp(log_upper(found)) > 0.10 / 0.04


def test_a_spread_grows_until_the_band_reaches_the_upper_end() -> None:
    # a factor of 10 down gives 1.1753, whose band ends at 5.0 times the mean; the interval ends at 6 times
    found = share_spread(estimate(0.0005, 0.00005, 0.003))
    assert 1.1753 < found < 1.96
    assert math.exp(log_upper(found)) == pytest.approx(6)


@pytest.mark.parametrize(
    ("low", "high"), [(0.00002, 0.001), (0.00002, 0.5), (1e-9, 0.0003)], ids=["high", "higher", "low"]
)
def test_no_spread_is_larger_than_the_one_that_reaches_furthest_up(low: float, high: float) -> None:
    # 1.96 s - s^2 / 2 is largest at s = 1.96, where the band ends at exp(1.92) = 6.8 times the mean
    found = share_spread(estimate(0.0001, low, high))
    assert found == pytest.approx(1.959964, abs=1e-6)
    assert log_upper(found) > max(log_upper(found - 0.1), log_upper(found + 0.1))


def test_a_wider_interval_never_narrows_the_spread() -> None:
    spreads = [share_spread(estimate(0.0001, 0.00002, high)) for high in (0.0005, 0.00068, 0.00069, 0.001)]
    assert spreads == sorted(spreads)


@pytest.mark.parametrize("seed", range(3))
def test_centres_make_the_means_of_other_deviates_the_values(seed: int) -> None:
    values, spreads = np.array([0.6, 0.3, 0.08, 0.02]), np.array([0.4, 0.7, 0.9, 1.3])
    centres = share_centres(values, spreads, np.random.default_rng([seed, 1]).standard_normal((4, CENTRE_POINTS)))
    shares = shares_at(centres, spreads, np.random.default_rng([seed, 2]).standard_normal((4, 200_000)))
    error = shares.std(axis=1) * math.sqrt(1 / CENTRE_POINTS + 1 / 200_000)
    assert (np.abs(shares.mean(axis=1) - values) < SIGMAS * error).all()


def test_centres_that_cannot_be_found_are_refused() -> None:
    with pytest.raises(ValueError, match="too uncertain"):
        share_centres(
            np.array([0.9, 0.09, 0.01]), np.full(3, 20.0), np.random.default_rng(0).standard_normal((3, 1000))
        )


def test_shares_sum_to_one_far_out() -> None:
    shares = shares_at(np.array([0.0, -900.0, 900.0]), np.full(3, 2.0), np.array([[6.0], [-6.0], [6.0]]))
    assert shares.sum(axis=0) == pytest.approx(1, abs=1e-15)
    assert np.isfinite(shares).all()


# Prevalences


def test_every_draw_of_the_prevalences_sums_to_one(many: DrawnParameters) -> None:
    assert apart(many.prevalences().sum(axis=0), 1) < 1e-12
    assert many.prevalences().min() > 0


def assert_means_are_stated(priors: PriorSet, drawn: DrawnParameters) -> None:
    prevalences, stated = drawn.prevalences(), np.array([e.value for e in prevalence_rows(priors).values()])
    parts = prevalences.reshape(len(stated), drawn.settings.replicates, -1).mean(axis=2)
    of_draws = parts.std(axis=1, ddof=1) / math.sqrt(drawn.settings.replicates)
    # The centres are solved on points of their own, whose error quasi-random draws undercut.
    of_centres = 0.005 * stated
    assert (np.abs(prevalences.mean(axis=1) - stated) < SIGMAS * of_draws + of_centres).all()


def test_the_means_are_the_stated_prevalences(priors: PriorSet, many: DrawnParameters) -> None:
    assert_means_are_stated(priors, many)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_the_means_are_the_stated_prevalences_under_many_draws(priors: PriorSet, method: str) -> None:
    assert_means_are_stated(priors, draw_parameters(priors, "", DrawSettings(2**14, seed=3, method=method)))


@pytest.mark.parametrize("method", METHODS)
def test_disc_herniation_keeps_the_range_of_the_case_report(draw: Drawer, method: str) -> None:
    disc = draw(replace(MANY, method=method)).prevalences()[0]
    assert (disc.mean(), *np.quantile(disc, [0.025, 0.975])) == pytest.approx((0.80, 0.70, 0.90), abs=0.01)


def test_bands_hold_each_prevalence_and_reach_below_its_interval(priors: PriorSet, many: DrawnParameters) -> None:
    low, high = np.quantile(many.prevalences(), [0.025, 0.975], axis=1)
    for i, (cause, number) in enumerate(prevalence_rows(priors).items()):
        assert low[i] < number.value < high[i], cause
        assert low[i] < number.low * 1.01, cause


def test_bands_reach_the_upper_ends_of_the_intervals_or_nearly(
    priors: PriorSet, many: DrawnParameters, profile: str
) -> None:
    # Shares that sum to one are narrower than each alone: spinal stenosis reaches 0.85 of its stated end under
    # documents, all others 0.90. No spread reaches the infection's (`share_spread`).
    high = np.quantile(many.prevalences(), 0.975, axis=1)
    reached = {
        cause: float(high[i] / number.high)
        for i, (cause, number) in enumerate(prevalence_rows(priors).items())
        if number.high / number.value < 6.8
    }
    least = {"spinal_stenosis": 0.80} if profile == "documents" else {}
    assert [cause for cause, share in reached.items() if share < least.get(cause, 0.87)] == []
    unreachable = {"spinal_infection"} if profile == "documents" else set()
    assert prevalence_rows(priors).keys() - reached.keys() == unreachable


def test_the_upper_band_of_infection_lies_above_its_value(model: Model, draw: Drawer) -> None:
    infection = draw(MANY).prevalences()[model.priors.structure.cause_names.index("spinal_infection")]
    assert np.quantile(infection, 0.975) > 4 * 0.0001


# Every other row


def test_every_row_keeps_its_value_as_median_and_its_interval(priors: PriorSet, many: DrawnParameters) -> None:
    off = 1 / MANY.per_replicate  # a Latin hypercube has one draw in each of so many slices
    wrong, seen = [], 0
    for row, values in rows_with_draws(priors, many):
        number, least = row.estimate, STRENGTH_MINIMUM if row.key.parameter == DEPENDENCE else 0.0
        if number.low is not None:
            low, value, high = (max(x, least) for x in (number.low, number.value, number.high))
            outside = min((values <= low).mean(), (values >= high).mean())
            if outside < 0.025 - off or abs((values < value).mean() - 0.5) > off:
                wrong.append(row)
            seen += 1
    assert wrong == []
    assert seen > 1000


def test_counts_are_drawn_from_their_beta(priors: PriorSet, many: DrawnParameters) -> None:
    counted = [(r, values) for r, values in rows_with_draws(priors, many) if r.estimate.low is None]
    assert counted
    for row, values in counted:
        beta = stats.beta(row.estimate.events + 0.5, row.estimate.total - row.estimate.events + 0.5)
        assert stats.kstest(values, beta.cdf).statistic < 1 / MANY.per_replicate, row


def test_numbers_stay_where_they_mean_something(priors: PriorSet, many: DrawnParameters) -> None:
    limits = {PROBABILITY: 1.0, DEPENDENCE: np.nextafter(STRENGTH_MAXIMUM, 1), ODDS_MULTIPLIER: math.inf}
    for row, values in rows_with_draws(priors, many):
        assert 0 < values.min() <= values.max() < limits[row.key.parameter], row
    for node in (CAUSE, *CONTEXT_NODES, *priors.structure.syndromes):
        assert 0 < many.arrays[node].min() <= many.arrays[node].max() < 1, node


def test_causes_that_share_a_row_share_its_draw_and_no_others_do(priors: PriorSet, few: DrawnParameters) -> None:
    names, shared = priors.structure.cause_names, 0
    for key in {key for key, cause in priors.cells if cause and key.parameter != THRESHOLD}:
        draws, rows = few.per_cause(key), [priors.cells[key, cause] for cause in names]
        for i in range(1, len(names)):
            assert np.array_equal(draws[0], draws[i]) == (rows[0] is rows[i]), (key, names[i])
            shared += rows[0] is rows[i]
    assert shared > 1000


def test_a_row_moves_only_its_own_number(model: Model, draw: Drawer) -> None:
    rows = rows_with_draws(model.priors, draw(DrawSettings()))
    together = np.corrcoef(stats.rankdata([values for _, values in rows], axis=1))
    np.fill_diagonal(together, 0)
    assert np.abs(together).max() < 6 / math.sqrt(DrawSettings().size)


# Shares


def test_shares_sum_to_one(priors: PriorSet, many: DrawnParameters) -> None:
    for node in (*CONTEXT_NODES, *priors.structure.syndromes):
        assert apart(many.shares(node).sum(axis=1), 1) < 1e-12, node


def test_a_share_of_two_is_its_own_rows_draw(priors: PriorSet, many: DrawnParameters) -> None:
    assert priors.structure.sex.states == ("female", "male")
    nodes = [SEX, *(s.name for s in priors.structure.syndromes.values() if len(s.states) == 2)]
    assert len(nodes) > 5
    for node in nodes:
        first = many.per_cause(share_keys(priors.structure, node)[0])
        assert apart(many.shares(node)[:, 0], first) < 1e-12, node


def test_medians_of_shares_are_near_the_stated(priors: PriorSet, many: DrawnParameters) -> None:
    # Measured: 0.071 at most, the ages of spinal malignancy, of which one share is uncertain by a factor of forty.
    for node in (*CONTEXT_NODES, *priors.structure.syndromes):
        stated = StatedParameters(priors).shares(node)[..., 0]
        assert apart(np.median(many.shares(node), axis=-1), stated) < 0.08, node


def test_the_middle_of_every_distribution_is_the_stated_number(
    priors: PriorSet, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.draws.uniforms", lambda dimensions, settings: np.full((dimensions, settings.size), 0.5))
    middle, stated = draw_parameters(priors, "", FEW), StatedParameters(priors)
    exact = {}
    for row, values in rows_with_draws(priors, middle):
        exact[row.key] = exact.get(row.key, True) and row.estimate.low is not None
        value = max(row.estimate.value, STRENGTH_MINIMUM) if row.key.parameter == DEPENDENCE else row.estimate.value
        if row.estimate.low is not None:
            assert apart(values / value, 1) < 1e-12, row
    for node in (*CONTEXT_NODES, *priors.structure.syndromes):
        assert apart(middle.shares(node), stated.shares(node)) < 1e-12, node
    for finding in priors.structure.findings.values():
        keys = [key for key in exact if key.node == finding.name]
        no_strength = any(key.parameter == DEPENDENCE and 0 in priors.numbers(key) for key in keys)
        if all(exact[key] for key in keys) and not no_strength:
            rows = [finding_rows(numbers, finding, states_of(network)).present for numbers in (middle, stated)]
            assert apart(*rows) < 1e-12, finding.name


# Findings


def average_over_age(drawn: DrawnParameters, finding: Finding) -> np.ndarray:
    """Return P(finding | cause, given) from offsets, multipliers and shares of age: shape (causes, givens, draws)."""
    mu = expit(drawn.offsets(finding)[:, :, None] + log_multipliers(drawn, finding)[:, None])
    return (drawn.shares(AGE)[:, None] * mu).sum(axis=2)


def test_offsets_average_over_the_drawn_ages_to_the_drawn_number(priors: PriorSet, many: DrawnParameters) -> None:
    with_age = [finding for finding in priors.structure.findings.values() if finding.age]
    assert len(with_age) > 10
    for finding in with_age:
        stated = stated_probabilities(many, finding)
        assert apart(average_over_age(many, finding) / stated, 1) < 1e-10, finding.name


def test_rows_of_a_finding_average_to_its_drawn_number(
    priors: PriorSet, network: Network, few: DrawnParameters
) -> None:
    structure = priors.structure
    for finding in structure.findings.values():
        rows, m = finding_rows(few, finding, states_of(network)), stated_probabilities(few, finding)[..., :20]
        present, parents = rows.present[..., :20], list(rows.parents)
        if finding.possible_if:
            possible = present.reshape(*m.shape[:2], -1, m.shape[-1]).max(axis=2)
            assert np.array_equal(possible, m), finding.name
            continue
        for node in parents[1 + finding.cauda_equina :]:
            axis = parents.index(node)
            weights = few.shares(node)[..., :20]
            ones = [1] * (present.ndim - 3)
            weights = np.moveaxis(weights.reshape(len(weights), *ones, *weights.shape[1:]), -2, axis)
            present = (present * weights).sum(axis=axis, keepdims=True)
        assert apart(present.reshape(m.shape) / m, 1) < 1e-10, finding.name


def test_only_logical_zeros_in_the_cells_of_the_stated_network(
    priors: PriorSet, network: Network, many: DrawnParameters
) -> None:
    for finding in priors.structure.findings.values():
        rows, cpd = finding_rows(many, finding, states_of(network)), network.cpd_of[finding.name]
        assert rows.parents == cpd.parents
        certain = (rows.present == 0) | (rows.present == 1)
        assert np.array_equal(certain.any(axis=-1), cpd.table[..., 0] == 0), finding.name
        assert np.array_equal(certain.all(axis=-1), cpd.table[..., 0] == 0), finding.name


def test_rows_at_an_age_are_those_of_all_ages_there(model: Model, draw: Drawer) -> None:
    drawn, states = draw(), states_of(model.network)
    for finding in model.priors.structure.findings.values():
        rows = finding_rows(drawn, finding, states)
        axis = rows.parents.index(AGE) if AGE in rows.parents and finding.age else None
        for band in (0, 4):
            expected = rows.present if axis is None else rows.present.take(band, axis)
            assert np.array_equal(finding_rows(drawn, finding, states, band).present, expected), finding.name


# Deviates and settings


@pytest.mark.parametrize("method", METHODS)
def test_deviates_are_uniform_in_every_dimension_and_replicate(method: str) -> None:
    settings = DrawSettings(512, seed=1, method=method, replicates=4)
    found = uniforms(20, settings)
    assert found.shape == (20, 512)
    assert 0 < found.min() < found.max() < 1
    parts = found.reshape(20, 4, 128)
    limit = 1 / 128 if method in (LATIN, SOBOL) else 2.2 / math.sqrt(128)  # of 80 samples one in 6,000 is further off
    assert max(stats.kstest(parts[i, j], "uniform").statistic for i in range(20) for j in range(4)) <= limit + 1e-12
    assert len(np.unique(parts[:, :, 0], axis=1)[0]) == 4


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        pytest.param({"size": 100}, "8 replicates share evenly, found 100", id="not_divisible"),
        pytest.param({"size": 8}, "8 replicates share evenly, found 8", id="one_draw_each"),
        pytest.param({"size": 0}, "found 0", id="none"),
        pytest.param({"size": -1024}, "found -1024", id="negative"),
        pytest.param({"replicates": 1}, "2 replicates", id="one_replicate"),
        pytest.param({"replicates": 0}, "2 replicates", id="no_replicates"),
        pytest.param({"method": "halton"}, "'halton'; expected one of latin, sobol, plain", id="unknown_method"),
    ],
)
def test_settings_that_make_no_draws_are_refused(settings: dict, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        DrawSettings(**settings)


def test_a_thousand_draws_fit_in_300_megabytes(draw: Drawer) -> None:
    found = draw(DrawSettings(1024))
    assert found.nbytes == found.values.nbytes + sum(array.nbytes for array in found.arrays.values())
    assert found.nbytes / 1024 * 1000 < 300e6


def test_draws_cannot_be_written_to(draw: Drawer) -> None:
    found = draw()
    assert not any(array.flags.writeable for array in (found.values, *found.arrays.values()))


# Same seed, same draws


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_draws_the_same_and_another_others(draw: Drawer, method: str) -> None:
    settings = replace(FEW, method=method)
    first, again, other = draw(settings), draw(settings), draw(replace(settings, seed=1))
    assert same(first, again)
    assert not np.isin(first.prevalences(), other.prevalences()).any()
    assert not np.isin(first.arrays[AGE], other.arrays[AGE]).any()


def test_another_process_draws_the_same(root: Path) -> None:
    code = (
        "import hashlib; from model import load_model; from model.draws import *; model = load_model();"
        "found = draw_parameters(model.priors, model.digest, DrawSettings(64, replicates=4));"
        "arrays = [found.values, *(found.arrays[name] for name in sorted(found.arrays))];"
        "print(hashlib.sha256(b''.join(array.tobytes() for array in arrays)).hexdigest())"
    )
    printed = []
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONPATH": str(root), "PYTHONHASHSEED": seed}
        printed.append(subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True))
    assert len(printed[0].stdout.strip()) == 64
    assert printed[0].stdout == printed[1].stdout


def test_the_order_of_rows_in_a_file_changes_no_draw(model: Model, tmp_path: Path) -> None:
    shutil.copytree(PRIORS_FOLDER, tmp_path / "priors")
    file = tmp_path / "priors" / "likelihoods.csv"
    head, *lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join([head, *reversed(lines)]), encoding="utf-8")
    turned, fever = load_model(folder=tmp_path / "priors"), Key(PROBABILITY, "fever", PRESENT)
    assert turned.digest == model.digest
    first, second = (draw_parameters(m.priors, m.digest, FEW, tmp_path / "kept") for m in (model, turned))
    assert np.array_equal(first.per_cause(fever), second.per_cause(fever))


def test_a_changed_interval_alone_is_drawn_anew(model: Model, tmp_path: Path) -> None:
    shutil.copytree(PRIORS_FOLDER, tmp_path / "priors")
    file = tmp_path / "priors" / "prevalence.csv"
    text = file.read_text(encoding="utf-8")
    assert text.count("0.80,0.70,0.90") == 1
    file.write_text(text.replace("0.80,0.70,0.90", "0.80,0.65,0.90"), encoding="utf-8")
    changed = load_model(folder=tmp_path / "priors")
    draw_parameters(model.priors, model.digest, FEW, tmp_path / "kept")
    found = draw_parameters(changed.priors, changed.digest, FEW, tmp_path / "kept")
    assert same(found, draw_parameters(changed.priors, changed.digest, FEW))
    assert np.quantile(found.prevalences()[0], 0.025) < 0.68


# Kept between runs


def kept_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("draws-*.npz"))


@pytest.fixture
def no_drawing(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function after which nothing can be drawn any more."""

    def refuse(dimensions: int, settings: DrawSettings) -> np.ndarray:
        raise AssertionError("drawn again")

    return lambda: monkeypatch.setattr("model.draws.uniforms", refuse)


def test_what_is_read_back_is_what_was_drawn(draw: Drawer, tmp_path: Path, no_drawing: Callable[[], None]) -> None:
    fresh, first = draw(), draw(folder=tmp_path)
    no_drawing()
    read = draw(folder=tmp_path)
    assert same(fresh, first)
    assert same(fresh, read)
    assert not any(array.flags.writeable for array in (read.values, *read.arrays.values()))
    assert len(kept_files(tmp_path)) == 1


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"size": 128}, {"method": SOBOL}, {"method": PLAIN}, {"replicates": 8}],
    ids=["seed", "size", "sobol", "plain", "replicates"],
)
def test_another_setting_is_kept_apart(draw: Drawer, tmp_path: Path, change: dict) -> None:
    settings = replace(FEW, **change)
    draw(folder=tmp_path)
    found = draw(settings, folder=tmp_path)
    assert len(kept_files(tmp_path)) == 2
    assert found.settings == settings
    assert same(found, draw(settings))


def test_another_digest_is_kept_apart(draw: Drawer, tmp_path: Path) -> None:
    assert {draw(folder=tmp_path, digest=digest).digest for digest in ("one", "two")} == {"one", "two"}
    assert len(kept_files(tmp_path)) == 2


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("not an archive"),
    "cut_short": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "a_byte_flipped": flip_a_byte,
    "of_another_key": lambda path: np.savez(path, key=np.array("other"), values=np.zeros((2, 2))),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_drawn_again(
    draw: Drawer, tmp_path: Path, damage: Callable[[Path], object], no_drawing: Callable[[], None]
) -> None:
    fresh = draw(folder=tmp_path)
    (file,) = kept_files(tmp_path)
    whole = file.read_bytes()
    damage(file)
    assert file.read_bytes() != whole
    assert same(draw(folder=tmp_path), fresh)
    no_drawing()
    assert same(draw(folder=tmp_path), fresh)


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(draw: Drawer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert same(draw(folder=tmp_path / "file"), draw())


def test_a_model_keeps_its_draws_where_the_environment_says(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LASEGUE_CACHE", str(tmp_path))
    found = replace(model).draws
    assert found.settings == DrawSettings()
    assert found.digest == model.digest
    assert len(kept_files(tmp_path)) == 1
    monkeypatch.setenv("LASEGUE_CACHE", "off")
    assert same(replace(model).draws, found)
    assert len(list(tmp_path.iterdir())) == 1
