"""What each latent is worth: the network without it, scored on patients of the network with it.

Worth if the network's own dependence is true; patients are not asked. Not here: what naive Bayes loses
(`validation/double_counting.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from model import Model
from model.naive import naive_bayes
from model.network import CPD, Network, Table
from priors.records import CAUSE, CONTEXT_NODES
from validation.cohort import Cohort, batch_tables, bedside_nodes, posteriors, simulate
from validation.double_counting import BITS
from validation.scores import Difference, log_scores, paired_difference
from validation.sections import Progress

BEDSIDE, WITH_TESTS = "bedside", "bedside and tests"
ALL_LATENTS, NAIVE = "all latents", "naive Bayes"


@dataclass(frozen=True, slots=True)
class Worth:
    """What is lost without a part of the network.

    Parameters
    ----------
    without : str
        The syndrome whose latent is taken out, all of them, or all dependence (naive Bayes).
    recorded : str
        What is recorded of each patient.
    loss : Difference
        Mean rise of -log2 P(true cause), bits a patient, paired bootstrap interval.
    expected : float
        The same where the true cause is not drawn but weighed by its posterior: bits a patient, never below zero.
    """

    without: str
    recorded: str
    loss: Difference
    expected: float


def without_latents(network: Network, names: Collection[str]) -> Network:
    """Return the network in which some latents tie nothing any more, every finding's own frequency unchanged.

    Parameters
    ----------
    network : Network
        Any checked network.
    names : collection of str
        Latents, whose only parent is the cause.

    Returns
    -------
    Network
        Without these nodes; each of their findings has its average over the latent given its other parents, which
        is what a strength of dependence of zero gives.

    Raises
    ------
    UnknownName
        Where the network has no such node.
    ValueError
        Where a node hangs on anything but the cause.
    """
    for name in names:
        if network.cpd_of[network.node(name).name].parents != (CAUSE,):
            raise ValueError(f"{name}: only a node whose one parent is {CAUSE} can be averaged out finding by finding")
    cpds = []
    for cpd in network.cpds:
        if cpd.node in names:
            continue
        for latent in [parent for parent in cpd.parents if parent in names]:
            cpd = _averaged(cpd, latent, network.cpd_of[latent].table)
        cpds.append(cpd)
    nodes = tuple(node for node in network.nodes if node.name not in names)
    return Network(nodes, tuple(cpds), f"{network.digest}-without", network.profile)


def _averaged(cpd: CPD, latent: str, shares: Table) -> CPD:
    """Return a table without its latent parent: averaged with shares of shape (causes, states)."""
    causes, states = cpd.parents.index(CAUSE), cpd.parents.index(latent)
    table = np.moveaxis(cpd.table, (causes, states), (0, -1))  # the cause first, the latent last
    weights = shares.reshape(len(shares), *[1] * (table.ndim - 2), shares.shape[1])
    averaged = np.moveaxis((table * weights).sum(axis=-1), 0, causes - (states < causes))
    return CPD(cpd.node, tuple(parent for parent in cpd.parents if parent != latent), averaged)


def worth_of_latents(model: Model, size: int, seed: int, told: Progress) -> tuple[Worth, ...]:
    """Return what is lost without each latent, without all, and by naive Bayes.

    Parameters
    ----------
    model : Model
        Patients are drawn from its network.
    size : int
        Number of patients.
    seed : int
        Of patients and of resampling.
    told : callable
        Is told what is being done.

    Returns
    -------
    tuple of Worth
        First with every finding of the bedside recorded, then with every test as well.
    """
    structure, network = model.priors.structure, model.network
    variants = {name: without_latents(network, [name]) for name in structure.syndromes}
    variants[ALL_LATENTS] = without_latents(network, tuple(structure.syndromes))
    variants[NAIVE] = naive_bayes(network, CAUSE)
    found = []
    for recorded, nodes in (
        (BEDSIDE, bedside_nodes(structure)),
        (WITH_TESTS, (*CONTEXT_NODES, *structure.findings)),
    ):
        told(f"{size:,} patients, {recorded} recorded")
        cohort = simulate(network, size, np.random.default_rng(seed), nodes, assessed=1.0)
        full = _cause(network, cohort)
        for name, variant in variants.items():
            told(f"without {name}" if name != NAIVE else name)
            found.append(_worth(name, recorded, cohort, full, _cause(variant, cohort), seed))
    return tuple(found)


def _cause(network: Network, cohort: Cohort) -> Table:
    return posteriors(batch_tables(network, (CAUSE,)), cohort.batch)[CAUSE]


def _worth(without: str, recorded: str, cohort: Cohort, full: Table, less: Table, seed: int) -> Worth:
    rise = paired_difference(log_scores(less, cohort.causes) / BITS, log_scores(full, cohort.causes) / BITS, seed)
    there = full > 0  # a cause that the evidence rules out costs nothing
    ratios = np.log2(np.where(there, full, 1.0)) - np.log2(np.where(there, less, 1.0))
    return Worth(without, recorded, rise, float((full * ratios).sum(axis=1).mean()))


def order_of_worth(found: Sequence[Worth], recorded: str) -> tuple[Worth, ...]:
    """Return the syndromes' worths under one kind of record, the greatest first."""
    own = [w for w in found if w.recorded == recorded and w.without not in (ALL_LATENTS, NAIVE)]
    return tuple(sorted(own, key=lambda worth: -worth.loss.mean))
