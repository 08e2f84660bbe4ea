"""Coverage: whether posteriors under numbers that are a draw themselves lie in the model's 95 % bands.

Arithmetic, not truth about patients. Not here: the bands (`validation/truths.py`), calibration of the posteriors
(`validation/recalibration.py`), the section (`validation/views/coverage.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import statsmodels.api as sm
from numpy.typing import NDArray

from model import Model
from model.network import Table
from priors.records import CAUDA_EQUINA
from validation.cohort import ASSESSED, serious_causes
from validation.recalibration import (
    LEADING,
    NOTABLE,
    NOTABLE_FROM,
    Recalibration,
    RecalibrationSizes,
    measure_recalibration,
)
from validation.sections import Progress
from validation.truths import Banded, Patient, Visit, band_patients, draw_truths, visit_patients

Yes = NDArray[np.bool_]

OWN, OTHER, WEIGHTED = KINDS = ("own", "other", "weighted")
"""The findings come from the truth; from another draw; from the truth, and each draw has the weight P(findings)."""

ALL = "all"
SUBSETS = (ALL, NOTABLE, LEADING)
QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)


@dataclass(frozen=True, slots=True)
class CoverageSizes:
    """How much is simulated.

    Parameters
    ----------
    truths : int
        Draws of the numbers that are truths; an even number, four or more.
    visits : tuple of Visit
        The first is the bedside visit; the others show what a shorter record does.
    recalibration : RecalibrationSizes
        Patients for calibration.
    seed : int
        Of the truths and of their patients; not that of the model's own draws.
    """

    truths: int = 256
    visits: tuple[Visit, ...] = (Visit(ASSESSED, 2), Visit(0.3, 1), Visit(0.1, 1))
    recalibration: RecalibrationSizes = field(default_factory=RecalibrationSizes)
    seed: int = 20_261_205


USUAL = CoverageSizes()


@dataclass(frozen=True, slots=True)
class Covered:
    """A share of posteriors, and its standard error, told from how it differs between truths.

    Parameters
    ----------
    share : float
        Of the posteriors looked at.
    error : float
        Patients of one truth share its numbers, so truths are the units.
    posteriors : int
        How many.
    """

    share: float
    error: float
    posteriors: int


@dataclass(frozen=True, slots=True)
class OutcomeCoverage:
    """Coverage of one cause, or of cauda equina syndrome.

    Parameters
    ----------
    inside : mapping of str to Covered
        By kind: share inside the band.
    below, above : Covered
        Where the findings come from the truth: share under the lower end, and over the upper.
    """

    inside: Mapping[str, Covered]
    below: Covered
    above: Covered


@dataclass(frozen=True, slots=True)
class VisitCoverage:
    """Coverage among the patients of one kind of visit.

    Parameters
    ----------
    visit : Visit
        How much is recorded.
    patients : int
        Of all truths.
    findings : float
        Mean number recorded, age, sex and duration included.
    inside : mapping of str to mapping of str to Covered
        By kind, then subset of posteriors.
    outcomes : mapping of str to OutcomeCoverage
        By cause, and cauda equina syndrome.
    leading_above, serious_above : Covered
        Where the findings come from the truth: share over the upper end, for the leading cause, and for the serious
        causes and cauda equina syndrome.
    per_truth : tuple of float
        Quantiles, over truths, of the share inside where the findings come from the truth.
    effective_draws : tuple of float
        Quantiles, over patients, of the effective sample size of the weighted draws.
    """

    visit: Visit
    patients: int
    findings: float
    inside: Mapping[str, Mapping[str, Covered]]
    outcomes: Mapping[str, OutcomeCoverage]
    leading_above: Covered
    serious_above: Covered
    per_truth: tuple[float, ...]
    effective_draws: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Coverage of the bands and calibration of the posteriors.

    Parameters
    ----------
    sizes : CoverageSizes
        What was asked for.
    profile : str
        Of the model.
    draws : int
        The model's own.
    labels : mapping of str to str
        Outcome -> label for people.
    visits : tuple of VisitCoverage
        In the order of the sizes.
    recalibration : Recalibration
        Calibration.
    """

    sizes: CoverageSizes
    profile: str
    draws: int
    labels: Mapping[str, str]
    visits: tuple[VisitCoverage, ...]
    recalibration: Recalibration


def measure_coverage(model: Model, told: Progress, sizes: CoverageSizes = USUAL) -> Coverage:
    """Measure the coverage of the model's bands, and the calibration of its posteriors.

    Parameters
    ----------
    model : Model
        Under any profile; the truths are draws of its numbers.
    told : callable
        Is told what is being done.
    sizes : CoverageSizes
        How much is simulated.

    Returns
    -------
    Coverage
        Checks the arithmetic of draws, bands and posteriors.
    """
    told("drawing the truths")
    truths = draw_truths(model, sizes.truths, sizes.seed)
    structure = model.priors.structure
    outcomes = (*structure.cause_names, CAUDA_EQUINA)
    serious = [outcomes.index(name) for name in (*serious_causes(structure), CAUDA_EQUINA)]
    visits = []
    for number, visit in enumerate(sizes.visits):
        patients = visit_patients(model, truths, visit, [sizes.seed, number])
        banded = band_patients(model, truths, patients, told)
        visits.append(visit_coverage(visit, patients, banded, outcomes, serious))
    labels = {cause.name: cause.short for cause in (*structure.causes, structure.complication)}
    recalibration = measure_recalibration(model, truths, sizes.recalibration, sizes.seed, told)
    return Coverage(sizes, model.profile, model.draws.settings.size, labels, tuple(visits), recalibration)


def covered(hits: Yes, counted: Yes, truth: NDArray[np.intp]) -> Covered:
    """Return the share of hits among what counts.

    Parameters
    ----------
    hits, counted : ndarray of bool, shape (patients, outcomes)
        What is a hit; what is looked at.
    truth : ndarray of int, shape (patients,)
        The draw that made each patient.

    Returns
    -------
    Covered
        With statsmodels' cluster-robust standard error, the truths being the clusters.
    """
    groups, found = np.broadcast_to(truth[:, None], hits.shape)[counted], hits[counted].astype(float)
    fit = sm.OLS(found, np.ones(len(groups))).fit(cov_type="cluster", cov_kwds={"groups": groups})
    return Covered(float(found.mean()), float(fit.bse[0]), len(groups))


def visit_coverage(
    visit: Visit, patients: Sequence[Patient], banded: Banded, outcomes: Sequence[str], serious: Sequence[int]
) -> VisitCoverage:
    """Return the coverage among patients.

    Parameters
    ----------
    visit : Visit
        How much is recorded.
    patients : sequence of Patient
        Of every truth.
    banded : Banded
        Their posteriors and bands.
    outcomes : sequence of str
        What the columns of the posteriors are of.
    serious : sequence of int
        Columns of what must not be missed.

    Returns
    -------
    VisitCoverage
        Overall, by outcome and from truth to truth.
    """
    inside = {
        OWN: _within(banded.own, banded.ends),
        OTHER: _within(banded.other, banded.ends),
        WEIGHTED: _within(banded.own, banded.weighted_ends),
    }
    above, subsets = banded.own > banded.ends[:, 1], _subsets(banded.stated)
    grave = np.isin(np.broadcast_to(np.arange(len(outcomes)), above.shape), serious)
    truths = [inside[OWN][banded.truth == truth].mean() for truth in np.unique(banded.truth)]
    return VisitCoverage(
        visit=visit,
        patients=len(patients),
        findings=float(np.mean([len(patient.evidence.nodes) for patient in patients])),
        inside={
            kind: {name: covered(hits, subsets[name], banded.truth) for name in SUBSETS}
            for kind, hits in inside.items()
        },
        outcomes={name: _outcome(banded, inside, column) for column, name in enumerate(outcomes)},
        leading_above=covered(above, subsets[LEADING], banded.truth),
        serious_above=covered(above, grave, banded.truth),
        per_truth=tuple(np.quantile(truths, QUANTILES).tolist()),
        effective_draws=tuple(np.quantile(banded.effective, QUANTILES).tolist()),
    )


def _outcome(banded: Banded, inside: Mapping[str, Yes], column: int) -> OutcomeCoverage:
    """Return the coverage of one column of the posteriors."""
    own = np.zeros(banded.own.shape, dtype=np.bool_)
    own[:, column] = True
    return OutcomeCoverage(
        inside={kind: covered(hits, own, banded.truth) for kind, hits in inside.items()},
        below=covered(banded.own < banded.ends[:, 0], own, banded.truth),
        above=covered(banded.own > banded.ends[:, 1], own, banded.truth),
    )


def _within(posterior: Table, ends: Table) -> Yes:
    found: Yes = (ends[:, 0] <= posterior) & (posterior <= ends[:, 1])
    return found


def _subsets(stated: Table) -> dict[str, Yes]:
    """Return which posteriors each subset holds; the last column, cauda equina syndrome, is no cause that leads."""
    leading = np.zeros(stated.shape, dtype=np.bool_)
    leading[np.arange(len(stated)), stated[:, :-1].argmax(axis=1)] = True
    return {ALL: np.ones_like(leading), NOTABLE: stated >= NOTABLE_FROM, LEADING: leading}
