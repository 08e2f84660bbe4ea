"""Numbers to charts, as pure functions; no streamlit here.

Not here: the numbers (`model`).
"""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from model import Differential
from model.words import percent
from priors.shapes import Cause, Structure

# Okabe-Ito hues, told apart by the mark in the label too; red is kept for emergencies.
FAMILY_COLOURS = {"spine": "#0072B2", "serious": "#E69F00", "mimic": "#009E73", "rest": "#8C6BB1"}
OTHER_FAMILY = "#707070"
DASHES = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2])  # lines of one family, told apart
SERIOUS_MARK = "▲ "

LOWEST, HIGHEST = 0.00005, 0.9995
TICKS = (0.0001, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)
LINES_SHOWN = 5
LABEL_ROOM = 1.9  # steps of room for the names at the end of the lines
LABEL_WIDTH = 14  # letters before a name goes on in a second line
LABEL_LINE = 0.72  # logits that a line of a name takes, so that names do not overlap

INK = {"light": "#31333f", "dark": "#e8e8e8"}


def logit(p: float) -> float:
    """Return ln(p / (1 - p)), held within what the axis shows."""
    held = min(max(p, LOWEST), HIGHEST)
    return math.log(held / (1 - held))


def cause_label(cause: Cause) -> str:
    """Return a cause's short name, marked where it is serious."""
    return (SERIOUS_MARK if cause.family == "serious" else "") + cause.short


def tick_label(p: float) -> str:
    """Write an axis label."""
    return f"{100 * p:g} %"


def _family_scale(structure: Structure) -> alt.Scale:
    families = list(structure.families)
    return alt.Scale(domain=families, range=[FAMILY_COLOURS.get(family, OTHER_FAMILY) for family in families])


def _names(structure: Structure) -> str:
    """Return a Vega expression that writes a family's label for its name, short where a comma follows."""
    short = {family: label.partition(",")[0] for family, label in structure.families.items()}
    return " : ".join(f"datum.label == {json.dumps(f)} ? {json.dumps(s)}" for f, s in short.items()) + " : datum.label"


def _log_odds_axis(title: str | None) -> alt.Axis:
    names = {round(logit(p), 4): tick_label(p) for p in TICKS}
    choose = " : ".join(f"abs(datum.value - {value}) < 0.001 ? '{name}'" for value, name in names.items()) + " : ''"
    return alt.Axis(values=list(names), labelExpr=choose, title=title, grid=True, labelOverlap=False)


def differential_table(structure: Structure, prior: Differential, now: Differential) -> pd.DataFrame:
    """Return the rows of the differential chart, likeliest first.

    Parameters
    ----------
    structure : Structure
        For labels and families.
    prior, now : Differential
        With nothing entered, and with what is entered.

    Returns
    -------
    DataFrame
        Columns cause, label, name, family, prior, posterior, prior_text, posterior_text.
    """
    known = {cause.name: cause for cause in structure.causes}
    rows = [
        {
            "cause": name,
            "label": cause_label(known[name]),
            "name": known[name].label,
            "family": known[name].family,
            "prior": prior.posterior[name],
            "posterior": p,
            "prior_text": percent(prior.posterior[name]),
            "posterior_text": percent(p),
        }
        for name, p in now.ranked()
    ]
    return pd.DataFrame(rows)


def build_differential_chart(
    table: pd.DataFrame, structure: Structure, linear: bool, theme: str = "light"
) -> alt.LayerChart:
    """Return the differential as bars, the prior as a ghost behind each.

    Parameters
    ----------
    table : DataFrame
        From `differential_table`.
    structure : Structure
        For the families.
    linear : bool
        Linear axis; else log-odds, on which 0.01 % and 99 % can both be read.
    theme : str
        light or dark, for the colour of words.

    Returns
    -------
    altair.LayerChart
        One row a cause.
    """
    place = (lambda p: p) if linear else logit
    start = 0.0 if linear else logit(LOWEST)
    data = table.assign(
        start=start, at=[place(p) for p in table["posterior"]], ghost=[place(p) for p in table["prior"]]
    )
    domain = [0.0, 1.0] if linear else [logit(LOWEST), logit(HIGHEST)]
    axis = alt.Axis(format="%", title=None) if linear else _log_odds_axis(None)
    y = alt.Y(
        "label:N", sort=list(data["label"]), title=None, axis=alt.Axis(labelLimit=220, labelFontSize=13, ticks=False)
    )
    x = alt.X("start:Q", scale=alt.Scale(domain=domain, nice=False), axis=axis)
    tooltip = [
        alt.Tooltip("name:N", title="Cause"),
        alt.Tooltip("posterior_text:N", title="Now"),
        alt.Tooltip("prior_text:N", title="Prior"),
    ]
    base = alt.Chart(data).encode(y=y, tooltip=tooltip)
    ghost = base.mark_bar(size=20, color="#8a8a8a", opacity=0.28).encode(x=x, x2="ghost:Q")
    bars = base.mark_bar(size=10).encode(
        x=x,
        x2="at:Q",
        color=alt.Color(
            "family:N",
            scale=_family_scale(structure),
            legend=alt.Legend(title=None, orient="bottom", symbolType="square", columns=2, labelExpr=_names(structure)),
        ),
    )
    text = base.mark_text(align="left", dx=6, fontSize=13, color=INK[theme]).encode(
        x=alt.X("at:Q"), text="posterior_text:N"
    )
    return alt.layer(ghost, bars, text).properties(height=alt.Step(27))


def _end_labels(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the names at the end of the lines, moved apart where they would overlap."""
    placed: list[dict[str, Any]] = []
    floor = math.inf
    for row in sorted(rows, key=lambda row: -row["at"]):
        words = f"{row['percent']} {row['label']}".replace(" %", "\N{NO-BREAK SPACE}%").replace(
            "▲ ", "▲\N{NO-BREAK SPACE}"
        )
        lines = textwrap.wrap(words, LABEL_WIDTH)
        half = LABEL_LINE * len(lines) / 2
        at = min(row["at"], floor - half)
        floor = at - half
        placed.append({"step": row["step"], "at": at, "text": "\n".join(lines)})
    return pd.DataFrame(placed)


def _course_rows(structure: Structure, course: Sequence[Differential], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return a row for each cause at each step; family is empty for causes that never lead."""
    known = {cause.name: cause for cause in structure.causes}
    leading = {name for name, _ in course[-1].ranked()[:LINES_SHOWN]} | {course[0].ranked()[0][0]}
    dashes: dict[str, int] = {}
    for name in (name for name, _ in course[-1].ranked() if name in leading):
        same = [other for other in dashes if known[other].family == known[name].family]
        dashes[name] = len(same) % len(DASHES)
    return [
        {
            "step": index,
            "when": labels[index],
            "cause": name,
            "label": cause_label(known[name]),
            "family": known[name].family if name in leading else "",
            "dash": dashes.get(name, 0),
            "at": logit(p),
            "percent": percent(p),
        }
        for index, point in enumerate(course)
        for name, p in point.posterior.items()
    ]


def build_course_chart(
    structure: Structure, course: Sequence[Differential], labels: Sequence[str], theme: str = "light"
) -> alt.LayerChart:
    """Return one line a cause over the steps of a case, on a log-odds axis.

    Parameters
    ----------
    structure : Structure
        For labels and families.
    course : sequence of Differential
        Prior first, then one a step.
    labels : sequence of str
        One for each point of the course.
    theme : str
        light or dark, for the colour of words.

    Returns
    -------
    altair.LayerChart
        The causes that lead at the start or the end in colour and named, the rest in grey.
    """
    rows = _course_rows(structure, course, labels)
    data = pd.DataFrame(rows)
    last = len(course) - 1
    step_names = "datum.value == 0 ? 'prior' : datum.value"
    steps = alt.Axis(values=list(range(len(course))), labelExpr=step_names, title=None, grid=False)
    x = alt.X("step:Q", scale=alt.Scale(domain=[0, last + LABEL_ROOM]), axis=steps)
    y = alt.Y("at:Q", scale=alt.Scale(domain=[logit(LOWEST), logit(HIGHEST)]), axis=_log_odds_axis(None))
    colour = alt.Color("family:N", scale=_family_scale(structure), legend=None)
    dash = alt.StrokeDash("dash:O", scale=alt.Scale(domain=list(range(len(DASHES))), range=DASHES), legend=None)
    tooltip = [
        alt.Tooltip("label:N", title="Cause"),
        alt.Tooltip("when:N", title="After"),
        alt.Tooltip("percent:N", title="Probability"),
    ]
    base = alt.Chart(data).encode(x=x, y=y, detail="cause:N", tooltip=tooltip)
    rest = base.transform_filter("datum.family == ''").mark_line(color="#8a8a8a", opacity=0.3, strokeWidth=1)
    lines = (
        base.transform_filter("datum.family != ''")
        .mark_line(point=True, strokeWidth=2.5)
        .encode(color=colour, strokeDash=dash)
    )
    ends = _end_labels([row for row in rows if row["step"] == last and row["family"]])
    named = (
        alt.Chart(ends)
        .mark_text(align="left", baseline="middle", dx=8, fontSize=11, lineBreak="\n", color=INK[theme])
        .encode(x=x, y=y, text="text:N")
    )
    return alt.layer(rest, lines, named).properties(height=380)
