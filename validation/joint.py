"""Joint figures: whether the model gives what studies measured for several findings together.

A product of single likelihood ratios would not; the syndromes are there for this. Not here: the figures themselves
(`validation/studies/`), the tests (`tests/test_validation_joint.py`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from model import Model, load_model
from model.batch import batch_posterior
from model.elimination import log_joint
from model.evidence import Evidence
from model.evidence_batch import hard_batch
from model.factors import log
from model.network import Network, Table
from model.sampling import States, sample
from priors import available_profiles
from priors.records import AGE, CAUSE
from priors.shapes import BandedContext

STUDIES = Path(__file__).resolve().parent / "studies"
OLDEST = 95.0  # where the last age band is taken to end
COMPARED = ("disc_herniation", "nonspecific")


@dataclass(frozen=True, slots=True)
class Rule:
    """A score over findings, and the likelihood ratio that a study measured for reaching its cut.

    Parameters
    ----------
    name, title, source : str
        Key, what it says, key of references.bib.
    overlay : Path
        The study's setting as a profile.
    cause : str
        What the rule is for.
    entry : tuple of (str, str)
        What brought the study's patients in.
    ages : tuple of (float, float)
        Years and the points for being over them.
    points : tuple of (str, str, float)
        Node, state and its points.
    cut : float
        Least score that counts as positive.
    published : float
        Measured likelihood ratio.
    published_interval, accepted : tuple of (float, float)
        Its 95 % interval, and what the model may give.
    """

    name: str
    title: str
    source: str
    overlay: Path
    cause: str
    entry: tuple[tuple[str, str], ...]
    ages: tuple[tuple[float, float], ...]
    points: tuple[tuple[str, str, float], ...]
    cut: float
    published: float
    published_interval: tuple[float, float]
    accepted: tuple[float, float]


def read_rules(folder: Path = STUDIES) -> tuple[Rule, ...]:
    """Read rules.toml of a folder of studies."""
    tables = tomllib.loads((folder / "rules.toml").read_text(encoding="utf-8"))
    return tuple(
        Rule(
            name=name,
            title=table["title"],
            source=table["source"],
            overlay=folder / table["overlay"],
            cause=table["cause"],
            entry=tuple(table["entry"].items()),
            ages=tuple((age["over"], age["points"]) for age in table["ages"]),
            points=tuple((node, item["state"], item["points"]) for node, item in table["points"].items()),
            cut=table["cut"],
            published=table["published"],
            published_interval=tuple(table["published_interval"]),
            accepted=tuple(table["accepted"]),
        )
        for name, table in tables.items()
    )


def age_pieces(age: BandedContext, ages: Sequence[tuple[float, float]]) -> list[tuple[int, float, float]]:
    """Cut the age bands where points change.

    Parameters
    ----------
    age : BandedContext
        Bands of the network.
    ages : sequence of (float, float)
        Years and the points for being over them.

    Returns
    -------
    list of (int, float, float)
        Band, share of the band (its years taken as equally frequent), points.
    """
    starts = [band.start for band in age.bands] + [max(OLDEST, age.bands[-1].start + 1)]
    pieces = []
    for band, (start, end) in enumerate(pairwise(starts)):
        edges = [start, *(cut for cut, _ in sorted(ages) if start < cut < end), end]
        for low, high in pairwise(edges):
            pieces.append((band, (high - low) / (end - start), sum(p for cut, p in ages if low >= cut)))
    return pieces


def positive_given_cause(network: Network, age: BandedContext, rule: Rule) -> Table:
    """Return P(score reaches the cut | cause, entry).

    Parameters
    ----------
    network : Network
        Under any profile.
    age : BandedContext
        Its age bands.
    rule : Rule
        The score.

    Returns
    -------
    ndarray, shape (causes,)
        Exact but for the shares of cut bands.
    """
    nodes = [node for node, _, _ in rule.points]
    joint = np.exp(log_joint(network, Evidence(rule.entry), (CAUSE, AGE, *nodes)))
    score = np.zeros(joint.shape[2:])
    for axis, (node, state, points) in enumerate(rule.points):
        shape = [1] * len(nodes)
        shape[axis] = -1
        own = np.zeros(joint.shape[2 + axis])
        own[network.node(node).index(state)] = points
        score = score + own.reshape(shape)
    positive = np.zeros(joint.shape[0])
    for band, share, points in age_pieces(age, rule.ages):
        positive += share * joint[:, band][:, score + points >= rule.cut].sum(axis=1)
    total: Table = joint.reshape(joint.shape[0], -1).sum(axis=1)
    return positive / total


def likelihood_ratio(model: Model, rule: Rule) -> float:
    """Return P(positive | cause) over P(positive | the other causes in the profile's mix), among the entry's patients.

    Parameters
    ----------
    model : Model
        Under any profile.
    rule : Rule
        The score.

    Returns
    -------
    float
        The likelihood ratio of a positive score.
    """
    positive = positive_given_cause(model.network, model.priors.structure.age, rule)
    weights = np.exp(log_joint(model.network, Evidence(rule.entry), (CAUSE,)))
    target = model.network.node(CAUSE).index(rule.cause)
    others = np.arange(len(positive)) != target
    return float(positive[target] / (weights[others] @ positive[others] / weights[others].sum()))


@dataclass(frozen=True, slots=True)
class JointFigure:
    """What the model gives for a rule: in the study's setting, and under each profile of sciatica."""

    rule: Rule
    in_study: float
    by_profile: Mapping[str, float]

    @property
    def holds(self) -> bool:
        """Whether the figure in the study's setting is accepted."""
        low, high = self.rule.accepted
        return low <= self.in_study <= high


def joint_figures() -> tuple[JointFigure, ...]:
    """Work out every rule of `validation/studies/`."""
    models = {profile: load_model(profile) for profile in available_profiles()}
    return tuple(
        JointFigure(
            rule=rule,
            in_study=likelihood_ratio(load_model(str(rule.overlay)), rule),
            by_profile={profile: likelihood_ratio(model, rule) for profile, model in models.items()},
        )
        for rule in read_rules()
    )


def auc(positives: Table, negatives: Table) -> float:
    """Return the area under the ROC curve: the chance that a positive scores above a negative, ties counting half.

    Examples
    --------
    >>> auc(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
    0.875
    """
    ordered = np.sort(negatives)
    below = np.searchsorted(ordered, positives, side="left")
    ties = np.searchsorted(ordered, positives, side="right") - below
    return float((below + ties / 2).mean() / len(negatives))


@dataclass(frozen=True, slots=True)
class ExaminationGain:
    """AUC for disc herniation against non-specific pain: history alone, and history with examination."""

    patients: int
    history: float
    with_examination: float

    @property
    def gain(self) -> float:
        """What the examination adds."""
        return self.with_examination - self.history


def examination_gain(model: Model, history: Sequence[str], examination: Sequence[str], size: int) -> ExaminationGain:
    """Simulate patients with a herniation and with non-specific pain, and tell them apart.

    Parameters
    ----------
    model : Model
        Under any profile.
    history, examination : sequence of str
        Nodes assessed in every patient.
    size : int
        Patients of each of the two causes; the seed is fixed.

    Returns
    -------
    ExaminationGain
        The score is the log odds of the two causes given what was assessed.
    """
    rng = np.random.default_rng(20261122)
    scores = {}
    for cause in COMPARED:
        drawn = sample(model.network, size, rng, {CAUSE: cause})
        for name, nodes in (("history", history), ("both", [*history, *examination])):
            scores[cause, name] = _log_odds(model, drawn, nodes)
    first, second = COMPARED
    return ExaminationGain(
        patients=size,
        history=auc(scores[first, "history"], scores[second, "history"]),
        with_examination=auc(scores[first, "both"], scores[second, "both"]),
    )


def _log_odds(model: Model, drawn: Mapping[str, States], nodes: Sequence[str]) -> Table:
    """Return ln P(first | assessed) / P(second | assessed) of the two causes compared, shape (patients,)."""
    batch = hard_batch(nodes, np.stack([drawn[name] + 1 for name in nodes]))
    probs = batch_posterior(model.batch_tables, batch).posteriors[CAUSE]
    first, second = (probs[:, model.network.node(CAUSE).index(cause)] for cause in COMPARED)
    odds: Table = log(first) - log(second)
    return odds
