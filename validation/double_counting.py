"""Double counting: how far naive Bayes on the same numbers goes beyond the network, and which pairs of findings do it.

Patients are drawn from the network, so the network is right by construction. Not here: what each latent is worth
(`validation/latents.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from model import Model
from model.elimination import log_joint
from model.evidence import Evidence
from model.naive import naive_bayes
from model.network import Network, Table
from priors.records import CAUSE, PRESENT
from validation.cohort import ASSESSED, batch_tables, bedside_nodes, posteriors, simulate
from validation.scores import Calibration, Difference, Scores, calibration, log_scores, paired_difference, scores

SURE = 0.99
BITS = float(np.log(2))  # nats in a bit
TIED = 1e-9  # bits; below it two findings are independent given the cause but for rounding


@dataclass(frozen=True, slots=True)
class Sureness:
    """A model's say on its own leading cause.

    Parameters
    ----------
    scores : Scores
        Over all causes.
    sure, sure_right : int
        Patients given more than 99 %, and those of them in whom the leading cause is the true one.
    sure_said : float
        Mean probability given to the leading cause of those patients.
    calibration : Calibration
        Of P(leading cause) against its being the true one.
    """

    scores: Scores
    sure: int
    sure_right: int
    sure_said: float
    calibration: Calibration


@dataclass(frozen=True, slots=True)
class Overstatement:
    """Naive Bayes beside the network on the same patients.

    Parameters
    ----------
    patients : int
        Drawn from the network.
    recorded : float
        Share of the bedside findings that were recorded.
    shift_mean, shift_95 : float
        Of |log odds by naive Bayes - log odds by the network| of the network's leading cause: mean and 95th
        percentile, bits.
    upward : float
        Share of patients in whom naive Bayes gives that cause the higher odds.
    leading_differs : int
        Patients in whom the two name different leading causes.
    network, naive : Sureness
        Each model's own.
    log_loss : Difference
        Naive Bayes less the network, bits a patient, paired.
    """

    patients: int
    recorded: float
    shift_mean: float
    shift_95: float
    upward: float
    leading_differs: int
    network: Sureness
    naive: Sureness
    log_loss: Difference


@dataclass(frozen=True, slots=True)
class TiedPair:
    """Two findings that go together, or exclude each other, more than the cause explains.

    Parameters
    ----------
    first, second, tie : str
        The findings, and what ties them: a syndrome, a parent they share, or `TIE_LOGIC`, `TIE_OTHER`.
    together : tuple of (str, float)
        Each cause with log2 of P(both | cause) / (P(first | cause) P(second | cause)).
    together_mean : float
        Its mean over the profile's causes, bits.
    information : float
        Bits that one tells of the other given the cause: what naive Bayes' likelihood is off by, averaged over all
        that the two may show.
    both : float
        Share of patients who have both.
    lifted : str
        The cause whose odds the two lift most.
    lift, overstated : float
        By how much the network lifts its odds, and how much further naive Bayes does; bits.
    """

    first: str
    second: str
    tie: str
    together: tuple[tuple[str, float], ...]
    together_mean: float
    information: float
    both: float
    lifted: str
    lift: float
    overstated: float


TIE_LOGIC, TIE_OTHER = "logic", "through other findings"


def log_odds(probs: Table, columns: NDArray[np.intp]) -> Table:
    """Return the log odds of one column of each row, from the other columns' sum: exact close to one, in nats.

    Parameters
    ----------
    probs : ndarray, shape (cases, causes)
        Rows sum to one.
    columns : ndarray of int, shape (cases,)
        Which column of each row.

    Returns
    -------
    ndarray, shape (cases,)
        ln p - ln(1 - p).

    Examples
    --------
    >>> log_odds(np.array([[0.8, 0.2], [0.5, 0.5]]), np.array([0, 1])).round(4).tolist()
    [1.3863, 0.0]
    """
    rows = np.arange(len(probs))
    others = probs.copy()
    others[rows, columns] = 0
    odds: Table = np.log(probs[rows, columns]) - np.log(others.sum(axis=1))
    return odds


def overstatement(model: Model, size: int, seed: int, recorded: float = ASSESSED) -> Overstatement:
    """Ask both models about the same simulated patients at the bedside.

    Parameters
    ----------
    model : Model
        Patients are drawn from its network.
    size : int
        Number of patients.
    seed : int
        Of patients and of resampling.
    recorded : float
        Share of the bedside findings that are recorded.

    Returns
    -------
    Overstatement
        Of naive Bayes.
    """
    network = model.network
    cohort = simulate(network, size, np.random.default_rng(seed), bedside_nodes(model.priors.structure), recorded)
    full = posteriors(batch_tables(network, (CAUSE,)), cohort.batch)[CAUSE]
    naive = posteriors(batch_tables(naive_bayes(network, CAUSE), (CAUSE,)), cohort.batch)[CAUSE]
    leading = full.argmax(axis=1)
    shift = (log_odds(naive, leading) - log_odds(full, leading)) / BITS
    losses = [log_scores(probs, cohort.causes) / BITS for probs in (naive, full)]
    return Overstatement(
        patients=size,
        recorded=recorded,
        shift_mean=float(np.abs(shift).mean()),
        shift_95=float(np.quantile(np.abs(shift), 0.95)),
        upward=float((shift > 0).mean()),
        leading_differs=int((naive.argmax(axis=1) != leading).sum()),
        network=_sureness(full, cohort.causes),
        naive=_sureness(naive, cohort.causes),
        log_loss=paired_difference(losses[0], losses[1], seed),
    )


def _sureness(probs: Table, truth: NDArray[np.intp]) -> Sureness:
    said, right = probs.max(axis=1), probs.argmax(axis=1) == truth
    sure = said > SURE
    return Sureness(
        scores=scores(probs, truth),
        sure=int(sure.sum()),
        sure_right=int(right[sure].sum()),
        sure_said=float(said[sure].mean()) if sure.any() else 0.0,
        calibration=calibration(said, right),
    )


def tied_pairs(model: Model, findings: Sequence[str] = ()) -> tuple[TiedPair, ...]:
    """Return all pairs of findings that are tied beyond the cause, those that mislead naive Bayes most first.

    Parameters
    ----------
    model : Model
        Under any profile.
    findings : sequence of str
        Those to look at; all where none is named.

    Returns
    -------
    tuple of TiedPair
        By information, falling; pairs that the cause alone ties are left out.
    """
    names = findings or tuple(model.priors.structure.findings)
    pairs = (_tied(model, first, second) for first, second in combinations(names, 2))
    return tuple(sorted((pair for pair in pairs if pair), key=lambda pair: -pair.information))


def _tied(model: Model, first: str, second: str) -> TiedPair | None:
    network = model.network
    joint = np.exp(log_joint(network, Evidence(), (CAUSE, first, second)))
    prior = joint.sum(axis=(1, 2))
    given = joint / prior[:, None, None]
    apart = given.sum(axis=2, keepdims=True) * given.sum(axis=1, keepdims=True)
    ratios = np.log2(np.where(given > 0, given, apart) / apart)
    information = float((joint * ratios).sum())
    if information < TIED:
        return None
    at = (slice(None), network.node(first).index(PRESENT), network.node(second).index(PRESENT))
    with np.errstate(divide="ignore"):  # two findings that exclude each other are never together
        together = np.log2(given[at] / apart[at])
    both = joint[at].sum()
    lift, overstated, lifted = 0.0, 0.0, ""
    if both > 0:
        lifts = _lifts(prior, given[at])
        best = int(lifts.argmax())
        lift, lifted = float(lifts[best]), network.node(CAUSE).states[best]
        overstated = float(_lifts(prior, apart[at])[best]) - lift
    return TiedPair(
        first=first,
        second=second,
        tie=_tie(model, first, second),
        together=tuple(zip(network.node(CAUSE).states, together.tolist(), strict=True)),
        together_mean=float(prior @ together),
        information=information,
        both=float(both),
        lifted=lifted,
        lift=lift,
        overstated=overstated,
    )


def _lifts(prior: Table, likelihood: Table) -> Table:
    """Return by how many bits evidence with these likelihoods lifts the odds of each cause."""
    weighed = prior * likelihood
    before, after = prior / (prior.sum() - prior), weighed / (weighed.sum() - weighed)
    with np.errstate(divide="ignore"):
        lifts: Table = np.log2(after / before)
    return lifts


def _tie(model: Model, first: str, second: str) -> str:
    """Return what ties two findings beyond the cause."""
    network: Network = model.network
    syndrome = model.priors.structure.syndrome_of(first)
    if syndrome and syndrome is model.priors.structure.syndrome_of(second):
        return syndrome.name
    parents, others = set(network.cpd_of[first].parents), set(network.cpd_of[second].parents)
    if first in others or second in parents:
        return TIE_LOGIC
    shared = sorted(parents & others - {CAUSE})
    return " and ".join(shared) if shared else TIE_OTHER
