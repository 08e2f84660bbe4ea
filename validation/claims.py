"""The source documents' claims, each a named check of the model.

Not here: the claims themselves (`validation/claims.toml`), the report's section (`validation/views/claims.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.build import Model
from model.case import stages
from model.casefile import parse_case, read_case
from model.errors import BadCase
from model.evidence import Evidence
from model.outcomes import outcome_probability, threshold
from model.words import percent
from priors.errors import PriorsError, Problem
from priors.records import CAUDA_EQUINA, CAUSE, PRESENT
from priors.shapes import Structure
from priors.text import suggestion
from priors.toml_tables import open_toml
from validation.casebook import CASES
from validation.sections import Progress

FILE = Path(__file__).resolve().parent / "claims.toml"
_Verdicts = list[tuple[bool, str]]
KEYS = ("title", "source", "before", "patient", "stage", "profiles", "also", "what_else", "expect")
EXPECTATIONS = ("below", "above", "leads", "overtakes", "rises", "falls", "at_most", "at_least")


@dataclass(frozen=True, slots=True)
class Claim:
    """Something a source document says, put to the model.

    Parameters
    ----------
    name, title, source : str
        Key, the claim as a sentence, where it stands.
    before : Evidence or None
        The same patient with less known, where the claim is about a change.
    evidence : Evidence
        What is known.
    profiles, also : tuple of str
        Where it must hold, and where it is shown without being asked for.
    what_else : str
        What to see in the latter.
    expect : mapping of str to object
        See validation/claims.toml.
    """

    name: str
    title: str
    source: str
    before: Evidence | None
    evidence: Evidence
    profiles: tuple[str, ...]
    also: tuple[str, ...]
    what_else: str
    expect: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """Whether a claim holds under a profile.

    Parameters
    ----------
    claim : Claim
        What was asked.
    profile : str
        Where.
    required : bool
        Whether it must hold there.
    holds : bool
        Whether it does.
    detail : str
        The figures, in words.
    """

    claim: Claim
    profile: str
    required: bool
    holds: bool
    detail: str


def read_claims(structure: Structure, profiles: Sequence[str], file: Path = FILE) -> tuple[Claim, ...]:
    """Read the claims.

    Parameters
    ----------
    structure : Structure
        The vocabulary.
    profiles : sequence of str
        Names of the profiles.
    file : Path
        A TOML file.

    Returns
    -------
    tuple of Claim
        In the file's order.

    Raises
    ------
    PriorsError
        With every fault found, each with file and key.
    """
    problems: list[Problem] = []
    claims = []
    for name, table in open_toml(file.parent, file.name, problems).data.items():
        try:
            claims.append(_claim(name, table, structure, profiles))
        except (BadCase, KeyError) as error:
            problems.append(
                Problem(file.name, None, name, f"missing key {error}" if isinstance(error, KeyError) else str(error))
            )
    if problems:
        raise PriorsError(problems)
    return tuple(claims)


def _claim(name: str, table: Mapping[str, Any], structure: Structure, profiles: Sequence[str]) -> Claim:
    if unknown := set(table) - set(KEYS):
        raise BadCase(f"unknown key {sorted(unknown)[0]!r}{suggestion(sorted(unknown)[0], KEYS)}")
    if not isinstance(table["expect"], dict) or not table["expect"]:
        raise BadCase("expect: expected at least one expectation")
    if unknown := set(table["expect"]) - set(EXPECTATIONS):
        raise BadCase(f"expect: unknown {sorted(unknown)[0]!r}{suggestion(sorted(unknown)[0], EXPECTATIONS)}")
    if unknown := {*table["profiles"], *table["also"]} - set(profiles):
        raise BadCase(f"profiles: unknown {sorted(unknown)[0]!r}{suggestion(sorted(unknown)[0], profiles)}")
    before, evidence = _before_and_now(table, structure)
    if before is None and {"rises", "falls"} & set(table["expect"]):
        raise BadCase("expect: rises and falls need what was known before")
    _check_names(table["expect"], structure)
    return Claim(
        name=name,
        title=table["title"],
        source=table["source"],
        before=before,
        evidence=evidence,
        profiles=tuple(table["profiles"]),
        also=tuple(table["also"]),
        what_else=table["what_else"],
        expect=table["expect"],
    )


def _check_names(expect: Mapping[str, Any], structure: Structure) -> None:
    """Raise BadCase for a cause or an outcome that does not exist."""
    causes = (*structure.cause_names, CAUDA_EQUINA)
    named = {
        "below": structure.cannot_miss,
        "above": structure.cannot_miss,
        **dict.fromkeys(("leads", "overtakes", "rises", "falls", "at_most", "at_least"), causes),
    }
    for kind, wanted in expect.items():
        if kind == "overtakes":
            names = [wanted["cause"], *wanted["of"]]
        else:
            names = [wanted] if isinstance(wanted, str) else list(wanted)
        for name in names:
            if name not in named[kind]:
                raise BadCase(f"expect: {kind}: unknown {name!r}{suggestion(name, tuple(named[kind]))}")


def _before_and_now(table: Mapping[str, Any], structure: Structure) -> tuple[Evidence | None, Evidence]:
    if "stage" in table:
        found = stages(read_case(CASES / f"{table['stage']['case']}.json", structure), structure)
        step = table["stage"]["step"]
        if not 1 <= step < len(found):
            raise BadCase(f"stage: expected a step from 1 to {len(found) - 1}, found {step}")
        return found[step - 1].evidence, found[step].evidence
    now, before = (
        stages(parse_case(dict(table[key]), structure), structure)[-1].evidence if key in table else None
        for key in ("patient", "before")
    )
    if now is None:
        raise BadCase("expected a patient or a stage")
    return before, now


def measure_claims(models: Mapping[str, Model], claims: Sequence[Claim], told: Progress) -> tuple[ClaimResult, ...]:
    """Put every claim to the model.

    Parameters
    ----------
    models : mapping of str to Model
        By profile.
    claims : sequence of Claim
        From `read_claims`.
    told : callable
        Is told what is being done.

    Returns
    -------
    tuple of ClaimResult
        One a claim and profile.
    """
    results = []
    for claim in claims:
        told(f"claim {claim.name}")
        for profile in (*claim.profiles, *claim.also):
            holds, detail = _holds(models[profile], claim)
            results.append(ClaimResult(claim, profile, profile in claim.profiles, holds, detail))
    return tuple(results)


def _holds(model: Model, claim: Claim) -> tuple[bool, str]:
    """Return whether every expectation holds, and the figures."""
    now = _probabilities(model, claim.evidence)
    before = _probabilities(model, claim.before) if claim.before is not None else {}
    verdicts: list[bool] = []
    said: list[str] = []
    for kind, wanted in claim.expect.items():
        for holds, text in _verdicts(model, claim.evidence, kind, wanted, now, before):
            verdicts.append(holds)
            said.append(text)
    return all(verdicts), "; ".join(said)


def _verdicts(
    model: Model, evidence: Evidence, kind: str, wanted: Any, now: Mapping[str, float], before: Mapping[str, float]
) -> _Verdicts:
    match kind:
        case "below" | "above":
            return _against_thresholds(model, evidence, wanted, below=kind == "below")
        case "leads":
            return _leads(model, now, wanted)
        case "overtakes":
            return _overtakes(model, now, wanted)
        case "rises" | "falls":
            return _moves(model, now, before, wanted, up=kind == "rises")
        case "at_most" | "at_least":
            return _bounds(model, now, wanted, upper=kind == "at_most")
    raise ValueError(f"unknown expectation {kind!r}")


def _probabilities(model: Model, evidence: Evidence) -> dict[str, float]:
    """Return P of every cause, and of cauda equina."""
    cause, complication = model.engine.query(model.network, evidence, (CAUSE, CAUDA_EQUINA)).posteriors
    return {**cause.as_dict(), CAUDA_EQUINA: complication.as_dict()[PRESENT]}


def _short(model: Model, name: str) -> str:
    structure = model.priors.structure
    if name == CAUDA_EQUINA:
        return structure.complication.short
    return next(cause.short for cause in structure.causes if cause.name == name)


def _against_thresholds(model: Model, evidence: Evidence, outcomes: Sequence[str], below: bool) -> _Verdicts:
    found = []
    for name in outcomes:
        outcome = model.priors.structure.cannot_miss[name]
        probability = outcome_probability(model.engine, model.network, evidence, outcome)
        limit = threshold(model.priors, name)
        found.append((probability < limit if below else probability >= limit, probability, limit, outcome.label))
    return [(holds, f"{label} {percent(p)} (threshold {percent(limit)})") for holds, p, limit, label in found]


def _leads(model: Model, now: Mapping[str, float], cause: str) -> _Verdicts:
    ranked = sorted((name for name in now if name != CAUDA_EQUINA), key=lambda name: -now[name])
    shown = ", ".join(f"{_short(model, name)} {percent(now[name])}" for name in ranked[:3])
    return [(ranked[0] == cause, shown)]


def _overtakes(model: Model, now: Mapping[str, float], wanted: Mapping[str, Any]) -> _Verdicts:
    rivals = ", ".join(f"{_short(model, name)} {percent(now[name])}" for name in wanted["of"])
    holds = now[wanted["cause"]] > sum(now[name] for name in wanted["of"])
    return [(holds, f"{_short(model, wanted['cause'])} {percent(now[wanted['cause']])} against {rivals}")]


def _moves(
    model: Model, now: Mapping[str, float], before: Mapping[str, float], names: Sequence[str], up: bool
) -> _Verdicts:
    return [
        (
            (now[name] > before[name]) is up and now[name] != before[name],
            f"{_short(model, name)} {percent(before[name])} to {percent(now[name])}",
        )
        for name in names
    ]


def _bounds(model: Model, now: Mapping[str, float], wanted: Mapping[str, float], upper: bool) -> _Verdicts:
    return [
        (now[name] <= p if upper else now[name] >= p, f"{_short(model, name)} {percent(now[name])}")
        for name, p in wanted.items()
    ]
