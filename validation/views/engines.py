"""The report's section on engines: how well they agree, and whether each refuses what is impossible.

Not here: what was measured (`validation/engines.py`), how fast they are (`python -m validation benchmark`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from validation.askers import BATCH, BRIDGE, COMPILED, DRAWN, ELIMINATION, OURS, PGMPY, PYAGRUM, RIVALS
from validation.engines import ANSWERED, GENERATED, NAMED, NOT_A_NUMBER, PUBLISHED, REFUSED, Engines, Refusal, merged
from validation.sections import Check, Grid, Section

TOLERANCE = 1e-9
NAMES = {
    COMPILED: "compiled tables, one case",
    BATCH: "compiled tables, many cases at once",
    ELIMINATION: "our variable elimination",
    DRAWN: "our elimination over draws, at the stated numbers",
    BRIDGE: "pgmpy as our reference engine, a query for each finding",
    PGMPY: "pgmpy by itself, one joint query",
    PYAGRUM: "pyAgrum, LazyPropagation",
}
SET_NAMES = {PUBLISHED: "case files", GENERATED: "generated"}
MEETING_NAMES = {
    NAMED: "refused, these findings named",
    REFUSED: "refused",
    NOT_A_NUMBER: "not a number",
    ANSWERED: "answered with numbers",
}


def section(result: Engines) -> Section:
    """Return the section on engines.

    Parameters
    ----------
    result : Engines
        What was measured.

    Returns
    -------
    Section
        For the report.
    """
    worst = max(own.worst for sets in result.agreements.values() for own in sets.values())
    cases = max(merged(list(sets.values())).cases for sets in result.agreements.values())
    others = "pgmpy and pyAgrum" if PYAGRUM in result.agreements else "pgmpy"
    return Section(
        key="engines",
        title="Engines: do they agree?",
        text=(*_text(result), *result.notes),
        checks=(*_agreement_checks(result), _refusal_check(result)),
        grids=(_agreement_grid(result), _refusal_grid(result), *_fault_grids(result)),
        figures=asdict(result),
        headline=f"Our engines, {others} agree to {_small(worst)} on up to {cases:,} cases each.",
    )


def _text(result: Engines) -> tuple[str, ...]:
    profiles = ", ".join(result.profiles)
    return (
        f"The same cases were put to every engine under each of the profiles {profiles}: what is known at the "
        f"{result.points} points of the {result.files} case files, and generated cases, half of them without age, sex "
        "and duration, some with unsure reports. Each engine's posterior of every cause and of cauda equina syndrome, "
        "and ln P(evidence), are compared with those of the everyday engine (compiled tables, one case), which answers "
        "on the command line and in the app. Asked for is a largest difference of 1e-9; rounding alone makes some "
        "1e-15.",
        "pgmpy by itself is asked only where nothing is unsure and does not tell ln P(evidence); as our reference "
        "engine it takes unsure reports too, and is asked fewer of the generated cases, for it is slow. Brute-force "
        "enumeration of the whole joint table judges the engines on small networks in the tests (tests/oracle.py); "
        "this network's table has far too many cells. That engines agree says that they compute what the network says, "
        "and nothing of whether the network is right.",
        "Impossible evidence: for every logical bound of the vocabulary, a set of findings that breaks it stands among "
        "findings of a generated case. Each of our engines has to refuse it and name just that set. pgmpy by itself "
        "does not refuse; this is why our reference engine asks it finding by finding.",
    )


def _small(difference: float) -> str:
    """Write a difference: 0, or one digit and a power of ten."""
    return "0" if difference == 0 else f"{difference:.0e}"


def _agreement_checks(result: Engines) -> tuple[Check, ...]:
    checks = []
    for engine, sets in result.agreements.items():
        own = merged(list(sets.values()))
        told = "not told" if own.log_evidence is None else _small(own.log_evidence)
        checks.append(
            Check(
                f"Agrees with the everyday engine to 1e-9: {NAMES[engine]}",
                own.worst <= TOLERANCE,
                f"cause {_small(own.cause)}, cauda equina syndrome {_small(own.complication)}, ln P(evidence) {told}; "
                f"{own.cases:,} cases",
            )
        )
    return tuple(checks)


def _refusal_check(result: Engines) -> Check:
    failed = [
        f"{_clash(refusal)}: {NAMES[engine]}"
        for refusal in result.refusals
        for engine in OURS
        if set(refusal.by[engine]) != {NAMED}
    ]
    return Check(
        "Each of our engines refuses every set of contradictory findings, and names just these",
        not failed,
        "; ".join(failed)
        or f"{len(result.refusals)} sets, {len(OURS)} engines, profiles: {', '.join(result.profiles)}",
    )


def _clash(refusal: Refusal) -> str:
    return ", ".join(f"{node} {state}" for node, state in refusal.clash)


def _agreement_grid(result: Engines) -> Grid:
    rows = []
    for engine, sets in result.agreements.items():
        for name, own in sets.items():
            told = "not told" if own.log_evidence is None else _small(own.log_evidence)
            cells = (f"{own.cases:,}", _small(own.cause), _small(own.complication), told)
            rows.append((NAMES[engine], SET_NAMES[name], *cells))
    return Grid(
        f"Largest absolute difference from {NAMES[COMPILED]}",
        ("Engine", "Cases", "Number", "P(cause)", "P(cauda equina syndrome)", "ln P(evidence)"),
        tuple(rows),
        "Number: over all profiles. ln P(evidence) is a natural logarithm, so its difference is relative.",
    )


def _refusal_grid(result: Engines) -> Grid:
    rivals = [engine for engine in RIVALS if engine in result.agreements]
    rows = []
    for refusal in result.refusals:
        ours = [met for engine in OURS for met in refusal.by[engine]]
        rows.append((_clash(refusal), _met(ours), *(_met(refusal.by[engine]) for engine in rivals)))
    return Grid(
        "How impossible evidence is met",
        ("Findings", f"Our {len(OURS)} engines", *(NAMES[engine] for engine in rivals)),
        tuple(rows),
        "Each engine finds the zero by itself; the naming is one function that our engines share. pyAgrum names none.",
    )


def _met(meetings: Sequence[str]) -> str:
    """Write how evidence was met, with counts where that differs."""
    counts = Counter(meetings)
    if len(counts) == 1:
        return MEETING_NAMES[meetings[0]]
    return ", ".join(f"{MEETING_NAMES[name]}: {count} of {len(meetings)}" for name, count in counts.most_common())


def _fault_grids(result: Engines) -> tuple[Grid, ...]:
    if not result.faults:
        return ()
    rows = tuple((fault.file, fault.message) for fault in result.faults)
    return (Grid("Case files that were left out", ("File", "Why"), rows),)
