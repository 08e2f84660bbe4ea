"""The section on published post-test figures.

Not here: the measuring (`validation/posttest.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from model.words import percent
from validation.plots import BLUE, GREY, ORANGE, drawing
from validation.posttest import PostTest, TargetResult
from validation.sections import Check, Grid, Picture, Section
from validation.targetfile import LR_NEGATIVE, LR_POSITIVE, POST_TEST

GOAL, LEAST = 0.8, 25
MEASURED = {POST_TEST: "chance after", LR_POSITIVE: "LR+", LR_NEGATIVE: "LR-"}
TEXT = (
    "What studies published after a finding, beside what the model gives in the study's setting: the study's own "
    "prior, the symptom by which its patients came in as evidence, and what the others had. The list was written "
    "down before the model was asked. A hit is the model's value, not its interval, inside the published 95 % "
    "interval; where only counts were published the interval is Wilson's (shares) or Katz's (ratios).",
    "Figures from which a number of the model was set check arithmetic: all must hit. Where only one side was taken "
    "into the model (say, how frequent the sign is with the disease), the study's own share on the other side is part "
    "of its setting. The figures that no number was set from are the test. Each miss has its reason, and each setting "
    "that was changed after the first look says what was changed and why.",
)


def section(found: PostTest) -> Section:
    """Lay out the published figures beside the model's.

    Parameters
    ----------
    found : PostTest
        From `measure_posttest`.

    Returns
    -------
    Section
        The test, the arithmetic, the joint figures.
    """
    unused, used = found.of(used=False), found.of(used=True)
    return Section(
        key="posttest",
        title="Published post-test figures",
        text=(*TEXT, _verdict(unused, used)),
        checks=_checks(found, unused, used),
        grids=(
            _grid("The test: figures that no number was set from", unused),
            _grid("The arithmetic: figures that a number was set from", used),
            _misses(found.results),
            _amended(found.results),
            _joint(found),
        ),
        pictures=(
            _draw("Figures that no number was set from", unused),
            _draw("Figures that a number was set from", used),
        ),
        figures=_figures(found),
        headline=(
            f"Of {len(unused)} published figures that no number was set from, the model's value lies in the study's "
            f"95 % interval for {_hits(unused)} ({_first_hits(unused)} in the settings as first listed); of "
            f"{len(used)} that a number was set from, for {_hits(used)} ({_first_hits(used)}). {_surer(unused)}"
        ),
    )


def _hits(results: Sequence[TargetResult]) -> int:
    return sum(result.hit for result in results)


def _first_hits(results: Sequence[TargetResult]) -> int:
    return sum(result.first_hit for result in results)


def _surer(results: Sequence[TargetResult]) -> str:
    folds = [result.fold for result in results if result.fold is not None]
    surer = sum(fold > 1 for fold in folds)
    return (
        f"Of {len(folds)} likelihood ratios among the former the model is surer than the study in {surer}, by a "
        f"factor of {np.median(folds):.1f} in the median and of {np.quantile(folds, 0.9):.1f} or more in the worst "
        "tenth."
    )


def _verdict(unused: Sequence[TargetResult], used: Sequence[TargetResult]) -> str:
    """Say what came of it, with the settings as they were first listed beside those of now."""
    studies = {result.target.source for result in unused}
    whole = sum(all(r.hit for r in unused if r.target.source == source) for source in studies)
    amended = sum(result.target.first is not None for result in unused)
    return (
        f"{_hits(unused)} of {len(unused)} hit, {_first_hits(unused)} in the settings as they were first listed "
        f"({amended} of these rows were amended). The rows come from {len(studies)} studies, and {whole} of these "
        f"are hit in all their rows. {_surer(unused)} Most of these studies took in patients in whom the disease was "
        "suspected, often for the very sign, and patients of other kinds will find the sign less rare than the "
        f"model says. Of the figures that a number was set from, {_first_hits(used)} of {len(used)} hit before the "
        "study's other half was made part of the setting; with it the row checks one side alone."
    )


def _checks(found: PostTest, unused: Sequence[TargetResult], used: Sequence[TargetResult]) -> tuple[Check, ...]:
    misses = [result for result in found.results if not result.hit]
    explained = sum(bool(result.target.missed) for result in misses)
    joint = sum(figure.holds for figure in found.joint)
    hits = f"{_hits(unused)} of {len(unused)} ({_hits(unused) / max(len(unused), 1):.0%})"
    return (
        Check(f"At least {LEAST} figures that no number was set from", len(unused) >= LEAST, f"{len(unused)} figures"),
        Check(
            f"At least {100 * GOAL:.0f} % of the figures that no number was set from hit",
            _hits(unused) >= GOAL * len(unused),
            f"{hits}; {_first_hits(unused)} in the settings as first listed",
        ),
        Check(
            "Every figure that a number was set from hits",
            _hits(used) == len(used),
            f"{_hits(used)} of {len(used)}; {_first_hits(used)} without the study's own other half",
        ),
        Check("Every joint figure is within its bounds", joint == len(found.joint), f"{joint} of {len(found.joint)}"),
        Check("Every miss is explained", explained == len(misses), f"{explained} of {len(misses)}"),
    )


def _number(measure: str, value: float) -> str:
    if measure != POST_TEST:
        return f"{value:.3g}"
    return "0 %" if value == 0 else percent(value)


def _grid(title: str, results: Sequence[TargetResult]) -> Grid:
    rows = []
    for result in results:
        target = result.target
        low, high = (_number(target.measure, end) for end in target.interval)
        rows.append(
            (
                "hit" if result.hit else "miss",
                target.title,
                MEASURED[target.measure],
                f"{_number(target.measure, target.published)} ({low} to {high})",
                _number(target.measure, result.model),
                _number(target.measure, result.first) if target.first else "",
                f"{target.source}, {target.read}",
            )
        )
    columns = ("", "Figure", "Measure", "Published (95 %)", "Model", "As first listed", "Source, what was read")
    note = "As first listed: the model in the setting that was written down at first, where that was amended."
    return Grid(title, columns, tuple(rows), note)


def _misses(results: Sequence[TargetResult]) -> Grid:
    rows = tuple((r.target.title, r.target.missed or "not explained") for r in results if not r.hit)
    return Grid("Why it misses", ("Figure", "Reason"), rows)


def _amended(results: Sequence[TargetResult]) -> Grid:
    rows = tuple((r.target.title, r.target.amended) for r in results if r.target.amended)
    return Grid("Settings changed after the first look", ("Figure", "What was changed, and why"), rows)


def _joint(found: PostTest) -> Grid:
    rows = []
    for figure in found.joint:
        low, high = figure.rule.published_interval
        least, most = figure.rule.accepted
        rows.append(
            (
                "hit" if low <= figure.in_study <= high else "miss",
                figure.rule.title,
                f"{figure.rule.published:g} ({low:g} to {high:g})",
                f"{figure.in_study:.3g}",
                f"{least:g} to {most:g}",
            )
        )
    columns = ("", "Rule", "Published LR+ (95 %)", "Model, study's setting", "Bounds kept")
    note = (
        "The ties were set so that each ratio keeps its bounds, which are wider than the published interval: some "
        "items of the rules are no findings here."
    )
    return Grid("Several findings together: ratios that bound the dependence", columns, tuple(rows), note)


def _draw(title: str, results: Sequence[TargetResult]) -> Picture:
    """Draw published intervals and the model's values, each relative to the published figure."""
    shown = sorted((r for r in results if r.target.published > 0), key=lambda r: r.model / r.target.published)
    left_out = len(results) - len(shown)
    hits = sum(r.hit for r in shown)
    alt = f"{hits} of {len(shown)} of the model's values lie inside the published interval."
    alt += f" {left_out} with a published figure of zero are not drawn." if left_out else ""
    with drawing(title, alt, width=9.6, height=0.2 * len(shown) + 1.0) as d:
        for row, result in enumerate(shown):
            target = result.target
            low, high = (max(end / target.published, 0.02) for end in target.interval)
            d.axes.plot([low, high], [row, row], color=GREY, linewidth=3, alpha=0.5, solid_capstyle="butt")
            marker, colour = ("o", BLUE) if result.hit else ("D", ORANGE)
            d.axes.plot(result.model / target.published, row, marker, color=colour, markersize=5)
        d.axes.axvline(1, color=GREY, linewidth=1)
        d.axes.set_xscale("log")
        most = max([3.0, *(r.model / r.target.published for r in shown)])
        ticks = [t for t in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if t <= most * 1.3]
        d.axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
        d.axes.set_xticks([], minor=True)
        d.axes.set_yticks(range(len(shown)), [_short(r.target.title) for r in shown], fontsize=8)
        d.axes.set_xlabel("Model over published; bar: published 95 % interval; circle: hit, diamond: miss")
        d.axes.grid(axis="y", visible=False)
    return d.done()


def _short(title: str, most: int = 92) -> str:
    return title if len(title) <= most else f"{title[: most - 3].rstrip()}..."


def _figures(found: PostTest) -> dict[str, Any]:
    def entry(result: TargetResult) -> dict[str, Any]:
        target = result.target
        return {
            "name": target.name,
            "title": target.title,
            "measure": target.measure,
            "published": target.published,
            "interval": list(target.interval),
            "model": result.model if math.isfinite(result.model) else None,
            "hit": result.hit,
            "first_listed": result.first if math.isfinite(result.first) else None,
            "first_hit": result.first_hit,
            "source": target.source,
            "amended": target.first is not None,
        }

    return {
        "unused": [entry(r) for r in found.of(used=False)],
        "used": [entry(r) for r in found.of(used=True)],
        "joint": [
            {"name": f.rule.name, "published": f.rule.published, "model": f.in_study, "holds": f.holds}
            for f in found.joint
        ],
    }
