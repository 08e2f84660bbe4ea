"""How numbers are written for people.

Not here: where the numbers come from. No imports of ours.
"""

from __future__ import annotations

import math


def percent(p: float) -> str:
    """Write a probability for people: two significant digits, never 0 % or 100 %.

    Examples
    --------
    >>> [percent(p) for p in (0.812, 0.0093, 0.00002, 0.9995, 0.125, 0.0996)]
    ['81 %', '0.93 %', '< 0.01 %', '> 99.9 %', '12 %', '10 %']
    """
    hundred = float(f"{100 * p:.10g}")  # 62.5 is 62.5, whatever the last bit of a sum says
    if hundred < 0.01:
        return "< 0.01 %"
    if hundred > 99.9:
        return "> 99.9 %"
    if hundred >= 99:
        return f"{hundred:.1f} %"
    digits = max(0, 1 - math.floor(math.log10(float(f"{hundred:.1e}"))))
    return f"{hundred:.{digits}f} %"
