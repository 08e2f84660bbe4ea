"""What the model card counts: facts that go into its words, and its tables.

Not here: the words (`validation/card.toml`), the card (`validation/card.py`).
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from model import Model
from model.build import RESULTS_VERSION
from model.draws import DrawSettings
from model.elimination import log_joint
from model.evidence import Evidence
from model.network import Table
from model.words import percent
from priors.records import (
    AGE,
    CAUSE,
    DEFAULT_PROFILE,
    DEPENDENCE,
    JUDGEMENT,
    KINDS,
    ODDS_MULTIPLIER,
    SEX,
    THRESHOLD,
    Key,
    Row,
)
from priors.summary import summarise
from validation.sections import Grid

ROOT = Path(__file__).resolve().parent.parent
CASES = ROOT / "validation" / "cases"
UNREAD = "nothing"  # what was read of a source whose entry names nothing

Models = Mapping[str, Model]


def facts(models: Models) -> dict[str, str]:
    """Return what the words of the card name, as it is printed.

    Parameters
    ----------
    models : mapping of str to Model
        By profile, the default among them.

    Returns
    -------
    dict of str to str
        Counts are those of the default profile where profiles differ.
    """
    priors = models[DEFAULT_PROFILE].priors
    structure, summary = priors.structure, summarise(priors)
    cells = Counter[str]()
    for counts in summary.by_cause.values():
        cells.update(counts)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    strengths = _rows(priors.rows, DEPENDENCE)
    thresholds = _rows(priors.rows, THRESHOLD)
    age_findings = [finding for finding in structure.findings.values() if finding.age]
    sex_findings = [f.label for f in structure.findings.values() if f.possible_if and SEX in f.possible_if.nodes]
    values = [value for value in structure.values.values() if value.implies]
    found = {
        "causes": len(structure.causes),
        "findings": len(structure.findings),
        "syndromes": len(structure.syndromes),
        "nodes": len(models[DEFAULT_PROFILE].network.nodes),
        "profiles_count": len(models),
        "profiles": ", ".join(models),
        "default_profile": DEFAULT_PROFILE,
        "age_bands": len(structure.age.bands),
        "duration_bands": len(structure.duration.bands),
        "values": len(values),
        "value_names": ", ".join(value.label for value in values),
        "numbers": sum(summary.by_kind.values()),
        "judgement": summary.by_kind.get(JUDGEMENT, 0),
        "judgement_share": percent(summary.by_kind.get(JUDGEMENT, 0) / sum(summary.by_kind.values())),
        "cells": sum(cells.values()),
        "judgement_cells": cells[JUDGEMENT],
        "pooled": len(priors.studies),
        "studies": sum(len(studies) for studies in priors.studies.values()),
        "strengths": len(strengths),
        "judged_strengths": _judged(strengths),
        "thresholds": len(thresholds),
        "judged_thresholds": _judged(thresholds),
        "age_findings": len(age_findings),
        "age_kinds": _kinds(row for row in priors.rows if row.key.node == AGE),
        "age_effect_kinds": _kinds(_rows(priors.rows, ODDS_MULTIPLIER)),
        "sex_kinds": _kinds(row for row in priors.rows if row.key.node == SEX),
        "sex_findings": ", ".join(label[0].lower() + label[1:] for label in sex_findings),
        "draws": DrawSettings().size,
        "cases": len(list(CASES.glob("*.json"))),
        "discrepancies": " ".join(discrepancy.sentence for discrepancy in priors.discrepancies),
        "version": project["version"],
        "results_version": RESULTS_VERSION,
    }
    return {name: f"{fact:,}" if isinstance(fact, int) else fact for name, fact in (found | _sources(models)).items()}


def _sources(models: Models) -> dict[str, int | str]:
    """Return how many sources there are under any profile, what was read of them, and from when to when they are."""
    sources = {key: source for model in models.values() for key, source in model.priors.sources.items()}
    read = Counter(source.read or UNREAD for source in sources.values())
    unread = sorted(key for key, source in sources.items() if not source.read)
    years = sorted(int(s.fields["year"]) for s in sources.values() if s.read and s.fields["year"].isdigit())
    return {
        "sources": len(sources),
        "sources_read": ", ".join(f"{what} of {count:,}" for what, count in read.most_common() if what != UNREAD),
        "sources_unread": ", ".join(unread) or "none",
        "first_year": str(years[0]),
        "last_year": str(years[-1]),
    }


def _rows(rows: Iterable[Row], parameter: str) -> list[Row]:
    return [row for row in rows if row.key.parameter == parameter]


def _judged(rows: Iterable[Row]) -> int:
    return sum(row.estimate.kind == JUDGEMENT for row in rows)


def _kinds(rows: Iterable[Row]) -> str:
    """Return how many numbers there are of each kind, as words."""
    counts = Counter(row.estimate.kind for row in rows)
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.most_common())


def _marginal(model: Model, node: str) -> Table:
    """Return P(state) with nothing entered."""
    probs: Table = np.exp(log_joint(model.network, Evidence(), (node,)))
    return probs


def _profiles(models: Models) -> Grid:
    rows = []
    for name, model in models.items():
        own = [row.estimate.population for row in model.priors.rows if row.key.node == CAUSE]
        rows.append((name, "; or ".join(dict.fromkeys(own)), model.digest))
    return Grid("Profiles", ("Profile", "Whose prevalences", "Digest"), tuple(rows))


def _ages(models: Models) -> Grid:
    structure = models[DEFAULT_PROFILE].priors.structure
    rows = []
    for name, model in models.items():
        ages = [percent(p) for p in _marginal(model, AGE)]
        rows.append((name, *ages, *(percent(p) for p in _marginal(model, SEX))))
    columns = ("Profile", *(band.label for band in structure.age.bands), *structure.sex.states)
    note = "With nothing entered: what follows from the prevalences and from who has each cause."
    return Grid("Age and sex of the patients that the model expects", columns, tuple(rows), note)


def _kinds_by_profile(models: Models) -> Grid:
    rows = []
    for name, model in models.items():
        by_kind = summarise(model.priors).by_kind
        rows.append((name, *(f"{by_kind.get(kind, 0):,}" for kind in KINDS), f"{sum(by_kind.values()):,}"))
    return Grid("Numbers by kind", ("Profile", *KINDS, "all"), tuple(rows))


def _rests(models: Models) -> Grid:
    priors = models[DEFAULT_PROFILE].priors
    labels = {cause.name: cause.label for cause in priors.structure.causes}
    rows = []
    for cause, counts in summarise(priors).by_cause.items():
        total, judged = sum(counts.values()), counts.get(JUDGEMENT, 0)
        rows.append((labels[cause], *(f"{counts.get(kind, 0):,}" for kind in KINDS), percent(judged / total)))
    return Grid(f"Numbers that each cause rests on ({DEFAULT_PROFILE})", ("Cause", *KINDS, "judged"), tuple(rows))


def _causes(models: Models) -> Grid:
    structure = models[DEFAULT_PROFILE].priors.structure
    priors = [_marginal(model, CAUSE) for model in models.values()]
    rows = [
        (cause.label, cause.name, *(percent(prior[index]) for prior in priors))
        for index, cause in enumerate(structure.causes)
    ]
    complication = structure.complication
    chances = [percent(_marginal(model, complication.name)[0]) for model in models.values()]
    rows.append((f"+ {complication.label}", complication.name, *chances))
    note = "Prior under each profile, with nothing entered. Cauda equina syndrome is a complication, beside any cause."
    return Grid("Causes", ("Cause", "Name", *models), tuple(rows), note)


def _predictors(models: Models) -> Grid:
    structure = models[DEFAULT_PROFILE].priors.structure
    rows = []
    for group, label in structure.groups.items():
        own = [finding.label for finding in structure.findings.values() if finding.group == group]
        rows.append((label, f"{len(own):,}", "; ".join(own)))
    return Grid("Findings by group", ("Group", "Findings", "Which"), tuple(rows))


def _thresholds(models: Models) -> Grid:
    priors = models[DEFAULT_PROFILE].priors
    rows = []
    for outcome in priors.structure.cannot_miss.values():
        estimate = priors.cells[Key(THRESHOLD, outcome.name, "present"), ""].estimate
        rows.append((outcome.label, percent(estimate.value), estimate.kind, outcome.action))
    return Grid("Thresholds of what must not be missed", ("Outcome", "From", "Kind", "What acting means"), tuple(rows))


TABLES: dict[str, Callable[[Models], Grid]] = {
    "profiles": _profiles,
    "ages": _ages,
    "kinds": _kinds_by_profile,
    "rests": _rests,
    "causes": _causes,
    "predictors": _predictors,
    "thresholds": _thresholds,
}
