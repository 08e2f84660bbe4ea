"""The first page: enter findings, see the differential beside its prior, step through the case report's patient.

Not here: what is entered (`app/state.py`), how charts are made (`app/charts.py`).
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app import state
from app.charts import build_course_chart, build_differential_chart, cause_label, differential_table
from model import Differential, Model
from model.differential import prior_differential
from model.odds import percent
from priors import LasegueError
from priors.records import ABSENT, AGE, CAUDA_EQUINA, DEFAULT_PROFILE, DURATION, PRESENT, SEX

TEXT = Path(__file__).resolve().parents[1] / "text"
MARKS = {PRESENT: "＋ present", ABSENT: "− absent"}
LEADING = 3


def render() -> None:
    """Draw the page."""
    state.begin()
    st.title("Lasègue", anchor=False)
    st.markdown("A Bayesian differential diagnosis of sciatica: how each finding shifts the causes of leg pain.")
    st.caption((TEXT / "limits.md").read_text(encoding="utf-8"))
    _patient()
    left, right = st.columns([2, 3], gap="large")
    with left:
        _findings()
    with right:
        _differential()
    _discrepancies()


def _patient() -> None:
    structure = state.base_priors().structure
    age, sex, duration, profile, forget = st.columns([2, 2, 2, 3, 2], vertical_alignment="bottom")
    age.number_input(
        "Age (years)",
        key=AGE,
        min_value=structure.age.minimum,
        max_value=structure.age.maximum,
        step=1.0,
        format="%g",
        placeholder="not given",
    )
    sex.segmented_control("Sex", structure.sex_states, key=SEX)
    duration.number_input(
        "Duration (weeks)",
        key=DURATION,
        min_value=structure.duration.minimum,
        max_value=structure.duration.maximum,
        step=1.0,
        format="%g",
        placeholder="not given",
    )
    profile.selectbox(
        "Profile: prevalences of",
        state.profiles(),
        key=state.PROFILE,
        format_func=lambda name: name.replace("_", " "),
        help="The prior: shares of causes in a setting. `documents` are the shares that the case report quotes.",
    )
    forget.button("Clear all", on_click=state.clear_all, width="stretch")
    steps = [state.NO_STEP, *(str(index) for index in range(1, len(state.seed_case().steps) + 1))]
    st.segmented_control(
        "The case report's patient, stage by stage",
        steps,
        key=state.STEP,
        format_func=_step_name,
        on_change=state.open_step,
    )


def _step_name(step: str) -> str:
    if step == state.NO_STEP:
        return "not opened"
    return f"{step} {state.seed_case().steps[int(step) - 1].label}"


def _findings() -> None:
    structure = state.base_priors().structure
    findings = structure.findings

    def label(name: str) -> str:
        return findings[name].label

    st.subheader("Findings", anchor=False)
    for status in state.STATUSES:
        st.multiselect(
            f"{status.capitalize()}: type to search",
            list(findings),
            key=status,
            format_func=label,
            placeholder="type a finding",
            on_change=state.chosen_in_search,
            args=(status,),
        )
    group = st.segmented_control(
        "Or go through a group",
        list(structure.groups),
        format_func=lambda name: structure.groups[name],
        default=next(iter(structure.groups)),
        key="group",
    )
    if group is None:
        return
    members = [finding for finding in findings.values() if finding.group == group]
    assessed = sum(state.status_of(finding.name) is not None for finding in members)
    st.caption(f"{assessed} of {len(members)} assessed; press a chosen mark again to take it back.")
    for finding in members:
        key = state.widget_key(finding.name)
        st.session_state[key] = state.status_of(finding.name)
        name, control = st.columns([3, 2], vertical_alignment="center")
        name.markdown(finding.label, help=finding.definition)
        control.segmented_control(
            finding.label,
            state.STATUSES,
            key=key,
            format_func=lambda status: MARKS[status],
            label_visibility="collapsed",
            on_change=state.chosen_in_group,
            args=(finding.name,),
        )


def _differential() -> None:
    st.subheader("Differential", anchor=False)
    try:
        model = state.model_for(st.session_state[state.PROFILE])
        now = state.current_differential()
    except LasegueError as error:
        st.error(f"No differential: {error}")
        return
    prior = prior_differential(model)
    causes = model.priors.structure.causes
    if now.findings or st.session_state[AGE] is not None or st.session_state[SEX] or st.session_state[DURATION]:
        st.markdown(_leading_sentence(model, prior, now))
    else:
        st.info((TEXT / "empty.md").read_text(encoding="utf-8"))
    scale = st.segmented_control(
        "Scale", ["log-odds", "linear"], default="log-odds", key="scale", label_visibility="collapsed"
    )
    table = differential_table(causes, prior, now)
    st.altair_chart(build_differential_chart(table, linear=scale == "linear"), width="stretch")
    st.caption(
        "Bar: probability now. Grey behind it: the prior of the profile. ▲ serious. "
        f"Profile {model.profile.replace('_', ' ')}, model {model.digest}."
    )
    short = model.priors.structure.complication.label
    st.markdown(
        f"**{short}**, beside whatever the cause is: {percent(now.complications[CAUDA_EQUINA])} "
        f"(prior {percent(prior.complications[CAUDA_EQUINA])})"
    )
    with st.expander("As a table"):
        shown = table[["label", "prior_text", "posterior_text"]]
        st.dataframe(shown.set_axis(["Cause", "Prior", "Now"], axis=1), hide_index=True, width="stretch")
    if st.session_state[state.STEP] not in (None, state.NO_STEP):
        _course(model)


def _leading_sentence(model: Model, prior: Differential, now: Differential) -> str:
    short = {cause.name: cause_label(cause) for cause in model.priors.structure.causes}
    parts = [
        f"**{short[name]} {percent(p)}** (prior {percent(prior.posterior[name])})" for name, p in now.ranked()[:LEADING]
    ]
    return "Likeliest: " + ", ".join(parts)


def _course(model: Model) -> None:
    st.subheader("His course", anchor=False)
    case = state.seed_case()
    course = state.seed_course(model.profile)
    labels = ["Prior", *(step.label for step in case.steps)]
    st.altair_chart(build_course_chart(model.priors.structure.causes, course, labels), width="stretch")
    steps = "; ".join(f"{index} {label}" for index, label in enumerate(labels[1:], start=1))
    st.caption(f"All five stages as recorded, whatever is changed above. {steps}.")


def _discrepancies() -> None:
    with st.container(border=True):
        named = "This profile" if st.session_state[state.PROFILE] == DEFAULT_PROFILE else "The profile `documents`"
        st.markdown(f"**{named} takes its shares from the case report as it stands; four things to know about them**")
        sentences = [f"- {item.sentence}" for item in state.base_priors().discrepancies]
        st.markdown("\n".join(sentences))
