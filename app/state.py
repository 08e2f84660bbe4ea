"""The session: what the user entered, as a plain case, and the models, each built once.

Not here: drawing (`app/views`), inference (`model`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from model import Case, Differential, Model, diagnose, load_model, parse_case, read_case
from model.case import stages
from model.differential import differential
from priors import PriorSet, available_profiles
from priors.records import ABSENT, AGE, DEFAULT_PROFILE, DURATION, PRESENT, SEX

SEED_CASE = Path(__file__).resolve().parents[1] / "validation" / "cases" / "buttock-sarcoma-59m.json"

STATUSES = (PRESENT, ABSENT)
PROFILE, STEP, FINDINGS, GROUP = "profile", "step", "findings", "group"
SEARCH, SEARCH_STATUS = "search", "search_status"
ENTERED = "entered"
CHANGED, KEPT = "changed", "kept"  # edits since the stage was opened; what was entered before it


@st.cache_resource(show_spinner="Building the network")
def model_for(profile: str) -> Model:
    """Return the model of a profile, built once per server."""
    return load_model(profile)


def base_priors() -> PriorSet:
    """Return the priors of the default profile, for labels and vocabulary."""
    return model_for(DEFAULT_PROFILE).priors


@st.cache_resource(show_spinner=False)
def profiles() -> tuple[str, ...]:
    """Return the names of the profiles."""
    return available_profiles()


@st.cache_resource(show_spinner=False)
def seed_case() -> Case:
    """Return the case report's patient."""
    return read_case(SEED_CASE, base_priors().structure)


@st.cache_resource(show_spinner=False)
def seed_course(profile: str) -> tuple[Differential, ...]:
    """Return the seed patient's differential before the first step and after each."""
    result = diagnose(model_for(profile), seed_case())
    return (result.prior, *result.steps)


def widget_key(finding: str) -> str:
    """Return the key of a finding's control."""
    return f"finding_{finding}"


ENTRIES = (FINDINGS, AGE, SEX, DURATION)


def nothing_entered() -> dict[str, Any]:
    """Return the entries of an empty case."""
    return {FINDINGS: {}, AGE: None, SEX: None, DURATION: None}


def begin() -> None:
    """Give a new session its empty case."""
    start = nothing_entered() | {STEP: None, CHANGED: False, KEPT: None, SEARCH: None, SEARCH_STATUS: PRESENT}
    for key, value in (start | {PROFILE: profiles()[0], GROUP: next(iter(base_priors().structure.groups))}).items():
        st.session_state.setdefault(key, value)


def entered() -> dict[str, str]:
    """Return the findings entered, with their status, in the order entered."""
    return dict(st.session_state[FINDINGS])


def set_status(finding: str, status: str | None) -> None:
    """Enter a finding as present or absent, or take it back with None."""
    known = entered()
    if status is None:
        known.pop(finding, None)
    else:
        known[finding] = status
    st.session_state[FINDINGS] = known
    edited()


def edited() -> None:
    """Remember that what is entered is no longer the stage that was opened."""
    st.session_state[CHANGED] = True


def found_by_search() -> None:
    """After a choice in the search box: enter the finding, show it among those entered, empty the box."""
    finding = st.session_state[SEARCH]
    if finding is not None:
        set_status(finding, st.session_state[SEARCH_STATUS] or PRESENT)
        st.session_state[GROUP] = ENTERED
        st.session_state[SEARCH] = None


def marked(finding: str) -> None:
    """After a press of a finding's own control."""
    set_status(finding, st.session_state[widget_key(finding)])


def clear_all() -> None:
    """Take back everything entered; the profile stays."""
    _enter(nothing_entered())
    st.session_state[STEP] = None


def _enter(entries: dict[str, Any]) -> None:
    for key, value in entries.items():
        st.session_state[key] = value
    st.session_state[CHANGED] = False


def open_step() -> None:
    """Enter the case report's patient as he stood after the chosen stage; keep what was entered before him."""
    step = st.session_state[STEP]
    if step is None:
        return  # the patient is closed; his findings stay until they are cleared
    if st.session_state[KEPT] is None and not is_empty():
        st.session_state[KEPT] = {key: st.session_state[key] for key in ENTRIES}
    case = seed_case()
    stage = stages(case, base_priors().structure)[int(step)]
    known = {name: status for name, status in stage.findings if isinstance(status, str)}
    _enter({FINDINGS: known, AGE: case.age, SEX: case.sex, DURATION: case.duration_weeks})
    st.session_state[GROUP] = ENTERED


def back_to_own() -> None:
    """Enter again what was there before the case report's patient was opened."""
    _enter(st.session_state[KEPT] or nothing_entered())
    st.session_state[KEPT] = st.session_state[STEP] = None


def is_empty() -> bool:
    """Say whether nothing at all is entered."""
    return all(st.session_state[key] == value for key, value in nothing_entered().items())


def current_differential() -> Differential:
    """Return the differential of what is entered now, checked like any case.

    Raises
    ------
    ImpossibleEvidence
        Where the findings cannot hold together.
    """
    state = st.session_state
    data = {key: state[key] for key in (AGE, SEX, DURATION)}
    for status in STATUSES:
        data[status] = [name for name, known in entered().items() if known == status]
    structure = base_priors().structure
    return differential(model_for(state[PROFILE]), stages(parse_case(data, structure), structure)[-1])
