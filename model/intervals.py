"""95 % intervals of a quantity over draws, and how far the draws leave each end uncertain.

Not here: the draws (`model/draws.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.network import Table

LOWER, UPPER = 0.025, 0.975
AROUND = 0.0125  # how far to either side of a quantile its slope is taken


@dataclass(frozen=True, slots=True)
class Interval:
    """The 2.5 % and 97.5 % points of a quantity over draws, each with its Monte Carlo standard error."""

    low: float
    high: float
    low_error: float
    high_error: float


def interval(draws: Table, replicates: int) -> Interval:
    """Return the 95 % interval of a quantity.

    Parameters
    ----------
    draws : ndarray, shape (draws,)
        Replicate after replicate, each of the same size.
    replicates : int
        Independent parts, two or more.

    Returns
    -------
    Interval
        Quantiles of all draws together.

    Notes
    -----
    The error of a quantile q is the error of the share of draws below q, told from how that share differs between
    replicates, times the slope of the quantile function around it (sectioning, as in Asmussen and Glynn 2007,
    Stochastic Simulation, section III.5). It holds for quasi-random draws, whose replicates are independent.

    Examples
    --------
    >>> found = interval(np.linspace(0, 1, 1001)[:1000], 4)
    >>> round(found.low, 3), round(found.high, 3)
    (0.025, 0.974)
    """
    ends = []
    for p in (LOWER, UPPER):
        point, before, after = np.quantile(draws, [p, p - AROUND, p + AROUND])
        below = (draws.reshape(replicates, -1) <= point).mean(axis=1)
        error = below.std(ddof=1) / np.sqrt(replicates) * (after - before) / (2 * AROUND)
        ends.append((float(point), float(error)))
    (low, low_error), (high, high_error) = ends
    return Interval(low, high, low_error, high_error)
