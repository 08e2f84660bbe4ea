"""Joint figures: the model in a study's own setting gives what the study measured for several findings together."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from model import load_model
from model.elimination import EliminationEngine
from model.errors import BadEvidence, UnknownName
from model.evidence import Evidence
from model.sampling import sample
from priors import available_profiles
from priors.records import CONTEXT_NODES
from validation.criteria import age_pieces
from validation.joint import (
    examination_gain,
    joint_figures,
    likelihood_ratio,
    positive_given_cause,
    read_rules,
)

# The ranges of the design, not the file's own.
RANGES = {"henschke_2": (8, 30), "henschke_3": (60, 600), "cook_4": (3, 10), "konno_7": (2, 5)}


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture(scope="module")
def rules():
    return {rule.name: rule for rule in read_rules()}


def test_the_rules_are_the_designs(rules):
    assert {name: rule.accepted for name, rule in rules.items()} == RANGES


def test_joint_figures_lie_in_their_ranges():
    for figure in joint_figures():
        low, high = RANGES[figure.rule.name]
        assert low <= figure.in_study <= high, figure.rule.name
        assert figure.holds
        assert set(figure.by_profile) == set(available_profiles())


def test_the_product_of_single_ratios_would_not(rules):
    """Published ratios of single flags multiply to over 5,000; together they must weigh far less."""
    rule = rules["henschke_3"]
    single = 11 * 10.03 * 48.5  # published ratios of age, trauma and steroids
    assert likelihood_ratio(load_model(str(rule.overlay)), rule) < single / 5


def test_each_overlay_says_where_its_numbers_come_from(rules):
    for rule in rules.values():
        priors = load_model(str(rule.overlay)).priors
        own = [row for row in priors.rows if row.file.endswith(rule.overlay.name)]
        assert own
        assert all(set(row.estimate.sources) <= set(priors.sources) for row in own)
        assert rule.source in {source for row in own for source in row.estimate.sources}


def test_a_cut_takes_its_share_of_a_band(model):
    pieces = age_pieces(model.priors.structure.age, ((48, 1), (70, 2)))
    assert [share for band, share, _ in pieces if band == 2] == pytest.approx([13 / 15, 2 / 15])
    assert [points for band, _, points in pieces if band == 4] == [1, 3]
    assert sum(share for _, share, _ in pieces) == pytest.approx(6)


def test_positive_share_matches_an_enumeration_with_the_engine(model, rules):
    """Cook's rule without age, worked out combination by combination with single queries."""
    rule = rules["cook_4"]
    nodes = [node for node, _, _ in rule.score.items]
    known = (("cause", "spinal_stenosis"), *((node, states[0]) for node, states in rule.entry.states))
    engine, network = EliminationEngine(), model.network
    total = engine.query(network, Evidence(known), ()).log_evidence
    expected = 0.0
    for states in itertools.product(("present", "absent"), repeat=len(nodes)):
        if states.count("present") == len(nodes):
            evidence = Evidence((*known, *zip(nodes, states, strict=True)))
            expected += np.exp(engine.query(network, evidence, ()).log_evidence - total)
    without_age = replace(rule, score=replace(rule.score, ages=()))
    index = network.node("cause").index("spinal_stenosis")
    found = positive_given_cause(network, model.priors.structure.age, without_age)[index]
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.slow
def test_the_examination_adds_little_to_the_history(model):
    findings = model.priors.structure.findings.values()
    history = [*CONTEXT_NODES, *(f.name for f in findings if f.group in ("red_flags", "history"))]
    examination = [f.name for f in findings if f.group == "examination"]
    gain = examination_gain(model, history, examination, 800)
    assert 0 < gain.gain <= 0.05


# the sampler


def test_sampled_shares_are_the_networks(model):
    size = 40_000
    drawn = sample(model.network, size, np.random.default_rng(7))
    for name in ("cause", "straight_leg_raise_positive", "mri_lumbar_normal", "duration_weeks"):
        probs = EliminationEngine().query(model.network, Evidence(), (name,)).posteriors[0].probs
        found = np.bincount(drawn[name], minlength=len(probs)) / size
        error = np.sqrt(probs * (1 - probs) / size)
        assert np.all(np.abs(found - probs) <= 5 * error + 1e-12), name


def test_sampling_never_breaks_a_logical_bound(model):
    drawn = sample(model.network, 20_000, np.random.default_rng(8))
    crossed = drawn["crossed_slr_positive"] == 0
    assert crossed.any()
    assert (drawn["straight_leg_raise_positive"][crossed] == 0).all()


def test_sampling_repeats_with_its_seed(model):
    first, second = (sample(model.network, 50, np.random.default_rng(3)) for _ in range(2))
    assert all((first[name] == second[name]).all() for name in first)


def test_only_a_node_without_parents_can_be_fixed(model):
    rng = np.random.default_rng(1)
    with pytest.raises(BadEvidence, match="without parents"):
        sample(model.network, 5, rng, {"fever": "present"})
    with pytest.raises(UnknownName):
        sample(model.network, 5, rng, {"cause": "sciatica"})
