"""Draw patients from the network: every node's state, parents first.

Not here: inference (`model/elimination.py`), draws of the numbers themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from model.errors import BadEvidence
from model.network import Network

States = NDArray[np.intp]


def sample(
    network: Network, size: int, rng: np.random.Generator, fixed: Mapping[str, str] | None = None
) -> dict[str, States]:
    """Draw patients.

    Parameters
    ----------
    network : Network
        Any checked network.
    size : int
        Number of patients.
    rng : Generator
        Source of randomness.
    fixed : mapping of str to str, optional
        State of nodes without parents (cause=disc_herniation), the same for every patient.

    Returns
    -------
    dict of str to ndarray of int, shape (size,)
        For each node, the position of each patient's state in `Node.states`.

    Raises
    ------
    UnknownName, BadEvidence
        Where `fixed` names no node or state, or a node with parents, which needs inference instead.

    Examples
    --------
    >>> from model import load_model
    >>> network = load_model().network
    >>> drawn = sample(network, 1000, np.random.default_rng(1), {"cause": "disc_herniation"})
    >>> bool((drawn["cause"] == 0).all())
    True
    """
    fixed = fixed or {}
    for name, state in fixed.items():
        network.node(name).index(state)
        if network.cpd_of[name].parents:
            raise BadEvidence(f"{name}: only a node without parents can be fixed in a simulation")
    drawn: dict[str, States] = {}
    for node in network.nodes:
        if node.name in fixed:
            drawn[node.name] = np.full(size, node.index(fixed[node.name]), dtype=np.intp)
            continue
        cpd = network.cpd_of[node.name]
        rows = np.broadcast_to(cpd.table[tuple(drawn[parent] for parent in cpd.parents)], (size, len(node.states)))
        # comparing with all edges but the last keeps rounding in the last sum from inventing a state
        drawn[node.name] = (rng.random((size, 1)) >= np.cumsum(rows, axis=1)[:, :-1]).sum(axis=1)
    return drawn
