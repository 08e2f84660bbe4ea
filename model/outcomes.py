"""The probability of what must not be missed: an outcome of `priors/cannot_miss.toml` holds where all its terms hold.

Not here: thresholds (`priors/thresholds.csv`), what to do about it.
"""

from __future__ import annotations

from dataclasses import replace

from model.engine import Engine
from model.evidence import Evidence
from model.network import Network
from priors.records import THRESHOLD, Key, PriorSet
from priors.shapes import Outcome


def outcome_probability(engine: Engine, network: Network, evidence: Evidence, outcome: Outcome) -> float:
    """Return P(all terms of an outcome | evidence), by the chain rule.

    Parameters
    ----------
    engine : Engine
        Any exact engine.
    network : Network
        Has the outcome's nodes.
    evidence : Evidence
        What is known.
    outcome : Outcome
        From `Structure.cannot_miss`.

    Returns
    -------
    float
        0 where a term contradicts what was observed.

    Raises
    ------
    ImpossibleEvidence
        Where the evidence contradicts itself.
    """
    probability, known = 1.0, evidence
    for name, state in outcome.terms:
        node = network.node(name)
        probability *= float(engine.query(network, known, (name,)).posteriors[0].probs[node.index(state)])
        if probability == 0:
            return 0.0
        if (name, state) not in known.observed:
            unsure = tuple(report for report in known.unsure if report[0] != name)  # told by the line above
            known = replace(known, observed=(*known.observed, (name, state)), unsure=unsure)
    return probability


def threshold(priors: PriorSet, outcome: str) -> float:
    """Return the probability from which one acts on an outcome.

    Examples
    --------
    >>> from priors import load_priors
    >>> threshold(load_priors(), "cauda_equina_syndrome")
    0.01
    """
    return priors.number(Key(THRESHOLD, outcome, "present"))
