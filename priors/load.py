"""Read a folder of priors under a profile and check all of it: `load_priors`.

Not here: the network built from it (`model/build.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType

from priors.checks import Cells, check_complete, check_leading, check_sums, place_rows
from priors.descriptions import read_cohorts, read_discrepancies
from priors.errors import PriorsError, Problem
from priors.pooling import match_studies
from priors.records import DEFAULT_PROFILE, PriorSet, Source
from priors.references import read_references
from priors.shapes import Structure
from priors.structure import read_structure
from priors.tables import read_studies, read_table
from priors.text import suggestion

PRIORS_FOLDER = Path(__file__).resolve().parent
REFERENCES, STUDIES = "references.bib", "studies.csv"
TABLES = ("prevalence.csv", "likelihoods.csv", "context.csv", "age_effects.csv", "dependence.csv", "thresholds.csv")


def available_profiles(folder: Path = PRIORS_FOLDER) -> tuple[str, ...]:
    """Names of the profiles in a folder of priors, the default first."""
    stems = sorted(path.stem for path in (folder / "profiles").glob("*.csv"))
    return (DEFAULT_PROFILE, *(stem for stem in stems if stem != DEFAULT_PROFILE))


def _profile_file(folder: Path, profile: str) -> Path | None:
    """Return the overlay's file: None for the default profile, a file of the folder, or the user's own."""
    if (taken := folder / "profiles" / f"{DEFAULT_PROFILE}.csv").exists():
        message = f"{DEFAULT_PROFILE} is the profile of the base tables; give this overlay another name"
        raise PriorsError([Problem(f"profiles/{taken.name}", None, "", message)])
    if profile == DEFAULT_PROFILE:
        return None
    names = available_profiles(folder)
    if profile in names:
        return folder / "profiles" / f"{profile}.csv"
    path = Path(profile)
    if path.suffix.lower() == ".csv":
        return path
    near = suggestion(profile, names) or f"; expected one of {', '.join(names)}"
    raise PriorsError([Problem("profile", None, "", f"unknown profile {profile!r}{near} (or the path of a CSV file)")])


def _digest(structure: Structure, cells: Cells) -> str:
    """SHA-256 of all that can change a result; labels, notes and citations do not."""
    numbers = {}
    for (key, cause), row in cells.items():
        e = row.estimate
        numbers[f"{key}|{cause}"] = [e.value, e.low, e.high, e.events, e.total, ";".join(row.causes)]
    shape = {
        "causes": structure.cause_names,
        "age": [structure.age.reference, *((band.state, band.start) for band in structure.age.bands)],
        "duration": [(band.state, band.start) for band in structure.duration.bands],
        "values": [[v.name, v.limit_from, *(asdict(i) for i in v.implies)] for v in structure.values.values()],
        "sex": structure.sex.states,
        "findings": [
            [f.name, f.burden, f.minutes, f.age, f.cauda_equina, asdict(f.possible_if) if f.possible_if else None]
            for f in structure.findings.values()
        ],
        "cannot_miss": [[o.name, o.terms] for o in structure.cannot_miss.values()],
        "syndromes": [[s.name, s.states, s.members, s.reversed] for s in structure.syndromes.values()],
    }
    text = json.dumps({"shape": shape, "numbers": numbers}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _lay_over(
    overlay: Path,
    ours: bool,
    cells: Cells,
    sources: Mapping[str, Source],
    structure: Structure,
    problems: list[Problem],
) -> tuple[Cells, Mapping[str, Source]]:
    """Return the cells with a profile's rows in the place of theirs, and the sources with those beside its file."""
    file = f"profiles/{overlay.name}" if ours else str(overlay)
    if (beside := overlay.with_suffix(".bib")).exists():
        sources = {**sources, **read_references(beside)}
    changes = read_table(overlay, file, structure.cause_names, sources, problems, overlay=True)
    cells = cells | place_rows(changes, structure, problems)
    if not problems:
        check_sums(cells, structure, problems, changed=file)
    return cells, sources


def load_priors(folder: Path | str = PRIORS_FOLDER, profile: str = DEFAULT_PROFILE) -> PriorSet:
    """Read and check a folder of priors, with a profile laid over it.

    Parameters
    ----------
    folder : Path or str
        Folder of priors.
    profile : str
        `documents`, a name from `profiles/`, or the path of a CSV overlay, whose own sources may stand in a file
        of the same name ending in .bib beside it.

    Returns
    -------
    PriorSet
        Structure, numbers, sources and their digest.

    Raises
    ------
    PriorsError
        With every fault found, each with file, row, field and what was expected.

    Examples
    --------
    >>> from priors.records import Key
    >>> load_priors().number(Key("probability", "cause", "spinal_stenosis"))
    0.03
    """
    folder = Path(folder)
    overlay = _profile_file(folder, profile)
    structure = read_structure(folder)
    sources: Mapping[str, Source] = read_references(folder / REFERENCES)
    discrepancies = read_discrepancies(folder, structure.cause_names)
    cohorts = read_cohorts(folder, structure.cause_names, sources)
    problems: list[Problem] = []
    names = structure.cause_names
    rows = [row for file in TABLES for row in read_table(folder / file, file, names, sources, problems)]
    counted = read_studies(folder / STUDIES, names, sources, problems)
    cells = place_rows(rows, structure, problems)
    studies = match_studies(rows, counted, problems) if not problems else {}
    if not problems:
        check_complete(cells, structure, problems)
    if not problems:
        check_sums(cells, structure, problems)
    if overlay is not None and not problems:
        cells, sources = _lay_over(overlay, overlay.parent == folder / "profiles", cells, sources, structure, problems)
    if not problems:
        check_leading(cells, structure, problems)
    if problems:
        raise PriorsError(problems)
    return PriorSet(
        folder=folder,
        profile=profile,
        structure=structure,
        rows=tuple({id(row): row for row in cells.values()}.values()),
        cells=MappingProxyType(cells),
        studies=MappingProxyType(studies),
        sources=MappingProxyType(sources),
        discrepancies=discrepancies,
        cohorts=cohorts,
        digest=_digest(structure, cells),
    )
