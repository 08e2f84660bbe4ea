"""Scores of probabilities against what turned out: case by case, paired differences, calibration, net benefit.

Thin: scikit-learn, scipy, statsmodels and dcurves do the work where they have the score. Not here: plots.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import statsmodels.api as sm
from dcurves import dca
from numpy.typing import NDArray
from scipy import stats
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss, top_k_accuracy_score

from model.network import Table

Truth = NDArray[np.intp]
SMALLEST = 1e-12  # a probability of zero would cost infinitely much; no case here has one
RESAMPLES = 5000
AT_ONCE = 50  # resamples in memory together; the interval is the same for any number


@dataclass(frozen=True, slots=True)
class Scores:
    """How well probabilities told the true cause.

    Parameters
    ----------
    cases : int
        Number of cases.
    log_loss : float
        Mean of -ln P(true cause), nats.
    brier : float
        Mean of the sum over causes of (p - y) squared, 0 to 2.
    top_1, top_3 : float
        Share of cases with the true cause first, among the first three.
    """

    cases: int
    log_loss: float
    brier: float
    top_1: float
    top_3: float


def scores(probs: Table, truth: Truth) -> Scores:
    """Score probabilities.

    Parameters
    ----------
    probs : ndarray, shape (cases, causes)
        Rows sum to one.
    truth : ndarray of int, shape (cases,)
        Column of the true cause.

    Returns
    -------
    Scores
        As scikit-learn computes them.

    Examples
    --------
    >>> found = scores(np.array([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]]), np.array([0, 2]))
    >>> f"{found.log_loss:.4f} {found.brier:.4f} {found.top_1} {found.top_3}"
    '1.0397 0.6250 0.5 1.0'
    """
    labels = np.arange(probs.shape[1])
    clipped = np.clip(probs, SMALLEST, 1)
    clipped = clipped / clipped.sum(axis=1, keepdims=True)
    return Scores(
        cases=len(truth),
        log_loss=float(log_loss(truth, clipped, labels=labels)),
        brier=float(brier_score_loss(truth, clipped, labels=labels, scale_by_half=False)),
        top_1=float(top_k_accuracy_score(truth, probs, k=1, labels=labels)),
        top_3=float(top_k_accuracy_score(truth, probs, k=3, labels=labels)) if probs.shape[1] > 3 else 1.0,
    )


def log_scores(probs: Table, truth: Truth) -> Table:
    """Return -ln P(true cause) of each case, shape (cases,)."""
    own: Table = -np.log(np.clip(probs[np.arange(len(truth)), truth], SMALLEST, 1))
    return own


def brier_scores(probs: Table, truth: Truth) -> Table:
    """Return the Brier score of each case, 0 to 2, shape (cases,)."""
    own: Table = np.square(probs - np.eye(probs.shape[1])[truth]).sum(axis=1)
    return own


def ranks(probs: Table, truth: Truth) -> Truth:
    """Return the rank of the true cause in each case, 1 for the likeliest; ties take the better rank."""
    own = probs[np.arange(len(truth)), truth]
    found: Truth = 1 + (probs > own[:, None]).sum(axis=1)
    return found


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean of paired differences with its 95 % bootstrap interval; below zero the first is better."""

    mean: float
    low: float
    high: float


def paired_difference(first: Table, second: Table, seed: int) -> Difference:
    """Return the mean of `first - second` over the same cases, with a bias-corrected bootstrap interval.

    Parameters
    ----------
    first, second : ndarray, shape (cases,)
        A score of each case under two models.
    seed : int
        Of the resampling.

    Returns
    -------
    Difference
        scipy's BCa interval over 5,000 resamples of the cases; of no width where all differences are the same.
    """
    differences = np.asarray(first) - np.asarray(second)
    mean = float(differences.mean())
    if np.ptp(differences) < SMALLEST:
        return Difference(mean, mean, mean)
    rng = np.random.default_rng(seed)
    found = stats.bootstrap((differences,), np.mean, n_resamples=RESAMPLES, rng=rng, batch=AT_ONCE)
    return Difference(mean, float(found.confidence_interval.low), float(found.confidence_interval.high))


def wilson(events: int, total: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share.

    Examples
    --------
    >>> [round(end, 3) for end in wilson(9, 32)]
    [0.156, 0.454]
    """
    found = stats.binomtest(events, total).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


@dataclass(frozen=True, slots=True)
class Calibration:
    """How predicted and observed shares agree.

    Parameters
    ----------
    slope, intercept : float
        Of a logistic regression of the outcome on the predicted log odds: 1 and 0 where calibrated. The intercept
        is told with the slope fixed at one (calibration in the large).
    predicted, observed : tuple of float
        Means of bins of equal size.
    """

    slope: float
    intercept: float
    predicted: tuple[float, ...]
    observed: tuple[float, ...]


def calibration(probs: Table, outcome: NDArray[np.bool_], bins: int = 10) -> Calibration:
    """Return the calibration of probabilities of one outcome.

    Parameters
    ----------
    probs : ndarray, shape (cases,)
        Predicted.
    outcome : ndarray of bool, shape (cases,)
        What happened; both values occur.
    bins : int
        Number of bins.

    Returns
    -------
    Calibration
        Curve by scikit-learn, slope and intercept by statsmodels.
    """
    clipped = np.clip(probs, SMALLEST, 1 - 1e-9)
    log_odds = np.log(clipped) - np.log1p(-clipped)
    binomial = sm.families.Binomial()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nearly separated cohorts: the fit is still the maximum
        slope = sm.GLM(outcome.astype(float), sm.add_constant(log_odds), family=binomial).fit().params[1]
        intercept = sm.GLM(outcome.astype(float), np.ones(len(outcome)), family=binomial, offset=log_odds).fit()
    observed, predicted = calibration_curve(outcome, probs, n_bins=bins, strategy="quantile")
    return Calibration(
        slope=float(slope),
        intercept=float(intercept.params[0]),
        predicted=tuple(predicted.tolist()),
        observed=tuple(observed.tolist()),
    )


def net_benefit(
    outcome: NDArray[np.bool_], models: Mapping[str, Table], thresholds: Sequence[float]
) -> dict[str, tuple[float, ...]]:
    """Return the net benefit of acting by each model, of treating all and of treating none.

    Parameters
    ----------
    outcome : ndarray of bool, shape (cases,)
        Who had it.
    models : mapping of str to ndarray, shape (cases,)
        Predicted probability; 0 or 1 for a rule.
    thresholds : sequence of float
        Probabilities from which one would act.

    Returns
    -------
    dict of str to tuple of float
        By model, `all` and `none`, one value a threshold: true positives less false positives weighed by the odds
        of the threshold, per patient (Vickers and Elkin 2006, doi 10.1177/0272989X06295361), by dcurves.

    Examples
    --------
    >>> outcome = np.array([True, True, False, False])
    >>> found = net_benefit(outcome, {"model": np.array([0.9, 0.1, 0.3, 0.1])}, [0.2])
    >>> {name: round(values[0], 4) for name, values in found.items()}
    {'model': 0.1875, 'all': 0.375, 'none': 0.0}
    """
    data = pd.DataFrame({"outcome": outcome.astype(int), **models})
    found = dca(data=data, outcome="outcome", modelnames=list(models), thresholds=np.asarray(thresholds, dtype=float))
    return {
        name: tuple(own.sort_values("threshold")["net_benefit"].tolist())
        for name, own in found.groupby("model", sort=False)
    }
