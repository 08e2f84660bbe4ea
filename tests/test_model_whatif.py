"""One more answer, or two, worked out at once: the same as asking again, and as counting the whole joint table.
Chances under any float, impossible answers and unsure reports included.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import (
    BINARY,
    YES_NO,
    clinical_cases,
    hub,
    many_findings,
    mirrored,
    possible_evidence,
    random_network,
    toy_networks,
    zero_chain,
)

from model import Case, Model
from model import hub as hub_module
from model.case import stages
from model.compiled import Compiled, compile_network
from model.compiled_engine import CompiledEngine, compile_targets
from model.errors import BadEvidence, ImpossibleEvidence, UnknownName
from model.evidence import Evidence
from model.network import CPD, Network, Node
from model.whatif import SMALLEST, Answered, WhatIf, WhatIfPairs, what_if, what_if_pairs
from priors import available_profiles
from priors.records import ABSENT, CAUDA_EQUINA, CAUSE, PRESENT

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

NETWORKS = toy_networks()
HUB = hub()
KINDS = {"nothing": (0, 0), "one": (1, 0), "three": (3, 0), "unsure": (0, 2), "hard_and_unsure": (2, 2)}
LIMITS = {"no_shared_nodes": 4_000_000, "shared_nodes": 300}
TARGETS = (CAUDA_EQUINA, CAUSE)
ENGINE = CompiledEngine()
TOLERANCE = 1e-12


@contextmanager
def cells_limit(cells: int) -> Iterator[None]:
    """Set the size of the largest block, so that small networks need shared nodes too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub_module, "MAX_BLOCK_CELLS", cells)
        yield


def compiled_small(network: Network, cells: int, targets: Sequence[str] = ()) -> Compiled:
    with cells_limit(cells):
        return compile_network(network, targets) if targets else compile_targets(network)


def assert_close(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


def names_of(network: Network) -> list[str]:
    return [node.name for node in network.nodes]


def open_answers(compiled: Compiled, evidence: Evidence) -> list[Answered]:
    """Return every state of every node of the tables without evidence, blocks in their order."""
    names = [name for block in compiled.hub.blocks for name in block.observable if name not in evidence.nodes]
    return [(name, state) for name in names for state in compiled.network.node(name).states]


def counted(network: Network, joint: np.ndarray, answers: Sequence[Answered], target: str) -> np.ndarray:
    """Return P(target, answers), one number a state, from the joint table."""
    for name, state in answers:
        axis, node = names_of(network).index(name), network.node(name)
        keep = np.arange(len(node.states)) == node.index(state)
        joint = joint * keep.reshape([-1 if other == axis else 1 for other in range(joint.ndim)])
    asked = names_of(network).index(target)
    return joint.sum(axis=tuple(other for other in range(joint.ndim) if other != asked))


def assert_equals_counting(found: WhatIf | WhatIfPairs, compiled: Compiled, evidence: Evidence) -> None:
    """Compare every single answer, or every pair, with the joint table."""
    network = compiled.network
    joint = oracle.joint_with(network, evidence)
    joint /= joint.sum()
    assert list(found.answers) == open_answers(compiled, evidence)
    assert set(found.posteriors) == set(compiled.hub.targets)
    for index in np.ndindex(found.probs.shape):
        answers = [found.answers[i] for i in index]
        for target in compiled.hub.targets:
            chances = counted(network, joint, answers, target)
            total = chances.sum()
            assert found.probs[index] == pytest.approx(total, abs=TOLERANCE)
            expected = chances / total if total > 0 else np.zeros(len(chances))
            assert found.posteriors[target][index] == pytest.approx(expected, abs=TOLERANCE)


def added(evidence: Evidence, *answers: Answered) -> Evidence:
    return Evidence((*evidence.observed, *dict.fromkeys(answers)), evidence.unsure)


def asked_again(network: Network, evidence: Evidence, *answers: Answered) -> tuple[float, dict[str, np.ndarray]]:
    """Return ln P(answers, evidence) and the posteriors by asking the engine; -inf and zeros where impossible."""
    try:
        answer = ENGINE.query(network, added(evidence, *answers), TARGETS)
    except ImpossibleEvidence:
        return -math.inf, {name: np.zeros(len(network.node(name).states)) for name in TARGETS}
    return answer.log_evidence, {posterior.node: posterior.probs for posterior in answer.posteriors}


# Counted from the joint table


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("limit", LIMITS)
def test_single_answers_equal_counting(name: str, kind: str, limit: str) -> None:
    compiled = compiled_small(NETWORKS[name], LIMITS[limit])
    evidence = possible_evidence(np.random.default_rng(1), NETWORKS[name], *KINDS[kind])
    if not on_tables(compiled, evidence):
        evidence = Evidence(tuple(item for item in evidence.observed if item[0] != "root_tension"))
    assert_equals_counting(what_if(compiled, evidence), compiled, evidence)


def on_tables(compiled: Compiled, evidence: Evidence) -> bool:
    """Return whether the tables take all of the evidence."""
    observed = all(name in compiled.places or name in compiled.hub.nodes for name, _ in evidence.observed)
    return observed and all(name in compiled.places for name, _ in evidence.unsure)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("limit", LIMITS)
def test_all_pairs_equal_counting(name: str, limit: str) -> None:
    compiled, rng = compiled_small(NETWORKS[name], LIMITS[limit]), np.random.default_rng(2)
    for kind in ((0, 0), (2, 1)):
        evidence = possible_evidence(rng, NETWORKS[name], *kind)
        while not on_tables(compiled, evidence):
            evidence = possible_evidence(rng, NETWORKS[name], *kind)
        assert_equals_counting(what_if_pairs(compiled, evidence), compiled, evidence)


@given(
    seed=st.integers(0, 2**32 - 1),
    num_nodes=st.integers(2, 6),
    zero_share=st.sampled_from([0.0, 0.3, 0.6]),
    num_hard=st.integers(0, 3),
    num_unsure=st.integers(0, 2),
    cells=st.sampled_from([0, 30, 100, 4_000_000]),
    pairs=st.booleans(),
)
def test_random_networks_equal_counting(
    seed: int, num_nodes: int, zero_share: float, num_hard: int, num_unsure: int, cells: int, pairs: bool
) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(rng, num_nodes, 3, 3, zero_share)
    targets = rng.permutation(names_of(network))[: 1 + seed % 2].tolist()
    compiled = compiled_small(network, cells, targets)
    evidence = possible_evidence(rng, network, num_hard, num_unsure)
    unsure = tuple(item for item in evidence.unsure if item[0] in compiled.places)
    evidence = Evidence(evidence.observed, unsure)
    assert_equals_counting((what_if_pairs if pairs else what_if)(compiled, evidence), compiled, evidence)


@pytest.mark.parametrize("observed", ["age", "cause", "complication", "root_tension", "leg_raise"])
@pytest.mark.parametrize("report", ["slump", "saddle_numbness"])
def test_evidence_on_the_hub_equals_counting(observed: str, report: str) -> None:
    compiled = compiled_small(HUB, 400)
    assert compiled.hub.shared == ("age", "root_tension")
    for state in HUB.node(observed).states:
        evidence = Evidence(((observed, state), ("weak_pulse", "present")), ((report, 0.2),))
        assert_equals_counting(what_if(compiled, evidence), compiled, evidence)
        assert_equals_counting(what_if_pairs(compiled, evidence), compiled, evidence)


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_left_to_ask(name: str) -> None:
    compiled = compile_targets(NETWORKS[name])
    patient = possible_evidence(np.random.default_rng(3), NETWORKS[name], len(NETWORKS[name].nodes), 0)
    evidence = Evidence(tuple(item for item in patient.observed if item[0] in compiled.places))
    one, two = what_if(compiled, evidence), what_if_pairs(compiled, evidence)
    assert (one.answers, two.answers) == ((), ())
    assert (one.probs.shape, two.probs.shape) == ((0,), (0, 0))
    for target in compiled.hub.targets:
        size = len(NETWORKS[name].node(target).states)
        assert (one.posteriors[target].shape, two.posteriors[target].shape) == ((0, size), (0, 0, size))


def test_a_hub_of_all_nodes_leaves_nothing_to_ask() -> None:
    compiled = compiled_small(HUB, 0)
    assert what_if(compiled, Evidence((("slump", "present"),))).answers == ()
    assert what_if_pairs(compiled, Evidence()).answers == ()


# The network of the project: the same as asking again


def assert_singles_equal_asking_again(model: Model, evidence: Evidence) -> None:
    found = what_if(ENGINE.compiled(model.network), evidence)
    before, _ = asked_again(model.network, evidence)
    assert list(found.answers) == open_answers(ENGINE.compiled(model.network), evidence)
    for index, answered in enumerate(found.answers):
        log_evidence, posteriors = asked_again(model.network, evidence, answered)
        assert found.probs[index] == pytest.approx(math.exp(log_evidence - before), abs=TOLERANCE)
        for name, probs in posteriors.items():
            assert found.posteriors[name][index] == pytest.approx(probs, abs=TOLERANCE)


def test_every_finding_at_every_stage_of_a_case_as_by_asking_again(model: Model, seed_case: Case) -> None:
    for stage in stages(seed_case, model.priors.structure):
        assert_singles_equal_asking_again(model, stage.evidence)


@pytest.mark.parametrize("profile", available_profiles())
def test_every_finding_of_generated_cases_as_by_asking_again(models: Mapping[str, Model], profile: str) -> None:
    model, rng = models[profile], np.random.default_rng([11, *profile.encode()])
    for evidence in (Evidence(), *clinical_cases(rng, model.network, 15)):
        assert_singles_equal_asking_again(model, evidence)


def laws_hold(model: Model, found: WhatIf, evidence: Evidence) -> None:
    answer = ENGINE.query(model.network, evidence, TARGETS)
    nodes = dict.fromkeys(name for name, _ in found.answers)
    for node in nodes:
        own = [index for index, (name, _) in enumerate(found.answers) if name == node]
        assert found.probs[own].sum() == pytest.approx(1, abs=TOLERANCE)
        for posterior in answer.posteriors:
            mean = found.probs[own] @ found.posteriors[posterior.node][own]
            assert mean == pytest.approx(posterior.probs, abs=TOLERANCE)


@pytest.mark.parametrize("profile", available_profiles())
def test_chances_sum_to_one_and_posteriors_average_to_the_present_one(
    models: Mapping[str, Model], profile: str
) -> None:
    model, rng = models[profile], np.random.default_rng([12, *profile.encode()])
    for evidence in clinical_cases(rng, model.network, 100):
        found = what_if(ENGINE.compiled(model.network), evidence)
        laws_hold(model, found, evidence)
        for posterior in found.posteriors.values():
            assert ((posterior >= 0) & (posterior <= 1 + TOLERANCE)).all()
            sums = posterior.sum(axis=1)
            assert_close(sums, (found.probs > 0).astype(float))


def test_the_chance_of_an_answer_is_its_posterior(model: Model) -> None:
    for evidence in clinical_cases(np.random.default_rng(13), model.network, 10):
        found = what_if(ENGINE.compiled(model.network), evidence)
        nodes = list(dict.fromkeys(name for name, _ in found.answers))
        answer = ENGINE.query(model.network, evidence, nodes)
        expected = np.concatenate([posterior.probs for posterior in answer.posteriors])
        assert found.probs == pytest.approx(expected, abs=TOLERANCE)


# Pairs on the network of the project


BLOCKS = {
    "root_tension": ("straight_leg_raise_positive", "crossed_slr_positive", "slump_test_positive"),
    "sacral_roots": ("urinary_retention", "post_void_residual_over_200ml", "saddle_anaesthesia"),
    "inflammation": ("esr_raised", "esr_over_50", "crp_raised", "crp_over_50"),
    "mri": ("mri_lumbar_disc_herniation", "mri_lumbar_normal", "mri_level_fits_symptoms"),
    "duration": ("duration_weeks", "not_improved_after_one_month"),
    "sex": ("sex", "cyclic_with_menstruation"),
}
SITUATIONS = {
    "nothing": Evidence(),
    "age_known": Evidence((("age", "age_50_64"), ("sex", "female"))),
    "age_missing": Evidence((("motor_weakness", "present"), ("fever", "absent"), ("pelvic_imaging_mass", "absent"))),
    "unsure_in_every_block": Evidence(
        (("age", "age_35_49"), ("fever", "present")),
        (
            ("worse_with_valsalva", 3.0),
            ("leg_pain_worse_than_back", 0.2),
            ("bilateral_neurological_deficit", 5.0),
            ("urinary_incontinence", 7.0),
            ("white_cells_raised", 0.5),
            ("mri_lumbar_stenosis", 4.0),
        ),
    ),
    "unsure_and_age_missing": Evidence(
        (("reduced_anal_tone", "absent"), ("mri_lumbar_cyst", "absent")),
        (("worse_with_valsalva", 3.0), ("urinary_incontinence", 1e-300), ("mri_lumbar_stenosis", 1e300)),
    ),
    "target_known": Evidence(((CAUSE, "spinal_stenosis"), ("sex", "male")), (("esr_raised", 6.0),)),
}


def assert_pairs_equal_asking_again(
    model: Model, evidence: Evidence, found: WhatIfPairs, pairs: Sequence[tuple[int, int]]
) -> None:
    before, _ = asked_again(model.network, evidence)
    for i, j in pairs:
        log_evidence, posteriors = -math.inf, {name: np.zeros(found.posteriors[name].shape[2]) for name in TARGETS}
        if i == j or found.answers[i][0] != found.answers[j][0]:
            log_evidence, posteriors = asked_again(model.network, evidence, found.answers[i], found.answers[j])
        assert found.probs[i, j] == pytest.approx(math.exp(log_evidence - before), abs=TOLERANCE)
        for name, probs in posteriors.items():
            assert found.posteriors[name][i, j] == pytest.approx(probs, abs=TOLERANCE)


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("block", BLOCKS)
def test_all_pairs_of_a_block_as_by_asking_again(model: Model, situation: str, block: str) -> None:
    evidence = SITUATIONS[situation]
    found = what_if_pairs(ENGINE.compiled(model.network), evidence)
    members = [index for index, (name, _) in enumerate(found.answers) if name in BLOCKS[block]]
    assert_pairs_equal_asking_again(model, evidence, found, [(i, j) for i in members for j in members])


@pytest.mark.parametrize("profile", available_profiles())
def test_sampled_pairs_of_generated_cases_as_by_asking_again(models: Mapping[str, Model], profile: str) -> None:
    model, rng = models[profile], np.random.default_rng([14, *profile.encode()])
    for evidence in clinical_cases(rng, model.network, 8):
        found = what_if_pairs(ENGINE.compiled(model.network), evidence)
        pairs = rng.integers(len(found.answers), size=(300, 2)).tolist()
        assert_pairs_equal_asking_again(model, evidence, found, pairs)


def assert_pair_laws(compiled: Compiled, evidence: Evidence) -> None:
    """Symmetric; the diagonal and the sum over one answer give the single answers; one question has one answer."""
    one, two = what_if(compiled, evidence), what_if_pairs(compiled, evidence)
    assert two.answers == one.answers
    assert np.isfinite(two.probs).all()
    assert_close(two.probs, two.probs.T)
    assert_close(np.diagonal(two.probs), one.probs)
    names = np.array([name for name, _ in one.answers])
    same = (names[:, None] == names[None, :]) & ~np.eye(len(names), dtype=bool)
    assert (two.probs[same] == 0).all()
    for target, posterior in two.posteriors.items():
        assert np.isfinite(posterior).all()
        assert_close(posterior, posterior.swapaxes(0, 1))
        assert (posterior[same] == 0).all()
        diagonal = posterior[np.arange(len(names)), np.arange(len(names))]
        assert_close(diagonal, one.posteriors[target])
        joint = posterior * two.probs[..., None]
        for node in dict.fromkeys(names.tolist()):
            left = names != node
            expected = one.posteriors[target] * one.probs[:, None]
            assert_close(joint[left][:, names == node].sum(axis=1), expected[left])


@pytest.mark.parametrize("situation", SITUATIONS)
def test_laws_of_pairs(model: Model, situation: str) -> None:
    assert_pair_laws(ENGINE.compiled(model.network), SITUATIONS[situation])


@pytest.mark.parametrize("profile", available_profiles())
def test_laws_of_pairs_of_generated_cases(models: Mapping[str, Model], profile: str) -> None:
    rng = np.random.default_rng([15, *profile.encode()])
    for evidence in clinical_cases(rng, models[profile].network, 6):
        assert_pair_laws(ENGINE.compiled(models[profile].network), evidence)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("limit", LIMITS)
def test_laws_of_pairs_on_toy_networks(name: str, limit: str) -> None:
    assert_pair_laws(compiled_small(NETWORKS[name], LIMITS[limit]), Evidence())


# Laws


def by_answers(found: WhatIf) -> dict[Answered, tuple[float, dict[str, list[float]]]]:
    return {
        answered: (float(found.probs[i]), {name: probs[i].tolist() for name, probs in found.posteriors.items()})
        for i, answered in enumerate(found.answers)
    }


def test_order_of_evidence_does_not_matter(model: Model) -> None:
    compiled = ENGINE.compiled(model.network)
    for evidence in clinical_cases(np.random.default_rng(21), model.network, 20):
        turned = Evidence(evidence.observed[::-1], evidence.unsure[::-1])
        one, other = what_if(compiled, evidence), what_if(compiled, turned)
        assert one.answers == other.answers
        assert_close(other.probs, one.probs)
        for name, posterior in one.posteriors.items():
            assert_close(other.posteriors[name], posterior)


@pytest.mark.parametrize("limit", LIMITS)
def test_states_in_reverse_order_reverse_the_answer(limit: str) -> None:
    evidence = Evidence((("age", "old"), ("saddle_numbness", "absent")), (("slump", 0.2),))
    turned = Evidence(evidence.observed, (("slump", 5.0),))
    found = by_answers(what_if(compiled_small(HUB, LIMITS[limit]), evidence))
    other = by_answers(what_if(compiled_small(mirrored(HUB), LIMITS[limit]), turned))
    assert set(found) == set(other)
    for answered, (prob, posteriors) in found.items():
        assert other[answered][0] == pytest.approx(prob, abs=TOLERANCE)
        for name, probs in posteriors.items():
            assert other[answered][1][name][::-1] == pytest.approx(probs, abs=TOLERANCE)


@pytest.mark.parametrize("block", ["slump_test_positive", "smoking"])
def test_a_report_of_ratio_one_changes_nothing_but_is_not_asked_again(model: Model, block: str) -> None:
    compiled = ENGINE.compiled(model.network)
    before = SITUATIONS["unsure_in_every_block"]
    one = by_answers(what_if(compiled, before))
    other = by_answers(what_if(compiled, Evidence(before.observed, (*before.unsure, (block, 1.0)))))
    assert set(one) - set(other) == {(block, PRESENT), (block, ABSENT)}
    for answered, (prob, posteriors) in other.items():
        assert prob == pytest.approx(one[answered][0], abs=TOLERANCE)
        for name, probs in posteriors.items():
            assert probs == pytest.approx(one[answered][1][name], abs=TOLERANCE)


@pytest.mark.parametrize("ratio", [1e-300, 1e300, 5e-324, 1.7e308], ids="ratio_{:g}".format)
def test_extreme_reports_as_by_asking_again(model: Model, ratio: float) -> None:
    unsure = [(name, ratio) for name in ("worse_with_valsalva", "sharp_lancinating_pain", "urinary_incontinence")]
    for observed in ((), (("age", "age_35_49"),)):
        evidence = Evidence(observed, (*unsure, ("mri_lumbar_stenosis", 1 / max(ratio, 1e-300))))
        assert_singles_equal_asking_again(model, evidence)
        assert_pair_laws(ENGINE.compiled(model.network), evidence)


# Very small chances


def one_block(first: tuple[float, float], second: tuple[float, float]) -> Network:
    """Return a cause, a finding, and one that needs the first; the chances with the cause, and without."""
    later = [[[second[0], 1 - second[0]], [0.0, 1.0]], [[second[1], 1 - second[1]], [0.0, 1.0]]]
    return Network(
        (Node("cause", YES_NO), Node("first", BINARY), Node("second", BINARY)),
        (
            CPD("cause", (), [0.3, 0.7]),
            CPD("first", ("cause",), [[p, 1 - p] for p in first]),
            CPD("second", ("cause", "first"), later),
        ),
    )


TINY = [1e-99, 1e-101, 1e-150, 1e-170, 1e-250, 1e-300]


@pytest.mark.parametrize("tiny", TINY, ids="{:g}".format)
def test_pairs_of_tiny_chance_across_blocks(tiny: float) -> None:
    compiled = compile_targets(many_findings([(tiny, 2 * tiny), (3 * tiny, tiny), (0.5, 0.25)]))
    found = what_if_pairs(compiled, Evidence((("finding_2", "present"),)))
    weights = np.array([0.3 * 0.5, 0.7 * 0.25]) / (0.3 * 0.5 + 0.7 * 0.25)
    i, j = (found.answers.index((f"finding_{number}", "present")) for number in (0, 1))
    # P(both | cause) = 3 tiny^2 with the cause and 2 tiny^2 without
    expected = weights * [3, 2]
    assert found.probs[i, j] == pytest.approx(expected.sum() * tiny * tiny, rel=1e-12, abs=0)
    for pair in ((i, j), (j, i)):
        assert found.posteriors["cause"][pair] == pytest.approx(expected / expected.sum(), rel=1e-12, abs=0)
    single = weights * [1, 2]
    assert found.posteriors["cause"][i, i] == pytest.approx(single / single.sum(), rel=1e-12, abs=0)


@pytest.mark.parametrize("tiny", TINY, ids="{:g}".format)
def test_pairs_of_tiny_chance_in_one_block(tiny: float) -> None:
    compiled = compile_targets(one_block((tiny, 2 * tiny), (3 * tiny, tiny)))
    found = what_if_pairs(compiled, Evidence())
    assert len(compiled.hub.blocks) == 1
    i, j = (found.answers.index((name, "present")) for name in ("first", "second"))
    expected = np.array([0.3 * 3, 0.7 * 2])
    for pair in ((i, j), (j, i), (j, j)):  # the second is there only with the first
        assert found.probs[pair] == pytest.approx(expected.sum() * tiny * tiny, rel=1e-12, abs=0)
        assert found.posteriors["cause"][pair] == pytest.approx(expected / expected.sum(), rel=1e-12, abs=0)
    impossible = found.answers.index(("first", "absent"))
    assert found.probs[impossible, j] == 0
    assert found.posteriors["cause"][impossible, j].tolist() == [0, 0]


@pytest.mark.parametrize("tiny", TINY, ids="{:g}".format)
def test_single_answers_of_tiny_chance(tiny: float) -> None:
    compiled = compile_targets(one_block((tiny, 2 * tiny), (3 * tiny, tiny)))
    found = what_if(compiled, Evidence())
    i = found.answers.index(("second", "present"))
    expected = np.array([0.3 * 3, 0.7 * 2])
    assert found.probs[i] == pytest.approx(expected.sum() * tiny * tiny, rel=1e-12, abs=0)
    assert found.posteriors["cause"][i] == pytest.approx(expected / expected.sum(), rel=1e-12, abs=0)


def test_after_evidence_of_one_in_a_billion_forty_times() -> None:
    compiled = compile_targets(many_findings([(1e-9, 2e-9)] * 40 + [(0.9, 0.2), (1e-120, 1e-100)]))
    evidence = Evidence(tuple((f"finding_{i}", "present") for i in range(40)))
    found = what_if(compiled, evidence)
    odds = 0.3 / 0.7 / 2**40
    cause = np.array([odds, 1]) / (1 + odds)
    chances = {("finding_40", "present"): [0.9, 0.2], ("finding_41", "present"): [1e-120, 1e-100]}
    pairs = what_if_pairs(compiled, evidence)
    for answered, given_cause in chances.items():
        i, joint = found.answers.index(answered), cause * given_cause
        assert found.probs[i] == pytest.approx(joint.sum(), rel=1e-12, abs=0)
        assert found.posteriors["cause"][i] == pytest.approx(joint / joint.sum(), rel=1e-12, abs=0)
        assert pairs.posteriors["cause"][i, i] == pytest.approx(joint / joint.sum(), rel=1e-12, abs=0)
    i, j = (found.answers.index(answered) for answered in chances)
    joint = cause * np.prod(list(chances.values()), axis=0)
    assert pairs.probs[i, j] == pytest.approx(joint.sum(), rel=1e-12, abs=0)
    assert pairs.posteriors["cause"][i, j] == pytest.approx(joint / joint.sum(), rel=1e-12, abs=0)


def test_pairs_above_and_below_the_smallest_meet(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = ENGINE.compiled(model.network)
    assert SMALLEST < 1e-100
    for evidence in SITUATIONS.values():
        products = what_if_pairs(compiled, evidence)
        with monkeypatch.context() as patch:
            patch.setattr("model.whatif.SMALLEST", 2.0)  # every pair as a sum of logarithms
            sums = what_if_pairs(compiled, evidence)
        assert_close(products.probs, sums.probs)
        for name, posterior in products.posteriors.items():
            assert_close(posterior, sums.posteriors[name])


# Impossible


def test_impossible_answers_have_zero_chance_and_zero_posteriors() -> None:
    compiled = compile_targets(HUB)
    found = what_if(compiled, Evidence((("leg_raise", "absent"),), (("saddle_numbness", 3.0),)))
    i = found.answers.index(("crossed_leg_raise", "present"))
    assert found.probs[i] == 0
    assert all((posterior[i] == 0).all() for posterior in found.posteriors.values())
    assert found.probs[found.answers.index(("crossed_leg_raise", "absent"))] == pytest.approx(1, abs=TOLERANCE)


def test_impossible_pairs_have_zero_chance_and_zero_posteriors() -> None:
    found = what_if_pairs(compile_targets(HUB), Evidence((("age", "old"),)))
    i, j = (found.answers.index(each) for each in (("leg_raise", "absent"), ("crossed_leg_raise", "present")))
    for pair in ((i, j), (j, i)):
        assert found.probs[pair] == 0
        assert all((posterior[pair] == 0).all() for posterior in found.posteriors.values())
    assert (np.diagonal(found.probs) > 0).all()


def test_answers_that_only_one_cause_allows() -> None:
    compiled = compile_targets(many_findings([(0.5, 0.0), (0.0, 0.4), (0.2, 0.3)]))
    found = what_if_pairs(compiled, Evidence())
    yes, no = found.answers.index(("finding_0", "present")), found.answers.index(("finding_1", "present"))
    assert found.posteriors["cause"][yes, yes].tolist() == [1, 0]
    assert found.posteriors["cause"][no, no].tolist() == [0, 1]
    assert found.probs[yes, no] == 0
    assert found.posteriors["cause"][yes, no].tolist() == [0, 0]
    known = what_if(compiled, Evidence((("finding_0", "present"),)))
    i = known.answers.index(("finding_1", "present"))
    assert known.probs[i] == 0
    assert known.posteriors["cause"][i].tolist() == [0, 0]


@pytest.mark.parametrize("step", [what_if, what_if_pairs])
@pytest.mark.parametrize(
    ("network", "evidence", "clash"),
    [
        pytest.param(
            zero_chain(),
            Evidence((("disease", "c"), ("sign", "absent"), ("crossed_sign", "present"))),
            {"sign", "crossed_sign"},
            id="crossed_without_sign",
        ),
        pytest.param(
            HUB,
            Evidence(
                (("age", "old"), ("crossed_leg_raise", "present"), ("leg_raise", "absent")),
                (("slump", 3.0), ("saddle_numbness", 1e300)),
            ),
            {"leg_raise", "crossed_leg_raise"},
            id="hub_with_unsure_report",
        ),
    ],
)
def test_impossible_evidence_names_what_clashes(
    step: type, network: Network, evidence: Evidence, clash: set[str]
) -> None:
    with pytest.raises(ImpossibleEvidence, match="cannot hold together") as caught:
        step(compile_targets(network), evidence)
    assert set(caught.value.findings) == {item for item in evidence.observed if item[0] in clash}


# What is refused


@pytest.mark.parametrize("step", [what_if, what_if_pairs])
@pytest.mark.parametrize(
    ("evidence", "error", "message"),
    [
        pytest.param(Evidence((("leg_rase", "present"),)), UnknownName, "did you mean leg_raise", id="unknown_node"),
        pytest.param(Evidence((("slump", "absnt"),)), UnknownName, "did you mean absent", id="unknown_state"),
        pytest.param(Evidence((("slump", "present"),) * 2), BadEvidence, "twice: slump", id="twice"),
        pytest.param(Evidence((("slump", "present"),), (("slump", 2.0),)), BadEvidence, "twice", id="hard_and_unsure"),
        pytest.param(Evidence(unsure=(("slump", 0.0),)), BadEvidence, "slump: expected", id="ratio_zero"),
        pytest.param(Evidence(unsure=(("slump", math.nan),)), BadEvidence, "slump: expected", id="ratio_nan"),
        pytest.param(Evidence(unsure=(("slump", math.inf),)), BadEvidence, "slump: expected", id="ratio_infinite"),
        pytest.param(Evidence(unsure=(("age", 2.0),)), BadEvidence, "two states", id="ratio_of_three_states"),
        pytest.param(
            Evidence((("root_tension", "present"),)), BadEvidence, "root_tension: .* elimination", id="hidden"
        ),
        pytest.param(Evidence(unsure=(("root_tension", 2.0),)), BadEvidence, "root_tension", id="hidden_unsure"),
        pytest.param(Evidence(unsure=(("complication", 2.0),)), BadEvidence, "node of the hub", id="target_unsure"),
    ],
)
def test_bad_evidence_is_refused(step: type, evidence: Evidence, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        step(compile_targets(HUB), evidence)
