"""The report's section on decision curves: whether acting by the network beats acting by its rivals.

Not here: what was measured (`validation/decisions.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import numpy as np

from model.words import percent
from validation.actions import Change, Share
from validation.decisions import ALL, NAIVE, NETWORK, NONE, AtThreshold, Curve, Decisions
from validation.plots import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, QUIET, SKY, drawing
from validation.sections import Check, Grid, Picture, Section

NAMES = {
    NETWORK: "network",
    NAIVE: "naive Bayes",
    "flags_1": "one red flag or more",
    "flags_2": "two red flags or more",
    "flags_3": "three red flags or more",
    "cauda_equina_sign": "its red flag",
    ALL: "act on all",
    NONE: "act on none",
}
LOOKS = {
    NETWORK: (BLUE, "-"),
    NAIVE: (ORANGE, "--"),
    "flags_1": (GREEN, "-."),
    "flags_2": (PURPLE, ":"),
    "flags_3": (SKY, (0, (5, 1, 1, 1, 1, 1))),
    "cauda_equina_sign": (GREEN, "-."),
    ALL: (GREY, (0, (1, 2))),
    NONE: (INK, "-"),
}
THOUSAND = 1000
NOISE = 3  # standard errors
BELOW = -0.25  # how far under zero a plot goes, as a share of the most net benefit


def section(result: Decisions) -> Section:
    """Return the section on decision curves.

    Parameters
    ----------
    result : Decisions
        What was measured.

    Returns
    -------
    Section
        For the report.
    """
    return Section(
        key="decisions",
        title="Decision curves: is acting on it worth it?",
        text=_text(result),
        checks=_checks(result),
        grids=(_best_grid(result), *(_rules_grid(curve) for curve in result.curves)),
        pictures=tuple(_draw_curve(curve) for curve in result.curves),
        figures=asdict(result),
        headline=_headline(result),
    )


def _headline(result: Decisions) -> str:
    said = []
    for curve in result.curves:
        if curve.own_truth:
            at = curve.action[len(curve.action) // 2]
            ours, rival = at.rules[NETWORK].net_benefit, at.rules[at.best_rival].net_benefit
            said.append(
                f"{curve.outcome.lower()}, {curve.setting.lower()}, from {percent(at.threshold)}: "
                f"{ours * THOUSAND:.2f} per 1,000 patients against {rival * THOUSAND:.2f} by {NAMES[at.best_rival]}, "
                "the best rival"
            )
    return f"Net benefit on simulated patients: {'; '.join(said)}."


def _text(result: Decisions) -> tuple[str, ...]:
    return (
        "Net benefit counts each patient rightly acted on as 1 and each wrongly acted on as minus the odds of the "
        "threshold: whoever acts from 2 % on takes 49 false alarms for one find. Acting on all and on none are the "
        "rules that need no model; a model earns its place where its curve is above both. Red flags are the nine of "
        "the case report's Table 1: a rule without probabilities acts on the same patients at every threshold. For "
        "cauda equina syndrome the rival is the flag of that name: any bladder, bowel or saddle sign.",
        f"Each curve is from {result.sizes.patients:,} simulated patients. In a cohort drawn from the network itself, "
        "no rule on the same records can beat it but by chance: there the curve shows how much is to be gained if the "
        "model is right, and the check shows only that the arithmetic is. The harmed cohorts (a missed dependence, "
        "wrong findings; see the wrong-model twin) show what is left when it is wrong. Neither says what it does for "
        "real patients.",
        "The published cases cannot carry a decision curve: they are case reports, chosen for being unusual and not "
        "sampled by prevalence, so that the share of true and false positives among them means nothing for a clinic. "
        "That takes a cohort of consecutive patients.",
    )


def _action(result: Decisions, own_truth: bool) -> Iterator[tuple[Curve, AtThreshold]]:
    for curve in result.curves:
        if curve.own_truth is own_truth:
            yield from ((curve, at) for at in curve.action)


def _checks(result: Decisions) -> tuple[Check, ...]:
    own = list(_action(result, own_truth=True))
    beaten = [(c, at, name) for c, at in own for name, found in at.against.items() if found.beyond(NOISE).high < 0]
    pairs = [(found, c, at, name) for c, at in own for name, found in at.against.items()]
    closest = min(pairs, key=lambda pair: pair[0].mean)
    named = "; ".join(f"{_where(c, at)}: {NAMES[name]}" for c, at, name in beaten)
    found, curve, at, rival = closest
    return (
        Check(
            "On its own truth the network brings at least the net benefit of every rival, at every action threshold, "
            "within sampling error",
            not beaten,
            named
            or f"{len(pairs)} comparisons; closest: {_where(curve, at)}, {NAMES[rival]}, "
            f"{_per_thousand(found)} per 1,000",
        ),
    )


def _where(curve: Curve, at: AtThreshold) -> str:
    return f"{curve.outcome}, {curve.setting}, {percent(at.threshold)}"


def _per_thousand(found: Change) -> str:
    mean, low, high = (THOUSAND * value for value in (found.mean, found.low, found.high))
    return f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"


def _found(share: Share) -> str:
    """Write whom a rule finds; acting on all finds all."""
    return {0: "none", share.total: "all"}.get(share.events) or percent(share.value)


def _best_grid(result: Decisions) -> Grid:
    rows = []
    for own_truth in (True, False):
        for curve, at in _action(result, own_truth):
            model = at.rules[NETWORK]
            rows.append(
                (
                    f"{curve.outcome}, {curve.setting}",
                    percent(at.threshold),
                    f"{curve.events:,}",
                    f"{THOUSAND * model.acted / curve.patients:.0f}",
                    _found(model.found),
                    f"{THOUSAND * model.net_benefit:.2f}",
                    NAMES[at.best_rival],
                    _per_thousand(at.against[at.best_rival]),
                )
            )
    return Grid(
        "The network at the action thresholds, against its best rival",
        (
            "Outcome and cohort",
            "Threshold",
            "Have it",
            "Acted on, per 1,000",
            "Of those who have it",
            "Net benefit, per 1,000",
            "Best rival",
            "Network less rival (95 % interval)",
        ),
        tuple(rows),
        "Thresholds are those of priors/thresholds.csv; for any serious cause, those of the single causes. The "
        "interval is that of a mean of paired differences.",
    )


def _rules_grid(curve: Curve) -> Grid:
    """Return what each rule does at the action thresholds."""
    rows = []
    for name in curve.action[0].rules:
        cells = []
        for at in curve.action:
            rule = at.rules[name]
            cells += [f"{THOUSAND * rule.acted / curve.patients:.0f}", _found(rule.found)]
            cells.append(f"{THOUSAND * rule.net_benefit:.2f}")
        rows.append((NAMES[name], *cells))
    columns = [
        f"{what}, {percent(at.threshold)}" for at in curve.action for what in ("Acted on", "Found", "Net benefit")
    ]
    note = "Acted on and net benefit per 1,000 patients; found: share of those who have it."
    return Grid(f"Every rule: {curve.outcome}, {curve.setting}", ("Rule", *columns), tuple(rows), note, folded=True)


def _draw_curve(curve: Curve) -> Picture:
    """Draw the net benefit of every rule over the thresholds."""
    most = THOUSAND * max(max(values) for values in curve.net_benefit.values())
    title = f"Decision curve: {curve.outcome}, {curve.setting}"
    alt = f"{title}. Net benefit per 1,000 patients " + "; ".join(
        f"at {percent(at.threshold)}: "
        + ", ".join(f"{NAMES[name]} {THOUSAND * rule.net_benefit:.2f}" for name, rule in at.rules.items())
        for at in curve.action
    )
    with drawing(title, alt) as drawn:
        axes = drawn.axes
        for name, values in curve.net_benefit.items():
            colour, dash = LOOKS[name]
            width = 2.2 if name == NETWORK else 1.4
            order = 3 if name == NETWORK else 2
            benefit = THOUSAND * np.array(values)
            axes.plot(
                curve.thresholds,
                benefit,
                color=colour,
                linestyle=dash,
                linewidth=width,
                label=NAMES[name],
                zorder=order,
            )
        for at in curve.action:
            axes.axvline(at.threshold, color=QUIET, linewidth=0.8, linestyle=(0, (2, 2)))
        axes.set_xscale("log")
        ticks = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2]
        shown = [tick for tick in ticks if curve.thresholds[0] <= tick <= curve.thresholds[-1] * 1.001]
        axes.set_xticks(shown, [f"{100 * tick:g} %" for tick in shown])
        axes.set_xticks([], minor=True)
        axes.set_ylim(BELOW * most, 1.05 * most)
        axes.set_xlabel("Threshold probability (dashed: the action thresholds)")
        axes.set_ylabel("Net benefit per 1,000")
        axes.figure.legend(loc="outside right center")
    return drawn.done()
