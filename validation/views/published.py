"""The section on published cases.

Not here: the measuring (`validation/published.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from model.words import percent
from priors.records import CAUDA_EQUINA
from priors.shapes import Structure
from validation.casebook import assessed
from validation.plots import BLUE, GREY, ORANGE, drawing
from validation.published import (
    AFTER,
    BEFORE,
    FLAT,
    NAIVE,
    NETWORK,
    OWN,
    PRIOR,
    CaseResult,
    Comparison,
    Published,
    Standing,
)
from validation.scores import Difference, wilson
from validation.sections import Check, Grid, Picture, Section

MOST_FLAGS = 3
BUILT_FROM = "buttock-sarcoma-59m"
# A rule's name, whether it flags anything, and whether it flags what the case has.
_Rule = tuple[str, Callable[[Standing], bool], Callable[[CaseResult, Standing], bool]]
TEXT = (
    "Each case is asked twice: with history and examination alone, and with every test. Case reports are written "
    "about the unusual, so the causes among them are not those of any clinic: a model with honest prevalences must "
    "look worse on them than it is. Both views are given: under the prevalences of each case's own setting, and "
    "under a flat prior.",
    "Naive Bayes has the same numbers, each finding counted by itself; prior only has seen nothing of the patient. "
    "Intervals are over resampled cases (BCa bootstrap, paired); with this few cases they are wide, and a difference "
    "whose interval holds zero is no proof.",
)


def section(found: Published, structure: Structure) -> Section:
    """Lay out the results on published cases.

    Parameters
    ----------
    found : Published
        From `measure_published`.
    structure : Structure
        Labels.

    Returns
    -------
    Section
        Comparison, each case, serious causes, per class.
    """
    labels = {cause.name: cause.short for cause in structure.causes}
    faults = tuple(f"Left out: {fault.file}: {fault.message}." for fault in found.casebook.faults)
    return Section(
        key="published",
        title="Published cases",
        text=(*TEXT, *faults),
        checks=_checks(found),
        grids=(
            _comparisons(found.comparisons),
            _without(found.results),
            _cases(found.results, labels),
            _serious(found.results),
            _classes(found.results, labels),
        ),
        pictures=(_draw_cases(found.results, labels),),
        figures=_figures(found),
        headline=_headline(found),
    )


def _headline(found: Published) -> str:
    said = []
    for when in (BEFORE, AFTER):
        network, naive, prior = (found.comparison(name, when, OWN).scores for name in (NETWORK, NAIVE, PRIOR))
        said.append(
            f"{when} true cause first in {network.top_1 * network.cases:.0f} of {network.cases}, among the first "
            f"three in {network.top_3 * network.cases:.0f}, log loss {network.log_loss:.2f} nats (naive Bayes "
            f"{naive.log_loss:.2f}, prior only {prior.log_loss:.2f})"
        )
    own = [r for r in found.results if r.serious]
    reached = [sum(r.case.diagnosis in _at(r, when).above for r in own) for when in (BEFORE, AFTER)]
    return (
        f"Under each case's own prevalences: {'; '.join(said)}. Of {len(own)} serious causes {reached[0]} reach their "
        f"threshold before the tests and {reached[1]} after, most of them by the image that made the diagnosis."
    )


def _checks(found: Published) -> tuple[Check, ...]:
    checks = []
    for rival in (PRIOR, NAIVE):
        for prior in (OWN, FLAT):
            difference = found.comparison(rival, BEFORE, prior).log_loss
            if difference is not None:
                checks.append(
                    Check(
                        f"Before the tests the log loss is below {rival}'s ({prior})",
                        difference.mean < 0,
                        f"network less {rival} {_difference(difference, len(found.results))} nats",
                    )
                )
    return tuple(checks)


def _difference(difference: Difference | None, cases: int) -> str:
    if difference is None:
        return ""
    if cases == 1:
        return f"{difference.mean:+.3f} (one case, no interval)"
    return f"{difference.mean:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"


def _comparisons(comparisons: Sequence[Comparison]) -> Grid:
    rows = tuple(
        (
            c.when,
            c.prior,
            c.model,
            f"{c.scores.log_loss:.3f}",
            f"{c.scores.brier:.3f}",
            f"{c.scores.top_1 * c.scores.cases:.0f} of {c.scores.cases}",
            f"{c.scores.top_3 * c.scores.cases:.0f} of {c.scores.cases}",
            _difference(c.log_loss, c.scores.cases),
            _difference(c.brier, c.scores.cases),
        )
        for c in comparisons
    )
    return Grid(
        "The network beside simpler models",
        (
            "Findings",
            "Prevalences",
            "Model",
            "Log loss",
            "Brier",
            "First",
            "First three",
            "Network less it, log loss",
            "Network less it, Brier",
        ),
        rows,
        "Log loss in nats, Brier from 0 to 2; lower is better. Below zero in the last two columns: the network is "
        "better.",
    )


def _without(results: Sequence[CaseResult]) -> Grid:
    """Return how the comparison with naive Bayes changes where one case is left out."""
    rows = []
    for when in (BEFORE, AFTER):
        lost = {r.case.id: math.log(_at(r, when).naive / _at(r, when).probability) for r in results}
        kept = [r for r in results if r.case.id != BUILT_FROM]
        most = max(lost, key=lambda name: abs(lost[name]))
        rows += [
            (when, "none", str(len(results)), *_losses(results, when)),
            (when, f"{BUILT_FROM}, whose report the model was built around", str(len(kept)), *_losses(kept, when)),
            (
                when,
                f"{most}, which differs most ({lost[most]:+.2f} nats)",
                str(len(results) - 1),
                *_losses([r for r in results if r.case.id != most], when),
            ),
        ]
    return Grid(
        "With a case left out, each under its own prevalences",
        ("Findings", "Left out", "Cases", "Log loss", "Naive Bayes", "Network less it"),
        tuple(rows),
        "Mean log loss in nats. With this few cases one of them can turn the comparison.",
    )


def _losses(results: Sequence[CaseResult], when: str) -> tuple[str, str, str]:
    own = -sum(math.log(_at(r, when).probability) for r in results) / max(len(results), 1)
    naive = -sum(math.log(_at(r, when).naive) for r in results) / max(len(results), 1)
    return f"{own:.3f}", f"{naive:.3f}", f"{own - naive:+.3f}"


def _cases(results: Sequence[CaseResult], labels: Mapping[str, str]) -> Grid:
    def cell(standing: Standing) -> str:
        interval = f"{percent(standing.low)} to {percent(standing.high)}"
        return f"{percent(standing.probability)} ({interval}), rank {standing.rank}"

    rows = []
    for result in results:
        present, absent = assessed(result.case.before)
        rows.append(
            (
                f"{result.case.id}{' (thin)' if result.case.thin else ''}",
                labels[result.case.diagnosis],
                result.case.profile,
                f"{present} / {absent}",
                percent(result.prior),
                cell(result.before),
                cell(result.after) if result.case.tested else "no test",
                labels[result.after.leading],
                result.case.title,
            )
        )
    return Grid(
        "Each case: probability of the true cause, its 95 % interval and rank",
        ("Case", "True cause", "Profile", "Present / absent", "Prior", BEFORE, AFTER, "Leading in the end", "Report"),
        tuple(rows),
        "Thin: the text gave few findings. The intervals say what the uncertainty of the numbers leaves open.",
    )


def _serious(results: Sequence[CaseResult]) -> Grid:
    """Return who is flagged, serious cases beside the others, by the model and by counting red flags."""
    serious = [r for r in results if r.serious or r.case.cauda_equina]
    others = [r for r in results if not (r.serious or r.case.cauda_equina)]

    def own(result: CaseResult, above: Sequence[str]) -> bool:
        wanted = {result.case.diagnosis} if result.serious else set()
        wanted |= {CAUDA_EQUINA} if result.case.cauda_equina else set()
        return bool(wanted & set(above))

    def counted(least: int) -> _Rule:
        name = f"{least} red flag{'s' if least > 1 else ''} or more"
        return name, lambda s: s.red_flags >= least, lambda _, s: s.red_flags >= least

    rules: list[_Rule] = [
        ("Model: probability at or over a threshold", lambda s: bool(s.above), lambda r, s: own(r, s.above)),
        ("Model: upper end of an interval over it", lambda s: bool(s.upper_above), lambda r, s: own(r, s.upper_above)),
        *(counted(least) for least in range(1, MOST_FLAGS + 1)),
    ]
    rows = []
    for when in (BEFORE, AFTER):
        for name, flagged, found in rules:
            hit = sum(found(r, _at(r, when)) for r in serious)
            false = sum(flagged(_at(r, when)) for r in others)
            rows.append((when, name, _share(hit, len(serious)), _share(false, len(others))))
    return Grid(
        "Serious causes and cauda equina: found, beside the others flagged",
        ("Findings", "Rule", "Serious cases whose own threshold is reached", "Other cases with any flag"),
        tuple(rows),
        "Serious: malignancy, infection, fracture, tumour outside the spine, cauda equina. For the red flags (the "
        "nine of the case report's table) any sign counts for any serious cause. Wilson intervals.",
    )


def _at(result: CaseResult, when: str) -> Standing:
    return result.before if when == BEFORE else result.after


def _share(events: int, total: int) -> str:
    if not total:
        return "none"
    low, high = wilson(events, total)
    return f"{events} of {total} ({low:.0%} to {high:.0%})"


def _classes(results: Sequence[CaseResult], labels: Mapping[str, str]) -> Grid:
    rows = []
    for cause, label in labels.items():
        own = [result for result in results if result.case.diagnosis == cause]
        if not own:
            continue
        cells = [label, str(len(own))]
        for when in (BEFORE, AFTER):
            standings = [_at(result, when) for result in own]
            cells.append(", ".join(percent(s.probability) for s in standings))
            cells.append(", ".join(str(s.rank) for s in standings))
        rows.append(tuple(cells))
    columns = ("Cause", "Cases", f"P, {BEFORE}", f"Ranks, {BEFORE}", f"P, {AFTER}", f"Ranks, {AFTER}")
    return Grid("By class", columns, tuple(rows))


def _draw_cases(results: Sequence[CaseResult], labels: Mapping[str, str]) -> Picture:
    ordered = sorted(results, key=lambda result: -result.after.probability)
    moved = sum(result.after.probability > result.prior for result in results)
    alt = (
        f"For each of {len(results)} cases the prior, the probability before and after the tests of the true cause, on "
        f"a log-odds scale; in {moved} the findings end above the prior."
    )
    with drawing(
        "The true cause of each case: prior, before and after the tests", alt, height=0.28 * len(results) + 0.9
    ) as d:
        axes = d.axes
        for row, result in enumerate(ordered):
            axes.plot([result.after.low, result.after.high], [row, row], color=GREY, linewidth=1.2, zorder=1)
            axes.plot(result.prior, row, "|", color=GREY, markersize=9, label="prior" if row == 0 else None)
            axes.plot(result.before.probability, row, "o", color=ORANGE, mfc="none", label=BEFORE if row == 0 else None)
            if result.case.tested:
                axes.plot(result.after.probability, row, "o", color=BLUE, label=f"{AFTER}, 95 %" if row == 0 else None)
        axes.set_xscale("logit")
        ticks = [0.0001, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999]
        axes.set_xticks(ticks, [f"{100 * tick:g}" for tick in ticks])
        axes.set_xticks([], minor=True)
        axes.set_xlim(5e-5, 0.9995)
        axes.set_xlabel("Probability of the true cause, %")
        axes.set_yticks(range(len(ordered)), [f"{labels[r.case.diagnosis]} ({r.case.id})" for r in ordered])
        axes.invert_yaxis()
        axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.12), ncols=3)
        axes.grid(axis="y", visible=False)
    return d.done()


def _figures(found: Published) -> dict[str, Any]:
    return {
        "comparisons": [
            {
                "model": c.model,
                "when": c.when,
                "prior": c.prior,
                **asdict(c.scores),
                "network_less_log_loss": asdict(c.log_loss) if c.log_loss else None,
                "network_less_brier": asdict(c.brier) if c.brier else None,
            }
            for c in found.comparisons
        ],
        "cases": [
            {
                "id": r.case.id,
                "diagnosis": r.case.diagnosis,
                "profile": r.case.profile,
                "prior": r.prior,
                "before": asdict(r.before),
                "after": asdict(r.after),
            }
            for r in found.results
        ],
        "left_out": [asdict(fault) for fault in found.casebook.faults],
    }
