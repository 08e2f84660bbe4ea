"""The documents' claims hold, and a claim that does not hold is seen not to."""

from dataclasses import replace

import pytest

from model.elimination import EliminationEngine
from priors.errors import PriorsError
from validation.claims import FILE, measure_claims, read_claims
from validation.views.claims import section


@pytest.fixture(scope="module")
def claims(models):
    return read_claims(models["documents"].priors.structure, tuple(models))


@pytest.fixture(scope="module")
def results(models, claims):
    return measure_claims(models, claims, lambda _: None)


def test_every_claim_holds_where_it_must(results):
    assert [(r.claim.name, r.profile, r.detail) for r in results if r.required and not r.holds] == []


def test_the_claims_of_the_two_documents_are_there(claims):
    names = {claim.name for claim in claims}
    assert {"weak_flag_age", "weak_flag_night_pain", "weak_flag_not_improved", "weak_flag_minor_trauma"} <= names
    assert {"incidental_disc", "arterial_mimic", "stenosis_pattern", *(f"seed_{n}" for n in range(1, 6))} <= names


def test_the_weak_flags_are_asked_in_primary_care_and_shown_under_documents(claims):
    for claim in claims:
        if claim.name.startswith("weak_flag"):
            assert claim.profiles == ("primary_care",)
            assert "documents" in claim.also
            assert claim.what_else


def test_a_weak_flag_for_a_fracture_weighs_heavily_under_documents(results):
    """The lesson about denominators: the same fall, another share of fractures to begin with."""
    own = {r.profile: r.holds for r in results if r.claim.name == "weak_flag_minor_trauma"}
    assert own["primary_care"]
    assert not own["documents"]


CONTRARY = {
    "below": ["spinal_malignancy"],
    "above": ["vertebral_fracture"],
    "leads": "nonspecific",
    "overtakes": {"cause": "spinal_infection", "of": ["disc_herniation"]},
    "at_most": {"disc_herniation": 0.01},
    "at_least": {"spinal_infection": 0.5},
}


@pytest.mark.parametrize(("kind", "wanted"), CONTRARY.items(), ids=CONTRARY)
def test_what_does_not_hold_is_seen(models, claims, kind, wanted):
    claim = next(claim for claim in claims if claim.name == "root_pattern")
    if kind == "below":
        claim = next(claim for claim in claims if claim.name == "cancer_picture")
    (result,) = measure_claims(models, [replace(claim, profiles=("documents",), expect={kind: wanted})], lambda _: None)
    assert not result.holds


def test_a_rise_called_a_fall_is_seen(models, claims):
    claim = next(claim for claim in claims if claim.name == "seed_2")
    swapped = replace(claim, expect={"rises": claim.expect["falls"], "falls": claim.expect["rises"]})
    assert not any(result.holds for result in measure_claims(models, [swapped], lambda _: None))


def test_the_figures_told_are_another_engines(models, results):
    model = models["primary_care"]
    result = next(r for r in results if r.claim.name == "stenosis_pattern" and r.profile == "primary_care")
    probs = EliminationEngine().query(model.network, result.claim.evidence, ("cause",)).posteriors[0].as_dict()
    assert f"{100 * probs['spinal_stenosis']:.0f} %" in result.detail


FAULTS = {
    "nothing expected": ('expect = {leads = "spinal_stenosis"}', "expect = {}", "at least one expectation"),
    "unknown key": ('title = "Night pain', 'titel = "x"\ntitle = "Night pain', "unknown key 'titel'"),
    "unknown cause": ('expect = {leads = "spinal_stenosis"}', 'expect = {leads = "stenosis"}', "unknown 'stenosis'"),
    "step out of range": ("step = 1}", "step = 0}", "expected a step from 1 to 5"),
    "rise from nothing": ('expect = {leads = "spinal_stenosis"}', 'expect = {rises = ["other"]}', "known before"),
    "no TOML": ("[weak_flag_age]", "[weak_flag_age", "not valid TOML"),
    "unknown expectation": ("expect = {below", "expect = {belw", "unknown 'belw'"),
    "unknown profile": ('profiles = ["primary_care"]', 'profiles = ["primary"]', "unknown 'primary'"),
    "unknown finding": ('present = ["night_pain"]', 'present = ["nightpain"]', "nightpain"),
    "missing title": ('title = "Night pain', 'titel = "Night pain', "unknown key 'titel'; did you mean title"),
    "missing key": (
        'source = "T1; G, pitfalls"\npatient = {present = ["night_pain"]}',
        'patient = {present = ["night_pain"]}',
        "missing key 'source'",
    ),
}


@pytest.mark.parametrize(("old", "new", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_in_the_list_is_named(tmp_path, models, old, new, message):
    file = tmp_path / "claims.toml"
    text = FILE.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PriorsError, match=message):
        read_claims(models["documents"].priors.structure, tuple(models), file)


def test_the_section_has_a_check_for_each_claim(results, claims):
    laid_out = section(results)
    assert [check.name for check in laid_out.checks] == [claim.title for claim in claims]
