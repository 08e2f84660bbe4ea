"""Every section of the report: which there are, in which order, and how each is made.

Not here: what a section measures and says (its own modules), the page (`validation/page.py`).
"""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from model.build import Model
from model.models import Models
from priors.shapes import Structure
from validation.card import Card, measure_card
from validation.casebook import CASES, read_casebook
from validation.claims import measure_claims, read_claims
from validation.coverage import measure_coverage
from validation.decisions import measure_decisions
from validation.dependence import measure_dependence
from validation.engines import measure_engines
from validation.posttest import measure_posttest
from validation.published import measure_published
from validation.sections import Progress, Section
from validation.targetfile import read_targets
from validation.twin import measure_twin
from validation.views import card, claims, coverage, decisions, dependence, engines, posttest, published, twin

SIMULATED = "primary_care"  # the profile whose patients are simulated
LIBRARIES = ("numpy", "scipy", "pgmpy", "pyagrum", "scikit-learn", "statsmodels", "dcurves")


@dataclass
class Inputs:
    """What sections are made with: models, cases, and the sections made so far.

    Parameters
    ----------
    cases : Path
        Folder of case files.
    made : dict of str to Section
        By key, in the order they were made; the model card quotes them.
    """

    cases: Path = CASES
    made: dict[str, Section] = field(default_factory=dict)

    @cached_property
    def all_models(self) -> Models:
        """The models of priors/, each built once."""
        return Models()

    @property
    def structure(self) -> Structure:
        """The vocabulary."""
        return self.all_models.structure

    @cached_property
    def models(self) -> Mapping[str, Model]:
        """Profile -> model."""
        return {profile: self.all_models.get(profile) for profile in self.all_models.profiles}


def _published(inputs: Inputs, told: Progress) -> Section:
    book = read_casebook(inputs.cases, inputs.models["documents"].network, inputs.structure, inputs.all_models.profiles)
    return published.section(measure_published(inputs.models, book, told), inputs.structure)


def _posttest(inputs: Inputs, told: Progress) -> Section:
    base = inputs.models["documents"]
    targets = read_targets(base.network, inputs.all_models.profiles, base.priors.sources)
    return posttest.section(measure_posttest(inputs.models, targets, told))


def _claims(inputs: Inputs, told: Progress) -> Section:
    return claims.section(
        measure_claims(inputs.models, read_claims(inputs.structure, inputs.all_models.profiles), told)
    )


def _coverage(inputs: Inputs, told: Progress) -> Section:
    return coverage.section(measure_coverage(inputs.models[SIMULATED], told))


def _engines(inputs: Inputs, told: Progress) -> Section:
    return engines.section(measure_engines(inputs.models, inputs.cases, told))


def _twin(_: Inputs, told: Progress) -> Section:
    return twin.section(measure_twin(told))


def _decisions(_: Inputs, told: Progress) -> Section:
    return decisions.section(measure_decisions(told))


def _dependence(inputs: Inputs, told: Progress) -> Section:
    return dependence.section(measure_dependence(inputs.models[SIMULATED], told))


def _card(inputs: Inputs, told: Progress) -> Section:
    return card.section(model_card(inputs, told))


def model_card(inputs: Inputs, told: Progress) -> Card:
    """Return the model card, with the main figures of the sections made so far."""
    performance = {CARD_NAMES[key]: made.headline for key, made in inputs.made.items() if key in CARD_NAMES}
    return measure_card(inputs.models, told, performance)


Maker = Callable[[Inputs, Progress], Section]
MAKERS: Mapping[str, Maker] = {
    "published": _published,
    "posttest": _posttest,
    "claims": _claims,
    "coverage": _coverage,
    "twin": _twin,
    "decisions": _decisions,
    "dependence": _dependence,
    "engines": _engines,
    "card": _card,
}
# The card's names for the sections that it quotes.
CARD_NAMES: Mapping[str, str] = {
    "published": "Published cases",
    "posttest": "Published post-test figures",
    "claims": "Claims of the source documents",
    "coverage": "Calibration on simulated patients",
    "twin": "Wrong-model twin",
    "decisions": "Decision curves",
    "dependence": "Structure",
    "engines": "Engines",
}


def about(inputs: Inputs, origin: Mapping[str, object], date: str, command: str) -> dict[str, str]:
    """Return what a report was made from, for people.

    Parameters
    ----------
    inputs : Inputs
        Its models.
    origin : mapping of str to object
        From `validation.summary.made_from`.
    date : str
        Day of the run.
    command : str
        What repeats it.

    Returns
    -------
    dict of str to str
        Name -> value.
    """
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    return {
        "Models": ", ".join(f"{profile} {model.digest}" for profile, model in inputs.models.items()),
        "Cases, targets, claims": str(origin["inputs"]),
        "Date": date,
        "Repeat with": command,
        "Python": platform.python_version(),
        "Libraries": versions,
    }
