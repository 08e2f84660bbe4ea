"""The section on the source documents' claims.

Not here: the measuring (`validation/claims.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from validation.claims import ClaimResult
from validation.sections import Check, Grid, Section

TEXT = (
    "What the guideline answer (G) and the case report (R, with its table of warning signs T1) say, each put to the "
    "model as a named check under the profiles where it must hold.",
    "Under documents the prevalences are the report's own. Four of them were counted among all back pain in primary "
    "care and not among sciatica, so one weak flag for a fracture weighs heavily there: the same finding, another "
    "denominator.",
)


def section(results: Sequence[ClaimResult]) -> Section:
    """Lay out the claims.

    Parameters
    ----------
    results : sequence of ClaimResult
        From `measure_claims`.

    Returns
    -------
    Section
        A check a claim, and what happens under the other profiles.
    """
    checks, others = [], []
    for claim in dict.fromkeys(result.claim.name for result in results):
        own = [result for result in results if result.claim.name == claim]
        required = [result for result in own if result.required]
        detail = " ".join(f"{result.profile}: {result.detail}." for result in required)
        checks.append(Check(own[0].claim.title, all(result.holds for result in required), detail))
        others += [
            (own[0].claim.title, result.profile, "holds" if result.holds else "does not hold", result.detail)
            for result in own
            if not result.required
        ]
    holding = sum(check.holds for check in checks)
    lessons = {result.claim.title: result.claim.what_else for result in results if result.claim.what_else}
    return Section(
        key="claims",
        title="The documents' claims",
        text=TEXT,
        checks=tuple(checks),
        grids=(
            Grid(
                "Under profiles where it is not asked for",
                ("Claim", "Profile", "", "Figures"),
                tuple(others),
                "Not asked for, and shown for the lesson in it.",
            ),
            Grid("What to see in it", ("Claim", "Lesson"), tuple(lessons.items())),
        ),
        figures={
            "claims": [
                {
                    "name": r.claim.name,
                    "title": r.claim.title,
                    "source": r.claim.source,
                    "profile": r.profile,
                    "required": r.required,
                    "holds": r.holds,
                    "detail": r.detail,
                }
                for r in results
            ]
        },
        headline=f"{holding} of {len(checks)} claims of the two source documents hold where they must.",
    )
