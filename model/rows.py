"""The two constructions that turn stated marginals into rows of the network; pure functions of arrays.

Age: the stated number m is the average over age, age moves the odds. Syndrome: a latent shared by the findings
of a syndrome moves a finding up and down, the average stays. Not here: which finding has which (`model/build.py`).
"""

from __future__ import annotations

import numpy as np

from model.network import Table

STEPS = 100  # far more than Newton's method needs; a step that leaves the bracket halves it instead
SMALLEST_STEP = 1e-13


def expit(x: Table) -> Table:
    """Return the probability whose log odds are x."""
    return 1 / (1 + np.exp(-x))


def age_offsets(m: Table, age_probs: Table, multipliers: Table) -> Table:
    """Return the log odds at a multiplier of one that make the average over age the stated probability.

    Parameters
    ----------
    m : ndarray, shape (...)
        Stated P(finding | cause), 0 < m < 1.
    age_probs : ndarray, shape (..., bands)
        P(age band | cause); sums to one.
    multipliers : ndarray, shape (..., bands)
        Odds multiplier of each band, above 0.

    Returns
    -------
    ndarray, shape (...)
        x with sum over bands of age_probs * expit(x + ln(multiplier)) = m.

    Notes
    -----
    Newton's method on the log odds of the average, which rise with x and almost in proportion; x lies between
    logit(m) minus the largest and minus the smallest log multiplier, and a step out of what is left of that
    bracket is replaced by its middle.
    """
    logs = np.log(multipliers)
    logit = np.log(m) - np.log1p(-m)
    low, high = np.broadcast_arrays(logit - logs.max(axis=-1), logit - logs.min(axis=-1))
    x: Table = (low + high) / 2
    for _ in range(STEPS):
        shares = expit(x[..., None] + logs)
        average = (age_probs * shares).sum(axis=-1)
        rest = (age_probs * expit(-x[..., None] - logs)).sum(axis=-1)
        miss = np.log(average) - np.log(rest) - logit
        low, high = np.where(miss < 0, x, low), np.where(miss < 0, high, x)
        slope = (age_probs * shares * (1 - shares)).sum(axis=-1) / (average * rest)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = x - miss / slope
        new = np.where((step >= low) & (step <= high), step, (low + high) / 2)
        moved = float(np.max(np.abs(new - x), initial=0.0))
        x = new
        if moved < SMALLEST_STEP:
            break
    return x


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
    """
    return expit(age_offsets(m, age_probs, multipliers)[..., None] + np.log(multipliers))


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
    ndarray, shape (2, ...)
        P(finding | ..., latent in that state) and P(finding | ..., latent not in it).

    Notes
    -----
    P(f | L) = mu + (L - pi) s min(mu / pi, (1 - mu) / (1 - pi)); with s = 1 one of the two rows would reach 0
    or 1, so s below one keeps every row inside.
    """
    reach = s * np.minimum(mu / pi, (1 - mu) / (1 - pi))
    return np.stack([mu + (1 - pi) * reach, mu - pi * reach])
