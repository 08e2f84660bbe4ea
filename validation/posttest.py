"""Published post-test figures: likelihood ratios and post-test probabilities, the study's beside the model's.

Each is asked in the study's own setting: its prior, what brought its patients in, what the others had. Not here: the
list, fixed before the model was asked (`validation/targetfile.py`), the section (`validation/views/posttest.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from model.build import Model, load_model
from model.network import Network, Table
from priors import LasegueError
from priors.records import CAUDA_EQUINA, CAUSE, PRESENT
from validation.criteria import Shares, shares
from validation.joint import JointFigure, joint_figures
from validation.sections import Progress
from validation.targetfile import LR_NEGATIVE, LR_POSITIVE, NEGATIVE, POST_TEST, Target


class BadTarget(LasegueError):
    """A published figure whose setting nobody fits."""


@dataclass(frozen=True, slots=True)
class TargetResult:
    """A published figure beside the model's, and the model's in the setting that was listed first."""

    target: Target
    model: float
    first: float

    @property
    def hit(self) -> bool:
        """Whether the model's value lies inside the published interval."""
        return self._inside(self.model)

    @property
    def first_hit(self) -> bool:
        """Whether it did in the setting that was listed first."""
        return self._inside(self.first)

    @property
    def fold(self) -> float | None:
        """By how much the model is surer than the study: above one where its value is further from telling nothing.

        For ratios alone; None for probabilities and where the study's figure is zero.
        """
        published = self.target.published
        if self.target.measure == POST_TEST or published <= 0:
            return None
        return self.model / published if published >= 1 else published / self.model

    def _inside(self, value: float) -> bool:
        low, high = self.target.interval
        return low <= value <= high


@dataclass(frozen=True, slots=True)
class PostTest:
    """All published figures beside the model's, and the joint figures that bound the numbers."""

    results: tuple[TargetResult, ...]
    joint: tuple[JointFigure, ...]

    def of(self, used: bool) -> tuple[TargetResult, ...]:
        """Return the figures that the model's numbers were, or were not, set from."""
        return tuple(result for result in self.results if result.target.used is used)


def measure_posttest(models: Mapping[str, Model], targets: Sequence[Target], told: Progress) -> PostTest:
    """Ask the model for every published figure.

    Parameters
    ----------
    models : mapping of str to Model
        By profile.
    targets : sequence of Target
        The list.
    told : callable
        Is told what is being done.

    Returns
    -------
    PostTest
        In the order of the list.
    """
    results, settings = [], dict(models)
    for target in targets:
        told(f"published figure {target.name}")
        if target.profile not in settings:
            settings[target.profile] = load_model(target.profile)
        now = figure(settings[target.profile], target)
        first = figure(settings[target.first.profile], target.first) if target.first else now
        results.append(TargetResult(target, now, first))
    return PostTest(tuple(results), joint_figures(models))


def figure(model: Model, target: Target) -> float:
    """Return what the model gives for a published figure.

    Parameters
    ----------
    model : Model
        Under the target's profile.
    target : Target
        The figure.

    Returns
    -------
    float
        A likelihood ratio or a probability; infinite for a ratio where nobody without the outcome is positive.

    Raises
    ------
    BadTarget
        Where nobody enters with the outcome, or nobody without it.
    """
    found = shares(model.network, model.priors.structure.age, target.score, target.entry)
    with_it, without = groups(model.network, target, found)
    if not ((found.total * with_it).sum() > 0 and (found.total * without).sum() > 0):
        raise BadTarget(f"{target.name}: nobody enters with the outcome, or nobody without; check entry and against")
    positive_with, positive_without = (
        given if given is not None else float((found.positive * weights).sum() / (found.total * weights).sum())
        for weights, given in ((with_it, target.given_with), (without, target.given_without))
    )
    if target.measure == LR_POSITIVE:
        return positive_with / positive_without if positive_without > 0 else math.inf
    if target.measure == LR_NEGATIVE:
        return (1 - positive_with) / (1 - positive_without) if positive_without < 1 else math.inf
    prior = target.prior or 0.0
    if target.result == NEGATIVE:
        positive_with, positive_without = 1 - positive_with, 1 - positive_without
    return prior * positive_with / (prior * positive_with + (1 - prior) * positive_without)


def groups(network: Network, target: Target, found: Shares) -> tuple[Table, Table]:
    """Return by how much each cell of (cause, cauda equina) counts among patients with and without the outcome.

    Parameters
    ----------
    network : Network
        Under the target's profile.
    target : Target
        Outcome and the mix of the patients without it.
    found : Shares
        Who enters the study, under the profile's prevalences.

    Returns
    -------
    tuple of ndarray, shape (causes, 2)
        Factors on `found`. Where `against` gives a mix, it is that of the patients who entered without the outcome;
        those with cauda equina then follow from each cause's own odds of it.
    """
    causes = network.node(CAUSE).states
    node = target.outcome[0][0]
    has = np.zeros(found.total.shape)
    if node == CAUSE:
        has[[causes.index(state) for _, state in target.outcome]] = 1
    else:
        has[:, network.node(CAUDA_EQUINA).index(PRESENT)] = 1
    mix = np.ones(len(causes))
    if target.against:
        wanted = np.array([target.against.get(cause, 0.0) for cause in causes])
        there = (found.total * (1 - has)).sum(axis=1)
        mix = np.divide(wanted, there, out=np.zeros(len(causes)), where=there > 0)
    without = (1 - has) * mix[:, None]
    with_it = has if node == CAUSE else has * mix[:, None]
    return with_it, without
