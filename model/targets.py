"""Which nodes of a network are asked most."""

from __future__ import annotations

from model.network import Network

TARGET_KINDS = ("complication", "cause")


def targets_of(network: Network) -> tuple[str, ...]:
    """Return the nodes whose posterior is asked most: complication and cause; else the first node."""
    found = [node.name for kind in TARGET_KINDS for node in network.nodes if node.kind == kind]
    return tuple(found) or (network.nodes[0].name,)
