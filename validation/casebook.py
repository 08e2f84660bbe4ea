"""Read a folder of case files with known diagnoses; a bad one is told and left out, it does not spoil the rest.

Not here: what the model says of them (`validation/published.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from model.case import Case, stages
from model.casefile import read_case
from model.differential import profile_for
from model.elimination import contradiction, log_joint, log_sum
from model.errors import BadCase, ImpossibleEvidence
from model.evidence import Evidence
from model.network import Network
from priors.records import ABSENT, CAUDA_EQUINA, PRESENT
from priors.shapes import Structure
from priors.text import brief, suggestion
from validation.cohort import TESTS

CASES = Path(__file__).resolve().parent / "cases"


@dataclass(frozen=True, slots=True)
class KnownCase:
    """A case with its final diagnosis, before and after the tests.

    Parameters
    ----------
    id : str
        Of the case, else its file's name.
    title, profile, diagnosis : str
        What was published, profile of its setting, true cause.
    cauda_equina : bool or None
        Whether cauda equina syndrome was there; None where the report does not say.
    before, after : Evidence
        History and examination; everything.
    tested : bool
        Whether any test is among the findings.
    thin : bool
        Whether the text gave few findings.
    """

    id: str
    title: str
    profile: str
    diagnosis: str
    cauda_equina: bool | None
    before: Evidence
    after: Evidence
    tested: bool
    thin: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that could not be used, and why."""

    file: str
    message: str


@dataclass(frozen=True, slots=True)
class Casebook:
    """The cases of a folder, and the files that were left out."""

    cases: tuple[KnownCase, ...]
    faults: tuple[Fault, ...]


def case_files(folder: Path) -> list[Path]:
    """Return the case files of a folder, in the order of their names; raise BadCase where there is none."""
    if not folder.is_dir():
        raise BadCase(f"{folder}: expected a folder of case files (*.json)")
    files = sorted(folder.glob("*.json"))
    if not files:
        raise BadCase(f"{folder}: no case file (*.json) in it; put one there for each patient with a known diagnosis")
    return files


def read_casebook(folder: Path, network: Network, structure: Structure, profiles: tuple[str, ...]) -> Casebook:
    """Read every JSON file of a folder.

    Parameters
    ----------
    folder : Path
        Of case files.
    network : Network
        Under any profile; findings that it holds for impossible together are a fault of the file.
    structure : Structure
        The vocabulary.
    profiles : tuple of str
        Settings that a case may name.

    Returns
    -------
    Casebook
        Cases in the order of their files' names.

    Raises
    ------
    BadCase
        Where the folder cannot be read, holds no case file, or none that can be used.
    """
    files = case_files(folder)
    cases, faults = [], []
    for file in files:
        try:
            case = _known_case(read_case(file, structure), file.stem, structure, profiles)
            for evidence in (case.before, case.after):
                if log_sum(log_joint(network, evidence, ())) == -math.inf:
                    raise ImpossibleEvidence(contradiction(network, evidence))
            cases.append(case)
        except (BadCase, ImpossibleEvidence) as error:
            faults.append(Fault(file.name, str(error)))
    if not cases:
        raise BadCase(
            f"{folder}: none of its {len(files)} case files can be used; {faults[0].file}: {faults[0].message}"
        )
    return Casebook(tuple(cases), tuple(faults))


def _known_case(case: Case, name: str, structure: Structure, profiles: tuple[str, ...]) -> KnownCase:
    diagnosis = case.carried.get("final_diagnosis")
    causes = structure.cause_names
    if diagnosis is None:
        raise BadCase(f"final_diagnosis: missing; expected one of {', '.join(causes)}")
    if diagnosis not in causes:
        near = suggestion(str(diagnosis), causes) or f"; expected one of {', '.join(causes)}"
        raise BadCase(f"final_diagnosis: unknown cause {brief(diagnosis)}{near}")
    source = case.carried.get("source")
    tests = {finding.name for finding in structure.findings.values() if finding.group == TESTS}
    before, after = before_and_after(case, structure, tests)
    return KnownCase(
        id=str(case.id if case.id is not None else name),
        title=str(source.get("title", "")) if isinstance(source, dict) else str(source or ""),
        profile=profile_for(case, None, profiles),
        diagnosis=str(diagnosis),
        cauda_equina=_yes_or_no(case, CAUDA_EQUINA),
        before=before,
        after=after,
        tested=any(node in tests for node in after.nodes),
        thin=bool(_yes_or_no(case, "thin")),
    )


def _yes_or_no(case: Case, key: str) -> bool | None:
    value = case.carried.get(key)
    if value is not None and not isinstance(value, bool):
        raise BadCase(f"{key}: expected true, false or null, found {brief(value)}")
    return value


def before_and_after(case: Case, structure: Structure, tests: set[str]) -> tuple[Evidence, Evidence]:
    """Return what was known just before the first test, and at the end.

    Parameters
    ----------
    case : Case
        With or without steps.
    structure : Structure
        The vocabulary.
    tests : set of str
        Findings that are tests.

    Returns
    -------
    tuple of Evidence
        Before: the first stage that holds a test, without its tests; the last stage where none does.
    """
    found = stages(case, structure)
    first = next((stage for stage in found if any(node in tests for node in stage.evidence.nodes)), found[-1])
    before = Evidence(
        tuple(item for item in first.evidence.observed if item[0] not in tests),
        tuple(item for item in first.evidence.unsure if item[0] not in tests),
    )
    return before, found[-1].evidence


def assessed(evidence: Evidence) -> tuple[int, int]:
    """Return how many findings were present and how many absent; context does not count."""
    states = [state for _, state in evidence.observed]
    return states.count(PRESENT), states.count(ABSENT)
