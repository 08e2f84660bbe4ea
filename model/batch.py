"""Posteriors of many cases at once: a sparse matrix of which rows hold, times the compiled table.

Exact. Not here: one case (`model/compiled_engine.py`), the tables (`model/merged.py`), files of cases
(`model/score.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from model.blocks import NOT_ASSESSED
from model.compiled import Compiled, Rows, View
from model.elimination import contradiction
from model.errors import BadEvidence, ImpossibleEvidence
from model.evidence import likelihood_vector
from model.evidence_batch import EvidenceBatch, check_batch, evidence_of
from model.merged import BatchTables
from model.network import Table

CHUNK = 4096  # cases whose rows and results stay in a processor's cache together
SMALLEST = 1e-200  # see `model.compiled_engine`

Index = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class BatchPosterior:
    """Posteriors of many cases.

    Parameters
    ----------
    posteriors : mapping of str to ndarray, shape (cases, states)
        For each target, P(state | evidence of the case); zeros for an impossible case.
    log_evidence : ndarray, shape (cases,)
        ln P(evidence); -inf for an impossible case.
    impossible : mapping of int to ImpossibleEvidence
        Case -> the error that names its findings.
    """

    posteriors: Mapping[str, Table]
    log_evidence: Table
    impossible: Mapping[int, ImpossibleEvidence]


def batch_posterior(tables: BatchTables, batch: EvidenceBatch) -> BatchPosterior:
    """Return the posterior of every target for every case.

    Parameters
    ----------
    tables : BatchTables
        Of the compiled network.
    batch : EvidenceBatch
        Any number of cases, each with its own findings assessed.

    Returns
    -------
    BatchPosterior
        Exact to floating point.

    Raises
    ------
    UnknownName, BadEvidence
        Where the batch names a node that does not exist, that the tables have summed out, or an answer that the
        node has not; or a likelihood ratio is not a positive finite number.
    """
    posteriors, log_evidence = _evaluate(tables, batch)
    network = tables.compiled.network
    impossible = {
        case: ImpossibleEvidence(contradiction(network, evidence_of(network, batch, case)))
        for case in np.flatnonzero(np.isneginf(log_evidence)).tolist()
    }
    return BatchPosterior(posteriors, log_evidence, impossible)


def batch_marginal(tables: BatchTables, batch: EvidenceBatch, name: str) -> Table:
    """Return the posterior of any one node for every case.

    Parameters
    ----------
    tables : BatchTables
        Of the compiled network.
    batch : EvidenceBatch
        Any number of cases.
    name : str
        A node of the tables or the hub; one that a case has observed is certain in it.

    Returns
    -------
    ndarray, shape (cases, states)
        P(state | evidence of the case); zeros for an impossible case.

    Raises
    ------
    UnknownName, BadEvidence
        As `batch_posterior`; also for a node that the tables have summed out.
    """
    check_batch(tables.compiled.network, batch)  # what follows relies on it
    states = tables.compiled.network.node(name).states
    at = batch.nodes.index(name) if name in batch.nodes else len(batch.nodes)
    own = batch.report_nodes == at
    likelihoods = np.ones((batch.num_cases, len(states)))
    if own.any():
        likelihoods[batch.report_cases[own]] = [likelihood_vector(ratio) for ratio in batch.report_ratios[own]]
    given = batch.answers[at] if at < len(batch.nodes) else np.zeros(batch.num_cases, dtype=np.int8)
    nodes = batch.nodes if at < len(batch.nodes) else (*batch.nodes, name)
    rest = [array[~own] for array in (batch.report_cases, batch.report_nodes, batch.report_ratios)]
    logs = np.empty((batch.num_cases, len(states)))
    for state in range(len(states)):
        answers = np.concatenate(
            [batch.answers[:at], np.full((1, batch.num_cases), state + 1), batch.answers[at + 1 :]]
        )
        logs[:, state] = _evaluate(tables, EvidenceBatch(nodes, answers.astype(np.int8), *rest))[1]
    with np.errstate(divide="ignore"):
        logs += np.log(likelihoods)
    logs[(given[:, None] != NOT_ASSESSED) & (given[:, None] != np.arange(1, len(states) + 1))] = -np.inf
    top = logs.max(axis=1, keepdims=True)
    chances = np.exp(logs - np.where(np.isfinite(top), top, 0.0))
    total = chances.sum(axis=1, keepdims=True)
    probs: Table = chances / np.where(total > 0, total, 1.0)
    return probs


def _evaluate(tables: BatchTables, batch: EvidenceBatch) -> tuple[dict[str, Table], Table]:
    """Return the posteriors of the targets and ln P(evidence); zeros and -inf for an impossible case."""
    check_batch(tables.compiled.network, batch)
    _check_places(tables, batch)
    hub, network = tables.compiled.hub, tables.compiled.network
    posteriors = {name: np.empty((batch.num_cases, len(network.node(name).states))) for name in hub.targets}
    log_evidence = np.empty(batch.num_cases)
    order = np.argsort(batch.report_cases, kind="stable")
    reports = (batch.report_cases[order], batch.report_nodes[order], batch.report_ratios[order])
    for first in range(0, batch.num_cases, CHUNK):
        last = min(first + CHUNK, batch.num_cases)
        own = slice(*np.searchsorted(reports[0], [first, last]))
        part = EvidenceBatch(
            batch.nodes, batch.answers[:, first:last], reports[0][own] - first, reports[1][own], reports[2][own]
        )
        _chunk(tables, part, {name: found[first:last] for name, found in posteriors.items()}, log_evidence[first:last])
    return posteriors, log_evidence


def narrow_rows(tables: BatchTables, batch: EvidenceBatch) -> Index:
    """Return the rows of the narrow view that a case adds up, for cases that need nothing more.

    Parameters
    ----------
    tables : BatchTables
        Of the compiled network.
    batch : EvidenceBatch
        Cases whose shared hub nodes are all observed, without unsure reports and observed targets.

    Returns
    -------
    ndarray of int32, shape (cases, groups + 1)
        The last is the hub's prior.
    """
    return _narrow(tables, _rows(tables, batch), _shared_states(tables.compiled, batch))


def _narrow(tables: BatchTables, rows: Index, shared: Index) -> Index:
    index: Index = rows * np.int32(tables.compiled.num_shared)
    index += shared[:, None]
    return index


def _check_places(tables: BatchTables, batch: EvidenceBatch) -> None:
    """Refuse evidence on nodes that the tables have summed out, and reports on the hub."""
    unsure = {batch.nodes[node] for node in batch.report_nodes}
    for name in batch.nodes:
        if name not in tables.strides and (name not in tables.compiled.hub.nodes or name in unsure):
            raise BadEvidence(f"{name}: the compiled tables take no such evidence; the elimination engine does")


def _chunk(tables: BatchTables, batch: EvidenceBatch, posteriors: Mapping[str, Table], log_evidence: Table) -> None:
    """Work out some cases, those whose shared state is known apart from the others, into the arrays given."""
    rows = _rows(tables, batch)
    shared = _shared_states(tables.compiled, batch)
    known = np.flatnonzero(shared >= 0)
    for cases, view in ((known, tables.narrow), (np.flatnonzero(shared < 0), tables.wide)):
        if not len(cases):
            continue
        everything = len(cases) == batch.num_cases
        own = rows if everything else rows[cases]
        index = _narrow(tables, own, shared if everything else shared[cases]) if view is tables.narrow else own
        terms = _report_logs(tables, batch, cases, index, view)
        total, sums = _sums(view, index, terms, _excluded(tables, batch, cases, view))
        log_evidence[cases] = total
        for name, found in posteriors.items():
            found[cases] = sums[:, view.columns[name]]


def _rows(tables: BatchTables, batch: EvidenceBatch) -> Index:
    """Return the row of each group that holds for each case, and the prior's; shape (cases, groups + 1)."""
    small = len(tables.wide.rows) < np.iinfo(np.int16).max  # half the memory to go through
    dtype = np.int16 if small else np.int32
    sums = np.zeros((len(tables.starts), batch.num_cases), dtype=dtype)
    for name, answers in zip(batch.nodes, batch.answers.astype(dtype), strict=True):
        if name in tables.strides:
            group, stride = tables.strides[name]
            answers *= dtype(stride)
            sums[group] += answers
    rows = np.empty((batch.num_cases, len(tables.starts) + 1), dtype=np.int32)
    rows[:, :-1] = sums.T
    rows[:, :-1] += np.array(tables.starts, dtype=np.int32)
    rows[:, -1] = len(tables.wide.rows) - 1
    return rows


def _shared_states(compiled: Compiled, batch: EvidenceBatch) -> Index:
    """Return the joint state of the hub's shared nodes for each case, -1 where it is not known."""
    state = np.zeros(batch.num_cases, dtype=np.int32)
    known = np.ones(batch.num_cases, dtype=np.bool_)
    for name in compiled.hub.shared:
        answers = batch.answers[batch.nodes.index(name)] if name in batch.nodes else np.zeros(1, dtype=np.int8)
        state = state * len(compiled.network.node(name).states) + (answers - 1)
        known &= answers != NOT_ASSESSED
    return np.where(known, state, -1)


def _excluded(tables: BatchTables, batch: EvidenceBatch, cases: Rows, view: View) -> npt.NDArray[np.bool_] | None:
    """Return which cells observations on the hub rule out, shape (cases, cells); None where there are none."""
    excluded = None
    cells = view.rows.shape[1]
    for name in view.columns:
        if name in batch.nodes:
            answers = batch.answers[batch.nodes.index(name)][cases]
            if answers.any():
                states = tables.compiled.hub_states[name].ravel()[:cells]
                wrong = (answers[:, None] != NOT_ASSESSED) & (states[None, :] != answers[:, None] - 1)
                excluded = wrong if excluded is None else excluded | wrong
    return excluded


def _report_logs(
    tables: BatchTables, batch: EvidenceBatch, cases: Rows, index: Index, view: View
) -> tuple[Rows, Table] | None:
    """Return what groups with unsure reports add, as (positions, logs), and take their rows out of the index.

    A group with k reports on it is a sum over the 2^k rows that they leave open.
    """
    own = np.flatnonzero(np.isin(batch.report_cases, cases))
    if not len(own):
        return None
    factor = tables.compiled.num_shared if view is tables.narrow else 1
    placed = [tables.strides[batch.nodes[node]] for node in batch.report_nodes[own]]
    position = np.searchsorted(cases, batch.report_cases[own])
    group = np.array([g for g, _ in placed])
    stride = np.array([s for _, s in placed]) * factor
    absent = -np.log1p(batch.report_ratios[own])
    present = np.log(batch.report_ratios[own]) + absent
    key = position * len(tables.starts) + group
    order = np.argsort(key, kind="stable")
    unique, first, count = np.unique(key[order], return_index=True, return_counts=True)
    positions, found = [], []
    for reports in np.unique(count):
        at = first[count == reports][:, None] + np.arange(reports)
        member = order[at]  # (sites, reports)
        where, which = np.divmod(unique[count == reports], len(tables.starts))
        rows, logs = index[where, which][:, None].astype(np.intp), np.zeros((len(where), 1))
        for r in range(reports):
            step = stride[member[:, r]][:, None]
            rows = np.concatenate([rows + step, rows + 2 * step], axis=1)
            logs = np.concatenate([logs + present[member[:, r]][:, None], logs + absent[member[:, r]][:, None]], axis=1)
        terms = view.rows[rows] + logs[..., None]
        top = np.max(terms, axis=1)
        top = np.where(np.isfinite(top), top, 0.0)
        with np.errstate(divide="ignore"):
            found.append(top + np.log(np.exp(terms - top[:, None]).sum(axis=1)))
        positions.append(where)
        index[where, which] = (np.array(tables.starts)[which] * factor).astype(np.int32)  # a row of zeros
    return np.concatenate(positions), np.concatenate(found)


def _sums(
    view: View, index: Index, terms: tuple[Rows, Table] | None, excluded: npt.NDArray[np.bool_] | None
) -> tuple[Table, Table]:
    """Return ln P(evidence) and, by the view's columns, the posterior of each state."""
    cells = _cell_logs(view, index, terms, excluded)
    sums = np.exp(cells, out=cells) @ view.sums
    total = sums[:, 0].copy()
    small = np.flatnonzero(total < SMALLEST)
    top = np.zeros(len(total))
    if len(small):  # summed again from the largest term
        logs = _cell_logs(view, index, terms, excluded)[small]
        top[small] = logs.max(axis=1)
        logs -= np.where(np.isfinite(top[small]), top[small], 0.0)[:, None]
        sums[small] = np.exp(logs) @ view.sums
        total[small] = sums[small, 0]
    sums /= np.where(total > 0, total, 1.0)[:, None]
    with np.errstate(divide="ignore"):
        return np.log(total) + np.where(np.isfinite(top), top, 0.0), sums


def _cell_logs(
    view: View, index: Index, terms: tuple[Rows, Table] | None, excluded: npt.NDArray[np.bool_] | None
) -> Table:
    """Return ln P(hub, evidence), shape (cases, cells): a gather and a sum, as a sparse product."""
    cases, width = index.shape
    pointers = np.arange(0, cases * width + 1, width, dtype=np.int32)
    chosen = csr_array((np.ones(cases * width), index.ravel(), pointers), shape=(cases, len(view.rows)))
    logs: Table = chosen @ view.rows
    if terms is not None:
        np.add.at(logs, terms[0], terms[1])
    if excluded is not None:
        logs[excluded] = -np.inf
    return logs
