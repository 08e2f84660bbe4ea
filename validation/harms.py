"""Harms for simulated cohorts: other prevalences, records that err, wrong labels.

Pure functions; every random one takes its generator. Not here: a missed dependence (`validation/tied.py`), what a harm
costs (`validation/twin.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model.build import BINARY
from model.evidence_batch import Answers, EvidenceBatch
from model.network import Network, Table
from priors.records import CAUSE, CONTEXT_NODES
from priors.shapes import Finding, Structure
from validation.cohort import Cohort
from validation.scores import Truth

PRESENT_ANSWER, ABSENT_ANSWER = 1, 2  # answers of a finding; 0 is not recorded


def with_prevalences(network: Network, other: Network) -> Network:
    """Return a network with the prevalences of another; every P(finding | cause) stays."""
    cpds = tuple(other.cpd_of[CAUSE] if cpd.node == CAUSE else cpd for cpd in network.cpds)
    return Network(network.nodes, cpds, f"{network.digest}-{other.digest}", network.profile)


def record(cohort: Cohort, present: float, absent: float, rng: np.random.Generator) -> Cohort:
    """Record part of what is known of each patient; age, sex and duration always.

    Parameters
    ----------
    cohort : Cohort
        Everything known.
    present, absent : float
        Chance that a finding is recorded where it is there, where it is not.
    rng : Generator
        Source of randomness.

    Returns
    -------
    Cohort
        The same patients.
    """
    answers = cohort.batch.answers
    chance = np.where(answers == PRESENT_ANSWER, present, absent)
    kept = (rng.random(answers.shape) < chance) | ~_findings(cohort.batch)[:, None]
    return cohort.with_answers(np.where(kept, answers, 0).astype(np.int8))


@dataclass(frozen=True, slots=True, eq=False)
class Noisy:
    """Records with errors, and how many: presents lost, absents invented, findings dropped as contradictory."""

    cohort: Cohort
    lost: int
    invented: int
    dropped: int


def flip(cohort: Cohort, lost: float, invented: float, structure: Structure, rng: np.random.Generator) -> Noisy:
    """Turn recorded findings round at random; age, sex and duration are recorded right.

    Parameters
    ----------
    cohort : Cohort
        Records without errors.
    lost, invented : float
        Chance that a present finding is recorded as absent, an absent one as present.
    structure : Structure
        What findings are bound by.
    rng : Generator
        Source of randomness.

    Returns
    -------
    Noisy
        A record that contradicts itself loses the finding whose condition does not hold.
    """
    answers = cohort.batch.answers
    chance = np.choose(answers, (0.0, lost, invented), mode="clip")  # context nodes have more answers
    turned = (rng.random(answers.shape) < chance) & _findings(cohort.batch)[:, None]
    flipped = np.where(turned, PRESENT_ANSWER + ABSENT_ANSWER - answers, answers).astype(np.int8)
    repaired = repair(replace(cohort.batch, answers=flipped), structure)
    return Noisy(
        cohort=cohort.with_answers(repaired),
        lost=int((turned & (answers == PRESENT_ANSWER)).sum()),
        invented=int((turned & (answers == ABSENT_ANSWER)).sum()),
        dropped=int((repaired != flipped).sum()),
    )


def repair(batch: EvidenceBatch, structure: Structure) -> Answers:
    """Return the answers without findings recorded as present though the record says that they cannot be.

    Parameters
    ----------
    batch : EvidenceBatch
        Records without unsure reports.
    structure : Structure
        What findings are bound by.

    Returns
    -------
    ndarray of int8, shape (nodes, cases)
        0 where a finding was dropped. What a condition needs but the record lacks does not contradict it.
    """
    answers = batch.answers.copy()
    place = {name: index for index, name in enumerate(batch.nodes)}
    for name in batch.nodes:
        finding = structure.findings.get(name)
        if finding is None or finding.possible_if is None:
            continue
        broken = [_contradicted(batch, place, structure, node, finding) for node in finding.possible_if.nodes]
        decide = np.all if finding.possible_if.mode == "any" else np.any
        answers[place[name], decide(broken, axis=0) & (answers[place[name]] == PRESENT_ANSWER)] = 0
    return answers


def _contradicted(
    batch: EvidenceBatch, place: dict[str, int], structure: Structure, node: str, finding: Finding
) -> NDArray[np.bool_]:
    """Return where a node was recorded in none of the states that a finding's condition asks of it."""
    if node not in place or finding.possible_if is None:
        return np.zeros(batch.num_cases, dtype=np.bool_)
    states = BINARY if node in structure.findings else structure.context_states(node)
    asked = [states.index(state) + 1 for other, state in finding.possible_if.terms if other == node]
    recorded = batch.answers[place[node]]
    wrong: NDArray[np.bool_] = (recorded > 0) & ~np.isin(recorded, asked)
    return wrong


def relabel(causes: Truth, prior: Table, share: float, rng: np.random.Generator) -> Truth:
    """Replace part of the labels by another cause, drawn from the prior without the true one.

    Parameters
    ----------
    causes : ndarray of int, shape (cases,)
        True causes.
    prior : ndarray, shape (causes,)
        Prevalences.
    share : float
        Chance that a label is wrong.
    rng : Generator
        Source of randomness.

    Returns
    -------
    ndarray of int, shape (cases,)
        Labels.
    """
    others = prior * (1 - np.eye(len(prior)))
    edges = np.cumsum(others / others.sum(axis=1, keepdims=True), axis=1)[:, :-1]
    drawn = (rng.random((len(causes), 1)) >= edges[causes]).sum(axis=1)
    wrong = rng.random(len(causes)) < share
    labels: Truth = np.where(wrong, drawn, causes)
    return labels


def _findings(batch: EvidenceBatch) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.array([name not in CONTEXT_NODES for name in batch.nodes])
    return found
