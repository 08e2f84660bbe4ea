"""How uncertain a number is: the distribution from which each row is drawn, and its 95 % interval.

Not here: drawing whole sets of numbers that sum to one (prevalences, bands of age and duration).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from priors.odds import NORMAL_975, logit
from priors.records import DEPENDENCE, ODDS_MULTIPLIER, Row

STRENGTH_MAXIMUM = 0.95  # beyond it, a row of the network could reach 0 or 1
STRENGTH_MINIMUM = 0.001  # a strength of nothing has no odds; its interval starts here
JEFFREYS = 0.5

Draws = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """The distribution of one number.

    Parameters
    ----------
    family : str
        `logit_normal` (probabilities, strengths), `log_normal` (odds multipliers) or `beta` (counts).
    first, second : float
        Mean and standard deviation on the transformed scale, or the two parameters of the Beta.
    maximum : float
        Draws are cut there; 1 for a probability, infinite for an odds multiplier.
    """

    family: str
    first: float
    second: float
    maximum: float = 1.0

    def quantile(self, p: npt.ArrayLike) -> Draws:
        """Return quantiles.

        Parameters
        ----------
        p : array_like
            Probabilities strictly between 0 and 1; uniform ones give draws.

        Returns
        -------
        ndarray, shape of p
            Values on the scale of the number.
        """
        from scipy.special import betaincinv, expit, ndtri  # scipy is slow to import; not every command draws

        p = np.asarray(p, dtype=np.float64)
        if self.family == "beta":
            return np.asarray(betaincinv(self.first, self.second, p))
        x = self.first + self.second * ndtri(p)
        values = expit(x) if self.family == "logit_normal" else np.exp(x)
        return np.minimum(np.asarray(values, dtype=np.float64), self.maximum)

    def interval(self) -> tuple[float, float]:
        """Return the 2.5 % and 97.5 % quantiles."""
        low, high = self.quantile([0.025, 0.975])
        return float(low), float(high)


def beta_of(events: int, total: int) -> Uncertainty:
    """Return the distribution of a proportion counted once: Beta(events + 0.5, total - events + 0.5)."""
    return Uncertainty("beta", events + JEFFREYS, total - events + JEFFREYS)


def uncertainty(row: Row) -> Uncertainty:
    """Return the distribution of a row's number.

    Parameters
    ----------
    row : Row
        A probability, an odds multiplier or a strength.

    Returns
    -------
    Uncertainty
        An interval gives a normal on the log odds (log for a multiplier) whose median is the value and whose 95 %
        band covers the interval, its spread taken from the wider side; counts alone give the Beta. Where a row has
        both, the interval holds: it was widened for a reason that the counts do not know.

    Notes
    -----
    sigma = max(g(high) - g(value), g(value) - g(low)) / 1.96 with g the logit or the logarithm.

    Examples
    --------
    >>> from priors import load_priors
    >>> from priors.records import Key
    >>> priors = load_priors()
    >>> low, high = uncertainty(priors.cells[Key("probability", "cause", "spinal_infection"), ""]).interval()
    >>> low < 0.0001 < high
    True
    """
    number = row.estimate
    if number.low is None or number.high is None:
        if number.events is None or number.total is None:
            raise ValueError(f"{row.file}, row {row.row}: neither an interval nor counts")  # the loader refuses it
        return beta_of(number.events, number.total)
    values = (number.low, number.value, number.high)
    if row.key.parameter == ODDS_MULTIPLIER:
        low, middle, high = (math.log(x) for x in values)
        return Uncertainty("log_normal", middle, max(high - middle, middle - low) / NORMAL_975, math.inf)
    maximum = 1.0
    if row.key.parameter == DEPENDENCE:
        maximum = STRENGTH_MAXIMUM
        low, middle, high = (logit(max(x, STRENGTH_MINIMUM)) for x in values)
    else:
        low, middle, high = (logit(x) for x in values)
    return Uncertainty("logit_normal", middle, max(high - middle, middle - low) / NORMAL_975, maximum)
