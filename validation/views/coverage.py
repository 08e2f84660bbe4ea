"""The report's section on the arithmetic of bands and posteriors: coverage and calibration on simulated patients.

Not here: its tables (`validation/views/coverage_tables.py`), what was measured (`validation/coverage.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from priors.records import CAUDA_EQUINA
from validation.coverage import ALL, KINDS, OTHER, OWN, WEIGHTED, Coverage, VisitCoverage
from validation.plots import BLUE, GREEN, GREY, INK, ORANGE, QUIET, drawing
from validation.recalibration import LEADING, NOTABLE, Outcome
from validation.sections import Check, Picture, Section
from validation.views.coverage_tables import (
    KIND_NAMES,
    VISIBLE_TICKS,
    drawn_grid,
    hundred,
    name_of,
    outcomes_grid,
    precise,
    stated_grid,
    visits_grid,
    with_error,
)

LEAST, MOST = (0.93, 0.97)  # share inside a 95 % band
TAIL = 0.025  # share over its upper end
NOISE = 3  # standard errors
NORMAL_95 = 1.96
LOOKS = {OWN: (BLUE, "o"), OTHER: (GREEN, "s"), WEIGHTED: (ORANGE, "^")}


def section(result: Coverage) -> Section:
    """Return the section on coverage and calibration.

    Parameters
    ----------
    result : Coverage
        What was measured.

    Returns
    -------
    Section
        For the report.
    """
    bedside, pooled = result.visits[0], result.recalibration.stated[NOTABLE]
    return Section(
        key="coverage",
        title="Calibration of the code: bands and posteriors on simulated patients",
        text=(*_coverage_text(result, bedside), *_calibration_text(result)),
        checks=(*_coverage_checks(bedside), *_calibration_checks(result)),
        grids=(visits_grid(result), outcomes_grid(result), stated_grid(result), drawn_grid(result)),
        pictures=(_draw_coverage(result, bedside), _draw_calibration(result)),
        figures=_figures(result),
        headline=(
            f"The 95 % bands hold {hundred(bedside.inside[OTHER][ALL].share)} of the posteriors under numbers drawn "
            f"without regard to the findings, and {hundred(bedside.inside[OWN][ALL].share)} of those under the numbers "
            f"that made the patient; calibration slope on the model's own patients {_slope(pooled)}. Arithmetic, not "
            "truth."
        ),
    )


def _coverage_text(result: Coverage, bedside: VisitCoverage) -> tuple[str, ...]:
    inside, half = bedside.inside, bedside.effective_draws[len(bedside.effective_draws) // 2]
    grave = bedside.serious_above
    return (
        f"{result.sizes.truths} truths: each is one draw of every number of the profile {result.profile}, within its "
        "stated uncertainty. Each makes a network, and the network makes patients; a bedside visit records "
        f"{hundred(bedside.visit.assessed, 0)} of history and examination, {bedside.findings:.0f} items on average. "
        "For each patient the posterior under the truth's numbers is held against the model's 95 % band, which is over "
        f"the model's own {result.draws:,} draws. This checks arithmetic: that draws, bands and posteriors are what "
        "they are said to be. It shows nothing of whether the numbers, their stated uncertainty or the structure are "
        "right about patients: truth and model come from the same files.",
        "Coverage need not be 95 %. A band answers: with these findings, how far would the posterior move if the "
        "numbers were others within their uncertainty? All draws count alike, as they did before anyone saw the "
        "patient. A draw taken without regard to the findings lies in it 95 times in 100 but for the error of "
        f"{result.draws:,} draws (found: {hundred(inside[OTHER][ALL].share)}). A draw that made the patient is another "
        "matter, for the findings are then evidence about the numbers as well, and numbers that made a patient tend to "
        f"be surer of that patient than others are. So fewer lie inside ({hundred(inside[OWN][ALL].share)}), the fewer "
        "the more is recorded, and the misses have a direction: the leading cause is above its band in "
        f"{hundred(bedside.leading_above.share)} of patients, a serious cause or cauda equina syndrome in "
        f"{hundred(grave.share)} of posteriors"
        + (", fewer than 2.5 %: a rule that rests on upper ends errs on the safe side." if grave.share < TAIL else "."),
        "With each draw weighted by how likely it makes the patient's findings, as Bayes' rule has it, "
        f"{hundred(inside[WEIGHTED][ALL].share)} lie inside. Where that is near 95 %, draws and posteriors are right, "
        "and the difference is one of what a band means. Such bands rest on few draws (half of the patients have fewer "
        f"than {half:.0f} effective draws of {result.draws:,}), which costs some coverage. So read the model's band as "
        "what uncertain numbers leave open with these findings, not as an interval that holds the truth about this "
        "patient 95 times in 100.",
    )


def _calibration_text(result: Coverage) -> tuple[str, ...]:
    spread = result.recalibration.spread
    low, _, high = spread.quantiles
    return (
        "Calibration: on patients of the network at the stated numbers the posteriors must be calibrated, slope 1 and "
        f"intercept 0 within {NOISE} standard errors. Standard errors let the posteriors of one patient, or of one "
        "truth, differ together. On the patients of all truths together, a mixture, the stated posteriors need not be "
        "calibrated, since the posterior at the stated numbers is not the mean over draws; how far they are off is "
        "shown and not checked. The intercept of causes pooled is near 0 whatever the model, for the posteriors of a "
        "patient sum to one.",
        f"From truth to truth the slope of the notable posteriors (1 % or more) runs from {precise(low)} to "
        f"{precise(high)} (middle 95 %); with the noise of {result.sizes.recalibration.drawn} patients a truth taken "
        f"out, its standard deviation is {precise(spread.between)}. That is what numbers wrong by as much as they may "
        "be do to calibration.",
    )


def _coverage_checks(bedside: VisitCoverage) -> tuple[Check, ...]:
    asked = {
        OTHER: "Of posteriors under numbers drawn without regard to the findings, 93 to 97 % lie in the 95 % bands",
        OWN: "Of posteriors under the numbers that made the patient, 93 to 97 % lie in the 95 % bands",
        WEIGHTED: "With draws weighted by P(findings | draw), 93 to 97 % of the latter lie in the bands",
    }
    checks = []
    for kind, name in asked.items():
        found = bedside.inside[kind]
        detail = (
            f"{with_error(found[ALL])} of {found[ALL].posteriors:,}; of posteriors of 1 % or more "
            f"{with_error(found[NOTABLE])}, of the leading cause {with_error(found[LEADING])}"
        )
        checks.append(Check(name, LEAST <= found[ALL].share <= MOST, detail))
    grave = bedside.serious_above
    safe = Check(
        "Under the numbers that made the patient, at most 2.5 % of the posteriors of serious causes and cauda equina "
        "syndrome lie above their bands",
        grave.share <= TAIL,
        f"{with_error(grave)} of {grave.posteriors:,}",
    )
    return (*checks, safe)


def _calibration_checks(result: Coverage) -> tuple[Check, ...]:
    names = {NOTABLE: "posteriors of 1 % or more", LEADING: "the leading cause", CAUDA_EQUINA: "cauda equina syndrome"}
    checks = []
    for key, name in names.items():
        found = result.recalibration.stated[key]
        fit, slope, intercept = found.found, found.slope_error, found.intercept_error
        if fit is None or slope is None or intercept is None:
            checks.append(Check(f"Calibrated on own patients: {name}", False, f"too few events ({found.events})"))
            continue
        holds = abs(fit.slope - 1) <= NOISE * slope and (key == NOTABLE or abs(fit.intercept) <= NOISE * intercept)
        checks.append(
            Check(
                f"Calibrated on the model's own patients, within {NOISE} standard errors: {name}",
                holds,
                f"slope {_slope(found)}, tolerance {precise(NOISE * slope)}; intercept {precise(fit.intercept)} (SE "
                f"{precise(intercept)}); {found.events:,} events, {found.expected:,.1f} expected",
            )
        )
    return tuple(checks)


def _slope(found: Outcome) -> str:
    if found.found is None or found.slope_error is None:
        return "not fitted"
    return f"{precise(found.found.slope)} (SE {precise(found.slope_error)})"


def _draw_coverage(result: Coverage, bedside: VisitCoverage) -> Picture:
    """Draw the share inside the band for every outcome, with 95 % intervals."""
    title = "Share of posteriors inside the 95 % band, by outcome"
    alt = (
        f"{title}. All outcomes: "
        + ", ".join(f"{KIND_NAMES[kind]} {hundred(bedside.inside[kind][ALL].share)}" for kind in KINDS)
        + f". By outcome, {KIND_NAMES[OWN]}: "
        + ", ".join(f"{name_of(n, result)} {hundred(own.inside[OWN].share)}" for n, own in bedside.outcomes.items())
    )
    with drawing(title, alt, height=6.2) as drawn:
        axes = drawn.axes
        axes.axvspan(100 * LEAST, 100 * MOST, color=GREY, alpha=0.2, linewidth=0)
        axes.axvline(95, color=QUIET, linewidth=0.8)
        for kind, shift in zip(KINDS, (-0.22, 0, 0.22), strict=True):
            found = [own.inside[kind] for own in bedside.outcomes.values()]
            colour, marker = LOOKS[kind]
            places = [place + shift for place in range(len(found))]
            shares, errors = [100 * own.share for own in found], [100 * NORMAL_95 * own.error for own in found]
            axes.errorbar(
                shares, places, xerr=errors, fmt=marker, color=colour, markersize=4, linewidth=1, label=KIND_NAMES[kind]
            )
        axes.set_yticks(range(len(bedside.outcomes)), [name_of(name, result) for name in bedside.outcomes])
        axes.invert_yaxis()
        axes.set_xlabel("Inside, % (95 % interval; shaded: 93 to 97)")
        axes.figure.legend(loc="outside upper center", ncols=1)
    return drawn.done()


def _draw_calibration(result: Coverage) -> Picture:
    """Draw how often a cause given p was the true one."""
    curves: tuple[tuple[str, Mapping[str, Outcome], str, str, str], ...] = (
        ("patients of the stated network", result.recalibration.stated, BLUE, "o", "-"),
        ("patients of all truths together", result.recalibration.drawn, ORANGE, "s", "--"),
    )
    alt = "Calibration of posteriors of 1 % or more, all causes. " + "; ".join(
        f"{name}: slope {_slope(found[NOTABLE])}" for name, found, _, _, _ in curves
    )
    with drawing("Said and found: posteriors of 1 % or more", alt, height=4.6) as drawn:
        axes = drawn.axes
        axes.plot([0.008, 0.999], [0.008, 0.999], color=INK, linewidth=0.8)
        for name, found, colour, marker, dash in curves:
            fit = found[NOTABLE].found
            if fit is not None:
                inside = [(p, o) for p, o in zip(fit.predicted, fit.observed, strict=True) if 0 < o < 1]
                axes.plot(*zip(*inside, strict=True), color=colour, marker=marker, linestyle=dash, label=name)
        for scale, ticks in ((axes.set_xscale, axes.set_xticks), (axes.set_yscale, axes.set_yticks)):
            scale("logit")
            ticks(VISIBLE_TICKS, [f"{100 * tick:g} %" for tick in VISIBLE_TICKS])
            ticks([], minor=True)
        axes.set_xlabel("Probability given (mean of a tenth of the posteriors)")
        axes.set_ylabel("How often it was the cause")
        axes.legend(loc="upper left")
    return drawn.done()


def _figures(result: Coverage) -> dict[str, Any]:
    return asdict(result) | {"slope_deviation_between_truths": result.recalibration.spread.between}
