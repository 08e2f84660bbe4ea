"""The network says what the tables of priors/ state: nothing lost, nothing bent, nothing added."""

import csv
import math
from collections.abc import Mapping
from itertools import combinations, product

import numpy as np
import pytest

from model import Model
from model.elimination import EliminationEngine, log_joint
from model.evidence import Evidence
from priors import PRIORS_FOLDER, available_profiles
from priors.records import (
    ABSENT,
    AGE,
    CAUDA_EQUINA,
    CAUSE,
    CONTEXT_NODES,
    DEPENDENCE,
    ODDS_MULTIPLIER,
    PRESENT,
    PROBABILITY,
    Key,
)
from priors.shapes import Condition, Finding

PROFILES = available_profiles()
OVERLAYS = [profile for profile in PROFILES if profile != "documents"]
TOLERANCE = 1e-9

per_profile = pytest.mark.parametrize("profile", PROFILES)


def holds(condition: Condition, state: Mapping[str, str]) -> bool:
    """Say whether a condition holds, by the words of findings.toml."""
    met = [state[node] == wanted for node, wanted in condition.terms]
    return any(met) if condition.mode == "any" else all(met)


def givens(finding: Finding) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """Return what a finding's stated number is conditional on beside the cause: as `given` text and as evidence."""
    if not finding.cauda_equina:
        return [("", ())]
    return [(f"{CAUDA_EQUINA}={state}", ((CAUDA_EQUINA, state),)) for state in (PRESENT, ABSENT)]


def chance(model: Model, finding: Finding, known: tuple[tuple[str, str], ...]) -> float:
    """Return the network's P(finding present | known), and given its condition where it has one."""
    network, nodes = model.network, finding.possible_if.nodes if finding.possible_if else ()
    joint = np.exp(log_joint(network, Evidence(known), (*nodes, finding.name)))
    present = total = 0.0
    for index in np.ndindex(*joint.shape[:-1]):
        state = {name: network.node(name).states[i] for name, i in zip(nodes, index, strict=True)}
        if finding.possible_if is None or holds(finding.possible_if, state):
            present, total = present + joint[index][0], total + joint[index].sum()
    return float(present / total)


# The stated numbers


@per_profile
def test_prior_of_the_causes_is_the_prevalence(models: Mapping[str, Model], profile: str) -> None:
    model = models[profile]
    prior = EliminationEngine().query(model.network, Evidence(), [CAUSE]).posteriors[0].as_dict()
    names = model.priors.structure.cause_names
    stated = {cause: model.priors.number(Key(PROBABILITY, CAUSE, cause)) for cause in names}
    assert prior == pytest.approx(stated, abs=TOLERANCE)


@per_profile
def test_every_finding_has_its_stated_chance_given_each_cause(models: Mapping[str, Model], profile: str) -> None:
    model, wrong = models[profile], {}
    for finding in model.priors.structure.findings.values():
        for cause, (given, known) in product(model.priors.structure.cause_names, givens(finding)):
            stated = model.priors.number(Key(PROBABILITY, finding.name, PRESENT, given), cause)
            found = chance(model, finding, ((CAUSE, cause), *known))
            if not math.isclose(found, stated, rel_tol=0, abs_tol=TOLERANCE):
                wrong[finding.name, cause, given] = (found, stated)
    assert wrong == {}


@per_profile
def test_the_complication_has_its_stated_chance_given_each_cause(models: Mapping[str, Model], profile: str) -> None:
    model = models[profile]
    table = model.network.cpd_of[CAUDA_EQUINA].table
    assert model.network.cpd_of[CAUDA_EQUINA].parents == (CAUSE,)
    assert table[:, 0] == pytest.approx(model.priors.numbers(Key(PROBABILITY, CAUDA_EQUINA, PRESENT)), abs=TOLERANCE)


@per_profile
@pytest.mark.parametrize("node", CONTEXT_NODES)
def test_age_sex_and_duration_have_their_stated_shares(models: Mapping[str, Model], profile: str, node: str) -> None:
    model = models[profile]
    cpd, states = model.network.cpd_of[node], model.priors.structure.context_states(node)
    assert cpd.parents == (CAUSE,)
    for i, state in enumerate(states):
        assert cpd.table[:, i] == pytest.approx(model.priors.numbers(Key(PROBABILITY, node, state)), abs=TOLERANCE)


@per_profile
def test_latents_have_their_stated_shares(models: Mapping[str, Model], profile: str) -> None:
    model = models[profile]
    for syndrome in model.priors.structure.syndromes.values():
        table = model.network.cpd_of[syndrome.name].table
        for i, state in enumerate(syndrome.states[:-1]):
            stated = model.priors.numbers(Key(PROBABILITY, syndrome.name, state))
            assert table[:, i] == pytest.approx(stated, abs=TOLERANCE), syndrome.name


# The structure


def test_every_name_of_the_structure_is_a_node_with_its_states(model: Model) -> None:
    structure = model.priors.structure
    expected = {CAUSE: structure.cause_names, CAUDA_EQUINA: (PRESENT, ABSENT)}
    expected |= {name: structure.context_states(name) for name in CONTEXT_NODES}
    expected |= {syndrome.name: syndrome.states for syndrome in structure.syndromes.values()}
    expected |= dict.fromkeys(structure.findings, (PRESENT, ABSENT))
    assert {node.name: node.states for node in model.network.nodes} == expected


def test_a_finding_has_the_parents_its_structure_gives_it(model: Model) -> None:
    structure, expected = model.priors.structure, {}
    for name, finding in structure.findings.items():
        syndrome = structure.syndrome_of(name)
        expected[name] = {
            CAUSE,
            *([CAUDA_EQUINA] if finding.cauda_equina else []),
            *([AGE] if finding.age else []),
            *([syndrome.name] if syndrome else []),
            *(finding.possible_if.nodes if finding.possible_if else []),
        }
    assert {name: set(model.network.cpd_of[name].parents) for name in expected} == expected


def test_no_finding_sits_in_two_syndromes(model: Model) -> None:
    members = [name for syndrome in model.priors.structure.syndromes.values() for name, _ in syndrome.members]
    assert len(members) == len(set(members))


@per_profile
def test_a_model_says_its_profile_and_digest(models: Mapping[str, Model], profile: str) -> None:
    assert models[profile].profile == models[profile].network.profile == profile
    assert [other for other in PROFILES if models[other].digest == models[profile].digest] == [profile]


# Zeros


@per_profile
def test_the_only_zeros_are_logical(models: Mapping[str, Model], profile: str) -> None:
    network, findings = models[profile].network, models[profile].priors.structure.findings
    zeros = {cpd.node for cpd in network.cpds if ((cpd.table == 0) | (cpd.table == 1)).any()}
    bound = {name for name, finding in findings.items() if finding.possible_if}
    assert zeros == bound


@per_profile
def test_a_bound_finding_is_impossible_exactly_where_its_condition_fails(
    models: Mapping[str, Model], profile: str
) -> None:
    network = models[profile].network
    for name, finding in models[profile].priors.structure.findings.items():
        if finding.possible_if:
            cpd = network.cpd_of[name]
            for index in np.ndindex(*cpd.table.shape[:-1]):
                state = {p: network.node(p).states[i] for p, i in zip(cpd.parents, index, strict=True)}
                assert (0 < cpd.table[index][0] < 1) == holds(finding.possible_if, state), (name, state)


# Dependence


def sign_of(model: Model, cause: str, one: str, other: str) -> int:
    """Return the direction in which two findings of a syndrome are stated to go together given a cause."""
    syndrome = model.priors.structure.syndrome_of(one)
    assert syndrome is not None
    strengths = [model.priors.number(Key(DEPENDENCE, name, PRESENT, syndrome.name), cause) for name in (one, other)]
    if 0 in strengths:
        return 0
    states = dict(syndrome.members)
    turned = (one in syndrome.reversed) != (other in syndrome.reversed)
    return 1 if (states[one] == states[other]) != turned else -1


@per_profile
@pytest.mark.parametrize("band", ["age_20_34", "age_65_79"])
def test_findings_of_a_syndrome_go_together_as_stated(models: Mapping[str, Model], profile: str, band: str) -> None:
    # Given cause, age and complication, the latent alone ties them; its other parents cannot mislead.
    model, wrong, pairs = models[profile], [], 0
    for syndrome in model.priors.structure.syndromes.values():
        for (one, _), (other, _) in combinations(syndrome.members, 2):
            for cause in model.priors.structure.cause_names:
                known = Evidence(((CAUSE, cause), (AGE, band), (CAUDA_EQUINA, ABSENT)))
                logs = log_joint(model.network, known, (one, other))
                joint = np.exp(logs - np.log(np.exp(logs).sum()))
                excess = float(joint[0, 0] - joint[0].sum() * joint[:, 0].sum()) / float(joint[0].sum())
                pairs += 1
                if (0 if abs(excess) < 1e-13 else math.copysign(1, excess)) != sign_of(model, cause, one, other):
                    wrong.append((syndrome.name, one, other, cause, excess))
    assert wrong == []
    assert pairs > 100


def test_relief_with_rest_goes_with_the_absence_of_the_latent(model: Model) -> None:
    # The reversed member: non-mechanical pain makes night pain more likely and relief with rest less.
    assert "relief_with_rest" in model.priors.structure.syndromes["non_mechanical_pain"].reversed
    engine = EliminationEngine()
    for cause in model.priors.structure.cause_names:
        chances = {}
        for state in (PRESENT, ABSENT):
            known = Evidence(((CAUSE, cause), ("non_mechanical_pain", state)))
            answer = engine.query(model.network, known, ["night_pain", "relief_with_rest"])
            chances[state] = [float(posterior.probs[0]) for posterior in answer.posteriors]
        assert chances[PRESENT][0] > chances[ABSENT][0], cause
        assert chances[PRESENT][1] < chances[ABSENT][1], cause


@per_profile
def test_latents_are_independent_of_age_and_complication_given_the_cause(
    models: Mapping[str, Model], profile: str
) -> None:
    network = models[profile].network
    assert all(network.cpd_of[name].parents == (CAUSE,) for name in models[profile].priors.structure.syndromes)


# Age


@per_profile
def test_age_multiplies_the_odds_of_a_finding_as_stated(models: Mapping[str, Model], profile: str) -> None:
    # Given the cause; where the finding has a latent it is summed out, and the ratio still holds.
    model, wrong, compared = models[profile], {}, 0
    age = model.priors.structure.age
    for finding in model.priors.structure.findings.values():
        if not finding.age:
            continue
        for cause, (_, known) in product(model.priors.structure.cause_names, givens(finding)):
            joint = np.exp(log_joint(model.network, Evidence(((CAUSE, cause), *known)), (AGE, finding.name)))
            odds = dict(zip(age.states, joint[:, 0] / joint[:, 1], strict=True))
            for band in set(age.states) - {age.reference}:
                key = Key(ODDS_MULTIPLIER, finding.name, PRESENT, f"{AGE}={band}")
                stated, compared = model.priors.number(key, cause), compared + 1
                if not math.isclose(odds[band] / odds[age.reference], stated, rel_tol=TOLERANCE):
                    wrong[finding.name, cause, band] = (odds[band] / odds[age.reference], stated)
    assert wrong == {}
    assert compared > 100


def test_age_does_not_touch_a_finding_without_an_age_effect(model: Model) -> None:
    for finding in model.priors.structure.findings.values():
        if not finding.age and finding.possible_if is None:
            joint = np.exp(log_joint(model.network, Evidence(), (CAUSE, AGE, finding.name)))
            shares = joint[..., 0] / joint.sum(axis=-1)
            assert np.ptp(shares / shares[:, :1], axis=1).max() < TOLERANCE, finding.name


# Profiles


def touched_cells(model: Model, profile: str) -> set[tuple[str, str]]:
    """Return the (node, cause) rows of tables that a profile's file may change; an empty cause is the whole table."""
    structure, touched = model.priors.structure, set()
    with (PRIORS_FOLDER / "profiles" / f"{profile}.csv").open(encoding="utf-8-sig", newline="") as handle:
        for row in csv.DictReader(handle):
            causes = structure.cause_names if row["causes"] == "all" else row["causes"].split(";")
            nodes = {row["node"]}
            if row["node"] == AGE:
                nodes |= {name for name, finding in structure.findings.items() if finding.age}
            if row["node"] in structure.syndromes:
                nodes |= {name for name, _ in structure.syndromes[row["node"]].members}
            touched |= set(product(nodes, ("",) if row["node"] == CAUSE else (cause.strip() for cause in causes)))
    return touched


@pytest.mark.parametrize("profile", OVERLAYS)
def test_a_profile_changes_its_rows_and_nothing_else(models: Mapping[str, Model], profile: str) -> None:
    base, other = models["documents"].network, models[profile].network
    assert [(node.name, node.states) for node in other.nodes] == [(node.name, node.states) for node in base.nodes]
    changed = set()
    for before, after in zip(base.cpds, other.cpds, strict=True):
        assert after.scope == before.scope
        differs = after.table != before.table
        if before.node == CAUSE:
            changed |= {(CAUSE, "")} if differs.any() else set()
            continue
        assert before.parents[0] == CAUSE
        causes = base.node(CAUSE).states
        changed |= {(before.node, cause) for cause, row in zip(causes, differs, strict=True) if row.any()}
    assert (CAUSE, "") in changed
    assert changed <= touched_cells(models["documents"], profile)


@pytest.mark.parametrize("profile", OVERLAYS)
def test_every_number_of_a_profile_arrives_in_the_network(models: Mapping[str, Model], profile: str) -> None:
    model, findings = models[profile], models[profile].priors.structure.findings
    arrived = 0
    with (PRIORS_FOLDER / "profiles" / f"{profile}.csv").open(encoding="utf-8-sig", newline="") as handle:
        for row in csv.DictReader(handle):
            value = float(row["value"])
            if row["node"] == CAUSE:
                index = model.network.node(CAUSE).index(row["state"])
                assert model.network.cpd_of[CAUSE].table[index] == pytest.approx(value, abs=TOLERANCE)
                arrived += 1
            elif row["parameter"] == PROBABILITY and row["node"] in findings:
                known = tuple(tuple(part.split("=")) for part in [row["given"]] if part)
                for cause in row["causes"].split(";"):
                    found = chance(model, findings[row["node"]], ((CAUSE, cause.strip()), *known))  # type: ignore[arg-type]
                    assert found == pytest.approx(value, abs=TOLERANCE), (row["node"], cause)
                arrived += 1
    assert arrived > 0
