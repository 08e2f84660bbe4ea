"""Fixtures shared by all tests: the models by profile, and the case files."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

from model import Case, Model, load_model, read_case
from priors import available_profiles

ROOT = Path(__file__).resolve().parent.parent

# The same examples on every run and machine, no time limit for one example, nothing kept on disk.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep tables and draws in a folder of this run: none from before, and none left behind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LASEGUE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def models() -> Mapping[str, Model]:
    """Return profile -> model, for every profile in priors/."""
    return {profile: load_model(profile) for profile in available_profiles()}


@pytest.fixture(scope="session")
def model(models: Mapping[str, Model]) -> Model:
    """Return the model of the default profile."""
    return models["documents"]


@pytest.fixture(scope="session")
def cases(model: Model) -> Mapping[str, Case]:
    """Return file name without ending -> case, for every file in validation/cases/."""
    paths = sorted((ROOT / "validation" / "cases").glob("*.json"))
    return {path.stem: read_case(path, model.priors.structure) for path in paths}


@pytest.fixture(scope="session")
def seed_case(cases: Mapping[str, Case]) -> Case:
    """Return the patient of the case report: five steps."""
    return cases["buttock-sarcoma-59m"]
