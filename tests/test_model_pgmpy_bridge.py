"""pgmpy, the reference engine, gives the answers of the everyday engine, or says that it cannot."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import oracle
import pytest
from networks import hub, many_findings, possible_evidence, random_network, sample, sprinkler, toy_networks, zero_chain
from pgmpy.factors.discrete import TabularCPD
from pgmpy.models import DiscreteBayesianNetwork

from model import Case, Model
from model.case import stages
from model.elimination import EliminationEngine
from model.engine import Answer
from model.engines import engine_named
from model.errors import BadNetwork, ImpossibleEvidence, ModelError
from model.evidence import Evidence
from model.network import Network
from model.pgmpy_bridge import PgmpyEngine, from_pgmpy, to_pgmpy
from priors.records import CAUDA_EQUINA, CAUSE

NETWORKS = toy_networks()
KINDS = {"nothing": (0, 0), "hard": (3, 0), "unsure": (0, 3), "hard_and_unsure": (2, 2)}
TOLERANCE = 1e-9
CASE_NAMES = sorted(path.stem for path in (Path(__file__).parent.parent / "validation" / "cases").glob("*.json"))


def assert_engines_agree(network: Network, evidence: Evidence, nodes: Sequence[str]) -> Answer:
    reference = PgmpyEngine().query(network, evidence, nodes)
    answer = EliminationEngine().query(network, evidence, nodes)
    assert answer.log_evidence == pytest.approx(reference.log_evidence, abs=TOLERANCE)
    for ours, theirs in zip(answer.posteriors, reference.posteriors, strict=True):
        assert (ours.node, ours.states) == (theirs.node, theirs.states)
        assert ours.probs == pytest.approx(theirs.probs, abs=TOLERANCE)
    return reference


# Agreement


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kind", KINDS)
def test_engines_agree_on_toy_networks(name: str, kind: str) -> None:
    rng, network = np.random.default_rng(21), NETWORKS[name]
    for _ in range(2):
        evidence = possible_evidence(rng, network, *KINDS[kind])
        assert_engines_agree(network, evidence, [node.name for node in network.nodes])


@pytest.mark.parametrize("seed", range(15))
def test_pgmpy_engine_equals_enumeration_on_random_networks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(rng, 5, 3, 2, 0.3)
    evidence = possible_evidence(rng, network, 2, 2)
    answer = PgmpyEngine().query(network, evidence, [node.name for node in network.nodes])
    assert answer.engine == engine_named("pgmpy").name == "pgmpy"
    assert answer.log_evidence == pytest.approx(oracle.log_evidence(network, evidence), abs=TOLERANCE)
    for posterior in answer.posteriors:
        expected = oracle.posterior(network, evidence, posterior.node)
        assert posterior.as_dict() == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize("name", CASE_NAMES)
def test_engines_agree_on_every_step_of_a_case(
    models: Mapping[str, Model], cases: Mapping[str, Case], name: str
) -> None:
    case = cases[name]
    model = models[case.setting or "documents"]
    for stage in stages(case, model.priors.structure):
        assert_engines_agree(model.network, stage.evidence, [CAUSE, CAUDA_EQUINA])


@pytest.mark.parametrize("seed", range(5))
def test_engines_agree_on_the_full_network_with_unsure_findings(models: Mapping[str, Model], seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = models[sorted(models)[seed % len(models)]]
    patient = sample(rng, model.network)
    names = [str(name) for name in rng.permutation(list(model.priors.structure.findings))]
    observed = tuple((name, patient[name]) for name in ["age", "sex", *names[:20]])
    unsure = tuple((name, float(np.exp(rng.normal(0, 1.5)))) for name in names[20:32])
    assert_engines_agree(model.network, Evidence(observed, unsure), [CAUSE, CAUDA_EQUINA, names[-1], names[0]])


# Impossible evidence


@pytest.mark.parametrize(
    ("network", "evidence", "clash"),
    [
        pytest.param(
            zero_chain(),
            Evidence((("disease", "a"), ("sign", "absent"), ("crossed_sign", "present"))),
            {("sign", "absent"), ("crossed_sign", "present")},
            id="crossed_without_sign",
        ),
        pytest.param(
            hub(),
            Evidence((("crossed_leg_raise", "present"), ("age", "old"), ("leg_raise", "absent")), (("slump", 2.0),)),
            {("crossed_leg_raise", "present"), ("leg_raise", "absent")},
            id="hub_with_unsure_report",
        ),
        pytest.param(
            sprinkler(),
            Evidence((("wet_grass", "yes"), ("rain", "no"), ("cloudy", "no"), ("sprinkler", "no"))),
            {("wet_grass", "yes"), ("rain", "no"), ("sprinkler", "no")},
            id="three_that_clash",
        ),
    ],
)
def test_impossible_evidence_is_refused_by_pgmpy_too(
    network: Network, evidence: Evidence, clash: set[tuple[str, str]]
) -> None:
    with pytest.raises(ImpossibleEvidence) as caught:
        PgmpyEngine().query(network, evidence, [network.nodes[0].name])
    assert set(caught.value.findings) == clash


@pytest.mark.parametrize("engine", ["elimination", "pgmpy"])
def test_a_logical_contradiction_in_the_full_network_is_named(model: Model, engine: str) -> None:
    clash = (("crossed_slr_positive", "present"), ("straight_leg_raise_positive", "absent"))
    evidence = Evidence((("age", "age_50_64"), clash[0], ("night_pain", "present"), clash[1]), (("fever", 0.2),))
    with pytest.raises(ImpossibleEvidence, match="crossed_slr_positive=present") as caught:
        engine_named(engine).query(model.network, evidence, [CAUSE])
    assert caught.value.findings == clash


def test_both_engines_refuse_the_same_evidence() -> None:
    rng, refused = np.random.default_rng(9), 0
    for _ in range(25):
        network = random_network(rng, 4, 3, 2, 0.5)
        names = [str(name) for name in rng.permutation([node.name for node in network.nodes])][:3]
        evidence = Evidence(tuple((name, str(rng.choice(network.node(name).states))) for name in names))
        if oracle.log_evidence(network, evidence) > -math.inf:
            assert_engines_agree(network, evidence, names)
            continue
        refused += 1
        named = []
        for engine in (PgmpyEngine(), EliminationEngine()):
            with pytest.raises(ImpossibleEvidence) as caught:
                engine.query(network, evidence, names)
            named.append(caught.value.findings)
        assert named[0] == named[1]
    assert 3 < refused < 22


# Underflow: pgmpy multiplies probabilities; below about 1e-308 they lose digits and then vanish


@pytest.mark.parametrize(
    ("count", "last"),
    [(30, 1e-9), (34, 1e-9), (35, 1e-3), (36, 1e-5), (36, 1e-7), (36, 1e-8), (37, 1e-9), (40, 1e-9), (80, 1e-9)],
)
def test_many_small_likelihoods_give_the_right_answer_or_an_error(count: int, last: float) -> None:
    # Possible evidence: never another number, and never called impossible.
    network = many_findings([(1e-9, 1e-9)] * (count - 1) + [(last, 2 * last)], prior=0.3)
    evidence = Evidence(tuple((f"finding_{i}", "present") for i in range(count)))
    try:
        answer = PgmpyEngine().query(network, evidence, ["cause"])
    except ImpossibleEvidence:
        pytest.fail("possible evidence was called impossible")
    except ModelError:
        return  # said that it cannot
    assert answer.log_evidence == pytest.approx((count - 1) * math.log(1e-9) + math.log(last * 1.7), abs=TOLERANCE)
    assert answer.posteriors[0].probs == pytest.approx([0.3 / 1.7, 1.4 / 1.7], abs=TOLERANCE)


# Conversion


@pytest.mark.parametrize("name", [*NETWORKS, "full"])
def test_to_pgmpy_keeps_names_states_parents_and_numbers(model: Model, name: str) -> None:
    network = model.network if name == "full" else NETWORKS[name]
    converted = to_pgmpy(network)
    assert sorted(converted.nodes()) == sorted(node.name for node in network.nodes)
    assert set(converted.edges()) == {(parent, cpd.node) for cpd in network.cpds for parent in cpd.parents}
    for cpd in network.cpds:
        theirs = converted.get_cpds(cpd.node)
        assert list(theirs.variables) == [cpd.node, *cpd.parents]
        for other in cpd.scope:
            assert tuple(theirs.state_names[other]) == network.node(other).states
        for index in np.ndindex(*cpd.table.shape):
            state = {other: network.node(other).states[i] for other, i in zip(cpd.scope, index, strict=True)}
            assert theirs.get_value(**state) == cpd.table[index]


@pytest.mark.parametrize("name", NETWORKS)
def test_from_pgmpy_turns_to_pgmpy_round(name: str) -> None:
    network = NETWORKS[name]
    back = from_pgmpy(to_pgmpy(network), digest="of_the_file")
    assert back.digest == "of_the_file"
    assert {node.name: node.states for node in back.nodes} == {node.name: node.states for node in network.nodes}
    for cpd in network.cpds:
        assert back.cpd_of[cpd.node].parents == cpd.parents
        assert back.cpd_of[cpd.node].table.tolist() == cpd.table.tolist()


def pgmpy_pair(row: Sequence[float], **names: Mapping[str, list[str]]) -> DiscreteBayesianNetwork:
    """Return a -> b in pgmpy, with the row P(b | second state of a) as given."""
    model = DiscreteBayesianNetwork([("a", "b")])
    states = names.get("state_names", {"a": ["x", "y"], "b": ["x", "y"]})
    extra = {"state_names": states} if states else {}
    root = TabularCPD("a", 2, [[0.5], [0.5]], **({"state_names": {"a": states["a"]}} if states else {}))
    child = TabularCPD("b", 2, [[0.3, row[0]], [0.7, row[1]]], evidence=["a"], evidence_card=[2], **extra)
    model.add_cpds(root, child)
    return model


@pytest.mark.parametrize("excess", [0.005, 1e-8], ids="sum_1_plus_{:g}".format)
def test_from_pgmpy_refuses_a_row_that_pgmpy_lets_pass(excess: float) -> None:
    loose = pgmpy_pair([0.4, 0.6 + excess])
    assert loose.check_model()
    with pytest.raises(BadNetwork, match="b: a row misses the sum of one"):
        from_pgmpy(loose)


def test_from_pgmpy_refuses_a_name_that_other_tools_cannot_read() -> None:
    with pytest.raises(BadNetwork, match="b: bad name 'very likely'"):
        from_pgmpy(pgmpy_pair([0.4, 0.6], state_names={"a": ["x", "y"], "b": ["very likely", "y"]}))


def test_from_pgmpy_refuses_numbered_states_by_name() -> None:
    # pgmpy's default: states are the integers 0, 1, ... where no names are given.
    with pytest.raises(BadNetwork, match="a: bad name 0"):
        from_pgmpy(pgmpy_pair([0.4, 0.6], state_names={}))
