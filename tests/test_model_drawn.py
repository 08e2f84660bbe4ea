"""Posteriors under draws of the numbers: each draw is a network of its own, and bands over them with their error.

Oracles: variable elimination on networks built draw by draw, numpy's quantiles, the spread over seeds.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from networks import possible_evidence
from scipy import stats

from model import Case, Model, parse_case
from model.banded import Bands, bands
from model.build import BINARY
from model.case import stages
from model.cpds import finding_rows
from model.differential import diagnose
from model.drawn import DrawnAnswer, drawn_posteriors
from model.draws import LATIN, METHODS, DrawnParameters, DrawSettings, draw_parameters
from model.elimination import EliminationEngine
from model.engine import Answer
from model.errors import BadCase, BadEvidence, ImpossibleEvidence, UnknownName
from model.evidence import Evidence
from model.intervals import Interval, interval
from model.network import CPD, Network
from model.parameters import CAUDA_EQUINA_KEY, Parameters, StatedParameters
from priors import available_profiles
from priors.records import ABSENT, AGE, CAUDA_EQUINA, CAUSE, CONTEXT_NODES, PRESENT, PROBABILITY, SEX, Key

FEW = DrawSettings(64, replicates=4)
TARGETS = (CAUSE, CAUDA_EQUINA)
SLR, CROSSED = "straight_leg_raise_positive", "crossed_slr_positive"
OLD_MAN_WITH_FEVER = Evidence(
    ((AGE, "age_65_79"), (SEX, "male"), ("fever", PRESENT), (SLR, ABSENT)), (("night_pain", 3.0), ("smoking", 0.2))
)

per_profile = pytest.mark.parametrize("profile", available_profiles())


@pytest.fixture(scope="module")
def few(model: Model) -> DrawnParameters:
    return draw_parameters(model.priors, model.digest, FEW)


def case_evidence(model: Model, cases: Mapping[str, Case]) -> list[Evidence]:
    """Return what is known at every stage of every case file."""
    return [stage.evidence for case in cases.values() for stage in stages(case, model.priors.structure)]


def patients(network: Network, count: int, hidden: Sequence[str] = ()) -> list[Evidence]:
    """Return evidence of simulated patients, latents and complication included, with unsure reports among it."""
    rng, found = np.random.default_rng(7), []
    for _ in range(count):
        drawn = possible_evidence(rng, network, int(rng.integers(0, 25)), int(rng.integers(0, 5)))
        found.append(replace(drawn, observed=tuple(item for item in drawn.observed if item[0] not in hidden)))
    return found


def ask(model: Model, parameters: Parameters, evidence: Evidence, nodes: Sequence[str] = TARGETS) -> DrawnAnswer:
    return drawn_posteriors(model.network, parameters, evidence, nodes)


def eliminate(network: Network, evidence: Evidence, nodes: Sequence[str] = TARGETS) -> Answer:
    return EliminationEngine().query(network, evidence, nodes)


def assert_draw_equals(found: DrawnAnswer, draw: int, expected: Answer, tolerance: float) -> None:
    assert found.log_evidence[draw] == pytest.approx(expected.log_evidence, abs=tolerance)
    for one, other in zip(found.posteriors, expected.posteriors, strict=True):
        assert (one.node, one.states) == (other.node, other.states)
        assert np.abs(one.probs[:, draw] - other.probs).max() < tolerance, one.node


# The stated numbers are one draw


@per_profile
def test_stated_numbers_give_the_stated_posterior_of_every_case_file(
    models: Mapping[str, Model], cases: Mapping[str, Case], profile: str
) -> None:
    model = models[profile]
    for evidence in (Evidence(), *case_evidence(model, cases)):
        found = ask(model, StatedParameters(model.priors), evidence)
        assert_draw_equals(found, 0, eliminate(model.network, evidence), 1e-12)


@per_profile
def test_stated_numbers_give_the_stated_posteriors_of_simulated_patients(
    models: Mapping[str, Model], profile: str
) -> None:
    model, rng = models[profile], np.random.default_rng(1)
    names, seen = [node.name for node in model.network.nodes], set()
    for evidence in patients(model.network, 40):
        asked = tuple(dict.fromkeys((*TARGETS, *(str(name) for name in rng.choice(names, 3)))))
        found = ask(model, StatedParameters(model.priors), evidence, asked)
        assert_draw_equals(found, 0, eliminate(model.network, evidence, asked), 1e-12)
        observed = dict(evidence.observed)
        seen |= {"no age" if AGE not in observed else "age", "unsure" if evidence.unsure else "sure"}
        seen |= {f"{name} observed" for name in TARGETS if name in observed}
    assert seen == {"no age", "age", "unsure", "sure", "cause observed", "cauda_equina_syndrome observed"}


# Each draw is a network


def one_draw(drawn: DrawnParameters, draw: int) -> DrawnParameters:
    """Return one draw taken out."""
    arrays = {name: array[..., draw : draw + 1] for name, array in drawn.arrays.items()}
    return replace(drawn, values=drawn.values[:, draw : draw + 1], arrays=arrays)


def network_of(model: Model, parameters: Parameters) -> Network:
    """Return the network whose tables hold the numbers of the first draw."""

    def binary(present: np.ndarray) -> np.ndarray:
        return np.stack([present[..., 0], 1 - present[..., 0]], axis=-1)

    structure, states = parameters.structure, {node.name: node.states for node in model.network.nodes}
    tables = [CPD(CAUSE, (), parameters.prevalences()[:, 0])]
    tables += [CPD(CAUDA_EQUINA, (CAUSE,), binary(parameters.per_cause(CAUDA_EQUINA_KEY)))]
    for node in (*CONTEXT_NODES, *structure.syndromes):
        tables.append(CPD(node, (CAUSE,), parameters.shares(node)[..., 0]))
    for finding in structure.findings.values():
        rows = finding_rows(parameters, finding, states)
        tables.append(CPD(finding.name, rows.parents, binary(rows.present)))
    return Network(model.network.nodes, tuple(tables))


@per_profile
def test_each_draw_answers_as_the_network_of_its_numbers(
    models: Mapping[str, Model], cases: Mapping[str, Case], profile: str
) -> None:
    model = models[profile]
    drawn = draw_parameters(model.priors, model.digest, FEW)
    networks = {draw: network_of(model, one_draw(drawn, draw)) for draw in range(0, 60, 6)}
    assert len(networks) == 10
    asked = (*TARGETS, "fever", "mri_lumbar_normal", "systemic_illness", SLR)
    for evidence in (Evidence(), OLD_MAN_WITH_FEVER, *patients(model.network, 5), *case_evidence(model, cases)[:6]):
        found = ask(model, drawn, evidence, asked)
        for draw, network in networks.items():
            assert_draw_equals(found, draw, eliminate(network, evidence, asked), 1e-10)


def test_nothing_known_gives_the_drawn_prevalences(model: Model, few: DrawnParameters) -> None:
    found = ask(model, few, Evidence())
    assert np.abs(found.posteriors[0].probs - few.prevalences()).max() < 1e-12
    assert np.abs(found.log_evidence).max() < 1e-12


def test_given_a_cause_each_finding_has_its_drawn_number(model: Model, few: DrawnParameters) -> None:
    structure = model.priors.structure
    for i, cause in enumerate(structure.cause_names):
        known = Evidence(((CAUSE, cause),))
        for finding in structure.findings.values():
            if not finding.cauda_equina and finding.possible_if is None:
                drawn = few.per_cause(Key(PROBABILITY, finding.name, PRESENT))[i]
                found = ask(model, few, known, [finding.name]).posteriors[0].probs[0]
                assert np.abs(found - drawn).max() < 1e-10, (finding.name, cause)


def test_every_posterior_sums_to_one_under_every_draw(model: Model, few: DrawnParameters) -> None:
    for evidence in patients(model.network, 10):
        for posterior in ask(model, few, evidence, (*TARGETS, SLR, "fever")).posteriors:
            assert posterior.probs.shape == (len(posterior.states), FEW.size)
            assert np.abs(posterior.probs.sum(axis=0) - 1).max() < 1e-12


def test_an_observed_node_is_certain_under_every_draw(model: Model, few: DrawnParameters) -> None:
    evidence = Evidence((("fever", ABSENT), (AGE, "age_50_64"), (CAUDA_EQUINA, PRESENT)))
    answer = ask(model, few, evidence, (CAUSE, "fever", AGE, CAUDA_EQUINA))
    assert [posterior.node for posterior in answer.posteriors] == [CAUSE, "fever", AGE, CAUDA_EQUINA]
    for posterior, (_, state) in zip(answer.posteriors[1:], evidence.observed, strict=True):
        certain = np.array([float(name == state) for name in posterior.states])
        assert np.array_equal(posterior.probs, np.tile(certain[:, None], FEW.size)), posterior.node
    alone = ask(model, few, evidence, ("fever",))
    assert np.abs(alone.log_evidence - answer.log_evidence).max() < 1e-10


# What is refused

CONTRADICTIONS = {
    "crossed_without_slr": ((CROSSED, PRESENT), (SLR, ABSENT)),
    "male_with_cyclic_pain": ((SEX, "male"), ("cyclic_with_menstruation", PRESENT)),
    "high_esr_without_esr": (("esr_over_50", PRESENT), ("esr_raised", ABSENT)),
}


@pytest.mark.parametrize("findings", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_impossible_evidence_is_named(
    model: Model, few: DrawnParameters, findings: tuple[tuple[str, str], ...]
) -> None:
    evidence = Evidence((("fever", PRESENT), *findings, (AGE, "age_35_49")), (("night_pain", 2.0),))
    for nodes in (TARGETS, ("fever",)):
        with pytest.raises(ImpossibleEvidence) as caught:
            ask(model, few, evidence, nodes)
        assert set(caught.value.findings) == set(findings)


@pytest.mark.parametrize(
    ("evidence", "nodes", "error", "words"),
    [
        pytest.param(Evidence(), ("feverr",), UnknownName, "'feverr'.*fever", id="asked"),
        pytest.param(Evidence((("feverr", PRESENT),)), TARGETS, UnknownName, "'feverr'.*fever", id="observed"),
        pytest.param(Evidence((("fever", "yes"),)), TARGETS, UnknownName, "state of fever 'yes'", id="state"),
        pytest.param(Evidence((), (("feverr", 2.0),)), TARGETS, UnknownName, "'feverr'", id="unsure"),
        pytest.param(Evidence((("fever", PRESENT),), (("fever", 2.0),)), TARGETS, BadEvidence, "twice", id="twice"),
        pytest.param(Evidence((), (("fever", 0.0),)), TARGETS, BadEvidence, "above 0", id="ratio_of_nothing"),
        pytest.param(Evidence((), ((AGE, 2.0),)), TARGETS, BadEvidence, "two states", id="unsure_age"),
    ],
)
def test_what_the_network_lacks_is_refused(
    model: Model, few: DrawnParameters, evidence: Evidence, nodes: tuple[str, ...], error: type, words: str
) -> None:
    with pytest.raises(error, match=words):
        ask(model, few, evidence, nodes)


# Intervals


KNOWN = {"normal": stats.norm(), "uniform": stats.uniform(), "skewed": stats.lognorm(1.5), "share": stats.beta(0.5, 9)}


@pytest.mark.parametrize("distribution", KNOWN.values(), ids=KNOWN)
def test_ends_are_the_quantiles_of_all_draws(distribution: stats.rv_continuous) -> None:
    draws = distribution.rvs(1000, random_state=np.random.default_rng(1))
    found = interval(draws, 8)
    assert (found.low, found.high) == tuple(np.quantile(draws, [0.025, 0.975]))
    even = np.random.default_rng(2).permutation(distribution.ppf((np.arange(10_000) + 0.5) / 10_000))
    ends = interval(even, 8)
    assert tuple(distribution.cdf([ends.low, ends.high])) == pytest.approx((0.025, 0.975), abs=1e-4)


@pytest.mark.parametrize("distribution", KNOWN.values(), ids=KNOWN)
def test_the_error_told_is_the_spread_over_seeds(distribution: stats.rv_continuous) -> None:
    draws = distribution.rvs((300, 1024), random_state=np.random.default_rng(3))
    found = [interval(one, 8) for one in draws]
    for end in ("low", "high"):
        told = np.mean([getattr(one, f"{end}_error") for one in found])
        actual = np.std([getattr(one, end) for one in found], ddof=1)
        assert told / actual == pytest.approx(1, abs=0.25), end


def test_an_error_by_hand() -> None:
    # 0 to 199, the lower half first: 5 of its 100 are at or below 4.975, none of the other's, so the share has the
    # error 0.05 / 2; both quantiles rise by 199 for a share of one.
    found = interval(np.arange(200.0), 2)
    ends = (found.low, found.high, found.low_error, found.high_error)
    assert ends == pytest.approx((4.975, 194.025, 0.025 * 199, 0.025 * 199))


def test_the_error_is_between_replicates_and_not_within() -> None:
    # Every replicate the same: nothing differs between them, whatever the spread within.
    draws = np.tile(np.random.default_rng(4).normal(size=128), 8)
    found = interval(draws, 8)
    assert (found.low_error, found.high_error) == (0, 0)
    assert found.high - found.low > 3
    apart = interval(np.sort(draws), 8)  # replicates that hold nothing alike
    assert min(apart.low_error, apart.high_error) > 0.1


@pytest.mark.parametrize("value", [0.0, 0.1, 1.0, 1e-300])
def test_a_constant_has_no_width_and_no_error(value: float) -> None:
    assert interval(np.full(64, value), 8) == Interval(value, value, 0, 0)


def end_errors(model: Model, seeds: int, settings: DrawSettings, evidence: Evidence) -> np.ndarray:
    """Return the error told, averaged over seeds, over the actual spread: shape (causes and complication, ends)."""
    found = []
    for seed in range(seeds):
        drawn = draw_parameters(model.priors, model.digest, replace(settings, seed=seed))
        answer = ask(model, drawn, evidence)
        rows = np.concatenate([answer.posteriors[0].probs, answer.posteriors[1].probs[:1]])
        ends = [interval(row, settings.replicates) for row in rows]
        found.append([[(one.low, one.low_error), (one.high, one.high_error)] for one in ends])
    table = np.array(found)
    return table[..., 1].mean(axis=0) / table[..., 0].std(axis=0, ddof=1)


def assert_errors_are_honest(ratios: np.ndarray) -> None:
    # A spread over 20 seeds is itself known to 16 %: the middle over causes is held close, a single one loosely.
    assert 1 / 1.25 < np.exp(np.log(ratios).mean()) < 1.25
    assert (ratios[:-1].mean(axis=0) < 1.6).all()
    assert ratios.min() > 1 / 1.6
    assert ratios.max() < 2.5


def test_the_error_told_of_a_posterior_is_its_spread_over_seeds(model: Model) -> None:
    assert_errors_are_honest(end_errors(model, 20, DrawSettings(512), OLD_MAN_WITH_FEVER))


@pytest.mark.slow
@pytest.mark.parametrize("evidence", [Evidence(), OLD_MAN_WITH_FEVER], ids=["prior", "posterior"])
@pytest.mark.parametrize("method", METHODS)
def test_the_error_told_is_the_spread_over_seeds_for_every_method(
    model: Model, method: str, evidence: Evidence
) -> None:
    assert_errors_are_honest(end_errors(model, 20, DrawSettings(method=method), evidence))


# Bands


def outside(model: Model, evidence: Evidence) -> list[str]:
    """Return the causes, and the complication, whose posterior at the stated numbers lies outside its band."""
    cause, complication = eliminate(model.network, evidence).posteriors
    found = bands(model, evidence)
    points = cause.as_dict() | {CAUDA_EQUINA: complication.as_dict()[PRESENT]}
    ends = {**found.posterior, **found.complications}
    return [name for name, p in points.items() if not ends[name].low - 1e-12 <= p <= ends[name].high + 1e-12]


@per_profile
def test_the_posterior_of_a_case_lies_in_its_band(
    models: Mapping[str, Model], cases: Mapping[str, Case], profile: str
) -> None:
    # The point is no median of the draws, so nothing forces this; measured: all 375 a profile, in each of four.
    model = models[profile]
    known = case_evidence(model, cases)
    misses = [name for evidence in known for name in outside(model, evidence)]
    assert len(misses) <= 0.01 * len(known) * 15, misses


@per_profile
def test_the_posterior_of_a_simulated_patient_lies_in_its_band(models: Mapping[str, Model], profile: str) -> None:
    model = models[profile]
    known = patients(model.network, 50, hidden=(CAUSE, CAUDA_EQUINA))
    misses = [name for evidence in known for name in outside(model, evidence)]
    assert len(misses) <= 0.01 * len(known) * 15, misses


def test_bands_are_intervals_of_every_cause_and_the_complication(model: Model) -> None:
    found = bands(model, OLD_MAN_WITH_FEVER)
    cause, complication = ask(model, model.draws, OLD_MAN_WITH_FEVER).posteriors
    assert tuple(found.posterior) == model.priors.structure.cause_names
    for state, probs in zip(cause.states, cause.probs, strict=True):
        assert found.posterior[state] == interval(probs, 8)
    assert BINARY[0] == complication.states[0] == PRESENT
    assert found.complications == {CAUDA_EQUINA: interval(complication.probs[0], 8)}


def test_a_cause_that_is_known_has_a_band_of_no_width(model: Model) -> None:
    found = bands(model, Evidence(((CAUSE, "spinal_cyst"),)))
    for cause, ends in found.posterior.items():
        certain = float(cause == "spinal_cyst")
        assert ends == Interval(certain, certain, 0, 0), cause
    assert 0 < found.complications[CAUDA_EQUINA].low < found.complications[CAUDA_EQUINA].high < 1


def test_the_prior_band_of_disc_herniation_is_the_case_reports(model: Model) -> None:
    disc = bands(model, Evidence()).posterior["disc_herniation"]
    assert (disc.low, disc.high) == pytest.approx((0.70, 0.90), abs=0.01)
    assert 0 < max(disc.low_error, disc.high_error) < 0.01


@per_profile
def test_no_upper_band_of_a_serious_cause_falls_below_its_stated_prevalence(
    models: Mapping[str, Model], profile: str
) -> None:
    # A Beta or Dirichlet would put it there; a rule that stops asking would then be falsely safe.
    model = models[profile]
    found = bands(model, Evidence()).posterior
    for cause in ("spinal_malignancy", "spinal_infection", "buttock_sarcoma", "vertebral_fracture"):
        assert found[cause].high > 2 * model.priors.number(Key(PROBABILITY, CAUSE, cause)), cause


# A case with intervals


def assert_intervals(printed: dict, expected: Bands | None) -> None:
    assert expected is not None
    assert printed["intervals"] == expected.as_dict()
    assert printed["intervals"]["posterior"].keys() == printed["posterior"].keys()
    assert printed["intervals"]["complications"].keys() == printed["complications"].keys()
    for numbers in printed["intervals"]["posterior"].values():
        assert numbers.keys() == {"low", "high", "low_error", "high_error"}
        assert 0 <= numbers["low"] <= numbers["high"] <= 1
        assert all(math.isfinite(x) for x in numbers.values())


def test_a_case_has_intervals_as_it_stands_and_after_each_step(model: Model, seed_case: Case) -> None:
    result = diagnose(model, seed_case, intervals=True)
    printed = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert len(printed["steps"]) == len(result.steps) == 5
    for step, found in zip(printed["steps"], result.steps, strict=True):
        assert_intervals(step, found.bands)
    assert_intervals(printed, result.final.bands)
    evidence = [stage.evidence for stage in stages(seed_case, model.priors.structure)]
    assert [result.initial.bands, *(step.bands for step in result.steps)] == [bands(model, known) for known in evidence]
    assert result.prior.bands == bands(model, Evidence())


def test_a_case_without_steps_has_intervals(model: Model) -> None:
    case = parse_case({"age": 45, "present": ["fever"]}, model.priors.structure)
    printed = diagnose(model, case, intervals=True).as_dict()
    assert "steps" not in printed
    known = Evidence(((AGE, "age_35_49"), ("fever", PRESENT)))
    assert printed["intervals"] == bands(model, known).as_dict()


def test_intervals_change_no_posterior_and_come_only_when_asked(model: Model, seed_case: Case) -> None:
    plain, banded = diagnose(model, seed_case).as_dict(), diagnose(model, seed_case, intervals=True).as_dict()
    for printed in (banded, *banded["steps"]):
        del printed["intervals"]
    assert banded == plain


def test_a_contradicting_case_is_refused_with_its_step(model: Model) -> None:
    steps = [{"label": "leg raise", "absent": [SLR], "present": [CROSSED]}]
    with pytest.raises(BadCase, match=f"step 1, leg raise: .* together: .*{SLR}"):
        diagnose(model, parse_case({"steps": steps}, model.priors.structure), intervals=True)


def test_the_usual_draws_are_latin(model: Model) -> None:
    assert (model.draws.settings.method, model.draws.settings.replicates) == (LATIN, 8)
