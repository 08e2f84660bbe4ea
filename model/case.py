"""A case, and what is known of it after each step.

Not here: reading and checking case files (`model/casefile.py`), what the findings mean for the causes
(`model/differential.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from model.evidence import Evidence
from priors.records import AGE, DURATION, SEX
from priors.shapes import Structure

Status = str | float
"""What is known of a finding: `present`, `absent`, or a likelihood ratio where it is unsure."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of a case enters: findings with their status, and findings to forget."""

    label: str
    findings: tuple[tuple[str, Status], ...] = ()
    clear: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A finding whose status a later step changed; `after` is None where it was cleared."""

    finding: str
    before: Status
    after: Status | None


@dataclass(frozen=True, slots=True)
class Stage:
    """All that is known after a step.

    Parameters
    ----------
    label : str
        The step's label; empty for what holds before the first step.
    evidence : Evidence
        Context and findings in force.
    findings : tuple of (str, Status)
        Findings in force, in the order entered.
    changes : tuple of Change
        What this step changed of an earlier one.
    """

    label: str
    evidence: Evidence
    findings: tuple[tuple[str, Status], ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One patient, checked.

    Parameters
    ----------
    id : str, int or None
        As given.
    age : float or None
        Years.
    sex : str or None
        female or male.
    duration_weeks : float or None
        Weeks.
    setting : str or None
        Profile to use where none is chosen.
    facts : mapping of str to bool
        For the pathway's rules alone.
    initial : Step
        Findings that hold before the first step.
    steps : tuple of Step
        In order.
    carried : mapping of str to object
        What the file carries along that is no evidence.
    ignored : tuple of str
        Names dropped on request.
    """

    id: str | int | None = None
    age: float | None = None
    sex: str | None = None
    duration_weeks: float | None = None
    setting: str | None = None
    facts: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    initial: Step = Step("")
    steps: tuple[Step, ...] = ()
    carried: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    ignored: tuple[str, ...] = ()


def context_evidence(case: Case, structure: Structure) -> tuple[tuple[str, str], ...]:
    """Return the observed states of age, sex and duration."""
    observed = []
    if case.age is not None:
        observed.append((AGE, structure.age.band_of(case.age).state))
    if case.sex is not None:
        observed.append((SEX, case.sex))
    if case.duration_weeks is not None:
        observed.append((DURATION, structure.duration.band_of(case.duration_weeks).state))
    return tuple(observed)


def stages(case: Case, structure: Structure) -> tuple[Stage, ...]:
    """Return what is known before the first step and after each; a later step wins over an earlier one.

    Parameters
    ----------
    case : Case
        Checked.
    structure : Structure
        The vocabulary.

    Returns
    -------
    tuple of Stage
        First what holds before step 1 (label empty), then one a step; the last is the case as it stands.
    """
    context = context_evidence(case, structure)
    known: dict[str, Status] = {}
    found = []
    for step in (case.initial, *case.steps):
        changes = []
        for name in step.clear:
            if name in known:
                changes.append(Change(name, known.pop(name), None))
        for name, status in step.findings:
            if name in known and known[name] != status:
                changes.append(Change(name, known[name], status))
            known.pop(name, None)  # the latest word stands last in the order entered
            known[name] = status
        observed = tuple((name, status) for name, status in known.items() if isinstance(status, str))
        unsure = tuple((name, status) for name, status in known.items() if not isinstance(status, str))
        found.append(Stage(step.label, Evidence((*context, *observed), unsure), tuple(known.items()), tuple(changes)))
    return tuple(found)
