"""Errors about networks, evidence and cases. Each says what is wrong, where, and what was expected.

Not here: errors of the data files (`priors/errors.py`), whose base class these share.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from priors.errors import LasegueError

SHORT_LIST, BRIEF_LENGTH = 8, 80


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


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return '; did you mean ...?' for the nearest known name, a short list, or nothing where neither helps."""
    names = list(known)
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    close = close or [other for other in names if len(name) > 1 and other.startswith(f"{name}_")]
    if close:
        return f"; did you mean {close[0]}?"
    return f"; expected one of {', '.join(names)}" if len(names) <= SHORT_LIST else ""


def brief(given: object) -> str:
    """Write what a user gave, cut where it is long."""
    shown = repr(int(given)) if isinstance(given, float) and given.is_integer() else repr(given)
    return shown if len(shown) <= BRIEF_LENGTH else f"{shown[: BRIEF_LENGTH - 4]} ..."
