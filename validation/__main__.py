"""The command line: `python -m validation [report] | section | joint | benchmark | draws`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from model import load_model
from model.files import replacing
from priors import LasegueError
from priors.records import CONTEXT_NODES
from validation.joint import examination_gain, joint_figures
from validation.terminal import TABLE_WIDTH, print_benchmark, print_gain, print_rules, print_section

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

HISTORY, EXAMINATION = ("red_flags", "history"), ("examination",)
SIMULATED = 1000


CASES_HELP = "Folder of case files with a final_diagnosis; the committed ones unless given."


@app.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Check the model against what was published, and its arithmetic against itself. Without a command: report."""
    if context.invoked_subcommand is None:
        report()


@app.command()
def report(
    out: Annotated[Path, typer.Option(help="HTML page; the JSON of every figure goes beside it.")] = Path(
        "validation-report.html"
    ),
    cases: Annotated[Path | None, typer.Option(help=CASES_HELP)] = None,
    only: Annotated[str, typer.Option(help="Sections, with commas between them; all unless given.")] = "",
    renew: Annotated[
        bool, typer.Option("--renew", help="Also renew validation/summary.json and docs/model-card.md.")
    ] = False,
) -> None:
    """Write the report: a page, and a JSON of every figure. A few minutes."""
    with _told_plainly():
        from validation.run import run_report

        run_report(out, cases, tuple(name.strip() for name in only.split(",")) if only else (), renew)


@app.command()
def section(
    name: Annotated[str, typer.Argument(help="Which section; a wrong name lists them.")],
    cases: Annotated[Path | None, typer.Option(help=CASES_HELP)] = None,
) -> None:
    """Make one section of the report and print it."""
    with _told_plainly():
        from validation.run import run_section

        print_section(_console(), run_section(name, cases))


@contextmanager
def _told_plainly() -> Iterator[None]:
    """Turn what a user can mend into a message and exit code 2."""
    try:
        yield
    except ImportError as error:
        print(f"error: this needs the development requirements ({error}); run `make setup`", file=sys.stderr)
        raise typer.Exit(2) from None
    except LasegueError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    except OSError as error:
        print(f"error: cannot write {error.filename}: {error.strerror or error}", file=sys.stderr)
        raise typer.Exit(2) from None


def _console() -> Console:
    return Console(highlight=False, markup=False)


@app.command()
def joint() -> None:
    """Print likelihood ratios of several findings together, as studies measured them and as the model has them."""
    console = _console()
    with _told_plainly():
        print_rules(console, joint_figures())
        model = load_model()
    findings = model.priors.structure.findings.values()
    history = [*CONTEXT_NODES, *(f.name for f in findings if f.group in HISTORY)]
    examination = [f.name for f in findings if f.group in EXAMINATION]
    print_gain(console, examination_gain(model, history, examination, SIMULATED))


@app.command()
def benchmark(
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write every figure to this file.")] = None,
) -> None:
    """Measure the engine against pyAgrum, pgmpy and a bare gather-and-add, in one run."""
    with _told_plainly():
        from validation.benchmark import run_benchmark

        found = run_benchmark(told=lambda what: print(f"measuring: {what}", file=sys.stderr, flush=True))
        print_benchmark(_console(), found)
        if json_file is not None:
            with replacing(json_file) as handle:
                json.dump(found.as_dict(), handle, indent=2)


@app.command()
def draws(
    cases: Annotated[int, typer.Option(help="Simulated cases.", min=2)] = 24,
    seeds: Annotated[int, typer.Option(help="Times that each method draws.", min=2)] = 24,
) -> None:
    """Compare the ways of drawing the numbers: which gives the steadiest 95 % intervals."""
    from validation.convergence import convergence

    console = _console()
    console.width = max(console.width, TABLE_WIDTH)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("Method", "Error of an end / plain", "95 % interval", "Error told / found", "Seconds to draw"):
        table.add_column(heading, justify="left" if heading == "Method" else "right")
    for found in convergence(load_model(), cases, seeds, time.perf_counter):
        low, high = found.error_range
        ratios = (f"{found.error_ratio:.2f}", f"{low:.2f} to {high:.2f}", f"{found.told_ratio:.2f}")
        table.add_row(found.method, *ratios, f"{found.seconds:.2f}")
    console.print(table)


if __name__ == "__main__":
    app(prog_name="python -m validation")
