"""Tables of the section on coverage and calibration, and how their figures are written.

Not here: text, checks and pictures (`validation/views/coverage.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

from validation.coverage import ALL, KINDS, OTHER, OWN, WEIGHTED, Coverage, Covered
from validation.recalibration import FEWEST, LEADING, NOTABLE, Outcome
from validation.sections import Grid

KIND_NAMES = {
    OWN: "numbers that made the patient",
    OTHER: "numbers drawn without regard to the findings",
    WEIGHTED: "numbers that made the patient, weighted draws",
}
VISIBLE_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 0.9, 0.95, 0.99, 0.998)
POOLED_NAMES = {NOTABLE: "all causes, posteriors of 1 % or more", LEADING: "the leading cause"}


def hundred(share: float, digits: int = 1) -> str:
    """Write a measured share in percent; posteriors near one another differ in its decimal.

    Examples
    --------
    >>> hundred(0.94961), hundred(0.7, 0)
    ('95.0 %', '70 %')
    """
    return f"{100 * share:.{digits}f} %"


def precise(value: float) -> str:
    """Write a slope, an intercept or an error of one.

    Examples
    --------
    >>> precise(0.99657), precise(-0.00001)
    ('0.997', '0.000')
    """
    return f"{round(value, 3) + 0:.3f}"


def with_error(found: Covered) -> str:
    """Write a share with its standard error."""
    return f"{hundred(found.share)} (SE {100 * found.error:.1f})"


def name_of(outcome: str, result: Coverage) -> str:
    """Return the label of an outcome or of outcomes pooled."""
    return POOLED_NAMES.get(outcome) or result.labels[outcome]


def visits_grid(result: Coverage) -> Grid:
    """Return coverage by how much a visit records.

    Parameters
    ----------
    result : Coverage
        What was measured.

    Returns
    -------
    Grid
        One row a visit and kind of numbers.
    """
    rows = []
    for found in result.visits:
        visit = f"{hundred(found.visit.assessed, 0)} recorded, {found.findings:.0f} items"
        for kind in KINDS:
            shares = [with_error(found.inside[kind][name]) for name in (ALL, NOTABLE, LEADING)]
            rows.append((visit, KIND_NAMES[kind], f"{found.patients:,}", *shares))
    low, first, middle, third, high = (hundred(share, 0) for share in result.visits[0].per_truth)
    return Grid(
        "Share of posteriors inside the 95 % bands",
        ("Visit", "Posterior under", "Patients", "All", "1 % or more", "Leading cause"),
        tuple(rows),
        f"SE: standard error in percentage points, truths as the units. At the first visit, in which "
        f"{result.sizes.visits[0].patients} patients of a truth are seen, the share inside under the numbers that made "
        f"them differs from truth to truth: median {middle}, middle half {first} to {third}, middle 95 % {low} to "
        f"{high}.",
    )


def outcomes_grid(result: Coverage) -> Grid:
    """Return coverage by outcome at the bedside visit.

    Parameters
    ----------
    result : Coverage
        What was measured.

    Returns
    -------
    Grid
        One row a cause, and cauda equina syndrome.
    """
    rows = []
    for name, own in result.visits[0].outcomes.items():
        shares = [with_error(own.inside[kind]) for kind in (OTHER, WEIGHTED, OWN)]
        rows.append((name_of(name, result), *shares, hundred(own.below.share), hundred(own.above.share)))
    return Grid(
        "By outcome, at the bedside visit",
        (
            "Outcome",
            "Inside, numbers drawn apart",
            "Inside, weighted draws",
            "Inside, numbers that made the patient",
            "of these below",
            "of these above",
        ),
        tuple(rows),
        "Below and above the band: under the numbers that made the patient.",
    )


def stated_grid(result: Coverage) -> Grid:
    """Return calibration on patients of the stated network.

    Parameters
    ----------
    result : Coverage
        What was measured.

    Returns
    -------
    Grid
        One row an outcome.
    """
    return _calibration_grid(
        f"Calibration on {result.sizes.recalibration.stated:,} patients of the stated network",
        result.recalibration.stated,
        result,
        "Slope and intercept (calibration in the large, slope fixed at one) with standard errors; none where fewer "
        f"than {FEWEST} patients have the outcome.",
    )


def drawn_grid(result: Coverage) -> Grid:
    """Return calibration on patients of all truths.

    Parameters
    ----------
    result : Coverage
        What was measured.

    Returns
    -------
    Grid
        One row an outcome.
    """
    size = result.sizes.truths * result.sizes.recalibration.drawn
    return _calibration_grid(
        f"Calibration on {size:,} patients of {result.sizes.truths} truths together",
        result.recalibration.drawn,
        result,
        "Stated posteriors; standard errors with truths as the units.",
    )


def _calibration_grid(title: str, found: Mapping[str, Outcome], result: Coverage, note: str) -> Grid:
    rows = []
    for name, own in found.items():
        cells = [f"{own.events:,}", f"{own.expected:,.1f}"]
        if own.found is None or own.slope_error is None or own.intercept_error is None:
            cells += ["too few", "too few"]
        else:
            cells.append(f"{precise(own.found.slope)} (SE {precise(own.slope_error)})")
            cells.append(f"{precise(own.found.intercept)} (SE {precise(own.intercept_error)})")
        rows.append((name_of(name, result), *cells))
    return Grid(title, ("Posterior of", "True in", "Expected", "Slope", "Intercept"), tuple(rows), note)
