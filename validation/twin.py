"""Wrong-model twin: how far the model falls on cohorts of a truth, or with records, that it does not know.

The same patients are scored by naive Bayes on the same numbers and by the network told of the harm. Not here: the
cohorts (`validation/harmed.py`), the section of the report (`validation/views/twin.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from model.naive import naive_bayes
from model.network import Table
from priors.records import CAUSE
from validation.actions import Change, Serious, Share, benefits, change, serious
from validation.cohort import Cohort, batch_tables, posteriors
from validation.harmed import Bench, Harmed, TwinSizes, harmed_cohorts
from validation.scores import (
    Difference,
    Scores,
    Truth,
    brier_scores,
    calibration,
    log_scores,
    paired_difference,
    ranks,
    scores,
)
from validation.sections import Progress

NETWORK, NAIVE, TOLD = SCORERS = ("network", "naive_bayes", "network_told")
LOG_LOSS, BRIER, TOP_1, BENEFIT = FALLS = ("log_loss", "brier", "top_1", "net_benefit")

USUAL = TwinSizes()


@dataclass(frozen=True, slots=True)
class Scored:
    """How well one scorer does on a harmed cohort.

    Parameters
    ----------
    scores : Scores
        Over all causes.
    slope, intercept : float
        Calibration of the probability of any serious cause.
    expected : float
        Patients with a serious cause by that probability.
    deviates : float
        Observed less expected patients, in standard deviations of a calibrated model.
    recall : Share
        Patients with a serious cause in whom that cause reaches its threshold.
    false_alarms : Share
        Patients without one in whom any serious cause reaches its threshold.
    net_benefit : tuple of float
        Of acting on any serious cause, per patient, at each action threshold.
    falls : mapping of str to Change
        Log loss, Brier score, top-1 and net benefit (at the middle threshold) less the same scorer's in the reference.
    """

    scores: Scores
    slope: float
    intercept: float
    expected: float
    deviates: float
    recall: Share
    false_alarms: Share
    net_benefit: tuple[float, ...]
    falls: Mapping[str, Change]


@dataclass(frozen=True, slots=True)
class HarmFound:
    """What a harm costs.

    Parameters
    ----------
    key, label, described : str
        Of the harm.
    same_patients : bool
        Whether the falls are paired.
    counts : mapping of str to int
        What was done how often.
    with_serious : int
        Patients with a serious cause.
    by : mapping of str to Scored
        By scorer.
    against_naive : Difference
        Log loss of the network less that of naive Bayes, paired, bootstrap.
    benefit_over_naive : Change
        Net benefit at the middle threshold, network less naive Bayes, paired.
    not_told, benefit_not_told : Change
        Log loss, and net benefit at the middle threshold, of the network less those of the network told of the harm,
        paired.
    """

    key: str
    label: str
    described: str
    same_patients: bool
    counts: Mapping[str, int]
    with_serious: int
    by: Mapping[str, Scored]
    against_naive: Difference
    benefit_over_naive: Change
    not_told: Change
    benefit_not_told: Change


@dataclass(frozen=True, slots=True)
class Twin:
    """Every harm, the reference first.

    Parameters
    ----------
    sizes : TwinSizes
        What was asked for.
    serious : Serious
        Causes that must not be missed, with their thresholds.
    threshold : float
        The middle one of the action thresholds.
    harms : tuple of HarmFound
        In order.
    """

    sizes: TwinSizes
    serious: Serious
    threshold: float
    harms: tuple[HarmFound, ...]


def measure_twin(told: Progress, sizes: TwinSizes = USUAL) -> Twin:
    """Do every harm and score it.

    Parameters
    ----------
    told : callable
        Is told what is being done.
    sizes : TwinSizes
        How many patients, how strong the harms.

    Returns
    -------
    Twin
        The same for the same sizes.
    """
    told("wrong-model twin: the reference cohort")
    bench = Bench(sizes)
    naive = batch_tables(naive_bayes(bench.model.network, CAUSE), (CAUSE,))
    acted = serious(bench.model)
    threshold = acted.action_thresholds[len(acted.action_thresholds) // 2]
    found: list[HarmFound] = []
    reference: Mapping[str, Mapping[str, Table]] = {}
    for harmed in harmed_cohorts(bench):
        told(f"wrong-model twin: {harmed.label.lower()}")
        probs = {
            NETWORK: posteriors(bench.tables, harmed.cohort.batch)[CAUSE],
            NAIVE: posteriors(naive, harmed.cohort.batch)[CAUSE],
            TOLD: harmed.told,
        }
        own = {name: _per_patient(p, harmed.cohort.causes, acted, threshold) for name, p in probs.items()}
        reference = reference or own
        by = {
            name: _scored(probs[name], harmed.cohort, acted, _falls(own[name], reference[name], harmed.same_patients))
            for name in SCORERS
        }
        found.append(_found(harmed, by, own, acted, sizes.seed))
    return Twin(sizes, acted, threshold, tuple(found))


def _per_patient(probs: Table, causes: Truth, acted: Serious, threshold: float) -> dict[str, Table]:
    """Return what each patient adds to the means that can fall."""
    return {
        LOG_LOSS: log_scores(probs, causes),
        BRIER: brier_scores(probs, causes),
        TOP_1: (ranks(probs, causes) == 1).astype(float),
        BENEFIT: benefits(acted.any(probs) >= threshold, acted.has(causes), threshold),
    }


def _falls(own: Mapping[str, Table], reference: Mapping[str, Table], paired: bool) -> dict[str, Change]:
    return {name: change(own[name], reference[name], paired) for name in FALLS}


def _scored(probs: Table, cohort: Cohort, acted: Serious, falls: Mapping[str, Change]) -> Scored:
    """Return how well one scorer does."""
    any_serious, has, flags = acted.any(probs), acted.has(cohort.causes), acted.flags(probs)
    calibrated = calibration(any_serious, has)
    right = (flags & (cohort.causes[:, None] == np.array(acted.columns))).any(axis=1)
    spread = float(np.sqrt((any_serious * (1 - any_serious)).sum()))
    return Scored(
        scores=scores(probs, cohort.causes),
        slope=calibrated.slope,
        intercept=calibrated.intercept,
        expected=float(any_serious.sum()),
        deviates=float(has.sum() - any_serious.sum()) / spread,
        recall=Share(int(right.sum()), int(has.sum())),
        false_alarms=Share(int((flags.any(axis=1) & ~has).sum()), int((~has).sum())),
        net_benefit=tuple(float(benefits(any_serious >= at, has, at).mean()) for at in acted.action_thresholds),
        falls=falls,
    )


def _found(
    harmed: Harmed, by: Mapping[str, Scored], own: Mapping[str, Mapping[str, Table]], acted: Serious, seed: int
) -> HarmFound:
    return HarmFound(
        key=harmed.key,
        label=harmed.label,
        described=harmed.described,
        same_patients=harmed.same_patients,
        counts=harmed.counts,
        with_serious=int(acted.has(harmed.cohort.causes).sum()),
        by=by,
        against_naive=paired_difference(own[NETWORK][LOG_LOSS], own[NAIVE][LOG_LOSS], seed),
        benefit_over_naive=change(own[NETWORK][BENEFIT], own[NAIVE][BENEFIT], paired=True),
        not_told=change(own[NETWORK][LOG_LOSS], own[TOLD][LOG_LOSS], paired=True),
        benefit_not_told=change(own[NETWORK][BENEFIT], own[TOLD][BENEFIT], paired=True),
    )
