"""Evidence on many cases at once: one table of answers, and unsure reports as a list.

Not here: what follows from it (`model/batch.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.blocks import NOT_ASSESSED
from model.compiled import Rows
from model.errors import BadEvidence
from model.evidence import Evidence, check_evidence
from model.network import Network, Table

Answers = npt.NDArray[np.int8]


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

    def __post_init__(self) -> None:
        object.__setattr__(self, "answers", np.ascontiguousarray(self.answers))  # they are read node by node

    @property
    def num_cases(self) -> int:
        """Number of cases."""
        return int(self.answers.shape[1])


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


def check_batch(network: Network, batch: EvidenceBatch) -> None:
    """Check a batch against a network.

    Raises
    ------
    UnknownName
        A node that the network lacks.
    BadEvidence
        A node twice, an answer that it has not, evidence twice on one node of a case, a report that is on no case or
        node of the batch or on a node of more than two states, or a ratio that is not a positive finite number.
    """
    if double := sorted({name for name in batch.nodes if batch.nodes.count(name) > 1}):
        raise BadEvidence(f"a node stands twice: {', '.join(double)}")
    for name, answers in zip(batch.nodes, batch.answers, strict=True):
        states = network.node(name).states
        if answers.size and not 0 <= answers.min() <= answers.max() <= len(states):
            raise BadEvidence(f"{name}: expected answers from 0 to {len(states)}")
    cases, nodes = batch.report_cases, batch.report_nodes
    if not len(cases) == len(nodes) == len(batch.report_ratios):
        raise BadEvidence("expected a case, a node and a likelihood ratio for each unsure report")
    if not (np.all((cases >= 0) & (cases < batch.num_cases)) and np.all((nodes >= 0) & (nodes < len(batch.nodes)))):
        raise BadEvidence("an unsure report is on a case or node that the batch has not")
    for name in {batch.nodes[node] for node in nodes}:
        if len(network.node(name).states) != 2:
            raise BadEvidence(f"{name}: a likelihood ratio needs a node of two states")
    if not np.all((batch.report_ratios > 0) & np.isfinite(batch.report_ratios)):
        raise BadEvidence("expected likelihood ratios above 0 and finite")
    sites = cases * len(batch.nodes) + nodes
    unique, times = np.unique(sites, return_counts=True)
    for site in (*unique[times > 1], *sites[batch.answers[nodes, cases] != NOT_ASSESSED]):
        case, node = divmod(int(site), len(batch.nodes))
        raise BadEvidence(f"{batch.nodes[node]}: case {case} has evidence on it twice")
