"""Laws of the numbers that ship with the project.

Not here: what the loader says of a broken folder (`test_priors_load.py`).
"""

import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from priors import PRIORS_FOLDER, available_profiles, load_priors
from priors.records import KINDS, Key

PROJECT = Path(__file__).resolve().parents[1]
PROFILES = ("documents", "emergency", "primary_care", "specialist")

# Names as vocabulary.yaml has them; data files, case files and the command line use exactly these.
CAUSES = [
    "disc_herniation",
    "spinal_stenosis",
    "vertebral_fracture",
    "spinal_malignancy",
    "ankylosing_spondylitis",
    "spinal_infection",
    "piriformis_syndrome",
    "buttock_sarcoma",
    "peripheral_arterial_disease",
    "hip_osteoarthritis",
    "spinal_cyst",
    "sacroiliac_joint_pain",
    "nonspecific",
    "other",
]

FINDINGS = [
    "fever",
    "weight_loss",
    "anorexia",
    "asthenia",
    "history_of_cancer",
    "iv_drug_use",
    "immunosuppression",
    "recent_spinal_procedure",
    "significant_trauma",
    "minor_trauma",
    "history_of_fracture",
    "osteoporosis",
    "corticosteroid_use",
    "night_pain",
    "constant_progressive_pain",
    "not_improved_after_one_month",
    "worse_with_valsalva",
    "insidious_onset",
    "low_back_pain",
    "buttock_pain",
    "leg_pain_worse_than_back",
    "sharp_lancinating_pain",
    "aching_buttock_thigh_pain",
    "pain_below_knee_dermatomal",
    "paraesthesia",
    "bilateral_leg_symptoms",
    "worse_sitting",
    "worse_walking_or_standing",
    "relief_on_flexion_or_sitting",
    "relief_standing_still",
    "relief_with_rest",
    "onset_with_exertion",
    "morning_stiffness",
    "improves_with_exercise",
    "alternating_buttock_pain",
    "groin_pain",
    "claudication",
    "rest_pain_or_tissue_loss",
    "cyclic_with_menstruation",
    "dermatomal_rash",
    "prior_lumbar_surgery",
    "smoking",
    "diabetes",
    "hypertension_or_vascular_risk",
    "urinary_retention",
    "urinary_incontinence",
    "faecal_incontinence",
    "saddle_anaesthesia",
    "reduced_anal_tone",
    "post_void_residual_over_200ml",
    "straight_leg_raise_positive",
    "crossed_slr_positive",
    "slump_test_positive",
    "femoral_stretch_positive",
    "motor_weakness",
    "sensory_loss",
    "reflex_loss",
    "progressive_motor_deficit",
    "bilateral_neurological_deficit",
    "gait_impairment",
    "wide_based_gait",
    "fair_test_positive",
    "limited_hip_rotation",
    "sacroiliac_provocation_positive",
    "buttock_mass",
    "buttock_tenderness",
    "spinal_percussion_tenderness",
    "absent_or_weak_pulses",
    "skin_colour_or_temperature_change",
    "esr_raised",
    "esr_over_50",
    "crp_raised",
    "crp_over_50",
    "ldh_raised",
    "alp_raised",
    "white_cells_raised",
    "hla_b27_positive",
    "abi_low",
    "mri_lumbar_disc_herniation",
    "mri_lumbar_stenosis",
    "mri_lumbar_malignancy",
    "mri_lumbar_infection",
    "mri_lumbar_cyst",
    "mri_lumbar_normal",
    "mri_or_xray_fracture",
    "hip_osteoarthritis_on_xray",
    "mri_level_fits_symptoms",
    "pelvic_imaging_mass",
    "sacroiliitis_on_imaging",
    "piriformis_block_relief",
]

VALUES = ["esr_mm_h", "crp_mg_l", "ldh_u_l", "abi", "post_void_residual_ml", "temperature_c"]

FACTS = ["first_episode", "conservative_care_completed", "surgical_candidate"]
AGE_BANDS = {"under_20": 0, "age_20_34": 20, "age_35_49": 35, "age_50_64": 50, "age_65_79": 65, "age_80_up": 80}
DURATION_BANDS = {
    "under_2": 0,
    "weeks_2_4": 2,
    "weeks_4_6": 4,
    "weeks_6_12": 6,
    "weeks_12_26": 12,
    "weeks_26_up": 26,
}

DOCUMENTS = {
    "disc_herniation": 0.80,
    "vertebral_fracture": 0.04,
    "spinal_stenosis": 0.03,
    "spinal_malignancy": 0.007,
    "ankylosing_spondylitis": 0.003,
    "spinal_infection": 0.0001,
}

# R's Table 1, nine warning signs, as the findings that stand for them.
RED_FLAGS = [
    "fever",
    "weight_loss",
    "anorexia",
    "asthenia",
    "significant_trauma",
    "history_of_fracture",
    "history_of_cancer",
    "iv_drug_use",
    "immunosuppression",
    "recent_spinal_procedure",
    "corticosteroid_use",
    "night_pain",
    "constant_progressive_pain",
    "not_improved_after_one_month",
    "worse_with_valsalva",
    "motor_weakness",
    "urinary_retention",
    "urinary_incontinence",
    "faecal_incontinence",
    "saddle_anaesthesia",
]


@pytest.fixture(scope="module", params=PROFILES)
def priors(request):
    return load_priors(profile=request.param)


@pytest.fixture(scope="module")
def documents():
    return load_priors()


def prevalence(cause):
    return Key("probability", "cause", cause)


def test_profiles_are_the_four_of_the_design():
    assert available_profiles() == PROFILES


def test_every_profile_loads_under_its_name(priors, request):
    assert priors.profile == request.node.callspec.params["priors"]


def test_profiles_have_digests_of_their_own():
    digests = {load_priors(profile=name).digest for name in PROFILES}
    assert len(digests) == len(PROFILES)


def test_causes_are_the_vocabularys(documents):
    assert list(documents.structure.cause_names) == CAUSES
    assert documents.structure.complication.name == "cauda_equina_syndrome"


def test_findings_are_the_vocabularys(documents):
    assert set(documents.structure.findings) == set(FINDINGS)
    assert len(FINDINGS) == len(set(FINDINGS))


def test_facts_are_the_vocabularys(documents):
    assert set(documents.structure.facts) == set(FACTS)


def test_values_are_the_vocabularys_and_the_laboratory_limit(documents):
    assert set(documents.structure.values) == {*VALUES, "ldh_upper_limit_u_l"}


def test_context_bands_are_the_vocabularys(documents):
    structure = documents.structure
    assert {band.state: band.start for band in structure.age.bands} == AGE_BANDS
    assert {band.state: band.start for band in structure.duration.bands} == DURATION_BANDS
    assert structure.sex.states == ("female", "male")


@pytest.mark.parametrize(("cause", "share"), DOCUMENTS.items(), ids=DOCUMENTS)
def test_documents_profile_holds_the_documents_numbers(documents, cause, share):
    estimate = documents.cells[prevalence(cause), ""].estimate
    assert estimate.value == share
    assert estimate.kind == "documents"
    assert "case_report_r" in estimate.sources


def test_disc_share_keeps_its_range(documents):
    estimate = documents.cells[prevalence("disc_herniation"), ""].estimate
    assert (estimate.low, estimate.value, estimate.high) == (0.70, 0.80, 0.90)


def test_causes_without_a_number_in_the_documents_are_judged(documents):
    for cause in set(CAUSES) - set(DOCUMENTS):
        assert documents.cells[prevalence(cause), ""].estimate.kind == "judgement", cause


def test_prevalences_sum_to_one(priors):
    assert math.fsum(priors.number(prevalence(cause)) for cause in CAUSES) == pytest.approx(1, abs=1e-9)


def test_every_number_keeps_the_rules(priors):
    """The rules of the file format, checked here without the loader's own code."""
    for row in priors.rows:
        estimate, place = row.estimate, f"{row.file}, row {row.row}"
        assert estimate.kind in KINDS, place
        assert math.isfinite(estimate.value), place
        if row.key.parameter == "probability":
            assert 0 < estimate.value < 1, place
        elif row.key.parameter == "odds_multiplier":
            assert estimate.value > 0, place
        else:
            assert 0 <= estimate.value <= 0.95, place
        has_interval = estimate.low is not None and estimate.high is not None
        has_counts = estimate.events is not None and estimate.total is not None
        assert has_interval or has_counts, place
        if has_interval:
            assert estimate.low <= estimate.value <= estimate.high, place
            assert estimate.low < estimate.high, place
        for text in (estimate.population, estimate.note):
            assert text.strip(), place
        assert estimate.sources, place


def test_every_cited_source_exists(priors):
    for row in priors.rows:
        assert set(row.estimate.sources) <= set(priors.sources), f"{row.file}, row {row.row}"


def test_measured_numbers_were_read(priors):
    for row in priors.rows:
        if row.estimate.kind in ("measured", "pooled"):
            for source in row.estimate.sources:
                assert priors.sources[source].read, f"{row.file}, row {row.row}: {source}"


def test_published_numbers_rest_on_no_judgement(priors):
    for row in priors.rows:
        if row.estimate.kind != "judgement":
            assert "desk_judgement" not in row.estimate.sources, f"{row.file}, row {row.row}"


def test_at_least_250_numbers_rest_on_publications_or_the_documents(documents):
    kinds = [row.estimate.kind for row in documents.rows]
    assert len(kinds) - kinds.count("judgement") >= 250


def test_no_source_is_unused():
    cited = set()
    for name in PROFILES:
        loaded = load_priors(profile=name)
        cited |= {source for row in loaded.rows for source in row.estimate.sources}
    assert set(loaded.sources) - cited == set()


def test_every_reference_has_author_title_and_year(documents):
    for key, source in documents.sources.items():
        for field in ("author", "title", "year"):
            assert source.fields[field].strip(), f"{key}: {field}"
        assert re.fullmatch(r"[a-z0-9_]+", key), key


def test_no_reference_stands_twice_in_the_file():
    text = (PRIORS_FOLDER / "references.bib").read_text(encoding="utf-8")
    keys = re.findall(r"^@\w+\{([^,]+),", text, flags=re.MULTILINE)
    assert sorted(keys) == sorted(set(keys))
    assert set(keys) == set(load_priors().sources)


def test_discrepancies_a_to_d_one_sentence_each(documents):
    assert [discrepancy.id for discrepancy in documents.discrepancies] == ["a", "b", "c", "d"]
    for discrepancy in documents.discrepancies:
        sentence = discrepancy.sentence
        assert sentence.endswith("."), discrepancy.id
        assert not re.search(r"[.!?]\s", sentence), f"{discrepancy.id}: a second sentence"
        assert set(discrepancy.causes) <= set(CAUSES)
        assert discrepancy.causes, discrepancy.id


@pytest.mark.parametrize(
    ("letter", "words"),
    [("a", "low back pain"), ("b", "4.71 %"), ("c", "70 to 90 %"), ("d", "0.7 %")],
    ids=["a", "b", "c", "d"],
)
def test_discrepancy_names_its_figure(documents, letter, words):
    (sentence,) = [d.sentence for d in documents.discrepancies if d.id == letter]
    assert words in sentence


def test_every_name_has_words_for_people(documents):
    structure = documents.structure
    for cause in (*structure.causes, structure.complication):
        assert cause.label.strip(), cause.name
        assert cause.short.strip(), cause.name
    for finding in structure.findings.values():
        assert finding.label.strip(), finding.name
        assert len(finding.definition.split()) >= 2, f"{finding.name}: {finding.definition!r} is no definition"
        assert finding.group in structure.groups, finding.name
    for syndrome in structure.syndromes.values():
        assert syndrome.label.strip(), syndrome.name


def test_labels_are_unique(documents):
    labels = [finding.label for finding in documents.structure.findings.values()]
    assert sorted(labels) == sorted(set(labels))
    shorts = [cause.short for cause in documents.structure.causes]
    assert sorted(shorts) == sorted(set(shorts))


@pytest.mark.parametrize("name", RED_FLAGS)
def test_warning_signs_name_their_source(documents, name):
    assert "T1" in documents.structure.findings[name].seed


def test_a_finding_sits_in_one_syndrome(documents):
    members = [name for syndrome in documents.structure.syndromes.values() for name, _ in syndrome.members]
    assert sorted(members) == sorted(set(members))


# Logical bounds of the design: the condition each finding needs.
CONDITIONS = {
    "crossed_slr_positive": {("straight_leg_raise_positive", "present")},
    "esr_over_50": {("esr_raised", "present")},
    "crp_over_50": {("crp_raised", "present")},
    "progressive_motor_deficit": {("motor_weakness", "present")},
    "bilateral_neurological_deficit": {("motor_weakness", "present"), ("sensory_loss", "present")},
    "mri_level_fits_symptoms": {("mri_lumbar_disc_herniation", "present"), ("mri_lumbar_stenosis", "present")},
    "not_improved_after_one_month": {
        ("duration_weeks", "weeks_4_6"),
        ("duration_weeks", "weeks_6_12"),
        ("duration_weeks", "weeks_12_26"),
        ("duration_weeks", "weeks_26_up"),
    },
    "cyclic_with_menstruation": {("sex", "female")},
    "mri_lumbar_normal": {
        ("mri_lumbar_disc_herniation", "absent"),
        ("mri_lumbar_stenosis", "absent"),
        ("mri_lumbar_malignancy", "absent"),
        ("mri_lumbar_infection", "absent"),
        ("mri_lumbar_cyst", "absent"),
    },
}


def test_the_only_zeros_are_the_designs(documents):
    found = {name: f.possible_if for name, f in documents.structure.findings.items() if f.possible_if}
    assert {name: set(condition.terms) for name, condition in found.items()} == CONDITIONS
    assert {name for name, condition in found.items() if condition.mode == "all"} == {"mri_lumbar_normal"}


SHIPPED_LIMITS = {
    ("esr_mm_h", "esr_raised"): ("above", 20),
    ("esr_mm_h", "esr_over_50"): ("above", 50),
    ("crp_mg_l", "crp_raised"): ("above", 10),
    ("crp_mg_l", "crp_over_50"): ("above", 50),
    ("ldh_u_l", "ldh_raised"): ("above", 618),
    ("abi", "abi_low"): ("at_most", 0.90),
    ("post_void_residual_ml", "post_void_residual_over_200ml"): ("at_least", 200),
    ("temperature_c", "fever"): ("at_least", 38.0),
}


def test_typed_values_imply_what_the_vocabulary_says(documents):
    found = {
        (value.name, item.finding): (item.comparison, item.limit)
        for value in documents.structure.values.values()
        for item in value.implies
    }
    assert found == SHIPPED_LIMITS


# python -m priors


def run_priors(*arguments):
    environment = os.environ | {"PYTHONPATH": str(PROJECT), "COLUMNS": "160"}
    return subprocess.run(
        [sys.executable, "-m", "priors", *map(str, arguments)], capture_output=True, text=True, env=environment
    )


def test_command_prints_the_summary(documents):
    done = run_priors()
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for words in (*PROFILES, "Numbers by kind", "judgement", "documents", "Numbers that each cause rests on", *CAUSES):
        assert words in done.stdout
    counts = [row.estimate.kind for row in documents.rows]
    (line,) = [line for line in done.stdout.splitlines() if line.split()[:1] == ["documents"]]
    numbers = [int(word) for word in line.split()[1:]]
    assert numbers[-1] == len(counts)
    assert sorted(numbers[:-1]) == sorted(counts.count(kind) for kind in KINDS)
    assert "Sources cited by no number" in done.stdout


def test_command_checks_one_profile():
    done = run_priors("--profile", "emergency")
    assert done.returncode == 0
    assert "emergency: every file keeps the rules" in done.stdout


def broken_folder(tmp_path):
    path = tmp_path / "priors"
    shutil.copytree(PRIORS_FOLDER, path, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    text = (path / "prevalence.csv").read_text(encoding="utf-8")
    assert ",0.80,0.70,0.90," in text
    (path / "prevalence.csv").write_text(text.replace(",0.80,0.70,0.90,", ",1.80,0.70,0.90,"), encoding="utf-8")
    return path


def test_command_on_a_broken_folder(tmp_path):
    done = run_priors("--folder", broken_folder(tmp_path))
    assert done.returncode == 2
    assert "prevalence.csv, row 2, value" in done.stderr
    assert "1.8" in done.stderr
    assert "Traceback" not in done.stderr
    assert "keeps the rules" not in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--folder", "no/such/folder"], id="missing folder"),
        pytest.param(["--folder", PROJECT / "pyproject.toml"], id="file for a folder"),
        pytest.param(["--profile", "primary_car"], id="unknown profile"),
        pytest.param(["--nonsense"], id="unknown option"),
    ],
)
def test_command_mistakes_exit_2_without_traceback(arguments):
    done = run_priors(*arguments)
    assert done.returncode == 2
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr
