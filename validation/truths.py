"""Truths that are draws of the numbers: patients made by each, and the model's bands around their posteriors.

Not here: the share of posteriors inside the bands (`validation/coverage.py`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model import Model
from model.build import network_of
from model.drawn import DrawnAnswer, drawn_posteriors
from model.draws import PLAIN, DrawnParameters, DrawSettings, draw_parameters
from model.evidence import Evidence
from model.evidence_batch import evidence_of
from model.intervals import LOWER, UPPER, interval
from model.network import Network, Table
from priors.records import CAUDA_EQUINA, CAUSE, PRESENT
from validation.cohort import bedside_nodes, simulate
from validation.sections import Progress

TOLD_EVERY = 128  # patients


@dataclass(frozen=True, slots=True)
class Visit:
    """How much of the bedside findings a visit records, and how many patients of each truth come to it.

    Parameters
    ----------
    assessed : float
        Chance that a finding is recorded.
    patients : int
        Of each truth.
    """

    assessed: float
    patients: int


class DrawnTruth(NamedTuple):
    """One draw of the numbers, and the network that holds them."""

    numbers: DrawnParameters
    network: Network


class Patient(NamedTuple):
    """A simulated patient: the position of the truth that made it, and what is known."""

    truth: int
    evidence: Evidence


class Banded(NamedTuple):
    """Posteriors of patients; outcomes are the causes, then cauda equina syndrome.

    Parameters
    ----------
    truth : ndarray of int, shape (patients,)
        Position of the truth that made the patient.
    stated, own, other : ndarray, shape (patients, outcomes)
        Under the stated numbers, under the truth's, under those of another truth.
    ends, weighted_ends : ndarray, shape (patients, 2, outcomes)
        The model's band, and the band over its draws weighted by P(findings | draw).
    effective : ndarray, shape (patients,)
        Effective sample size of the weighted draws.
    """

    truth: NDArray[np.intp]
    stated: Table
    own: Table
    other: Table
    ends: Table
    weighted_ends: Table
    effective: Table


def draw_truths(model: Model, size: int, seed: int) -> tuple[DrawnTruth, ...]:
    """Return independent draws of a model's numbers.

    Parameters
    ----------
    model : Model
        Whose numbers.
    size : int
        An even number, four or more.
    seed : int
        Not that of the model's own draws.

    Returns
    -------
    tuple of DrawnTruth
        Plain pseudo-random draws: no draw tells anything of another.
    """
    settings = DrawSettings(size=size, seed=seed, method=PLAIN, replicates=2)
    drawn = draw_parameters(model.priors, model.digest, settings)
    numbers = [drawn.one(draw) for draw in range(size)]
    return tuple(DrawnTruth(own, network_of(own, f"{model.digest}-truth", model.profile)) for own in numbers)


def visit_patients(model: Model, truths: Sequence[DrawnTruth], visit: Visit, seed: Sequence[int]) -> list[Patient]:
    """Simulate the patients of every truth.

    Parameters
    ----------
    model : Model
        Gives the vocabulary.
    truths : sequence of DrawnTruth
        Each makes patients.
    visit : Visit
        How much is recorded, of how many.
    seed : sequence of int
        Of the patients; each truth has its own stream.

    Returns
    -------
    list of Patient
        Truth after truth.
    """
    nodes, patients = bedside_nodes(model.priors.structure), []
    for index, truth in enumerate(truths):
        rng = np.random.default_rng([*seed, index])
        cohort = simulate(truth.network, visit.patients, rng, nodes, visit.assessed)
        patients += [Patient(index, evidence_of(truth.network, cohort.batch, i)) for i in range(visit.patients)]
    return patients


def band_patients(model: Model, truths: Sequence[DrawnTruth], patients: Sequence[Patient], told: Progress) -> Banded:
    """Work out the bands of patients, and their posteriors under their truth's numbers and another's.

    Parameters
    ----------
    model : Model
        Its draws make the bands.
    truths : sequence of DrawnTruth
        Two or more.
    patients : sequence of Patient
        One or more.
    told : callable
        Is told how far it is.

    Returns
    -------
    Banded
        In the order of the patients.
    """
    found = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # numpy lets the other threads run
        for number, one in enumerate(pool.map(lambda patient: _band(model, truths, patient), patients)):
            if number % TOLD_EVERY == 0:
                told(f"bands of simulated patients, {number:,} of {len(patients):,}")
            found.append(one)
    columns = [np.array(column) for column in zip(*found, strict=True)]
    return Banded(np.array([patient.truth for patient in patients]), *columns)


def _band(model: Model, truths: Sequence[DrawnTruth], patient: Patient) -> tuple[Table, ...]:
    """Return a patient's row of `Banded`, the truth left out."""
    truth, evidence = patient
    another = (truth + 1) % len(truths)
    drawn = _ask(model, model.draws, evidence)
    rows = _outcomes(drawn)
    band = [interval(row, model.draws.settings.replicates) for row in rows]
    weights = np.exp(drawn.log_evidence - drawn.log_evidence.max())
    cause, complication = model.engine.query(model.network, evidence, (CAUSE, CAUDA_EQUINA)).posteriors
    return (
        np.append(cause.probs, complication.probs[complication.states.index(PRESENT)]),
        _outcomes(_ask(model, truths[truth].numbers, evidence))[:, 0],
        _outcomes(_ask(model, truths[another].numbers, evidence))[:, 0],
        np.array([[ends.low for ends in band], [ends.high for ends in band]]),
        np.quantile(rows, [LOWER, UPPER], axis=1, weights=weights, method="inverted_cdf"),
        np.asarray(weights.sum() ** 2 / np.square(weights).sum()),
    )


def _ask(model: Model, parameters: DrawnParameters, evidence: Evidence) -> DrawnAnswer:
    return drawn_posteriors(model.network, parameters, evidence, (CAUSE, CAUDA_EQUINA))


def _outcomes(answer: DrawnAnswer) -> Table:
    """Return the posterior of each cause and of cauda equina syndrome, shape (outcomes, draws)."""
    cause, complication = answer.posteriors
    present = complication.probs[complication.states.index(PRESENT)]
    return np.concatenate([cause.probs, present[None]])
