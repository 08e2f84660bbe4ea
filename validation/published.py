"""Published cases: where the true cause stands before and after the tests, beside what simpler models say.

Case reports are written about the unusual; they tell how the model fails, not how often. Not here: reading the cases
(`validation/casebook.py`), the report's section (`validation/views/published.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from model.banded import bands
from model.build import Model
from model.compiled_engine import CompiledEngine
from model.engine import Engine
from model.evidence import Evidence
from model.evidence_batch import batch_of
from model.naive import naive_bayes
from model.network import Network, Table
from model.outcomes import outcome_probability, threshold
from priors.records import CAUDA_EQUINA, CAUSE
from validation.casebook import Casebook, KnownCase
from validation.cohort import serious_causes
from validation.red_flags import count_red_flags, read_red_flags
from validation.scores import (
    Difference,
    Scores,
    Truth,
    brier_scores,
    log_scores,
    paired_difference,
    ranks,
    scores,
)
from validation.sections import Progress

SEED = 20_261_128
NETWORK, NAIVE, PRIOR = "network", "naive Bayes", "prior only"
RIVALS = (NAIVE, PRIOR)
BEFORE, AFTER = "before the tests", "after the tests"
OWN, FLAT = "case's profile", "flat prior"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the model says of a case at one time.

    Parameters
    ----------
    probability : float
        P(true cause).
    low, high : float
        Its 95 % interval.
    rank : int
        Of the true cause.
    naive, flat : float
        P(true cause) under naive Bayes, and under a flat prior.
    leading : str
        The likeliest cause.
    above, upper_above : tuple of str
        Outcomes that must not be missed, at or above their threshold by their probability, by the upper end of
        their interval.
    red_flags : int
        Warning signs counted.
    """

    probability: float
    low: float
    high: float
    rank: int
    naive: float
    flat: float
    leading: str
    above: tuple[str, ...]
    upper_above: tuple[str, ...]
    red_flags: int


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A case and where it stands."""

    case: KnownCase
    prior: float
    serious: bool
    before: Standing
    after: Standing


@dataclass(frozen=True, slots=True)
class Comparison:
    """A model's scores on all cases, and how it differs from the network.

    Parameters
    ----------
    model, when, prior : str
        Which model, which findings, which prevalences.
    scores : Scores
        Its own.
    log_loss, brier : Difference or None
        Network less this model, paired by case: below zero the network is better. None for the network.
    """

    model: str
    when: str
    prior: str
    scores: Scores
    log_loss: Difference | None
    brier: Difference | None


@dataclass(frozen=True, slots=True)
class Published:
    """Results on published cases."""

    casebook: Casebook
    results: tuple[CaseResult, ...]
    comparisons: tuple[Comparison, ...]

    def comparison(self, model: str, when: str, prior: str) -> Comparison:
        """Return one comparison."""
        return next(c for c in self.comparisons if (c.model, c.when, c.prior) == (model, when, prior))


def measure_published(models: Mapping[str, Model], casebook: Casebook, told: Progress) -> Published:
    """Ask the model about every case.

    Parameters
    ----------
    models : mapping of str to Model
        By profile.
    casebook : Casebook
        Cases with known diagnoses.
    told : callable
        Is told what is being done.

    Returns
    -------
    Published
        Per case, and compared with naive Bayes on the same numbers and with the prior alone.
    """
    engine = CompiledEngine()
    naive = {profile: naive_bayes(model.network, CAUSE) for profile, model in models.items()}
    results = []
    for case in casebook.cases:
        told(f"case {case.id}")
        results.append(_result(models[case.profile], naive[case.profile], engine, case))
    told("paired comparisons")
    return Published(casebook, tuple(results), _comparisons(models, naive, engine, casebook))


def _result(model: Model, naive: Network, engine: Engine, case: KnownCase) -> CaseResult:
    causes = model.network.node(CAUSE).states
    prior = float(model.network.cpd_of[CAUSE].table[causes.index(case.diagnosis)])
    before, after = (_standing(model, naive, engine, case, evidence) for evidence in (case.before, case.after))
    return CaseResult(case, prior, case.diagnosis in serious_causes(model.priors.structure), before, after)


def _standing(model: Model, naive: Network, engine: Engine, case: KnownCase, evidence: Evidence) -> Standing:
    states = model.network.node(CAUSE).states
    truth = np.array([states.index(case.diagnosis)])
    probs = _posterior(engine, model.network, evidence)
    own = bands(model, evidence)
    outcomes = model.priors.structure.cannot_miss.values()
    upper = {**{c: i.high for c, i in own.posterior.items()}, CAUDA_EQUINA: own.complications[CAUDA_EQUINA].high}
    above, upper_above = [], []
    for outcome in outcomes:
        limit = threshold(model.priors, outcome.name)
        probability = outcome_probability(engine, model.network, evidence, outcome)
        if probability >= limit:
            above.append(outcome.name)
        # an outcome of several terms has no interval of its own yet: its value stands for its upper end
        if max(probability, upper.get(outcome.name, 0.0)) >= limit:
            upper_above.append(outcome.name)
    flags = read_red_flags(model.network)
    interval = own.posterior[case.diagnosis]
    return Standing(
        probability=float(probs[truth[0]]),
        low=interval.low,
        high=interval.high,
        rank=int(ranks(probs[None], truth)[0]),
        naive=float(_posterior(engine, naive, evidence)[truth[0]]),
        flat=float(flatten(probs[None], model.network.cpd_of[CAUSE].table)[0, truth[0]]),
        leading=states[int(np.argmax(probs))],
        above=tuple(above),
        upper_above=tuple(upper_above),
        red_flags=int(count_red_flags(model.network, batch_of(model.network, [evidence]), flags)[0]),
    )


def _posterior(engine: Engine, network: Network, evidence: Evidence) -> Table:
    return engine.query(network, evidence, (CAUSE,)).posteriors[0].probs


def flatten(probs: Table, prior: Table) -> Table:
    """Return posteriors as they would be under a flat prior.

    Examples
    --------
    >>> flatten(np.array([[0.9, 0.1]]), np.array([0.9, 0.1])).tolist()
    [[0.5, 0.5]]
    """
    weights = probs / prior
    flat: Table = weights / weights.sum(axis=1, keepdims=True)
    return flat


def _comparisons(
    models: Mapping[str, Model], naive: Mapping[str, Network], engine: Engine, casebook: Casebook
) -> tuple[Comparison, ...]:
    states = next(iter(models.values())).network.node(CAUSE).states
    truth = np.array([states.index(case.diagnosis) for case in casebook.cases])
    priors = np.stack([models[case.profile].network.cpd_of[CAUSE].table for case in casebook.cases])
    found = []
    for when in (BEFORE, AFTER):
        own = {
            NETWORK: _all(engine, {p: m.network for p, m in models.items()}, casebook, when),
            NAIVE: _all(engine, naive, casebook, when),
            PRIOR: priors,
        }
        for prior in (OWN, FLAT):
            probs = own if prior == OWN else {name: flatten(table, priors) for name, table in own.items()}
            found += [_comparison(name, when, prior, probs, truth) for name in (NETWORK, *RIVALS)]
    return tuple(found)


def _all(engine: Engine, networks: Mapping[str, Network], casebook: Casebook, when: str) -> Table:
    return np.stack(
        [
            _posterior(engine, networks[case.profile], case.before if when == BEFORE else case.after)
            for case in casebook.cases
        ]
    )


def _comparison(name: str, when: str, prior: str, probs: Mapping[str, Table], truth: Truth) -> Comparison:
    own, network = probs[name], probs[NETWORK]
    differences = (
        None if name == NETWORK else paired_difference(score(network, truth), score(own, truth), SEED)
        for score in (log_scores, brier_scores)
    )
    return Comparison(name, when, prior, scores(own, truth), *differences)
