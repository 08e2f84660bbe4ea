"""What the TOML files declare, as frozen records: causes, findings, syndromes, context. Imports nothing of ours.

Not here: the numbers (`priors/records.py`), reading the files (`priors/structure.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """A state of the node `cause`, or a complication: names for machine and people, and its family."""

    name: str
    label: str
    short: str
    family: str


@dataclass(frozen=True, slots=True)
class Band:
    """A band of age or duration: from `start` (included) to the next band's start (not included)."""

    state: str
    label: str
    start: float


@dataclass(frozen=True, slots=True)
class BandedContext:
    """Age or duration: a number cut into bands.

    Parameters
    ----------
    name, label, unit : str
        Node name, label for people, unit of the number.
    minimum, maximum : float
        Accepted range of the number.
    bands : tuple of Band
        Ascending; the first starts at `minimum`.
    reference : str
        Band against which age effects are stated; empty for duration.
    """

    name: str
    label: str
    unit: str
    minimum: float
    maximum: float
    bands: tuple[Band, ...]
    reference: str

    @property
    def states(self) -> tuple[str, ...]:
        """State names, in order."""
        return tuple(band.state for band in self.bands)

    def band_of(self, number: float) -> Band:
        """Return the band that holds a number already known to lie in range."""
        return next(band for band in reversed(self.bands) if number >= band.start)


@dataclass(frozen=True, slots=True)
class Context:
    """A context node without a number behind it: name, label for people, states."""

    name: str
    label: str
    states: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """When a finding is possible at all: `any` or `all` of some (node, state) pairs hold."""

    mode: str
    terms: tuple[tuple[str, str], ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        """Nodes of the terms, each once, in order."""
        return tuple(dict.fromkeys(node for node, _ in self.terms))


@dataclass(frozen=True, slots=True)
class Finding:
    """An observable node: a symptom, sign or test with states present and absent.

    Parameters
    ----------
    name, label, group, definition, seed : str
        Vocabulary name, label for people, group on the page, what counts as present, source document.
    question : str
        What to ask the patient, or what the examiner does.
    burden : str
        What it takes to find out: one of the `Structure.burdens`.
    minutes : float
        About how long it takes.
    points_to : tuple of str
        Causes, or the complication, that its presence makes likelier.
    synonyms : tuple of str
        Other words for it, for searching.
    age : bool
        Whether its frequency changes with age.
    cauda_equina : bool
        Whether it also depends on the complication.
    possible_if : Condition or None
        Logical bound; None where the finding is always possible.
    """

    name: str
    label: str
    group: str
    definition: str
    seed: str
    question: str
    burden: str
    minutes: float
    points_to: tuple[str, ...]
    synonyms: tuple[str, ...]
    age: bool
    cauda_equina: bool
    possible_if: Condition | None


@dataclass(frozen=True, slots=True)
class Syndrome:
    """A latent node shared by findings that go together more often than the cause alone explains.

    Parameters
    ----------
    name, label : str
        Node name and label for people.
    states : tuple of str
        States; the last is the remainder.
    members : tuple of (str, str)
        Findings, each with the latent's state it goes with.
    reversed : tuple of str
        Members whose absence goes with the latent.
    """

    name: str
    label: str
    states: tuple[str, ...]
    members: tuple[tuple[str, str], ...]
    reversed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Something that must not be missed: it holds where every (node, state) of its terms holds.

    Parameters
    ----------
    name, label, action : str
        Name, label for people, what acting on it means.
    terms : tuple of (str, str)
        Nodes with their states.
    """

    name: str
    label: str
    action: str
    terms: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Implication:
    """A finding that a typed number decides: present where `number <comparison> limit` holds."""

    finding: str
    comparison: str  # above, at_least or at_most
    limit: float

    def holds(self, number: float, limit: float | None = None) -> bool:
        """Say whether the finding is present at this number, against another limit if one is given."""
        bound = self.limit if limit is None else limit
        if self.comparison == "above":
            return number > bound
        return number >= bound if self.comparison == "at_least" else number <= bound


@dataclass(frozen=True, slots=True)
class TypedValue:
    """A number a user types (ESR 45) and the findings it implies."""

    name: str
    label: str
    unit: str
    minimum: float
    maximum: float
    limit_from: str
    implies: tuple[Implication, ...]


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A disagreement within the source documents, in one sentence."""

    id: str
    causes: tuple[str, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class CohortTable:
    """Counts of a series of patients: title, a note on how they add up, and (what, patients) lines."""

    title: str
    note: str
    items: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Cohort:
    """A series of patients that a source describes; no probability hangs on it.

    Parameters
    ----------
    cause : str
        Whose patients they are.
    title : str
        Who was counted.
    sources : tuple of str
        Keys of references.bib.
    total : int
        Patients.
    facts : tuple of str
        One sentence each.
    caution : str
        How not to read it.
    tables : tuple of CohortTable
        Counts.
    """

    cause: str
    title: str
    sources: tuple[str, ...]
    total: int
    facts: tuple[str, ...]
    caution: str
    tables: tuple[CohortTable, ...]


@dataclass(frozen=True, slots=True)
class Structure:
    """All that the TOML files say: names, labels and which node depends on which.

    Parameters
    ----------
    families : mapping of str to str
        Family of causes -> label.
    causes : tuple of Cause
        States of `cause`, in order.
    complication : Cause
        The complication node.
    age, duration : BandedContext
        Banded context nodes.
    sex : Context
        The node `sex`.
    groups, burdens : mapping of str to str
        Group of findings -> label; burden -> label, lightest first.
    findings, syndromes, values : mapping of str to record
        By name, in file order.
    facts : mapping of str to str
        Fact -> label.
    cannot_miss : mapping of str to Outcome
        By name, in file order.
    """

    families: Mapping[str, str]
    causes: tuple[Cause, ...]
    complication: Cause
    age: BandedContext
    duration: BandedContext
    sex: Context
    groups: Mapping[str, str]
    burdens: Mapping[str, str]
    findings: Mapping[str, Finding]
    syndromes: Mapping[str, Syndrome]
    values: Mapping[str, TypedValue]
    facts: Mapping[str, str]
    cannot_miss: Mapping[str, Outcome]

    @property
    def cause_names(self) -> tuple[str, ...]:
        """Names of the causes, in order."""
        return tuple(cause.name for cause in self.causes)

    def context_states(self, node: str) -> tuple[str, ...]:
        """States of a context node."""
        return {context.name: context.states for context in (self.age, self.duration, self.sex)}[node]

    def syndrome_of(self, finding: str) -> Syndrome | None:
        """Return the syndrome a finding sits in, or None."""
        found = (s for s in self.syndromes.values() if any(name == finding for name, _ in s.members))
        return next(found, None)
