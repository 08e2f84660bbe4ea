"""The report's section on the wrong-model twin: what each harm costs the network, beside naive Bayes.

Not here: what was measured (`validation/twin.py`), the harms (`validation/harmed.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from model.words import percent
from validation.actions import Change, Share
from validation.plots import BLUE, GREEN, GREY, INK, ORANGE, drawing
from validation.sections import Check, Grid, Picture, Section
from validation.twin import BENEFIT, LOG_LOSS, NAIVE, NETWORK, TOLD, HarmFound, Scored, Twin

NAMES = {NETWORK: "network", NAIVE: "naive Bayes", TOLD: "network told of the harm"}
LOOKS = {NETWORK: (BLUE, "o"), NAIVE: (ORANGE, "s"), TOLD: (GREEN, "^")}
THOUSAND = 1000
NOISE = 3  # standard deviations
LOOSE, UNTIED = "loose", "loose_0"


def section(result: Twin) -> Section:
    """Return the section on the wrong-model twin.

    Parameters
    ----------
    result : Twin
        What was measured.

    Returns
    -------
    Section
        For the report.
    """
    return Section(
        key="twin",
        title="Wrong-model twin: what if the truth is not the model's?",
        text=_text(result),
        checks=_checks(result),
        grids=(_harms_grid(result), _causes_grid(result), _serious_grid(result), _falls_grid(result)),
        pictures=(_draw_log_loss(result), _draw_slope(result), _draw_benefit(result)),
        figures=_figures(result),
        headline=_headline(result),
    )


def _headline(result: Twin) -> str:
    first, harms = result.harms[0].by, result.harms[1:]
    worst = max(harms, key=lambda harm: harm.not_told.mean)
    better = sum(harm.against_naive.high < 0 for harm in result.harms)
    least = min(result.harms, key=lambda harm: harm.by[NETWORK].recall.value)
    return (
        f"On simulated patients the log loss is {first[NETWORK].scores.log_loss:.2f} nats (naive Bayes "
        f"{first[NAIVE].scores.log_loss:.2f}); of {len(result.harms)} cohorts, most of them harmed, it is lower than "
        f"naive Bayes' in {better}. Not knowing of a harm costs most under {_quoted(worst)}, {worst.not_told.mean:.2f} "
        f"nats. Of the serious causes {percent(first[NETWORK].recall.value)} reach their threshold at the bedside, "
        f"{percent(least.by[NETWORK].recall.value)} at worst."
    )


def _text(result: Twin) -> tuple[str, ...]:
    return (
        f"Each cohort has {result.sizes.patients:,} simulated patients. The first is drawn from the network itself; in "
        "the others the truth or the record is harmed in a way that the network does not know, and the network scores "
        "them as it is. Naive Bayes on the same numbers scores the same records. So does the network told of the harm "
        "(the other prevalences, the error rate, the tied truth), about the best that anyone could make of the record. "
        "What lies between it and the network is the price of the wrong model; the rest of a fall is a harder cohort. "
        "Where the patients are other people, falls are not paired, and a cohort with more serious causes has more net "
        "benefit to gain.",
        _worst(result),
        _against_naive(result),
        "This shows how the model bends when it is wrong in ways that we thought of and made as strong as we chose. It "
        "says nothing of how wrong it is about patients, and real harms come together.",
    )


def _against_naive(result: Twin) -> str:
    """Say what happens where the network ties findings that nothing ties."""
    said = [
        f"{_signed(harm.against_naive.mean)} nats under {_quoted(harm)}"
        for harm in result.harms
        if harm.key.startswith(LOOSE)
    ]
    return (
        f"Network less naive Bayes, log loss: {_signed(result.harms[0].against_naive.mean)} nats a patient without "
        f"harm, {', '.join(said)}. So what the network gains by its ties it gains if they are there: nearly all of "
        "their strengths are judgements, and on the published cases naive Bayes is level with it."
    )


def _worst(result: Twin) -> str:
    """Say where the network falls most."""
    reference, harms = result.harms[0], result.harms[1:]
    loss = max(harms, key=lambda harm: harm.not_told.mean)
    off = max(harms, key=lambda harm: abs(harm.by[NETWORK].intercept))
    alarms = max(harms, key=lambda harm: harm.by[NETWORK].false_alarms.value)
    missed = max(harms, key=lambda harm: harm.by[TOLD].recall.value - harm.by[NETWORK].recall.value)
    untold, told, before = missed.by[NETWORK], missed.by[TOLD], reference.by[NETWORK]
    return (
        f"Not knowing costs the network most in log loss under {_quoted(loss)}: {loss.not_told.mean:.3f} nats a "
        f"patient. Its probability of a serious cause is most wrong under {_quoted(off)}: it expects "
        f"{off.by[NETWORK].expected:,.0f} such patients where there are {off.with_serious:,} (without harm "
        f"{before.expected:,.0f} and {reference.with_serious:,}). It raises most false alarms under {_quoted(alarms)}, "
        f"in {percent(alarms.by[NETWORK].false_alarms.value)} of patients without a serious cause (without harm "
        f"{percent(before.false_alarms.value)}). It misses most that it need not under {_quoted(missed)}: it flags "
        f"{percent(untold.recall.value)} of the serious causes, and would flag {percent(told.recall.value)} if told, "
        f"for {percent(told.false_alarms.value)} false alarms in place of {percent(untold.false_alarms.value)}."
    )


def _quoted(harm: HarmFound) -> str:
    return f"\N{LEFT DOUBLE QUOTATION MARK}{harm.label}\N{RIGHT DOUBLE QUOTATION MARK}"


def _checks(result: Twin) -> tuple[Check, ...]:
    first = result.harms[0].by[NETWORK]
    told = [h for h in result.harms if h.not_told.beyond(NOISE).high < 0 or abs(h.by[TOLD].deviates) > NOISE]
    tied = [h for h in result.harms if h.key != UNTIED]  # with no ties at all naive Bayes is the truth but for age
    losing = [h for h in tied if h.against_naive.high >= 0]
    poorer = [h for h in result.harms if h.benefit_over_naive.beyond(NOISE).high < 0]
    least = max(tied, key=lambda h: h.against_naive.high)
    smallest = min(result.harms, key=lambda h: h.benefit_over_naive.mean)
    return (
        Check(
            "Without harm, the network expects as many serious causes as there are",
            abs(first.deviates) <= NOISE,
            f"{first.expected:,.0f} expected, {result.harms[0].with_serious:,} found: {first.deviates:+.1f} standard "
            f"deviations; slope {first.slope:.2f}",
        ),
        Check(
            "Told of the harm, the network is no worse than untold, and expects as many serious causes as there are",
            not told,
            _named(told) or f"all {len(result.harms)} cohorts: the harms are what they are said to be",
        ),
        Check(
            "Under every harm the network's log loss stays below that of naive Bayes, where findings hang together "
            "at all",
            not losing,
            _named(losing) or f"closest: {least.label}, {_signed(least.against_naive.mean)} nats",
        ),
        Check(
            "Under no harm does the network bring less net benefit than naive Bayes, beyond noise",
            not poorer,
            _named(poorer)
            or f"least gain at {percent(result.threshold)}: {smallest.label}, "
            f"{_per_thousand(smallest.benefit_over_naive)} per 1,000 patients",
        ),
    )


def _named(harms: list[HarmFound]) -> str:
    return ", ".join(harm.label for harm in harms)


def _signed(value: float) -> str:
    return f"{value:+.3f}"


def _with_interval(found: Change) -> str:
    return f"{_signed(found.mean)} ({_signed(found.low)} to {_signed(found.high)})"


def _per_thousand(found: Change) -> str:
    mean, low, high = (THOUSAND * value for value in (found.mean, found.low, found.high))
    return f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"


def _share(found: Share) -> str:
    low, high = found.interval
    return f"{percent(found.value)} ({percent(low)} to {percent(high)})"


def _harms_grid(result: Twin) -> Grid:
    rows = [
        (
            harm.label,
            harm.described,
            "; ".join(f"{count:,} {what}" for what, count in harm.counts.items()),
            f"{harm.with_serious:,}",
        )
        for harm in result.harms
    ]
    return Grid("What was done", ("Cohort", "How", "Counted", "Patients with a serious cause"), tuple(rows))


def _rows(result: Twin, cells: Callable[[HarmFound, Scored], tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Return a row for each harm and scorer; the reference needs no telling."""
    return tuple(
        (f"{harm.label}: {NAMES[name]}", *cells(harm, own))
        for harm in result.harms
        for name, own in harm.by.items()
        if not (name == TOLD and harm is result.harms[0])
    )


def _causes_grid(result: Twin) -> Grid:
    def cells(harm: HarmFound, own: Scored) -> tuple[str, ...]:
        rise = "" if harm is result.harms[0] else _with_interval(own.falls[LOG_LOSS])
        found = own.scores
        return (f"{found.log_loss:.3f}", rise, f"{found.brier:.3f}", percent(found.top_1))

    return Grid(
        "All causes",
        (
            "Cohort and scorer",
            "Log loss, nats",
            "Rise from no harm (95 % interval)",
            "Brier, 0 to 2",
            "Cause first",
        ),
        _rows(result, cells),
        "Cause first: what is scored against has the highest probability. Wrong diagnoses are scored as if they were "
        "right; no model can foresee which they are.",
    )


def _serious_grid(result: Twin) -> Grid:
    def cells(harm: HarmFound, own: Scored) -> tuple[str, ...]:
        benefit = THOUSAND * own.net_benefit[result.serious.action_thresholds.index(result.threshold)]
        return (
            f"{own.slope:.2f}",
            f"{own.intercept:+.2f}",
            f"{own.expected:,.0f} / {harm.with_serious:,}",
            _share(own.recall),
            _share(own.false_alarms),
            f"{benefit:.2f} ({100 * _of_most(result, harm, own):.0f} %)",
            "" if harm is result.harms[0] else _per_thousand(own.falls[BENEFIT]),
        )

    thresholds = ", ".join(
        f"{name.replace('_', ' ')} {percent(at)}"
        for name, at in zip(result.serious.names, result.serious.thresholds, strict=True)
    )
    return Grid(
        "Serious causes",
        (
            "Cohort and scorer",
            "Slope",
            "Intercept",
            "Expected / found",
            "Serious cause over its threshold",
            "False alarms",
            f"Net benefit at {percent(result.threshold)}, per 1,000 (of the most possible)",
            "Change from no harm",
        ),
        _rows(result, cells),
        f"Thresholds: {thresholds}. Slope, intercept and net benefit are of the probability that any of them is the "
        "cause: a slope under one means too sure, an intercept over zero too few expected. False alarms: patients "
        "without a serious cause in whom any of the four is over its threshold.",
    )


def _falls_grid(result: Twin) -> Grid:
    rows = [
        (
            harm.label,
            _with_interval(Change(harm.against_naive.mean, harm.against_naive.low, harm.against_naive.high)),
            _per_thousand(harm.benefit_over_naive),
            "" if harm is result.harms[0] else _with_interval(harm.not_told),
            "" if harm is result.harms[0] else _per_thousand(harm.benefit_not_told),
        )
        for harm in result.harms
    ]
    return Grid(
        "The network against naive Bayes, and against itself told of the harm",
        (
            "Cohort",
            "Log loss less naive Bayes'",
            "Net benefit less naive Bayes', per 1,000",
            "Log loss less the told network's",
            "Net benefit less the told network's, per 1,000",
        ),
        tuple(rows),
        f"The same patients throughout. Net benefit at {percent(result.threshold)}. Intervals are 95 %: the first "
        "column's by bootstrap (BCa), the others' by normal approximation.",
    )


def _of_most(result: Twin, harm: HarmFound, own: Scored) -> float:
    """Return the net benefit as a share of finding every serious cause without a false alarm."""
    place = result.serious.action_thresholds.index(result.threshold)
    return own.net_benefit[place] * result.sizes.patients / harm.with_serious


def _draw(
    result: Twin, title: str, says: str, value: Callable[[HarmFound, Scored], float], ideal: float | None = None
) -> Picture:
    """Draw a value of every scorer, one line a harm."""
    alt = f"{says}. " + "; ".join(
        f"{harm.label}: " + ", ".join(f"{NAMES[name]} {value(harm, own):.2f}" for name, own in harm.by.items())
        for harm in result.harms
    )
    with drawing(title, alt, height=0.9 + 0.36 * len(result.harms)) as drawn:
        axes = drawn.axes
        if ideal is not None:
            axes.axvline(ideal, color=INK, linewidth=0.8)
        for place, harm in enumerate(result.harms):
            values = [value(harm, own) for own in harm.by.values()]
            axes.plot([min(values), max(values)], [place, place], color=GREY, linewidth=1.2, zorder=1)
        for name, (colour, marker) in LOOKS.items():
            points = [value(harm, harm.by[name]) for harm in result.harms]
            axes.scatter(points, range(len(points)), color=colour, marker=marker, label=NAMES[name], zorder=2, s=34)
        axes.set_yticks(range(len(result.harms)), [harm.label for harm in result.harms])
        axes.invert_yaxis()
        axes.set_xlabel(says)
        axes.figure.legend(loc="outside upper center", ncols=len(LOOKS))
    return drawn.done()


def _draw_log_loss(result: Twin) -> Picture:
    says = "Log loss, nats a patient (less is better)"
    return _draw(result, "Log loss under each harm", says, lambda _, own: own.scores.log_loss)


def _draw_slope(result: Twin) -> Picture:
    says = "Calibration slope for a serious cause (1 is right, less is too sure)"
    return _draw(result, "Calibration under each harm", says, lambda _, own: own.slope, 1)


def _draw_benefit(result: Twin) -> Picture:
    says = f"Net benefit at {percent(result.threshold)}, share of the most possible"
    return _draw(result, "Net benefit under each harm", says, lambda harm, own: _of_most(result, harm, own))


def _figures(result: Twin) -> dict[str, Any]:
    return asdict(result) | {"action_thresholds": list(result.serious.action_thresholds)}
