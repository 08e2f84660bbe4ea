"""What the evidence on one patient means in a compiled network: which rows hold, and how the hub is bound.

Not here: the tables (`model/compiled.py`), what would follow from one more answer (`model/whatif.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from model.compiled import Compiled, Rows
from model.errors import BadEvidence
from model.evidence import Evidence, check_evidence, log_likelihoods
from model.factors import log_sum_exp
from model.network import Table

Reports = tuple[tuple[int, float], ...]
"""Unsure reports on nodes of one block: stride and likelihood ratio."""


class Situation(NamedTuple):
    """Evidence on one patient, read against a compiled network.

    Parameters
    ----------
    rows : mapping of int to int
        Block -> the row of what was observed of it, reports left out; only blocks with evidence.
    reports : mapping of int to tuple
        Block -> unsure reports on its nodes.
    shared : int or None
        The joint state of the hub's shared nodes where all are observed.
    excluded : ndarray of bool or None
        Cells of the hub, shape (shared states, target states), that observations on the hub rule out.
    assessed : set of str
        Nodes with any evidence.
    """

    rows: Mapping[int, int]
    reports: Mapping[int, Reports]
    shared: int | None
    excluded: npt.NDArray[np.bool_] | None
    assessed: set[str]


def read_evidence(compiled: Compiled, evidence: Evidence) -> Situation | None:
    """Find the rows that evidence means.

    Parameters
    ----------
    compiled : Compiled
        The network's tables.
    evidence : Evidence
        Checked here.

    Returns
    -------
    Situation or None
        None where a node that the tables have summed out carries evidence.

    Raises
    ------
    UnknownName, BadEvidence
        See `model.evidence.check_evidence`.
    """
    moves, starts = compiled.moves, compiled.starts
    rows: dict[int, int] = {}
    on_hub: list[tuple[str, str]] = []
    assessed = set()
    for item in evidence.observed:
        move = moves.get(item)
        if move is None:
            on_hub.append(item)
        else:
            block, step = move
            rows[block] = rows.get(block, starts[block]) + step
        assessed.add(item[0])
    reports: dict[int, Reports] = {}
    for name, ratio in evidence.unsure:
        place = compiled.places.get(name)
        if place is None or not 0 < ratio < math.inf or len(compiled.network.by_name[name].states) != 2:
            check_evidence(compiled.network, evidence)
            return None
        rows.setdefault(place.block, starts[place.block])
        reports[place.block] = (*reports.get(place.block, ()), (place.stride, ratio))
        assessed.add(name)
    if len(assessed) != len(evidence.observed) + len(evidence.unsure):
        check_evidence(compiled.network, evidence)
    if not on_hub:
        shared = None if compiled.num_shared > 1 else 0
        return Situation(rows, reports, shared, None, assessed)
    hub = _on_hub(compiled, on_hub)
    if hub is None:
        check_evidence(compiled.network, evidence)
        return None
    return Situation(rows, reports, *hub, assessed)


def situation_of(compiled: Compiled, evidence: Evidence) -> Situation:
    """Return what evidence means, as `read_evidence` finds it; refuse evidence on what the tables have summed out.

    Raises
    ------
    UnknownName, BadEvidence
        Where the evidence does not fit the network or its tables.
    """
    found = read_evidence(compiled, evidence)
    if found is None:
        hidden = [name for name in evidence.nodes if name not in compiled.places and name not in compiled.hub.nodes]
        named = ", ".join(hidden) or "unsure evidence on a node of the hub"
        raise BadEvidence(f"{named}: the compiled tables take no such evidence; the elimination engine does")
    return found


def _on_hub(
    compiled: Compiled, observed: Sequence[tuple[str, str]]
) -> tuple[int | None, npt.NDArray[np.bool_] | None] | None:
    """Return the shared state, if all of it is known, and the cells ruled out; None where a node is not of the hub."""
    shared = compiled.shared_states.get(tuple(observed)) if len(observed) == len(compiled.hub.shared) else None
    if shared is not None:
        return shared, None
    excluded = np.zeros(compiled.prior.shape, dtype=np.bool_)
    for name, state in observed:
        if name not in compiled.hub_states or state not in compiled.network.node(name).states:
            return None
        excluded |= compiled.hub_states[name] != compiled.network.node(name).index(state)
    left = np.flatnonzero(~excluded.all(axis=1))
    return (int(left[0]) if len(left) == 1 else None), excluded


def gather(compiled: Compiled, shared: int | None, rows: Sequence[int] | Rows) -> Table:
    """Return table rows, shape (rows, cells of the hub that are at hand).

    Parameters
    ----------
    compiled : Compiled
        The tables.
    shared : int or None
        The state of the hub's shared nodes, or None where it is not known.
    rows : sequence or ndarray of int
        Rows of the table.

    Returns
    -------
    ndarray, shape (*rows, target states) or (*rows, shared states * target states)
        The narrow form where the shared state is known.
    """
    if shared is None:
        return compiled.wide.rows.take(rows, axis=0)
    num_shared = compiled.num_shared
    if isinstance(rows, list):  # a few rows: quicker than an array's arithmetic
        return compiled.narrow.rows.take([row * num_shared + shared for row in rows], axis=0)
    return compiled.narrow.rows.take(np.asarray(rows) * num_shared + shared, axis=0)


def prior_logs(compiled: Compiled, situation: Situation) -> Table:
    """Return ln P(hub) of the cells at hand, -inf where observations rule a cell out; shape (cells,)."""
    prior = compiled.prior
    if situation.excluded is not None:
        prior = np.where(situation.excluded, -np.inf, prior)
    return prior.ravel() if situation.shared is None else prior[situation.shared]


def readings(row: int, reports: Reports) -> tuple[list[int], list[float]]:
    """Return the rows that unsure reports leave open, and the log-likelihood of the reports for each."""
    rows, weights = [row], [0.0]
    for stride, ratio in reports:
        present, absent = log_likelihoods(ratio)
        rows = [r + stride for r in rows] + [r + 2 * stride for r in rows]
        weights = [w + present for w in weights] + [w + absent for w in weights]
    return rows, weights


def _reported_row(compiled: Compiled, situation: Situation, block: int) -> Table:
    """Return ln P(evidence on a block with unsure reports | hub) of the cells at hand; shape (cells,)."""
    rows, weights = readings(situation.rows[block], situation.reports[block])
    return log_sum_exp(gather(compiled, situation.shared, rows) + np.array(weights)[:, None], axis=0)


def hub_evidence_logs(compiled: Compiled, situation: Situation) -> Table:
    """Return ln P(hub, evidence) of the cells at hand; shape (cells,)."""
    logs = prior_logs(compiled, situation)
    plain = [row for block, row in situation.rows.items() if block not in situation.reports]
    if plain:
        logs = logs + np.add.reduce(gather(compiled, situation.shared, plain), axis=0)
    for block in situation.reports:
        logs = logs + _reported_row(compiled, situation, block)
    return logs
