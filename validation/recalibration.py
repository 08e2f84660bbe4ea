"""Calibration of the stated posteriors: on patients of the stated network, and on patients of drawn truths.

Arithmetic, not truth about patients. Not here: slope and curve themselves (`validation/scores.py`), the truths
(`validation/truths.py`), the section (`validation/views/coverage.py`).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import statsmodels.api as sm
from numpy.typing import NDArray

from model import Model
from model.network import Network, Table
from priors.records import CAUDA_EQUINA, CAUSE, PRESENT
from validation.cohort import bedside_nodes, posteriors, simulate
from validation.scores import SMALLEST, Calibration, Truth, calibration
from validation.sections import Progress
from validation.truths import DrawnTruth

Groups = NDArray[np.intp]
Yes = NDArray[np.bool_]

NOTABLE, LEADING = POOLED = ("notable", "leading")
NOTABLE_FROM = 0.01  # posterior from which one is notable
FEWEST = 20  # events, or non-events, below which no slope is fitted
QUANTILES = (0.025, 0.5, 0.975)


@dataclass(frozen=True, slots=True)
class RecalibrationSizes:
    """How much is simulated.

    Parameters
    ----------
    stated : int
        Patients of the stated network.
    drawn : int
        Patients of each truth.
    """

    stated: int = 40_000
    drawn: int = 400


@dataclass(frozen=True, slots=True)
class Outcome:
    """Calibration of the posterior of one outcome, or of several pooled.

    Parameters
    ----------
    posteriors, events : int
        How many posteriors, and how often what they are of was true.
    expected : float
        Sum of the posteriors.
    found : Calibration or None
        Slope, intercept and curve; None where events are too few.
    slope_error, intercept_error : float or None
        Standard errors, where there is a slope; patients of a group may differ together from the rest.
    """

    posteriors: int
    events: int
    expected: float
    found: Calibration | None
    slope_error: float | None = None
    intercept_error: float | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """Slopes of the notable posteriors, truth by truth.

    Parameters
    ----------
    quantiles : tuple of float
        At `QUANTILES`.
    mean, deviation : float
        Over truths.
    error : float
        What sampling of patients alone would make of the deviation.
    """

    quantiles: tuple[float, ...]
    mean: float
    deviation: float
    error: float

    @property
    def between(self) -> float:
        """Deviation of the slope between truths, sampling of patients taken out."""
        return float(np.sqrt(max(0.0, self.deviation**2 - self.error**2)))


@dataclass(frozen=True, slots=True)
class Recalibration:
    """Calibration of the stated posteriors.

    Parameters
    ----------
    stated : mapping of str to Outcome
        On patients of the stated network: `POOLED`, then by cause, and cauda equina syndrome.
    drawn : mapping of str to Outcome
        On patients of the truths together: `POOLED`, and cauda equina syndrome.
    spread : Spread
        From truth to truth.
    """

    stated: Mapping[str, Outcome]
    drawn: Mapping[str, Outcome]
    spread: Spread


def measure_recalibration(
    model: Model, truths: Sequence[DrawnTruth], sizes: RecalibrationSizes, seed: int, told: Progress
) -> Recalibration:
    """Measure the calibration of the stated posteriors.

    Parameters
    ----------
    model : Model
        Whose posteriors.
    truths : sequence of DrawnTruth
        Each makes patients.
    sizes : RecalibrationSizes
        How many.
    seed : int
        Of the patients.
    told : callable
        Is told what is being done.

    Returns
    -------
    Recalibration
        Findings of history and examination, part of them recorded.
    """
    told("calibration on patients of the stated network")
    causes = model.network.node(CAUSE).states
    scored = _score(model, model.network, sizes.stated, [seed])
    alone = np.arange(sizes.stated)
    stated = _pooled(scored, alone)
    for column, cause in enumerate(causes):
        stated[cause] = outcome_calibration(scored.probs[:, column], scored.causes == column, alone)
    stated[CAUDA_EQUINA] = outcome_calibration(scored.complication, scored.cauda_equina, alone)
    told("calibration on patients of the truths")
    parts = [_score(model, truth.network, sizes.drawn, [seed, i]) for i, truth in enumerate(truths)]
    together = Scored(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    by_truth = np.repeat(np.arange(len(truths)), sizes.drawn)
    drawn = _pooled(together, by_truth)
    drawn[CAUDA_EQUINA] = outcome_calibration(together.complication, together.cauda_equina, by_truth)
    told("calibration truth by truth")
    return Recalibration(stated, drawn, _spread(parts))


class Scored(NamedTuple):
    """Stated posteriors of patients, and what is true of them.

    Parameters
    ----------
    probs : ndarray, shape (patients, causes)
        P(cause | findings).
    complication : ndarray, shape (patients,)
        P(cauda equina syndrome | findings).
    causes : ndarray of int, shape (patients,)
        True cause.
    cauda_equina : ndarray of bool, shape (patients,)
        Whether it is there.
    """

    probs: Table
    complication: Table
    causes: Truth
    cauda_equina: Yes


def _score(model: Model, network: Network, size: int, seed: Sequence[int]) -> Scored:
    """Simulate patients of a network and ask the model about them."""
    cohort = simulate(network, size, np.random.default_rng(seed), bedside_nodes(model.priors.structure))
    probs = posteriors(model.batch_tables, cohort.batch)
    present = model.network.node(CAUDA_EQUINA).index(PRESENT)
    return Scored(probs[CAUSE], probs[CAUDA_EQUINA][:, present], cohort.causes, cohort.cauda_equina)


def _notable(scored: Scored, groups: Groups) -> tuple[Table, Yes, Groups]:
    """Return the notable posteriors of all causes, whether each is of the true cause, and the group of each."""
    rows, columns = np.nonzero(scored.probs >= NOTABLE_FROM)
    return scored.probs[rows, columns], scored.causes[rows] == columns, groups[rows]


def _pooled(scored: Scored, groups: Groups) -> dict[str, Outcome]:
    first = scored.probs.argmax(axis=1)
    return {
        NOTABLE: outcome_calibration(*_notable(scored, groups)),
        LEADING: outcome_calibration(scored.probs.max(axis=1), scored.causes == first, groups),
    }


def outcome_calibration(probs: Table, outcome: Yes, groups: Groups) -> Outcome:
    """Return the calibration of probabilities, with standard errors.

    Parameters
    ----------
    probs : ndarray, shape (posteriors,)
        Predicted.
    outcome : ndarray of bool, shape (posteriors,)
        What was true.
    groups : ndarray of int, shape (posteriors,)
        Posteriors of one group (a patient, or a truth) need not be independent.

    Returns
    -------
    Outcome
        Slope, intercept and curve by `validation.scores.calibration`, cluster-robust errors by statsmodels.
    """
    events = int(outcome.sum())
    if not FEWEST <= events <= len(outcome) - FEWEST:
        return Outcome(len(outcome), events, float(probs.sum()), None)
    slope, intercept = calibration_errors(probs, outcome, groups)
    return Outcome(len(outcome), events, float(probs.sum()), calibration(probs, outcome), slope, intercept)


def calibration_errors(probs: Table, outcome: Yes, groups: Groups) -> tuple[float, float]:
    """Return the standard errors of calibration slope and intercept, the latter with the slope fixed at one.

    Parameters
    ----------
    probs : ndarray, shape (posteriors,)
        Predicted.
    outcome : ndarray of bool, shape (posteriors,)
        What was true.
    groups : ndarray of int, shape (posteriors,)
        Posteriors of one group need not be independent.

    Returns
    -------
    tuple of float
        Of the two regressions of `validation.scores.calibration`.
    """
    clipped = np.clip(probs, SMALLEST, 1 - 1e-9)
    log_odds = np.log(clipped) - np.log1p(-clipped)
    true, ones = outcome.astype(float), np.ones(len(outcome))
    binomial, clustered = sm.families.Binomial(), {"cov_type": "cluster", "cov_kwds": {"groups": groups}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nearly separated cohorts: the fit is still the maximum
        slope = sm.GLM(true, np.column_stack([ones, log_odds]), family=binomial).fit(**clustered)
        intercept = sm.GLM(true, ones, family=binomial, offset=log_odds).fit(**clustered)
    return float(slope.bse[1]), float(intercept.bse[0])


def _spread(parts: Sequence[Scored]) -> Spread:
    """Return how the slope of the notable posteriors differs between truths."""
    slopes, errors = [], []
    for scored in parts:
        probs, outcome, patients = _notable(scored, np.arange(len(scored.causes)))
        slopes.append(calibration(probs, outcome).slope)
        errors.append(calibration_errors(probs, outcome, patients)[0])
    return Spread(
        quantiles=tuple(np.quantile(slopes, QUANTILES).tolist()),
        mean=float(np.mean(slopes)),
        deviation=float(np.std(slopes, ddof=1)),
        error=float(np.sqrt(np.mean(np.square(errors)))),
    )
