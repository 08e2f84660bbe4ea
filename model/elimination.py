"""Exact inference by variable elimination, in log space, one case at a time.

Plain and short, so that it can be read against a textbook (Koller and Friedman 2009, algorithm 9.1); the
engine for batches compiles the network instead. Not here: checks of the network (`model/network.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from model.engine import Answer, Posterior
from model.errors import ImpossibleEvidence
from model.evidence import Evidence, check_evidence, likelihood_vector
from model.network import Network, Table

JOINT_LIMIT = 10_000  # cells of a joint table over the nodes asked; beyond it they are asked one by one


@dataclass(frozen=True, slots=True, eq=False)
class _Factor:
    """Logarithms over the states of some nodes, one axis a node."""

    scope: tuple[str, ...]
    logs: Table


def _log(table: Table) -> Table:
    with np.errstate(divide="ignore"):  # a logical zero is -inf
        return np.log(table)


def _aligned(factor: _Factor, scope: tuple[str, ...]) -> Table:
    """Return the factor's array with its axes in the order of a larger scope, length one where it has none."""
    order = sorted(range(len(factor.scope)), key=lambda axis: scope.index(factor.scope[axis]))
    shape = [factor.logs.shape[factor.scope.index(name)] if name in factor.scope else 1 for name in scope]
    return factor.logs.transpose(order).reshape(shape)


def _product(factors: Sequence[_Factor], keep: tuple[str, ...] = ()) -> _Factor:
    scope = tuple(dict.fromkeys((*keep, *(name for factor in factors for name in factor.scope))))
    total = sum((_aligned(factor, scope) for factor in factors), np.zeros((1,) * len(scope)))
    return _Factor(scope, total)


def _sum_out(factor: _Factor, name: str) -> _Factor:
    axis = factor.scope.index(name)
    top = np.max(factor.logs, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    logs = np.squeeze(top, axis) + _log(np.exp(factor.logs - top).sum(axis=axis))
    return _Factor(factor.scope[:axis] + factor.scope[axis + 1 :], logs)


def _restrict(factor: _Factor, observed: dict[str, int]) -> _Factor:
    index = tuple(observed.get(name, slice(None)) for name in factor.scope)
    return _Factor(tuple(name for name in factor.scope if name not in observed), factor.logs[index])


def _cheapest(factors: Sequence[_Factor], hidden: set[str], sizes: dict[str, int]) -> str:
    """Return the hidden node whose elimination makes the smallest table; ties by name, so that runs repeat."""

    def cost(name: str) -> int:
        scope = {other for factor in factors if name in factor.scope for other in factor.scope}
        return math.prod(sizes[other] for other in scope)

    return min(sorted(hidden), key=cost)


def log_joint(network: Network, evidence: Evidence, nodes: Sequence[str]) -> Table:
    """Return ln P(nodes, evidence) as an array, one axis a node in the order asked.

    Parameters
    ----------
    network : Network
        Any checked network.
    evidence : Evidence
        Already checked against it; none of it on `nodes`.
    nodes : sequence of str
        Different nodes.

    Returns
    -------
    ndarray, shape (states of each node)
        -inf where a combination is impossible.
    """
    observed = {name: network.node(name).index(state) for name, state in evidence.observed}
    relevant = network.ancestors((*nodes, *evidence.nodes))  # the rest sums to one
    factors = [_restrict(_Factor(c.scope, _log(c.table)), observed) for c in network.cpds if c.node in relevant]
    factors += [_Factor((name,), _log(likelihood_vector(ratio))) for name, ratio in evidence.unsure]
    sizes = {node.name: len(node.states) for node in network.nodes}
    hidden = relevant - set(observed) - set(nodes)
    while hidden:
        name = _cheapest(factors, hidden, sizes)
        touching = [factor for factor in factors if name in factor.scope]
        factors = [factor for factor in factors if name not in factor.scope]
        factors.append(_sum_out(_product(touching), name))
        hidden.discard(name)
    joint = _product(factors, keep=tuple(nodes)).logs
    return np.broadcast_to(joint, tuple(sizes[name] for name in nodes))


def log_sum(logs: Table) -> float:
    """Return ln of the sum of exp(logs); -inf where all are -inf."""
    top = float(np.max(logs))
    return top if top == -math.inf else top + math.log(float(np.exp(logs - top).sum()))


def contradiction(network: Network, evidence: Evidence) -> tuple[tuple[str, str], ...]:
    """Return a smallest part of impossible evidence that is impossible by itself, by leaving out one at a time."""
    kept = Evidence(evidence.observed)  # an unsure report never contradicts
    for item in evidence.observed:
        fewer = replace(kept, observed=tuple(other for other in kept.observed if other != item))
        if log_sum(log_joint(network, fewer, ())) == -math.inf:
            kept = fewer
    return kept.observed


class EliminationEngine:
    """Variable elimination in numpy; see `model.engine.Engine`."""

    name = "elimination"

    def query(self, network: Network, evidence: Evidence, nodes: Sequence[str]) -> Answer:
        """Return the posterior of each node and ln P(evidence).

        Parameters
        ----------
        network : Network
            Any checked network.
        evidence : Evidence
            What is known.
        nodes : sequence of str
            What is asked.

        Returns
        -------
        Answer
            Exact to floating point.

        Raises
        ------
        ImpossibleEvidence, UnknownName, BadEvidence
            See `model.engine.Engine`.

        """
        check_evidence(network, evidence)
        known = dict(evidence.observed)
        asked = tuple(dict.fromkeys(name for name in nodes if network.node(name) and name not in known))
        together = math.prod(len(network.node(name).states) for name in asked) <= JOINT_LIMIT
        log_evidence, marginals = -math.inf, {}
        for group in [asked] if together else [(name,) for name in asked]:
            joint = log_joint(network, evidence, group)
            log_evidence = log_sum(joint)
            if log_evidence == -math.inf:
                raise ImpossibleEvidence(contradiction(network, evidence))
            probs = np.exp(joint - log_evidence)
            for axis, name in enumerate(group):
                marginal = probs.sum(axis=tuple(other for other in range(len(group)) if other != axis))
                marginals[name] = marginal / marginal.sum()
        for name, state in evidence.observed:
            node = network.node(name)
            marginals[name] = np.eye(len(node.states))[node.index(state)]
        posteriors = tuple(Posterior(name, network.node(name).states, marginals[name]) for name in nodes)
        return Answer(posteriors, log_evidence, self.name)
