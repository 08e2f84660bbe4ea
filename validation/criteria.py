"""A study's test as a score over findings, applied to the patients that the study took in; exact.

Not here: the studies' figures (`validation/joint.py`, `validation/posttest.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from model.elimination import log_joint
from model.evidence import Evidence
from model.network import Network, Table
from priors.records import AGE, CAUDA_EQUINA, CAUSE
from priors.shapes import BandedContext

OLDEST = 95.0  # where the last age band is taken to end


@dataclass(frozen=True, slots=True)
class Score:
    """Points for findings and for age; positive from a cut on.

    Parameters
    ----------
    items : tuple of (str, tuple of str, float)
        Node, the states that count, their points.
    ages : tuple of (float, float)
        Years and the points for being over them.
    cut : float
        Least score that counts as positive.
    """

    items: tuple[tuple[str, tuple[str, ...], float], ...]
    ages: tuple[tuple[float, float], ...]
    cut: float


@dataclass(frozen=True, slots=True)
class Entry:
    """What brought a study's patients in.

    Parameters
    ----------
    states : tuple of (str, tuple of str)
        Nodes and the states that they may be in.
    any_of : tuple of (str, str)
        (node, state) pairs of which at least one holds; empty where nothing is asked.
    ages : tuple of (float, float)
        Years, lower end included, upper not.
    """

    states: tuple[tuple[str, tuple[str, ...]], ...] = ()
    any_of: tuple[tuple[str, str], ...] = ()
    ages: tuple[float, float] = (0.0, math.inf)


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """P(cause, cauda equina, entry) and the part of it in which the score is positive; shape (causes, 2)."""

    total: Table
    positive: Table


def age_pieces(
    age: BandedContext, ages: Sequence[tuple[float, float]], within: tuple[float, float] = (0.0, math.inf)
) -> list[tuple[int, float, float]]:
    """Cut the age bands where points change and where entry begins and ends.

    Parameters
    ----------
    age : BandedContext
        Bands of the network.
    ages : sequence of (float, float)
        Years and the points for being over them.
    within : tuple of (float, float)
        Ages that count.

    Returns
    -------
    list of (int, float, float)
        Band, share of the band (its years taken as equally frequent), points.
    """
    starts = [band.start for band in age.bands] + [max(OLDEST, age.bands[-1].start + 1)]
    youngest, oldest = within[0], starts[-1] if within[1] >= starts[-1] else within[1]
    edges = sorted({*(cut for cut, _ in ages), youngest, oldest})
    pieces = []
    for band, (start, end) in enumerate(pairwise(starts)):
        cuts = [start, *(edge for edge in edges if start < edge < end), end]
        for low, high in pairwise(cuts):
            if youngest <= low and high <= oldest:
                pieces.append((band, (high - low) / (end - start), sum(p for cut, p in ages if low >= cut)))
    return pieces


def shares(network: Network, age: BandedContext, score: Score, entry: Entry) -> Shares:
    """Return how many patients of each cause, with and without cauda equina, enter and are positive.

    Parameters
    ----------
    network : Network
        Under any profile.
    age : BandedContext
        Its age bands.
    score : Score
        The test.
    entry : Entry
        The patients.

    Returns
    -------
    Shares
        Exact but for the shares of cut age bands.

    Raises
    ------
    UnknownName
        Where a node or state does not exist.
    """
    fixed = tuple((node, states[0]) for node, states in entry.states if len(states) == 1)
    open_entry = [(node, states) for node, states in entry.states if len(states) > 1]
    observed = dict(fixed)
    nodes = list(
        dict.fromkeys(
            node
            for node in (*(n for n, _, _ in score.items), *(n for n, _ in open_entry), *(n for n, _ in entry.any_of))
            if node not in observed
        )
    )
    for node in (*nodes, *observed):
        network.node(node)
    joint = np.exp(log_joint(network, Evidence(fixed), (CAUSE, CAUDA_EQUINA, AGE, *nodes)))
    points: Table = np.zeros(joint.shape[3:])
    for node, states, worth in score.items:
        points = points + worth * _indicator(network, nodes, observed, node, states)
    enters: Table = np.ones(joint.shape[3:])
    for node, states in open_entry:
        enters = enters * _indicator(network, nodes, observed, node, states)
    if entry.any_of:
        none: Table = np.ones(joint.shape[3:])
        for node, state in entry.any_of:
            none = none * (1 - _indicator(network, nodes, observed, node, (state,)))
        enters = enters * (1 - none)
    total, positive = np.zeros(joint.shape[:2]), np.zeros(joint.shape[:2])
    for band, share, own in age_pieces(age, score.ages, entry.ages):
        part = share * joint[:, :, band] * enters
        total += part.reshape(*joint.shape[:2], -1).sum(axis=-1)
        positive += (part * (points + own >= score.cut)).reshape(*joint.shape[:2], -1).sum(axis=-1)
    return Shares(total, positive)


def _indicator(
    network: Network, nodes: Sequence[str], observed: dict[str, str], node: str, states: Sequence[str]
) -> Table:
    """Return 1 where a node is in one of the states, over the axes of `nodes`."""
    if node in observed:
        return np.array(float(observed[node] in states))
    own = np.zeros(len(network.node(node).states))
    own[[network.node(node).index(state) for state in states]] = 1
    return own.reshape([-1 if other == node else 1 for other in nodes])
