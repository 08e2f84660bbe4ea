"""Decision curves: the net benefit of acting by the network, by its rivals, on all and on none, at many thresholds.

On simulated patients, of the network's own truth and of harmed ones. Not here: the harms (`validation/tied.py`,
`validation/harms.py`), the formula (`validation/scores.py`), the section (`validation/views/decisions.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from model import Model, load_model
from model.naive import naive_bayes
from model.network import Table
from model.outcomes import threshold
from priors.records import CAUDA_EQUINA, CAUSE, PRESENT
from validation.actions import Change, Share, Yes, benefits, change, serious
from validation.cohort import ASSESSED, Cohort, batch_tables, bedside_nodes, posteriors, simulate
from validation.harms import flip, record
from validation.red_flags import count_red_flags, read_red_flags
from validation.scores import net_benefit
from validation.sections import Progress
from validation.tied import USUAL_TIES, Ties, tied_truth

NETWORK, NAIVE, ALL, NONE = "network", "naive_bayes", "all", "none"
FLAG_COUNTS = (1, 2, 3)
ANY_SERIOUS = "any_serious_cause"
CAUDA_EQUINA_SIGN = "cauda_equina"  # the red flag for it


@dataclass(frozen=True, slots=True)
class DecisionSizes:
    """How large the cohorts are, how fine the curves.

    Parameters
    ----------
    patients, seed : int
        Of each cohort.
    profiles : tuple of str
        Settings; the first is harmed too.
    lowest, highest : float
        Ends of the thresholds.
    points : int
        Number of thresholds, evenly spaced on the logarithm.
    recorded : float
        Chance that a finding is recorded.
    ties : Ties
        The missed dependence.
    noise : float
        Chance that a recorded finding is wrong, whichever way.
    """

    patients: int = 100_000
    seed: int = 20_261_202
    profiles: tuple[str, ...] = ("primary_care", "emergency")
    lowest: float = 0.001
    highest: float = 0.2
    points: int = 40
    recorded: float = ASSESSED
    ties: Ties = USUAL_TIES
    noise: float = 0.05


USUAL = DecisionSizes()


@dataclass(frozen=True, slots=True)
class Acted:
    """What a rule does at one threshold: on how many patients it acts, whom it finds, what that brings."""

    acted: int
    found: Share
    net_benefit: float


@dataclass(frozen=True, slots=True)
class AtThreshold:
    """The rules at an action threshold.

    Parameters
    ----------
    threshold : float
        Probability from which one acts.
    rules : mapping of str to Acted
        By rule; treating all and none are rules.
    against : mapping of str to Change
        Net benefit per patient of the network less that of each rival, paired.
    best_rival : str
        The one with the most net benefit.
    """

    threshold: float
    rules: Mapping[str, Acted]
    against: Mapping[str, Change]
    best_rival: str


@dataclass(frozen=True, slots=True)
class Curve:
    """The decision curves of one outcome in one cohort.

    Parameters
    ----------
    key, setting, outcome : str
        Name, cohort and outcome for people.
    own_truth : bool
        Whether the patients are drawn from the network and recorded right.
    patients, events : int
        In the cohort, and with the outcome.
    thresholds : tuple of float
        Ascending.
    net_benefit : mapping of str to tuple of float
        By rule, per patient, one a threshold.
    action : tuple of AtThreshold
        At the action thresholds of priors/.
    """

    key: str
    setting: str
    outcome: str
    own_truth: bool
    patients: int
    events: int
    thresholds: tuple[float, ...]
    net_benefit: Mapping[str, tuple[float, ...]]
    action: tuple[AtThreshold, ...]


@dataclass(frozen=True, slots=True)
class Decisions:
    """All decision curves, with what was asked for."""

    sizes: DecisionSizes
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Setting:
    key: str
    label: str
    model: Model
    cohort: Cohort
    own_truth: bool


def measure_decisions(told: Progress, sizes: DecisionSizes = USUAL) -> Decisions:
    """Simulate the cohorts and measure every rule.

    Parameters
    ----------
    told : callable
        Is told what is being done.
    sizes : DecisionSizes
        How many patients, which thresholds.

    Returns
    -------
    Decisions
        Two outcomes a cohort: any serious cause, and cauda equina syndrome.
    """
    curves: list[Curve] = []
    for setting in _settings(sizes):
        told(f"decision curves: {setting.label}")
        own = posteriors(setting.model.batch_tables, setting.cohort.batch)
        curves += (_serious_curve(setting, own, sizes), _cauda_equina_curve(setting, own, sizes))
    return Decisions(sizes, tuple(curves))


def _settings(sizes: DecisionSizes) -> Iterator[_Setting]:
    """Yield the cohorts: each profile's own truth, then the first profile's harmed ones."""
    models = [load_model(profile) for profile in sizes.profiles]
    own = [_cohort(model, sizes) for model in models]
    labels = [profile.replace("_", " ") for profile in sizes.profiles]
    for model, cohort, label in zip(models, own, labels, strict=True):
        yield _Setting(model.profile, label, model, cohort, True)
    model, label = models[0], labels[0]
    tied = _cohort(model, sizes, sizes.ties)
    yield _Setting(f"{model.profile}_dependence", f"{label}, missed dependence", model, tied, False)
    rng = np.random.default_rng([sizes.seed, 2])
    noisy = flip(own[0], sizes.noise, sizes.noise, model.priors.structure, rng).cohort
    wrong = f"{100 * sizes.noise:g} % of findings wrong"
    yield _Setting(f"{model.profile}_noise", f"{label}, {wrong}", model, noisy, False)


def _cohort(model: Model, sizes: DecisionSizes, ties: Ties | None = None) -> Cohort:
    truth = model.network if ties is None else tied_truth(model, ties)
    rng = np.random.default_rng([sizes.seed, 0 if ties is None else 1])
    known = simulate(truth, sizes.patients, rng, bedside_nodes(model.priors.structure), assessed=1.0)
    return record(known, sizes.recorded, sizes.recorded, rng)


def _serious_curve(setting: _Setting, own: Mapping[str, Table], sizes: DecisionSizes) -> Curve:
    """Return the curves for any serious cause from the network's posteriors; the flags are the case report's nine."""
    network, batch, causes = setting.model.network, setting.cohort.batch, serious(setting.model)
    naive = batch_tables(naive_bayes(network, CAUSE), (CAUSE,))
    flags = count_red_flags(network, batch, read_red_flags(network))
    rules = {
        NETWORK: causes.any(own[CAUSE]),
        NAIVE: causes.any(posteriors(naive, batch)[CAUSE]),
        **{f"flags_{count}": (flags >= count).astype(float) for count in FLAG_COUNTS},
    }
    label = "any serious cause"
    return _curve(
        setting, ANY_SERIOUS, label, causes.has(setting.cohort.causes), rules, causes.action_thresholds, sizes
    )


def _cauda_equina_curve(setting: _Setting, own: Mapping[str, Table], sizes: DecisionSizes) -> Curve:
    """Return the curves for cauda equina syndrome; the flag is that of it alone."""
    network, batch = setting.model.network, setting.cohort.batch
    present = network.node(CAUDA_EQUINA).index(PRESENT)
    naive = batch_tables(naive_bayes(network, CAUDA_EQUINA), (CAUDA_EQUINA,))
    sign = tuple(flag for flag in read_red_flags(network) if flag.name == CAUDA_EQUINA_SIGN)
    rules = {
        NETWORK: own[CAUDA_EQUINA][:, present],
        NAIVE: posteriors(naive, batch)[CAUDA_EQUINA][:, present],
        "cauda_equina_sign": (count_red_flags(network, batch, sign) > 0).astype(float),
    }
    label = setting.model.priors.structure.complication.label.lower()
    act = (threshold(setting.model.priors, CAUDA_EQUINA),)
    return _curve(setting, CAUDA_EQUINA, label, setting.cohort.cauda_equina, rules, act, sizes)


def _curve(
    setting: _Setting,
    outcome: str,
    label: str,
    has: Yes,
    rules: Mapping[str, Table],
    act: tuple[float, ...],
    sizes: DecisionSizes,
) -> Curve:
    grid = np.geomspace(sizes.lowest, sizes.highest, sizes.points)
    thresholds = tuple(sorted({*grid.tolist(), *act}))
    return Curve(
        key=f"{setting.key}_{outcome}",
        setting=setting.label,
        outcome=label,
        own_truth=setting.own_truth,
        patients=setting.cohort.size,
        events=int(has.sum()),
        thresholds=thresholds,
        net_benefit=net_benefit(has, rules, thresholds),
        action=tuple(at_threshold(has, rules, at) for at in act),
    )


def at_threshold(has: Yes, rules: Mapping[str, Table], at: float) -> AtThreshold:
    """Compare the network with every rival at one threshold.

    Parameters
    ----------
    has : ndarray of bool, shape (patients,)
        Who has the outcome; someone does.
    rules : mapping of str to ndarray, shape (patients,)
        Predicted probability; 0 or 1 for a rule. One is the network's; treating all and none are added.
    at : float
        Probability from which one acts.

    Returns
    -------
    AtThreshold
        Differences with the standard error of paired means, so that the 95 % intervals are analytic.
    """
    size = len(has)
    acted = {name: probs >= at for name, probs in rules.items()}
    acted |= {ALL: np.ones(size, dtype=np.bool_), NONE: np.zeros(size, dtype=np.bool_)}
    gains = {name: benefits(own, has, at) for name, own in acted.items()}
    rivals = [name for name in acted if name != NETWORK]
    return AtThreshold(
        threshold=at,
        rules={
            name: Acted(int(own.sum()), Share(int((own & has).sum()), int(has.sum())), float(gains[name].mean()))
            for name, own in acted.items()
        },
        against={name: change(gains[NETWORK], gains[name], paired=True) for name in rivals},
        best_rival=max(rivals, key=lambda name: float(gains[name].mean())),
    )
