"""The probability of what must not be missed: a chain of queries equals the joint."""

import numpy as np
import pytest

from model.elimination import EliminationEngine, log_joint
from model.errors import ImpossibleEvidence
from model.evidence import Evidence
from model.outcomes import outcome_probability, threshold

LIMB = "limb_threatening_ischaemia"
BASE = (("age", "age_65_79"), ("claudication", "present"))


def limb(model, evidence, engine=None):
    outcome = model.priors.structure.cannot_miss[LIMB]
    return outcome_probability(engine or model.engine, model.network, evidence, outcome)


def test_two_terms_are_their_joint_probability(model):
    joint = np.exp(log_joint(model.network, Evidence(BASE), ("cause", "rest_pain_or_tissue_loss")))
    cause = model.network.node("cause").index("peripheral_arterial_disease")
    assert limb(model, Evidence(BASE)) == pytest.approx(joint[cause, 0] / joint.sum(), abs=1e-12)
    assert limb(model, Evidence(BASE), EliminationEngine()) == pytest.approx(limb(model, Evidence(BASE)), abs=1e-12)


def test_an_observed_term_leaves_the_other(model):
    present = Evidence((*BASE, ("rest_pain_or_tissue_loss", "present")))
    posterior = model.engine.query(model.network, present, ("cause",)).posteriors[0].as_dict()
    assert limb(model, present) == pytest.approx(posterior["peripheral_arterial_disease"], abs=1e-12)
    assert limb(model, Evidence((*BASE, ("rest_pain_or_tissue_loss", "absent")))) == 0


def test_an_unsure_term_weighs_by_its_ratio_once(model):
    """P(both | report) = P(both) LR / (P(rest pain) LR + P(no rest pain)), all given the other findings."""
    ratio = 4.0
    joint = np.exp(log_joint(model.network, Evidence(BASE), ("cause", "rest_pain_or_tissue_loss")))
    weighed = joint * np.array([ratio, 1])
    cause = model.network.node("cause").index("peripheral_arterial_disease")
    unsure = Evidence(BASE, (("rest_pain_or_tissue_loss", ratio),))
    assert limb(model, unsure) == pytest.approx(weighed[cause, 0] / weighed.sum(), abs=1e-12)


def test_contradictions_are_refused(model):
    with pytest.raises(ImpossibleEvidence):
        limb(model, Evidence((("crossed_slr_positive", "present"), ("straight_leg_raise_positive", "absent"))))


def test_every_outcome_has_a_threshold(model):
    for name in model.priors.structure.cannot_miss:
        assert 0 < threshold(model.priors, name) < 0.2
