"""Evidence for one patient: what was observed, what is unsure; what is not assessed is simply not in it.

Not here: cases (`model/case.py`). Next: `model/engine.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from model.errors import BadEvidence
from model.network import Network, Table


@dataclass(frozen=True, slots=True)
class Evidence:
    """The set of node = state known for one patient; hashable.

    Parameters
    ----------
    observed : tuple of (str, str)
        Node and state, in the order entered.
    unsure : tuple of (str, float)
        Two-state node and likelihood ratio for its first state (present), 0 < LR < inf.
    """

    observed: tuple[tuple[str, str], ...] = ()
    unsure: tuple[tuple[str, float], ...] = ()

    @property
    def nodes(self) -> tuple[str, ...]:
        """Nodes with any evidence."""
        return tuple(name for name, _ in (*self.observed, *self.unsure))


def check_evidence(network: Network, evidence: Evidence) -> None:
    """Check evidence against a network.

    Raises
    ------
    UnknownName
        A node or state that the network lacks.
    BadEvidence
        A node with evidence twice, a likelihood ratio that is not a positive finite number, or one on a node
        that has not two states.
    """
    for name, state in evidence.observed:
        network.node(name).index(state)
    for name, ratio in evidence.unsure:
        if len(network.node(name).states) != 2:
            raise BadEvidence(f"{name}: a likelihood ratio needs a node of two states")
        if not (math.isfinite(ratio) and ratio > 0):
            raise BadEvidence(f"{name}: expected a likelihood ratio above 0 and finite, found {ratio!r}")
    names = evidence.nodes
    if double := sorted({name for name in names if names.count(name) > 1}):
        raise BadEvidence(f"evidence given twice: {', '.join(double)}")


def likelihood_vector(ratio: float) -> Table:
    """Return (LR, 1) / (1 + LR), the likelihood of an unsure report for present and absent."""
    present = ratio / (1 + ratio) if ratio < 1 else 1 / (1 + 1 / ratio)  # neither end may round to zero
    return np.array([present, 1 / (1 + ratio)])


def log_likelihoods(ratio: float) -> tuple[float, float]:
    """Return the logarithms of `likelihood_vector`, finite for any ratio it takes.

    Examples
    --------
    >>> [round(x, 6) for x in log_likelihoods(3)]
    [-0.287682, -1.386294]
    """
    absent = -math.log1p(ratio)
    return math.log(ratio) + absent, absent
