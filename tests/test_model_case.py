"""The case file to the letter: what it accepts, what it refuses and with which words, and what holds after each step.

Not here: the command line (`test_model_cli.py`), tables of cases (`test_model_score.py`).
"""

import json
import random
from pathlib import Path

import pytest

from model import BadCase, diagnose, parse_case, read_case
from model.case import Change, context_evidence, stages
from priors.records import AGE, DURATION, SEX

CASES = Path(__file__).resolve().parents[1] / "validation" / "cases"
SEED = CASES / "buttock-sarcoma-59m.json"


@pytest.fixture(scope="module")
def structure(model):
    return model.priors.structure


@pytest.fixture
def parse(structure):
    """Parse a case given as keyword arguments or as one object."""

    def parse(data=None, **keys):
        return parse_case(keys if data is None else data, structure)

    return parse


@pytest.fixture
def refuse(structure):
    """Parse a case that must be refused, and return what the user is told."""

    def refuse(data, ignore_unknown=False):
        with pytest.raises(BadCase) as caught:
            parse_case(data, structure, ignore_unknown)
        message = str(caught.value)
        assert "\n" not in message
        return message

    return refuse


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "case.json"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def known(case, structure):
    """Return the findings in force after the last step."""
    return dict(stages(case, structure)[-1].findings)


# What is accepted.

FULL = {
    "id": "a-1",
    "age": 59,
    "sex": "male",
    "duration_weeks": 8.5,
    "setting": "emergency",
    "present": ["night_pain"],
    "absent": ["fever"],
    "unsure": {"weight_loss": 2.5},
    "values": {"abi": 0.8},
    "first_episode": True,
    "conservative_care_completed": False,
    "surgical_candidate": True,
    "steps": [
        {
            "label": "Second visit",
            "present": ["fever"],
            "absent": ["anorexia"],
            "unsure": {"asthenia": 0.5},
            "values": {"esr_mm_h": 12},
            "clear": ["night_pain"],
        }
    ],
    "source": "a letter",
    "final_diagnosis": "other",
    "cauda_equina_syndrome": False,
    "notes": ["free", {"as": "air"}],
    "tests": {"x": 1},
    "imaging": None,
    "text_basis": "abstract",
    "thin": True,
}


def test_every_key_of_the_format_is_accepted(parse, structure):
    case = parse(FULL)
    assert (case.id, case.age, case.sex, case.duration_weeks) == ("a-1", 59, "male", 8.5)
    assert case.setting == "emergency"
    assert dict(case.facts) == {"first_episode": True, "conservative_care_completed": False, "surgical_candidate": True}
    assert dict(case.initial.findings) == {
        "night_pain": "present",
        "fever": "absent",
        "weight_loss": 2.5,
        "abi_low": "present",
    }
    (step,) = case.steps
    assert (step.label, step.clear) == ("Second visit", ("night_pain",))
    assert dict(step.findings) == {
        "fever": "present",
        "anorexia": "absent",
        "asthenia": 0.5,
        "esr_raised": "absent",
        "esr_over_50": "absent",
    }
    assert case.ignored == ()


def test_every_key_may_be_null(parse, structure):
    case = parse(dict.fromkeys(FULL))
    assert case == parse({})
    assert stages(case, structure)[0].evidence.nodes == ()
    steps = [dict.fromkeys(FULL["steps"][0])]
    assert parse({"steps": steps}).steps[0].findings == ()


@pytest.mark.parametrize("entry", [{"unsure": {"fever": None}}, {"values": {"abi": None}}], ids=["unsure", "values"])
def test_null_inside_a_mapping_is_missing(parse, entry):
    assert parse(entry).initial.findings == ()


def test_empty_case(parse):
    case = parse({})
    assert (case.id, case.age, case.sex, case.duration_weeks, case.setting) == (None,) * 5
    assert case.steps == ()


@pytest.mark.parametrize("name", ["p-1", "", 7, "é 患者"])
def test_identifiers(parse, name):
    assert parse(id=name).id == name


@pytest.mark.parametrize("name", [1.5, True, [], {}], ids=str)
def test_identifiers_refused(refuse, name):
    assert "id" in refuse({"id": name})


def test_carried_keys_are_carried_and_change_nothing(parse, model):
    bare = {key: FULL[key] for key in ("age", "sex", "present", "absent")}
    extra = ("source", "final_diagnosis", "cauda_equina_syndrome", "notes", "tests", "text_basis", "thin")
    rich = bare | {key: FULL[key] for key in extra}
    assert dict(parse(rich).carried) == {key: FULL[key] for key in extra}
    assert diagnose(model, parse(rich)).final.posterior == diagnose(model, parse(bare)).final.posterior
    assert diagnose(model, parse(rich)).final.log_evidence == diagnose(model, parse(bare)).final.log_evidence


def test_facts_change_no_probability(parse, model):
    facts = {"first_episode": True, "conservative_care_completed": True, "surgical_candidate": False}
    assert diagnose(model, parse(facts)).final.posterior == diagnose(model, parse({})).final.posterior


# What is refused. The case, and what the message must hold.

REFUSED = {
    "not an object": ([], ["expected a case as an object", "list"]),
    "a text": ("fever", ["expected a case as an object", "text"]),
    "null": (None, ["object", "null"]),
    "unknown key": ({"presnt": ["fever"]}, ["unknown key", "'presnt'", "did you mean present?"]),
    "clear at top level": ({"clear": ["fever"]}, ["unknown key", "'clear'"]),
    "unknown fact": ({"first_epsode": True}, ["'first_epsode'", "did you mean first_episode?"]),
    "unknown key in a step": ({"steps": [{}, {"age": 5}]}, ["step 2", "'age'"]),
    "unknown present": ({"present": ["fevr"]}, ["unknown finding", "'fevr'", "did you mean fever?"]),
    "unknown absent": ({"absent": ["weightloss"]}, ["'weightloss'", "did you mean weight_loss?"]),
    "unknown unsure": ({"unsure": {"night_pian": 2}}, ["'night_pian'", "did you mean night_pain?"]),
    "unknown in a step": ({"steps": [{"present": ["fevr"]}]}, ["'fevr'", "did you mean fever?"]),
    "unknown clear": ({"steps": [{"clear": ["fevr"]}]}, ["'fevr'", "did you mean fever?"]),
    "unknown value": ({"values": {"esr_mm": 4}}, ["unknown value", "'esr_mm'", "did you mean esr_mm_h?"]),
    "cause as a finding": ({"present": ["disc_herniation"]}, ["unknown finding", "'disc_herniation'"]),
    "complication as a finding": ({"present": ["cauda_equina_syndrome"]}, ["unknown finding"]),
    "latent as a finding": ({"present": ["root_tension"]}, ["unknown finding"]),
    "twice in one list": ({"present": ["fever", "fever"]}, ["fever", "twice", "present"]),
    "twice in clear": ({"steps": [{"clear": ["fever", "fever"]}]}, ["step 1", "fever", "twice"]),
    "in two lists": ({"present": ["fever"], "absent": ["fever"]}, ["fever", "twice", "present", "absent"]),
    "in two lists of a step": (
        {"steps": [{"present": ["fever"], "absent": ["fever"]}]},
        ["step 1", "fever", "present", "absent"],
    ),
    "listed and unsure": ({"present": ["fever"], "unsure": {"fever": 2}}, ["fever", "present", "unsure", "2"]),
    "entered and cleared": ({"steps": [{"present": ["fever"], "clear": ["fever"]}]}, ["step 1", "fever", "cleared"]),
    "value against list": (
        {"values": {"esr_mm_h": 45}, "absent": ["esr_raised"]},
        ["esr_mm_h", "45", "esr_raised", "present", "absent"],
    ),
    "low value against list": ({"values": {"abi": 1.1}, "present": ["abi_low"]}, ["abi", "1.1", "abi_low", "present"]),
    "value against unsure": ({"values": {"esr_mm_h": 45}, "unsure": {"esr_raised": 3}}, ["esr_mm_h", "esr_raised"]),
    "value against list in a step": (
        {"steps": [{"values": {"temperature_c": 39}, "absent": ["fever"]}]},
        ["step 1", "temperature_c", "39", "fever"],
    ),
    "present not a list": ({"present": "fever"}, ["present", "expected a list", "text"]),
    "present an object": ({"present": {"fever": True}}, ["present", "expected a list", "object"]),
    "number in a list": ({"present": [3]}, ["present", "name of a finding", "3"]),
    "null in a list": ({"present": [None]}, ["present", "name of a finding", "None"]),
    "unsure a list": ({"unsure": ["fever"]}, ["unsure", "likelihood ratio", "list"]),
    "values a list": ({"values": [45]}, ["values", "number", "list"]),
    "value in words": ({"values": {"esr_mm_h": "45"}}, ["esr_mm_h", "expected a number", "'45'"]),
    "value true": ({"values": {"esr_mm_h": True}}, ["esr_mm_h", "expected a number", "True"]),
    "value NaN": ({"values": {"esr_mm_h": float("nan")}}, ["esr_mm_h", "expected a number", "nan"]),
    "negative value": ({"values": {"esr_mm_h": -1}}, ["esr_mm_h", "0 to 200 mm/h", "-1"]),
    "temperature in Fahrenheit": ({"values": {"temperature_c": 101}}, ["temperature_c", "25 to 45", "101"]),
    "sex m": ({"sex": "m"}, ["sex", "female or male", "'m'"]),
    "sex Male": ({"sex": "Male"}, ["sex", "female or male", "'Male'"]),
    "sex as a list": ({"sex": ["male"]}, ["sex", "female or male"]),
    "sex 1": ({"sex": 1}, ["sex", "female or male", "1"]),
    "setting 3": ({"setting": 3}, ["setting", "profile", "3"]),
    "fact in words": ({"first_episode": "yes"}, ["first_episode", "true or false", "'yes'"]),
    "fact 1": ({"first_episode": 1}, ["first_episode", "true or false", "1"]),
    "steps an object": ({"steps": {"label": "x"}}, ["steps", "expected a list", "object"]),
    "steps a text": ({"steps": "first"}, ["steps", "expected a list", "text"]),
    "step a text": ({"steps": [{}, "second"]}, ["step 2", "expected an object", "text"]),
    "step null": ({"steps": [None]}, ["step 1", "expected an object", "null"]),
    "label a number": ({"steps": [{"label": 3}]}, ["step 1", "label", "3"]),
}


@pytest.mark.parametrize(("data", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(refuse, data, said):
    message = refuse(data)
    for words in said:
        assert words in message, message


@pytest.mark.parametrize(("short", "name"), [("esr", "esr_mm_h"), ("crp", "crp_mg_l"), ("ldh", "ldh_u_l")])
def test_short_name_of_a_value_leads_to_its_full_name(refuse, short, name):
    """The most natural slip with values: the name without its unit."""
    assert name in refuse({"values": {short: 45}})


NONSENSE = {
    "-3": -3,
    "400": 400,
    "x": "x",
    "text 59": "59",
    "NaN": float("nan"),
    "true": True,
    "inf": float("inf"),
    "-inf": float("-inf"),
    "list": [59],
    "huge": 10**400,
}


@pytest.mark.parametrize("number", NONSENSE.values(), ids=NONSENSE.keys())
def test_age_nonsense(refuse, number):
    message = refuse({"age": number})
    assert "age" in message
    assert "0 to 120 years" in message


@pytest.mark.parametrize(
    "number",
    [*(NONSENSE[key] for key in NONSENSE if key != "400"), 5201],
    ids=[*(k for k in NONSENSE if k != "400"), "5201"],
)
def test_duration_nonsense(refuse, number):
    message = refuse({"duration_weeks": number})
    assert "duration_weeks" in message
    assert "0 to 5200 weeks" in message


@pytest.mark.parametrize("ratio", [0, -1, "x", "2", True, float("nan"), float("inf"), [2]], ids=str)
def test_likelihood_ratio_nonsense(refuse, ratio):
    message = refuse({"unsure": {"fever": ratio}})
    assert "unsure fever" in message
    assert "likelihood ratio above 0" in message


@pytest.mark.parametrize("ratio", [0.001, 1, 3, 1e6])
def test_likelihood_ratio_is_kept(parse, structure, ratio):
    assert known(parse(unsure={"fever": ratio}), structure) == {"fever": ratio}


@pytest.mark.parametrize("ratio", [5e-324, 1e-310, 1e308])
def test_extreme_likelihood_ratio_is_no_contradiction(parse, model, ratio):
    """A positive ratio is never a logical zero, however small: only the network's zeros refuse evidence."""
    posterior = diagnose(model, parse(present=["esr_over_50"], unsure={"esr_raised": ratio})).final.posterior
    expected = diagnose(model, parse(present=["esr_over_50"])).final.posterior  # esr_raised follows by logic
    assert posterior == pytest.approx(expected, rel=1e-9)


def test_likelihood_ratio_of_one_changes_nothing(parse, model):
    with_one = diagnose(model, parse(present=["night_pain"], unsure={"fever": 1})).final.posterior
    assert with_one == pytest.approx(diagnose(model, parse(present=["night_pain"])).final.posterior, abs=1e-12)


# Files.


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("", ["is empty"], id="empty"),
        pytest.param("{\n 'age': 5}", ["not valid JSON", "line 2"], id="single quotes"),
        pytest.param('{"age": 5,}', ["not valid JSON"], id="trailing comma"),
        pytest.param('{"age": 5} {"age": 6}', ["not valid JSON"], id="two objects"),
        pytest.param('{"age": NaN}', ["NaN", "not a number"], id="NaN"),
        pytest.param('{"age": -Infinity}', ["-Infinity", "not a number"], id="-Infinity"),
        pytest.param('{"age": 1e999}', ["age", "0 to 120"], id="1e999"),
        pytest.param('{"age": ' + "9" * 5000 + "}", ["not valid JSON"], id="5000 digits"),
        pytest.param('{"age": 5, "age": 6}', ["'age'", "twice"], id="duplicate key"),
        pytest.param('{"unsure": {"fever": 2, "fever": 3}}', ["'fever'", "twice"], id="duplicate key inside"),
        pytest.param("[" * 100_000, ["nested too deeply"], id="deep list"),
        pytest.param('{"notes":' * 100_000, ["nested too deeply"], id="deep object"),
        pytest.param("age: 59", ["not valid JSON"], id="YAML"),
        pytest.param(b"\xff\xfe{\x00}\x00", ["UTF-8"], id="UTF-16"),
        pytest.param('{"notes": "Müller"}'.encode("latin-1"), ["UTF-8"], id="Latin-1"),
        pytest.param(b"\x00\x01\x02", ["not valid JSON"], id="binary"),
    ],
)
def test_broken_file(write, structure, content, said):
    path = write(content)
    with pytest.raises(BadCase) as caught:
        read_case(path, structure)
    message = str(caught.value)
    for words in said:
        assert words in message
    assert len(message) < 500


def test_file_is_named(write, structure):
    path = write("{")
    with pytest.raises(BadCase, match=r"case\.json"):
        read_case(path, structure)


def test_missing_file_and_folder(tmp_path, structure):
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(BadCase, match="cannot read"):
            read_case(path, structure)


def test_byte_order_mark_is_accepted(write, structure):
    assert read_case(write(b"\xef\xbb\xbf" + b'{"age": 40}'), structure).age == 40


@pytest.mark.parametrize("path", sorted(CASES.glob("*.json")), ids=lambda path: path.stem)
def test_shipped_cases_are_clean(path, structure):
    case = read_case(path, structure)
    assert case.id == path.stem
    assert case.ignored == ()
    assert case.carried["final_diagnosis"] in structure.cause_names
    assert case.carried["source"]


def test_shipped_cases_are_twenty():
    assert len(list(CASES.glob("*.json"))) == 20


# Bands: the lower edge belongs to the band, the upper does not.


@pytest.mark.parametrize(
    ("age", "band"),
    [
        (0, "under_20"),
        (19.99, "under_20"),
        (20, "age_20_34"),
        (34.99, "age_20_34"),
        (35, "age_35_49"),
        (49.99, "age_35_49"),
        (50, "age_50_64"),
        (64.99, "age_50_64"),
        (65, "age_65_79"),
        (79.99, "age_65_79"),
        (80, "age_80_up"),
        (120, "age_80_up"),
    ],
)
def test_age_bands(parse, structure, age, band):
    assert context_evidence(parse(age=age), structure) == ((AGE, band),)


@pytest.mark.parametrize(
    ("weeks", "band"),
    [
        (0, "under_2"),
        (1.99, "under_2"),
        (2, "weeks_2_4"),
        (3.99, "weeks_2_4"),
        (4, "weeks_4_6"),
        (5.99, "weeks_4_6"),
        (6, "weeks_6_12"),
        (11.99, "weeks_6_12"),
        (12, "weeks_12_26"),
        (25.99, "weeks_12_26"),
        (26, "weeks_26_up"),
        (5200, "weeks_26_up"),
    ],
)
def test_duration_bands(parse, structure, weeks, band):
    assert context_evidence(parse(duration_weeks=weeks), structure) == ((DURATION, band),)


def test_zero_is_an_age_and_a_duration(parse, structure):
    evidence = context_evidence(parse(age=0, duration_weeks=0, sex="female"), structure)
    assert evidence == ((AGE, "under_20"), (SEX, "female"), (DURATION, "under_2"))


# Typed values.

P, A = "present", "absent"
LIMITS = [
    ("esr_mm_h", 20, {"esr_raised": A, "esr_over_50": A}),
    ("esr_mm_h", 20.1, {"esr_raised": P, "esr_over_50": A}),
    ("esr_mm_h", 50, {"esr_raised": P, "esr_over_50": A}),
    ("esr_mm_h", 50.1, {"esr_raised": P, "esr_over_50": P}),
    ("esr_mm_h", 0, {"esr_raised": A, "esr_over_50": A}),
    ("crp_mg_l", 10, {"crp_raised": A, "crp_over_50": A}),
    ("crp_mg_l", 10.1, {"crp_raised": P, "crp_over_50": A}),
    ("crp_mg_l", 50, {"crp_raised": P, "crp_over_50": A}),
    ("crp_mg_l", 131.7, {"crp_raised": P, "crp_over_50": P}),
    ("abi", 0.90, {"abi_low": P}),
    ("abi", 0.901, {"abi_low": A}),
    ("post_void_residual_ml", 199.9, {"post_void_residual_over_200ml": A}),
    ("post_void_residual_ml", 200, {"post_void_residual_over_200ml": P}),
    ("temperature_c", 37.9, {"fever": A}),
    ("temperature_c", 38.0, {"fever": P}),
    ("ldh_u_l", 618, {"ldh_raised": A}),
    ("ldh_u_l", 618.1, {"ldh_raised": P}),
    ("ldh_u_l", 1128, {"ldh_raised": P}),
]


@pytest.mark.parametrize(("name", "number", "implied"), LIMITS, ids=[f"{name} {number}" for name, number, _ in LIMITS])
def test_values_imply_findings(parse, structure, name, number, implied):
    assert known(parse(values={name: number}), structure) == implied


def test_laboratory_limit_replaces_618(parse, structure):
    values = {"ldh_u_l": 400, "ldh_upper_limit_u_l": 250}
    assert known(parse(values=values), structure) == {"ldh_raised": P}
    assert known(parse(values=values | {"ldh_u_l": 250}), structure) == {"ldh_raised": A}
    assert known(parse(values={"ldh_upper_limit_u_l": 250}), structure) == {}


def test_laboratory_limit_given_earlier_still_holds(parse, structure):
    """The laboratory's limit stated at the top, or in an earlier step, is a limit given: 618 is for none."""
    steps = [{"values": {"ldh_u_l": 400}}]
    assert known(parse(values={"ldh_upper_limit_u_l": 250}, steps=steps), structure) == {"ldh_raised": P}


def test_value_and_list_that_agree(parse, structure):
    case = parse(values={"esr_mm_h": 45}, present=["esr_raised"], absent=["esr_over_50"])
    assert known(case, structure) == {"esr_raised": P, "esr_over_50": A}


def test_value_gives_the_posterior_of_its_findings(parse, model):
    typed = diagnose(model, parse(values={"esr_mm_h": 45})).final.posterior
    listed = diagnose(model, parse(present=["esr_raised"], absent=["esr_over_50"])).final.posterior
    assert typed == listed


def test_later_value_wins(parse, structure):
    case = parse(values={"temperature_c": 39}, steps=[{"values": {"temperature_c": 37}}])
    found = stages(case, structure)
    assert dict(found[0].findings) == {"fever": P}
    assert dict(found[1].findings) == {"fever": A}
    assert found[1].changes == (Change("fever", P, A),)


# Steps.


def test_top_level_findings_hold_before_step_1(parse, structure):
    case = parse(age=50, present=["fever"], steps=[{"label": "one", "absent": ["anorexia"]}])
    before, after = stages(case, structure)
    assert before.label == ""
    assert before.evidence.observed == ((AGE, "age_50_64"), ("fever", P))
    assert after.label == "one"
    assert after.evidence.observed == ((AGE, "age_50_64"), ("fever", P), ("anorexia", A))
    assert after.changes == ()


def test_later_step_wins(parse, structure):
    case = parse(
        absent=["fever"], steps=[{"present": ["fever"]}, {"unsure": {"fever": 0.5}}, {"absent": ["fever"]}, {}]
    )
    found = stages(case, structure)
    assert [dict(stage.findings)["fever"] for stage in found] == [A, P, 0.5, A, A]
    assert [stage.changes for stage in found] == [
        (),
        (Change("fever", A, P),),
        (Change("fever", P, 0.5),),
        (Change("fever", 0.5, A),),
        (),
    ]
    assert found[2].evidence.unsure == (("fever", 0.5),)
    assert found[2].evidence.observed == ()


def test_saying_it_again_is_no_change(parse, structure):
    found = stages(parse(present=["fever"], steps=[{"present": ["fever"]}]), structure)
    assert found[1].changes == ()
    assert dict(found[1].findings) == {"fever": P}


def test_clear_forgets(parse, structure, model):
    case = parse(present=["fever", "anorexia"], steps=[{"clear": ["fever", "asthenia"]}])
    found = stages(case, structure)
    assert dict(found[1].findings) == {"anorexia": P}
    assert found[1].changes == (Change("fever", P, None),), "clearing what was never entered is no change"
    cleared = diagnose(model, case).final
    assert cleared.posterior == diagnose(model, parse(present=["anorexia"])).final.posterior


def test_steps_without_label_are_numbered(parse, structure):
    labels = [stage.label for stage in stages(parse(steps=[{}, {"label": "x"}, {}]), structure)]
    assert labels == ["", "Step 1", "x", "Step 3"]


def test_seed_case_changes_weight_loss_at_stage_four(structure, model):
    case = read_case(SEED, structure)
    found = stages(case, structure)
    assert len(found) == 6
    assert [dict(stage.findings).get("weight_loss") for stage in found] == [None, A, A, A, P, P]
    assert found[4].changes == (Change("weight_loss", A, P),)
    assert all(stage.changes == () for index, stage in enumerate(found) if index != 4)
    after = dict(found[4].findings)
    assert (after["esr_raised"], after["esr_over_50"], after["crp_over_50"], after["ldh_raised"]) == (P, A, P, P)
    changed = [step["changed"] for step in diagnose(model, case).as_dict()["steps"]]
    assert changed == [[], [], [], [{"finding": "weight_loss", "from": A, "to": P}], []]


def test_seed_case_ends_at_the_tumour_and_began_at_the_disc(structure, model):
    result = diagnose(model, read_case(SEED, structure))
    assert result.steps[0].ranked()[0][0] == "disc_herniation"
    assert result.final.ranked()[0][0] == "buttock_sarcoma"
    assert result.final.posterior == result.steps[-1].posterior


def test_steps_end_where_the_same_findings_at_once_end(structure, model, parse):
    case = read_case(SEED, structure)
    status = known(case, structure)
    flat = parse(
        age=case.age,
        sex=case.sex,
        duration_weeks=case.duration_weeks,
        present=[name for name, word in status.items() if word == P],
        absent=[name for name, word in status.items() if word == A],
    )
    stepped, at_once = diagnose(model, case).final, diagnose(model, flat).final
    assert stepped.posterior == pytest.approx(at_once.posterior, abs=1e-12)
    assert stepped.log_evidence == pytest.approx(at_once.log_evidence, abs=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_order_of_findings_does_not_matter(parse, model, structure, seed):
    data = json.loads(SEED.read_text(encoding="utf-8"))
    step = data["steps"][0]
    expected = diagnose(model, parse(age=59, present=step["present"], absent=step["absent"])).final
    rng = random.Random(seed)
    present, absent = (
        rng.sample(step["present"], k=len(step["present"])),
        rng.sample(step["absent"], k=len(step["absent"])),
    )
    found = diagnose(model, parse({"absent": absent, "present": present, "age": 59})).final
    assert found.posterior == pytest.approx(expected.posterior, abs=1e-12)
    assert found.log_evidence == pytest.approx(expected.log_evidence, abs=1e-10)


# Contradictions name the findings and the step.


@pytest.mark.parametrize(
    ("data", "names"),
    [
        pytest.param(
            {"present": ["mri_lumbar_normal", "mri_lumbar_stenosis"]},
            ["mri_lumbar_normal=present", "mri_lumbar_stenosis=present"],
            id="normal and stenosis",
        ),
        pytest.param(
            {"present": ["crossed_slr_positive"], "absent": ["straight_leg_raise_positive"]},
            ["crossed_slr_positive=present", "straight_leg_raise_positive=absent"],
            id="crossed without SLR",
        ),
        pytest.param(
            {"sex": "male", "present": ["cyclic_with_menstruation"]},
            ["sex=male", "cyclic_with_menstruation=present"],
            id="man with cyclic pain",
        ),
        pytest.param(
            {"duration_weeks": 3.9, "present": ["not_improved_after_one_month"]},
            ["duration_weeks=weeks_2_4", "not_improved_after_one_month=present"],
            id="a month within four weeks",
        ),
        pytest.param(
            {"present": ["esr_over_50"], "absent": ["esr_raised"]},
            ["esr_over_50=present", "esr_raised=absent"],
            id="over 50 and not raised",
        ),
    ],
)
def test_contradiction_names_its_findings_and_no_other(parse, model, data, names):
    noise = {"age": 50} | data | {"present": [*data["present"], "night_pain", "fever"]}
    with pytest.raises(BadCase) as caught:
        diagnose(model, parse(noise))
    message = str(caught.value)
    for name in names:
        assert name in message
    for name in ("night_pain", "fever", "age="):
        assert name not in message


def test_contradiction_in_a_step_names_the_step(parse, model):
    steps = [{"label": "Blood", "present": ["esr_over_50"]}, {"label": "Again", "absent": ["esr_raised"]}]
    with pytest.raises(BadCase, match=r"step 2, Again: .*esr_raised=absent"):
        diagnose(model, parse(steps=steps))


def test_four_weeks_is_long_enough(parse, model):
    case = parse(duration_weeks=4, present=["not_improved_after_one_month"])
    assert sum(diagnose(model, case).final.posterior.values()) == pytest.approx(1, abs=1e-12)


# --ignore-unknown: drops names, never numbers or contradictions.


def test_ignore_unknown_lists_what_it_dropped(structure, model):
    data = {
        "colour": "blue",
        "present": ["fevr", "fever"],
        "absent": ["anorexi"],
        "unsure": {"astenia": 2},
        "values": {"esr": 45},
        "steps": [{"age": 5, "clear": ["fevr"], "present": ["night_pian"]}],
    }
    case = parse_case(data, structure, ignore_unknown=True)
    assert set(case.ignored) == {"colour", "fevr", "anorexi", "astenia", "esr", "age", "night_pian"}
    assert len(case.ignored) == len(set(case.ignored))
    assert known(case, structure) == {"fever": P}
    assert set(diagnose(model, case).as_dict()["ignored"]) == set(case.ignored)


@pytest.mark.parametrize(
    "data",
    [
        {"age": 400},
        {"present": ["fever"], "absent": ["fever"]},
        {"unsure": {"fever": 0}},
        {"present": "fever"},
        {"present": [3]},
        {"sex": "m"},
    ],
    ids=str,
)
def test_ignore_unknown_forgives_nothing_else(refuse, data):
    refuse(data, ignore_unknown=True)


def test_parsing_leaves_the_users_object_alone(structure):
    data = json.loads(json.dumps(FULL))
    data["unknown"] = None
    before = json.dumps(data)
    parse_case(data, structure)
    assert json.dumps(data) == before
