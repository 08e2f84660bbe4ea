"""D-separation: what the graph alone says about who tells what of whom.

Read off the moral graph of the ancestors (Lauritzen and others 1990). Not here: how much one node tells of another,
which takes the numbers (`validation/independences.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from model.network import Network


def d_separated(network: Network, x: str, y: str, given: Iterable[str] = ()) -> bool:
    """Say whether two nodes are independent for any numbers in the tables, given others.

    Parameters
    ----------
    network : Network
        Any checked network; its tables are not looked at.
    x, y : str
        Two different nodes.
    given : iterable of str
        Nodes whose states are known; neither of the two.

    Returns
    -------
    bool
        True where no path is open between the two.

    Raises
    ------
    UnknownName
        Where the network has no such node.
    ValueError
        Where the two are the same, or one of them is given.

    Notes
    -----
    x and y are separated by a set in the graph if and only if the set cuts them in the moral graph of their common
    ancestors: parents of a child are linked to one another, and directions dropped.

    Examples
    --------
    >>> from model import load_model
    >>> network = load_model().network
    >>> d_separated(network, "age", "sex", ["cause"]), d_separated(network, "age", "sex")
    (True, False)
    """
    blocked = {network.node(name).name for name in given}
    if len({network.node(x).name, network.node(y).name} - blocked) < 2:
        raise ValueError(f"{x}, {y}: expected two different nodes, neither of them given")
    linked = _moral_links(network, network.ancestors({x, y, *blocked}))
    reached, waiting = set[str](), [x]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting.extend(linked[name] - blocked - reached)
    return y not in reached


def _moral_links(network: Network, names: set[str]) -> dict[str, set[str]]:
    """Return the neighbours of each node in the moral graph of some nodes that hold all their ancestors."""
    linked: dict[str, set[str]] = {name: set() for name in names}
    for name in names:
        for a, b in combinations(network.cpd_of[name].scope, 2):
            linked[a].add(b)
            linked[b].add(a)
    return linked
