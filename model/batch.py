"""Posteriors of many cases at once: a sparse matrix of which rows hold, times the compiled table.

Small blocks are merged first, so that a case takes few rows. Exact. Not here: one case (`model/compiled_engine.py`),
files of cases (`model/score.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from model.blocks import NOT_ASSESSED
from model.compiled import Compiled, Rows, View
from model.elimination import contradiction
from model.errors import BadEvidence, ImpossibleEvidence
from model.evidence import Evidence, check_evidence
from model.network import Network, Table

MERGED_ROWS = 729
CHUNK = 4096  # cases whose rows and results stay in a processor's cache together
SMALLEST = 1e-200  # see `model.compiled_engine`

Answers = npt.NDArray[np.int8]
Index = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class EvidenceBatch:
    """What is known of many cases.

    Parameters
    ----------
    nodes : tuple of str
        Nodes with evidence in any case, each once.
    answers : ndarray of int8, shape (nodes, cases)
        0 where a node is not assessed, i + 1 where its state i was observed.
    report_cases, report_nodes : ndarray of int, shape (reports,)
        Case and position in `nodes` of each unsure report; its answer is 0.
    report_ratios : ndarray, shape (reports,)
        Likelihood ratio of each, above 0 and finite.
    """

    nodes: tuple[str, ...]
    answers: Answers
    report_cases: Rows
    report_nodes: Rows
    report_ratios: Table

    @property
    def num_cases(self) -> int:
        """Number of cases."""
        return int(self.answers.shape[1])


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


@dataclass(frozen=True, slots=True, eq=False)
class BatchTables:
    """A compiled network with its small blocks merged; made by `merge_blocks`.

    Parameters
    ----------
    compiled : Compiled
        What was merged.
    strides : mapping of str to (int, int)
        Group of each node, and by how many rows one of its answers moves.
    starts : tuple of int
        First row of each group; row `starts[g]` has nothing of the group assessed.
    narrow, wide : View
        As in `Compiled`, with the hub's prior as last row of the table.
    """

    compiled: Compiled
    strides: Mapping[str, tuple[int, int]]
    starts: tuple[int, ...]
    narrow: View
    wide: View


def merge_blocks(compiled: Compiled) -> BatchTables:
    """Merge small blocks of a compiled network into tables of at most `MERGED_ROWS` rows.

    Parameters
    ----------
    compiled : Compiled
        The network's tables.

    Returns
    -------
    BatchTables
        The same log-likelihoods, summed over the blocks of a group.
    """
    ends = [*compiled.starts[1:], len(compiled.table)]
    tables = [compiled.table[start:end] for start, end in zip(compiled.starts, ends, strict=True)]
    groups: list[list[int]] = []
    for block in sorted(range(len(tables)), key=lambda b: -len(tables[b])):
        sizes = [math.prod(len(tables[b]) for b in group) * len(tables[block]) for group in groups]
        fitting = [index for index, size in enumerate(sizes) if size <= MERGED_ROWS]
        groups[fitting[0]].append(block) if fitting else groups.append([block])
    totals = [math.prod(len(tables[b]) for b in group) for group in groups]
    starts = [0, *accumulate(totals)]
    shared, targets = compiled.prior.shape
    rows = np.empty((starts[-1] + 1, shared, targets))
    rows[-1] = compiled.prior
    steps = dict[int, tuple[int, int]]()
    for number, group in enumerate(groups):
        table = tables[group[0]]
        for block in group[1:]:
            table = (table[:, None] + tables[block][None, :]).reshape((-1, shared, targets))
        rows[starts[number] : starts[number + 1]] = table
        step = len(table)
        for block in group:
            step //= len(tables[block])
            steps[block] = (number, step)
    strides = {}
    for name, place in compiled.places.items():
        number, step = steps[place.block]
        strides[name] = (number, step * place.stride)
    rows.flags.writeable = False
    return BatchTables(
        compiled,
        strides,
        tuple(starts[:-1]),
        View(rows.reshape(-1, targets), compiled.narrow.sums, compiled.narrow.columns),
        View(rows.reshape(-1, shared * targets), compiled.wide.sums, compiled.wide.columns),
    )


def hard_batch(nodes: Sequence[str], answers: npt.ArrayLike) -> EvidenceBatch:
    """Return a batch without unsure reports.

    Parameters
    ----------
    nodes : sequence of str
        Nodes with evidence in any case.
    answers : array_like of int, shape (nodes, cases)
        0 where a node is not assessed, i + 1 where its state i was observed.

    Returns
    -------
    EvidenceBatch
        Not yet checked against a network.
    """
    none = np.zeros(0, dtype=np.intp)
    table = np.asarray(answers, dtype=np.int8)
    return EvidenceBatch(tuple(nodes), table.reshape(len(nodes), table.shape[-1]), none, none, np.zeros(0))


def batch_of(network: Network, cases: Sequence[Evidence]) -> EvidenceBatch:
    """Return the evidence on many cases as one batch.

    Parameters
    ----------
    network : Network
        What the evidence is about.
    cases : sequence of Evidence
        One a case.

    Returns
    -------
    EvidenceBatch
        In the same order.

    Raises
    ------
    UnknownName, BadEvidence
        See `model.evidence.check_evidence`.
    """
    for evidence in cases:
        check_evidence(network, evidence)
    nodes = tuple(dict.fromkeys(name for evidence in cases for name in evidence.nodes))
    position = {name: index for index, name in enumerate(nodes)}
    answers = np.zeros((len(nodes), len(cases)), dtype=np.int8)
    reports = []
    for case, evidence in enumerate(cases):
        for name, state in evidence.observed:
            answers[position[name], case] = network.node(name).index(state) + 1
        reports += [(case, position[name], ratio) for name, ratio in evidence.unsure]
    return EvidenceBatch(
        nodes,
        answers,
        np.array([case for case, _, _ in reports], dtype=np.intp),
        np.array([node for _, node, _ in reports], dtype=np.intp),
        np.array([ratio for _, _, ratio in reports], dtype=np.float64),
    )


def evidence_of(network: Network, batch: EvidenceBatch, case: int) -> Evidence:
    """Return the evidence on one case of a batch, nodes in the batch's order."""
    observed = [
        (name, network.node(name).states[answer - 1])
        for name, answer in zip(batch.nodes, batch.answers[:, case], strict=True)
        if answer != NOT_ASSESSED
    ]
    own = np.flatnonzero(batch.report_cases == case)
    unsure = [(batch.nodes[batch.report_nodes[i]], float(batch.report_ratios[i])) for i in own]
    return Evidence(tuple(observed), tuple(unsure))


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
    _check(tables, batch)
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
    impossible = {
        int(case): ImpossibleEvidence(contradiction(network, evidence_of(network, batch, int(case))))
        for case in np.flatnonzero(np.isneginf(log_evidence))
    }
    return BatchPosterior(posteriors, log_evidence, impossible)


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


def _check(tables: BatchTables, batch: EvidenceBatch) -> None:
    network = tables.compiled.network
    unsure = set(batch.report_nodes.tolist())
    for index, name in enumerate(batch.nodes):
        node = network.node(name)
        placed = name in tables.strides
        if not placed and (name not in tables.compiled.hub.nodes or index in unsure):
            raise BadEvidence(f"{name}: the compiled tables take no such evidence; the elimination engine does")
        answers = batch.answers[index]
        if answers.size and not 0 <= answers.min() <= answers.max() <= len(node.states):
            raise BadEvidence(f"{name}: expected answers from 0 to {len(node.states)}")
        if index in unsure and len(node.states) != 2:
            raise BadEvidence(f"{name}: a likelihood ratio needs a node of two states")
    if not np.all((batch.report_ratios > 0) & np.isfinite(batch.report_ratios)):
        raise BadEvidence("expected likelihood ratios above 0 and finite")
    if batch.answers[batch.report_nodes, batch.report_cases].any():
        raise BadEvidence("a case has both an answer and an unsure report on one node")


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
