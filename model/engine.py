"""What an engine is and what it answers.

Not here: the engines themselves (`model/elimination.py`, `model/pgmpy_bridge.py`), listed in `model/engines.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from model.evidence import Evidence
from model.network import Network, Table


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """P(node | evidence).

    Parameters
    ----------
    node : str
        The variable asked.
    states : tuple of str
        Its states.
    probs : ndarray, shape (states,)
        Sums to one.
    """

    node: str
    states: tuple[str, ...]
    probs: Table

    def __post_init__(self) -> None:
        if self.probs.flags.writeable:  # an engine may hand over what nobody else can change
            probs = np.array(self.probs, dtype=np.float64)
            probs.flags.writeable = False
            object.__setattr__(self, "probs", probs)

    def as_dict(self) -> dict[str, float]:
        """Return state -> probability."""
        return {state: float(p) for state, p in zip(self.states, self.probs, strict=True)}


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """Posteriors of the nodes asked, and ln P(evidence).

    Parameters
    ----------
    posteriors : tuple of Posterior
        In the order asked.
    log_evidence : float
        Natural logarithm of the probability of the evidence (unsure evidence as its likelihood vector).
    engine : str
        Which engine answered.
    remark : str
        Why another than the one asked; empty otherwise.
    """

    posteriors: tuple[Posterior, ...]
    log_evidence: float
    engine: str
    remark: str = ""


class Engine(Protocol):
    """An exact engine: one method, one meaning, whatever the algorithm."""

    name: str

    def query(self, network: Network, evidence: Evidence, nodes: Sequence[str]) -> Answer:
        """Return the posterior of each node.

        Raises
        ------
        ImpossibleEvidence
            Naming the findings that contradict one another.
        UnknownName, BadEvidence
            Where the evidence does not fit the network.
        """
        ...
