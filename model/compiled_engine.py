"""The everyday engine: posteriors looked up in a compiled network; what cannot be looked up goes to elimination.

Not here: the tables (`model/compiled.py`), tables kept between runs (`model/stored.py`).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np

from model.compiled import Compiled, View, compile_network
from model.elimination import EliminationEngine, contradiction
from model.engine import Answer, Posterior
from model.errors import ImpossibleEvidence, NoSmallHub
from model.evidence import Evidence
from model.network import Network, Node, Table
from model.situation import hub_evidence_logs, read_evidence
from model.targets import targets_of
from model.whatif import answer_probs

SMALLEST = 1e-200  # P(evidence) below it is summed again from its largest term, so that no digit is lost
KEPT_NETWORKS = 8

Compiler = Callable[[Network], Compiled]


def compile_targets(network: Network) -> Compiled:
    """Compile a network for its cause and complication; raise NoSmallHub where that cannot be."""
    return compile_network(network, targets_of(network))


class CompiledEngine:
    """Lookup in compiled tables; see `model.engine.Engine`.

    Parameters
    ----------
    compiler : callable, optional
        Gives a network's tables; may read them from a file.

    Notes
    -----
    A network is compiled at its first question and kept for the next. One without a small hub is answered by
    elimination, and every answer says why.
    """

    name = "compiled"

    def __init__(self, compiler: Compiler = compile_targets) -> None:
        self._compiler = compiler
        self._kept: OrderedDict[Network, Compiled | NoSmallHub] = OrderedDict()
        self._elimination = EliminationEngine()

    def compiled(self, network: Network) -> Compiled:
        """Return the tables of a network; raise NoSmallHub, with the reason, where it has none."""
        found = self._kept.get(network) or self._compile(network)
        if isinstance(found, NoSmallHub):
            raise NoSmallHub(str(found))  # the kept one would gather a traceback at each raise
        return found

    def _compile(self, network: Network) -> Compiled | NoSmallHub:
        try:
            found: Compiled | NoSmallHub = self._compiler(network)
        except NoSmallHub as error:
            found = error
        self._kept[network] = found
        while len(self._kept) > KEPT_NETWORKS:
            self._kept.popitem(last=False)
        return found

    def query(self, network: Network, evidence: Evidence, nodes: Sequence[str]) -> Answer:
        """Return the posterior of each node and ln P(evidence).

        Parameters
        ----------
        network : Network
            Any checked network.
        evidence : Evidence
            What is known; checked here.
        nodes : sequence of str
            What is asked.

        Returns
        -------
        Answer
            Exact to floating point; its `engine` says which one answered, its `remark` why not this one.

        Raises
        ------
        ImpossibleEvidence, UnknownName, BadEvidence
            See `model.engine.Engine`.
        """
        compiled = self._kept.get(network) or self._compile(network)
        if isinstance(compiled, NoSmallHub):
            return self._eliminate(network, evidence, nodes, str(compiled))
        situation = read_evidence(compiled, evidence)
        if situation is None:
            return self._eliminate(
                network, evidence, nodes, "the tables take no evidence on a latent and no report on the hub"
            )
        view = compiled.wide if situation.shared is None else compiled.narrow
        logs = hub_evidence_logs(compiled, situation)
        probs, log_evidence = _hub_posterior(view, logs)
        if log_evidence == -math.inf:
            raise ImpossibleEvidence(contradiction(network, evidence))
        posteriors = []
        for name in nodes:
            columns = view.columns.get(name)
            node = network.by_name[name] if columns else network.node(name)
            if columns:
                found = probs[columns]
            elif name in compiled.places and name not in situation.assessed:
                found = answer_probs(compiled, situation, np.exp(logs - log_evidence), name)
            else:
                found = self._other(network, evidence, node)
            posteriors.append(Posterior(name, node.states, found))
        return Answer(tuple(posteriors), log_evidence, self.name)

    def _eliminate(self, network: Network, evidence: Evidence, nodes: Sequence[str], why: str) -> Answer:
        answer = self._elimination.query(network, evidence, nodes)
        return Answer(answer.posteriors, answer.log_evidence, answer.engine, f"answered by elimination: {why}")

    def _other(self, network: Network, evidence: Evidence, node: Node) -> Table:
        """Return the posterior of a node that is observed, unsure, or summed out of the tables."""
        observed = dict(evidence.observed).get(node.name)
        if observed is not None:
            known: Table = np.eye(len(node.states))[node.index(observed)]
            return known
        return self._elimination.query(network, evidence, [node.name]).posteriors[0].probs


def _hub_posterior(view: View, logs: Table) -> tuple[Table, float]:
    """Return the posterior of the states of the hub's nodes, by the view's columns, and ln P(evidence)."""
    sums = np.exp(logs).dot(view.sums)
    top, total = 0.0, float(sums[0])
    if total < SMALLEST:
        top = float(logs.max())
        if top == -math.inf:
            return sums, top
        sums = np.exp(logs - top).dot(view.sums)
        total = float(sums[0])
    sums /= total
    sums.flags.writeable = False
    return sums, top + math.log(total)
