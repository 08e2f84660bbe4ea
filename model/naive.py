"""Naive Bayes on the same numbers: every finding by itself given one node, dependence summed out.

What the network would say if findings had nothing to do with one another given the cause. Not here: the network
itself (`model/build.py`).
"""

from __future__ import annotations

import numpy as np

from model.elimination import log_joint
from model.evidence import Evidence
from model.network import CPD, Network

OBSERVABLE_KINDS = ("context", "finding")


def naive_bayes(network: Network, target: str) -> Network:
    """Return the network in which every observable node hangs on the target alone.

    Parameters
    ----------
    network : Network
        Any checked network.
    target : str
        The node that is asked; it keeps its prior.

    Returns
    -------
    Network
        The target, and each context node and finding with its exact P(node | target): latents, age and all else
        summed out. No logical zeros are left between findings, so evidence is never refused.

    Raises
    ------
    UnknownName
        Where the network has no such node.

    Examples
    --------
    >>> from model import load_model
    >>> naive = naive_bayes(load_model().network, "cause")
    >>> naive.cpd_of["fever"].parents
    ('cause',)
    """
    asked = network.node(target)
    prior = np.exp(log_joint(network, Evidence(), (target,)))
    children = [node for node in network.nodes if node.kind in OBSERVABLE_KINDS and node.name != target]
    cpds = [CPD(target, (), prior / prior.sum())]
    for node in children:
        rows = np.exp(log_joint(network, Evidence(), (target, node.name)))
        cpds.append(CPD(node.name, (target,), rows / rows.sum(axis=1, keepdims=True)))
    return Network((asked, *children), tuple(cpds), f"{network.digest}-naive", network.profile)
