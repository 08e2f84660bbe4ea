"""Naive Bayes on the same numbers: exact marginals, a plain product, no refusals."""

import numpy as np
import pytest

from model.elimination import EliminationEngine
from model.errors import UnknownName
from model.evidence import Evidence
from model.naive import naive_bayes

ENGINE = EliminationEngine()


@pytest.mark.parametrize("target", ["cause", "cauda_equina_syndrome"])
def test_every_marginal_given_the_target_is_the_networks(model, target):
    naive = naive_bayes(model.network, target)
    for name in ("fever", "crossed_slr_positive", "age", "urinary_retention", "not_improved_after_one_month"):
        for state in model.network.node(target).states:
            known = Evidence(((target, state),))
            ours, theirs = (
                ENGINE.query(network, known, (name,)).posteriors[0].probs for network in (naive, model.network)
            )
            assert ours == pytest.approx(theirs, abs=1e-12)
    assert naive.cpd_of[target].table == pytest.approx(
        ENGINE.query(model.network, Evidence(), (target,)).posteriors[0].probs, abs=1e-12
    )


def test_the_posterior_is_prior_times_every_finding_by_itself(model):
    naive = naive_bayes(model.network, "cause")
    evidence = Evidence((("age", "age_65_79"), ("night_pain", "present"), ("weight_loss", "absent")))
    product = naive.cpd_of["cause"].table.copy()
    for name, state in evidence.observed:
        product = product * naive.cpd_of[name].table[:, model.network.node(name).index(state)]
    found = ENGINE.query(naive, evidence, ("cause",)).posteriors[0].probs
    assert found == pytest.approx(product / product.sum(), abs=1e-12)


def test_one_finding_alone_weighs_as_in_the_network_and_two_tied_ones_more(model):
    naive = naive_bayes(model.network, "cause")
    index = model.network.node("cause").index("disc_herniation")

    def disc(network, *present):
        evidence = Evidence(tuple((name, "present") for name in present))
        return ENGINE.query(network, evidence, ("cause",)).posteriors[0].probs[index]

    one, two = ("straight_leg_raise_positive",), ("straight_leg_raise_positive", "slump_test_positive")
    assert disc(naive, *one) == pytest.approx(disc(model.network, *one), abs=1e-12)
    assert disc(naive, *two) > disc(model.network, *two) + 0.001


def test_nothing_is_impossible_in_it(model):
    naive = naive_bayes(model.network, "cause")
    evidence = Evidence((("crossed_slr_positive", "present"), ("straight_leg_raise_positive", "absent")))
    assert np.isfinite(ENGINE.query(naive, evidence, ("cause",)).log_evidence)


def test_an_unknown_target_is_named(model):
    with pytest.raises(UnknownName, match="causes"):
        naive_bayes(model.network, "causes")
