"""Simulated patients as a clinic would record them: true cause and complication, and what was assessed of the rest.

Not here: the mix that benchmarks are measured on (`validation/mix.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model.batch import batch_posterior
from model.compiled import compile_network
from model.evidence_batch import Answers, EvidenceBatch, hard_batch
from model.merged import BatchTables, merge_blocks
from model.network import Network, Table
from model.sampling import sample
from priors.records import CAUDA_EQUINA, CAUSE, CONTEXT_NODES, PRESENT
from priors.shapes import Structure
from validation.scores import Truth

BEDSIDE = ("ask", "examine")  # burdens
TESTS = "tests"  # a group of findings: laboratory, image, needle
ASSESSED = 0.7  # share of the bedside findings that a clinic records


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Patients with what is known of them and what is true.

    Parameters
    ----------
    batch : EvidenceBatch
        What was recorded.
    causes : ndarray of int, shape (patients,)
        True cause, by its position among the network's causes.
    cauda_equina : ndarray of bool, shape (patients,)
        Whether cauda equina syndrome is there.
    """

    batch: EvidenceBatch
    causes: Truth
    cauda_equina: NDArray[np.bool_]

    @property
    def size(self) -> int:
        """Number of patients."""
        return len(self.causes)

    def with_answers(self, answers: Answers) -> Cohort:
        """Return the same patients with other records, hard ones."""
        return replace(self, batch=hard_batch(self.batch.nodes, answers))


def bedside_nodes(structure: Structure) -> tuple[str, ...]:
    """Return age, sex, duration and the findings of history and examination: no test, and nothing read off one."""
    findings = structure.findings.values()
    return (*CONTEXT_NODES, *(f.name for f in findings if f.burden in BEDSIDE and f.group != TESTS))


def simulate(
    network: Network, size: int, rng: np.random.Generator, nodes: Sequence[str], assessed: float = ASSESSED
) -> Cohort:
    """Draw patients and record part of their findings.

    Parameters
    ----------
    network : Network
        The truth.
    size : int
        Number of patients.
    rng : Generator
        Source of randomness.
    nodes : sequence of str
        What may be recorded; age, sex and duration always are.
    assessed : float
        Chance that a finding is recorded, the same for all and without regard to what it would show.

    Returns
    -------
    Cohort
        Missing completely at random, which real records are not.
    """
    drawn = sample(network, size, rng)
    answers = np.stack([drawn[name] + 1 for name in nodes]).astype(np.int8)
    recorded = rng.random(answers.shape) < assessed
    recorded[[index for index, name in enumerate(nodes) if name in CONTEXT_NODES]] = True
    answers *= recorded
    present = network.node(CAUDA_EQUINA).index(PRESENT)
    return Cohort(hard_batch(tuple(nodes), answers), drawn[CAUSE], drawn[CAUDA_EQUINA] == present)


def batch_tables(network: Network, targets: Sequence[str] = (CAUSE, CAUDA_EQUINA)) -> BatchTables:
    """Return a network compiled for many cases at once."""
    return merge_blocks(compile_network(network, tuple(targets)))


def posteriors(tables: BatchTables, batch: EvidenceBatch) -> dict[str, Table]:
    """Return the posterior of each target for every case, shape (cases, states).

    Raises
    ------
    ImpossibleEvidence
        For the first case whose evidence contradicts itself.
    """
    found = batch_posterior(tables, batch)
    for error in found.impossible.values():
        raise error
    return dict(found.posteriors)


def serious_causes(structure: Structure) -> dict[str, str]:
    """Return the outcomes of `priors/cannot_miss.toml` that are a cause by themselves: cause -> outcome."""
    outcomes = structure.cannot_miss.values()
    return {o.terms[0][1]: o.name for o in outcomes if len(o.terms) == 1 and o.terms[0][0] == CAUSE}
