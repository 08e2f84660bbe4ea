"""From a case to its differential: prior, posterior after each step, complications, ln P(evidence).

Not here: tables and sentences for people (`model/report.py`), files of many cases (`model/score.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from model.banded import Bands, bands
from model.build import Model
from model.case import Case, Change, Stage, Status, stages
from model.engine import Engine
from model.errors import BadCase, ImpossibleEvidence
from model.evidence import Evidence
from model.network import Table
from priors.records import CAUDA_EQUINA, CAUSE, DEFAULT_PROFILE, PRESENT
from priors.text import brief, suggestion

NOTHING_KNOWN = Stage("", Evidence(), (), ())


@dataclass(frozen=True, slots=True)
class Differential:
    """The posterior of every cause and complication at one point of a case.

    Parameters
    ----------
    label : str
        The step's label; empty where the case has none.
    posterior : mapping of str to float
        P(cause | evidence), in the order of the causes; sums to one.
    complications : mapping of str to float
        P(complication present | evidence).
    log_evidence : float
        ln P(evidence).
    findings : tuple of (str, Status)
        Findings in force.
    changes : tuple of Change
        What this step changed of an earlier one.
    remark : str
        What the user should know of how it was answered; mostly empty.
    bands : Bands or None
        95 % intervals, where asked for.
    """

    label: str
    posterior: Mapping[str, float]
    complications: Mapping[str, float]
    log_evidence: float
    findings: tuple[tuple[str, Status], ...] = ()
    changes: tuple[Change, ...] = ()
    remark: str = ""
    bands: Bands | None = None

    def ranked(self) -> list[tuple[str, float]]:
        """Return causes with their posterior, likeliest first; ties keep the order of the causes."""
        return sorted(self.posterior.items(), key=lambda item: -item[1])


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A case's differential: the prior, after each step, and as the case stands.

    Parameters
    ----------
    case : Case
        What was asked.
    profile, digest : str
        Which prevalences and numbers were used.
    prior : Differential
        With nothing entered.
    initial : Differential
        With context and the findings that hold before the first step.
    steps : tuple of Differential
        After each step; empty for a case without steps.
    """

    case: Case
    profile: str
    digest: str
    prior: Differential
    initial: Differential
    steps: tuple[Differential, ...]

    @property
    def final(self) -> Differential:
        """The differential after the last step."""
        return self.steps[-1] if self.steps else self.initial

    def as_dict(self) -> dict[str, Any]:
        """Return the result as the object that `--json` prints."""

        def common(step: Differential) -> dict[str, Any]:
            return {
                "id": self.case.id,
                "profile": self.profile,
                "posterior": dict(step.posterior),
                "complications": dict(step.complications),
                "log_evidence": step.log_evidence,
                "model_digest": self.digest,
                **({"intervals": step.bands.as_dict()} if step.bands else {}),
                **({"remark": step.remark} if step.remark else {}),
            }

        result = common(self.final)
        if self.steps:
            result["steps"] = [
                {"label": step.label, **common(step), "changed": [_change(change) for change in step.changes]}
                for step in self.steps
            ]
        if self.case.ignored:
            result["ignored"] = list(self.case.ignored)
        return result


def _change(change: Change) -> dict[str, Status | None]:
    return {"finding": change.finding, "from": change.before, "to": change.after}


def profile_for(case: Case, chosen: str | None, names: Sequence[str]) -> str:
    """Return the profile to use: the one chosen, else the case's setting, else the default.

    Parameters
    ----------
    case : Case
        Whose setting counts where none is chosen.
    chosen : str or None
        A profile's name or file.
    names : sequence of str
        Profiles that a setting may name; a case never names a file.

    Raises
    ------
    BadCase
        Where the setting is none of them.
    """
    if chosen:
        return chosen
    if case.setting is None:
        return DEFAULT_PROFILE
    if case.setting not in names:
        near = suggestion(case.setting, names) or f"; expected one of {', '.join(names)}"
        raise BadCase(f"setting: no profile is named {brief(case.setting)}{near}")
    return case.setting


def differential(model: Model, stage: Stage, engine: Engine | None = None) -> Differential:
    """Return the differential for what is known at one point.

    Parameters
    ----------
    model : Model
        Priors and network.
    stage : Stage
        From `model.case.stages`.
    engine : Engine, optional
        The model's own unless another is given.

    Returns
    -------
    Differential
        Exact.

    Raises
    ------
    ImpossibleEvidence
        Naming the findings that cannot hold together.
    """
    answer = (engine or model.engine).query(model.network, stage.evidence, (CAUSE, CAUDA_EQUINA))
    cause, complication = answer.posteriors
    return differential_of(model, stage, cause.probs, complication.probs, answer.log_evidence, answer.remark)


def differential_of(
    model: Model, stage: Stage, cause: Table, complication: Table, log_evidence: float, remark: str = ""
) -> Differential:
    """Return the differential that probabilities worked out elsewhere make.

    Parameters
    ----------
    model : Model
        Names the causes.
    stage : Stage
        What is known.
    cause, complication : ndarray, shape (states,)
        P(state | evidence) in the network's order of states.
    log_evidence : float
        ln P(evidence).
    remark : str
        What the user should know of how it was answered.

    Returns
    -------
    Differential
        With plain floats.
    """
    present = model.network.node(CAUDA_EQUINA).index(PRESENT)
    return Differential(
        label=stage.label,
        posterior=MappingProxyType(dict(zip(model.network.node(CAUSE).states, cause.tolist(), strict=True))),
        complications=MappingProxyType({CAUDA_EQUINA: float(complication[present])}),
        log_evidence=log_evidence,
        findings=stage.findings,
        changes=stage.changes,
        remark=remark,
    )


def step_error(index: int, stage: Stage, error: ImpossibleEvidence) -> str:
    """Return what is wrong with the findings after a step; step 0 is what holds before the first."""
    return f"step {index}, {stage.label}: {error}" if index else str(error)


def diagnose(model: Model, case: Case, engine: Engine | None = None, intervals: bool = False) -> Diagnosis:
    """Return the differential of a case after each of its steps.

    Parameters
    ----------
    model : Model
        Priors and network; the caller has chosen the profile (`profile_for`).
    case : Case
        Checked.
    engine : Engine, optional
        The model's own unless another is given.
    intervals : bool
        Whether 95 % intervals over draws of the numbers are worked out too.

    Returns
    -------
    Diagnosis
        Prior, before the first step, and after each.

    Raises
    ------
    BadCase
        Where the findings of the case, or of one of its steps, contradict one another.

    Examples
    --------
    >>> from model import diagnose, load_model, parse_case
    >>> model = load_model()
    >>> result = diagnose(model, parse_case({}, model.priors.structure))
    >>> round(result.final.posterior["disc_herniation"], 6)
    0.8
    """

    def at(stage: Stage) -> Differential:
        found = differential(model, stage, engine)
        return replace(found, bands=bands(model, stage.evidence)) if intervals else found

    found = []
    for index, stage in enumerate(stages(case, model.priors.structure)):
        try:
            found.append(at(stage))
        except ImpossibleEvidence as error:
            raise BadCase(step_error(index, stage, error)) from None
    return Diagnosis(case, model.profile, model.digest, at(NOTHING_KNOWN), found[0], tuple(found[1:]))
