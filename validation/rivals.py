"""What the engine is measured against: pyAgrum, pgmpy, and the bare gather-and-add that no engine can beat.

pyAgrum and numba are development requirements. Not here: the measuring (`validation/benchmark.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pyagrum as gum

from model.batch import narrow_rows
from model.evidence import Evidence, likelihood_vector
from model.evidence_batch import EvidenceBatch
from model.merged import BatchTables
from model.network import Network, Table
from model.pgmpy_bridge import inference_of

TARGETS = ("cause", "cauda_equina_syndrome")

Ask = Callable[[Evidence], tuple[Table, ...]]


def pyagrum_network(network: Network) -> Any:
    """Return the same network in pyAgrum, numbers unchanged."""
    theirs = gum.BayesNet()
    for node in network.nodes:
        theirs.add(gum.LabelizedVariable(node.name, node.label or node.name, list(node.states)))
    for cpd in network.cpds:
        for parent in cpd.parents:
            theirs.addArc(parent, cpd.node)
    for cpd in network.cpds:
        table = theirs.cpt(cpd.node)
        order = [cpd.scope.index(name) for name in reversed(table.names)]
        table[:] = np.ascontiguousarray(np.transpose(cpd.table, order))
    return theirs


def ask_pyagrum(network: Network) -> Ask:
    """Return pyAgrum's LazyPropagation as a function: targets set once, evidence changed in place."""
    theirs = pyagrum_network(network)
    engine = gum.LazyPropagation(theirs)
    engine.setTargets(set(TARGETS))
    before: set[str] = set()
    states = {(node.name, state): i for node in network.nodes for i, state in enumerate(node.states)}

    def ask(evidence: Evidence) -> tuple[Table, ...]:
        nonlocal before
        given: dict[str, int | list[float]] = {name: states[name, state] for name, state in evidence.observed}
        given |= {name: likelihood_vector(ratio).tolist() for name, ratio in evidence.unsure}
        for name in before - given.keys():
            engine.eraseEvidence(name)
        for name, value in given.items():
            if name in before:
                engine.chgEvidence(name, value)
            else:
                engine.addEvidence(name, value)
        before = set(given)
        engine.makeInference()
        return tuple(engine.posterior(name).toarray() for name in TARGETS)

    return ask


def ask_pgmpy(network: Network) -> Ask:
    """Return pgmpy's VariableElimination as a function of hard evidence: converted once, one joint query a case."""
    inference = inference_of(network)

    def ask(evidence: Evidence) -> tuple[Table, ...]:
        if evidence.unsure:
            raise ValueError("measured on hard evidence only")
        joint = inference.query(list(TARGETS), evidence=dict(evidence.observed), show_progress=False)
        found = []
        for name in TARGETS:
            axis = joint.variables.index(name)
            probs = np.moveaxis(joint.values, axis, 0).reshape(joint.values.shape[axis], -1).sum(axis=1)
            found.append(probs[[joint.state_names[name].index(state) for state in network.node(name).states]])
        return tuple(found)

    return ask


@numba.njit
def _gather_and_add(rows: Table, index: Any, out: Table) -> None:
    for case in range(index.shape[0]):
        for cell in range(rows.shape[1]):
            out[case, cell] = 0.0
        for term in range(index.shape[1]):
            row = index[case, term]
            for cell in range(rows.shape[1]):
                out[case, cell] += rows[row, cell]


def bare_gather(tables: BatchTables, batch: EvidenceBatch) -> Callable[[], Table]:
    """Return the bare work of a batch as a function: look up the rows of ready index arrays, and add them.

    Parameters
    ----------
    tables : BatchTables
        Merged tables, as the engine uses them.
    batch : EvidenceBatch
        Cases with age known and nothing unsure.

    Returns
    -------
    callable
        Fills and returns ln P(hub, evidence), shape (cases, cells); compiled before it is returned.
    """
    index = narrow_rows(tables, batch)
    out = np.empty((batch.num_cases, tables.narrow.rows.shape[1]))
    _gather_and_add(tables.narrow.rows, index, out)

    def run() -> Table:
        _gather_and_add(tables.narrow.rows, index, out)
        return out

    return run
