"""Print numbers for people: one finding across the causes, one cause across its findings.

Not here: the command line (`priors/__main__.py`), the ratios (`priors/ratios.py`).
"""

from __future__ import annotations

from rich.console import Console, JustifyMethod
from rich.table import Table

from priors.ratios import Line, Ratios, lines
from priors.records import (
    CAUDA_EQUINA,
    CAUSE,
    CONTEXT_NODES,
    DURATION,
    PRESENT,
    PROBABILITY,
    Key,
    PriorSet,
    Row,
    Source,
)
from priors.shapes import Cohort, Finding
from priors.uncertainty import uncertainty


class _Citations:
    """Numbers sources in the order in which a print-out first cites them."""

    def __init__(self, priors: PriorSet) -> None:
        self.priors, self.order = priors, dict[str, int]()

    def number(self, key: str) -> int:
        return self.order.setdefault(key, len(self.order) + 1)

    def cite(self, row: Row) -> str:
        return ",".join(str(self.number(key)) for key in row.estimate.sources)

    def show(self, console: Console) -> None:
        console.print("\nSources")
        for key, number in self.order.items():
            console.print(f"{number}. {citation(self.priors.sources[key])}")


def show_finding(console: Console, priors: PriorSet, name: str) -> None:
    """Print a finding's number under every cause, what it tells, and why each number is what it is.

    Parameters
    ----------
    console : Console
        Where to print.
    priors : PriorSet
        Numbers under a profile.
    name : str
        A finding.
    """
    finding, citations = priors.structure.findings[name], _Citations(priors)
    console.print(f"{finding.label} ({name}), profile {priors.profile}")
    console.print(finding.definition)
    console.print(f"{priors.structure.burdens[finding.burden]}, about {finding.minutes:g} min: {finding.question}")
    console.print(f"Points to: {', '.join(finding.points_to) or 'nothing by itself'}.")
    console.print(_caption(finding) + "\n")
    table = _table("Cause")
    for line in lines(priors, name):
        table.add_row(line.cause, *_cells(line, citations))
    console.print(table)
    _explain(console, priors, name, citations)
    citations.show(console)


def show_cause(console: Console, priors: PriorSet, name: str) -> None:
    """Print a cause's prevalence, context and findings, what each tells, and where each number comes from.

    Parameters
    ----------
    console : Console
        Where to print.
    priors : PriorSet
        Numbers under a profile.
    name : str
        A cause.
    """
    structure, citations = priors.structure, _Citations(priors)
    (cause,) = [cause for cause in structure.causes if cause.name == name]
    console.print(f"{cause.label} ({name}), profile {priors.profile}")
    console.print("P: of patients with this cause, the share with the finding. What a ratio means: --table FINDING.\n")
    table = _columns("Of all, or of its patients", _NUMBER_COLUMNS)
    table.add_row("prevalence", *_number(priors.cells[Key(PROBABILITY, CAUSE, name), ""], citations))
    for node in CONTEXT_NODES:
        for state in structure.context_states(node):
            label = state if node != DURATION else f"{node} {state.removeprefix('weeks_')}"
            table.add_row(label, *_number(priors.cells[Key(PROBABILITY, node, state), name], citations))
    table.add_row(CAUDA_EQUINA, *_number(priors.cells[Key(PROBABILITY, CAUDA_EQUINA, PRESENT), name], citations))
    console.print(table)
    for group, label in structure.groups.items():
        table = _table(f"\n{label}")
        for finding in structure.findings.values():
            if finding.group == group:
                (line,) = [line for line in lines(priors, finding.name) if line.cause == name]
                table.add_row(finding.name, *_cells(line, citations))
        console.print(table)
    for cohort in priors.cohorts:
        if cohort.cause == name:
            _show_cohort(console, cohort, citations)
    citations.show(console)


def _show_cohort(console: Console, cohort: Cohort, citations: _Citations) -> None:
    cited = ",".join(str(citations.number(key)) for key in cohort.sources)
    console.print(f"\n{cohort.title}, {cohort.total} patients [{cited}]")
    console.print(" ".join(cohort.facts))
    for table in cohort.tables:
        items = ", ".join(f"{what[:1].lower()}{what[1:]} {patients}" for what, patients in table.items)
        console.print(f"{table.title}: {items}." + (f" {table.note}" if table.note else ""))
    console.print(cohort.caution)


def _caption(finding: Finding) -> str:
    words = ["P: of patients with the cause, the share with the finding."]
    if finding.cauda_equina:
        words = ["P: of patients with the cause and no cauda equina, the share with the finding; ratios over both."]
    if finding.possible_if:
        terms = (" or " if finding.possible_if.mode == "any" else " and ").join(
            f"{node}={state}" for node, state in finding.possible_if.terms
        )
        words = [f"Possible only if {terms}: P and ratios are among those patients."]
    words.append("LR: likelihood ratio of present (+) and absent (-), against disc herniation and against all other")
    words.append("causes in the profile's mix (rest), each finding by itself.")
    return " ".join(words)


_NUMBER_COLUMNS = ("P %", "95 %", "Kind", "Source")
_WIDTHS = {"95 %": 9, "Kind": 9, "LR+ disc": 5, "LR+ rest": 5, "LR- rest": 5}  # else a narrow terminal cuts them
_RATIO_COLUMNS = ("P %", "95 %", "LR+ disc", "LR+ rest", "LR- rest", "Kind", "Source")


def _columns(first: str, headings: tuple[str, ...]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(first, no_wrap=True)
    for heading in headings:
        if heading == "Source":
            table.add_column(heading, overflow="fold")
        else:
            justify: JustifyMethod = "left" if heading == "Kind" else "right"
            table.add_column(heading, justify=justify, min_width=_WIDTHS.get(heading), max_width=_WIDTHS.get(heading))
    return table


def _table(first: str) -> Table:
    return _columns(first, _RATIO_COLUMNS)


def _cells(line: Line, citations: _Citations) -> tuple[str, ...]:
    p, interval, kind, sources = _number(line.row, citations)
    disc, rest = line.against_disc, line.against_rest
    return p, interval, _plus(disc), _plus(rest), _ratio(rest.negative) if rest else "-", kind, sources


def _plus(ratios: Ratios | None) -> str:
    return _ratio(ratios.positive) if ratios else "-"


def _ratio(ratio: float) -> str:
    return f"{ratio:.2g}" if ratio < 100 else f"{ratio:.0f}"


def _number(row: Row, citations: _Citations) -> tuple[str, str, str, str]:
    low, high = uncertainty(row).interval()
    number = row.estimate
    return f"{100 * number.value:.3g}", f"{100 * low:.2g}-{100 * high:.2g}", number.kind, citations.cite(row)


def _explain(console: Console, priors: PriorSet, node: str, citations: _Citations) -> None:
    """Print why each number of a node is what it is: its population, note, and the studies of a pooled one."""
    rows = {id(row): row for (key, _), row in priors.cells.items() if key.node == node}
    console.print("\nWhy")
    for row in rows.values():
        number, key = row.estimate, row.key
        if key.parameter == PROBABILITY:
            what = f"{100 * number.value:.3g} %" + (f" given {key.given}" if key.given else "")
        else:
            what = f"{key.parameter.replace('_', ' ')} {number.value:.3g} ({key.given})"
        who, cited = _who(row, priors.structure.cause_names), citations.cite(row)
        console.print(f"- {who}: {what}, {number.kind} [{cited}], {number.population}.")
        console.print(f"  {number.note}")
        for study in priors.studies.get(row, ()):
            console.print(f"  {study.events} of {study.total}, {study.population} ({study.source})")


def _who(row: Row, causes: tuple[str, ...]) -> str:
    """Name the causes of a row, or those it leaves out where they are fewer."""
    if row.causes == ("others",):
        return "all other causes"
    rest = [cause for cause in causes if cause not in row.causes]
    if len(rest) < len(row.causes):
        return f"all causes but {', '.join(rest)}" if rest else "all causes"
    return ", ".join(row.causes)


def citation(source: Source) -> str:
    """Write a source in one line: authors, title, where, year, identifier, and what of it was read.

    Parameters
    ----------
    source : Source
        From references.bib.

    Returns
    -------
    str
        Braces of BibTeX are left out.
    """
    fields = source.fields
    where = next((fields[name] for name in ("journal", "booktitle", "howpublished", "publisher") if name in fields), "")
    authors = fields["author"].replace(" and others", " et al").replace(" and ", "; ")
    parts = [authors, fields["title"], f"{where} {fields['year']}".strip()]
    if "doi" in fields:
        parts.append(f"doi:{fields['doi']}")
    elif "pmid" in fields:
        parts.append(f"PMID {fields['pmid']}")
    elif "url" in fields:
        parts.append(fields["url"])
    text = " ".join(part if part.endswith(("?", ".")) else f"{part}." for part in parts)
    text = text.rstrip(".").replace("{", "").replace("}", "")
    return f"{text} ({'read: ' + source.read if source.read else 'not read'})"
