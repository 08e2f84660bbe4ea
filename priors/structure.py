"""Read the TOML files: names, labels and which node depends on which.

Not here: whether the names in them fit together (`priors/names.py`), numbers (`priors/tables.py`).
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

from priors.errors import PriorsError, Problem
from priors.names import check_names
from priors.records import AGE, CAUDA_EQUINA, DURATION, SEX
from priors.shapes import (
    Band,
    BandedContext,
    Cause,
    Condition,
    Context,
    Finding,
    Implication,
    Outcome,
    Structure,
    Syndrome,
    TypedValue,
)
from priors.toml_tables import TomlTable, open_toml


def _causes(top: TomlTable) -> tuple[dict[str, str], tuple[Cause, ...], Cause]:
    families = _labels(top, "family")

    def read(name: str, table: TomlTable, family: str | None) -> Cause:
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


def _banded(table: TomlTable, name: str) -> BandedContext:
    bands = []
    for index, entry in enumerate(table.take("bands", list)):
        band = TomlTable(table.file, f"{name}.bands[{index}]", entry, table.problems)
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


def _values(top: TomlTable) -> dict[str, TypedValue]:
    values = {}
    for name, table in top.tables("value").items():
        implies = []
        for index, entry in enumerate(table.take("implies", list)):
            item = TomlTable(table.file, f"value.{name}.implies[{index}]", entry, table.problems)
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


def _condition(table: TomlTable) -> Condition | None:
    if "possible_if" not in table.data:
        return None
    entry = TomlTable(table.file, f"{table.path}.possible_if", table.data.pop("possible_if"), table.problems)
    modes = [mode for mode in ("any", "all") if mode in entry.data]
    if len(modes) != 1:
        entry.fault("", 'expected {any = [...]} or {all = [...]} of "node=state"')
        return None
    terms = _terms(entry, modes[0])
    entry.done()
    return Condition(modes[0], terms) if terms else None


def _terms(table: TomlTable, field: str) -> tuple[tuple[str, str], ...]:
    """Take a list of "node=state"."""
    terms = []
    for text in table.strings(field):
        node, _, state = text.partition("=")
        terms.append((node, state))
    if not terms:
        table.fault(field, 'expected at least one "node=state"')
    return tuple(terms)


def _labels(top: TomlTable, field: str) -> dict[str, str]:
    """Take the tables of a kind that hold nothing but a label."""
    labels = {}
    for name, table in top.tables(field).items():
        labels[name] = table.take("label", str)
        table.done()
    return labels


def _findings(top: TomlTable) -> tuple[dict[str, str], dict[str, str], dict[str, Finding]]:
    groups, burdens = _labels(top, "group"), _labels(top, "burden")
    findings = {}
    for name, table in top.tables("finding").items():
        if isinstance(minutes := table.data.get("minutes"), (float, int)) and minutes <= 0:
            table.fault("minutes", f"expected minutes above 0, found {minutes:g}")
        findings[name] = Finding(
            name=name,
            label=table.take("label", str),
            group=table.take("group", str),
            definition=table.take("definition", str),
            seed=table.take("seed", str, ""),
            question=table.take("question", str),
            burden=table.take("burden", str),
            minutes=float(table.take("minutes", (float, int))),
            points_to=table.strings("points_to"),
            synonyms=table.strings("synonyms", []),
            age=table.take("age", bool, False),
            cauda_equina=table.take("cauda_equina", bool, False),
            possible_if=_condition(table),
        )
        for field, known in (("group", groups), ("burden", burdens)):
            if (found := getattr(findings[name], field)) and found not in known:
                table.fault(field, f"expected one of {', '.join(known)}, found {found!r}")
        table.done()
    top.done()
    return groups, burdens, findings


def _syndromes(top: TomlTable) -> dict[str, Syndrome]:
    syndromes = {}
    names = list(top.data)
    for name in names:
        table = TomlTable(top.file, name, top.data.pop(name), top.problems)
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


def _cannot_miss(top: TomlTable) -> dict[str, Outcome]:
    outcomes = {}
    for name in list(top.data):
        table = TomlTable(top.file, name, top.data.pop(name), top.problems)
        outcomes[name] = Outcome(name, table.take("label", str), table.take("action", str), _terms(table, "all"))
        table.done()
    return outcomes


def read_structure(folder: Path) -> Structure:
    """Read causes.toml, context.toml, findings.toml, syndromes.toml and cannot_miss.toml.

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
    families, causes, complication = _causes(open_toml(folder, "causes.toml", problems))
    context = open_toml(folder, "context.toml", problems)
    age = _banded(TomlTable("context.toml", AGE, context.take(AGE, dict), problems), AGE)
    duration = _banded(TomlTable("context.toml", DURATION, context.take(DURATION, dict), problems), DURATION)
    sex = TomlTable("context.toml", SEX, context.take(SEX, dict), problems)
    values = _values(context)
    facts = _labels(context, "fact")
    groups, burdens, findings = _findings(open_toml(folder, "findings.toml", problems))
    structure = Structure(
        families=MappingProxyType(families),
        causes=causes,
        complication=complication,
        age=age,
        duration=duration,
        sex=Context(SEX, sex.take("label", str), sex.strings("states")),
        groups=MappingProxyType(groups),
        burdens=MappingProxyType(burdens),
        findings=MappingProxyType(findings),
        syndromes=MappingProxyType(_syndromes(open_toml(folder, "syndromes.toml", problems))),
        values=MappingProxyType(values),
        facts=MappingProxyType(facts),
        cannot_miss=MappingProxyType(_cannot_miss(open_toml(folder, "cannot_miss.toml", problems))),
    )
    sex.done()
    context.done()
    check_names(structure, problems)
    if problems:
        raise PriorsError(problems)
    return structure
