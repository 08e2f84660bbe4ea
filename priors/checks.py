"""Whether the rows of all tables together say what the structure needs: nothing missing, twice, or unknown.

Not here: single rows (`priors/tables.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from priors.errors import Problem
from priors.prevalences import leading_distribution
from priors.records import (
    ABSENT,
    AGE,
    CAUDA_EQUINA,
    CAUSE,
    CONTEXT_NODES,
    DEPENDENCE,
    ODDS_MULTIPLIER,
    PRESENT,
    PROBABILITY,
    THRESHOLD,
    Key,
    Row,
)
from priors.shapes import Finding, Structure
from priors.text import suggestion

Cells = dict[tuple[Key, str], Row]
SUM_TOLERANCE = 1e-9


def finding_keys(finding: Finding) -> tuple[Key, ...]:
    """Keys of the probabilities that a finding needs."""
    if not finding.cauda_equina:
        return (Key(PROBABILITY, finding.name, PRESENT),)
    return tuple(Key(PROBABILITY, finding.name, PRESENT, f"{CAUDA_EQUINA}={state}") for state in (PRESENT, ABSENT))


def required_keys(structure: Structure) -> dict[Key, str]:
    """Every parameter the network needs, with the file it belongs to."""
    keys = {Key(PROBABILITY, CAUSE, cause): "prevalence.csv" for cause in structure.cause_names}
    for node in CONTEXT_NODES:
        keys |= {Key(PROBABILITY, node, state): "context.csv" for state in structure.context_states(node)}
    keys[Key(PROBABILITY, CAUDA_EQUINA, PRESENT)] = "likelihoods.csv"
    for finding in structure.findings.values():
        keys |= dict.fromkeys(finding_keys(finding), "likelihoods.csv")
        if finding.age:
            bands = [band for band in structure.age.states if band != structure.age.reference]
            keys |= {Key(ODDS_MULTIPLIER, finding.name, PRESENT, f"{AGE}={b}"): "age_effects.csv" for b in bands}
    for syndrome in structure.syndromes.values():
        keys |= {Key(PROBABILITY, syndrome.name, state): "dependence.csv" for state in syndrome.states[:-1]}
        members = [member for member, _ in syndrome.members]
        keys |= {Key(DEPENDENCE, member, PRESENT, syndrome.name): "dependence.csv" for member in members}
    keys |= {Key(THRESHOLD, name, PRESENT): "thresholds.csv" for name in structure.cannot_miss}
    return keys


def _unknown(key: Key, required: Mapping[Key, str]) -> tuple[str, str]:
    """Return the column at fault and what was expected, for a key that the structure does not ask for."""
    same_parameter = [k for k in required if k.parameter == key.parameter]
    nodes = sorted({k.node for k in same_parameter})
    if key.node not in nodes:
        return "node", f"unknown node for a {key.parameter}: {key.node!r}{suggestion(key.node, nodes)}"
    same_node = [k for k in same_parameter if k.node == key.node]
    states = list(dict.fromkeys(k.state for k in same_node))
    if key.state not in states:
        return "state", f"unknown state {key.state!r}; expected one of {', '.join(states)}"
    givens = list(dict.fromkeys(k.given for k in same_node if k.state == key.state))
    return "given", f"unexpected {key.given!r}; expected " + " or ".join(repr(given) for given in givens)


def place_rows(rows: Sequence[Row], structure: Structure, problems: list[Problem]) -> Cells:
    """Give every (parameter, cause) its row; note unknown parameters and duplicates.

    Parameters
    ----------
    rows : sequence of Row
        Rows of all base tables, or of one overlay.
    structure : Structure
        What the network needs.
    problems : list of Problem
        Faults are added here.

    Returns
    -------
    dict of (Key, str) to Row
        `others` is resolved to the causes that no other row of its key names.
    """
    required = required_keys(structure)
    cells: Cells = {}
    by_key: dict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        if row.key in required:
            by_key[row.key].append(row)
        else:
            problems.append(Problem(row.file, row.row, *_unknown(row.key, required)))
    for key, group in by_key.items():
        named = {cause for row in group for cause in row.causes}
        rest = tuple(cause for cause in structure.cause_names if cause not in named)
        for row in group:
            for cause in rest if row.causes == ("others",) else row.causes or ("",):
                first = cells.setdefault((key, cause), row)
                if first is not row or (row.causes.count(cause) > 1):
                    of = f" for {cause}" if cause else ""
                    message = f"{key}{of} stands already in {first.file}, row {first.row}"
                    problems.append(Problem(row.file, row.row, "causes", message))
            if row.causes == ("others",) and not rest:
                problems.append(Problem(row.file, row.row, "causes", "`others` holds no cause: all are named"))
    return cells


def check_complete(cells: Cells, structure: Structure, problems: list[Problem]) -> None:
    """Note every parameter that no row states."""
    for key, file in required_keys(structure).items():
        causes = structure.cause_names if key.per_cause else ("",)
        missing = [cause for cause in causes if (key, cause) not in cells]
        if missing:
            of = f" for {', '.join(missing)}" if missing != [""] else ""
            problems.append(Problem(file, None, "", f"missing row: {key}{of}"))


def check_leading(cells: Cells, structure: Structure, problems: list[Problem]) -> None:
    """Note a leading prevalence whose interval leaves no distribution with the value as its mean.

    Parameters
    ----------
    cells : dict of (Key, str) to Row
        Complete; the prevalences sum to one.
    structure : Structure
        Names the causes.
    problems : list of Problem
        Faults are added here.
    """
    leading = max(
        (cells[Key(PROBABILITY, CAUSE, cause), ""] for cause in structure.cause_names),
        key=lambda row: row.estimate.value,
    )
    try:
        leading_distribution(leading.estimate)
    except ValueError as error:
        problems.append(Problem(leading.file, leading.row, "low", str(error)))


def _to_blame(rows: Sequence[Row], changed: str) -> Row:
    """Return the row to name: the last one of the file that was laid over the others, else the last."""
    return next((row for row in reversed(rows) if row.file == changed), rows[-1])


def _check_sum(rows: Sequence[Row], what: str, changed: str, problems: list[Problem]) -> None:
    total = sum(row.estimate.value for row in rows)
    if abs(total - 1) > SUM_TOLERANCE:
        row = _to_blame(rows, changed)
        message = f"{what} sum to {total:.10g} with this row; expected 1, so others of them must change with it"
        problems.append(Problem(row.file, row.row, "value", message))


def check_sums(cells: Cells, structure: Structure, problems: list[Problem], changed: str = "") -> None:
    """Note prevalences or context shares that do not sum to one, and latent shares that leave no remainder.

    Parameters
    ----------
    cells : dict of (Key, str) to Row
        Complete.
    structure : Structure
        What the network needs.
    problems : list of Problem
        Faults are added here.
    changed : str
        File of the profile laid over the base tables, whose rows are then the ones to name.
    """
    names = structure.cause_names
    _check_sum([cells[Key(PROBABILITY, CAUSE, cause), ""] for cause in names], "the prevalences", changed, problems)
    for cause in names:
        for node in CONTEXT_NODES:
            rows = [cells[Key(PROBABILITY, node, state), cause] for state in structure.context_states(node)]
            _check_sum(rows, f"the shares of {node} given {cause}", changed, problems)
        for syndrome in structure.syndromes.values():
            rows = [cells[Key(PROBABILITY, syndrome.name, state), cause] for state in syndrome.states[:-1]]
            if sum(row.estimate.value for row in rows) >= 1:
                message = f"the states of {syndrome.name} given {cause} leave nothing for {syndrome.states[-1]}"
                row = _to_blame(rows, changed)
                problems.append(Problem(row.file, row.row, "value", message))
