"""A fixed mix of simulated cases: what benchmarks and convergence are measured on.

Not here: the measuring (`validation/benchmark.py`, `validation/convergence.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.evidence_batch import EvidenceBatch, hard_batch
from model.network import Network
from model.sampling import sample
from priors.records import AGE, CONTEXT_NODES, DURATION

SEED = 20_261_122
MOST_FINDINGS = 30
DURATION_MISSING = 0.3
UNSURE_CASES = 0.05
MOST_UNSURE = 3
UNSURE_SPREAD = 1.5  # standard deviation of the log of an unsure report's likelihood ratio


@dataclass(frozen=True, slots=True)
class Mix:
    """Simulated cases.

    Parameters
    ----------
    batch : EvidenceBatch
        What is known of each.
    described : str
        In words.
    """

    batch: EvidenceBatch
    described: str


def case_mix(network: Network, size: int, context: bool = True) -> Mix:
    """Simulate cases, each with its own findings assessed, always the same for the same size.

    Parameters
    ----------
    network : Network
        Patients are drawn from it.
    size : int
        Number of cases.
    context : bool
        Whether age and sex are known and duration in most; otherwise none of the three.

    Returns
    -------
    Mix
        1 to 30 findings each; in 5 % of cases one to three of them unsure.
    """
    rng = np.random.default_rng([SEED, size, context])
    patients = sample(network, size, rng)
    findings = [node.name for node in network.nodes if node.kind == "finding"]
    nodes = (*CONTEXT_NODES, *findings) if context else tuple(findings)
    answers = np.stack([patients[name] + 1 for name in nodes]).astype(np.int8)
    order = rng.random((len(findings), size)).argsort(axis=0).argsort(axis=0)
    assessed = rng.integers(1, MOST_FINDINGS + 1, size)
    answers[-len(findings) :] *= order < assessed
    if context:
        answers[nodes.index(DURATION)] *= rng.random(size) >= DURATION_MISSING
    unsure = (rng.random(size) < UNSURE_CASES) * np.minimum(rng.integers(1, MOST_UNSURE + 1, size), assessed)
    which, cases = np.nonzero(order < unsure)
    first = len(nodes) - len(findings)
    answers[first + which, cases] = 0
    ratios = np.exp(rng.normal(0, UNSURE_SPREAD, len(cases)))
    known = (
        f"age and sex known, duration missing in {DURATION_MISSING:.0%}" if context else "age, sex and duration missing"
    )
    described = f"{known}, 1-{MOST_FINDINGS} findings, unsure in {UNSURE_CASES:.0%} of cases, seed {SEED}"
    return Mix(EvidenceBatch(nodes, answers, cases, first + which, ratios), described)


def plain_cases(batch: EvidenceBatch) -> EvidenceBatch:
    """Return the cases without unsure reports whose age is known."""
    plain = np.ones(batch.num_cases, dtype=np.bool_)
    plain[batch.report_cases] = False
    plain &= batch.answers[batch.nodes.index(AGE)] > 0
    return hard_batch(batch.nodes, batch.answers[:, plain])
