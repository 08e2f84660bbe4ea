"""The everyday engine against brute force, against published answers, and against the laws of probability."""

import math
from collections.abc import Callable, Sequence
from itertools import permutations

import numpy as np
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import (
    BINARY,
    asia,
    hub,
    many_findings,
    possible_evidence,
    random_network,
    sample,
    sprinkler,
    toy_networks,
    zero_chain,
)

from model.elimination import JOINT_LIMIT, EliminationEngine
from model.engine import Answer
from model.engines import engine_named
from model.errors import BadEvidence, ImpossibleEvidence, UnknownName
from model.evidence import Evidence
from model.network import CPD, Network, Node

NETWORKS = toy_networks()
KINDS = {"nothing": (0, 0), "one": (1, 0), "three": (3, 0), "unsure": (0, 3), "hard_and_unsure": (2, 2)}
TOLERANCE = 1e-12


def ask(network: Network, evidence: Evidence, nodes: Sequence[str]) -> Answer:
    return EliminationEngine().query(network, evidence, nodes)


def posteriors(network: Network, evidence: Evidence, nodes: Sequence[str]) -> dict[str, dict[str, float]]:
    return {posterior.node: posterior.as_dict() for posterior in ask(network, evidence, nodes).posteriors}


def names_of(network: Network) -> list[str]:
    return [node.name for node in network.nodes]


def assert_equals_oracle(network: Network, evidence: Evidence) -> None:
    answer = ask(network, evidence, names_of(network))
    assert answer.log_evidence == pytest.approx(oracle.log_evidence(network, evidence), abs=TOLERANCE)
    for posterior in answer.posteriors:
        expected = oracle.posterior(network, evidence, posterior.node)
        assert posterior.as_dict() == pytest.approx(expected, abs=TOLERANCE)


def relabelled(network: Network, name: str, order: Sequence[int]) -> Network:
    """Return the same network with the states of one node in another order."""
    old = network.node(name)
    node = Node(name, tuple(old.states[i] for i in order), old.label, old.kind)
    cpds = [
        CPD(
            cpd.node,
            cpd.parents,
            np.take(cpd.table, order, axis=cpd.scope.index(name)) if name in cpd.scope else cpd.table,
        )
        for cpd in network.cpds
    ]
    return Network(tuple(node if other.name == name else other for other in network.nodes), tuple(cpds))


# Agreement with the oracle


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kind", KINDS)
def test_equals_enumeration(name: str, kind: str) -> None:
    rng = np.random.default_rng(11)
    for _ in range(5):
        assert_equals_oracle(NETWORKS[name], possible_evidence(rng, NETWORKS[name], *KINDS[kind]))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_node_asked_alone_equals_enumeration(name: str) -> None:
    # Nodes that do not matter for the question are left out; that must not change the answer.
    network, rng = NETWORKS[name], np.random.default_rng(12)
    for node in network.nodes:
        evidence = possible_evidence(rng, network, 1, 2)
        answer = ask(network, evidence, [node.name])
        assert answer.log_evidence == pytest.approx(oracle.log_evidence(network, evidence), abs=TOLERANCE)
        expected = oracle.posterior(network, evidence, node.name)
        assert answer.posteriors[0].as_dict() == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_single_state_equals_enumeration(name: str) -> None:
    network = NETWORKS[name]
    for node in network.nodes:
        chances = oracle.posterior(network, Evidence(), node.name)
        for state in node.states:
            if chances[state] > 0:
                assert_equals_oracle(network, Evidence(((node.name, state),)))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_whole_patient_has_the_product_of_his_entries(name: str) -> None:
    network = NETWORKS[name]
    patient = sample(np.random.default_rng(5), network)
    expected = 0.0
    for cpd in network.cpds:
        index = tuple(network.node(other).index(patient[other]) for other in cpd.scope)
        expected += math.log(cpd.table[index])
    answer = ask(network, Evidence(tuple(patient.items())), names_of(network))
    assert answer.log_evidence == pytest.approx(expected, abs=TOLERANCE)
    assert all(posterior.as_dict()[patient[posterior.node]] == 1 for posterior in answer.posteriors)


@given(
    seed=st.integers(0, 2**32 - 1),
    num_nodes=st.integers(2, 7),
    max_states=st.integers(2, 4),
    max_parents=st.integers(1, 3),
    zero_share=st.sampled_from([0.0, 0.2, 0.6]),
    num_hard=st.integers(0, 4),
    num_unsure=st.integers(0, 3),
)
def test_random_networks_equal_enumeration(
    seed: int,
    num_nodes: int,
    max_states: int,
    max_parents: int,
    zero_share: float,
    num_hard: int,
    num_unsure: int,
) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(rng, num_nodes, min(max_states, 3 if num_nodes > 5 else 4), max_parents, zero_share)
    assert_equals_oracle(network, possible_evidence(rng, network, num_hard, num_unsure))


# Published answers, to the digits printed


SPRINKLER_ANSWERS = [
    # Murphy (1998), "Inference": the grass is wet; and explaining away once rain is known as well.
    pytest.param({"wet_grass": "yes"}, "sprinkler", 0.4298, 4, id="sprinkler_if_wet"),
    pytest.param({"wet_grass": "yes"}, "rain", 0.7079, 4, id="rain_if_wet"),
    pytest.param({"wet_grass": "yes", "rain": "yes"}, "sprinkler", 0.1945, 4, id="explained_away"),
    pytest.param({}, "wet_grass", 0.6471, 4, id="wet"),
]
ASIA_ANSWERS = [
    # Højsgaard (2012), Graphical Independence Networks with the gRain Package, J. Stat. Softw. 46(10), section 2.
    pytest.param({}, "tub", 0.0104, 4, id="tuberculosis"),
    pytest.param({}, "lung", 0.055, 3, id="lung_cancer"),
    pytest.param({}, "bronc", 0.45, 2, id="bronchitis"),
    pytest.param({"asia": "yes", "dysp": "yes"}, "tub", 0.08775, 5, id="tuberculosis_if_asia_and_dyspnoea"),
    pytest.param({"asia": "yes", "dysp": "yes"}, "lung", 0.09953, 5, id="lung_cancer_if_asia_and_dyspnoea"),
    pytest.param({"asia": "yes", "dysp": "yes"}, "bronc", 0.8114, 4, id="bronchitis_if_asia_and_dyspnoea"),
]


def by_elimination(network: Network, evidence: Evidence, node: str) -> dict[str, float]:
    return posteriors(network, evidence, [node])[node]


@pytest.mark.parametrize("method", [by_elimination, oracle.posterior], ids=["elimination", "oracle"])
@pytest.mark.parametrize(("observed", "asked", "printed", "digits"), SPRINKLER_ANSWERS)
def test_sprinkler_as_published(
    method: Callable[..., dict[str, float]], observed: dict[str, str], asked: str, printed: float, digits: int
) -> None:
    assert round(method(sprinkler(), Evidence(tuple(observed.items())), asked)["yes"], digits) == printed


@pytest.mark.parametrize("method", [by_elimination, oracle.posterior], ids=["elimination", "oracle"])
@pytest.mark.parametrize(("observed", "asked", "printed", "digits"), ASIA_ANSWERS)
def test_asia_as_published(
    method: Callable[..., dict[str, float]], observed: dict[str, str], asked: str, printed: float, digits: int
) -> None:
    assert round(method(asia(), Evidence(tuple(observed.items())), asked)["yes"], digits) == printed


def test_evidence_of_asia_as_published() -> None:
    # Højsgaard (2012), section 2: the probability of a visit to Asia and dyspnoea.
    answer = ask(asia(), Evidence((("asia", "yes"), ("dysp", "yes"))), ())
    assert round(math.exp(answer.log_evidence), 9) == 0.004501375


# Laws


@pytest.mark.parametrize("name", NETWORKS)
def test_posteriors_sum_to_one_and_stay_in_range(name: str) -> None:
    network = NETWORKS[name]
    for posterior in ask(
        network, possible_evidence(np.random.default_rng(2), network, 1, 2), names_of(network)
    ).posteriors:
        assert posterior.probs.sum() == pytest.approx(1, abs=TOLERANCE)
        assert ((posterior.probs >= 0) & (posterior.probs <= 1)).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_order_of_evidence_does_not_matter(name: str) -> None:
    network = NETWORKS[name]
    evidence = possible_evidence(np.random.default_rng(3), network, 2, 2)
    first = ask(network, evidence, names_of(network))
    turned = Evidence(evidence.observed[::-1], evidence.unsure[::-1])
    second = ask(network, turned, names_of(network)[::-1])
    assert second.log_evidence == pytest.approx(first.log_evidence, abs=TOLERANCE)
    for one, other in zip(first.posteriors, reversed(second.posteriors), strict=True):
        assert one.node == other.node
        assert one.probs == pytest.approx(other.probs, abs=TOLERANCE)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_likelihood_ratio_of_one_changes_no_posterior(name: str) -> None:
    network = NETWORKS[name]
    evidence = possible_evidence(np.random.default_rng(4), network, 1, 1)
    before = ask(network, evidence, names_of(network))
    for node in network.nodes:
        if len(node.states) == 2 and node.name not in evidence.nodes:
            more = Evidence(evidence.observed, (*evidence.unsure, (node.name, 1.0)))
            after = ask(network, more, names_of(network))
            for one, other in zip(before.posteriors, after.posteriors, strict=True):
                assert other.probs == pytest.approx(one.probs, abs=TOLERANCE)
            assert after.log_evidence == pytest.approx(before.log_evidence - math.log(2), abs=TOLERANCE)


ROOTS = [
    (name, cpd.node)
    for name, network in NETWORKS.items()
    for cpd in network.cpds
    if not cpd.parents and len(cpd.table) == 2 and cpd.table.min() > 0
]


@pytest.mark.parametrize("ratio", [1e-9, 0.2, 3.0, 1e9], ids="ratio_{:g}".format)
@pytest.mark.parametrize(("name", "root"), ROOTS, ids=[f"{name}-{root}" for name, root in ROOTS])
def test_posterior_odds_are_prior_odds_times_the_ratio(name: str, root: str, ratio: float) -> None:
    prior = NETWORKS[name].cpd_of[root].table
    posterior = ask(NETWORKS[name], Evidence(unsure=((root, ratio),)), [root]).posteriors[0].probs
    assert posterior[0] / posterior[1] == pytest.approx(prior[0] / prior[1] * ratio, rel=1e-12)


def test_posterior_odds_are_prior_odds_times_the_ratios_of_independent_findings() -> None:
    chances = [(0.9, 0.2), (0.5, 0.6), (0.01, 0.3)]
    network = many_findings(chances, prior=0.04)
    evidence = Evidence(tuple((f"finding_{i}", "present") for i in range(3)))
    probs = ask(network, evidence, ["cause"]).posteriors[0].probs
    assert probs[0] / probs[1] == pytest.approx(0.04 / 0.96 * math.prod(p / q for p, q in chances), rel=1e-12)


@pytest.mark.parametrize("name", NETWORKS)
def test_relabelling_states_permutes_the_answer(name: str) -> None:
    network = NETWORKS[name]
    evidence = possible_evidence(np.random.default_rng(6), network, 2, 0)
    expected = ask(network, evidence, names_of(network))
    for node in network.nodes:
        for order in permutations(range(len(node.states))):
            turned = relabelled(network, node.name, order)
            answer = ask(turned, evidence, names_of(network))
            assert answer.log_evidence == pytest.approx(expected.log_evidence, abs=TOLERANCE)
            for posterior, other in zip(answer.posteriors, expected.posteriors, strict=True):
                assert posterior.states == turned.node(posterior.node).states
                assert posterior.as_dict() == pytest.approx(other.as_dict(), abs=TOLERANCE)


@pytest.mark.parametrize("ratio", [0.01, 0.5, 20.0], ids="ratio_{:g}".format)
def test_turning_a_finding_round_turns_its_ratio_over(ratio: float) -> None:
    network = hub()
    straight = ask(network, Evidence(unsure=(("leg_raise", ratio),)), ["cause"])
    turned = ask(relabelled(network, "leg_raise", (1, 0)), Evidence(unsure=(("leg_raise", 1 / ratio),)), ["cause"])
    assert turned.log_evidence == pytest.approx(straight.log_evidence, abs=TOLERANCE)
    assert turned.posteriors[0].probs == pytest.approx(straight.posteriors[0].probs, abs=TOLERANCE)


def test_a_leaf_without_evidence_does_not_matter() -> None:
    network = hub()
    smaller = Network(network.nodes[:-1], network.cpds[:-1])
    assert network.nodes[-1].name not in {parent for cpd in network.cpds for parent in cpd.parents}
    evidence = Evidence((("age", "old"),), (("slump", 4.0),))
    one, other = (ask(each, evidence, ["cause", "complication"]) for each in (network, smaller))
    assert one.log_evidence == pytest.approx(other.log_evidence, abs=TOLERANCE)
    assert one.posteriors[1].probs == pytest.approx(other.posteriors[1].probs, abs=TOLERANCE)


# What may be asked


@pytest.mark.parametrize("name", NETWORKS)
def test_an_observed_node_may_be_asked(name: str) -> None:
    network = NETWORKS[name]
    evidence = possible_evidence(np.random.default_rng(7), network, 2, 0)
    answers = posteriors(network, evidence, names_of(network))
    for node, state in evidence.observed:
        assert answers[node] == {other: float(other == state) for other in network.node(node).states}


def test_answers_come_in_the_order_asked_even_twice() -> None:
    answer = ask(asia(), Evidence((("xray", "yes"),)), ["lung", "xray", "asia", "lung"])
    assert [posterior.node for posterior in answer.posteriors] == ["lung", "xray", "asia", "lung"]
    assert answer.posteriors[0].probs.tolist() == answer.posteriors[3].probs.tolist()
    assert answer.engine == "elimination"


def test_asking_nothing_still_gives_the_evidence() -> None:
    answer = ask(asia(), Evidence((("smoke", "yes"),)), ())
    assert answer.posteriors == ()
    assert answer.log_evidence == pytest.approx(math.log(0.5), abs=TOLERANCE)


def test_no_evidence_has_probability_one() -> None:
    assert ask(asia(), Evidence(), ["dysp"]).log_evidence == pytest.approx(0, abs=TOLERANCE)


def test_too_many_nodes_for_one_joint_table_are_asked_one_by_one() -> None:
    network = many_findings([(0.9 / (i + 1), 0.3) for i in range(20)])
    assert 2 ** len(network.nodes) > JOINT_LIMIT
    evidence = Evidence((("finding_3", "present"),), (("finding_5", 0.2),))
    together = ask(network, evidence, names_of(network))
    for posterior in together.posteriors:
        alone = ask(network, evidence, [posterior.node])
        assert posterior.probs == pytest.approx(alone.posteriors[0].probs, abs=TOLERANCE)
        assert together.log_evidence == pytest.approx(alone.log_evidence, abs=TOLERANCE)


def test_answers_are_read_only() -> None:
    evidence = Evidence((("xray", "yes"),))
    for posterior in ask(asia(), evidence, ["lung", "xray"]).posteriors:
        with pytest.raises(ValueError, match="read-only"):
            posterior.probs[0] = 1.0


def test_engines_are_found_by_name() -> None:
    assert engine_named("elimination").name == "elimination"
    with pytest.raises(UnknownName, match=r"unknown engine 'eliminaton'; did you mean elimination\?"):
        engine_named("eliminaton")


# What is refused


@pytest.mark.parametrize(
    ("evidence", "error", "message"),
    [
        pytest.param(Evidence((("leg_rase", "present"),)), UnknownName, "did you mean leg_raise", id="unknown_node"),
        pytest.param(Evidence((("slump", "absnt"),)), UnknownName, "did you mean absent", id="unknown_state"),
        pytest.param(Evidence(unsure=(("slum", 2.0),)), UnknownName, "did you mean slump", id="unknown_unsure"),
        pytest.param(
            Evidence((("slump", "present"), ("slump", "absent"))), BadEvidence, "twice: slump", id="twice_observed"
        ),
        pytest.param(
            Evidence((("slump", "present"), ("slump", "present"))), BadEvidence, "twice: slump", id="twice_the_same"
        ),
        pytest.param(
            Evidence((("slump", "present"),), (("slump", 2.0),)), BadEvidence, "twice: slump", id="observed_and_unsure"
        ),
        pytest.param(Evidence(unsure=(("slump", 2.0), ("slump", 3.0))), BadEvidence, "twice: slump", id="twice_unsure"),
        pytest.param(Evidence(unsure=(("slump", 0.0),)), BadEvidence, "slump: expected", id="ratio_zero"),
        pytest.param(Evidence(unsure=(("slump", -0.0),)), BadEvidence, "slump: expected", id="ratio_minus_zero"),
        pytest.param(Evidence(unsure=(("slump", math.inf),)), BadEvidence, "slump: expected", id="ratio_infinite"),
        pytest.param(Evidence(unsure=(("slump", math.nan),)), BadEvidence, "slump: expected", id="ratio_nan"),
        pytest.param(Evidence(unsure=(("slump", -2.0),)), BadEvidence, "slump: expected", id="ratio_negative"),
        pytest.param(Evidence(unsure=(("cause", 2.0),)), BadEvidence, "cause: .* two states", id="ratio_of_three"),
    ],
)
@pytest.mark.parametrize("engine", ["elimination", "pgmpy"])
def test_bad_evidence_is_refused(engine: str, evidence: Evidence, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        engine_named(engine).query(hub(), evidence, ["cause"])


@pytest.mark.parametrize("engine", ["elimination", "pgmpy"])
def test_an_unknown_node_asked_suggests_the_nearest(engine: str) -> None:
    with pytest.raises(UnknownName, match=r"unknown node 'caus'; did you mean cause\?"):
        engine_named(engine).query(hub(), Evidence(), ["complication", "caus"])


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
def test_impossible_evidence_names_what_clashes(
    network: Network, evidence: Evidence, clash: set[str], asked: list[str]
) -> None:
    with pytest.raises(ImpossibleEvidence, match="cannot hold together") as caught:
        ask(network, evidence, [name for name in asked if name in network.by_name])
    assert set(caught.value.findings) == {item for item in evidence.observed if item[0] in clash}
    assert all(f"{node}={state}" in str(caught.value) for node, state in caught.value.findings)


def impossible_evidence(rng: np.random.Generator, network: Network) -> Evidence | None:
    """Return observations of most nodes that cannot hold together, or None where a few tries find none."""
    for _ in range(20):
        names = [str(name) for name in rng.permutation(names_of(network))][:-1]
        evidence = Evidence(tuple((name, str(rng.choice(network.node(name).states))) for name in names))
        if oracle.log_evidence(network, evidence) == -math.inf:
            return evidence
    return None


def test_the_set_named_is_minimal_on_random_networks() -> None:
    rng, found = np.random.default_rng(8), 0
    for _ in range(30):
        network = random_network(rng, 5, 3, 2, 0.5)
        evidence = impossible_evidence(rng, network)
        if evidence is None:
            continue
        found += 1
        with pytest.raises(ImpossibleEvidence) as caught:
            ask(network, evidence, names_of(network))
        named = caught.value.findings
        assert set(named) <= set(evidence.observed)
        assert oracle.log_evidence(network, Evidence(named)) == -math.inf
        for item in named:
            fewer = Evidence(tuple(other for other in named if other != item))
            assert oracle.log_evidence(network, fewer) > -math.inf
    assert found > 20


@given(seed=st.integers(0, 2**32 - 1))
def test_evidence_is_refused_exactly_where_its_probability_is_zero(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(rng, 5, 3, 2, 0.4)
    names = [str(name) for name in rng.permutation(names_of(network))][:3]
    evidence = Evidence(tuple((name, str(rng.choice(network.node(name).states))) for name in names))
    if oracle.log_evidence(network, evidence) == -math.inf:
        with pytest.raises(ImpossibleEvidence):
            ask(network, evidence, ())
    else:
        assert_equals_oracle(network, evidence)


# Very small and very large numbers


def test_forty_findings_of_one_in_a_billion() -> None:
    network = many_findings([(1e-9, 2e-9)] * 40, prior=0.3)
    answer = ask(network, Evidence(tuple((f"finding_{i}", "present") for i in range(40))), ["cause"])
    # ln P = ln(0.3 * 1e-9^40 + 0.7 * 2e-9^40) = 40 ln 1e-9 + ln(0.3 + 0.7 * 2^40); odds = 0.3 / 0.7 / 2^40
    assert answer.log_evidence == pytest.approx(40 * math.log(1e-9) + math.log(0.3 + 0.7 * 2**40), rel=1e-14)
    odds = 0.3 / 0.7 / 2**40
    assert answer.posteriors[0].probs == pytest.approx([odds / (1 + odds), 1 / (1 + odds)], rel=1e-12)


def test_forty_unsure_findings_of_one_in_a_billion() -> None:
    rare, ratio = 2.0**-30, 2.0**-40
    network = many_findings([(1 - rare, 1 - 2 * rare)] * 40, prior=0.3)
    answer = ask(network, Evidence(unsure=tuple((f"finding_{i}", ratio) for i in range(40))), ["cause"])
    # One report given the cause: (P(present) ratio + P(absent)) / (1 + ratio); about 2^-30, or 2^-29 without it.
    yes, no = ((ratio * (1 - absent) + absent) / (1 + ratio) for absent in (rare, 2 * rare))
    assert answer.log_evidence == pytest.approx(40 * math.log(yes) + math.log(0.3 + 0.7 * (no / yes) ** 40), rel=1e-12)
    odds = 0.3 / 0.7 * (yes / no) ** 40
    assert answer.posteriors[0].probs == pytest.approx([odds / (1 + odds), 1 / (1 + odds)], rel=1e-12)


def test_forty_findings_leave_the_prior_where_they_do_not_tell() -> None:
    network = many_findings([(1e-9, 1e-9)] * 40, prior=0.3)
    answer = ask(network, Evidence(tuple((f"finding_{i}", "present") for i in range(40))), ["cause"])
    assert answer.posteriors[0].probs == pytest.approx([0.3, 0.7], rel=1e-12)


def certain(state: str) -> Network:
    """Return a network of one finding that is certainly in a state."""
    return Network((Node("finding", BINARY),), (CPD("finding", (), [float(s == state) for s in BINARY]),))


@pytest.mark.parametrize("ratio", [5e-324, 1e-310, 1e-308, 1e-300, 1e-9, 1e9, 1e300, 1.7e308], ids="{:g}".format)
@pytest.mark.parametrize("state", BINARY)
def test_an_unsure_report_never_makes_evidence_impossible(state: str, ratio: float) -> None:
    # Any 0 < LR < inf is allowed, and its likelihood vector (LR, 1) / (1 + LR) holds no zero.
    answer = ask(certain(state), Evidence(unsure=(("finding", ratio),)), ["finding"])
    smaller = min(ratio, 1 / ratio if ratio > 1 else ratio)
    expected = math.log(smaller) - math.log1p(smaller) if (ratio < 1) == (state == "present") else -math.log1p(smaller)
    assert answer.log_evidence == pytest.approx(expected, rel=1e-12)
    assert answer.posteriors[0].as_dict()[state] == 1
