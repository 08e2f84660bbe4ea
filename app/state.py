"""The session: what the user entered, as a plain case, and the models, each built once.

Not here: drawing (`app/views`), inference (`model`).
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from model import Case, Differential, Model, diagnose, load_model, parse_case, read_case
from model.case import Stage, stages
from model.differential import differential
from priors import PRIORS_FOLDER, PriorSet, available_profiles, load_priors
from priors.records import ABSENT, AGE, DURATION, PRESENT, SEX

SEED_CASE = Path(__file__).resolve().parents[1] / "validation" / "cases" / "buttock-sarcoma-59m.json"

STATUSES = (PRESENT, ABSENT)
PROFILE, STEP = "profile", "step"
NO_STEP = "none"


@st.cache_resource(show_spinner="Building the network")
def model_for(profile: str) -> Model:
    """Return the model of a profile, built once per server."""
    return load_model(profile)


@st.cache_resource(show_spinner=False)
def base_priors() -> PriorSet:
    """Return the priors of the default profile, for labels and vocabulary."""
    return load_priors(PRIORS_FOLDER)


@st.cache_resource(show_spinner=False)
def profiles() -> tuple[str, ...]:
    """Return the names of the profiles."""
    return available_profiles()


@st.cache_resource(show_spinner=False)
def seed_case() -> Case:
    """Return the case report's patient."""
    return read_case(SEED_CASE, base_priors().structure)


@st.cache_data(show_spinner=False)
def seed_course(profile: str) -> tuple[Differential, ...]:
    """Return the seed patient's differential before the first step and after each."""
    result = diagnose(model_for(profile), seed_case())
    return (result.prior, *result.steps)


def widget_key(finding: str) -> str:
    """Return the key of a finding's control."""
    return f"finding_{finding}"


def begin() -> None:
    """Give a new session its empty case."""
    for key, value in ((PRESENT, []), (ABSENT, []), (AGE, None), (SEX, None), (DURATION, None)):
        st.session_state.setdefault(key, value)
    st.session_state.setdefault(PROFILE, profiles()[0])
    st.session_state.setdefault(STEP, NO_STEP)


def status_of(finding: str) -> str | None:
    """Return present, absent, or None where a finding is not assessed."""
    return next((status for status in STATUSES if finding in st.session_state[status]), None)


def set_status(finding: str, status: str | None) -> None:
    """Enter a finding as present or absent, or take it back with None; the latest entry stands last."""
    for kept in STATUSES:
        st.session_state[kept] = [name for name in st.session_state[kept] if name != finding]
    if status is not None:
        st.session_state[status] = [*st.session_state[status], finding]


def chosen_in_search(status: str) -> None:
    """After a change of one search box: a finding lately entered here leaves the other."""
    other = ABSENT if status == PRESENT else PRESENT
    st.session_state[other] = [name for name in st.session_state[other] if name not in st.session_state[status]]


def chosen_in_group(finding: str) -> None:
    """After a change of a finding's own control."""
    set_status(finding, st.session_state[widget_key(finding)])


def clear_all() -> None:
    """Take back everything entered; the profile stays."""
    for key, value in ((PRESENT, []), (ABSENT, []), (AGE, None), (SEX, None), (DURATION, None), (STEP, NO_STEP)):
        st.session_state[key] = value


def open_step() -> None:
    """Enter the seed patient as he stood after the chosen step."""
    step = st.session_state[STEP]
    if step is None or step == NO_STEP:
        clear_all()
        return
    case = seed_case()
    stage = stages(case, base_priors().structure)[int(step)]
    st.session_state[AGE] = case.age
    st.session_state[SEX] = case.sex
    st.session_state[DURATION] = case.duration_weeks
    for status in STATUSES:
        st.session_state[status] = [name for name, known in stage.findings if known == status]


def current_stage() -> Stage:
    """Return what is entered now, checked like any case.

    Raises
    ------
    BadCase
        Where what is entered is no case.
    """
    state = st.session_state
    data = {key: state[key] for key in (PRESENT, ABSENT, AGE, SEX, DURATION)}
    structure = base_priors().structure
    return stages(parse_case(data, structure), structure)[-1]


def current_differential() -> Differential:
    """Return the differential of what is entered now.

    Raises
    ------
    LasegueError
        Where the findings cannot hold together.
    """
    return differential(model_for(st.session_state[PROFILE]), current_stage())
