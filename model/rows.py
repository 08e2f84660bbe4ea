"""The two constructions that turn stated marginals into rows of the network; pure functions of arrays.

Age: the stated number m is the average over age, age moves the odds. Syndrome: a latent shared by the findings
of a syndrome moves a finding up and down, the average stays. Not here: which finding has which (`model/build.py`).
"""

from __future__ import annotations

import numpy as np

from model.network import Table

BISECTIONS = 70  # a bracket of a hundred logits ends below 1e-18


def _expit(x: Table) -> Table:
    return 1 / (1 + np.exp(-x))


def age_rows(m: Table, age_probs: Table, multipliers: Table) -> Table:
    """Spread a probability over age bands so that its average stays the stated one.

    Parameters
    ----------
    m : ndarray, shape (...)
        Stated P(finding | cause), 0 < m < 1.
    age_probs : ndarray, shape (..., bands)
        P(age band | cause).
    multipliers : ndarray, shape (..., bands)
        Odds multiplier of each band, above 0.

    Returns
    -------
    ndarray, shape (..., bands)
        mu with logit(mu) = offset + ln(multiplier) and sum over bands of age_probs * mu = m.

    Notes
    -----
    The offset is found by bisection: the average rises with it, and it lies between logit(m) minus the largest
    and minus the smallest log multiplier.
    """
    logs = np.log(multipliers)
    logit = np.log(m) - np.log1p(-m)
    low, high = logit - logs.max(axis=-1), logit - logs.min(axis=-1)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        below = (age_probs * _expit(middle[..., None] + logs)).sum(axis=-1) < m
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return _expit(((low + high) / 2)[..., None] + logs)


def latent_rows(mu: Table, pi: Table, s: Table) -> Table:
    """Split a probability over a binary latent so that its average stays.

    Parameters
    ----------
    mu : ndarray, shape (...)
        P(finding | cause, ...), 0 < mu < 1.
    pi : ndarray, broadcastable to mu
        P(latent in the finding's state | cause), 0 < pi < 1.
    s : ndarray, broadcastable to mu
        Strength of the dependence, 0 <= s <= 0.95.

    Returns
    -------
    ndarray, shape (..., 2)
        P(finding | ..., latent in that state) and P(finding | ..., latent not in it).

    Notes
    -----
    P(f | L) = mu + (L - pi) s min(mu / pi, (1 - mu) / (1 - pi)); with s = 1 one of the two rows would reach 0
    or 1, so s below one keeps every row inside.
    """
    reach = s * np.minimum(mu / pi, (1 - mu) / (1 - pi))
    return np.stack([mu + (1 - pi) * reach, mu - pi * reach], axis=-1)
