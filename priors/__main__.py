"""`python -m priors`: check the folder of priors, and print what it holds, one finding or one cause of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from priors.errors import PriorsError
from priors.load import PRIORS_FOLDER, available_profiles, load_priors
from priors.records import DEFAULT_PROFILE, JUDGEMENT, PriorSet
from priors.summary import Summary, summarise
from priors.text import brief, suggestion
from priors.views import show_cause, show_finding

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def check(
    folder: Annotated[Path, typer.Option(help="Folder of priors.")] = PRIORS_FOLDER,
    profile: Annotated[str | None, typer.Option(help="This profile alone (a name or a CSV file).")] = None,
    table: Annotated[str | None, typer.Option(metavar="FINDING", help="Print one finding across the causes.")] = None,
    cause: Annotated[str | None, typer.Option(metavar="CAUSE", help="Print one cause across the findings.")] = None,
) -> None:
    """Check every file and profile of a folder of priors, and count its numbers; or print some of them."""
    console = Console(highlight=False, markup=False)
    if table is not None or cause is not None:
        _show(console, _load(folder, profile or DEFAULT_PROFILE), table, cause)
        return
    profiles = [profile] if profile else list(available_profiles(folder))
    summaries = {}
    for name in profiles:
        summaries[name] = summarise(_load(folder, name))
    console.print(f"{', '.join(profiles)}: every file keeps the rules.\n")
    console.print(_kinds(summaries))
    console.print(_per_cause(summaries[profiles[0]], profiles[0]))
    unused = set.intersection(*(set(summary.unused) for summary in summaries.values()))
    console.print(f"Sources cited by no number: {', '.join(sorted(unused)) or 'none'}")


def _load(folder: Path, profile: str) -> PriorSet:
    try:
        return load_priors(folder, profile)
    except PriorsError as error:
        print(error, file=sys.stderr)
        count = len(error.problems)
        print(f"{count} problem{'s' if count > 1 else ''} under profile {profile}", file=sys.stderr)
        raise typer.Exit(2) from None


def _show(console: Console, priors: PriorSet, table: str | None, cause: str | None) -> None:
    findings, causes = priors.structure.findings, priors.structure.cause_names
    for name, known, what in ((table, findings, "finding"), (cause, causes, "cause")):
        if name is not None and name not in known:
            print(f"unknown {what} {brief(name)}{suggestion(name, known)}", file=sys.stderr)
            raise typer.Exit(2)
    if table is not None:
        show_finding(console, priors, table)
    if cause is not None:
        show_cause(console, priors, cause)


def _kinds(summaries: dict[str, Summary]) -> Table:
    table = Table(title="Numbers by kind", box=None, title_justify="left")
    table.add_column("Profile")
    kinds = list(dict.fromkeys(kind for summary in summaries.values() for kind in summary.by_kind))
    for kind in (*kinds, "all"):
        table.add_column(kind, justify="right")
    for name, summary in summaries.items():
        counts = [summary.by_kind.get(kind, 0) for kind in kinds]
        table.add_row(name, *map(str, (*counts, sum(counts))))
    return table


def _per_cause(summary: Summary, profile: str) -> Table:
    table = Table(
        title=f"\nNumbers that each cause rests on ({profile})", box=None, padding=(0, 1, 0, 0), title_justify="left"
    )
    table.add_column("Cause", no_wrap=True)
    kinds = list(summary.by_kind)
    for kind in (*kinds, "judged"):
        table.add_column(kind, justify="right")
    for cause, counts in summary.by_cause.items():
        total = sum(counts.values())
        judged = counts.get(JUDGEMENT, 0) / total
        table.add_row(cause, *(str(counts.get(kind, 0)) for kind in kinds), f"{judged:.0%}")
    return table


app(prog_name="python -m priors")
