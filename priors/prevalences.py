"""How prevalences are drawn: every draw sums to one, the means are the stated values, the leading range is kept.

The leading cause has a distribution of its own; the others share what it leaves. Not here: other numbers
(`priors/uncertainty.py`), drawing all of them (`model/draws.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from priors.odds import NORMAL_975, expit, logit
from priors.records import Estimate
from priors.uncertainty import beta_of

QUADRATURE = 64  # nodes on each side of the centre, which is a kink
REACH = 10.0  # standard deviations that the quadrature goes out to
BISECTIONS = 200
CENTRE_STEPS, CENTRE_TOLERANCE = 200, 1e-12
WIDEST = NORMAL_975  # no spread of a log-normal share puts its upper end further above a fixed mean

Table = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SplitNormal:
    """A log-odds that is normal on either side of its centre, with a spread for each side."""

    centre: float
    lower: float
    upper: float

    def probability(self, z: Table) -> Table:
        """Return the probability at standard normal deviates."""
        values: Table = 1 / (1 + np.exp(-self.centre - np.where(z < 0, self.lower, self.upper) * z))
        return values


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
    ValueError
        Where no such distribution has that mean: the value lies too near an end of its interval.
    """
    low, high = (logit(p) for p in interval_of(number))
    nodes, steps = np.polynomial.legendre.leggauss(QUADRATURE)
    z = REACH * np.concatenate([nodes - 1, nodes + 1]) / 2
    weights = np.tile(steps, 2) * np.exp(-(z**2) / 2)
    weights /= weights.sum()

    def at(centre: float) -> SplitNormal:
        return SplitNormal(centre, (centre - low) / NORMAL_975, (high - centre) / NORMAL_975)

    def mean(centre: float) -> float:
        return float(weights @ at(centre).probability(z))

    left, right = low, high
    if not mean(left) < number.value < mean(right):
        low_end = number.value <= mean(left)
        side, bound, end = ("above", mean(left), "low") if low_end else ("below", mean(right), "high")
        raise ValueError(
            f"{number.value:g} cannot be the mean of a distribution whose 95 % band is {expit(low):.4g} to "
            f"{expit(high):.4g}, whose mean lies {side} {bound:.4g}; move `{end}` away from the value"
        )
    for _ in range(BISECTIONS):
        centre = (left + right) / 2
        left, right = (centre, right) if mean(centre) < number.value else (left, centre)
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
        interval's upper end, and at most 1.96, where that end, exp(1.96 s - s^2 / 2) = 6.8 times a fixed mean, is
        the highest. Making the shares sum to one afterwards narrows the larger ones by up to a sixth.
    """
    low, high = interval_of(number)
    middle = logit(number.value)
    spread = max(logit(high) - middle, middle - logit(low)) / NORMAL_975
    short = max(0.0, WIDEST**2 - 2 * math.log(high / number.value))
    return min(WIDEST, max(spread, WIDEST - math.sqrt(short)))


def share_centres(values: Table, spreads: Table, z: Table) -> Table:
    """Return the centres that make the means of logistic-normal shares the values.

    Parameters
    ----------
    values : ndarray, shape (causes,)
        Means wanted; they sum to one.
    spreads : ndarray, shape (causes,)
        Standard deviation of each log share before they are made to sum to one.
    z : ndarray, shape (causes, points)
        Standard normal deviates whose average stands for the expectation.

    Returns
    -------
    ndarray, shape (causes,)
        For `shares_at`.

    Raises
    ------
    ValueError
        Where the search does not come to an end.
    """
    centres = np.log(values) - spreads**2 / 2
    for _ in range(CENTRE_STEPS):
        means = shares_at(centres, spreads, z).mean(axis=1)
        step = np.log(values / means)
        centres = centres + step
        if float(np.abs(step).max()) < CENTRE_TOLERANCE:
            return np.asarray(centres)
    raise ValueError("the prevalences are too uncertain to be drawn with the stated values as their means")


def shares_at(centres: Table, spreads: Table, z: Table) -> Table:
    """Return logistic-normal shares at standard normal deviates, shape (causes, draws); each draw sums to one."""
    logs = centres[:, None] + spreads[:, None] * z
    weights = np.exp(logs - logs.max(axis=0))
    shares: Table = weights / weights.sum(axis=0)
    return shares
