"""Pictures of the section on structure.

Not here: its tables (`validation/views/dependence_tables.py`), what was measured (`validation/dependence.py`).
"""

from __future__ import annotations

from validation.dependence import Dependence
from validation.latents import ALL_LATENTS, BEDSIDE, NAIVE, WITH_TESTS, order_of_worth
from validation.plots import BLUE, INK, ORANGE, drawing
from validation.scores import Calibration
from validation.sections import Picture
from validation.views.dependence_tables import Labels, bits, name_of, worth_of


def draw_worth(result: Dependence, labels: Labels) -> Picture:
    """Draw what is lost without each latent, with intervals."""
    names = [NAIVE, ALL_LATENTS, *(w.without for w in order_of_worth(result.worth, BEDSIDE))]
    alt = "Bits lost per patient at the bedside: " + "; ".join(
        f"{name_of(name, labels)} {bits(worth_of(result.worth, name, BEDSIDE).loss.mean)}" for name in names
    )
    with drawing("What each latent is worth", alt, height=4.8) as drawn:
        axes = drawn.axes
        for recorded, colour, marker, shift in ((BEDSIDE, BLUE, "o", -0.15), (WITH_TESTS, ORANGE, "s", 0.15)):
            found = [worth_of(result.worth, name, recorded).loss for name in names]
            means = [loss.mean for loss in found]
            ends = [[max(0.0, f.mean - f.low) for f in found], [max(0.0, f.high - f.mean) for f in found]]
            places = [place + shift for place in range(len(names))]
            axes.errorbar(means, places, xerr=ends, fmt=marker, color=colour, label=recorded, markersize=5)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_yticks(range(len(names)), [name_of(name, labels) for name in names])
        axes.invert_yaxis()
        axes.set_xlabel("Rise of log loss, bits a patient (95 % interval)")
        axes.legend(loc="lower right")
    return drawn.done()


def draw_calibration(result: Dependence) -> Picture:
    """Draw how often the leading cause is right by what it is given, for both models."""
    found = result.overstatement
    models: tuple[tuple[str, Calibration, str, str, str], ...] = (
        ("Network", found.network.calibration, BLUE, "o", "-"),
        ("Naive Bayes", found.naive.calibration, ORANGE, "s", "--"),
    )
    alt = "Calibration of the leading cause. " + ". ".join(
        f"{name}: slope {own.slope:.2f}" for name, own, _, _, _ in models
    )
    with drawing("Said and found of the leading cause", alt) as drawn:
        low = min(min(*own.predicted, *own.observed) for _, own, _, _, _ in models)
        drawn.axes.plot([low, 1], [low, 1], color=INK, linewidth=0.8)
        for name, own, colour, marker, dash in models:
            drawn.axes.plot(own.predicted, own.observed, color=colour, marker=marker, linestyle=dash, label=name)
        drawn.axes.set_xlabel("Probability given to the leading cause (mean of a tenth of patients)")
        drawn.axes.set_ylabel("How often it is right")
        drawn.axes.legend(loc="upper left")
    return drawn.done()
