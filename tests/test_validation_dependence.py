"""Structure: naive Bayes beside the network, claimed independences, the worth of latents, and their section."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from networks import sprinkler

from model import Model
from model.build import build_network
from model.compiled_engine import CompiledEngine
from model.elimination import EliminationEngine
from model.errors import UnknownName
from model.evidence import Evidence
from model.evidence_batch import evidence_of
from model.naive import naive_bayes
from model.network import CPD, Network, Node, Table
from model.pgmpy_bridge import to_pgmpy
from priors.records import CAUSE, DEPENDENCE
from validation.cohort import bedside_nodes, simulate
from validation.dependence import Dependence, Sizes, measure_dependence
from validation.double_counting import TIE_LOGIC, TIE_OTHER, log_odds, overstatement, tied_pairs
from validation.independences import Claim, check_claim, conditional_information, read_claims
from validation.latents import ALL_LATENTS, BEDSIDE, NAIVE, WITH_TESTS, without_latents, worth_of_latents
from validation.scores import Difference
from validation.views.dependence import section
from validation.views.dependence_tables import bits, worth_of

SMALL = Sizes(patients=600, worth_patients=300, seed=1)
PROFILES = ("documents", "primary_care", "emergency", "specialist")


def silent(_: str) -> None:
    """Tell nobody."""


@pytest.fixture(scope="module")
def found(models: Mapping[str, Model]) -> Dependence:
    told: list[str] = []
    result = measure_dependence(models["primary_care"], told.append, SMALL)
    assert told[0] == "naive Bayes on 600 patients"
    assert len(told) > 10
    return result


def marginal(network: Network, evidence: tuple[tuple[str, str], ...], node: str) -> Table:
    return EliminationEngine().query(network, Evidence(evidence), (node,)).posteriors[0].probs


# Naive Bayes beside the network


def test_log_odds_keep_their_digits_close_to_one() -> None:
    probs = np.array([[1 - 1e-20, 1e-20], [0.2, 0.8]])
    assert log_odds(probs, np.array([0, 1])) == pytest.approx([20 * np.log(10), np.log(4)], rel=1e-12)


def test_overstatement_is_what_single_queries_give(model: Model) -> None:
    size, seed = 60, 4
    told = overstatement(model, size, seed)
    cohort = simulate(model.network, size, np.random.default_rng(seed), bedside_nodes(model.priors.structure))
    naive, engine = naive_bayes(model.network, CAUSE), CompiledEngine()
    shifts, differs, sure = [], 0, 0
    for patient in range(size):
        evidence = evidence_of(model.network, cohort.batch, patient)
        full = engine.query(model.network, evidence, (CAUSE,)).posteriors[0].probs
        less = engine.query(naive, evidence, (CAUSE,)).posteriors[0].probs
        lead = int(full.argmax())
        rest = [np.delete(probs, lead).sum() for probs in (full, less)]
        shifts.append(np.log2(less[lead] / rest[1]) - np.log2(full[lead] / rest[0]))
        differs += int(less.argmax()) != lead
        sure += less.max() > 0.99
    assert told.shift_mean == pytest.approx(np.abs(shifts).mean(), rel=1e-6)
    assert told.shift_95 == pytest.approx(np.quantile(np.abs(shifts), 0.95), rel=1e-6)
    assert told.upward == pytest.approx(np.mean(np.array(shifts) > 0))
    assert (told.leading_differs, told.naive.sure) == (differs, sure)
    assert told.patients == size == told.network.scores.cases


def test_naive_bayes_is_too_sure_of_patients_of_the_network(found: Dependence) -> None:
    told = found.overstatement
    assert told.naive.calibration.slope < 0.9
    assert told.network.calibration.slope == pytest.approx(1, abs=0.2)  # 600 patients: a standard error of 0.07
    assert told.naive.sure > told.network.sure >= told.network.sure_right > 0
    assert told.log_loss.mean > 0
    assert told.log_loss.low < told.log_loss.mean < told.log_loss.high


# Pairs of findings


@pytest.mark.parametrize(
    ("first", "second", "tie"),
    [
        ("straight_leg_raise_positive", "slump_test_positive", "root_tension"),
        ("straight_leg_raise_positive", "crossed_slr_positive", TIE_LOGIC),
        ("slump_test_positive", "crossed_slr_positive", TIE_OTHER),
        ("straight_leg_raise_positive", "esr_raised", "age"),
        ("motor_weakness", "urinary_retention", "cauda_equina_syndrome"),
    ],
)
def test_a_pair_is_told_as_two_queries_give_it(model: Model, first: str, second: str, tie: str) -> None:
    (pair,) = tied_pairs(model, (first, second))
    naive, both = naive_bayes(model.network, CAUSE), ((first, "present"), (second, "present"))
    prior = marginal(model.network, (), CAUSE)
    lifts = []
    for network in (model.network, naive):
        probs = marginal(network, both, CAUSE)
        lifts.append(np.log2(probs / (1 - probs) / (prior / (1 - prior))))
    best = int(lifts[0].argmax())
    assert pair.lifted == model.network.node(CAUSE).states[best]
    assert pair.lift == pytest.approx(lifts[0][best])
    assert pair.overstated == pytest.approx(lifts[1][best] - lifts[0][best], abs=1e-9)
    assert pair.information == pytest.approx(conditional_information(model.network, first, second, [CAUSE]))
    assert pair.tie == tie
    for cause, together in pair.together:
        given = ((CAUSE, cause),)
        alone = marginal(model.network, given, first)[0]
        beside = marginal(model.network, (*given, (second, "present")), first)[0]
        assert together == pytest.approx(np.log2(beside / alone), abs=1e-9)
    assert pair.together_mean == pytest.approx(prior @ [value for _, value in pair.together])


def test_pairs_that_the_cause_alone_ties_are_left_out(model: Model) -> None:
    assert tied_pairs(model, ("fever", "slump_test_positive", "smoking")) == ()


def test_findings_that_exclude_each_other_are_never_together(model: Model) -> None:
    (pair,) = tied_pairs(model, ("mri_lumbar_normal", "mri_lumbar_disc_herniation"))
    assert (pair.both, pair.lifted, pair.together_mean) == (0, "", -np.inf)
    assert pair.information > 0


def test_every_pair_of_a_syndrome_is_found(model: Model, found: Dependence) -> None:
    syndromes = model.priors.structure.syndromes.values()
    expected = sum(len(s.members) * (len(s.members) - 1) // 2 for s in syndromes)
    names = {s.name for s in syndromes}
    assert sum(pair.tie in names for pair in found.pairs) == expected
    assert [p.information for p in found.pairs] == sorted((p.information for p in found.pairs), reverse=True)


# Claims of independence


def test_information_of_hand_worked_networks() -> None:
    names = ("x", "y", "z")
    fair, noisy = np.array([0.5, 0.5]), np.array([[0.9, 0.1], [0.1, 0.9]])
    exclusive_or = np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]])
    nodes = tuple(Node(name, ("yes", "no")) for name in names)
    copy = Network(nodes[:2], (CPD("x", (), fair), CPD("y", ("x",), noisy)))
    assert conditional_information(copy, "x", "y") == pytest.approx(1 + 0.9 * np.log2(0.9) + 0.1 * np.log2(0.1))
    both = Network(nodes, (CPD("x", (), fair), CPD("y", (), fair), CPD("z", ("x", "y"), exclusive_or)))
    assert conditional_information(both, "x", "y") == pytest.approx(0, abs=1e-15)
    assert conditional_information(both, "x", "y", ["z"]) == pytest.approx(1)
    assert conditional_information(sprinkler(), "sprinkler", "rain", ["cloudy"]) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_claim_holds_under_every_profile(models: Mapping[str, Model], profile: str) -> None:
    structure = models[profile].priors.structure
    for claim in read_claims(structure):
        checked = check_claim(models[profile].network, structure, claim)
        assert checked.holds, (claim.says, checked.graph_against[:3], checked.numbers_against[:3])


def test_claims_agree_with_pgmpy(model: Model) -> None:
    structure, theirs = model.priors.structure, to_pgmpy(model.network)
    for claim in read_claims(structure):
        for x, y in claim.pairs[::9]:
            syndrome, condition = structure.syndrome_of(x), getattr(structure.findings.get(x), "possible_if", None)
            known = [name for name in claim.given if not name.endswith(" of x")]
            known += [syndrome.name] if syndrome and "syndrome of x" in claim.given else []
            known += condition.nodes if condition and "condition of x" in claim.given else []
            assert theirs.is_dconnected(x, y, observed=known) != claim.independent, (x, y, known)


def test_families_hold_every_pair_once(model: Model) -> None:
    structure = model.priors.structure
    sizes = [len(syndrome.members) for syndrome in structure.syndromes.values()]
    across = (sum(sizes) ** 2 - sum(size**2 for size in sizes)) // 2
    claims = read_claims(structure)
    assert across in [len(claim.pairs) for claim in claims]
    for claim in claims:
        assert len({frozenset(pair) for pair in claim.pairs}) == len(claim.pairs)
        assert all(x != y for x, y in claim.pairs)


def test_a_wrong_claim_is_told_by_graph_and_by_numbers(model: Model) -> None:
    structure = model.priors.structure
    pairs = (("straight_leg_raise_positive", "slump_test_positive"), ("fever", "slump_test_positive"))
    checked = check_claim(model.network, structure, Claim("wrong", "", pairs, (CAUSE,), True))
    assert checked.graph_against == checked.numbers_against == pairs[:1]
    checked = check_claim(model.network, structure, Claim("wrong", "", pairs, (CAUSE,), False))
    assert checked.graph_against == checked.numbers_against == pairs[1:]
    assert not checked.holds


def test_numbers_tell_where_a_link_carries_nothing(model: Model) -> None:
    latent = model.network.cpd_of["systemic_illness"]
    fever = model.network.cpd_of["fever"]
    flat = CPD("fever", fever.parents, np.repeat(fever.table.mean(axis=1, keepdims=True), 2, axis=1))
    cpds = tuple(flat if cpd.node == "fever" else cpd for cpd in model.network.cpds)
    claim = Claim("a link without weight", "", (("fever", latent.node),), (CAUSE,), False)
    checked = check_claim(Network(model.network.nodes, cpds), model.priors.structure, claim)
    assert checked.graph_against == ()
    assert checked.numbers_against == claim.pairs


def test_a_bad_file_of_claims_is_refused(model: Model, tmp_path: Path) -> None:
    text = '[[claim]]\nsays = "s"\npairs = {}\ngiven = []\nindependent = true\nwhy = "w"\n'
    file = tmp_path / "claims.toml"
    file.write_text(text.format('"members of nothing"'), encoding="utf-8")
    with pytest.raises(ValueError, match=r"unknown pairs 'members of nothing'"):
        read_claims(model.priors.structure, file)
    file.write_text(text.format("[]"), encoding="utf-8")
    with pytest.raises(ValueError, match="no pairs"):
        read_claims(model.priors.structure, file)
    file.write_text(text.format('[["fever", "feverr"]]'), encoding="utf-8")
    (claim,) = read_claims(model.priors.structure, file)
    with pytest.raises(UnknownName, match="feverr"):
        check_claim(model.network, model.priors.structure, claim)


# Worth of latents


def test_a_latent_taken_out_is_a_strength_of_zero(model: Model) -> None:
    names = ("root_tension", "fracture_mechanism", "sacral_roots", "root_conduction", "non_mechanical_pain")
    cells = {
        (key, cause): replace(row, estimate=replace(row.estimate, value=0.0))
        if key.parameter == DEPENDENCE and key.given in names
        else row
        for (key, cause), row in model.priors.cells.items()
    }
    untied = build_network(replace(model.priors, cells=cells))
    found = without_latents(model.network, names)
    assert {node.name for node in model.network.nodes} - {node.name for node in found.nodes} == set(names)
    for cpd in found.cpds:
        other = untied.cpd_of[cpd.node]
        axes = tuple(other.parents.index(name) for name in other.parents if name in names)
        assert np.ptp(other.table, axis=axes).max() < 1e-12 if axes else True
        assert cpd.parents == tuple(name for name in other.parents if name not in names)
        assert cpd.table == pytest.approx(np.take(other.table, 0, axis=axes[0]) if axes else other.table, abs=1e-12)


def test_frequencies_stay_and_ties_go(model: Model) -> None:
    found = without_latents(model.network, tuple(model.priors.structure.syndromes))
    given = ((CAUSE, "spinal_stenosis"), ("age", "age_65_79"))
    for name in ("straight_leg_raise_positive", "osteoporosis", "urinary_retention", "relief_with_rest"):
        assert marginal(found, given, name) == pytest.approx(marginal(model.network, given, name), abs=1e-12)
    tied = conditional_information(model.network, "osteoporosis", "minor_trauma", [CAUSE, "age"])
    assert tied > 1e-4
    assert conditional_information(found, "osteoporosis", "minor_trauma", [CAUSE, "age"]) == pytest.approx(0, abs=1e-12)


def test_the_cause_need_not_be_the_first_parent() -> None:
    shares, table = np.array([[0.3, 0.7], [0.6, 0.4]]), np.zeros((2, 2, 2))
    table[..., 0] = [[0.9, 0.8], [0.1, 0.2]]  # latent, cause
    table[..., 1] = 1 - table[..., 0]
    yes_no = ("yes", "no")
    nodes = (Node(CAUSE, ("a", "b")), Node("latent", yes_no, kind="syndrome"), Node("sign", yes_no))
    cpds = (
        CPD(CAUSE, (), np.array([0.5, 0.5])),
        CPD("latent", (CAUSE,), shares),
        CPD("sign", ("latent", CAUSE), table),
    )
    found = without_latents(Network(nodes, cpds), ["latent"])
    assert found.cpd_of["sign"].parents == (CAUSE,)
    assert found.cpd_of["sign"].table[:, 0] == pytest.approx([0.3 * 0.9 + 0.7 * 0.1, 0.6 * 0.8 + 0.4 * 0.2])


@pytest.mark.parametrize(("name", "error"), [("fever", ValueError), ("root_tensoin", UnknownName)])
def test_only_a_child_of_the_cause_can_be_taken_out(model: Model, name: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=name):
        without_latents(model.network, [name])


def test_worth_is_never_below_zero_when_it_is_not_drawn(found: Dependence, model: Model) -> None:
    assert len(found.worth) == 2 * (len(model.priors.structure.syndromes) + 2)
    for worth in found.worth:
        assert worth.expected >= -1e-12
        assert worth.loss.low <= worth.loss.mean <= worth.loss.high
    idle = worth_of(found.worth, "inflammation", BEDSIDE)  # its findings are tests
    assert (idle.loss.mean, idle.expected) == pytest.approx((0, 0), abs=1e-12)
    assert worth_of(found.worth, "inflammation", WITH_TESTS).expected > 1e-5
    for recorded in (BEDSIDE, WITH_TESTS):
        root, everything, naive = (
            worth_of(found.worth, name, recorded).expected for name in ("root_tension", ALL_LATENTS, NAIVE)
        )
        assert 0 < root < everything < naive


def test_drawn_and_expected_worth_agree(models: Mapping[str, Model]) -> None:
    found = worth_of_latents(models["primary_care"], 1500, 7, silent)
    for worth in (worth_of(found, ALL_LATENTS, BEDSIDE), worth_of(found, NAIVE, WITH_TESTS)):
        error = (worth.loss.high - worth.loss.low) / (2 * 1.96)
        assert abs(worth.loss.mean - worth.expected) < 4 * error


# The section


def test_the_same_seed_finds_the_same(models: Mapping[str, Model]) -> None:
    model = models["primary_care"]
    assert overstatement(model, 200, 3) == overstatement(model, 200, 3)
    assert overstatement(model, 200, 3) != overstatement(model, 200, 4)


def test_the_section_shows_what_was_found(found: Dependence) -> None:
    shown = section(found)
    assert shown.key == "dependence"
    assert all(check.holds for check in shown.checks[:2])
    assert len(shown.pictures) == 2
    for grid in shown.grids:
        assert grid.rows
        assert all(len(row) == len(grid.columns) for row in grid.rows)
        assert not {"nan", "inf", "-inf"} & {word for row in grid.rows for cell in row for word in cell.split()}
    worth = shown.grids[-1]
    assert [row[0] for row in worth.rows][-2:] == ["All latents", "Naive Bayes (no dependence at all)"]
    assert worth.rows[-2][2] == bits(worth_of(found.worth, ALL_LATENTS, BEDSIDE).expected)
    figures = json.loads(json.dumps(shown.figures, allow_nan=False))
    assert figures["overstatement"]["naive"]["sure"] == found.overstatement.naive.sure
    assert len(figures["claims"]) == len(found.claims)
    assert figures["pairs"][0]["together"]["disc_herniation"] == dict(found.pairs[0].together)["disc_herniation"]
    assert "600 patients were drawn" in shown.text[0]


def test_the_section_shows_what_does_not_hold(found: Dependence) -> None:
    wrong = replace(found.claims[0], graph_against=(("age", "sex"),), numbers_against=(("age", "sex"),))
    worse = replace(found.worth[0], loss=Difference(-0.2, -0.3, -0.1))
    bad = replace(found, claims=(wrong, *found.claims[1:]), worth=(worse, *found.worth[1:]))
    graph, numbers, worth = section(bad).checks
    assert [graph.holds, numbers.holds, worth.holds] == [False, False, False]
    assert "not so for 1 of 3 pairs, first age and sex" in graph.detail
    assert "Root tension (bedside)" in worth.detail


def test_no_model_that_is_sure_is_told(found: Dependence) -> None:
    shy = replace(found.overstatement.network, sure=0, sure_right=0, sure_said=0.0)
    shown = section(replace(found, overstatement=replace(found.overstatement, network=shy)))
    assert shown.grids[0].rows[5][:2] == ("How often that is right", "none is")
