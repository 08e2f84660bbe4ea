"""The oracle: every question answered from the whole joint table. Slow, short, and with no trick that could be wrong.

It shares no code with the engines: not the factors, not the logarithms, not the vector of an unsure report.
"""

import math

import numpy as np

from model.evidence import Evidence
from model.network import Network


def joint(network: Network) -> np.ndarray:
    """Return P(all nodes), one axis a node in the order of `network.nodes`: the product of every table's entry."""
    names = [node.name for node in network.nodes]
    table = np.empty([len(node.states) for node in network.nodes])
    for index in np.ndindex(*table.shape):
        state = dict(zip(names, index, strict=True))
        table[index] = math.prod(float(cpd.table[tuple(state[n] for n in cpd.scope)]) for cpd in network.cpds)
    return table


def joint_with(network: Network, evidence: Evidence) -> np.ndarray:
    """Return P(all nodes, evidence): the joint times the likelihood of each state of each node with evidence."""
    observed, unsure = dict(evidence.observed), dict(evidence.unsure)
    table = joint(network)
    for axis, node in enumerate(network.nodes):
        likelihood = np.ones(len(node.states))
        if node.name in observed:
            likelihood = np.array([float(state == observed[node.name]) for state in node.states])
        if node.name in unsure:
            ratio = unsure[node.name]
            likelihood = np.array([ratio / (1 + ratio), 1 / (1 + ratio)])
        table = np.moveaxis(np.moveaxis(table, axis, -1) * likelihood, -1, axis)
    return table


def log_evidence(network: Network, evidence: Evidence) -> float:
    """Return ln P(evidence), -inf where it is impossible."""
    total = float(joint_with(network, evidence).sum())
    return math.log(total) if total > 0 else -math.inf


def posterior(network: Network, evidence: Evidence, name: str) -> dict[str, float]:
    """Return state -> P(node = state | evidence), for possible evidence."""
    table = joint_with(network, evidence)
    asked = next(axis for axis, node in enumerate(network.nodes) if node.name == name)
    sums = np.moveaxis(table, asked, 0).reshape(table.shape[asked], -1).sum(axis=1)
    return {state: float(p) for state, p in zip(network.node(name).states, sums / sums.sum(), strict=True)}
