"""The compiled engine gives the answers of elimination, of pgmpy and of enumeration, and says when it cannot.
Tables kept between runs change no answer, whatever became of their file.
"""

import io
import math
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import (
    BINARY,
    asia,
    clinical_cases,
    hub,
    many_findings,
    mirrored,
    possible_evidence,
    random_network,
    sprinkler,
    toy_networks,
    zero_chain,
)
from pgmpy.inference import VariableElimination

from model import Case, Model, cache, stored
from model import hub as hub_module
from model.cache import cache_folder, cached_arrays
from model.case import stages
from model.compiled import Compiled, compile_network
from model.compiled_engine import KEPT_NETWORKS, CompiledEngine, compile_targets
from model.elimination import EliminationEngine
from model.engine import Answer
from model.engines import engine_named
from model.errors import BadEvidence, ImpossibleEvidence, NoSmallHub, UnknownName
from model.evidence import Evidence
from model.hub import find_hub
from model.network import CPD, Network, Node
from model.pgmpy_bridge import to_pgmpy
from model.stored import compile_stored, content_digest
from model.targets import targets_of
from priors import available_profiles
from priors.records import CAUDA_EQUINA, CAUSE

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

ENGINE = CompiledEngine()
HUB = hub()
NETWORKS = toy_networks()
KINDS = {"nothing": (0, 0), "one": (1, 0), "three": (3, 0), "unsure": (0, 3), "hard_and_unsure": (2, 2)}
CASE_NAMES = sorted(path.stem for path in (Path(__file__).parent.parent / "validation" / "cases").glob("*.json"))
TARGETS = (CAUDA_EQUINA, CAUSE)
TOLERANCE = 1e-12
REPORTS = np.array([1e-300, 1e-9, 0.3, 1.0, 4.0, 1e9, 1e300])


def names_of(network: Network) -> list[str]:
    return [node.name for node in network.nodes]


def for_targets(*targets: str) -> CompiledEngine:
    """Return an engine that compiles for other targets than cause and complication."""
    return CompiledEngine(lambda network: compile_network(network, targets))


def assert_same_answer(answer: Answer, expected: Answer, tolerance: float = TOLERANCE) -> None:
    assert answer.log_evidence == pytest.approx(expected.log_evidence, abs=tolerance, rel=tolerance)
    for ours, theirs in zip(answer.posteriors, expected.posteriors, strict=True):
        assert (ours.node, ours.states) == (theirs.node, theirs.states)
        assert ours.probs == pytest.approx(theirs.probs, abs=tolerance)


def assert_equals_oracle(answer: Answer, network: Network, evidence: Evidence) -> None:
    joint = oracle.joint_with(network, evidence)
    assert answer.log_evidence == pytest.approx(math.log(joint.sum()), abs=TOLERANCE)
    for posterior in answer.posteriors:
        axis = names_of(network).index(posterior.node)
        sums = joint.sum(axis=tuple(other for other in range(joint.ndim) if other != axis))
        assert posterior.probs == pytest.approx(sums / joint.sum(), abs=TOLERANCE)


@contextmanager
def hub_limits(**limits: int) -> Iterator[None]:
    """Set limits of `model.hub`, so that small networks need shared nodes too."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in limits.items():
            patch.setattr(hub_module, name, value)
        yield


@lru_cache(maxsize=8)
def inference_of(network: Network) -> VariableElimination:
    return VariableElimination(to_pgmpy(network))


def by_pgmpy(network: Network, evidence: Evidence) -> dict[str, np.ndarray]:
    """Return pgmpy's posterior of each target: its joint with the unsure nodes, weighted by their reports."""
    names = [*TARGETS, *(name for name, _ in evidence.unsure)]
    factor = inference_of(network).query(names, evidence=dict(evidence.observed), show_progress=False)
    assert all(tuple(factor.state_names[name]) == network.node(name).states for name in names)
    joint = np.moveaxis(factor.values, [factor.variables.index(name) for name in names], range(len(names)))
    for _, ratio in reversed(evidence.unsure):
        joint = joint @ np.array([ratio, 1.0])
    joint = joint / joint.sum()
    return {name: joint.sum(axis=1 - axis) for axis, name in enumerate(TARGETS)}


def log_evidence_by_pgmpy(network: Network, observed: Sequence[tuple[str, str]]) -> float:
    """Return the sum of ln P(finding | findings before it), one query each."""
    total = 0.0
    for i, (name, state) in enumerate(observed):
        factor = inference_of(network).query([name], evidence=dict(observed[:i]), show_progress=False)
        total += math.log(factor.get_value(**{name: state}))
    return total


# The network of the project


@pytest.mark.parametrize("name", CASE_NAMES)
def test_every_stage_of_a_case_as_by_elimination_under_every_profile(
    models: Mapping[str, Model], cases: Mapping[str, Case], name: str
) -> None:
    for model in models.values():
        for stage in stages(cases[name], model.priors.structure):
            answer = ENGINE.query(model.network, stage.evidence, TARGETS)
            assert answer.engine == "compiled"
            assert answer.remark == ""
            assert_same_answer(answer, EliminationEngine().query(model.network, stage.evidence, TARGETS))


@pytest.mark.parametrize("name", CASE_NAMES)
def test_every_stage_of_a_case_as_by_pgmpy(models: Mapping[str, Model], cases: Mapping[str, Case], name: str) -> None:
    model = models[cases[name].setting or "documents"]
    for stage in stages(cases[name], model.priors.structure):
        answer = ENGINE.query(model.network, stage.evidence, TARGETS)
        for posterior in answer.posteriors:
            expected = by_pgmpy(model.network, stage.evidence)[posterior.node]
            assert posterior.probs == pytest.approx(expected, abs=TOLERANCE)
        hard = Evidence(stage.evidence.observed)
        log_evidence = ENGINE.query(model.network, hard, ()).log_evidence
        assert log_evidence == pytest.approx(log_evidence_by_pgmpy(model.network, hard.observed), abs=1e-11)


@pytest.mark.parametrize("profile", available_profiles())
def test_five_hundred_generated_cases_as_by_elimination_and_pgmpy(models: Mapping[str, Model], profile: str) -> None:
    network = models[profile].network
    rng = np.random.default_rng([41, *profile.encode()])
    for number, evidence in enumerate(clinical_cases(rng, network, 500)):
        answer = ENGINE.query(network, evidence, TARGETS)
        assert_same_answer(answer, EliminationEngine().query(network, evidence, TARGETS))
        reference = by_pgmpy(network, evidence)
        for posterior in answer.posteriors:
            assert posterior.probs == pytest.approx(reference[posterior.node], abs=TOLERANCE)
        if number % 25 == 0:
            expected = log_evidence_by_pgmpy(network, evidence.observed)
            log_evidence = ENGINE.query(network, Evidence(evidence.observed), ()).log_evidence
            assert log_evidence == pytest.approx(expected, abs=1e-11)


def test_every_node_of_the_network_as_by_elimination(model: Model) -> None:
    nodes = names_of(model.network)
    for evidence in clinical_cases(np.random.default_rng(42), model.network, 20):
        answer = ENGINE.query(model.network, evidence, nodes)
        assert_same_answer(answer, EliminationEngine().query(model.network, evidence, nodes))


@pytest.mark.parametrize("observed", [("cause",), (CAUDA_EQUINA,), TARGETS, ("age", CAUSE), (*TARGETS, "age")], ids=str)
def test_an_observed_target_as_by_elimination(model: Model, observed: Sequence[str]) -> None:
    for evidence in clinical_cases(np.random.default_rng(43), model.network, 10):
        rest = tuple(item for item in evidence.observed if item[0] not in observed)
        for index in (0, 1):
            more = tuple((name, model.network.node(name).states[index]) for name in observed)
            asked = Evidence((*rest, *more), evidence.unsure)
            answer = ENGINE.query(model.network, asked, [*TARGETS, "age", "sex", "root_tension"])
            expected = EliminationEngine().query(model.network, asked, [*TARGETS, "age", "sex", "root_tension"])
            assert answer.engine == "compiled"
            assert_same_answer(answer, expected)


def test_age_is_the_only_other_node_of_the_hub(models: Mapping[str, Model]) -> None:
    for model in models.values():
        compiled = ENGINE.compiled(model.network)
        assert (compiled.hub.shared, compiled.hub.targets) == (("age",), TARGETS)
        assert compiled.table.nbytes < 10_000_000


# Agreement with the oracle


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kind", KINDS)
def test_equals_enumeration(name: str, kind: str) -> None:
    rng, network = np.random.default_rng(51), NETWORKS[name]
    for _ in range(4):
        evidence = possible_evidence(rng, network, *KINDS[kind])
        assert_equals_oracle(ENGINE.query(network, evidence, names_of(network)), network, evidence)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_single_state_equals_enumeration(name: str) -> None:
    network = NETWORKS[name]
    for node in network.nodes:
        for state, chance in oracle.posterior(network, Evidence(), node.name).items():
            evidence = Evidence(((node.name, state),))
            if chance > 0:
                assert_equals_oracle(ENGINE.query(network, evidence, names_of(network)), network, evidence)


@pytest.mark.parametrize("targets", [*permutations(names_of(zero_chain()), 2), ("sign",), ()], ids=str)
def test_any_targets_give_the_same_answers(targets: Sequence[str]) -> None:
    network, rng = zero_chain(), np.random.default_rng(52)
    for kind in KINDS.values():
        evidence = possible_evidence(rng, network, *kind)
        answer = for_targets(*targets).query(network, evidence, names_of(network))
        assert_equals_oracle(answer, network, evidence)


@pytest.mark.parametrize("targets", [*combinations(names_of(hub()), 2)], ids="-".join)
def test_any_pair_of_targets_of_the_hub_gives_the_same_answers(targets: Sequence[str]) -> None:
    network, rng = hub(), np.random.default_rng(53)
    engine = for_targets(*targets)
    for kind in KINDS.values():
        evidence = possible_evidence(rng, network, *kind)
        assert_same_answer(
            engine.query(network, evidence, names_of(network)),
            EliminationEngine().query(network, evidence, names_of(network)),
        )


@given(
    seed=st.integers(0, 2**32 - 1),
    num_nodes=st.integers(2, 6),
    zero_share=st.sampled_from([0.0, 0.2, 0.6]),
    num_hard=st.integers(0, 4),
    num_unsure=st.integers(0, 3),
    cells=st.sampled_from([0, 10, 40, 150, 4_000_000]),
    num_targets=st.integers(0, 2),
)
def test_random_networks_equal_enumeration(
    seed: int, num_nodes: int, zero_share: float, num_hard: int, num_unsure: int, cells: int, num_targets: int
) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(rng, num_nodes, 3, 3, zero_share)
    evidence = possible_evidence(rng, network, num_hard, num_unsure)
    targets = rng.permutation(names_of(network))[:num_targets].tolist()
    with hub_limits(MAX_BLOCK_CELLS=cells):
        answer = for_targets(*targets).query(network, evidence, names_of(network))
    assert_equals_oracle(answer, network, evidence)


@given(seed=st.integers(0, 2**32 - 1), zero_share=st.sampled_from([0.0, 0.5]))
def test_a_hidden_node_that_is_asked_or_observed_equals_enumeration(seed: int, zero_share: float) -> None:
    rng = np.random.default_rng(seed)
    plain = random_network(rng, 5, 3, 3, zero_share)
    hidden = set(rng.permutation(names_of(plain))[:2])
    nodes = [Node(n.name, n.states, kind="syndrome" if n.name in hidden else "finding") for n in plain.nodes]
    network = Network(tuple(nodes), plain.cpds)
    evidence = possible_evidence(rng, network, int(rng.integers(0, 4)), 1)
    assert_equals_oracle(ENGINE.query(network, evidence, names_of(network)), network, evidence)


SHARED_LIMIT = {"hub": 300, "asia": 100, "random_0": 60, "random_3": 80, "random_4": 150}


@pytest.mark.parametrize("name", SHARED_LIMIT)
def test_any_part_of_the_shared_nodes_may_be_observed(name: str) -> None:
    network, rng = NETWORKS[name], np.random.default_rng(54)
    with hub_limits(MAX_BLOCK_CELLS=SHARED_LIMIT[name]):
        compiled = compile_targets(network)
    engine, shared = CompiledEngine(lambda _: compiled), compiled.hub.shared
    assert len(shared) >= 2
    assert compiled.hub.blocks
    for count in range(len(shared) + 1):
        for observed in combinations(shared, count):
            patient = dict(possible_evidence(rng, network, len(network.nodes), 0).observed)
            others = [n for n in names_of(network) if n not in shared and n not in compiled.hub.targets]
            more = [str(n) for n in rng.permutation(others)[:2]]
            for names in (observed, observed[::-1], (*more, *observed), (*observed, compiled.hub.targets[0])):
                evidence = Evidence(tuple((n, patient[n]) for n in names))
                answer = engine.query(network, evidence, names_of(network))
                assert answer.engine == "compiled"
                assert_equals_oracle(answer, network, evidence)


def test_a_hub_of_all_nodes_leaves_no_block() -> None:
    network, rng = asia(), np.random.default_rng(55)
    with hub_limits(MAX_BLOCK_CELLS=0):
        compiled = compile_targets(network)
    assert compiled.hub.blocks == ()
    for kind in KINDS.values():
        evidence = possible_evidence(rng, network, *kind)
        answer = CompiledEngine(lambda _: compiled).query(network, evidence, names_of(network))
        assert_equals_oracle(answer, network, evidence)


def test_blocks_depend_on_one_another_only_through_the_hub() -> None:
    for network in NETWORKS.values():
        with hub_limits(MAX_BLOCK_CELLS=60):
            found = find_hub(network, targets_of(network))
        home = {name: index for index, block in enumerate(found.blocks) for name in block.nodes}
        assert sorted([*found.nodes, *home]) == sorted(names_of(network))
        for cpd in network.cpds:
            assert len({home[name] for name in cpd.scope if name in home}) <= 1


@pytest.mark.parametrize(
    ("cells", "shared"),
    [(1944, ()), (1943, ("age",)), (485, ("age", "root_tension")), (323, ("age", "root_tension", "leg_raise"))],
    ids=["all_fit", "age", "and_root_tension", "and_leg_raise"],
)
def test_the_largest_block_gives_up_nodes_until_it_fits(cells: int, shared: tuple[str, ...]) -> None:
    # 6 states of the targets, rows of age 4, of each finding 3: 6*4*3**4 = 1944, 18*3**3 = 486, 36*3**2 = 324
    with hub_limits(MAX_BLOCK_CELLS=cells):
        assert find_hub(HUB, ("complication", "cause")).shared == shared


# Laws


@pytest.mark.parametrize("name", NETWORKS)
def test_order_of_evidence_and_of_nodes_does_not_matter(name: str) -> None:
    network, rng = NETWORKS[name], np.random.default_rng(61)
    turned = Network(network.nodes[::-1], network.cpds[::-1])
    for _ in range(5):
        evidence = possible_evidence(rng, network, 2, 2)
        expected = ENGINE.query(network, evidence, names_of(network))
        back = Evidence(evidence.observed[::-1], evidence.unsure[::-1])
        for other in (network, turned):
            assert_same_answer(ENGINE.query(other, back, names_of(network)), expected)


def test_order_of_evidence_does_not_matter_on_the_network(model: Model) -> None:
    rng = np.random.default_rng(62)
    for evidence in clinical_cases(rng, model.network, 50):
        observed = [evidence.observed[i] for i in rng.permutation(len(evidence.observed))]
        expected = ENGINE.query(model.network, evidence, TARGETS)
        assert_same_answer(
            ENGINE.query(model.network, Evidence(tuple(observed), evidence.unsure[::-1]), TARGETS), expected
        )


@pytest.mark.parametrize("name", NETWORKS)
def test_states_in_reverse_order_reverse_the_answer(name: str) -> None:
    network, rng = NETWORKS[name], np.random.default_rng(63)
    other = mirrored(network)
    for _ in range(5):
        evidence = possible_evidence(rng, network, 2, 2)
        turned = Evidence(evidence.observed, tuple((node, 1 / ratio) for node, ratio in evidence.unsure))
        expected, answer = (ENGINE.query(*asked, names_of(network)) for asked in ((network, evidence), (other, turned)))
        assert answer.log_evidence == pytest.approx(expected.log_evidence, abs=TOLERANCE)
        for one, two in zip(answer.posteriors, expected.posteriors, strict=True):
            assert one.as_dict() == pytest.approx(two.as_dict(), abs=TOLERANCE)


def test_answers_and_tables_are_read_only(model: Model) -> None:
    compiled = ENGINE.compiled(model.network)
    evidence = Evidence((("straight_leg_raise_positive", "present"),), (("slump_test_positive", 2.0),))
    nodes = [*TARGETS, "age", "sex", "root_tension", "slump_test_positive", "straight_leg_raise_positive"]
    arrays = [posterior.probs for posterior in ENGINE.query(model.network, evidence, nodes).posteriors]
    for array in (*arrays, compiled.prior, compiled.table, compiled.narrow.rows, compiled.wide.rows):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_asking_again_gives_the_same_bits(model: Model) -> None:
    first, *others = clinical_cases(np.random.default_rng(64), model.network, 30)
    before = ENGINE.query(model.network, first, TARGETS)
    for evidence in others:
        ENGINE.query(model.network, evidence, TARGETS)
    after = ENGINE.query(model.network, first, TARGETS)
    assert after.log_evidence == before.log_evidence
    assert [p.probs.tolist() for p in after.posteriors] == [p.probs.tolist() for p in before.posteriors]


def test_answers_come_in_the_order_asked_even_twice() -> None:
    answer = ENGINE.query(asia(), Evidence((("xray", "yes"),)), ["lung", "xray", "asia", "lung"])
    assert [posterior.node for posterior in answer.posteriors] == ["lung", "xray", "asia", "lung"]
    assert answer.posteriors[0].probs.tolist() == answer.posteriors[3].probs.tolist()
    assert (answer.engine, ENGINE.query(asia(), Evidence(), ()).posteriors) == ("compiled", ())


# Unsure findings


def block_of(compiled: Compiled, name: str) -> tuple[str, ...]:
    return compiled.hub.blocks[compiled.places[name].block].observable


@pytest.mark.parametrize("extreme", REPORTS, ids="ratio_{:g}".format)
def test_unsure_findings_in_one_block_and_across(model: Model, extreme: float) -> None:
    block = block_of(ENGINE.compiled(model.network), "straight_leg_raise_positive")
    rng = np.random.default_rng(71)
    for count in (1, 3, len(block)):
        unsure = [(name, extreme if rng.random() < 0.7 else 1 / extreme) for name in block[:count]]
        evidence = Evidence(
            tuple((name, "present") for name in block[count:][:1]), (*unsure, ("fever", extreme), ("smoking", 0.2))
        )
        nodes = [*TARGETS, "age", block[0], block[-1], "fever", "root_tension"]
        answer = ENGINE.query(model.network, evidence, nodes)
        assert all(np.isfinite(posterior.probs).all() for posterior in answer.posteriors)
        assert_same_answer(answer, EliminationEngine().query(model.network, evidence, nodes))


@given(seed=st.integers(0, 2**32 - 1), ratios=st.lists(st.sampled_from(REPORTS.tolist()), min_size=4, max_size=4))
def test_unsure_findings_of_any_size_on_the_small_hub(seed: int, ratios: list[float]) -> None:
    rng = np.random.default_rng(seed)
    reported = rng.permutation(["leg_raise", "slump", "crossed_leg_raise", "saddle_numbness", "weak_pulse"])
    evidence = Evidence((), tuple(zip(map(str, reported), ratios, strict=False)))
    answer = ENGINE.query(HUB, evidence, names_of(HUB))
    assert_same_answer(answer, EliminationEngine().query(HUB, evidence, names_of(HUB)))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_likelihood_ratio_of_one_changes_no_posterior(name: str) -> None:
    network = NETWORKS[name]
    evidence = possible_evidence(np.random.default_rng(72), network, 1, 1)
    before = ENGINE.query(network, evidence, names_of(network))
    for node in network.nodes:
        if len(node.states) == 2 and node.name not in evidence.nodes:
            more = Evidence(evidence.observed, (*evidence.unsure, (node.name, 1.0)))
            after = ENGINE.query(network, more, names_of(network))
            assert after.log_evidence == pytest.approx(before.log_evidence - math.log(2), abs=TOLERANCE)
            for one, other in zip(before.posteriors, after.posteriors, strict=True):
                assert other.probs == pytest.approx(one.probs, abs=TOLERANCE)


def test_an_unsure_report_on_the_hub_is_answered_by_elimination() -> None:
    evidence = Evidence((("age", "old"),), (("complication", 3.0),))
    answer = ENGINE.query(HUB, evidence, names_of(HUB))
    assert answer.engine == "elimination"
    assert_equals_oracle(answer, HUB, evidence)


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence((("root_tension", "present"), ("age", "old"))),
        Evidence(unsure=(("root_tension", 3.0),)),
        Evidence(unsure=(("complication", 3.0),)),
    ],
    ids=["hidden_observed", "hidden_unsure", "target_unsure"],
)
def test_a_remark_says_why_elimination_answered(evidence: Evidence) -> None:
    # Answer.remark: why another than the one asked
    answer = ENGINE.query(HUB, evidence, ["cause"])
    assert answer.engine == "elimination"
    assert answer.remark


# Very small numbers


def test_forty_findings_of_one_in_a_billion() -> None:
    network = many_findings([(1e-9, 2e-9)] * 40, prior=0.3)
    answer = ENGINE.query(network, Evidence(tuple((f"finding_{i}", "present") for i in range(40))), ["cause"])
    # ln P = ln(0.3 * 1e-9^40 + 0.7 * 2e-9^40) = 40 ln 1e-9 + ln(0.3 + 0.7 * 2^40); odds = 0.3 / 0.7 / 2^40
    assert answer.engine == "compiled"
    assert answer.log_evidence == pytest.approx(40 * math.log(1e-9) + math.log(0.3 + 0.7 * 2**40), rel=1e-14, abs=0)
    odds = 0.3 / 0.7 / 2**40
    assert answer.posteriors[0].probs == pytest.approx([odds / (1 + odds), 1 / (1 + odds)], rel=1e-12, abs=0)


@pytest.mark.parametrize("count", [20, 21, 22, 23, 30, 34, 35, 36])
def test_the_sum_is_as_good_just_above_and_below_the_smallest(count: int) -> None:
    network = many_findings([(1e-9, 1e-9 * 2.0 ** (-1) ** i) for i in range(count)], prior=0.3)
    evidence = Evidence(tuple((f"finding_{i}", "present") for i in range(count)))
    odds = 0.3 / 0.7 * (1 if count % 2 == 0 else 0.5)
    answer = ENGINE.query(network, evidence, ["cause"])
    assert answer.posteriors[0].probs == pytest.approx([odds / (1 + odds), 1 / (1 + odds)], rel=1e-12, abs=0)
    assert answer.log_evidence == pytest.approx(
        count * math.log(1e-9) + math.log(0.3 + 0.7 * (1 if count % 2 == 0 else 2)), rel=1e-14, abs=0
    )


def test_forty_unsure_findings_of_one_in_a_billion() -> None:
    rare, ratio = 2.0**-30, 2.0**-40
    network = many_findings([(1 - rare, 1 - 2 * rare)] * 40, prior=0.3)
    answer = ENGINE.query(network, Evidence(unsure=tuple((f"finding_{i}", ratio) for i in range(40))), ["cause"])
    yes, no = ((ratio * (1 - absent) + absent) / (1 + ratio) for absent in (rare, 2 * rare))
    expected = 40 * math.log(yes) + math.log(0.3 + 0.7 * (no / yes) ** 40)
    assert answer.log_evidence == pytest.approx(expected, rel=1e-12, abs=0)
    odds = 0.3 / 0.7 * (yes / no) ** 40
    assert answer.posteriors[0].probs == pytest.approx([odds / (1 + odds), 1 / (1 + odds)], rel=1e-12, abs=0)


def test_every_finding_of_the_network_present(model: Model) -> None:
    findings = [node.name for node in model.network.nodes if node.kind == "finding"]
    for state in BINARY:
        observed = []
        for name in findings:  # some contradict one another
            try:
                ENGINE.query(model.network, Evidence((*observed, (name, state))), ())
            except ImpossibleEvidence:
                continue
            observed.append((name, state))
        assert len(observed) > 50
        evidence = Evidence(tuple(observed))
        assert_same_answer(
            ENGINE.query(model.network, evidence, [*TARGETS, "age", "sex"]),
            EliminationEngine().query(model.network, evidence, [*TARGETS, "age", "sex"]),
        )


# Impossible evidence


IMPOSSIBLE = [
    pytest.param(
        zero_chain(),
        Evidence((("disease", "c"), ("sign", "absent"), ("crossed_sign", "present"))),
        {"sign", "crossed_sign"},
        id="crossed_without_sign",
    ),
    pytest.param(
        hub(),
        Evidence(
            (("age", "old"), ("crossed_leg_raise", "present"), ("slump", "present"), ("leg_raise", "absent")),
            (("saddle_numbness", 3.0),),
        ),
        {"leg_raise", "crossed_leg_raise"},
        id="hub_with_unsure_report",
    ),
    pytest.param(
        hub(),
        Evidence((("crossed_leg_raise", "present"), ("leg_raise", "absent")), (("slump", 1e300),)),
        {"leg_raise", "crossed_leg_raise"},
        id="unsure_report_in_the_same_block",
    ),
    pytest.param(
        asia(),
        Evidence((("smoke", "yes"), ("either", "no"), ("xray", "no"), ("tub", "yes"))),
        {"either", "tub"},
        id="asia",
    ),
    pytest.param(
        sprinkler(),
        Evidence((("wet_grass", "yes"), ("cloudy", "no"), ("rain", "no"), ("sprinkler", "no"))),
        {"wet_grass", "rain", "sprinkler"},
        id="three_that_clash",
    ),
]


@pytest.mark.parametrize(("network", "evidence", "clash"), IMPOSSIBLE)
@pytest.mark.parametrize("asked", [["cloudy", "smoke", "age", "disease"], []], ids=["asking", "asking_nothing"])
@pytest.mark.parametrize("cells", [20, 4_000_000], ids=["shared_nodes", "no_shared_nodes"])
def test_impossible_evidence_names_what_clashes(
    network: Network, evidence: Evidence, clash: set[str], asked: list[str], cells: int
) -> None:
    with hub_limits(MAX_BLOCK_CELLS=cells), pytest.raises(ImpossibleEvidence, match="cannot hold together") as caught:
        CompiledEngine().query(network, evidence, [name for name in asked if name in network.by_name])
    assert set(caught.value.findings) == {item for item in evidence.observed if item[0] in clash}
    assert all(f"{node}={state}" in str(caught.value) for node, state in caught.value.findings)


@given(seed=st.integers(0, 2**32 - 1), cells=st.sampled_from([10, 60, 4_000_000]))
def test_evidence_is_refused_exactly_where_its_probability_is_zero(seed: int, cells: int) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(rng, 5, 3, 2, 0.4)
    names = [str(name) for name in rng.permutation(names_of(network))][:3]
    evidence = Evidence(tuple((name, str(rng.choice(network.node(name).states))) for name in names))
    with hub_limits(MAX_BLOCK_CELLS=cells):
        if oracle.log_evidence(network, evidence) == -math.inf:
            with pytest.raises(ImpossibleEvidence) as caught:
                CompiledEngine().query(network, evidence, names_of(network))
            assert oracle.log_evidence(network, Evidence(caught.value.findings)) == -math.inf
            for item in caught.value.findings:
                fewer = Evidence(tuple(other for other in caught.value.findings if other != item))
                assert oracle.log_evidence(network, fewer) > -math.inf
        else:
            answer = CompiledEngine().query(network, evidence, names_of(network))
            assert_equals_oracle(answer, network, evidence)


def test_a_cause_that_cannot_be_has_probability_zero() -> None:
    network = many_findings([(0.5, 0.0), (0.0, 0.4), (0.2, 0.3)])
    for state, finding in (("yes", "finding_0"), ("no", "finding_1")):
        answer = ENGINE.query(network, Evidence(((finding, "present"),)), names_of(network))
        assert answer.posteriors[0].as_dict()[state] == 1
        assert_equals_oracle(answer, network, Evidence(((finding, "present"),)))


# What is refused


BAD_EVIDENCE = [
    pytest.param(Evidence((("leg_rase", "present"),)), UnknownName, "did you mean leg_raise", id="unknown_node"),
    pytest.param(Evidence((("slump", "absnt"),)), UnknownName, "did you mean absent", id="unknown_state"),
    pytest.param(Evidence((("cause", "tumor"),)), UnknownName, "did you mean tumour", id="unknown_state_of_the_hub"),
    pytest.param(Evidence(unsure=(("slum", 2.0),)), UnknownName, "did you mean slump", id="unknown_unsure"),
    pytest.param(Evidence((("slump", "present"), ("slump", "absent"))), BadEvidence, "twice: slump", id="twice"),
    pytest.param(Evidence((("slump", "present"),) * 2), BadEvidence, "twice: slump", id="twice_the_same"),
    pytest.param(Evidence((("weak_pulse", "absent"),) * 9), BadEvidence, "twice: weak_pulse", id="nine_times"),
    pytest.param(Evidence((("cause", "disc"), ("cause", "tumour"))), BadEvidence, "twice: cause", id="target_twice"),
    pytest.param(Evidence((("root_tension", "present"),) * 2), BadEvidence, "twice: root_tension", id="hidden_twice"),
    pytest.param(
        Evidence((("slump", "present"),), (("slump", 2.0),)), BadEvidence, "twice: slump", id="observed_and_unsure"
    ),
    pytest.param(Evidence(unsure=(("slump", 2.0), ("slump", 3.0))), BadEvidence, "twice: slump", id="twice_unsure"),
    pytest.param(Evidence(unsure=(("slump", 0.0),)), BadEvidence, "slump: expected", id="ratio_zero"),
    pytest.param(Evidence(unsure=(("slump", -0.0),)), BadEvidence, "slump: expected", id="ratio_minus_zero"),
    pytest.param(Evidence(unsure=(("slump", math.inf),)), BadEvidence, "slump: expected", id="ratio_infinite"),
    pytest.param(Evidence(unsure=(("slump", math.nan),)), BadEvidence, "slump: expected", id="ratio_nan"),
    pytest.param(Evidence(unsure=(("slump", -2.0),)), BadEvidence, "slump: expected", id="ratio_negative"),
    pytest.param(Evidence(unsure=(("cause", 2.0),)), BadEvidence, "cause: .* two states", id="ratio_of_a_target"),
    pytest.param(Evidence(unsure=(("age", 2.0),)), BadEvidence, "age: .* two states", id="ratio_of_three_states"),
    pytest.param(Evidence(unsure=(("root_tension", 0.0),)), BadEvidence, "root_tension: expected", id="hidden_zero"),
]


@pytest.mark.parametrize(("evidence", "error", "message"), BAD_EVIDENCE)
@pytest.mark.parametrize("cells", [200, 4_000_000], ids=["shared_nodes", "no_shared_nodes"])
def test_bad_evidence_is_refused(evidence: Evidence, error: type[Exception], message: str, cells: int) -> None:
    with hub_limits(MAX_BLOCK_CELLS=cells), pytest.raises(error, match=message):
        CompiledEngine().query(HUB, evidence, ["cause"])


def test_an_unknown_node_asked_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"unknown node 'caus'; did you mean cause\?"):
        ENGINE.query(HUB, Evidence(), ["complication", "caus"])


def test_an_unknown_target_is_refused() -> None:
    with pytest.raises(UnknownName, match=r"unknown node 'caus'; did you mean cause\?"):
        compile_network(HUB, ["caus"])


# Networks without a small hub


def test_a_hub_of_too_many_states_is_refused_with_the_reason() -> None:
    with hub_limits(MAX_HUB_STATES=5), pytest.raises(NoSmallHub, match=r"\(complication, cause\) have 6 states"):
        compile_targets(HUB)
    with (
        hub_limits(MAX_HUB_STATES=6, MAX_BLOCK_CELLS=100),
        pytest.raises(NoSmallHub, match=r"\(complication, cause, \w+\) have \d+ states together"),
    ):
        compile_targets(HUB)


@pytest.mark.parametrize("limits", [{"MAX_HUB_STATES": 5}, {"MAX_HUB_STATES": 20, "MAX_CELLS": 10}], ids=str)
def test_without_a_small_hub_elimination_answers_and_says_why(limits: dict[str, int]) -> None:
    engine, rng = CompiledEngine(), np.random.default_rng(81)
    with hub_limits(**limits):
        for _ in range(3):
            evidence = possible_evidence(rng, HUB, 2, 1)
            answer = engine.query(HUB, evidence, names_of(HUB))
            assert answer.engine == "elimination"
            assert answer.remark.startswith("answered by elimination: ")
            assert "states together" in answer.remark
            assert_equals_oracle(answer, HUB, evidence)
        with pytest.raises(NoSmallHub, match="states together"):
            engine.compiled(HUB)


def test_refusing_again_and_again_takes_no_memory() -> None:
    engine, lengths = CompiledEngine(), []
    with hub_limits(MAX_HUB_STATES=5):
        for _ in range(5):
            with pytest.raises(NoSmallHub) as caught:
                engine.compiled(HUB)
            lengths.append(len(caught.traceback))
    assert lengths[-1] <= lengths[1]


def test_a_dense_network_is_answered_by_elimination() -> None:
    rng = np.random.default_rng(82)
    names = [f"node_{i}" for i in range(19)]
    cpds = [CPD(n, tuple(names[:i]), rng.dirichlet([1, 1], [2] * i)) for i, n in enumerate(names)]
    network = Network(tuple(Node(name, BINARY) for name in names), tuple(cpds))
    evidence = Evidence((("node_3", "present"), ("node_18", "absent")), (("node_9", 4.0),))
    answer = ENGINE.query(network, evidence, ["node_0", "node_5"])
    assert (answer.engine, "states together" in answer.remark) == ("elimination", True)
    assert_same_answer(answer, EliminationEngine().query(network, evidence, ["node_0", "node_5"]))


def test_more_networks_than_are_kept_asked_in_turn() -> None:
    rng = np.random.default_rng(83)
    networks = [random_network(rng, 4, 3, 2, 0.2) for _ in range(2 * KEPT_NETWORKS + 3)]
    compiled = []

    def count(network: Network) -> Compiled:
        compiled.append(network)
        return compile_targets(network)

    engine = CompiledEngine(count)
    for network in (*networks, *networks, *networks[-KEPT_NETWORKS:]):
        evidence = possible_evidence(rng, network, 1, 1)
        assert_equals_oracle(engine.query(network, evidence, names_of(network)), network, evidence)
    assert compiled == [*networks, *networks]


# Tables kept between runs


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that LASEGUE_CACHE names."""
    monkeypatch.setenv("LASEGUE_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


def never(network: Network, targets: Sequence[str]) -> Compiled:
    raise AssertionError("compiled again")


QUESTIONS = [possible_evidence(np.random.default_rng(seed), HUB, seed % 4, seed % 3) for seed in range(12)]


def bits(compiled: Compiled) -> list[object]:
    """Return all answers to the questions, to the bit."""
    engine = CompiledEngine(lambda _: compiled)
    answers = [engine.query(HUB, evidence, names_of(HUB)) for evidence in QUESTIONS]
    return [(a.log_evidence, [p.probs.tolist() for p in a.posteriors]) for a in answers]


@lru_cache
def made() -> list[object]:
    return bits(compile_targets(HUB))


def test_tables_read_back_give_the_same_bits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bits(compile_stored(HUB, cache_folder())) == made()
    assert len(list(folder.glob("tables-*.npz"))) == len(list(folder.iterdir())) == 1
    monkeypatch.setattr(stored, "compile_network", never)
    read = compile_stored(HUB, cache_folder())
    assert bits(read) == made()
    with pytest.raises(ValueError, match="read-only"):
        read.table[0] = 1.0


def test_the_engine_by_name_keeps_its_tables(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = engine_named("compiled").query(HUB, QUESTIONS[5], names_of(HUB))
    monkeypatch.setattr(stored, "compile_network", never)
    second = engine_named("compiled").query(HUB, QUESTIONS[5], names_of(HUB))
    assert second.log_evidence == first.log_evidence
    assert [p.probs.tolist() for p in second.posteriors] == [p.probs.tolist() for p in first.posteriors]


def zipped(**arrays: object) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def flipped(whole: bytes, where: int, to: int) -> bytes:
    return whole[:where] + bytes([to]) + whole[where + 1 :]


def arrays_of(whole: bytes) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(whole)) as kept:
        return dict(kept)


def with_garbled_header(whole: bytes) -> bytes:
    """Return the file with the brace that closes the description of its last array lost."""
    return flipped(whole, whole.index(b"}", whole.rindex(b"{'descr'")), ord(" "))


def encrypted(whole: bytes) -> bytes:
    """Return the file with its last entry marked as encrypted in the directory at its end."""
    return flipped(whole, whole.rindex(b"PK\x01\x02") + 8, 1)


def with_a_lost_name(whole: bytes) -> bytes:
    """Return the file with the name of its last entry changed by one bit, in the directory and at the entry."""
    return whole.replace(b"table.npy", b"tabme.npy")


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "garbage": lambda _: np.random.default_rng(1).bytes(5000),
    "text": lambda _: b"not a table at all\n",
    "first_half": lambda whole: whole[: len(whole) // 2],
    "last_byte_lost": lambda whole: whole[:-1],
    "last_quarter_zeros": lambda whole: whole[: -len(whole) // 4] + bytes(len(whole) // 4),
    "one_bit_of_the_numbers": lambda whole: flipped(whole, len(whole) // 2, whole[len(whole) // 2] ^ 1),
    "pickle": lambda whole: pickle.dumps(arrays_of(whole)),
    "no_key": lambda whole: zipped(**{k: v for k, v in arrays_of(whole).items() if k != "key"}),
    "other_key": lambda whole: zipped(**arrays_of(whole) | {"key": np.array("0" * 24)}),
    "objects": lambda whole: zipped(**arrays_of(whole) | {"table": np.array([{}, None])}),
    "other_shape": lambda whole: zipped(**arrays_of(whole) | {"table": arrays_of(whole)["table"][:-1]}),
    "swapped_shape": lambda whole: zipped(**arrays_of(whole) | {"prior": arrays_of(whole)["prior"].T}),
    "no_table": lambda whole: zipped(**{k: v for k, v in arrays_of(whole).items() if k != "table"}),
    "array_without_archive": lambda whole: whole[whole.index(b"\x93NUMPY") :],
    "garbled_header": with_garbled_header,
    "marked_as_encrypted": encrypted,
    "lost_name": with_a_lost_name,
}


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # numpy's own on some damaged files
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_made_again(folder: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    compile_stored(HUB, cache_folder())
    [path] = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(DAMAGE[damage](whole))
    assert path.read_bytes() != whole
    assert bits(compile_stored(HUB, cache_folder())) == made()
    monkeypatch.setattr(stored, "compile_network", never)
    assert bits(compile_stored(HUB, cache_folder())) == made()


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_no_single_wrong_byte_of_the_file_changes_or_stops_an_answer(folder: Path) -> None:
    network = zero_chain()
    expected = compile_stored(network, cache_folder())
    [path] = folder.iterdir()
    whole, rng, failed = path.read_bytes(), np.random.default_rng(91), {}
    for where in range(0, len(whole)):
        path.write_bytes(flipped(whole, where, whole[where] ^ (1 << int(rng.integers(8)))))
        try:
            found = compile_stored(network, cache_folder())
            if not (np.array_equal(found.table, expected.table) and np.array_equal(found.prior, expected.prior)):
                failed[where] = "other numbers"
        except Exception as error:
            failed[where] = repr(error)
    assert failed == {}


def test_a_file_under_the_name_of_another_network_is_made_again(folder: Path) -> None:
    other = mirrored(HUB)
    compile_stored(other, cache_folder())
    [strange] = folder.iterdir()
    compile_stored(HUB, cache_folder())
    [path] = set(folder.iterdir()) - {strange}
    whole = path.read_bytes()
    path.write_bytes(strange.read_bytes())
    assert bits(compile_stored(HUB, cache_folder())) == made()
    assert path.read_bytes() == whole


def fits(arrays: Mapping[str, np.ndarray]) -> bool:
    return set(arrays) == {"a"}


def test_draws_under_the_same_digest_are_another_file(folder: Path) -> None:
    kept = {"a": np.arange(3.0)}, {"a": np.arange(4.0)}
    for kind, arrays in zip(("tables", "draws"), kept, strict=True):
        cached_arrays(kind, "digest", lambda arrays=arrays: arrays, fits, folder)
    found = [cached_arrays(kind, "digest", dict, fits, folder)["a"].tolist() for kind in ("tables", "draws")]
    assert found == [[0, 1, 2], [0, 1, 2, 3]]


@pytest.mark.parametrize("below", [False, True], ids=["a_file", "below_a_file"])
def test_a_folder_that_cannot_be_written_keeps_nothing_and_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: bool
) -> None:
    (tmp_path / "kept").write_text("a file stands here", encoding="utf-8")
    monkeypatch.setenv("LASEGUE_CACHE", str(tmp_path / "kept" / "deeper" if below else tmp_path / "kept"))
    assert bits(compile_stored(HUB, cache_folder())) == made()
    assert (tmp_path / "kept").read_text(encoding="utf-8") == "a file stands here"


def test_a_folder_in_the_place_of_the_file_does_not_matter(folder: Path) -> None:
    compile_stored(HUB, cache_folder())
    [path] = folder.iterdir()
    path.unlink()
    path.mkdir()
    assert bits(compile_stored(HUB, cache_folder())) == made()
    assert [found.name for found in folder.iterdir()] == [path.name]


def test_a_file_that_may_only_be_read_is_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(f"not ours: {path}")

    compile_stored(HUB, cache_folder())
    monkeypatch.setattr(os, "utime", refused)  # as for a file of another user
    monkeypatch.setattr(stored, "compile_network", never)
    assert bits(compile_stored(HUB, cache_folder())) == made()


@pytest.mark.parametrize("off", ["off", "OFF", " Off "])
def test_off_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LASEGUE_CACHE", off)
    assert cache_folder() is None
    assert engine_named("compiled").query(HUB, Evidence(), ["cause"]).engine == "compiled"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        pytest.param({"LASEGUE_CACHE": "/x/kept", "XDG_CACHE_HOME": "/y"}, "/x/kept", id="named"),
        pytest.param({"XDG_CACHE_HOME": "/y", "HOME": "/home/z"}, "/y/lasegue", id="cache_home"),
        pytest.param({"LASEGUE_CACHE": "  ", "XDG_CACHE_HOME": " ", "HOME": "/z"}, "/z/.cache/lasegue", id="home"),
    ],
)
def test_where_tables_are_kept(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str) -> None:
    for name in ("LASEGUE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(expected)


def test_a_user_without_a_home_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("LASEGUE_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert cache_folder() is None


def variant(change: str) -> Network:
    """Return the small hub with one thing changed."""
    nodes, cpds = {node.name: node for node in HUB.nodes}, dict(HUB.cpd_of)
    if change == "number":
        table = cpds["slump"].table.copy()
        table[1, 1] = [np.nextafter(table[1, 1, 0], 1), table[1, 1, 1]]
        cpds["slump"] = CPD("slump", cpds["slump"].parents, table)
    elif change == "state":
        nodes["slump"] = Node("slump", ("present", "not_present"), "Slump", "finding")
    elif change == "kind":
        nodes["slump"] = Node("slump", BINARY, "Slump", "syndrome")
    elif change == "parents":
        cpds["weak_pulse"] = CPD("weak_pulse", ("age", "cause"), cpds["weak_pulse"].table)
    elif change == "label":
        nodes["slump"] = Node("slump", BINARY, "Slump test", "finding")
    return Network(tuple(nodes.values()), tuple(cpds.values()), digest=change, profile=change)


@pytest.mark.parametrize("change", ["number", "state", "kind", "parents"])
def test_another_network_has_another_file(folder: Path, change: str) -> None:
    compile_stored(HUB, cache_folder())
    compile_stored(variant(change), cache_folder())
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("change", ["label", "nothing"])
def test_what_changes_no_answer_changes_no_file(folder: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    compile_stored(HUB, cache_folder())
    monkeypatch.setattr(stored, "compile_network", never)
    assert bits(compile_stored(variant(change), cache_folder())) == made()


def test_profiles_have_files_of_their_own(models: Mapping[str, Model]) -> None:
    assert len({content_digest(model.network) for model in models.values()}) == len(models)


def test_a_network_without_a_small_hub_leaves_no_file(folder: Path) -> None:
    with hub_limits(MAX_HUB_STATES=5), pytest.raises(NoSmallHub, match="states together"):
        compile_stored(HUB, cache_folder())
    assert not folder.exists()


def test_other_limits_than_when_it_was_kept_make_the_tables_again(folder: Path) -> None:
    compile_stored(HUB, cache_folder())
    with hub_limits(MAX_BLOCK_CELLS=200):
        compiled = compile_stored(HUB, cache_folder())
    assert compiled.hub.shared
    for evidence in QUESTIONS:
        answer = CompiledEngine(lambda _: compiled).query(HUB, evidence, names_of(HUB))
        assert_equals_oracle(answer, HUB, evidence)


WRITER = """
import sys
from pathlib import Path
import numpy as np
sys.path.insert(0, "tests")
from networks import hub
from model.compiled_engine import compile_targets
from model.stored import compile_stored
network, folder, made = hub(), Path(sys.argv[1]), compile_targets(hub())
for turn in range(150):
    found = compile_stored(network, folder)
    assert np.array_equal(found.table, made.table) and np.array_equal(found.prior, made.prior)
    if turn % 3 == 0:
        for path in folder.glob("*.npz"):
            path.unlink(missing_ok=True)
compile_stored(network, folder)
"""


def test_two_processes_that_write_and_delete_at_once(folder: Path, root: Path) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", WRITER, folder], cwd=root, env=os.environ | {"PYTHONPATH": "."})
        for _ in range(2)
    ]
    assert [process.wait(timeout=60) for process in running] == [0, 0]
    assert [path.suffix for path in folder.iterdir()] == [".npz"]
    assert bits(compile_stored(HUB, cache_folder())) == made()


def keep(folder: Path, digest: int) -> Path:
    """Keep one small array, and return its file."""
    before = set(folder.glob("*.npz"))
    cached_arrays("tables", str(digest), lambda: {"a": np.array([float(digest)])}, fits, folder)
    [path] = set(folder.glob("*.npz")) - before
    os.utime(path, (1e9 + digest, 1e9 + digest))
    return path


def test_only_the_most_recently_used_files_stay(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "KEPT_FILES", 4)
    paths = [keep(folder, digest) for digest in range(4)]
    cached_arrays("tables", "0", dict, fits, folder)  # used again
    keep(folder, 4)
    assert [path.exists() for path in paths] == [True, False, True, True]
    assert len(list(folder.glob("*.npz"))) == 4
    assert cached_arrays("tables", "0", dict, fits, folder)["a"] == 0.0


def test_no_more_files_than_the_limit_are_kept(folder: Path) -> None:
    for digest in range(cache.KEPT_FILES + 5):
        keep(folder, digest)
    assert len(list(folder.iterdir())) == cache.KEPT_FILES


def test_files_of_others_in_the_folder_stay(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    others = [folder / name for name in ("notes.txt", "measurements.npz")]
    for path in others:
        path.write_bytes(b"not ours")
        os.utime(path, (1e8, 1e8))
    monkeypatch.setattr(cache, "KEPT_FILES", 2)
    for digest in range(4):
        cached_arrays("tables", str(digest), lambda: {"a": np.zeros(1)}, fits, folder)
    assert [path.name for path in others if path.exists()] == ["notes.txt", "measurements.npz"]


def test_a_kept_file_holds_numbers_alone(folder: Path) -> None:
    compile_stored(HUB, cache_folder())
    [path] = folder.iterdir()
    with zipfile.ZipFile(path) as kept:
        assert sorted(kept.namelist()) == ["key.npy", "prior.npy", "table.npy"]
