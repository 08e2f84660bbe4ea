"""What validation prints on a terminal.

Not here: the commands (`validation/__main__.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from validation.joint import ExaminationGain, JointFigure
from validation.sections import Section

if TYPE_CHECKING:
    from validation.benchmark import Benchmark

TABLE_WIDTH = 120


def print_section(console: Console, section: Section) -> None:
    """Print a section: what was done, its checks, its tables; plots are on the page alone."""
    console.width = max(console.width, TABLE_WIDTH)
    console.print(f"{section.title}\n", style="bold")
    for paragraph in section.text:
        console.print(f"{paragraph}\n")
    for check in section.checks:
        console.print(f"{'holds   ' if check.holds else 'does NOT'}  {check.name}")
        console.print(f"            {check.detail}", style="dim")
    for grid in section.grids:
        if not grid.rows:
            continue
        table = Table(title=grid.title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
        for index, column in enumerate(grid.columns):
            table.add_column(column, justify="right" if index in grid.numeric else "left")
        for row in grid.rows:
            table.add_row(*row)
        console.print()
        console.print(table)
        if grid.note:
            console.print(grid.note, style="dim")


def print_benchmark(console: Console, found: Benchmark) -> None:
    """Print the ratios of a benchmark, and absolute times."""
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


def print_rules(console: Console, figures: tuple[JointFigure, ...]) -> None:
    """Print likelihood ratios of several findings, as measured and as the model has them."""
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


def print_gain(console: Console, gain: ExaminationGain) -> None:
    """Print what the examination adds to the history."""
    console.print(
        f"\nDisc herniation against non-specific pain, {gain.patients} simulated patients each: "
        f"AUC of age, sex, duration and history {gain.history:.3f}, with the examination {gain.with_examination:.3f} "
        f"(adds {gain.gain:.3f})."
    )
