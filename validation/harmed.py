"""Cohorts with a harm done to each, and what one who knows the harm would say: the best that the record allows.

Not here: the harms themselves (`validation/harms.py`, `validation/tied.py`), what they cost (`validation/twin.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from model import Model, load_model
from model.batch import batch_posterior
from model.evidence_batch import EvidenceBatch
from model.merged import BatchTables
from model.network import Network, Table
from priors.records import CAUSE, CONTEXT_NODES
from validation.cohort import ASSESSED, Cohort, batch_tables, bedside_nodes, posteriors, simulate
from validation.harms import ABSENT_ANSWER, PRESENT_ANSWER, flip, record, relabel, with_prevalences
from validation.tied import USUAL_TIES, Ties, known_severity, loose_truth, tied_truth


@dataclass(frozen=True, slots=True)
class TwinSizes:
    """How large the cohorts are and how strong the harms.

    Parameters
    ----------
    patients, seed : int
        Of each cohort.
    profile : str
        The model's.
    shifts : tuple of str
        Profiles whose prevalences are the truth of the shifted priors.
    recorded : float
        Chance that a finding is recorded.
    ties : Ties
        The missed dependence.
    loose : tuple of float
        Shares of the ties that are left where the network holds for tied what is not.
    noise : tuple of float
        Chance that a recorded finding is wrong, whichever way.
    mislabelled : float
        Share of wrong diagnoses.
    recorded_present, recorded_absent : float
        Chance of being recorded where absent findings are seldom written down.
    """

    patients: int = 20_000
    seed: int = 20_261_201
    profile: str = "primary_care"
    shifts: tuple[str, ...] = ("emergency", "specialist")
    recorded: float = ASSESSED
    ties: Ties = USUAL_TIES
    loose: tuple[float, ...] = (0.5, 0.0)
    noise: tuple[float, ...] = (0.01, 0.05)
    mislabelled: float = 0.15
    recorded_present: float = 0.9
    recorded_absent: float = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Harmed:
    """A cohort with a harm done to it.

    Parameters
    ----------
    key, label, described : str
        Name, label for people, what was done.
    cohort : Cohort
        Patients; their causes are the labels to be scored against.
    told : ndarray, shape (patients, causes)
        P(label | record) for one who knows the harm.
    same_patients : bool
        Whether the patients are the reference's.
    counts : mapping of str to int
        What was done how often.
    """

    key: str
    label: str
    described: str
    cohort: Cohort
    told: Table
    same_patients: bool = True
    counts: Mapping[str, int] = field(default_factory=dict)


class Bench:
    """The model to be harmed, its reference patients with everything known, and what of them was recorded.

    Parameters
    ----------
    sizes : TwinSizes
        How many, under which profile.
    """

    def __init__(self, sizes: TwinSizes) -> None:
        self.sizes = sizes
        self.model: Model = load_model(sizes.profile)
        self.tables: BatchTables = batch_tables(self.model.network)
        self.nodes: Sequence[str] = bedside_nodes(self.model.priors.structure)
        self.known = self.simulate(self.model.network, self.rng("patients"))
        self.reference = record(self.known, sizes.recorded, sizes.recorded, self.rng("records"))

    def rng(self, step: str) -> np.random.Generator:
        """Return the generator of a step, the same whatever was drawn before."""
        return np.random.default_rng([self.sizes.seed, *step.encode()])

    def simulate(self, truth: Network, rng: np.random.Generator) -> Cohort:
        """Return patients of a truth with everything known."""
        return simulate(truth, self.sizes.patients, rng, self.nodes, assessed=1.0)

    def of_truth(self, truth: Network, step: str) -> Cohort:
        """Return other patients, of another truth, recorded as the reference's are."""
        rng = self.rng(step)
        return record(self.simulate(truth, rng), self.sizes.recorded, self.sizes.recorded, rng)


def harmed_cohorts(bench: Bench) -> Iterator[Harmed]:
    """Yield every harmed cohort, the reference (no harm) first."""
    reference = bench.reference
    told = posteriors(bench.tables, reference.batch)[CAUSE]
    described = (
        f"Patients drawn from the network itself; each finding of history and examination is recorded with a chance of "
        f"{_round(bench.sizes.recorded)}, whatever it would show."
    )
    yield Harmed("reference", "No harm", described, reference, told)
    yield _tied(bench)
    for share in bench.sizes.loose:
        yield _loose(bench, share)
    for profile in bench.sizes.shifts:
        yield _shifted(bench, profile)
    for chance in bench.sizes.noise:
        yield _noisy(bench, chance)
    yield _mislabelled(bench, told)
    yield _selective(bench)


def _tied(bench: Bench) -> Harmed:
    ties = bench.sizes.ties
    truth = tied_truth(bench.model, ties)
    cohort = bench.of_truth(truth, "dependence")
    described = (
        f"In the truth every dependence within a syndrome is at least {ties.strength:g}, and in {_round(ties.severe)} "
        "of patients, whatever the cause, every finding of history and examination is commoner "
        f"(strength {ties.pull:g}). Each P(finding | cause) is the model's."
    )
    return Harmed("dependence", "Missed dependence", described, cohort, _told_of_ties(truth, cohort), False)


def _loose(bench: Bench, share: float) -> Harmed:
    truth = loose_truth(bench.model, share)
    cohort = bench.of_truth(truth, f"ties times {share}")
    told = posteriors(batch_tables(truth), cohort.batch)[CAUSE]
    label = f"Ties {_round(share)} as strong" if share else "No ties within a syndrome"
    described = (
        f"In the truth every dependence within a syndrome has {_round(share)} of its strength, so that the network "
        "holds for tied what is not. Each P(finding | cause) is the model's."
    )
    return Harmed(f"loose_{share:g}", label, described, cohort, told, False)


def _told_of_ties(truth: Network, cohort: Cohort) -> Table:
    """Return P(cause | record) in the tied truth, severity summed out."""
    parts = [(share, batch_posterior(batch_tables(own), cohort.batch)) for share, own in known_severity(truth)]
    weights = np.stack([share * np.exp(found.log_evidence) for share, found in parts])
    weights = weights / weights.sum(axis=0)
    posterior = np.stack([found.posteriors[CAUSE] for _, found in parts])
    total: Table = (weights[:, :, None] * posterior).sum(axis=0)
    return total


def _shifted(bench: Bench, profile: str) -> Harmed:
    truth = with_prevalences(bench.model.network, load_model(profile).network)
    cohort = bench.of_truth(truth, f"shifted to {profile}")
    told = posteriors(batch_tables(truth), cohort.batch)[CAUSE]
    described = f"The truth has the prevalences of the profile {profile}; each P(finding | cause) is the model's."
    label = f"Prevalences of {profile.replace('_', ' ')}"
    return Harmed(f"prior_{profile}", label, described, cohort, told, False)


def _noisy(bench: Bench, chance: float) -> Harmed:
    found = flip(bench.reference, chance, chance, bench.model.priors.structure, bench.rng(f"noise {chance}"))
    odds = (1 - chance) / chance
    told = posteriors(bench.tables, reported(found.cohort.batch, {PRESENT_ANSWER: odds, ABSENT_ANSWER: 1 / odds}))
    counts = {"presents lost": found.lost, "absents invented": found.invented, "dropped": found.dropped}
    described = (
        f"{_round(chance)} of the recorded findings are wrong, whichever way. Where the record then contradicts "
        "itself (crossed straight-leg raise without straight-leg raise) the finding that cannot be there is dropped."
    )
    label = f"{_round(chance)} of findings wrong"
    return Harmed(f"noise_{chance:g}", label, described, found.cohort, told[CAUSE], counts=counts)


def _mislabelled(bench: Bench, untold: Table) -> Harmed:
    share = bench.sizes.mislabelled
    prior = bench.model.network.cpd_of[CAUSE].table
    labels = relabel(bench.reference.causes, prior, share, bench.rng("labels"))
    drawn = untold / (1 - prior)  # a wrong label is another cause than the true one
    told = (1 - share) * untold + share * prior * (drawn.sum(axis=1, keepdims=True) - drawn)
    counts = {"wrong labels": int((labels != bench.reference.causes).sum())}
    described = (
        f"{_round(share)} of the reference diagnoses are another cause, drawn from the prior; "
        "the records are right, and the scores are against these labels."
    )
    cohort = replace(bench.reference, causes=labels)
    return Harmed("mislabelled", f"{_round(share)} of diagnoses wrong", described, cohort, told, counts=counts)


def _selective(bench: Bench) -> Harmed:
    present, absent = bench.sizes.recorded_present, bench.sizes.recorded_absent
    cohort = record(bench.known, present, absent, bench.rng("records"))
    told = posteriors(bench.tables, reported(cohort.batch, {0: (1 - present) / (1 - absent)}))[CAUSE]
    described = (
        f"A finding that is there is recorded in {_round(present)} of patients, one that is not in {_round(absent)}: "
        "a blank then speaks against the finding, and the model takes it for no news."
    )
    return Harmed("selective", "Absent findings seldom recorded", described, cohort, told)


def reported(batch: EvidenceBatch, ratios: Mapping[int, float]) -> EvidenceBatch:
    """Return records with some answers as unsure reports.

    Parameters
    ----------
    batch : EvidenceBatch
        Records without unsure reports.
    ratios : mapping of int to float
        Answer of a finding (0 where it is not recorded) -> likelihood ratio of the report that takes its place.

    Returns
    -------
    EvidenceBatch
        Age, sex and duration as they are.
    """
    findings = np.array([name not in CONTEXT_NODES for name in batch.nodes])[:, None]
    unsure = np.isin(batch.answers, list(ratios)) & findings
    nodes, cases = np.nonzero(unsure)
    found = np.array([ratios[answer] for answer in batch.answers[unsure].tolist()])
    return EvidenceBatch(batch.nodes, np.where(unsure, 0, batch.answers).astype(np.int8), cases, nodes, found)


def _round(share: float) -> str:
    """Write a chosen share, a round number."""
    return f"{100 * share:g} %"
