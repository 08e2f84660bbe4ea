"""Joint figures: whether the model gives what studies measured for several findings together.

A product of single likelihood ratios would not; the syndromes are there for this. Not here: the figures themselves
(`validation/studies/`), the tests (`tests/test_validation_joint.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from model import Model, load_model
from model.batch import batch_posterior
from model.evidence_batch import hard_batch
from model.factors import log
from model.network import Network, Table
from model.sampling import States, sample
from priors import available_profiles
from priors.records import CAUSE
from priors.shapes import BandedContext
from priors.toml_tables import open_toml
from validation.criteria import Entry, Score, shares

STUDIES = Path(__file__).resolve().parent / "studies"
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
    entry : Entry
        What brought the study's patients in.
    score : Score
        Points and cut.
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
    entry: Entry
    score: Score
    published: float
    published_interval: tuple[float, float]
    accepted: tuple[float, float]


def read_rules(folder: Path = STUDIES) -> tuple[Rule, ...]:
    """Read rules.toml of a folder of studies; raise PriorsError where it is missing or no TOML."""
    tables = open_toml(folder, "rules.toml", []).data
    return tuple(
        Rule(
            name=name,
            title=table["title"],
            source=table["source"],
            overlay=folder / table["overlay"],
            cause=table["cause"],
            entry=Entry(tuple((node, (state,)) for node, state in table["entry"].items())),
            score=Score(
                items=tuple((node, (item["state"],), item["points"]) for node, item in table["points"].items()),
                ages=tuple((age["over"], age["points"]) for age in table["ages"]),
                cut=table["cut"],
            ),
            published=table["published"],
            published_interval=tuple(table["published_interval"]),
            accepted=tuple(table["accepted"]),
        )
        for name, table in tables.items()
    )


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
    found = shares(network, age, rule.score, rule.entry)
    positive: Table = found.positive.sum(axis=1) / found.total.sum(axis=1)
    return positive


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
    weights = shares(model.network, model.priors.structure.age, rule.score, rule.entry).total.sum(axis=1)
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


def joint_figures(models: Mapping[str, Model] | None = None) -> tuple[JointFigure, ...]:
    """Work out every rule of `validation/studies/`.

    Parameters
    ----------
    models : mapping of str to Model, optional
        By profile, where they are loaded already.

    Returns
    -------
    tuple of JointFigure
        In the order of rules.toml.
    """
    models = models or {profile: load_model(profile) for profile in available_profiles()}
    return tuple(
        JointFigure(
            rule=rule,
            in_study=likelihood_ratio(load_model(str(rule.overlay)), rule),
            by_profile={profile: likelihood_ratio(model, rule) for profile, model in models.items()},
        )
        for rule in read_rules()
    )


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
        history=_auc(scores[first, "history"], scores[second, "history"]),
        with_examination=_auc(scores[first, "both"], scores[second, "both"]),
    )


def _auc(positives: Table, negatives: Table) -> float:
    labels = np.repeat([1, 0], [len(positives), len(negatives)])
    return float(roc_auc_score(labels, np.concatenate([positives, negatives])))


def _log_odds(model: Model, drawn: Mapping[str, States], nodes: Sequence[str]) -> Table:
    """Return ln P(first | assessed) / P(second | assessed) of the two causes compared, shape (patients,)."""
    batch = hard_batch(nodes, np.stack([drawn[name] + 1 for name in nodes]))
    probs = batch_posterior(model.batch_tables, batch).posteriors[CAUSE]
    first, second = (probs[:, model.network.node(CAUSE).index(cause)] for cause in COMPARED)
    odds: Table = log(first) - log(second)
    return odds
