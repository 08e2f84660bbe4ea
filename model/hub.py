"""The hub of a network: few nodes that, once known, leave the rest in small blocks independent of one another.

Cause and complication are in it, and what else many findings share (age). Not here: the blocks' tables
(`model/blocks.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from model.errors import NoSmallHub
from model.network import CPD, Network

HIDDEN_KIND = "syndrome"  # never observed in a case; summed out of its block once and for all
MAX_HUB_STATES = 4_096
MAX_BLOCK_CELLS = 4_000_000  # 32 MB
MAX_CELLS = 8_000_000


@dataclass(frozen=True, slots=True)
class Block:
    """Nodes that hang together once the hub is known.

    Parameters
    ----------
    observable : tuple of str
        Nodes that evidence may name, in the network's order.
    hidden : tuple of str
        The rest.
    """

    observable: tuple[str, ...]
    hidden: tuple[str, ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        """All nodes of the block."""
        return self.observable + self.hidden


@dataclass(frozen=True, slots=True)
class Hub:
    """The hub and the blocks it leaves.

    Parameters
    ----------
    shared : tuple of str
        Nodes of the hub that were not asked for.
    targets : tuple of str
        Nodes whose posterior is asked most.
    blocks : tuple of Block
        In the network's order of their first node.
    """

    shared: tuple[str, ...]
    targets: tuple[str, ...]
    blocks: tuple[Block, ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        """Nodes of the hub, in the order of the tables' axes."""
        return self.shared + self.targets


def find_hub(network: Network, targets: Sequence[str]) -> Hub:
    """Return a hub that leaves small blocks, taking in the best connected node of the largest block until it does.

    Parameters
    ----------
    network : Network
        Any checked network.
    targets : sequence of str
        Nodes that belong to the hub in any case.

    Returns
    -------
    Hub
        Whose tables fit the limits of this module.

    Raises
    ------
    NoSmallHub
        With the reason.
    UnknownName
        Where a target is no node.
    """
    sizes = {node.name: len(node.states) for node in network.nodes}
    asked = tuple(network.node(name).name for name in targets)
    linked = _links(network.cpds)
    shared: tuple[str, ...] = ()
    while True:
        states = math.prod(sizes[name] for name in (*shared, *asked))
        if states > MAX_HUB_STATES:
            nodes = ", ".join((*asked, *shared))
            raise NoSmallHub(f"the nodes that keep its parts together ({nodes}) have {states} states together")
        blocks = _blocks(network, linked, {*shared, *asked})
        cells = [states * math.prod(sizes[name] + 1 for name in block.observable) for block in blocks]
        if not blocks or (max(cells) <= MAX_BLOCK_CELLS and sum(cells) <= MAX_CELLS):
            return Hub(shared, asked, blocks)
        worst = set(blocks[cells.index(max(cells))].nodes)
        members = [node.name for node in network.nodes if node.name in worst]
        shared = (*shared, max(members, key=lambda name: len(linked[name] & worst)))


def _links(cpds: Iterable[CPD]) -> Mapping[str, set[str]]:
    """Return which nodes share a table with each."""
    linked: dict[str, set[str]] = {}
    for cpd in cpds:
        for name in cpd.scope:
            linked.setdefault(name, set()).update(cpd.scope)
    return linked


def _blocks(network: Network, linked: Mapping[str, set[str]], hub: set[str]) -> tuple[Block, ...]:
    found, placed = [], set(hub)
    for node in network.nodes:
        if node.name in placed:
            continue
        members, waiting = set[str](), [node.name]
        while waiting:
            name = waiting.pop()
            if name not in members:
                members.add(name)
                waiting.extend(linked[name] - hub - members)
        placed |= members
        ordered = [other for other in network.nodes if other.name in members]
        observable = tuple(other.name for other in ordered if other.kind != HIDDEN_KIND)
        found.append(Block(observable, tuple(other.name for other in ordered if other.kind == HIDDEN_KIND)))
    return tuple(found)
