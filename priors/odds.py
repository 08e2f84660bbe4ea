"""Log odds and back, and the normal quantile of a 95 % interval; plain floats.

Not here: arrays (`model/rows.py`).
"""

from __future__ import annotations

import math

NORMAL_975 = 1.959964  # a 95 % interval reaches so many standard deviations each way


def logit(p: float) -> float:
    """Return the natural logarithm of the odds of a probability strictly between 0 and 1.

    Examples
    --------
    >>> logit(0.5), round(logit(0.9), 4)
    (0.0, 2.1972)
    """
    return math.log(p) - math.log1p(-p)


def expit(x: float) -> float:
    """Return the probability whose log odds are x; the inverse of `logit`."""
    return 1 / (1 + math.exp(-x))
