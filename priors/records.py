"""The numbers of priors/ and all that belongs to them, as frozen records, with the names that mean something.

Not here: what the TOML files declare (`priors/shapes.py`), reading or checking files (`priors/load.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from priors.shapes import Cohort, Discrepancy, Structure

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
