"""The bridge to pgmpy: our network as a DiscreteBayesianNetwork, and the reference engine on it.

pgmpy takes seconds to import, so this module and `model/exchange.py`, the only ones that need it, are imported
where they are asked for. Not here: files (`model/exchange.py`).
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Sequence

import numpy as np

with warnings.catch_warnings():  # its own modules warn of one another's old names
    warnings.simplefilter("ignore", FutureWarning)
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.inference import VariableElimination
    from pgmpy.models import DiscreteBayesianNetwork

from model.elimination import contradiction, log_joint, log_sum
from model.engine import Answer, Posterior
from model.errors import ImpossibleEvidence, ModelError
from model.evidence import Evidence, check_evidence, likelihood_vector
from model.network import CPD, Network, Node, Table

REPORT = "report_of_"

# pgmpy multiplies probabilities as they are; far enough above ln of the smallest float that no digit is lost.
SMALLEST_LOG_EVIDENCE = -600.0
UNDERFLOW = "pgmpy's product of probabilities underflows on this evidence; use the elimination engine"


def to_pgmpy(network: Network) -> DiscreteBayesianNetwork:
    """Return the same network as a checked pgmpy DiscreteBayesianNetwork, names and numbers unchanged.

    Parameters
    ----------
    network : Network
        Ours.

    Returns
    -------
    DiscreteBayesianNetwork
        `check_model()` has passed; our own check is the stricter one.
    """
    model = DiscreteBayesianNetwork()
    model.add_nodes_from([node.name for node in network.nodes])
    model.add_edges_from([(parent, cpd.node) for cpd in network.cpds for parent in cpd.parents])
    for cpd in network.cpds:
        states = {name: list(network.node(name).states) for name in cpd.scope}
        size = len(states[cpd.node])
        model.add_cpds(
            TabularCPD(
                cpd.node,
                size,
                np.moveaxis(cpd.table, -1, 0).reshape(size, -1),
                evidence=list(cpd.parents) or None,
                evidence_card=[len(states[parent]) for parent in cpd.parents] or None,
                state_names=states,
            )
        )
    model.check_model()
    return model


def inference_of(network: Network) -> VariableElimination:
    """Return pgmpy's own inference on a network, converted once, as pgmpy's users ask it."""
    return VariableElimination(to_pgmpy(network))


def from_pgmpy(model: DiscreteBayesianNetwork, digest: str = "") -> Network:
    """Return a pgmpy network as ours, checked as strictly as any.

    Raises
    ------
    BadNetwork
        Where a row misses one by more than 1e-9, which pgmpy's own check lets pass.
    """
    nodes, cpds = [], []
    for cpd in model.get_cpds():
        parents = tuple(cpd.variables[1:])
        nodes.append(Node(cpd.variable, tuple(cpd.state_names[cpd.variable])))
        cpds.append(CPD(cpd.variable, parents, np.moveaxis(np.asarray(cpd.values, dtype=float), 0, -1)))
    return Network(tuple(nodes), tuple(cpds), digest)


def _with_reports(network: Network, evidence: Evidence) -> tuple[Network, list[tuple[str, str]]]:
    """Turn each unsure finding into an observed child of it, and return all evidence as observations."""
    nodes, cpds = list(network.nodes), list(network.cpds)
    observed = list(evidence.observed)
    for name, ratio in evidence.unsure:
        given = likelihood_vector(ratio)
        nodes.append(Node(REPORT + name, ("seen", "unseen")))
        cpds.append(CPD(REPORT + name, (name,), np.stack([given, 1 - given], axis=-1)))
        observed.append((REPORT + name, "seen"))
    return Network(tuple(nodes), tuple(cpds), network.digest), observed


class PgmpyEngine:
    """pgmpy's VariableElimination as the reference engine; see `model.engine.Engine`.

    Notes
    -----
    pgmpy answers contradictory evidence with NaN or, after pruning, with a wrong number. So ln P(evidence) is
    the sum of ln P(finding | findings before it), one query each, and a zero on the way is the contradiction.
    Only where pgmpy has come to zero, or so near that its digits go, does our log-space sum say which it was.
    """

    name = "pgmpy"

    def query(self, network: Network, evidence: Evidence, nodes: Sequence[str]) -> Answer:
        """Return the posterior of each node and ln P(evidence).

        Parameters
        ----------
        network : Network
            Ours; it is converted for each call.
        evidence : Evidence
            What is known.
        nodes : sequence of str
            What is asked.

        Returns
        -------
        Answer
            As pgmpy computes it.

        Raises
        ------
        ImpossibleEvidence, UnknownName, BadEvidence
            See `model.engine.Engine`.
        ModelError
            Where pgmpy's products of probabilities underflow.
        """
        check_evidence(network, evidence)
        extended, observed = _with_reports(network, evidence)
        inference = VariableElimination(to_pgmpy(extended))
        log_evidence, before = 0.0, dict[str, str]()
        for name, state in observed:
            share = float(_ask(inference, extended, name, before)[extended.node(name).index(state)])
            log_evidence += math.log(share) if share > 0 else -math.inf
            if log_evidence < SMALLEST_LOG_EVIDENCE:
                if log_sum(log_joint(network, evidence, ())) == -math.inf:
                    raise ImpossibleEvidence(contradiction(network, evidence))
                raise ModelError(UNDERFLOW)
            before[name] = state
        posteriors = []
        for name in nodes:
            node = network.node(name)
            known = before.get(name)
            probs = np.eye(len(node.states))[node.index(known)] if known else _ask(inference, extended, name, before)
            posteriors.append(Posterior(name, node.states, probs))
        return Answer(tuple(posteriors), log_evidence, self.name)


def _ask(inference: VariableElimination, network: Network, name: str, before: dict[str, str]) -> Table:
    """Return P(node | evidence) in our order of states, or say that pgmpy failed."""
    factor = inference.query([name], evidence=before, show_progress=False)
    states = network.node(name).states
    probs = np.array([factor.get_value(**{name: state}) for state in states], dtype=float)
    if not np.all(np.isfinite(probs)):
        raise ModelError(UNDERFLOW)
    return probs


logging.getLogger("pgmpy").setLevel(logging.ERROR)  # it warns about state names it was given on purpose
