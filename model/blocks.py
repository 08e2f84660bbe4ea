"""The table of a block: the log-likelihood of everything that may be known of its nodes, for every state of the hub.

A row stands for one answer to each node of the block, *not assessed* included. Not here: finding the blocks
(`model/hub.py`), looking rows up (`model/compiled.py`).
"""

from __future__ import annotations

import math
from itertools import accumulate

import numpy as np

from model.factors import Factor, eliminate, log, log_sum_exp, product
from model.hub import Block, Hub
from model.network import Network, Table

NOT_ASSESSED = 0  # a node's state i is answer i + 1


def strides(network: Network, block: Block) -> dict[str, int]:
    """Return by how many rows one answer of each observable node moves, the last node fastest."""
    sizes = [len(network.node(name).states) + 1 for name in block.observable]
    steps = [1, *accumulate(reversed(sizes), lambda a, b: a * b)][:-1]
    return dict(zip(block.observable, reversed(steps), strict=True))


def num_rows(network: Network, block: Block) -> int:
    """Return how many rows the table of a block has."""
    return math.prod(len(network.node(name).states) + 1 for name in block.observable)


def block_logs(network: Network, hub: Hub, block: Block) -> Table:
    """Return ln P(answers of the block | hub).

    Parameters
    ----------
    network : Network
        Any checked network.
    hub : Hub
        Its hub.
    block : Block
        One of its blocks.

    Returns
    -------
    ndarray, shape (*states of the hub's nodes, rows)
        Broadcast along nodes of the hub that the block does not depend on; row 0, where nothing is assessed, is
        the share of the hub's probability that the block carries.
    """
    sizes = {node.name: len(node.states) for node in network.nodes}
    members = set(block.nodes)
    factors = [Factor(cpd.scope, log(cpd.table)) for cpd in network.cpds if members & set(cpd.scope)]
    kept = (*hub.nodes, *block.observable)
    logs = product(eliminate(factors, block.hidden, sizes), keep=kept).logs
    for axis in range(len(hub.nodes), len(kept)):
        unknown = np.expand_dims(log_sum_exp(logs, axis), axis)
        logs = np.concatenate([unknown, logs], axis=axis)
    return logs.reshape((*logs.shape[: len(hub.nodes)], -1))


def hub_logs(network: Network, hub: Hub) -> Table:
    """Return the part of ln P(hub) that no block carries, shape (*states of the hub's nodes)."""
    inside = set(hub.nodes)
    factors = [Factor(cpd.scope, log(cpd.table)) for cpd in network.cpds if set(cpd.scope) <= inside]
    shape = tuple(len(network.node(name).states) for name in hub.nodes)
    return np.broadcast_to(product(factors, keep=hub.nodes).logs, shape)
