"""How prevalences are drawn: every draw sums to one, the means are the stated values, the leading range is kept.

The leading cause has a distribution of its own; the others share what it leaves. Not here: other numbers
(`priors/uncertainty.py`, `model/draws.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from model.errors import BadNetwork
from model.network import Table
from model.rows import expit
from priors.odds import NORMAL_975, logit
from priors.records import Estimate
from priors.uncertainty import beta_of

QUADRATURE = 128  # nodes of the Gauss-Hermite rule for the mean of the leading cause
CENTRE_DRAWS, CENTRE_STEPS, CENTRE_TOLERANCE = 1 << 14, 200, 1e-12
WIDEST = NORMAL_975  # no spread of a log-normal share puts its upper end further above a fixed mean


@dataclass(frozen=True, slots=True)
class SplitNormal:
    """A log-odds that is normal on either side of its centre, with a spread for each side."""

    centre: float
    lower: float
    upper: float

    def probability(self, z: Table) -> Table:
        """Return the probability at standard normal deviates."""
        return expit(self.centre + np.where(z < 0, self.lower, self.upper) * z)


def interval_of(number: Estimate) -> tuple[float, float]:
    """Return the 95 % interval of a prevalence: as stated, or that of its counts."""
    if number.low is not None and number.high is not None:
        return number.low, number.high
    return beta_of(number.events or 0, number.total or 0).interval()


def leading_distribution(number: Estimate) -> SplitNormal:
    """Return the distribution of the leading cause's prevalence: mean the value, 95 % band the stated interval.

    Parameters
    ----------
    number : Estimate
        The prevalence.

    Returns
    -------
    SplitNormal
        Its 2.5 % and 97.5 % points are the interval exactly, its mean the value.

    Raises
    ------
    BadNetwork
        Where no such distribution has that mean: the value lies too near an end of its interval.
    """
    low, high = (logit(p) for p in interval_of(number))
    z, weights = np.polynomial.hermite_e.hermegauss(QUADRATURE)
    weights = weights / weights.sum()

    def at(centre: float) -> SplitNormal:
        return SplitNormal(centre, (centre - low) / NORMAL_975, (high - centre) / NORMAL_975)

    left, right = low, high
    if not float(weights @ at(left).probability(z)) < number.value < float(weights @ at(right).probability(z)):
        raise BadNetwork(
            f"a prevalence of {number.value:g} cannot be the mean of a distribution whose 95 % band is "
            f"{expit(np.array(low)):.4g} to {expit(np.array(high)):.4g}; widen the interval on its far side"
        )
    for _ in range(200):
        centre = (left + right) / 2
        left, right = (centre, right) if float(weights @ at(centre).probability(z)) < number.value else (left, centre)
    return at((left + right) / 2)


def share_spread(number: Estimate) -> float:
    """Return the standard deviation of the log of a share whose mean stays at the value.

    Parameters
    ----------
    number : Estimate
        The prevalence of a cause other than the leading one.

    Returns
    -------
    float
        From the wider side of the interval on the log-odds scale; larger where the band would else end below the
        interval's upper end, as far as a fixed mean allows: exp(1.96 s - s^2 / 2) is at most 6.8, at s = 1.96.
    """
    low, high = interval_of(number)
    middle = logit(number.value)
    spread = max(logit(high) - middle, middle - logit(low)) / NORMAL_975
    reach = 2 * math.log(high / number.value)
    if spread < WIDEST and reach < WIDEST**2:
        spread = max(spread, WIDEST - math.sqrt(WIDEST**2 - reach))
    return spread


def share_centres(values: Table, spreads: Table, rng: np.random.Generator) -> Table:
    """Return the centres that make the means of logistic-normal shares the values.

    Parameters
    ----------
    values : ndarray, shape (causes,)
        Means wanted; they sum to one.
    spreads : ndarray, shape (causes,)
        Standard deviation of each log share before they are made to sum to one.
    rng : Generator
        Source of the deviates that stand for the expectation.

    Returns
    -------
    ndarray, shape (causes,)
        For `shares_at`.

    Raises
    ------
    BadNetwork
        Where the search does not come to an end.
    """
    half = rng.standard_normal((len(values), CENTRE_DRAWS // 2))
    z = np.concatenate([half, -half], axis=1)
    centres = np.log(values) - spreads**2 / 2
    for _ in range(CENTRE_STEPS):
        means = shares_at(centres, spreads, z).mean(axis=1)
        step = np.log(values / means)
        centres = centres + step
        if float(np.abs(step).max()) < CENTRE_TOLERANCE:
            return np.asarray(centres)
    raise BadNetwork("the prevalences are too uncertain to be drawn with the stated values as their means")


def shares_at(centres: Table, spreads: Table, z: Table) -> Table:
    """Return logistic-normal shares at standard normal deviates, shape (causes, draws); each draw sums to one."""
    logs = centres[:, None] + spreads[:, None] * z
    weights = np.exp(logs - logs.max(axis=0))
    shares: Table = weights / weights.sum(axis=0)
    return shares
