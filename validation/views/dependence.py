"""The report's section on structure: double counting, claimed independences, the worth of each latent.

Not here: what was measured (`validation/dependence.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from model.words import percent
from validation.dependence import Dependence
from validation.double_counting import SURE, TiedPair
from validation.independences import NOTHING, SOMETHING, CheckedClaim
from validation.latents import ALL_LATENTS, BEDSIDE, NAIVE, order_of_worth
from validation.sections import Check, Section
from validation.views.dependence_pictures import draw_calibration, draw_worth
from validation.views.dependence_tables import (
    Labels,
    bits,
    claims_grid,
    factor,
    models_grid,
    name_of,
    pair_grids,
    precise,
    right,
    share,
    whole,
    worth_grid,
    worth_of,
)


def section(result: Dependence) -> Section:
    """Return the section on structure.

    Parameters
    ----------
    result : Dependence
        What was measured.

    Returns
    -------
    Section
        For the report.
    """
    labels = dict(result.labels)
    return Section(
        key="dependence",
        title="Structure: what findings say together",
        text=(*_overstatement_text(result), *_worth_text(result, labels)),
        checks=_checks(result, labels),
        grids=(
            models_grid(result),
            *pair_grids(result, labels),
            claims_grid(result.claims, labels),
            worth_grid(result, labels),
        ),
        pictures=(draw_worth(result, labels), draw_calibration(result)),
        figures=_figures(result),
        headline=_headline(result, labels),
    )


def _headline(result: Dependence, labels: Labels) -> str:
    found, first = result.overstatement, order_of_worth(result.worth, BEDSIDE)[0]
    total = worth_of(result.worth, ALL_LATENTS, BEDSIDE)
    return (
        f"Naive Bayes is off by a factor of {factor(found.shift_mean)} in the odds of the leading cause on average "
        f"and puts another cause first in {share(found.leading_differs, found.patients)} of simulated patients. All "
        f"latents together are worth {bits(total.loss.mean)} bits a patient, {labels[first.without].lower()} alone "
        f"{bits(first.loss.mean)}, if the network's own dependence is true."
    )


def _overstatement_text(result: Dependence) -> tuple[str, ...]:
    found, naive, network = result.overstatement, result.overstatement.naive, result.overstatement.network
    return (
        f"{found.patients:,} patients were drawn from the network under the profile {result.profile}; "
        f"{percent(found.recorded)} of what can be asked and examined was recorded. Naive Bayes has the same numbers "
        "for each finding by itself, and takes findings as unrelated once the cause is known. As the patients come "
        "from the network, the network is right here by construction: what is shown is how much its dependence "
        "matters, not whether it is true of patients.",
        "On the cause that the network puts first, naive Bayes is off by a factor of "
        f"{factor(found.shift_mean)} in the odds on (geometric) average, and of {factor(found.shift_95)} or more in "
        f"one patient of twenty; in {percent(found.upward)} of patients it is off upwards. It puts another cause "
        f"first in {share(found.leading_differs, found.patients)} of patients. It gives its leading cause more than "
        f"{whole(SURE)} in {share(naive.sure, found.patients)} of patients, on average "
        f"{precise(naive.sure_said)}, and is then right in {right(naive)}; the network does so in "
        f"{share(network.sure, found.patients)}, says {precise(network.sure_said)} and is right in {right(network)}.",
        "Which pairs of findings are to blame is told in two ways: by the bits that one finding tells of the other "
        "once the cause is known, averaged over all patients, and by how far naive Bayes overstates the odds of the "
        "cause that the two favour when both are there and nothing else is known. A common pair does more harm on "
        "average, a rare one more to the patient who has it.",
    )


def _worth_text(result: Dependence, labels: Labels) -> tuple[str, ...]:
    ordered = order_of_worth(result.worth, BEDSIDE)
    total = worth_of(result.worth, ALL_LATENTS, BEDSIDE)
    naive = worth_of(result.worth, NAIVE, BEDSIDE)
    first, second = ordered[:2]
    return (
        "The design claims who tells what of whom. Each claim was checked in the graph (d-separation) and in the "
        "numbers (mutual information, from the exact joint distribution): independent means under "
        f"{NOTHING:g} bits, dependent over {SOMETHING:g}. This shows that the network is built as designed; where the "
        "design itself is too simple, the table says so.",
        "What a latent is worth is the rise in log loss when its findings are made unrelated given the cause, each "
        f"keeping its own frequency, on {result.worth_patients:,} patients of the full network. With every finding of "
        f"the bedside recorded, all latents together are worth {bits(total.loss.mean)} bits a patient, of which "
        f"{labels[first.without].lower()} alone has {bits(first.loss.mean)} and {labels[second.without].lower()} "
        f"{bits(second.loss.mean)}; naive Bayes, which also ignores logic, age and cauda equina syndrome, loses "
        f"{bits(naive.loss.mean)}. This is a mean over all patients, most of whom have a common cause: "
        "what a latent does for the few who have its findings shows in the second table of pairs.",
        "This measures worth if the network's own dependence is true. Of the "
        f"{result.strengths} numbers that say how strongly findings hang together, {result.judged_strengths} are "
        "judgements: in real patients a latent may be worth nothing, or more than here.",
    )


def _checks(result: Dependence, labels: Labels) -> tuple[Check, ...]:
    pairs = sum(len(checked.claim.pairs) for checked in result.claims)
    counted = f"{len(result.claims)} claims, {pairs:,} pairs"
    below = [w for w in result.worth if w.loss.high < 0]
    least = min(result.worth, key=lambda worth: worth.loss.low)
    named = ", ".join(f"{name_of(w.without, labels)} ({w.recorded})" for w in below)
    lowest = f"the lowest end of an interval is {least.loss.low:.2g} bits"
    return (
        Check(
            "Every independence and dependence that the design claims holds in the graph",
            not any(checked.graph_against for checked in result.claims),
            _against([(c, c.graph_against) for c in result.claims]) or counted,
        ),
        Check(
            "Every independence and dependence that the design claims holds in the numbers",
            not any(checked.numbers_against for checked in result.claims),
            _against([(c, c.numbers_against) for c in result.claims]) or counted,
        ),
        Check("No latent is worth less than nothing beyond noise", not below, named or lowest),
    )


def _against(found: Iterable[tuple[CheckedClaim, Sequence[tuple[str, str]]]]) -> str:
    """Return the claims that do not hold, each with its first pair; empty where all hold."""
    return "; ".join(
        f"{checked.claim.says}: not so for {len(pairs)} of {len(checked.claim.pairs)} pairs, first "
        f"{pairs[0][0]} and {pairs[0][1]}"
        for checked, pairs in found
        if pairs
    )


def _figures(result: Dependence) -> dict[str, Any]:
    syndromes = {worth.without for worth in result.worth}
    return {
        "profile": result.profile,
        "overstatement": asdict(result.overstatement),
        "pairs": [_pair_figures(pair) for pair in result.pairs if pair.tie in syndromes],
        "claims": [
            {
                "says": checked.claim.says,
                "given": list(checked.claim.given),
                "pairs": len(checked.claim.pairs),
                "independent": checked.claim.independent,
                "holds_in_graph": not checked.graph_against,
                "holds_in_numbers": not checked.numbers_against,
                "least_bits": checked.least,
                "most_bits": checked.most,
            }
            for checked in result.claims
        ],
        "worth": [asdict(worth) for worth in result.worth],
        "worth_patients": result.worth_patients,
        "strengths": result.strengths,
        "judged_strengths": result.judged_strengths,
    }


def _pair_figures(pair: TiedPair) -> dict[str, Any]:
    """Return a pair's figures; null where the two are never together."""

    def finite(value: float) -> float | None:
        return value if math.isfinite(value) else None

    by_cause = {cause: finite(value) for cause, value in pair.together}
    return asdict(pair) | {"together": by_cause, "together_mean": finite(pair.together_mean)}
