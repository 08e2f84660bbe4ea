"""Findings that logic forbids together: one set for every way to break a logical bound of the vocabulary.

Not here: how engines meet them (`validation/engines.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from model.evidence import Evidence
from model.network import Network
from priors.records import PRESENT
from priors.shapes import Condition, Structure

Items = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Evidence that cannot be.

    Parameters
    ----------
    clash : tuple of (str, str)
        The node and state of each finding that contradicts the others.
    evidence : Evidence
        These and unrelated findings.
    """

    clash: Items
    evidence: Evidence


def contradictions(structure: Structure, network: Network, besides: Evidence) -> tuple[Contradiction, ...]:
    """Return contradictory evidence for each logical bound.

    Parameters
    ----------
    structure : Structure
        Its findings' `possible_if` are the bounds.
    network : Network
        Gives states.
    besides : Evidence
        Of a possible patient; what no bound speaks of is kept, in between.

    Returns
    -------
    tuple of Contradiction
        For a bound on any of several items, the finding with all of them missing; for one on all of several, the
        finding with each of them missing in turn.
    """
    bounds = {f.name: f.possible_if for f in structure.findings.values() if f.possible_if is not None}
    spoken_of = {*bounds, *(node for bound in bounds.values() for node in bound.nodes)}
    kept = tuple(item for item in besides.observed if item[0] not in spoken_of)
    unsure = tuple(report for report in besides.unsure if report[0] not in spoken_of)
    found = []
    for name, bound in bounds.items():
        for broken in _broken(bound, network):
            evidence = Evidence(((name, PRESENT), *kept, *broken), unsure)
            found.append(Contradiction(((name, PRESENT), *broken), evidence))
    return tuple(found)


def _broken(bound: Condition, network: Network) -> tuple[Items, ...]:
    """Return smallest sets of observations under which a bound cannot hold."""
    if bound.mode == "any":
        return (tuple((node, _another(bound, network, node)) for node in bound.nodes),)
    return tuple(((node, _another(bound, network, node)),) for node in bound.nodes)


def _another(bound: Condition, network: Network, node: str) -> str:
    """Return the first state of a node that is none of the bound's."""
    named = {state for other, state in bound.terms if other == node}
    return next(state for state in network.node(node).states if state not in named)
