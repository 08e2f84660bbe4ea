"""What the files of priors/ hold, as frozen records. Imports nothing of ours.

Not here: reading or checking files. Next: `priors/load.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PRESENT, ABSENT = "present", "absent"
CAUSE, AGE, SEX, DURATION = "cause", "age", "sex", "duration_weeks"
CAUDA_EQUINA = "cauda_equina_syndrome"
CONTEXT_NODES = (AGE, SEX, DURATION)
DEFAULT_PROFILE = "documents"

PROBABILITY, ODDS_MULTIPLIER, DEPENDENCE = "probability", "odds_multiplier", "dependence"
THRESHOLD = "threshold"
PARAMETERS = (PROBABILITY, ODDS_MULTIPLIER, DEPENDENCE, THRESHOLD)
JUDGEMENT = "judgement"
KINDS = ("documents", "measured", "pooled", "derived", JUDGEMENT)


@dataclass(frozen=True, slots=True)
class Estimate:
    """One number with its uncertainty and its origin.

    Parameters
    ----------
    value : float
        The stated number.
    low, high : float or None
        95 % interval; None where counts are given instead.
    events, total : int or None
        Counts of the study, where known.
    kind : str
        One of `KINDS`.
    population : str
        Who was counted.
    sources : tuple of str
        Keys of references.bib.
    note : str
        Why this number.
    """

    value: float
    low: float | None
    high: float | None
    events: int | None
    total: int | None
    kind: str
    population: str
    sources: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Key:
    """Which parameter a number is: P(node = state | given, cause), or its age or syndrome effect.

    Parameters
    ----------
    parameter : str
        One of `PARAMETERS`.
    node, state : str
        The variable and the state the number is about.
    given : str
        What else is fixed: empty, `node=state`, or a syndrome's name.
    """

    parameter: str
    node: str
    state: str
    given: str = ""

    @property
    def per_cause(self) -> bool:
        """Whether each cause has a number of its own; prevalences and thresholds stand alone."""
        return self.node != CAUSE and self.parameter != THRESHOLD

    def __str__(self) -> str:
        bar = f" | {self.given}" if self.given else ""
        return f"{self.parameter} of {self.node}={self.state}{bar}"


@dataclass(frozen=True, slots=True)
class Row:
    """A number, the parameter it states, the causes it holds for, and where it stands.

    Parameters
    ----------
    key : Key
        The parameter.
    causes : tuple of str
        Causes that share this number and its uncertainty; empty for a prevalence.
    estimate : Estimate
        The number.
    file : str
        File it came from.
    row : int
        Row in that file as a spreadsheet counts it.
    """

    key: Key
    causes: tuple[str, ...]
    estimate: Estimate
    file: str
    row: int


@dataclass(frozen=True, slots=True)
class Study:
    """One study's count that went into a pooled number.

    Parameters
    ----------
    key : Key
        The parameter of the pooled row.
    causes : tuple of str
        Causes of the pooled row, as its own file names them.
    source : str
        Key of references.bib.
    events, total : int
        Counted with the finding, and in all.
    population : str
        Who was counted.
    row : int
        Row in studies.csv as a spreadsheet counts it.
    """

    key: Key
    causes: tuple[str, ...]
    source: str
    events: int
    total: int
    population: str
    row: int


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
class Source:
    """A reference: BibTeX key, type and fields; `read` says what of it was read, empty if nothing."""

    key: str
    entry_type: str
    fields: Mapping[str, str]

    @property
    def read(self) -> str:
        """What was read: full text, abstract, secondary page, or empty."""
        return self.fields.get("read", "")


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
        return {AGE: self.age.states, DURATION: self.duration.states, SEX: self.sex.states}[node]

    def syndrome_of(self, finding: str) -> Syndrome | None:
        """Return the syndrome a finding sits in, or None."""
        found = (s for s in self.syndromes.values() if any(name == finding for name, _ in s.members))
        return next(found, None)


@dataclass(frozen=True, slots=True)
class PriorSet:
    """A validated folder of priors under one profile: structure, numbers, sources.

    Parameters
    ----------
    folder : Path
        Where it was read.
    profile : str
        Name of the profile.
    structure : Structure
        Nodes and their dependence.
    rows : tuple of Row
        Every number in force, each once.
    cells : mapping of (Key, str) to Row
        The row in force for a parameter and a cause (cause is empty for a prevalence).
    studies : mapping of Row to tuple of Study
        What each pooled row of the base tables pools.
    sources : mapping of str to Source
        By key.
    discrepancies : tuple of Discrepancy
        Disagreements within the source documents.
    cohorts : tuple of Cohort
        Series of patients to show beside a cause.
    digest : str
        SHA-256 of structure and numbers; texts for people do not enter it.
    """

    folder: Path
    profile: str
    structure: Structure
    rows: tuple[Row, ...]
    cells: Mapping[tuple[Key, str], Row]
    studies: Mapping[Row, tuple[Study, ...]]
    sources: Mapping[str, Source]
    discrepancies: tuple[Discrepancy, ...]
    cohorts: tuple[Cohort, ...]
    digest: str

    def number(self, key: Key, cause: str = "") -> float:
        """Return the stated value of a parameter for a cause (no cause for a prevalence)."""
        return self.cells[key, cause].estimate.value

    def numbers(self, key: Key) -> list[float]:
        """Return the stated values of a parameter over all causes, in their order."""
        return [self.number(key, cause) for cause in self.structure.cause_names]
