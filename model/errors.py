"""Errors about networks, evidence and cases. Each says what is wrong, where, and what was expected.

Not here: errors of the data files (`priors/errors.py`), whose base class these share.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from priors.errors import LasegueError
from priors.text import brief, suggestion


class ModelError(LasegueError):
    """Base of the errors of this package."""


class BadNetwork(ModelError):
    """Nodes and tables do not make a network: a wrong shape, a row not summing to one, a cycle."""


class UnknownName(ModelError):
    """A node, finding or state that does not exist; the message suggests the nearest name."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        self.name = name
        super().__init__(f"unknown {what} {brief(name)}{suggestion(name, known)}")


class BadEvidence(ModelError):
    """Evidence that is no evidence: a node given twice, a likelihood ratio out of range."""


class ImpossibleEvidence(ModelError):
    """Findings that cannot hold together in this network.

    Parameters
    ----------
    findings : sequence of (str, str)
        A smallest set of node and state that contradict one another.
    """

    def __init__(self, findings: Sequence[tuple[str, str]]) -> None:
        self.findings = tuple(findings)
        listed = ", ".join(f"{node}={state}" for node, state in self.findings)
        super().__init__(f"these findings cannot hold together: {listed}; change or drop one of them")


class BadCase(ModelError):
    """A case that breaks the case file's format."""


class NoSmallHub(ModelError):
    """A network that cannot be compiled into small tables; the message says why."""
