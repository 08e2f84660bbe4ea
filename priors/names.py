"""Whether the names in the TOML files fit together: well formed, each once, known where another file uses them.

Not here: reading the files (`priors/structure.py`), the numbers (`priors/checks.py`).
"""

from __future__ import annotations

import re
from graphlib import CycleError, TopologicalSorter

from priors.errors import Problem
from priors.records import ABSENT, AGE, CAUDA_EQUINA, CAUSE, DURATION, PRESENT, SEX
from priors.shapes import Structure
from priors.text import suggestion

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def check_names(structure: Structure, problems: list[Problem]) -> None:
    """Note every name that is malformed, double, unknown, or depends on itself.

    Parameters
    ----------
    structure : Structure
        As read.
    problems : list of Problem
        Faults are added here.
    """
    _check_form(structure, problems)
    _check_findings(structure, problems)
    _check_syndromes(structure, problems)
    _check_values(structure, problems)
    _check_cannot_miss(structure, problems)
    _check_cycles(structure, problems)


def _check_form(structure: Structure, problems: list[Problem]) -> None:
    """Note names and states that other tools would refuse or rename."""
    named = [("causes.toml", f"cause.{name}", name) for name in structure.cause_names]
    for node in (AGE, DURATION, SEX):
        named += [("context.toml", node, state) for state in structure.context_states(node)]
    named += [("findings.toml", f"finding.{name}", name) for name in structure.findings]
    for syndrome in structure.syndromes.values():
        named += [("syndromes.toml", syndrome.name, name) for name in (syndrome.name, *syndrome.states)]
    for file, field, name in named:
        if not NAME.match(name):
            problems.append(Problem(file, None, field, f"{name!r}: a name must match [A-Za-z_][A-Za-z0-9_]*"))
    if len(set(structure.sex.states)) < max(2, len(structure.sex.states)):
        problems.append(Problem("context.toml", None, f"{SEX}.states", "expected two or more different states"))


def _check_findings(structure: Structure, problems: list[Problem]) -> None:
    findings = structure.findings
    states: dict[str, tuple[str, ...]] = dict.fromkeys(findings, (PRESENT, ABSENT))
    states |= {node: structure.context_states(node) for node in (AGE, SEX, DURATION)}
    taken = {CAUSE, CAUDA_EQUINA, AGE, SEX, DURATION, *structure.syndromes}
    for name in sorted(taken & set(findings)):
        problems.append(Problem("findings.toml", None, f"finding.{name}", "this name is already another node's"))
    targets = (*structure.cause_names, CAUDA_EQUINA)
    for finding in findings.values():
        for node, state in finding.possible_if.terms if finding.possible_if else ():
            if state not in states.get(node, ()):
                where = f"finding.{finding.name}.possible_if"
                expected = f"one of {', '.join(states[node])}" if node in states else "a finding or context node"
                problems.append(Problem("findings.toml", None, where, f"{node}={state}: expected {expected}"))
        for target in sorted(set(finding.points_to) - set(targets)):
            message = f"{target}: expected a cause or {CAUDA_EQUINA}{suggestion(target, targets)}"
            problems.append(Problem("findings.toml", None, f"finding.{finding.name}.points_to", message))


def _check_syndromes(structure: Structure, problems: list[Problem]) -> None:
    findings = structure.findings
    seen: dict[str, str] = {}
    for syndrome in structure.syndromes.values():
        where = syndrome.name
        if len(set(syndrome.states)) < max(2, len(syndrome.states)):
            problems.append(Problem("syndromes.toml", None, f"{where}.states", "expected two or more different states"))
        for member, state in syndrome.members:
            message = ""
            if member not in findings:
                message = f"{member}: unknown finding"
            elif state not in syndrome.states[:-1]:
                message = f"{member} = {state!r}: expected one of {', '.join(syndrome.states[:-1])}"
            elif member in seen:
                message = f"{member}: already sits in {seen[member]}; a finding sits in one syndrome"
            elif findings[member].possible_if:
                message = f"{member}: a finding with possible_if depends on a syndrome only through its condition"
            seen.setdefault(member, where)
            if message:
                problems.append(Problem("syndromes.toml", None, f"{where}.members", message))
        for member in set(syndrome.reversed) - {name for name, _ in syndrome.members}:
            problems.append(Problem("syndromes.toml", None, f"{where}.reversed", f"{member} is no member"))


def _check_values(structure: Structure, problems: list[Problem]) -> None:
    for value in structure.values.values():
        for implication in value.implies:
            if implication.finding not in structure.findings:
                where = f"value.{value.name}.implies"
                problems.append(Problem("context.toml", None, where, f"{implication.finding}: unknown finding"))
        if value.limit_from and value.limit_from not in structure.values:
            where = f"value.{value.name}.limit_from"
            problems.append(Problem("context.toml", None, where, f"{value.limit_from}: unknown value"))


def _check_cannot_miss(structure: Structure, problems: list[Problem]) -> None:
    states: dict[str, tuple[str, ...]] = dict.fromkeys((*structure.findings, CAUDA_EQUINA), (PRESENT, ABSENT))
    states[CAUSE] = structure.cause_names
    for outcome in structure.cannot_miss.values():
        if not NAME.match(outcome.name):
            message = f"{outcome.name!r}: a name must match [A-Za-z_][A-Za-z0-9_]*"
            problems.append(Problem("cannot_miss.toml", None, outcome.name, message))
        for node, state in outcome.terms:
            if state not in states.get(node, ()):
                expected = f"one of {', '.join(states[node])}" if node in states else "a finding, cause or complication"
                problems.append(Problem("cannot_miss.toml", None, outcome.name, f"{node}={state}: expected {expected}"))


def _check_cycles(structure: Structure, problems: list[Problem]) -> None:
    findings = structure.findings
    graph = {f.name: set(f.possible_if.nodes) & set(findings) if f.possible_if else set() for f in findings.values()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        loop = " -> ".join(error.args[1])
        problems.append(Problem("findings.toml", None, "possible_if", f"a cycle: {loop}"))
