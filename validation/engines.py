"""Engines: the worst difference between ours, pgmpy and pyAgrum, and whether all refuse what is impossible.

Brute-force enumeration judges them in the tests (`tests/oracle.py`). Not here: the engines (`validation/askers.py`),
their speed (`validation/benchmark.py`), the section (`validation/views/engines.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from model import Model
from model.case import stages
from model.casefile import read_case
from model.errors import BadCase, ImpossibleEvidence
from model.evidence import Evidence
from model.evidence_batch import evidence_of
from validation.askers import BRIDGE, COMPILED, Asker, Said, our_askers, rival_askers
from validation.casebook import Fault, case_files
from validation.contradictions import Contradiction, Items, contradictions
from validation.mix import case_mix
from validation.sections import Progress

PUBLISHED, GENERATED = ("published", "generated")
NAMED, REFUSED, NOT_A_NUMBER, ANSWERED = MEETINGS = ("named", "refused", "nan", "answered")
"""How an engine meets impossible evidence: refuses it and names just the clash; refuses it; NaN; any number."""


@dataclass(frozen=True, slots=True)
class EngineSizes:
    """How much is compared.

    Parameters
    ----------
    generated : int
        Generated cases under each profile, half of them without age, sex and duration; two or more.
    bridged : int
        How many of these the pgmpy reference engine is asked, which takes a query for each finding.
    """

    generated: int = 300
    bridged: int = 50


USUAL = EngineSizes()


@dataclass(frozen=True, slots=True)
class Agreement:
    """Largest absolute differences from the everyday engine.

    Parameters
    ----------
    cases : int
        Compared.
    cause, complication : float
        Of a state's posterior.
    log_evidence : float or None
        Of ln P(evidence); None from an engine that does not tell it.
    """

    cases: int
    cause: float
    complication: float
    log_evidence: float | None

    @property
    def worst(self) -> float:
        """The largest of them."""
        return max(self.cause, self.complication, self.log_evidence or 0.0)


@dataclass(frozen=True, slots=True)
class Refusal:
    """How engines meet one set of findings that cannot be.

    Parameters
    ----------
    clash : tuple of (str, str)
        Node and state of each finding that contradicts the others.
    by : mapping of str to tuple of str
        Engine -> one of `MEETINGS` for each profile.
    """

    clash: Items
    by: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Engines:
    """Agreement of the engines.

    Parameters
    ----------
    profiles : tuple of str
        Under which everything was asked.
    files, points : int
        Case files, and points of their courses.
    agreements : mapping of str to mapping of str to Agreement
        Engine -> set of cases -> agreement over all profiles; the everyday engine, from which the differences are,
        is left out.
    refusals : tuple of Refusal
        One a contradiction.
    faults : tuple of Fault
        Case files that could not be used.
    notes : tuple of str
        What could not be asked, and why.
    """

    profiles: tuple[str, ...]
    files: int
    points: int
    agreements: Mapping[str, Mapping[str, Agreement]]
    refusals: tuple[Refusal, ...]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]


def measure_engines(models: Mapping[str, Model], folder: Path, told: Progress, sizes: EngineSizes = USUAL) -> Engines:
    """Put the same cases to every engine.

    Parameters
    ----------
    models : mapping of str to Model
        By profile; one or more.
    folder : Path
        Of case files.
    told : callable
        Is told what is being done.
    sizes : EngineSizes
        How much is compared.

    Returns
    -------
    Engines
        Differences from the everyday engine, over all profiles.
    """
    files, points, faults = read_points(folder, next(iter(models.values())))
    found = [_under_profile(model, points, sizes, told) for model in models.values()]
    first = found[0]
    return Engines(
        profiles=tuple(models),
        files=files,
        points=len(points),
        agreements={
            engine: {name: merged([own.agreements[engine][name] for own in found]) for name in sets}
            for engine, sets in first.agreements.items()
        },
        refusals=tuple(
            Refusal(clash, {engine: tuple(own.met[clash][engine] for own in found) for engine in by})
            for clash, by in first.met.items()
        ),
        faults=faults,
        notes=first.notes,
    )


class _Found(NamedTuple):
    """What was found under one profile."""

    agreements: dict[str, dict[str, Agreement]]
    met: dict[Items, dict[str, str]]
    notes: tuple[str, ...]


def _under_profile(model: Model, points: Sequence[Evidence], sizes: EngineSizes, told: Progress) -> _Found:
    """Put the cases and the contradictions to every engine under one profile."""
    rivals, notes = rival_askers(model)
    askers = {**our_askers(model), **rivals}
    cases = {PUBLISHED: points, GENERATED: generated_cases(model, sizes.generated)}
    references = {name: askers[COMPILED](own) for name, own in cases.items()}
    agreements: dict[str, dict[str, Agreement]] = {}
    for engine, ask in askers.items():
        if engine == COMPILED:
            continue
        told(f"{model.profile}: {engine}")
        asked = {**cases, GENERATED: cases[GENERATED][: sizes.bridged]} if engine == BRIDGE else cases
        agreements[engine] = {name: agreement(references[name], ask(own)) for name, own in asked.items() if own}
    told(f"{model.profile}: impossible evidence")
    impossible = contradictions(model.priors.structure, model.network, cases[GENERATED][0])
    met = {one.clash: {engine: meeting(ask, one) for engine, ask in askers.items()} for one in impossible}
    return _Found(agreements, met, notes)


def read_points(folder: Path, model: Model) -> tuple[int, list[Evidence], tuple[Fault, ...]]:
    """Return what is known at every point of every case file.

    Parameters
    ----------
    folder : Path
        Of case files.
    model : Model
        Its vocabulary binds; what it refuses as impossible is a fault of the file.

    Returns
    -------
    tuple
        Number of files used, evidence at each point, and the files that cannot be used.
    """
    files, points, faults = 0, list[Evidence](), []
    for file in case_files(folder):
        try:
            own = [stage.evidence for stage in stages(read_case(file, model.priors.structure), model.priors.structure)]
            for evidence in own:
                model.engine.query(model.network, evidence, ())
        except (BadCase, ImpossibleEvidence) as error:
            faults.append(Fault(file.name, str(error)))
            continue
        files += 1
        points += own
    return files, points, tuple(faults)


def generated_cases(model: Model, size: int) -> list[Evidence]:
    """Return cases of the fixed mix, in turn with and without age, sex and duration."""
    mixes = [case_mix(model.network, size // 2, context).batch for context in (True, False)]
    return [evidence_of(model.network, mix, case) for case in range(size // 2) for mix in mixes]


def agreement(reference: Sequence[Said | None], answers: Sequence[Said | None]) -> Agreement:
    """Return the largest differences between two engines.

    Parameters
    ----------
    reference, answers : sequence of Said or None
        What each says of the same cases, in the same order; the rest of a longer one is not looked at.

    Returns
    -------
    Agreement
        Over the cases that both were asked; NaN in an answer makes the difference infinite.
    """
    pairs = [(a, b) for a, b in zip(reference, answers, strict=False) if a is not None and b is not None]
    told = [(a.log_evidence, b.log_evidence) for a, b in pairs]
    logs = [abs(a - b) for a, b in told if a is not None and b is not None]
    return Agreement(
        cases=len(pairs),
        cause=_largest([float(np.abs(a.cause - b.cause).max()) for a, b in pairs]),
        complication=_largest([float(np.abs(a.complication - b.complication).max()) for a, b in pairs]),
        log_evidence=_largest(logs) if logs else None,
    )


def _largest(differences: Sequence[float]) -> float:
    """Return the largest; a comparison with NaN holds for nothing, so NaN counts as infinite."""
    return max((math.inf if math.isnan(d) else d for d in differences), default=0.0)


def merged(agreements: Sequence[Agreement]) -> Agreement:
    """Return the agreement over several lots of cases; one or more."""
    logs = [own.log_evidence for own in agreements if own.log_evidence is not None]
    return Agreement(
        cases=sum(own.cases for own in agreements),
        cause=max(own.cause for own in agreements),
        complication=max(own.complication for own in agreements),
        log_evidence=max(logs) if logs else None,
    )


def meeting(ask: Asker, contradiction: Contradiction) -> str:
    """Return how an engine meets impossible evidence.

    Parameters
    ----------
    ask : callable
        The engine.
    contradiction : Contradiction
        What it is asked.

    Returns
    -------
    str
        One of `MEETINGS`.
    """
    try:
        said = ask([contradiction.evidence])[0]
    except ImpossibleEvidence as error:
        return NAMED if set(error.findings) == set(contradiction.clash) else REFUSED
    numbers = [] if said is None else [*said.cause, *said.complication]
    return ANSWERED if np.isfinite(numbers).all() else NOT_A_NUMBER
