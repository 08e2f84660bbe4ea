"""The first page: enter findings, see the differential beside its prior, step through the case report's patient.

Not here: what is entered (`app/state.py`), how charts are made (`app/charts.py`).
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app import state
from app.charts import build_course_chart, build_differential_chart, cause_label, differential_table
from model import Differential, ImpossibleEvidence, Model
from model.differential import NOTHING_KNOWN, differential
from model.words import percent
from priors.records import ABSENT, CAUDA_EQUINA, CAUSE, DEFAULT_PROFILE, PRESENT, PROBABILITY, SEX, Key
from priors.summary import summarise

TEXT = Path(__file__).resolve().parents[1] / "text"
MARKS = {PRESENT: "+ present", ABSENT: "\N{MINUS SIGN} absent"}
LEADING = 3

# Constants of ours, no user text: less air on top, and the differential above the findings on a phone.
STYLE = """<style>
.stMainBlockContainer { padding-top: 2.5rem; }
@media (max-width: 640px) {
  .st-key-board > div > [data-testid="stHorizontalBlock"], .st-key-board > [data-testid="stHorizontalBlock"] {
    flex-direction: column-reverse;
  }
}
</style>"""


def render() -> None:
    """Draw the page."""
    state.begin()
    st.html(STYLE)
    st.title("Lasègue", anchor=False)
    st.markdown("A Bayesian differential diagnosis of sciatica: how each finding shifts the causes of leg pain.")
    st.caption(_limits())
    _patient()
    with st.container(key="board"):
        left, right = st.columns([2, 3], gap="large")
        with left:
            _findings()
        with right:
            _differential()
    _discrepancies()


def _patient() -> None:
    structure = state.base_priors().structure
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        for context in (structure.age, structure.duration):
            st.number_input(
                f"{context.label} ({context.unit})",
                key=context.name,
                min_value=context.minimum,
                max_value=context.maximum,
                step=1.0,
                format="%g",
                placeholder="not given",
                on_change=state.edited,
                width=165,
            )
        st.segmented_control(structure.sex.label, structure.sex.states, key=SEX, on_change=state.edited, width=150)
        st.selectbox(
            "Profile: prevalences of",
            state.profiles(),
            key=state.PROFILE,
            format_func=lambda name: name.replace("_", " "),
            help="The prior: shares of causes in a setting; `documents` starts from those that the case report quotes.",
            width=220,
        )
        st.button("Clear all", on_click=state.clear_all)
    st.segmented_control(
        "The case report's patient, stage by stage",
        [str(index) for index in range(1, len(state.seed_case().steps) + 1)],
        key=state.STEP,
        format_func=_step_name,
        on_change=state.open_step,
        wrap=True,
    )
    if st.session_state[state.KEPT] is not None:
        st.button("Back to what was entered before", on_click=state.back_to_own)
    step = st.session_state[state.STEP]
    if step is not None and st.session_state[state.CHANGED]:
        st.caption(f"Changed since stage {step} was opened: what is shown is no longer his record.")


def _step_name(step: str) -> str:
    return f"{step}\\. {state.seed_case().steps[int(step) - 1].label}"


def _limits() -> str:
    """Return the limits, with the share of judgement among the numbers in force."""
    counts = summarise(state.model_for(st.session_state[state.PROFILE]).priors).by_kind
    share = counts.get("judgement", 0) / sum(counts.values())
    return (TEXT / "limits.md").read_text(encoding="utf-8").replace("{judged}", percent(share))


def _findings() -> None:
    structure = state.base_priors().structure
    known = state.entered()
    st.subheader("Findings", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Add a finding",
            list(structure.findings),
            index=None,
            key=state.SEARCH,
            format_func=lambda name: " \N{MIDDLE DOT} ".join(
                (structure.findings[name].label, *structure.findings[name].synonyms)
            ),
            placeholder="type to search",
            on_change=state.found_by_search,
        )
        st.segmented_control(
            "as", state.STATUSES, key=state.SEARCH_STATUS, required=True, width="content", label_visibility="collapsed"
        )
    members = {state.ENTERED: [structure.findings[name] for name in known]}
    members |= {group: [f for f in structure.findings.values() if f.group == group] for group in structure.groups}
    labels = {state.ENTERED: "Entered", **structure.groups}
    group = st.segmented_control(
        "Or go through a group",
        list(members),
        key=state.GROUP,
        format_func=lambda name: labels[name],
        required=True,
        wrap=True,
    )
    assessed = sum(finding.name in known for finding in members[group])
    if group == state.ENTERED:
        st.caption(f"{assessed} entered, in order; press a mark again to take it back." if known else "None yet.")
    else:
        st.caption(f"{assessed} of {len(members[group])} assessed; no mark means not assessed, which is not absent.")
    for finding in members[group]:
        key = state.widget_key(finding.name)
        st.session_state[key] = known.get(finding.name)
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            st.markdown(finding.label, help=f"{finding.definition}\n\n{finding.question}", width="stretch")
            st.segmented_control(
                finding.label,
                state.STATUSES,
                key=key,
                format_func=lambda status: MARKS[status],
                label_visibility="collapsed",
                on_change=state.marked,
                args=(finding.name,),
                width="content",
            )


def _differential() -> None:
    st.subheader("Differential", anchor=False)
    model = state.model_for(st.session_state[state.PROFILE])
    try:
        now = state.current_differential()
    except ImpossibleEvidence as error:
        labels = model.priors.structure.findings
        named = [f"{labels[node].label if node in labels else node} ({state_})" for node, state_ in error.findings]
        st.warning(
            f"These cannot hold together: {', '.join(named)}. Take one of them back; everything entered is kept."
        )
        return
    prior = differential(model, NOTHING_KNOWN)
    if state.is_empty():
        st.info((TEXT / "empty.md").read_text(encoding="utf-8"))
    else:
        st.markdown(_leading_sentence(model, prior, now))
    scale = st.segmented_control(
        "Scale", ["log-odds", "linear"], default="log-odds", key="scale", label_visibility="collapsed"
    )
    table = differential_table(model.priors.structure, prior, now)
    st.altair_chart(
        build_differential_chart(table, model.priors.structure, scale == "linear", _theme()), width="stretch"
    )
    st.caption(
        "Bar: probability now. Grey behind it: the prior of the profile. ▲ serious. Mimic: outside the spine. "
        f"{_prior_range(model, prior.ranked()[0][0])} Profile {model.profile.replace('_', ' ')}, model {model.digest}."
    )
    short = model.priors.structure.complication.label
    st.markdown(
        f"**{short}**, beside whatever the cause is: {percent(now.complications[CAUDA_EQUINA])} "
        f"(prior {percent(prior.complications[CAUDA_EQUINA])})"
    )
    with st.expander("As a table"):
        shown = table[["label", "prior_text", "posterior_text"]]
        st.dataframe(shown.set_axis(["Cause", "Prior", "Now"], axis=1), hide_index=True, width="stretch")
    if st.session_state[state.STEP] is not None:
        _course(model)


def _prior_range(model: Model, cause: str) -> str:
    """Say that the leading prior is a range, shown at its mean."""
    estimate = model.priors.cells[Key(PROBABILITY, CAUSE, cause), ""].estimate
    short = next(c.short for c in model.priors.structure.causes if c.name == cause)
    if estimate.low is None or estimate.high is None:
        return ""
    span = f"{percent(estimate.low)} to {percent(estimate.high)}"
    return f"The prior of {short.lower()} is a range, {span}, shown at its mean, {percent(estimate.value)}."


def _theme() -> str:
    return "dark" if st.context.theme.type == "dark" else "light"


def _leading_sentence(model: Model, prior: Differential, now: Differential) -> str:
    short = {cause.name: cause_label(cause) for cause in model.priors.structure.causes}
    parts = [
        f"**{short[name]} {percent(p)}** (prior {percent(prior.posterior[name])})" for name, p in now.ranked()[:LEADING]
    ]
    return "Likeliest: " + ", ".join(parts)


def _course(model: Model) -> None:
    st.subheader("The patient's course", anchor=False)
    case = state.seed_case()
    course = state.seed_course(model.profile)
    labels = ["Prior", *(step.label for step in case.steps)]
    st.altair_chart(build_course_chart(model.priors.structure, course, labels, _theme()), width="stretch")
    steps = "; ".join(f"{index} {label}" for index, label in enumerate(labels[1:], start=1))
    st.caption(f"All five stages as recorded, whatever is changed above. {steps}.")


def _discrepancies() -> None:
    priors = state.base_priors()
    cells = [priors.cells[Key(PROBABILITY, CAUSE, cause), ""] for cause in priors.structure.cause_names]
    stated = sum(cell.estimate.kind == "documents" for cell in cells)
    with st.container(border=True):
        named = "This profile" if st.session_state[state.PROFILE] == DEFAULT_PROFILE else "The profile `documents`"
        st.markdown(
            f"**{named} takes {stated} of its {len(cells)} shares from the case report as they stand "
            "and judges the rest. What to know about them:**"
        )
        st.markdown("\n".join(f"- {item.sentence}" for item in priors.discrepancies))
