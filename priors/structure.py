"""Read the TOML files: names, labels and which node depends on which.

Not here: whether the names in them fit together (`priors/names.py`), numbers (`priors/tables.py`).
"""

from __future__ import annotations

import tomllib
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from priors.errors import PriorsError, Problem, unreadable
from priors.names import check_names
from priors.records import (
    AGE,
    CAUDA_EQUINA,
    DURATION,
    SEX,
    Band,
    BandedContext,
    Cause,
    Condition,
    Context,
    Discrepancy,
    Finding,
    Implication,
    Structure,
    Syndrome,
    TypedValue,
)

_REQUIRED = object()


class _Table:
    """A TOML table that hands out its entries by type and notes what is missing, wrong or left over."""

    def __init__(self, file: str, path: str, data: Any, problems: list[Problem]) -> None:
        self.file, self.path, self.problems = file, path, problems
        self.data = dict(data) if isinstance(data, dict) else {}
        if not isinstance(data, dict):
            self.fault("", f"expected a table, found {data!r}")

    def fault(self, field: str, message: str) -> None:
        self.problems.append(Problem(self.file, None, ".".join(p for p in (self.path, field) if p), message))

    def take(self, field: str, kind: type | tuple[type, ...], default: Any = _REQUIRED) -> Any:
        value = self.data.pop(field, default)
        wanted = kind if isinstance(kind, tuple) else (kind,)
        if value is _REQUIRED:
            self.fault(field, f"missing; expected {wanted[0].__name__}")
            return wanted[0]()
        if value is not default and (not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted)):
            self.fault(field, f"expected {wanted[0].__name__}, found {value!r}")
            return wanted[0]()
        return value

    def tables(self, field: str) -> dict[str, _Table]:
        found = self.take(field, dict, {})
        return {name: _Table(self.file, f"{field}.{name}", data, self.problems) for name, data in found.items()}

    def strings(self, field: str, default: Any = _REQUIRED) -> tuple[str, ...]:
        values = self.take(field, list, default)
        if not all(isinstance(value, str) for value in values):
            self.fault(field, f"expected a list of strings, found {values!r}")
            return ()
        return tuple(values)

    def done(self) -> None:
        for field in self.data:
            self.fault(field, "unknown key; see priors/README.md")


def _open(folder: Path, file: str, problems: list[Problem]) -> _Table:
    try:
        data = tomllib.loads((folder / file).read_text(encoding="utf-8"))
    except OSError as error:
        raise PriorsError([Problem(file, None, "", f"{unreadable(error)} in {folder}")]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PriorsError([Problem(file, None, "", f"not valid TOML: {error}")]) from None
    return _Table(file, "", data, problems)


def _causes(top: _Table) -> tuple[dict[str, str], tuple[Cause, ...], Cause]:
    families = {}
    for name, table in top.tables("family").items():
        families[name] = table.take("label", str)
        table.done()

    def read(name: str, table: _Table, family: str | None) -> Cause:
        cause = Cause(name, table.take("label", str), table.take("short", str), family or table.take("family", str))
        if family is None and cause.family not in families:
            table.fault("family", f"expected one of {', '.join(families)}, found {cause.family!r}")
        table.done()
        return cause

    causes = tuple(read(name, table, None) for name, table in top.tables("cause").items())
    complications = [read(name, table, "complication") for name, table in top.tables("complication").items()]
    if len(causes) < 2:
        top.fault("cause", "expected at least two causes")
    if [c.name for c in complications] != [CAUDA_EQUINA]:
        top.fault("complication", f"expected exactly one complication, {CAUDA_EQUINA}")
    top.done()
    return families, causes, complications[0] if complications else Cause(CAUDA_EQUINA, "", "", "complication")


def _banded(table: _Table, name: str) -> BandedContext:
    bands = []
    for index, entry in enumerate(table.take("bands", list)):
        band = _Table(table.file, f"{name}.bands[{index}]", entry, table.problems)
        bands.append(Band(band.take("state", str), band.take("label", str), float(band.take("from", (float, int)))))
        band.done()
    context = BandedContext(
        name=name,
        label=table.take("label", str),
        unit=table.take("unit", str),
        minimum=float(table.take("minimum", (float, int))),
        maximum=float(table.take("maximum", (float, int))),
        bands=tuple(bands),
        reference=table.take("reference", str, ""),
    )
    starts = [band.start for band in bands]
    if not starts or starts[0] != context.minimum or any(b <= a for a, b in pairwise(starts)):
        table.fault("bands", "expected bands in ascending order, the first starting at the minimum")
    if name == AGE and context.reference not in context.states:
        table.fault("reference", f"expected one of the bands, found {context.reference!r}")
    table.done()
    return context


def _values(top: _Table) -> dict[str, TypedValue]:
    values = {}
    for name, table in top.tables("value").items():
        implies = []
        for index, entry in enumerate(table.take("implies", list)):
            item = _Table(table.file, f"value.{name}.implies[{index}]", entry, table.problems)
            finding = item.take("finding", str)
            comparisons = [c for c in ("above", "at_least", "at_most") if c in item.data]
            if len(comparisons) != 1:
                item.fault("", "expected exactly one of above, at_least, at_most")
            else:
                implies.append(Implication(finding, comparisons[0], float(item.take(comparisons[0], (float, int)))))
            item.done()
        values[name] = TypedValue(
            name=name,
            label=table.take("label", str),
            unit=table.take("unit", str),
            minimum=float(table.take("minimum", (float, int))),
            maximum=float(table.take("maximum", (float, int))),
            limit_from=table.take("limit_from", str, ""),
            implies=tuple(implies),
        )
        table.done()
    return values


def _condition(table: _Table) -> Condition | None:
    if "possible_if" not in table.data:
        return None
    entry = _Table(table.file, f"{table.path}.possible_if", table.data.pop("possible_if"), table.problems)
    modes = [mode for mode in ("any", "all") if mode in entry.data]
    if len(modes) != 1:
        entry.fault("", 'expected {any = [...]} or {all = [...]} of "node=state"')
        return None
    terms = []
    for text in entry.strings(modes[0]):
        node, _, state = text.partition("=")
        terms.append((node, state))
    entry.done()
    if not terms:
        entry.fault(modes[0], 'expected at least one "node=state"')
        return None
    return Condition(modes[0], tuple(terms))


def _findings(top: _Table) -> tuple[dict[str, str], dict[str, Finding]]:
    groups = {}
    for name, table in top.tables("group").items():
        groups[name] = table.take("label", str)
        table.done()
    findings = {}
    for name, table in top.tables("finding").items():
        findings[name] = Finding(
            name=name,
            label=table.take("label", str),
            group=table.take("group", str),
            definition=table.take("definition", str),
            seed=table.take("seed", str, ""),
            synonyms=table.strings("synonyms", []),
            age=table.take("age", bool, False),
            cauda_equina=table.take("cauda_equina", bool, False),
            possible_if=_condition(table),
        )
        if findings[name].group not in groups:
            table.fault("group", f"expected one of {', '.join(groups)}, found {findings[name].group!r}")
        table.done()
    top.done()
    return groups, findings


def _syndromes(top: _Table) -> dict[str, Syndrome]:
    syndromes = {}
    names = list(top.data)
    for name in names:
        table = _Table(top.file, name, top.data.pop(name), top.problems)
        members = table.take("members", dict)
        syndromes[name] = Syndrome(
            name=name,
            label=table.take("label", str),
            states=table.strings("states"),
            members=tuple(members.items()),
            reversed=table.strings("reversed", []),
        )
        table.done()
    return syndromes


def read_structure(folder: Path) -> Structure:
    """Read causes.toml, context.toml, findings.toml and syndromes.toml.

    Parameters
    ----------
    folder : Path
        Folder of priors.

    Returns
    -------
    Structure
        Names, labels and dependence, checked against one another.

    Raises
    ------
    PriorsError
        With every fault found: a missing or unknown key, an unknown name, a cycle.
    """
    problems: list[Problem] = []
    families, causes, complication = _causes(_open(folder, "causes.toml", problems))
    context = _open(folder, "context.toml", problems)
    age = _banded(_Table("context.toml", AGE, context.take(AGE, dict), problems), AGE)
    duration = _banded(_Table("context.toml", DURATION, context.take(DURATION, dict), problems), DURATION)
    sex = _Table("context.toml", SEX, context.take(SEX, dict), problems)
    values = _values(context)
    facts = {}
    for name, table in context.tables("fact").items():
        facts[name] = table.take("label", str)
        table.done()
    groups, findings = _findings(_open(folder, "findings.toml", problems))
    structure = Structure(
        families=MappingProxyType(families),
        causes=causes,
        complication=complication,
        age=age,
        duration=duration,
        sex=Context(SEX, sex.take("label", str), sex.strings("states")),
        groups=MappingProxyType(groups),
        findings=MappingProxyType(findings),
        syndromes=MappingProxyType(_syndromes(_open(folder, "syndromes.toml", problems))),
        values=MappingProxyType(values),
        facts=MappingProxyType(facts),
    )
    sex.done()
    context.done()
    check_names(structure, problems)
    if problems:
        raise PriorsError(problems)
    return structure


def read_discrepancies(folder: Path, causes: tuple[str, ...]) -> tuple[Discrepancy, ...]:
    """Read discrepancies.toml; raise PriorsError where a key or a cause is wrong."""
    problems: list[Problem] = []
    top = _open(folder, "discrepancies.toml", problems)
    found = []
    for index, entry in enumerate(top.take("discrepancy", list)):
        table = _Table(top.file, f"discrepancy[{index}]", entry, problems)
        found.append(Discrepancy(table.take("id", str), table.strings("causes"), table.take("sentence", str)))
        for cause in found[-1].causes:
            if cause not in causes:
                table.fault("causes", f"{cause}: unknown cause")
        table.done()
    top.done()
    if problems:
        raise PriorsError(problems)
    return tuple(found)
