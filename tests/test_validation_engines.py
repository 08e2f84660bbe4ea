"""The agreement table: what counts as a difference, what counts as refused, and that a wrong engine is found out.

The engines themselves are judged by enumeration in `test_model_elimination.py` and beside it.
"""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model import Model
from model.elimination import log_joint
from model.errors import BadCase, ImpossibleEvidence
from model.evidence import Evidence
from validation.askers import BATCH, BRIDGE, COMPILED, OURS, PGMPY, PYAGRUM, Said, our_askers, rival_askers
from validation.contradictions import contradictions
from validation.engines import (
    ANSWERED,
    GENERATED,
    NAMED,
    NOT_A_NUMBER,
    PUBLISHED,
    REFUSED,
    Agreement,
    Engines,
    EngineSizes,
    agreement,
    generated_cases,
    measure_engines,
    meeting,
    merged,
    read_points,
)
from validation.views.engines import section

SMALL = EngineSizes(generated=20, bridged=3)
SLR, CROSSED = "straight_leg_raise_positive", "crossed_slr_positive"
FILES: Mapping[str, object] = {
    "good": {"age": 59, "present": ["fever"], "steps": [{"label": "then", "absent": ["night_pain"]}]},
    "unsure": {"sex": "female", "unsure": {"fever": 3.5}},
    "misspelt": {"present": ["feverr"]},
    "impossible": {"present": [CROSSED], "absent": [SLR]},
}


def quiet(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cases")
    for name, case in FILES.items():
        (path / f"{name}.json").write_text(json.dumps(case))
    return path


@pytest.fixture(scope="module")
def small(models: Mapping[str, Model], folder: Path) -> Engines:
    pytest.importorskip("pyagrum")
    return measure_engines({name: models[name] for name in ("documents", "emergency")}, folder, quiet, SMALL)


# Differences


def said(cause: Sequence[float], complication: Sequence[float] = (0.5, 0.5), log_evidence: float | None = -1.0) -> Said:
    return Said(np.array(cause), np.array(complication), log_evidence)


def test_the_largest_differences_by_hand() -> None:
    reference = [said([0.2, 0.8]), said([0.5, 0.5], (0.9, 0.1), -4), said([0.1, 0.9])]
    answers = [said([0.25, 0.75]), said([0.5, 0.5], (0.6, 0.4), -4.5), None]
    found = agreement(reference, answers)
    assert found.cases == 2
    assert (found.cause, found.complication, found.log_evidence) == pytest.approx((0.05, 0.3, 0.5))
    assert found.worst == 0.5


def test_an_engine_that_tells_no_evidence_has_no_difference_of_it() -> None:
    found = agreement([said([0.2, 0.8])], [said([0.2, 0.8], log_evidence=None)])
    assert found == Agreement(1, 0, 0, None)
    assert found.worst == 0


@pytest.mark.parametrize("place", [0, 1])
def test_nan_is_no_agreement(place: int) -> None:
    answers = [said([0.2, 0.8]), said([0.2, 0.8])]
    answers[place] = said([math.nan, math.nan])
    assert agreement([said([0.2, 0.8])] * 2, answers).cause == math.inf
    told = [said([0.2, 0.8], log_evidence=math.nan), said([0.2, 0.8])]
    assert agreement([said([0.2, 0.8])] * 2, told).log_evidence == math.inf


def test_lots_are_merged_by_their_worst() -> None:
    lots = [Agreement(3, 1e-3, 1e-5, None), Agreement(4, 1e-4, 1e-2, 1e-6)]
    assert merged(lots) == Agreement(7, 1e-3, 1e-2, 1e-6)
    assert merged(lots[:1]).log_evidence is None


def test_an_engine_on_other_numbers_is_found_out(models: Mapping[str, Model], small: Engines) -> None:
    cases = generated_cases(models["documents"], 10)
    right = our_askers(models["documents"])[COMPILED](cases)
    wrong = agreement(right, our_askers(models["emergency"])[COMPILED](cases))
    assert min(wrong.cause, wrong.complication, wrong.log_evidence or 0) > 1e-4
    assert all(check.holds for check in section(small).checks)
    spoilt = replace(small, agreements={**small.agreements, BATCH: {PUBLISHED: wrong}})
    assert [check.holds for check in section(spoilt).checks].count(False) == 1


# Cases


def test_every_engine_agrees_on_files_and_generated_cases(small: Engines) -> None:
    assert set(small.agreements) == {*OURS, PGMPY, PYAGRUM} - {COMPILED}
    for engine, sets in small.agreements.items():
        assert max(own.worst for own in sets.values()) < 1e-12, engine
    cases = {engine: {name: own.cases for name, own in sets.items()} for engine, sets in small.agreements.items()}
    assert cases[BATCH] == cases[PYAGRUM] == {PUBLISHED: 2 * 3, GENERATED: 2 * 20}
    assert cases[BRIDGE] == {PUBLISHED: 2 * 3, GENERATED: 2 * 3}
    assert cases[PGMPY][PUBLISHED] == 2 * 2  # the unsure case is not asked
    assert {e for e, sets in small.agreements.items() if sets[PUBLISHED].log_evidence is None} == {PGMPY}


def test_files_that_cannot_be_used_are_told_and_left_out(model: Model, small: Engines, folder: Path) -> None:
    files, points, faults = read_points(folder, model)
    assert (files, len(points)) == (small.files, small.points) == (2, 3)
    assert {fault.file for fault in faults} == {"misspelt.json", "impossible.json"}
    assert any("feverr" in fault.message for fault in faults)
    assert any(SLR in fault.message for fault in faults)
    assert [evidence.unsure for evidence in points] == [(), (), (("fever", 3.5),)]
    left_out = section(small).grids[-1]
    assert {row[0] for row in left_out.rows} == {"misspelt.json", "impossible.json"}


def test_without_files_it_says_so(model: Model, tmp_path: Path) -> None:
    with pytest.raises(BadCase, match="no case file"):
        measure_engines({"documents": model}, tmp_path, quiet, EngineSizes(4, 1))


def test_generated_cases_come_with_and_without_context(model: Model) -> None:
    cases = generated_cases(model, 40)
    assert len(cases) == len(set(cases)) == 40
    assert ["age" in case.nodes for case in cases] == [True, False] * 20
    assert any(case.unsure for case in generated_cases(model, 200))


# Impossible evidence


def possible(model: Model, evidence: Evidence) -> bool:
    return bool(np.isfinite(log_joint(model.network, evidence, ())))


def test_each_bound_of_the_vocabulary_is_broken_by_no_more_than_needed(model: Model) -> None:
    structure = model.priors.structure
    besides = Evidence((("age", "age_50_64"), (SLR, "present"), ("fever", "present")), (("night_pain", 2.0),))
    found = contradictions(structure, model.network, besides)
    assert {one.clash[0][0] for one in found} == {f.name for f in structure.findings.values() if f.possible_if}
    for one in found:
        assert not possible(model, one.evidence)
        assert not possible(model, Evidence(one.clash))
        for left_out in one.clash:
            assert possible(model, Evidence(tuple(item for item in one.clash if item != left_out))), one.clash
        assert set(one.evidence.observed) - set(one.clash) == {("age", "age_50_64"), ("fever", "present")}
        assert one.evidence.unsure == besides.unsure


def test_the_contradictions_of_the_design_are_among_them(model: Model) -> None:
    found = {frozenset(one.clash) for one in contradictions(model.priors.structure, model.network, Evidence())}
    for clash in (
        {(CROSSED, "present"), (SLR, "absent")},
        {("mri_lumbar_normal", "present"), ("mri_lumbar_stenosis", "present")},
        {("cyclic_with_menstruation", "present"), ("sex", "male")},
        {("not_improved_after_one_month", "present"), ("duration_weeks", "under_2")},
        {("esr_over_50", "present"), ("esr_raised", "absent")},
    ):
        assert clash in found


def test_how_impossible_evidence_is_met(model: Model) -> None:
    contradiction = contradictions(model.priors.structure, model.network, Evidence())[0]

    def raising(findings: Sequence[tuple[str, str]]) -> object:
        def ask(_: Sequence[Evidence]) -> list[Said | None]:
            raise ImpossibleEvidence(findings)

        return ask

    assert meeting(raising(contradiction.clash[::-1]), contradiction) == NAMED
    assert meeting(raising(contradiction.clash[:1]), contradiction) == REFUSED
    assert meeting(raising((*contradiction.clash, ("fever", "present"))), contradiction) == REFUSED
    assert meeting(lambda _: [said([math.nan, math.nan])], contradiction) == NOT_A_NUMBER
    assert meeting(lambda _: [said([0.2, 0.8])], contradiction) == ANSWERED


def test_all_of_ours_refuse_the_same_and_name_it(small: Engines) -> None:
    assert len(small.refusals) == 13
    for refusal in small.refusals:
        assert {refusal.by[engine] for engine in OURS} == {(NAMED, NAMED)}, refusal.clash
        assert refusal.by[PYAGRUM] == (REFUSED, REFUSED)
        assert set(refusal.by[PGMPY]) <= {NOT_A_NUMBER, ANSWERED}


def test_an_engine_that_answers_impossible_evidence_fails_its_check(small: Engines) -> None:
    first = small.refusals[0]
    spoilt = replace(first, by={**first.by, BRIDGE: (NAMED, ANSWERED)})
    found = section(replace(small, refusals=(spoilt, *small.refusals[1:])))
    assert not found.checks[-1].holds
    assert first.clash[0][0] in found.checks[-1].detail
    assert "answered with numbers: 1 of 10" in found.grids[1].rows[0][1]


# Without pyAgrum


def test_without_pyagrum_the_section_says_so(
    model: Model, folder: Path, monkeypatch: pytest.MonkeyPatch, small: Engines
) -> None:
    monkeypatch.setitem(sys.modules, "pyagrum", None)
    askers, notes = rival_askers(model)
    assert tuple(askers) == (PGMPY,)
    found = section(measure_engines({"documents": model}, folder, quiet, EngineSizes(4, 1)))
    assert notes[0] in found.text
    assert "make setup" in notes[0]
    assert not any("pyAgrum" in column for column in found.grids[1].columns)
    assert "pyAgrum" not in found.headline
    assert len(found.checks) == len(section(small).checks) - 1


# The section


def test_the_section_is_written_for_json_and_people(small: Engines) -> None:
    found = section(small)
    json.dumps(found.figures, allow_nan=False)
    assert found.key == "engines"
    assert "tests/oracle.py" in " ".join(found.text)
    assert len(found.grids[0].rows) == 2 * 6
    assert all(len(row) == len(grid.columns) for grid in found.grids for row in grid.rows)
    assert all("e-1" in check.detail for check in found.checks[:-1])
