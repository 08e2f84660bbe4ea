"""Read what describes and carries no probability: discrepancies.toml and cohorts.toml.

Not here: the structure of the network (`priors/structure.py`).
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from priors.errors import PriorsError, Problem
from priors.shapes import Cohort, CohortTable, Discrepancy
from priors.text import suggestion
from priors.toml_tables import TomlTable, open_toml


def read_discrepancies(folder: Path, causes: tuple[str, ...]) -> tuple[Discrepancy, ...]:
    """Read discrepancies.toml; raise PriorsError where a key or a cause is wrong."""
    problems: list[Problem] = []
    top = open_toml(folder, "discrepancies.toml", problems)
    found = []
    for table in _entries(top, "discrepancy"):
        found.append(Discrepancy(table.take("id", str), table.strings("causes"), table.take("sentence", str)))
        for cause in found[-1].causes:
            if cause not in causes:
                table.fault("causes", f"{cause}: unknown cause")
        table.done()
    top.done()
    if problems:
        raise PriorsError(problems)
    return tuple(found)


def read_cohorts(folder: Path, causes: tuple[str, ...], sources: Collection[str]) -> tuple[Cohort, ...]:
    """Read cohorts.toml; raise PriorsError where a key, a cause, a source or a count is wrong."""
    problems: list[Problem] = []
    top = open_toml(folder, "cohorts.toml", problems)
    found = []
    for table in _entries(top, "cohort"):
        cohort = Cohort(
            cause=table.take("cause", str),
            title=table.take("title", str),
            sources=table.strings("sources"),
            total=table.take("total", int),
            facts=table.strings("facts"),
            caution=table.take("caution", str),
            tables=tuple(_counts(entry) for entry in _entries(table, "table")),
        )
        table.done()
        if cohort.cause not in causes:
            table.fault("cause", f"{cohort.cause}: unknown cause{suggestion(cohort.cause, causes)}")
        for source in cohort.sources:
            if source not in sources:
                table.fault("sources", f"{source!r} is not in references.bib{suggestion(source, sources)}")
        found.append(cohort)
    top.done()
    if problems:
        raise PriorsError(problems)
    return tuple(found)


def _entries(table: TomlTable, field: str) -> list[TomlTable]:
    entries = table.take(field, list)
    prefix = f"{table.path}.{field}".lstrip(".")
    return [TomlTable(table.file, f"{prefix}[{i}]", entry, table.problems) for i, entry in enumerate(entries)]


def _counts(table: TomlTable) -> CohortTable:
    items = tuple(_count(table, item) for item in table.take("items", list))
    found = CohortTable(table.take("title", str), table.take("note", str), items)
    table.done()
    return found


def _count(table: TomlTable, item: Any) -> tuple[str, int]:
    match item:
        case [str(what), int(patients)] if patients >= 0:
            return what, patients
    table.fault("items", f"expected [text, count], found {item!r}")
    return "", 0
