"""What one more answer would do: the posterior after each answer of each unassessed finding, and of each pair.

Exact, without asking again: given the hub, one more answer changes the row of one block. Not here: which answer is
worth having.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from model.compiled import Compiled, Rows
from model.elimination import contradiction
from model.errors import ImpossibleEvidence
from model.evidence import Evidence
from model.factors import log_sum_exp
from model.network import Table
from model.situation import Situation, gather, hub_evidence_logs, readings, situation_of

SMALLEST = 1e-200  # products of probabilities below it are worked out again as sums of logarithms

Answered = tuple[str, str]
"""A finding and its answer."""


@dataclass(frozen=True, slots=True, eq=False)
class WhatIf:
    """What each single further answer would do.

    Parameters
    ----------
    answers : tuple of (str, str)
        Every state of every unassessed node of the tables, nodes in the order of the blocks.
    probs : ndarray, shape (answers,)
        P(answer | evidence); those of one node sum to one.
    posteriors : mapping of str to ndarray, shape (answers, states)
        For each target, its posterior given the evidence and the answer; zeros where the answer is impossible (a
        chance under the smallest float also has 0 in `probs`, but its posterior here).
    """

    answers: tuple[Answered, ...]
    probs: Table
    posteriors: Mapping[str, Table]


@dataclass(frozen=True, slots=True, eq=False)
class WhatIfPairs:
    """What each pair of further answers would do.

    Parameters
    ----------
    answers : tuple of (str, str)
        As in `WhatIf`.
    probs : ndarray, shape (answers, answers)
        P(both answers | evidence), symmetric; on the diagonal that of the single answer, and zero for two answers
        to one question.
    posteriors : mapping of str to ndarray, shape (answers, answers, states)
        For each target, its posterior given the evidence and both answers; zeros where they are impossible.
    """

    answers: tuple[Answered, ...]
    probs: Table
    posteriors: Mapping[str, Table]


@dataclass(frozen=True, slots=True, eq=False)
class _Open:
    """The answers still open: what they are, their blocks and steps, and ln P(answer | hub, evidence)."""

    answers: tuple[Answered, ...]
    blocks: Rows
    steps: Rows
    logs: Table  # (answers, cells)


def what_if(compiled: Compiled, evidence: Evidence) -> WhatIf:
    """Return what every single further answer would do.

    Parameters
    ----------
    compiled : Compiled
        The network's tables.
    evidence : Evidence
        What is known.

    Returns
    -------
    WhatIf
        Exact.

    Raises
    ------
    ImpossibleEvidence
        Where what is known is impossible by itself.
    UnknownName, BadEvidence
        See `model.situation.situation_of`.
    """
    situation = situation_of(compiled, evidence)
    still = _open_answers(compiled, situation)
    logs = still.logs + _hub_posterior_logs(compiled, situation, evidence)
    totals = log_sum_exp(logs, axis=1)
    cells = np.exp(logs - np.where(np.isfinite(totals), totals, 0.0)[:, None])
    posteriors = {
        name: np.stack([cells[:, own].sum(axis=1) for own in _cells_of(compiled, situation, name)], axis=1)
        for name in compiled.hub.targets
    }
    return WhatIf(still.answers, np.exp(totals), posteriors)


def what_if_pairs(compiled: Compiled, evidence: Evidence) -> WhatIfPairs:
    """Return what every pair of further answers would do.

    Parameters
    ----------
    compiled : Compiled
        The network's tables.
    evidence : Evidence
        What is known.

    Returns
    -------
    WhatIfPairs
        Exact; 170 open answers give 28,900 pairs.

    Raises
    ------
    ImpossibleEvidence
        Where what is known is impossible by itself.
    UnknownName, BadEvidence
        See `model.situation.situation_of`.
    """
    situation = situation_of(compiled, evidence)
    still = _open_answers(compiled, situation)
    hub = _hub_posterior_logs(compiled, situation, evidence)
    together = _same_block(compiled, situation, still)
    chances, weights = np.exp(still.logs), np.exp(hub)
    within = [(np.ix_(members, members), np.exp(logs + hub)) for members, logs in together]
    posteriors = {}
    probs: Table = np.zeros((len(still.answers), len(still.answers)))
    for name in compiled.hub.targets:
        cells = _cells_of(compiled, situation, name)
        joint = np.empty((len(still.answers), len(still.answers), len(cells)))
        for state, own in enumerate(cells):
            joint[..., state] = (chances[:, own] * weights[own]) @ chances[:, own].T
            for pairs, chance in within:
                joint[..., state][pairs] = chance[..., own].sum(axis=-1)
        probs = joint.sum(axis=-1)
        posteriors[name] = joint / np.where(probs > 0, probs, 1.0)[..., None]
    first, second = np.nonzero(probs < SMALLEST)
    logs = _pair_logs(still, together, first, second) + hub
    totals = log_sum_exp(logs, axis=1)
    shares = np.exp(logs - np.where(np.isfinite(totals), totals, 0.0)[:, None])
    probs[first, second] = np.exp(totals)
    for name, posterior in posteriors.items():
        for state, own in enumerate(_cells_of(compiled, situation, name)):
            posterior[first, second, state] = shares[:, own].sum(axis=1)
    return WhatIfPairs(still.answers, probs, posteriors)


def answer_probs(compiled: Compiled, situation: Situation, hub_posterior: Table, name: str) -> Table:
    """Return P(node | evidence) for one node of the tables without evidence of its own.

    Parameters
    ----------
    compiled : Compiled
        The network's tables.
    situation : Situation
        What is known.
    hub_posterior : ndarray, shape (cells,)
        P(hub | evidence) of the cells at hand.
    name : str
        The node.

    Returns
    -------
    ndarray, shape (states,)
        Sums to one.
    """
    place = compiled.places[name]
    steps = place.stride * np.arange(1, len(compiled.network.node(name).states) + 1)
    chances = np.exp(_moved(compiled, situation, np.array(place.block), steps)) @ hub_posterior
    probs: Table = chances / chances.sum()
    return probs


def _pair_logs(still: _Open, together: list[tuple[Rows, Table]], first: Rows, second: Rows) -> Table:
    """Return ln P(pair | hub, evidence) of some pairs, shape (pairs, cells)."""
    logs: Table = still.logs[first] + still.logs[second]
    for members, own in together:
        inside = np.isin(first, members) & np.isin(second, members)
        logs[inside] = own[np.searchsorted(members, first[inside]), np.searchsorted(members, second[inside])]
    return logs


def _hub_posterior_logs(compiled: Compiled, situation: Situation, evidence: Evidence) -> Table:
    logs = hub_evidence_logs(compiled, situation)
    total = log_sum_exp(logs, axis=0)
    if not np.isfinite(total):
        raise ImpossibleEvidence(contradiction(compiled.network, evidence))
    return logs - total


def _open_answers(compiled: Compiled, situation: Situation) -> _Open:
    """Return every answer of every node without evidence, with ln P(answer | hub, evidence)."""
    answers, blocks, steps = [], [], []
    for (name, state), (block, step) in compiled.moves.items():
        if name not in situation.assessed:
            answers.append((name, state))
            blocks.append(block)
            steps.append(step)
    places = np.array(blocks, dtype=np.intp), np.array(steps, dtype=np.intp)
    return _Open(tuple(answers), *places, _moved(compiled, situation, *places))


def _moved(compiled: Compiled, situation: Situation, blocks: Rows, steps: Rows) -> Table:
    """Return ln P(a step from the row that holds | hub, evidence on its block), 0 probability where undefined.

    Shape (*steps, cells); `blocks` is broadcast against `steps`.
    """
    blocks = np.broadcast_to(blocks, steps.shape)
    now = np.array([situation.rows.get(b, start) for b, start in enumerate(compiled.starts)], dtype=np.intp)
    logs = gather(compiled, situation.shared, now[blocks] + steps)
    before = gather(compiled, situation.shared, now)
    for block, reports in situation.reports.items():
        rows, weights = readings(int(now[block]), reports)
        heavier = np.array(weights)[:, None]
        before[block] = log_sum_exp(gather(compiled, situation.shared, rows) + heavier, axis=0)
        own = blocks == block
        moved = np.array(rows) + steps[own][:, None]
        logs[own] = log_sum_exp(gather(compiled, situation.shared, moved) + heavier, axis=1)
    impossible = np.isneginf(before)
    if impossible.any():
        return np.where(impossible[blocks], -np.inf, logs - np.where(impossible, 0.0, before)[blocks])
    result: Table = logs - before[blocks]
    return result


def _same_block(compiled: Compiled, situation: Situation, still: _Open) -> list[tuple[Rows, Table]]:
    """Return for each block with two or more open answers: their positions, and ln P(pair | hub, evidence)."""
    found = []
    nodes = np.unique([name for name, _ in still.answers], return_inverse=True)[1]
    for block in np.unique(still.blocks):
        members = np.flatnonzero(still.blocks == block)
        same = nodes[members][:, None] == nodes[members][None, :]
        steps = still.steps[members]
        logs = _moved(compiled, situation, np.array(block), np.where(same, 0, steps[:, None] + steps[None, :]))
        logs[same] = -np.inf
        logs[np.arange(len(members)), np.arange(len(members))] = still.logs[members]
        found.append((members, logs))
    return found


def _cells_of(compiled: Compiled, situation: Situation, name: str) -> list[Rows]:
    """Return, for each state of a hub node, the cells at hand that have it."""
    states = compiled.hub_states[name]
    at_hand = states.ravel() if situation.shared is None else states[situation.shared]
    return [np.flatnonzero(at_hand == state) for state in range(len(compiled.network.node(name).states))]
