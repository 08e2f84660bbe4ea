"""Published post-test figures: the list keeps its rules, the model's figure is what an enumeration gives."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from model.elimination import EliminationEngine
from model.errors import UnknownName
from model.evidence import Evidence
from priors.errors import PriorsError
from validation.criteria import Entry, Score, age_pieces, shares
from validation.posttest import BadTarget, TargetResult, figure, measure_posttest
from validation.targetfile import TARGETS, counted_interval, read_targets
from validation.views.posttest import section

ENGINE = EliminationEngine()


@pytest.fixture(scope="module")
def targets(models):
    base = models["documents"]
    return read_targets(base.network, tuple(models), base.priors.sources)


@pytest.fixture(scope="module")
def found(models, targets):
    return measure_posttest(models, targets, lambda _: None)


# the list


def test_enough_figures_are_new_to_the_model(targets):
    assert sum(not target.used for target in targets) >= 25
    assert len({target.name for target in targets}) == len(targets)


def test_a_figure_called_new_says_why_where_its_source_is_cited_for_the_same_finding(models, targets):
    rows = [row for model in models.values() for row in model.priors.rows]
    cited = {(row.key.node, source) for row in rows for source in row.estimate.sources}
    for target in targets:
        nodes = {node for node, _, _ in target.score.items} | ({"age"} if target.score.ages else set())
        if not target.used and any((node, target.source) in cited for node in nodes):
            assert target.used_note, target.name


def test_every_figure_that_a_number_was_set_from_hits(found):
    assert [r.target.name for r in found.of(used=True) if not r.hit] == []


def test_every_miss_is_explained_and_no_hit_is(found):
    for result in found.results:
        assert bool(result.target.missed) is not result.hit, result.target.name


def test_the_section_counts_what_there_is(found):
    laid_out = section(found)
    unused = found.of(used=False)
    check = next(check for check in laid_out.checks if check.name.startswith("At least 80 %"))
    assert check.detail.startswith(f"{sum(r.hit for r in unused)} of {len(unused)}")
    assert len(laid_out.figures["unused"]) == len(unused)


def test_counts_give_known_intervals():
    assert counted_interval("post_test", [0, 20]) == pytest.approx((0, 0.1611), abs=5e-5)  # Newcombe 1998
    low, high = counted_interval("lr_positive", [30, 40, 10, 40])
    spread = 1.959964 * np.sqrt(1 / 30 - 1 / 40 + 1 / 10 - 1 / 40)  # Katz 1978 on the log scale
    assert (low, high) == pytest.approx((3 * np.exp(-spread), 3 * np.exp(spread)), rel=1e-6)
    low, high = counted_interval("lr_negative", [30, 40, 10, 40])
    assert low < (10 / 40) / (30 / 40) < high


GOOD = """
[one]
title = "A title"
outcome = ["cause=vertebral_fracture"]
profile = "primary_care"
entry = {low_back_pain = "present"}
positive = {significant_trauma = "present"}
measure = "post_test"
prior = 0.05
published = 0.25
interval = [0.09, 0.41]
used = false
source = "enthoven2016prevalence"
read = "abstract"
note = "A note."
"""
FAULTS = {
    "unknown finding": ("significant_trauma", "significant_traum", "did you mean significant_trauma"),
    "unknown cause": ("cause=vertebral_fracture", "cause=fracture", "fracture"),
    "outcome no cause": ("cause=vertebral_fracture", "fever=present", "expected causes"),
    "unknown profile": ('"primary_care"', '"village"', "expected one of"),
    "unknown measure": ('"post_test"', '"ppv"', "expected one of"),
    "prior no share": ("prior = 0.05", "prior = 5.0", "between 0 and 1"),
    "no prior": ("prior = 0.05\n", "", "prior: missing"),
    "both intervals": ("used = false", "counts = [5, 20]\nused = false", "either the published interval or the counts"),
    "outside its interval": ("published = 0.25", "published = 0.5", "outside its interval"),
    "unknown source": ("enthoven2016prevalence", "nobody1900", "in no references.bib"),
    "unknown key": ("used = false", "used = false\nusd = true", "unknown key"),
    "used without note": ("used = false", "used = true", "used_note: missing"),
    "own share though new": ("used = false", "used = false\ngiven_without = 0.2", "only a used figure"),
    "outcome absent": ("cause=vertebral_fracture", "cauda_equina_syndrome=absent", "expected causes"),
    "weight no number": ('"primary_care"', '"primary_care"\nagainst = {nonspecific = "much"}', "expected a number"),
    "counts too many": ("interval = [0.09, 0.41]", "counts = [21, 20]", "no more events than patients"),
    "amended unsaid": (
        'note = "A note."',
        'note = "A note."\nused_note = "x"\nfirst_entry_any = ["fever"]',
        "amended: missing",
    ),
    "unread": ('"abstract"', '"skimmed"', "expected one of"),
    "no overlay": ('"primary_care"', '"primary_care"\noverlay = "x.csv"', "no such file"),
}


def write(folder, text):
    (folder / "list.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_good_list_is_read(tmp_path, model, models):
    (target,) = read_targets(model.network, tuple(models), model.priors.sources, write(tmp_path, GOOD))
    assert target.score == Score((("significant_trauma", ("present",), 1.0),), (), 1.0)
    assert target.interval == (0.09, 0.41)


@pytest.mark.parametrize(("old", "new", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named_with_file_and_key(tmp_path, model, models, old, new, message):
    assert GOOD.count(old) >= 1
    with pytest.raises(PriorsError, match=message) as raised:
        read_targets(model.network, tuple(models), model.priors.sources, write(tmp_path, GOOD.replace(old, new)))
    assert "list.toml, one." in str(raised.value)


def test_the_lists_stand_where_they_are_read():
    assert {file.stem for file in TARGETS.glob("*.toml")} == {"serious", "spine", "extraspinal"}


# the model's figure


def test_the_setting_first_listed_is_asked_too(models, targets, found):
    """Amended rows: no overlay, no share of the study's own, the entry of then."""
    results = {result.target.name: result for result in found.results}
    saddle = results["oncall_saddle"]
    assert saddle.first == pytest.approx(figure(models["emergency"], saddle.target.first), rel=1e-12)
    assert len(saddle.target.first.entry.any_of) > len(saddle.target.entry.any_of)
    steroids = results["henschke_steroids"].target
    assert steroids.profile.endswith("henschke2009.csv")
    assert steroids.first.profile == "primary_care"
    for target in targets:
        assert bool(target.amended) is (target.first is not None), target.name
        if target.first is None:
            assert results[target.name].first == results[target.name].model


def test_nobody_entering_is_an_error_and_no_number(models, targets):
    alone = simple(targets, against={"vertebral_fracture": 1.0})
    with pytest.raises(BadTarget, match="nobody"):
        figure(models["primary_care"], alone)


def test_surer_is_told_for_ratios_in_either_direction(targets):
    target = simple(targets, measure="lr_negative", published=0.2, interval=(0.1, 0.4))
    assert TargetResult(target, 0.05, 0.05).fold == pytest.approx(4)
    assert TargetResult(replace(target, measure="lr_positive", published=2.0), 3.0, 3.0).fold == pytest.approx(1.5)
    assert TargetResult(simple(targets), 0.3, 0.3).fold is None


def simple(targets, **changes):
    base = next(target for target in targets if target.name == "enthoven_trauma")
    return replace(base, given_with=None, given_without=None, **changes)


def test_a_likelihood_ratio_is_the_ratio_of_two_queries(models, targets):
    model = models["primary_care"]
    target = simple(targets, measure="lr_positive", entry=Entry(), against={"nonspecific": 1.0})

    def trauma(cause):
        known = Evidence((("cause", cause),))
        return ENGINE.query(model.network, known, ("significant_trauma",)).posteriors[0].probs[0]

    assert figure(model, target) == pytest.approx(trauma("vertebral_fracture") / trauma("nonspecific"), rel=1e-9)
    negative = figure(model, replace(target, measure="lr_negative"))
    assert negative == pytest.approx((1 - trauma("vertebral_fracture")) / (1 - trauma("nonspecific")), rel=1e-9)


def test_a_post_test_probability_is_bayes_rule_with_the_studys_prior(models, targets):
    model = models["primary_care"]
    ratio = figure(model, simple(targets, measure="lr_positive"))
    after = figure(model, simple(targets))
    prior = simple(targets).prior
    assert after / (1 - after) == pytest.approx(prior / (1 - prior) * ratio, rel=1e-9)


def test_without_a_mix_the_others_are_the_profiles(models, targets):
    """LR+ against everybody else: posterior odds over prior odds, entry being evidence like any other."""
    model = models["primary_care"]
    target = simple(targets, measure="lr_positive", against={}, entry=Entry((("low_back_pain", ("present",)),)))
    index = model.network.node("cause").index("vertebral_fracture")

    def odds(*known):
        p = model.engine.query(model.network, Evidence(known), ("cause",)).posteriors[0].probs[index]
        return p / (1 - p)

    entered = ("low_back_pain", "present")
    expected = odds(entered, ("significant_trauma", "present")) / odds(entered)
    assert figure(model, target) == pytest.approx(expected, rel=1e-9)


def test_a_complication_is_asked_among_all_causes(models, targets):
    model = models["emergency"]
    score = Score((("saddle_anaesthesia", ("present",), 1.0),), (), 1.0)
    target = simple(
        targets,
        outcome=(("cauda_equina_syndrome", "present"),),
        score=score,
        entry=Entry(),
        against={},
        measure="lr_positive",
    )

    def saddle(state):
        known = Evidence((("cauda_equina_syndrome", state),))
        return ENGINE.query(model.network, known, ("saddle_anaesthesia",)).posteriors[0].probs[0]

    assert figure(model, target) == pytest.approx(saddle("present") / saddle("absent"), rel=1e-9)


def test_a_share_of_the_studys_own_takes_the_place_of_the_models(models, targets):
    target = replace(simple(targets, measure="lr_positive"), given_without=0.1)
    ratio = figure(models["primary_care"], target)
    assert ratio == pytest.approx(figure(models["primary_care"], replace(target, given_without=0.2)) * 2, rel=1e-9)


# scores and entry


def test_a_score_matches_an_enumeration(model):
    nodes = ("fever", "weight_loss", "night_pain")
    score = Score(
        (("fever", ("present",), 2.0), ("weight_loss", ("present",), 1.0), ("night_pain", ("absent",), 1.0)), (), 2
    )
    found = shares(model.network, model.priors.structure.age, score, Entry()).positive.sum(axis=1)
    cause = model.network.node("cause").index("spinal_infection")
    expected = 0.0
    for states in itertools.product(("present", "absent"), repeat=3):
        points = 2 * (states[0] == "present") + (states[1] == "present") + (states[2] == "absent")
        if points >= 2:
            known = (("cause", "spinal_infection"), *zip(nodes, states, strict=True))
            expected += np.exp(ENGINE.query(model.network, Evidence(known), ()).log_evidence)
    assert found[cause] == pytest.approx(expected, rel=1e-9)


def test_any_of_is_one_less_none(model):
    structure = model.priors.structure
    score = Score((("sex", ("female",), 1.0),), (), 1.0)
    signs = (("urinary_retention", "present"), ("saddle_anaesthesia", "present"))
    some = shares(model.network, structure.age, score, Entry(any_of=signs)).total
    everyone = shares(model.network, structure.age, score, Entry()).total
    none = shares(
        model.network,
        structure.age,
        score,
        Entry((("urinary_retention", ("absent",)), ("saddle_anaesthesia", ("absent",)))),
    ).total
    assert some == pytest.approx(everyone - none, abs=1e-12)


def test_entry_by_states_adds_them_up(model):
    structure = model.priors.structure
    score = Score((("sex", ("female",), 1.0),), (), 1.0)
    states = ("weeks_6_12", "weeks_12_26")
    together = shares(model.network, structure.age, score, Entry((("duration_weeks", states),))).total
    single = [shares(model.network, structure.age, score, Entry((("duration_weeks", (s,)),))).total for s in states]
    assert together == pytest.approx(sum(single), abs=1e-12)


def test_entry_ages_take_their_share_of_a_band(model):
    age = model.priors.structure.age
    pieces = age_pieces(age, (), (55, 70))
    assert [(band, share) for band, share, _ in pieces] == [(3, pytest.approx(10 / 15)), (4, pytest.approx(5 / 15))]
    assert sum(share for _, share, _ in age_pieces(age, (), (0, 120))) == pytest.approx(6)
    assert [points for _, _, points in age_pieces(age, ((60, 1.0),), (55, 65))] == [0, 1]


def test_an_unknown_node_is_named(model):
    score = Score((("feverr", ("present",), 1.0),), (), 1.0)
    with pytest.raises(UnknownName):
        shares(model.network, model.priors.structure.age, score, Entry())
