"""Posteriors under many draws of the numbers at once: variable elimination with an axis of draws.

Only the tables that a question needs are built, at the evidence. Exact for each draw. Not here: the draws
(`model/draws.py`), intervals over them (`model/intervals.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.cpds import States, finding_rows
from model.elimination import contradiction
from model.errors import ImpossibleEvidence
from model.evidence import Evidence, check_evidence, log_likelihoods
from model.factors import Factor, eliminate, log, log_sum_exp, product, restrict
from model.network import Network, Table
from model.parameters import CAUDA_EQUINA_KEY, Parameters
from priors.records import AGE, CAUDA_EQUINA, CAUSE

JOINT_LIMIT = 500  # cells of a joint table over the nodes asked; beyond it they are asked one by one


@dataclass(frozen=True, slots=True, eq=False)
class DrawnPosterior:
    """P(node | evidence) under every draw.

    Parameters
    ----------
    node : str
        The variable asked.
    states : tuple of str
        Its states.
    probs : ndarray, shape (states, draws)
        Each draw sums to one.
    """

    node: str
    states: tuple[str, ...]
    probs: Table


@dataclass(frozen=True, slots=True, eq=False)
class DrawnAnswer:
    """Posteriors of the nodes asked, and ln P(evidence), under every draw.

    Parameters
    ----------
    posteriors : tuple of DrawnPosterior
        In the order asked.
    log_evidence : ndarray, shape (draws,)
        Natural logarithm of the probability of the evidence.
    """

    posteriors: tuple[DrawnPosterior, ...]
    log_evidence: Table


def drawn_posteriors(network: Network, parameters: Parameters, evidence: Evidence, nodes: Sequence[str]) -> DrawnAnswer:
    """Return the posterior of each node under every draw.

    Parameters
    ----------
    network : Network
        Built from the same structure as the parameters; gives names, states and ancestors.
    parameters : Parameters
        The draws.
    evidence : Evidence
        What is known; checked here.
    nodes : sequence of str
        What is asked; an observed node is certain.

    Returns
    -------
    DrawnAnswer
        Exact to floating point for each draw.

    Raises
    ------
    ImpossibleEvidence
        Naming the findings; the only zeros are logical, so evidence is impossible under all draws or none.
    UnknownName, BadEvidence
        See `model.evidence.check_evidence`.
    """
    check_evidence(network, evidence)
    observed = {name: network.node(name).index(state) for name, state in evidence.observed}
    asked = tuple(dict.fromkeys(name for name in nodes if network.node(name) and name not in observed))
    together = math.prod(len(network.node(name).states) for name in asked) <= JOINT_LIMIT
    found: dict[str, Table] = {}
    totals: Table = np.zeros(0)
    for group in [asked] if together else [(name,) for name in asked]:
        joint = _log_joint(network, parameters, evidence, observed, group)
        axes = tuple(range(len(group)))
        totals = log_sum_exp(joint, axes) if group else joint
        if np.isneginf(totals).any():
            raise ImpossibleEvidence(contradiction(network, evidence))
        probs = np.exp(joint - totals)
        for axis, name in enumerate(group):
            marginal = probs.sum(axis=tuple(other for other in axes if other != axis))
            found[name] = marginal / marginal.sum(axis=0)
    for name, state in observed.items():
        certain = np.eye(len(network.node(name).states))[state]
        found[name] = np.broadcast_to(certain[:, None], (len(certain), len(totals)))
    posteriors = tuple(DrawnPosterior(name, network.node(name).states, found[name]) for name in nodes)
    return DrawnAnswer(posteriors, totals)


def _log_joint(
    network: Network, parameters: Parameters, evidence: Evidence, observed: dict[str, int], asked: Sequence[str]
) -> Table:
    """Return ln P(asked, evidence), shape (*states, draws)."""
    relevant = network.ancestors((*asked, *evidence.nodes)) | {CAUSE}
    states = {node.name: node.states for node in network.nodes}
    factors = [restrict(_factor(states, parameters, name, observed), observed) for name in sorted(relevant)]
    factors += [Factor((name,), np.array(log_likelihoods(ratio))[:, None]) for name, ratio in evidence.unsure]
    sizes = {name: len(own) for name, own in states.items()}
    left = eliminate(factors, relevant - set(observed) - set(asked), sizes)
    joint = product(left, keep=asked).logs
    return np.broadcast_to(joint, (*(sizes[name] for name in asked), joint.shape[-1]))


def _factor(states: States, parameters: Parameters, name: str, observed: dict[str, int]) -> Factor:
    """Return ln P(node | parents) under every draw, already at the observed age and state where that saves work."""
    if name == CAUSE:
        return Factor((CAUSE,), log(parameters.prevalences()))
    if name == CAUDA_EQUINA:
        return _binary((CAUSE,), name, parameters.per_cause(CAUDA_EQUINA_KEY), observed)
    finding = parameters.structure.findings.get(name)
    if finding is None:
        return _sliced((CAUSE, name), parameters.shares(name), observed)
    rows = finding_rows(parameters, finding, states, observed.get(AGE))
    return _binary(rows.parents, name, rows.present, observed)


def _binary(parents: tuple[str, ...], name: str, present: Table, observed: dict[str, int]) -> Factor:
    """Return ln P(node | parents) from P(first state | parents)."""
    index = tuple(observed.get(parent, slice(None)) for parent in parents)
    scope, present = tuple(parent for parent in parents if parent not in observed), present[index]
    if name in observed:
        return Factor(scope, np.log1p(-present) if observed[name] else log(present))
    with np.errstate(divide="ignore"):
        return Factor((*scope, name), np.stack([log(present), np.log1p(-present)], axis=-2))


def _sliced(scope: tuple[str, ...], probs: Table, observed: dict[str, int]) -> Factor:
    index = tuple(observed.get(name, slice(None)) for name in scope)
    return Factor(tuple(name for name in scope if name not in observed), log(probs[index]))
