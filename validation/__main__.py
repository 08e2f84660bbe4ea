"""The command line: `python -m validation joint`."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from model import load_model
from priors import LasegueError
from priors.records import CONTEXT_NODES
from validation.joint import ExaminationGain, JointFigure, examination_gain, joint_figures

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

HISTORY, EXAMINATION = ("red_flags", "history"), ("examination",)
SIMULATED = 1000


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
