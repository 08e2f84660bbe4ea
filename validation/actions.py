"""Acting on probabilities: which causes are serious, from which probability one acts, what acting brings each patient.

Not here: net benefit over many thresholds (`validation/scores.py`), the numbers (`priors/thresholds.csv`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model import Model
from model.network import Table
from model.outcomes import threshold
from priors.records import CAUSE
from validation.cohort import serious_causes
from validation.scores import Truth, wilson

Yes = NDArray[np.bool_]
NORMAL_95 = 1.959963984540054  # normal deviate of a two-sided 95 % interval


@dataclass(frozen=True, slots=True)
class Serious:
    """The causes that must not be missed.

    Parameters
    ----------
    names : tuple of str
        Causes.
    columns : tuple of int
        Their positions among the causes.
    thresholds : tuple of float
        Probability from which one acts on each.
    """

    names: tuple[str, ...]
    columns: tuple[int, ...]
    thresholds: tuple[float, ...]

    @property
    def action_thresholds(self) -> tuple[float, ...]:
        """The different thresholds, ascending."""
        return tuple(sorted(set(self.thresholds)))

    def any(self, probs: Table) -> Table:
        """Return the probability that some serious cause is the cause, shape (cases,)."""
        total: Table = probs[:, list(self.columns)].sum(axis=1)
        return np.clip(total, 0, 1)

    def has(self, causes: Truth) -> Yes:
        """Return whose cause is a serious one, shape (cases,)."""
        return np.isin(causes, self.columns)

    def flags(self, probs: Table) -> Yes:
        """Return which serious causes reach their thresholds, shape (cases, serious causes)."""
        reached: Yes = probs[:, list(self.columns)] >= np.array(self.thresholds)
        return reached


def serious(model: Model) -> Serious:
    """Return the serious causes of a model with their thresholds."""
    outcomes = serious_causes(model.priors.structure)
    node = model.network.node(CAUSE)
    return Serious(
        names=tuple(outcomes),
        columns=tuple(node.index(cause) for cause in outcomes),
        thresholds=tuple(threshold(model.priors, outcome) for outcome in outcomes.values()),
    )


def benefits(acted: Yes, outcome: Yes, at: float) -> Table:
    """Return what acting brings each patient; the mean is the net benefit.

    Parameters
    ----------
    acted, outcome : ndarray of bool, shape (cases,)
        On whom one acts, who has it.
    at : float
        Probability from which one acts.

    Returns
    -------
    ndarray, shape (cases,)
        1 for a true positive, minus the odds of the threshold for a false one, 0 where nothing is done.

    Examples
    --------
    >>> benefits(np.array([True, True, False]), np.array([True, False, True]), 0.2).tolist()
    [1.0, -0.25, 0.0]
    """
    return np.where(acted, np.where(outcome, 1.0, -at / (1 - at)), 0.0)


@dataclass(frozen=True, slots=True)
class Share:
    """A share of patients with its 95 % Wilson interval; `total` is above zero."""

    events: int
    total: int

    @property
    def value(self) -> float:
        """Events over total."""
        return self.events / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """Ends of the interval."""
        return wilson(self.events, self.total)


@dataclass(frozen=True, slots=True)
class Change:
    """A difference of means, first minus second, with its 95 % interval (normal approximation)."""

    mean: float
    low: float
    high: float

    def beyond(self, errors: float) -> Change:
        """Return the same difference with ends that many standard errors away."""
        reach = errors * (self.high - self.mean) / NORMAL_95
        return Change(self.mean, self.mean - reach, self.mean + reach)


def change(first: Table, second: Table, paired: bool) -> Change:
    """Return the difference of two means over many cases.

    Parameters
    ----------
    first, second : ndarray, shape (cases,)
        A quantity of each case.
    paired : bool
        Whether the same place is the same patient; otherwise the two groups are independent.

    Returns
    -------
    Change
        First minus second.

    Examples
    --------
    >>> found = change(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 1.0, 2.0, 2.0]), paired=True)
    >>> f"{found.mean} {found.low:.3f} {found.high:.3f}"
    '1.0 0.200 1.800'
    """
    mean = float(first.mean() - second.mean())
    groups = (first - second,) if paired else (first, second)
    error = float(np.sqrt(sum(group.var(ddof=1) / len(group) for group in groups)))
    return Change(mean, mean - NORMAL_95 * error, mean + NORMAL_95 * error)
