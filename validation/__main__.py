"""The command line: `python -m validation joint | benchmark | draws`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from model import load_model
from model.files import replacing
from priors import LasegueError
from priors.records import CONTEXT_NODES
from validation.joint import ExaminationGain, JointFigure, examination_gain, joint_figures

if TYPE_CHECKING:
    from validation.benchmark import Benchmark

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

HISTORY, EXAMINATION = ("red_flags", "history"), ("examination",)
SIMULATED = 1000
TABLE_WIDTH = 120


@app.callback()
def main() -> None:
    """Check the model against what studies measured."""


@app.command()
def joint() -> None:
    """Print likelihood ratios of several findings together, as studies measured them and as the model has them."""
    console = Console(highlight=False, markup=False)
    try:
        _print_rules(console, joint_figures())
        model = load_model()
    except LasegueError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    findings = model.priors.structure.findings.values()
    history = [*CONTEXT_NODES, *(f.name for f in findings if f.group in HISTORY)]
    examination = [f.name for f in findings if f.group in EXAMINATION]
    _print_gain(console, examination_gain(model, history, examination, SIMULATED))


@app.command()
def benchmark(
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write every figure to this file.")] = None,
) -> None:
    """Measure the engine against pyAgrum, pgmpy and a bare gather-and-add, in one run."""
    try:
        from validation.benchmark import run_benchmark
    except ImportError as error:
        print(f"error: the benchmark needs the development requirements ({error}); run `make setup`", file=sys.stderr)
        raise typer.Exit(2) from None
    found = run_benchmark(told=lambda what: print(f"measuring: {what}", file=sys.stderr, flush=True))
    _print_benchmark(Console(highlight=False, markup=False), found)
    if json_file is not None:
        try:
            with replacing(json_file) as handle:
                json.dump(found.as_dict(), handle, indent=2)
        except OSError as error:
            print(f"error: cannot write {json_file}: {error.strerror or error}", file=sys.stderr)
            raise typer.Exit(2) from None


@app.command()
def draws(
    cases: Annotated[int, typer.Option(help="Simulated cases.", min=2)] = 24,
    seeds: Annotated[int, typer.Option(help="Times that each method draws.", min=2)] = 24,
) -> None:
    """Compare the ways of drawing the numbers: which gives the steadiest 95 % intervals."""
    from validation.convergence import convergence

    console = Console(highlight=False, markup=False)
    console.width = max(console.width, TABLE_WIDTH)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("Method", "Error of an end / plain", "95 % interval", "Error told / found", "Seconds to draw"):
        table.add_column(heading, justify="left" if heading == "Method" else "right")
    for found in convergence(load_model(), cases, seeds, time.perf_counter):
        low, high = found.error_range
        ratios = (f"{found.error_ratio:.2f}", f"{low:.2f} to {high:.2f}", f"{found.told_ratio:.2f}")
        table.add_row(found.method, *ratios, f"{found.seconds:.2f}")
    console.print(table)


def _print_benchmark(console: Console, found: Benchmark) -> None:
    console.print(", ".join(f"{name} {version}" for name, version in found.machine.items()))
    console.print(f"Cases: {found.mix}")
    console.print(f"Largest difference from pyAgrum and pgmpy: {found.worst_difference:.1e}\n")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    console.width = max(console.width, TABLE_WIDTH)
    for heading in ("What", "Against", "Ours", "Theirs", "Ratio", "Required", ""):
        table.add_column(heading, justify="left" if heading in ("What", "Against", "") else "right")
    for ratio in found.ratios:
        bound = f"at {'most' if ratio.at_most else 'least'} {ratio.required:g}"
        verdict = "reached" if ratio.holds else "NOT reached"
        times = (duration(ratio.ours), duration(ratio.theirs))
        table.add_row(ratio.what, ratio.against, *times, f"{ratio.ratio:.3g}", bound, verdict)
    console.print(table)
    console.print()
    for name, seconds in found.seconds.items():
        console.print(f"{name}: {duration(seconds)}")


def duration(seconds: float) -> str:
    """Write a duration with three significant digits.

    Examples
    --------
    >>> duration(0.0000152), duration(0.0391), duration(2)
    ('15.2 us', '39.1 ms', '2 s')
    """
    for size, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} us"


def _print_rules(console: Console, figures: tuple[JointFigure, ...]) -> None:
    console.print("Likelihood ratios of several findings together")
    for figure in figures:
        rule = figure.rule
        console.print(f"\n{rule.title}")
        (low, high), (least, most) = rule.published_interval, rule.accepted
        console.print(f"  measured        {rule.published:g} ({low:g} to {high:g}), {rule.source}")
        verdict = "accepted" if figure.holds else "outside what is accepted,"
        console.print(f"  study's setting {figure.in_study:.3g}, {verdict} {least:g} to {most:g}")
        profiles = ", ".join(f"{profile} {ratio:.3g}" for profile, ratio in figure.by_profile.items())
        console.print(f"  sciatica        {profiles}")


def _print_gain(console: Console, gain: ExaminationGain) -> None:
    console.print(
        f"\nDisc herniation against non-specific pain, {gain.patients} simulated patients each: "
        f"AUC of age, sex, duration and history {gain.history:.3f}, with the examination {gain.with_examination:.3f} "
        f"(adds {gain.gain:.3f})."
    )


if __name__ == "__main__":
    app(prog_name="python -m validation")
