"""The models of one folder of priors, each built once, when it is first asked for.

Not here: building one (`model/build.py`).
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from model.build import Model, load_model
from model.case import Case
from model.differential import profile_for
from priors import PRIORS_FOLDER, available_profiles
from priors.shapes import Structure
from priors.structure import read_structure


class Models:
    """The vocabulary and the models of one folder of priors, each read once, when it is first asked for."""

    def __init__(self, folder: Path = PRIORS_FOLDER) -> None:
        self.folder = folder
        self.loaded: dict[str, Model] = {}

    @cached_property
    def structure(self) -> Structure:
        """The vocabulary, which all profiles share."""
        return read_structure(self.folder)

    @cached_property
    def profiles(self) -> tuple[str, ...]:
        """Names of the profiles."""
        return available_profiles(self.folder)

    def get(self, profile: str) -> Model:
        """Return the model of a profile; raise PriorsError where its data break a rule."""
        if profile not in self.loaded:
            self.loaded[profile] = load_model(profile, self.folder)
        return self.loaded[profile]

    def for_case(self, case: Case, chosen: str | None) -> Model:
        """Return the model that a case asks for; raise BadCase where its setting is no profile."""
        return self.get(profile_for(case, chosen, self.profiles))
