"""What is worked out of the numbers: their distributions, pooled means, likelihood ratios, and the print-outs of them.

Oracles: scipy.stats, hand-worked numbers, the network. Not here: the loader's messages (`test_priors_load.py`).
"""

import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from model import load_model
from model.elimination import EliminationEngine
from model.evidence import Evidence
from priors import available_profiles, load_priors
from priors.pooling import random_effects
from priors.ratios import condition_share, lines, marginal
from priors.records import Estimate, Key, Row
from priors.uncertainty import beta_of, uncertainty
from priors.views import citation

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def documents():
    return load_priors()


@pytest.fixture(scope="module", params=available_profiles())
def priors(request):
    return load_priors(profile=request.param)


def row(value, low=None, high=None, events=None, total=None, parameter="probability"):
    estimate = Estimate(value, low, high, events, total, "judgement", "someone", ("desk_judgement",), "why")
    return Row(Key(parameter, "fever", "present"), ("other",), estimate, "likelihoods.csv", 2)


# uncertainty


def test_a_number_is_the_median_of_its_draws_and_the_band_covers_its_interval(priors):
    for r in priors.rows:
        number, (low, high) = r.estimate, uncertainty(r).interval()
        assert low < number.value < high, r
        if number.low is not None:
            assert float(uncertainty(r).quantile(0.5)) == pytest.approx(number.value, rel=1e-9), r
            # a strength is cut at 0.95 and its odds begin at 0.001
            assert low <= max(number.low, 0.001) * (1 + 1e-6), r
            assert high >= number.high * (1 - 1e-6), r


def test_counts_have_the_beta_of_jeffreys():
    found = uncertainty(row(4 / 13, events=4, total=13))
    expected = stats.beta(4.5, 9.5)
    assert found.interval() == pytest.approx((expected.ppf(0.025), expected.ppf(0.975)), rel=1e-9)
    assert found == beta_of(4, 13)


def test_no_beta_has_a_parameter_under_a_half(priors):
    for r in priors.rows:
        if r.estimate.low is None:
            found = uncertainty(r)
            assert min(found.first, found.second) >= 0.5, r


def test_an_interval_wins_over_counts():
    assert uncertainty(row(0.3, 0.1, 0.6, 3, 10)).family == "logit_normal"


def test_the_wider_side_sets_the_spread():
    # logit: 0.5 -> 0; 0.9 is 2.197 away, 0.4 only 0.405
    low, high = uncertainty(row(0.5, 0.4, 0.9)).interval()
    assert (low, high) == pytest.approx((0.1, 0.9), rel=1e-6)


def test_a_multiplier_is_log_normal():
    low, high = uncertainty(row(2.0, 1.0, 3.0, parameter="odds_multiplier")).interval()
    assert (low, high) == pytest.approx((1.0, 4.0), rel=1e-6)


def test_a_strength_never_passes_its_limit():
    draws = uncertainty(row(0.8, 0.2, 0.95, parameter="dependence")).quantile(np.linspace(0.0005, 0.9995, 999))
    assert draws.max() == 0.95
    assert draws.min() > 0


def test_a_strength_of_nothing_can_be_stated():
    low, high = uncertainty(row(0.0, 0.0, 0.1, parameter="dependence")).interval()
    assert 0 < low < 0.001
    assert high == pytest.approx(0.1, rel=1e-6)


# pooling


def test_pool_of_two_equal_studies_by_hand():
    # both 1/4: logit -ln 3; variance of each 1/5 + 1/15 = 4/15, of the mean 2/15
    pool = random_effects([(5, 20), (5, 20)])
    reach = 1.959964 * math.sqrt(2 / 15)
    assert pool.mean == pytest.approx(0.25)
    assert pool.low == pytest.approx(1 / (1 + 3 * math.exp(reach)))
    assert pool.high == pytest.approx(1 / (1 + 3 * math.exp(-reach)))


def test_pool_of_two_distant_studies_by_hand():
    """Worked on paper: y = 0 and ln 9, v = 4/100 and 1/10 + 1/90."""
    v = np.array([0.04, 1 / 10 + 1 / 90])
    y = np.array([0.0, math.log(9)])
    w = 1 / v
    q = (w * (y - (w @ y) / w.sum()) ** 2).sum()
    between = (q - 1) / (w.sum() - (w**2).sum() / w.sum())
    weights = 1 / (v + between)
    expected = 1 / (1 + math.exp(-(weights @ y) / weights.sum()))
    pool = random_effects([(50, 100), (90, 100)])
    assert pool.mean == pytest.approx(expected)
    assert pool.low < 0.5 < 0.9 < pool.high  # two studies so far apart leave both likely


def test_pool_of_a_study_without_events_stays_inside():
    pool = random_effects([(0, 50), (2, 50)])
    assert 0 < pool.low < pool.mean < pool.high < 1


def test_every_pooled_number_is_what_its_studies_give(documents):
    pooled = [r for r in documents.rows if r.estimate.kind == "pooled"]
    assert pooled
    for r in pooled:
        studies = documents.studies[r]
        assert len(studies) >= 2, r
        assert {study.source for study in studies} <= set(r.estimate.sources), r
        found = random_effects([(study.events, study.total) for study in studies])
        assert r.estimate.value == pytest.approx(found.mean, rel=0.04), r


# likelihood ratios


def test_ratio_against_the_disc_by_hand(documents):
    fever = {line.cause: line for line in lines(documents, "fever")}
    infection, disc = (fever[cause].row.estimate.value for cause in ("spinal_infection", "disc_herniation"))
    assert fever["spinal_infection"].against_disc.positive == pytest.approx(infection / disc)
    assert fever["spinal_infection"].against_disc.negative == pytest.approx((1 - infection) / (1 - disc))
    assert fever["disc_herniation"].against_disc is None


@pytest.mark.parametrize(
    "finding", ["fever", "straight_leg_raise_positive", "urinary_retention", "crossed_slr_positive", "esr_over_50"]
)
def test_ratio_against_the_rest_is_the_networks(documents, finding):
    """Prior odds times the ratio are the posterior odds that the network gives among those who meet the condition."""
    model = load_model()
    condition = documents.structure.findings[finding].possible_if
    given = condition.terms if condition else ()
    engine = EliminationEngine()
    before = engine.query(model.network, Evidence(given), ("cause",)).posteriors[0].as_dict()
    for state in ("present", "absent"):
        after = engine.query(model.network, Evidence((*given, (finding, state))), ("cause",)).posteriors[0].as_dict()
        for line in lines(documents, finding):
            ratio = line.against_rest.positive if state == "present" else line.against_rest.negative
            odds = before[line.cause] / (1 - before[line.cause]) * ratio
            assert after[line.cause] == pytest.approx(odds / (1 + odds), rel=1e-6), line.cause


def test_marginal_over_cauda_equina_is_the_networks(documents):
    network = load_model().network
    for cause in ("disc_herniation", "spinal_malignancy"):
        evidence = Evidence((("cause", cause),))
        found = EliminationEngine().query(network, evidence, ("urinary_retention",)).posteriors[0].as_dict()["present"]
        assert marginal(documents, "urinary_retention", cause) == pytest.approx(found, rel=1e-9)


def test_a_condition_over_several_findings_is_left_to_the_network(documents):
    finding = documents.structure.findings["mri_lumbar_normal"]
    assert condition_share(documents, finding, "disc_herniation") is None
    assert all(line.against_rest is None for line in lines(documents, "mri_lumbar_normal"))
    assert lines(documents, "mri_lumbar_normal")[1].against_disc is not None


def test_what_a_finding_points_to_has_it_more_often_than_causes_do_on_average(documents):
    """`points_to` is written by hand; the numbers must agree with it."""
    causes = documents.structure.cause_names
    for name, finding in documents.structure.findings.items():
        p = {cause: marginal(documents, name, cause) for cause in causes}
        for target in finding.points_to:
            if target == "cauda_equina_syndrome":
                assert finding.cauda_equina or finding.possible_if, name
            else:
                others = [p[cause] for cause in causes if cause != target]
                assert p[target] > sum(others) / len(others), (name, target)


# thresholds, questions, burdens

THRESHOLDS = {
    "spinal_malignancy": 0.02,
    "spinal_infection": 0.01,
    "vertebral_fracture": 0.05,
    "buttock_sarcoma": 0.01,
    "limb_threatening_ischaemia": 0.05,
    "cauda_equina_syndrome": 0.01,
}


def test_thresholds_are_the_designs(documents):
    found = {name: documents.number(Key("threshold", name, "present")) for name in documents.structure.cannot_miss}
    assert found == THRESHOLDS
    terms = documents.structure.cannot_miss["limb_threatening_ischaemia"].terms
    assert terms == (("cause", "peripheral_arterial_disease"), ("rest_pain_or_tissue_loss", "present"))


def test_every_finding_says_what_to_ask_and_what_it_takes(documents):
    assert list(documents.structure.burdens) == ["ask", "examine", "blood", "image", "invasive"]
    for finding in documents.structure.findings.values():
        assert len(finding.question.split()) >= 3, finding.name
        assert finding.question.strip()[-1] in "?.", finding.name
        assert 0 < finding.minutes <= 120, finding.name
    burdens = {finding.burden for finding in documents.structure.findings.values()}
    assert burdens == set(documents.structure.burdens)


# What the guideline answer (G) says each feature points to (design section 2.5).
GUIDELINE = [
    ("sharp_lancinating_pain", "disc_herniation"),
    ("aching_buttock_thigh_pain", "hip_osteoarthritis"),
    ("aching_buttock_thigh_pain", "spinal_stenosis"),
    ("relief_on_flexion_or_sitting", "spinal_stenosis"),
    ("worse_sitting", "disc_herniation"),
    ("bilateral_leg_symptoms", "spinal_stenosis"),
    ("straight_leg_raise_positive", "disc_herniation"),
    ("motor_weakness", "disc_herniation"),
    ("sensory_loss", "disc_herniation"),
    ("reflex_loss", "disc_herniation"),
    ("absent_or_weak_pulses", "peripheral_arterial_disease"),
    ("diabetes", "peripheral_arterial_disease"),
    ("smoking", "peripheral_arterial_disease"),
]


@pytest.mark.parametrize(("finding", "cause"), GUIDELINE)
def test_features_point_where_the_guideline_says(documents, finding, cause):
    assert cause in documents.structure.findings[finding].points_to


# the case report's cohort (design section 2.4)


def test_the_cohort_of_the_case_report(documents):
    (cohort,) = documents.cohorts
    assert (cohort.cause, cohort.total) == ("buttock_sarcoma", 73)
    tables = {table.title: dict(table.items) for table in cohort.tables}
    complaints = {"Mass": 53, "Sciatica": 13, "Local pain": 6, "Fungating tumour": 3, "Foot drop": 1}
    assert tables["Complaints at presentation"] == complaints
    assert sum(complaints.values()) == 76  # they overlap
    assert sum(tables["Location"].values()) == 73
    histology = tables["Histology"]
    assert sum(histology.values()) == 73
    assert sum(n for what, n in histology.items() if "liposarcoma" in what.lower()) == 19
    assert sum(n for what, n in histology.items() if "leiomyosarcoma" in what.lower()) == 13
    assert tables["Sites of metastasis"]["Lung"] == 29


def test_the_cohorts_masses_are_not_the_likelihood_of_a_mass(documents):
    assert marginal(documents, "buttock_mass", "buttock_sarcoma") < 53 / 73
    (cohort,) = documents.cohorts
    assert "53 of 73 is not" in cohort.caution


# references


def test_every_source_can_be_found_again(documents):
    """Authors, title and year always; then a journal or another place, and a DOI, PMID or address."""
    for key, source in documents.sources.items():
        fields = source.fields
        for name in ("author", "title", "year"):
            assert fields[name].strip(), (key, name)
        assert not key.startswith("anonymous"), key
        assert not any("\\" in text for text in fields.values()), key  # plain letters, so that they print
        if key == "desk_judgement":
            continue
        undated_page = fields["year"] == "n.d." and source.entry_type == "misc" and "url" in fields
        assert undated_page or re.fullmatch(r"\d{4}", fields["year"]), (key, fields["year"])
        assert {"journal", "booktitle", "howpublished", "publisher"} & set(fields), key
        assert {"doi", "pmid", "url"} & set(fields), key
        if "doi" in fields:
            assert re.fullmatch(r"10\.\d{4,9}/\S+", fields["doi"]), (key, fields["doi"])
        if "pmid" in fields:
            assert re.fullmatch(r"\d{5,8}", fields["pmid"]), (key, fields["pmid"])
        if "url" in fields:
            assert re.match(r"https?://[a-z]", fields["url"]), (key, fields["url"])


def test_a_citation_in_one_line(documents):
    text = citation(documents.sources["henschke2009prevalence"])
    assert text.startswith("Henschke")
    assert "2009" in text
    assert "doi:10.1002/art.24853" in text
    assert "{" not in text


# python -m priors --table, --cause


def run_priors(*arguments, columns="100"):
    environment = os.environ | {"PYTHONPATH": str(PROJECT), "COLUMNS": columns, "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", "priors", *arguments], capture_output=True, text=True, env=environment, check=False
    )


def test_table_prints_a_finding_across_the_causes(documents):
    done = run_priors("--table", "fever")
    assert done.returncode == 0, done.stderr
    for line in lines(documents, "fever"):
        (printed,) = [text for text in done.stdout.splitlines() if text.startswith(f"{line.cause} ")]
        words = printed.split()
        assert words[1] == f"{100 * line.row.estimate.value:.3g}"
        assert line.row.estimate.kind in words
    assert documents.structure.findings["fever"].question.split()[0] in done.stdout
    assert "1223 of 2224" in done.stdout  # a study of a pooled number
    assert "doi:10.1186/s12891-019-2949-6" in done.stdout


def test_cause_prints_every_finding_of_a_cause(documents):
    done = run_priors("--cause", "spinal_cyst", columns="120")
    assert done.returncode == 0, done.stderr
    printed = {text.split()[0] for text in done.stdout.splitlines() if text.strip()}
    assert set(documents.structure.findings) <= printed
    assert {"prevalence", "female", "age_65_79"} <= printed


def test_the_cohort_is_shown_with_its_cause():
    assert "mass 53, sciatica 13" in run_priors("--cause", "buttock_sarcoma", columns="200").stdout
    assert "sciatica 13" not in run_priors("--cause", "spinal_cyst").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--table", "feverr"], "did you mean fever?", id="finding"),
        pytest.param(["--cause", "disc"], "did you mean disc_herniation?", id="cause"),
        pytest.param(["--table", "fever", "--profile", "primary_car"], "did you mean primary_care?", id="profile"),
        pytest.param(["--table", ""], "unknown finding ''", id="empty"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(arguments, words):
    done = run_priors(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_table_takes_a_profile():
    default, specialist = (
        run_priors("--table", "history_of_cancer", "--profile", p) for p in ("documents", "specialist")
    )
    assert specialist.returncode == 0
    assert default.stdout != specialist.stdout
    assert "profile specialist" in specialist.stdout
