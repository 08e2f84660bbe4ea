"""Published cases: read whole, one bad file left out, scored as by hand."""

import json
import shutil

import numpy as np
import pytest

from model.errors import BadCase
from model.evidence import Evidence
from validation.casebook import CASES, before_and_after, read_casebook
from validation.published import AFTER, BEFORE, FLAT, NAIVE, NETWORK, OWN, PRIOR, flatten, measure_published
from validation.red_flags import count_red_flags, read_red_flags
from validation.views.published import section


def silent(_):
    return None


@pytest.fixture(scope="module")
def book(models):
    return read_casebook(CASES, models["documents"].network, models["documents"].priors.structure, tuple(models))


@pytest.fixture(scope="module")
def found(models, book):
    return measure_published(models, book, silent)


def read(folder, models):
    return read_casebook(folder, models["documents"].network, models["documents"].priors.structure, tuple(models))


def test_every_committed_case_is_read(book):
    assert len(book.cases) == len(list(CASES.glob("*.json")))
    assert not book.faults


def test_before_the_tests_is_the_last_stage_without_one(model, seed_case):
    structure = model.priors.structure
    tests = {f.name for f in structure.findings.values() if f.group == "tests"}
    before, after = before_and_after(seed_case, structure, tests)
    assert not tests & set(before.nodes)
    assert ("weight_loss", "absent") in before.observed  # found to have lost weight only after the lumbar MRI
    assert ("weight_loss", "present") in after.observed
    assert ("pelvic_imaging_mass", "present") in after.observed


def test_a_case_without_tests_is_the_same_before_and_after(book):
    untested = [case for case in book.cases if not case.tested]
    assert untested
    assert all(case.before == case.after for case in untested)


BAD = {
    "a wrong finding": ({"present": ["feverr"], "final_diagnosis": "spinal_infection"}, "did you mean fever"),
    "no diagnosis": ({"present": ["fever"]}, "final_diagnosis: missing"),
    "a wrong diagnosis": (
        {"present": ["fever"], "final_diagnosis": "spinal_infecton"},
        "did you mean spinal_infection",
    ),
    "a wrong setting": ({"final_diagnosis": "other", "setting": "hospital"}, "setting"),
    "findings that contradict": (
        {
            "present": ["crossed_slr_positive"],
            "absent": ["straight_leg_raise_positive"],
            "final_diagnosis": "disc_herniation",
        },
        "cannot hold together",
    ),
    "cauda equina in words": ({"final_diagnosis": "other", "cauda_equina_syndrome": "no"}, "true, false or null"),
    "a number for a diagnosis": ({"final_diagnosis": 3}, "final_diagnosis"),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_one_bad_case_is_told_and_left_out(tmp_path, models, content, message):
    shutil.copy(CASES / "pub-01.json", tmp_path)
    (tmp_path / "bad.json").write_text(json.dumps(content))
    book = read(tmp_path, models)
    assert [case.id for case in book.cases] == ["pub-01"]
    assert book.faults[0].file == "bad.json"
    assert message in book.faults[0].message
    laid_out = section(measure_published(models, book, silent), models["documents"].priors.structure)
    assert any("bad.json" in paragraph and message in paragraph for paragraph in laid_out.text)


def test_broken_json_is_told(tmp_path, models):
    shutil.copy(CASES / "pub-01.json", tmp_path)
    (tmp_path / "half.json").write_text('{"present": [')
    assert read(tmp_path, models).faults[0].file == "half.json"


def test_an_empty_or_missing_folder_is_an_error(tmp_path, models):
    with pytest.raises(BadCase, match="no case file"):
        read(tmp_path, models)
    with pytest.raises(BadCase, match="expected a folder"):
        read(tmp_path / "nowhere", models)
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(BadCase, match=r"none of its 1 case files can be used; bad\.json: final_diagnosis: missing"):
        read(tmp_path, models)


def test_scores_are_those_of_each_cases_posterior(found):
    network = found.comparison(NETWORK, BEFORE, OWN)
    own = [result.before.probability for result in found.results]
    assert network.scores.log_loss == pytest.approx(-np.log(own).mean(), abs=1e-9)
    naive = found.comparison(NAIVE, BEFORE, OWN)
    theirs = [result.before.naive for result in found.results]
    assert naive.log_loss.mean == pytest.approx(np.mean(np.log(theirs) - np.log(own)), abs=1e-9)
    prior = found.comparison(PRIOR, AFTER, OWN)
    assert prior.scores.log_loss == pytest.approx(-np.log([r.prior for r in found.results]).mean(), abs=1e-9)
    assert network.log_loss is None


def test_a_flat_prior_alone_knows_nothing(found):
    flat = found.comparison(PRIOR, BEFORE, FLAT).scores
    assert flat.log_loss == pytest.approx(np.log(14), abs=1e-9)


def test_a_flat_prior_is_the_posterior_over_its_own(model, book):
    """The same as a network whose prevalences are all alike: ratios of likelihoods alone."""
    evidence = book.cases[0].before
    prior = model.network.cpd_of["cause"].table
    answer = model.engine.query(model.network, evidence, ("cause",))
    ratios = [
        np.exp(
            model.engine.query(
                model.network, Evidence((("cause", cause), *evidence.observed), evidence.unsure), ()
            ).log_evidence
        )
        / prior[index]
        for index, cause in enumerate(model.network.node("cause").states)
    ]
    expected = np.array(ratios) / sum(ratios)
    assert flatten(answer.posteriors[0].probs[None], prior)[0] == pytest.approx(expected, abs=1e-9)


def test_intervals_hold_their_point(found):
    for result in found.results:
        for standing in (result.before, result.after):
            assert standing.low <= standing.probability <= standing.high
            assert set(standing.above) <= set(standing.upper_above)


def test_red_flags_are_counted_by_sign_and_not_by_finding(model):
    flags = read_red_flags(model.network)
    assert len(flags) == 9
    from model.evidence_batch import batch_of

    cases = [
        Evidence((("asthenia", "present"), ("weight_loss", "present"), ("fever", "absent"))),
        Evidence((("age", "age_35_49"),)),
        Evidence((("age", "age_80_up"), ("significant_trauma", "present")), (("fever", 9.0),)),
    ]
    assert count_red_flags(model.network, batch_of(model.network, cases), flags).tolist() == [1, 0, 2]


def test_the_section_lays_out_every_case(found, model):
    laid_out = section(found, model.priors.structure)
    table = next(grid for grid in laid_out.grids if grid.title.startswith("Each case"))
    assert len(table.rows) == len(found.results)
    assert len(laid_out.figures["cases"]) == len(found.results)
    assert "<svg" in laid_out.pictures[0].svg
