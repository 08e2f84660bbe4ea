"""Pool proportions of several studies, and check that pooled numbers are what their studies give.

Not here: reading studies.csv (`priors/tables.py`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from priors.errors import Problem
from priors.odds import NORMAL_975, expit, logit
from priors.records import Row, Study

POOLED = "pooled"
ROUNDING = 0.03  # logits by which a stated number, or a bound of its interval, may differ from its pool: three digits


@dataclass(frozen=True, slots=True)
class Pool:
    """A random-effects mean with its 95 % confidence interval."""

    mean: float
    low: float
    high: float


def random_effects(counts: Sequence[tuple[int, int]]) -> Pool:
    """Return the random-effects mean of proportions, on the logit scale.

    Parameters
    ----------
    counts : sequence of (int, int)
        Events and total of each study, two studies or more; a study with none or all gets half a case each way.

    Returns
    -------
    Pool
        Mean and 95 % confidence interval, as proportions.

    Notes
    -----
    The between-study variance is the method-of-moments estimate: max(0, (Q - k + 1) / (sum w - sum w^2 / sum w)).

    References
    ----------
    DerSimonian and Laird, Controlled Clinical Trials 1986;7:177-188.

    Examples
    --------
    >>> pool = random_effects([(14, 98), (25, 163)])
    >>> round(pool.mean, 3), round(pool.low, 3), round(pool.high, 3)
    (0.149, 0.111, 0.198)
    """
    smoothed = [(e + 0.5, n + 1) if e in (0, n) else (e, n) for e, n in counts]
    logits = [math.log(e / (n - e)) for e, n in smoothed]
    variances = [1 / e + 1 / (n - e) for e, n in smoothed]
    weights = [1 / v for v in variances]
    fixed = math.fsum(w * y for w, y in zip(weights, logits, strict=True)) / math.fsum(weights)
    q = math.fsum(w * (y - fixed) ** 2 for w, y in zip(weights, logits, strict=True))
    scale = math.fsum(weights) - math.fsum(w * w for w in weights) / math.fsum(weights)
    between = max(0.0, (q - len(counts) + 1) / scale)
    weights = [1 / (v + between) for v in variances]
    mean = math.fsum(w * y for w, y in zip(weights, logits, strict=True)) / math.fsum(weights)
    reach = NORMAL_975 / math.sqrt(math.fsum(weights))
    return Pool(expit(mean), expit(mean - reach), expit(mean + reach))


def match_studies(
    rows: Sequence[Row], studies: Sequence[Study], problems: list[Problem]
) -> Mapping[Row, tuple[Study, ...]]:
    """Give each pooled row its studies; note a row without two, a study without a row, and a number that is off.

    Parameters
    ----------
    rows : sequence of Row
        Rows of the base tables.
    studies : sequence of Study
        Rows of studies.csv.
    problems : list of Problem
        Faults are added here.

    Returns
    -------
    mapping of Row to tuple of Study
        Pooled rows only.
    """
    waiting: dict[tuple[object, tuple[str, ...]], list[Study]] = defaultdict(list)
    for study in studies:
        waiting[study.key, study.causes].append(study)
    matched = {}
    for row in rows:
        if row.estimate.kind == POOLED:
            matched[row] = tuple(waiting.pop((row.key, row.causes), ()))
            _check(row, matched[row], problems)
    for left in waiting.values():
        message = f"no pooled row states {left[0].key} for exactly these causes"
        problems += [Problem("studies.csv", study.row, "causes", message) for study in left]
    return matched


def _check(row: Row, studies: Sequence[Study], problems: list[Problem]) -> None:
    if len(studies) < 2:
        message = f"a pooled number needs two studies or more in studies.csv for {row.key}, found {len(studies)}"
        problems.append(Problem(row.file, row.row, "kind", message))
        return
    pool, stated = random_effects([(study.events, study.total) for study in studies]), row.estimate
    if abs(logit(stated.value) - logit(pool.mean)) > ROUNDING:
        message = f"{stated.value:g} is not what its {len(studies)} studies give: {pool.mean:.3g}"
        problems.append(Problem(row.file, row.row, "value", message))
    if stated.low is None or stated.high is None:
        problems.append(Problem(row.file, row.row, "low", "a pooled number needs an interval (low and high)"))
    elif logit(stated.low) > logit(pool.low) + ROUNDING or logit(stated.high) < logit(pool.high) - ROUNDING:
        message = f"{stated.low:g} to {stated.high:g} is narrower than what its studies give: "
        problems.append(Problem(row.file, row.row, "low", message + f"{pool.low:.3g} to {pool.high:.3g}"))
