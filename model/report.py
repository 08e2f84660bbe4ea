"""A diagnosis as tables for people, on a terminal.

Not here: the JSON that machines read (`Diagnosis.as_dict`).
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from model.build import Model
from model.case import Status
from model.differential import Diagnosis, Differential
from model.intervals import Interval
from model.words import percent

BLOCK = 5  # steps beside one another, so that the table fits 80 columns

LIMITS = (
    "Probabilities under the profile named, for one principal cause at a time. "
    "Decision support for professionals and teaching: it weighs findings and does not replace judgement."
)


def status_text(status: Status | None) -> str:
    """Write a finding's status for people."""
    if status is None:
        return "not assessed"
    return status if isinstance(status, str) else f"unsure (likelihood ratio {status:g})"


def diagnosis_report(model: Model, diagnosis: Diagnosis) -> RenderableType:
    """Return the differential of a case as a table: prior, then a column for each step.

    Parameters
    ----------
    model : Model
        Gives the labels.
    diagnosis : Diagnosis
        From `model.differential.diagnose`.

    Returns
    -------
    rich renderable
        Print it with a rich console.
    """
    columns = diagnosis.steps or (diagnosis.initial,)
    blocks: list[RenderableType] = []
    for start in range(0, len(columns), BLOCK):
        blocks += [_table(model, diagnosis, columns[start : start + BLOCK], start + 1), Text()]
    if diagnosis.final.bands and diagnosis.prior.bands:
        blocks += [_interval_table(model, diagnosis), *_interval_notes(model, diagnosis), Text()]
    return Group(*_heading(diagnosis), Text(), *blocks, *_steps(model, diagnosis), Text(LIMITS, style="dim"))


def _interval_table(model: Model, diagnosis: Diagnosis) -> Table:
    """Return the 95 % intervals before anything was entered and as the case stands."""
    structure = model.priors.structure
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("Cause", no_wrap=True)
    for heading in ("Prior, 95 % interval", "Posterior, 95 % interval"):
        table.add_column(heading, justify="right", no_wrap=True)
    short = {cause.name: cause.short for cause in structure.causes}
    for name, _ in diagnosis.final.ranked():
        ends = [step.bands.posterior[name] for step in (diagnosis.prior, diagnosis.final) if step.bands]
        table.add_row(short[name], *(_ends(end) for end in ends))
    for name in diagnosis.final.complications:
        ends = [step.bands.complications[name] for step in (diagnosis.prior, diagnosis.final) if step.bands]
        table.add_row(f"+ {structure.complication.short}", *(_ends(end) for end in ends), style="italic")
    return table


def _ends(found: Interval) -> str:
    return f"{percent(found.low)} to {percent(found.high)}"


def _interval_notes(model: Model, diagnosis: Diagnosis) -> list[Text]:
    """Say what the intervals rest on, and how exact their ends are."""
    settings = model.draws.settings
    found = diagnosis.final.bands
    errors = [max(end.low_error, end.high_error) for end in found.posterior.values()] if found else []
    told = f"{settings.size:,} draws of the numbers (seed {settings.seed})"
    return [
        Text(f"Intervals over {told}; the probabilities above are at the stated numbers.", style="dim"),
        Text(f"Monte Carlo error of an end: at most {100 * max(errors):.2g} percentage points.", style="dim"),
    ]


def _table(model: Model, diagnosis: Diagnosis, columns: Sequence[Differential], first: int) -> Table:
    """Return some of the columns beside the prior, causes in the order of the last step."""
    structure = model.priors.structure
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("Cause", no_wrap=True)
    table.add_column("Prior", justify="right", no_wrap=True)
    for index in range(first, first + len(columns)):
        table.add_column(f"Step {index}" if diagnosis.steps else "Posterior", justify="right", no_wrap=True)
    short = {cause.name: cause.short for cause in structure.causes}
    for name, _ in diagnosis.final.ranked():
        shown = [percent(column.posterior[name]) for column in columns]
        table.add_row(short[name], percent(diagnosis.prior.posterior[name]), *shown)
    for name in diagnosis.final.complications:
        shown = [percent(column.complications[name]) for column in columns]
        prior = percent(diagnosis.prior.complications[name])
        table.add_row(f"+ {structure.complication.short}", prior, *shown, style="italic")
    return table


def _heading(diagnosis: Diagnosis) -> list[Text]:
    case = diagnosis.case
    patient = [
        "age not given" if case.age is None else f"{case.age:g} years",
        case.sex or "sex not given",
        "duration not given" if case.duration_weeks is None else f"{case.duration_weeks:g} weeks",
    ]
    name = "Case" if case.id is None else f"Case {case.id}"
    lines = [Text(f"{name}: {', '.join(patient)}", style="bold")]
    lines.append(Text(f"Profile {diagnosis.profile}, model {diagnosis.digest}", style="dim"))
    if diagnosis.final.remark:
        lines.append(Text(diagnosis.final.remark, style="yellow"))
    if case.ignored:
        lines.append(Text(f"Ignored, not in the vocabulary: {', '.join(case.ignored)}", style="yellow"))
    return lines


def _steps(model: Model, diagnosis: Diagnosis) -> list[Text]:
    """Name the steps, and say what each changed of an earlier one."""
    findings = model.priors.structure.findings
    lines = []
    for index, step in enumerate(diagnosis.steps, start=1):
        lines.append(Text(f"Step {index}: {step.label}"))
        for change in step.changes:
            before, after = status_text(change.before), status_text(change.after)
            lines.append(Text(f"  changed: {findings[change.finding].label}, {before} -> {after}", style="yellow"))
    return [*lines, Text()] if lines else []
