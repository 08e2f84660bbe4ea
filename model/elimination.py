"""Exact inference by variable elimination, in log space, one case at a time.

Plain and short, for any network; the everyday engine compiles the network instead (`model/compiled.py`).
Not here: the factors themselves (`model/factors.py`), checks of the network (`model/network.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from model.engine import Answer, Posterior
from model.errors import ImpossibleEvidence
from model.evidence import Evidence, check_evidence, likelihood_vector
from model.factors import Factor, eliminate, log, product, restrict
from model.network import Network, Table

JOINT_LIMIT = 10_000  # cells of a joint table over the nodes asked; beyond it they are asked one by one


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
    factors = [restrict(Factor(c.scope, log(c.table)), observed) for c in network.cpds if c.node in relevant]
    factors += [Factor((name,), log(likelihood_vector(ratio))) for name, ratio in evidence.unsure]
    sizes = {node.name: len(node.states) for node in network.nodes}
    left = eliminate(factors, relevant - set(observed) - set(nodes), sizes)
    return np.broadcast_to(product(left, keep=nodes).logs, tuple(sizes[name] for name in nodes))


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
