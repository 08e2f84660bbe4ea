"""Probability, odds and weight of evidence, one into another; and how a probability is written for people.

Not here: where the probabilities come from. No imports of ours.
"""

from __future__ import annotations

import math

BITS_PER_DECIBAN = math.log2(10) / 10


def odds(probability: float) -> float:
    """Return p / (1 - p)."""
    return probability / (1 - probability)


def probability(odds_value: float) -> float:
    """Return the probability of some odds."""
    return odds_value / (1 + odds_value)


def decibans(likelihood_ratio: float) -> float:
    """Return the weight of evidence 10 log10(LR), in decibans.

    Examples
    --------
    >>> decibans(10.0)
    10.0
    """
    return 10 * math.log10(likelihood_ratio)


def bits(weight: float) -> float:
    """Convert a weight of evidence from decibans to bits."""
    return weight * BITS_PER_DECIBAN


def percent(p: float) -> str:
    """Write a probability for people: two significant digits, never 0 % or 100 %.

    Examples
    --------
    >>> [percent(p) for p in (0.812, 0.0093, 0.00002, 0.9995, 0.125, 0.0996)]
    ['81 %', '0.93 %', '< 0.01 %', '> 99.9 %', '12 %', '10 %']
    """
    hundred = 100 * p
    if hundred < 0.01:
        return "< 0.01 %"
    if hundred > 99.9:
        return "> 99.9 %"
    if hundred >= 99:
        return f"{hundred:.1f} %"
    digits = max(0, 1 - math.floor(math.log10(float(f"{hundred:.1e}"))))
    return f"{hundred:.{digits}f} %"
