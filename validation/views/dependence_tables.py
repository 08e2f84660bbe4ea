"""Tables of the section on structure, and how its figures are written.

Not here: the section (`validation/views/dependence.py`), its pictures (`validation/views/dependence_pictures.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from model.words import percent
from validation.dependence import Dependence
from validation.double_counting import SURE, TIE_LOGIC, TIE_OTHER, Sureness, TiedPair
from validation.independences import CONDITION_OF_X, NOTHING, SYNDROME_OF_X, CheckedClaim
from validation.latents import ALL_LATENTS, BEDSIDE, NAIVE, WITH_TESTS, Worth, order_of_worth
from validation.scores import Difference, wilson
from validation.sections import Grid

SHOWN = 12  # pairs in a table
FREQUENT = 0.01  # share of patients who have both findings of a pair that is listed as overstating
NAMES = {
    ALL_LATENTS: "All latents",
    NAIVE: "Naive Bayes (no dependence at all)",
    SYNDROME_OF_X: "latent of the two",
    CONDITION_OF_X: "its condition",
}

Labels = Mapping[str, str]


def factor(bits_of_it: float) -> str:
    """Write bits as the factor by which odds or a likelihood ratio change.

    Examples
    --------
    >>> [factor(value) for value in (-1, 1.34, 5, 11)]
    ['0.5', '2.5', '32', '2,048']
    """
    found = 2**bits_of_it
    return f"{found:,.0f}" if found >= 10 else f"{found:.1f}"


def bits(value: float) -> str:
    """Write bits a patient: four decimals, 0 where they would all be zero."""
    return f"{value:.4f}" if abs(value) >= 0.00005 else "0"


def interval(found: Difference) -> str:
    """Write a mean difference in bits with its interval."""
    return f"{bits(found.mean)} ({bits(found.low)} to {bits(found.high)})"


def share(part: int, whole: int) -> str:
    """Write a share of patients."""
    return percent(part / whole) if whole else "none"


def precise(p: float) -> str:
    """Write a share with two decimals, where near certainties are compared.

    Examples
    --------
    >>> precise(0.98902)
    '98.90 %'
    """
    return f"{p:.2%}".replace("%", " %")


def whole(p: float) -> str:
    """Write a limit that is whole per cent."""
    return f"{p:.0%}".replace("%", " %")


def right(found: Sureness) -> str:
    """Write how often a model that is sure is right, with the 95 % interval."""
    if not found.sure:
        return "none is"
    low, high = wilson(found.sure_right, found.sure)
    return f"{precise(found.sure_right / found.sure)} (95 % interval {precise(low)} to {precise(high)})"


def worth_of(found: Iterable[Worth], without: str, recorded: str) -> Worth:
    """Return one of the worths measured."""
    return next(worth for worth in found if (worth.without, worth.recorded) == (without, recorded))


def name_of(name: str, labels: Labels) -> str:
    """Return how a node, or what stands for one, is called."""
    return NAMES.get(name) or labels[name]


def models_grid(result: Dependence) -> Grid:
    """Return the two models side by side."""
    found = result.overstatement
    models = (found.network, found.naive)

    def row(name: str, cells: Iterable[str]) -> tuple[str, ...]:
        return (name, *cells)

    return Grid(
        title=f"Network and naive Bayes on the same {found.patients:,} simulated patients",
        columns=("", "Network", "Naive Bayes"),
        rows=(
            row("Log loss, bits", (f"{m.scores.log_loss / math.log(2):.3f}" for m in models)),
            row("Brier score, 0 to 2", (f"{m.scores.brier:.3f}" for m in models)),
            row("True cause first", (percent(m.scores.top_1) for m in models)),
            row(f"Patients given more than {whole(SURE)}", (share(m.sure, found.patients) for m in models)),
            row("What these are given on average", (precise(m.sure_said) if m.sure else "none" for m in models)),
            row("How often that is right", (right(m) for m in models)),
            row("Calibration slope of the leading cause", (f"{m.calibration.slope:.2f}" for m in models)),
            row("Calibration intercept", (f"{m.calibration.intercept:+.2f}" for m in models)),
        ),
        note=f"Naive Bayes less the network, paired: {interval(found.log_loss)} bits a patient. A slope under one "
        "means too sure; an intercept under zero, too high on average.",
    )


def pair_grids(result: Dependence, labels: Labels) -> tuple[Grid, Grid]:
    """Return the pairs that mislead most over all patients, and most in those who have both."""
    together = [pair for pair in result.pairs if pair.both > 0]
    frequent = [pair for pair in together if pair.both >= FREQUENT]
    columns = (
        "Findings",
        "Tied by",
        "Bits",
        "Together, times chance",
        "Patients with both",
        "Lifts most",
        "Network, LR",
        "Naive Bayes, LR",
    )
    lifted = (
        "Together, times chance: how much more often than if unrelated given the cause, geometric mean over the "
        "profile's causes. LR: both findings, for the cause that they lift most against all others."
    )
    return (
        Grid(
            f"The {SHOWN} pairs that mislead naive Bayes most over all patients",
            columns,
            tuple(_pair_row(pair, labels) for pair in together[:SHOWN]),
            "Bits: what one finding tells of the other once the cause is known. " + lifted,
        ),
        Grid(
            f"The {SHOWN} pairs that naive Bayes overstates most in a patient who has both",
            columns,
            tuple(_pair_row(p, labels) for p in sorted(frequent, key=lambda p: -p.overstated)[:SHOWN]),
            f"Among pairs that {whole(FREQUENT)} of patients or more have. " + lifted,
        ),
    )


def _pair_row(pair: TiedPair, labels: Labels) -> tuple[str, ...]:
    return (
        f"{labels[pair.first]} + {labels[pair.second]}",
        _tie(pair.tie, labels),
        bits(pair.information),
        factor(pair.together_mean),
        percent(pair.both),
        labels[pair.lifted],
        factor(pair.lift),
        factor(pair.lift + pair.overstated),
    )


def _tie(tie: str, labels: Labels) -> str:
    if tie in (TIE_LOGIC, TIE_OTHER):
        return tie
    return " and ".join(labels[name] for name in tie.split(" and "))


def claims_grid(claims: Iterable[CheckedClaim], labels: Labels) -> Grid:
    """Return what the design claims, and what was found."""
    return Grid(
        title="What the design claims, in the graph and in the numbers",
        columns=("Claim", "Known", "Pairs", "Claimed", "Holds", "Bits, least", "Bits, most", "Why"),
        rows=tuple(
            (
                checked.claim.says,
                ", ".join(name_of(name, labels).lower() for name in checked.claim.given) or "nothing",
                f"{len(checked.claim.pairs):,}",
                "independent" if checked.claim.independent else "dependent",
                "yes" if checked.holds else "no",
                _told(checked.least),
                _told(checked.most),
                checked.claim.why,
            )
            for checked in claims
        ),
        note="Bits that one of a pair tells of the other when the rest is known.",
    )


def _told(bits: float) -> str:
    return "0" if abs(bits) < NOTHING else f"{bits:.2g}"


def worth_grid(result: Dependence, labels: Labels) -> Grid:
    """Return what each latent is worth, the greatest first."""
    ordered = order_of_worth(result.worth, BEDSIDE)
    nothing = [name_of(worth.without, labels) for worth in ordered if bits(worth.expected) == "0"]
    names = [worth.without for worth in ordered] + [ALL_LATENTS, NAIVE]
    rows = []
    for name in names:
        cells = []
        for recorded in (BEDSIDE, WITH_TESTS):
            worth = worth_of(result.worth, name, recorded)
            cells += [interval(worth.loss), bits(worth.expected)]
        rows.append((name_of(name, labels), *cells))
    return Grid(
        title=f"What is lost without each latent, bits a patient ({result.worth_patients:,} patients)",
        columns=("Without", "Bedside", "Bedside, expected", "With tests", "With tests, expected"),
        rows=tuple(rows),
        note="Mean rise of log loss with its 95 % paired bootstrap interval, everything recorded. Expected: the same "
        "with the true cause weighed by its posterior and not drawn, which is never below zero."
        + (f" Nothing at the bedside, where its findings are tests: {', '.join(nothing)}." if nothing else ""),
    )
