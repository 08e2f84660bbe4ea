"""The command line: `python -m model diagnose | score | export`.

A user's mistake gives its message on standard error and exit code 2. Not here: any computation.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from model.case import Case
from model.casefile import load_json, parse_case, read_case
from model.differential import diagnose as diagnose_case
from model.engines import DEFAULT_ENGINE, engine_named
from model.errors import BadCase
from model.files import part_path
from model.models import Models
from model.report import diagnosis_report
from priors import LasegueError
from priors.records import AGE, DEFAULT_PROFILE, DURATION, SEX
from priors.shapes import Structure
from priors.text import brief, plain_number

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

PROGRESS_SECONDS = 2.0
INTERRUPTED = 130  # what shells expect after Ctrl-C

_PROFILES = "documents, primary_care, emergency, specialist, or the path of a CSV overlay"
ProfileOption = Annotated[
    str | None, typer.Option("--profile", help=f"{_PROFILES}; else the case's setting, else documents.")
]
EngineOption = Annotated[str, typer.Option("--engine", help="compiled; elimination or pgmpy to check it.")]
IntervalsOption = Annotated[bool, typer.Option("--intervals", help="Add 95 % intervals over draws of the numbers.")]
IgnoreOption = Annotated[bool, typer.Option("--ignore-unknown", help="Drop unknown names and list them.")]


@app.callback()
def main() -> None:
    """Weigh the findings of a patient with sciatica: probabilities, not verdicts."""


@contextmanager
def _mistakes_told() -> Iterator[None]:
    """Turn a user's mistake into its message and exit code 2."""
    try:
        yield
    except LasegueError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


@app.command()
def diagnose(
    case_file: Annotated[Path | None, typer.Argument(help="A case file (JSON); - reads standard input.")] = None,
    present: Annotated[list[str] | None, typer.Option(help="Findings present: a,b (may be repeated).")] = None,
    absent: Annotated[list[str] | None, typer.Option(help="Findings absent: a,b (may be repeated).")] = None,
    unsure: Annotated[list[str] | None, typer.Option(help="Unsure findings: a=LR,b=LR.")] = None,
    value: Annotated[list[str] | None, typer.Option(help="Typed values: esr_mm_h=45,crp_mg_l=12.")] = None,
    age: Annotated[str | None, typer.Option(help="Age in years.")] = None,
    sex: Annotated[str | None, typer.Option(help="female or male.")] = None,
    duration_weeks: Annotated[str | None, typer.Option(help="Duration of this pain in weeks.")] = None,
    profile: ProfileOption = None,
    engine: EngineOption = DEFAULT_ENGINE,
    ignore_unknown: IgnoreOption = False,
    intervals: IntervalsOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Show the differential of one case: a case file, or findings given here."""
    with _mistakes_told():
        given = {
            "present": _listed(present),
            "absent": _listed(absent),
            "unsure": _pairs("--unsure", unsure),
            "values": _pairs("--value", value),
            AGE: _number(age),
            SEX: sex,
            DURATION: _number(duration_weeks),
        }
        models = Models()
        entered = {key: entry for key, entry in given.items() if entry not in (None, [], {})}
        case = _case(case_file, entered, models.structure, ignore_unknown)
        model = models.for_case(case, profile)
        result = diagnose_case(model, case, None if engine == DEFAULT_ENGINE else engine_named(engine), intervals)
        if as_json:
            print(json.dumps(result.as_dict(), indent=2))
        else:
            Console(highlight=False).print(diagnosis_report(model, result))
        if case.ignored:
            print(_ignored(case.ignored), file=sys.stderr)


@app.command()
def score(
    cases: Annotated[Path, typer.Argument(help="Cases, one a row: .jsonl, .csv or .parquet.")],
    out: Annotated[Path, typer.Option("--out", help="Where the results go: .jsonl, .csv or .parquet.")],
    profile: ProfileOption = None,
    engine: EngineOption = DEFAULT_ENGINE,
    ignore_unknown: IgnoreOption = False,
    intervals: IntervalsOption = False,
) -> None:
    """Score a file of cases. A bad row gets an error with its line, and the rest goes on."""
    from model.score import ScoreOptions, score_file  # scipy and pyarrow are slow to import

    with _mistakes_told():
        chosen = None if engine == DEFAULT_ENGINE else engine_named(engine)
        options = ScoreOptions(profile, chosen, ignore_unknown, intervals)
        try:
            tally = score_file(cases, out, Models(), options, _progress())
        except KeyboardInterrupt:
            part = part_path(out)
            print(
                f"interrupted; the rows done so far are in {part}" if part.exists() else "interrupted", file=sys.stderr
            )
            raise typer.Exit(INTERRUPTED) from None
        rows = f"{tally.scored} rows scored"
        bad = f", {tally.failed} with an error: see the key or column 'error'" if tally.failed else ""
        if tally.ignored:
            print(_ignored(tally.ignored), file=sys.stderr)
        for remark in tally.remarks:
            print(remark, file=sys.stderr)
        print(f"{rows}{bad}; results in {out}", file=sys.stderr)


@app.command()
def export(
    file_format: Annotated[str, typer.Option("--format", help="bif, xmlbif, xdsl (GeNIe) or net (HUGIN).")],
    out: Annotated[Path, typer.Option("--out", help="File to write.")],
    profile: ProfileOption = None,
) -> None:
    """Write the network to a file that other tools open."""
    from model.exchange import export_network

    with _mistakes_told():
        network = Models().get(profile or DEFAULT_PROFILE).network
        export_network(network, file_format, out)
        print(f"{len(network.nodes)} nodes, profile {network.profile}, model {network.digest}: {out}", file=sys.stderr)


def _case(case_file: Path | None, given: dict[str, Any], structure: Structure, ignore_unknown: bool) -> Case:
    if case_file is None:
        return parse_case(given, structure, ignore_unknown)
    if given:
        raise BadCase("give either a case file or findings as options, not both")
    if str(case_file) == "-":
        return parse_case(load_json(sys.stdin.buffer.read(), "standard input"), structure, ignore_unknown)
    return read_case(case_file, structure, ignore_unknown)


def _ignored(names: tuple[str, ...]) -> str:
    return f"ignored, not in the vocabulary: {', '.join(names)}"


def _listed(texts: list[str] | None) -> list[str]:
    return [name.strip() for text in texts or [] for name in text.split(",") if name.strip()]


def _number(text: str | None) -> float | str | None:
    """Return a number, or the text as it is for the case's own check to refuse."""
    number = None if text is None else plain_number(text)
    return text if number is None else number


def _pairs(option: str, texts: list[str] | None) -> dict[str, float | str | None]:
    """Read name=number pairs; what is no number is left for the case's own check to refuse."""
    pairs: dict[str, float | str | None] = {}
    for item in _listed(texts):
        name, equals, number = item.partition("=")
        if not equals:
            raise BadCase(f"{option}: expected name=number, found {brief(item)}")
        if name.strip() in pairs:
            raise BadCase(f"{option}: {name.strip()} is given twice")
        pairs[name.strip()] = _number(number)
    return pairs


def _progress() -> Callable[[int, int | None], None]:
    """Return a callback that says on standard error, every few seconds, how many rows are done."""
    last = time.monotonic()

    def report(done: int, total: int | None) -> None:
        nonlocal last
        if time.monotonic() - last >= PROGRESS_SECONDS:
            last = time.monotonic()
            print(f"{done} rows done" if total is None else f"{done} of {total} rows done", file=sys.stderr, flush=True)

    return report
