"""Which way of drawing the numbers converges best: the spread of interval ends over seeds, against plain draws.

Not here: the draws (`model/draws.py`), the intervals (`model/intervals.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from model import Model
from model.drawn import drawn_posteriors
from model.draws import METHODS, PLAIN, DrawSettings, draw_parameters
from model.evidence import Evidence
from model.evidence_batch import evidence_of
from model.intervals import interval
from model.network import Table
from priors.records import CAUSE
from validation.mix import case_mix

LEADING = 3  # causes looked at in each case


@dataclass(frozen=True, slots=True)
class Convergence:
    """How well a method of drawing converges.

    Parameters
    ----------
    method : str
        See `model.draws`.
    error_ratio : float
        Standard deviation of an interval end over seeds, as a share of that of plain draws (geometric mean).
    error_range : tuple of float
        Its 95 % interval: the cases drawn again with replacement.
    told_ratio : float
        Monte Carlo error that each interval tells of itself, over the deviation found (geometric mean).
    seconds : float
        To draw the numbers once.
    """

    method: str
    error_ratio: float
    error_range: tuple[float, float]
    told_ratio: float
    seconds: float


def convergence(model: Model, num_cases: int, num_seeds: int, clock: Callable[[], float]) -> tuple[Convergence, ...]:
    """Compare the methods of drawing on simulated cases.

    Parameters
    ----------
    model : Model
        Under any profile.
    num_cases : int
        Cases of the fixed mix.
    num_seeds : int
        Times that each method draws.
    clock : callable
        Seconds, for telling how long a draw takes.

    Returns
    -------
    tuple of Convergence
        One a method, in the order of `model.draws.METHODS`.
    """
    mix = case_mix(model.network, num_cases)
    cases = [evidence_of(model.network, mix.batch, case) for case in range(num_cases)]
    leading = [_leading(model, case) for case in cases]
    spreads, told, seconds = {}, {}, {}
    for method in METHODS:
        ends, errors, start = [], [], 0.0
        for seed in range(num_seeds):
            before = clock()
            draws = draw_parameters(model.priors, model.digest, DrawSettings(method=method, seed=seed))
            start += clock() - before
            found = [
                interval(drawn_posteriors(model.network, draws, case, (CAUSE,)).posteriors[0].probs[cause], 8)
                for case, causes in zip(cases, leading, strict=True)
                for cause in causes
            ]
            ends.append([[i.low, i.high] for i in found])
            errors.append([[i.low_error, i.high_error] for i in found])
        spreads[method] = np.std(ends, axis=0, ddof=1).reshape(num_cases, -1)
        told[method] = np.sqrt(np.mean(np.square(errors), axis=0)).reshape(num_cases, -1)
        seconds[method] = start / num_seeds
    plain = spreads[PLAIN]
    return tuple(
        Convergence(
            method,
            _geometric_mean(spreads[method] / plain),
            _resampled(spreads[method] / plain),
            _geometric_mean(told[method] / spreads[method]),
            seconds[method],
        )
        for method in METHODS
    )


def _leading(model: Model, case: Evidence) -> list[int]:
    probs = model.engine.query(model.network, case, (CAUSE,)).posteriors[0].probs
    return [int(cause) for cause in np.argsort(-probs)[:LEADING]]


def _geometric_mean(ratios: Table) -> float:
    return float(np.exp(np.log(ratios).mean()))


def _resampled(ratios: Table) -> tuple[float, float]:
    rng = np.random.default_rng(len(ratios))
    means = [_geometric_mean(ratios[rng.integers(0, len(ratios), len(ratios))]) for _ in range(1000)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
