"""Independences that the design claims, checked twice: in the graph, and in the numbers of the network.

The claims stand in `validation/independences.toml`. Not here: d-separation (`model/separation.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from model.elimination import log_joint
from model.evidence import Evidence
from model.network import Network
from model.separation import d_separated
from priors.errors import PriorsError, Problem
from priors.records import AGE, CAUDA_EQUINA, CAUSE, CONTEXT_NODES, SEX
from priors.shapes import Condition, Structure
from priors.toml_tables import open_toml

FILE = Path(__file__).resolve().parent / "independences.toml"
NOTHING = 1e-12  # bits: rounding
SOMETHING = 1e-9  # bits: a thousand times what rounding can be
SYNDROME_OF_X, CONDITION_OF_X = "syndrome of x", "condition of x"

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Claim:
    """Pairs of nodes that are said to be independent, or not to be, given others.

    Parameters
    ----------
    says, why : str
        As a sentence, and why the network is built so.
    pairs : tuple of (str, str)
        Two nodes each.
    given : tuple of str
        What is known; may stand for a syndrome or condition of the first node.
    independent : bool
        What is claimed of every pair.
    """

    says: str
    why: str
    pairs: tuple[Pair, ...]
    given: tuple[str, ...]
    independent: bool


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """A claim and what the network has of it.

    Parameters
    ----------
    claim : Claim
        What was checked.
    graph_against, numbers_against : tuple of (str, str)
        Pairs for which the graph, the numbers say otherwise.
    least, most : float
        Bits that one node tells of the other given the rest: over all pairs, the least and the most.
    """

    claim: Claim
    graph_against: tuple[Pair, ...]
    numbers_against: tuple[Pair, ...]
    least: float
    most: float

    @property
    def holds(self) -> bool:
        """Whether graph and numbers agree with the claim for every pair."""
        return not self.graph_against and not self.numbers_against


def read_claims(structure: Structure, file: Path = FILE) -> tuple[Claim, ...]:
    """Read the claims, families of pairs written out.

    Parameters
    ----------
    structure : Structure
        Gives the families their nodes.
    file : Path
        A TOML file.

    Returns
    -------
    tuple of Claim
        In the order of the file.

    Raises
    ------
    PriorsError
        Where the file is no TOML, or a family is unknown or has no pairs.
    """
    found = []
    for table in open_toml(file.parent, file.name, []).take("claim", list):
        family = table["pairs"]
        if isinstance(family, str) and family not in FAMILIES:
            message = f"unknown pairs {family!r}; known: {', '.join(FAMILIES)}"
            raise PriorsError([Problem(file.name, None, table["says"], message)])
        named = FAMILIES[family](structure) if isinstance(family, str) else [(x, y) for x, y in family]
        if not (pairs := tuple(named)):
            raise PriorsError([Problem(file.name, None, table["says"], "no pairs")])
        found.append(Claim(table["says"], table["why"], pairs, tuple(table["given"]), table["independent"]))
    return tuple(found)


def check_claim(network: Network, structure: Structure, claim: Claim) -> CheckedClaim:
    """Check a claim in the graph and in the numbers.

    Parameters
    ----------
    network : Network
        Under any profile.
    structure : Structure
        Its syndromes and conditions.
    claim : Claim
        One of `read_claims`.

    Returns
    -------
    CheckedClaim
        Independent in the numbers means less than 1e-12 bits, dependent more than 1e-9.

    Raises
    ------
    UnknownName
        Where the claim names no node.
    """
    bits, graph_against, numbers_against = [], [], []
    for x, y in claim.pairs:
        given = _known(structure, x, claim.given)
        if d_separated(network, x, y, given) != claim.independent:
            graph_against.append((x, y))
        told = conditional_information(network, x, y, given)
        if not (abs(told) < NOTHING if claim.independent else told > SOMETHING):
            numbers_against.append((x, y))
        bits.append(told)
    return CheckedClaim(claim, tuple(graph_against), tuple(numbers_against), min(bits), max(bits))


def conditional_information(network: Network, x: str, y: str, given: Sequence[str] = ()) -> float:
    """Return how much one node tells of another when others are known, averaged over patients.

    Parameters
    ----------
    network : Network
        Any checked network.
    x, y : str
        Two different nodes.
    given : sequence of str
        Other nodes.

    Returns
    -------
    float
        Conditional mutual information in bits, zero for independent nodes but for rounding.

    Notes
    -----
    The sum over all states of P(x, y, z) log2( P(x, y | z) / (P(x | z) P(y | z)) ).

    Examples
    --------
    >>> from model import load_model
    >>> network = load_model().network
    >>> f"{conditional_information(network, 'esr_raised', 'crp_raised', ['cause']):.2f}"
    '0.05'
    """
    joint = np.exp(log_joint(network, Evidence(), (x, y, *given)))
    alone = joint.sum(axis=(0, 1)) * joint
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    there = joint > 0
    return float((joint[there] * np.log2(alone[there] / apart[there])).sum())


def _known(structure: Structure, x: str, given: Iterable[str]) -> tuple[str, ...]:
    """Return the nodes that `given` names, with the syndrome or condition of x put in."""
    found: list[str] = []
    for name in given:
        if name == SYNDROME_OF_X:
            syndrome = structure.syndrome_of(x)
            found += [syndrome.name] if syndrome else []
        elif name == CONDITION_OF_X:
            found += _condition(structure, x).nodes
        else:
            found.append(name)
    return tuple(found)


def _condition(structure: Structure, finding: str) -> Condition:
    condition = structure.findings[finding].possible_if
    if condition is None:
        raise ValueError(f"{finding}: bound by no condition")
    return condition


def _members(structure: Structure) -> list[tuple[str, ...]]:
    """Return the findings of each syndrome."""
    return [tuple(name for name, _ in syndrome.members) for syndrome in structure.syndromes.values()]


def _bound(structure: Structure) -> list[str]:
    return [f.name for f in structure.findings.values() if f.possible_if]


def _across(structure: Structure) -> list[Pair]:
    return [(x, y) for first, second in combinations(_members(structure), 2) for x in first for y in second]


def _context(_: Structure) -> list[Pair]:
    return list(combinations(CONTEXT_NODES, 2))


def _with(names: Iterable[str], others: Iterable[str]) -> list[Pair]:
    others = tuple(others)
    return [(x, y) for x in names for y in others]


FAMILIES: dict[str, Callable[[Structure], list[Pair]]] = {
    "context with context": _context,
    "members of one syndrome": lambda s: [pair for members in _members(s) for pair in combinations(members, 2)],
    "members of different syndromes": _across,
    "members with the cause": lambda s: _with((x for members in _members(s) for x in members), [CAUSE]),
    "syndromes with context": lambda s: _with(s.syndromes, CONTEXT_NODES),
    "syndromes with the complication": lambda s: _with(s.syndromes, [CAUDA_EQUINA]),
    "syndromes with syndromes": lambda s: list(combinations(s.syndromes, 2)),
    "findings of the complication with it": lambda s: _with(
        (f.name for f in s.findings.values() if f.cauda_equina), [CAUDA_EQUINA]
    ),
    "other findings with the complication": lambda s: _with(
        (f.name for f in s.findings.values() if not f.cauda_equina), [CAUDA_EQUINA]
    ),
    "bound findings with their condition": lambda s: [(x, y) for x in _bound(s) for y in _condition(s, x).nodes],
    "bound findings with age": lambda s: _with(_bound(s), [AGE]),
    "findings not bound by sex with sex": lambda s: _with(
        (f.name for f in s.findings.values() if not (f.possible_if and SEX in f.possible_if.nodes)), [SEX]
    ),
}
