"""The command line: what it prints, and what it says to a user who errs.

Not here: the case file itself (`test_model_case.py`), files of many cases (`test_model_score.py`).
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from model import diagnose, load_model, parse_case, read_case
from model.cli import app
from model.engines import ENGINES
from priors import available_profiles

PROJECT = Path(__file__).resolve().parents[1]
CASES = sorted((PROJECT / "validation" / "cases").glob("*.json"))
SEED = PROJECT / "validation" / "cases" / "buttock-sarcoma-59m.json"
KEYS = {"id", "profile", "posterior", "complications", "log_evidence", "model_digest"}


def run(*arguments, stdin=None):
    """Run in this process; every exception but an exit is a failure."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_json(*arguments, stdin=None):
    result = run(*arguments, "--json", stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def spawn(*arguments, cwd=PROJECT, stdin=b"", **environment):
    """Run in a process of its own, with bytes in and out."""
    settings = os.environ | {"PYTHONPATH": str(PROJECT)} | environment
    command = [sys.executable, "-m", "model", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, cwd=cwd, env=settings)


def mistake(*arguments, stdin=None):
    """Return the one line a mistake must give."""
    result = run(*arguments, stdin=stdin)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    return lines[0]


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    """Keep tables and draws away from the user's own, here and in the processes started here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LASEGUE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def write(tmp_path):
    def write(content, name="case.json"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return write


# diagnose: what it gives.


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_shipped_case(path):
    result = run_json("diagnose", path)
    assert result["id"] == path.stem
    assert result["profile"] == (json.loads(path.read_text(encoding="utf-8")).get("setting") or "documents")
    assert sum(result["posterior"].values()) == pytest.approx(1, abs=1e-12)
    assert all(0 < p < 1 for p in result["posterior"].values())
    assert 0 < result["complications"]["cauda_equina_syndrome"] < 1
    assert result["log_evidence"] < 0
    text = run("diagnose", path)
    assert text.exit_code == 0
    assert result["profile"] in text.stdout
    assert result["model_digest"] in text.stdout


def test_json_has_exactly_the_documented_keys(model):
    result = run_json("diagnose", "--present", "fever")
    assert set(result) == KEYS
    assert list(result["posterior"]) == list(model.priors.structure.cause_names)
    assert set(result["complications"]) == {"cauda_equina_syndrome"}
    assert result["model_digest"] == model.digest
    assert result["id"] is None


def test_json_of_a_case_with_steps():
    result = run_json("diagnose", SEED)
    assert set(result) == KEYS | {"steps"}
    assert [step["label"] for step in result["steps"]] == [
        step["label"] for step in json.loads(SEED.read_text(encoding="utf-8"))["steps"]
    ]
    for step in result["steps"]:
        assert set(step) == KEYS | {"label", "changed"}
    last = result["steps"][-1]
    assert {key: last[key] for key in KEYS} == {key: result[key] for key in KEYS}
    assert result["steps"][3]["changed"] == [{"finding": "weight_loss", "from": "absent", "to": "present"}]


def test_json_is_what_the_library_gives(model):
    assert run_json("diagnose", SEED) == json.loads(
        json.dumps(diagnose(model, read_case(SEED, model.priors.structure)).as_dict())
    )


def test_table_shows_steps_changes_and_limits():
    text = run("diagnose", SEED).stdout
    for words in (
        "Prior",
        "Step 1",
        "Step 5",
        "changed: Weight loss, absent -> present",
        "Profile documents",
        "59 years",
    ):
        assert words in text
    assert "the diagnosis is" not in text.lower()
    assert "does not" in text


def test_nothing_given_is_the_prior():
    result = run_json("diagnose")
    assert result["posterior"]["disc_herniation"] == pytest.approx(0.8, abs=1e-12)
    assert result["log_evidence"] == pytest.approx(0, abs=1e-12)


OPTIONS = {
    "present": (["--present", "fever,night_pain"], {"present": ["fever", "night_pain"]}),
    "present repeated": (["--present", "fever", "--present", "night_pain"], {"present": ["fever", "night_pain"]}),
    "spaces": (["--present", " fever , night_pain ,"], {"present": ["fever", "night_pain"]}),
    "absent": (["--absent", "fever"], {"absent": ["fever"]}),
    "unsure": (["--unsure", "fever=3,night_pain=0.5"], {"unsure": {"fever": 3, "night_pain": 0.5}}),
    "value": (["--value", "esr_mm_h=45,abi=0.9"], {"values": {"esr_mm_h": 45, "abi": 0.9}}),
    "value 0": (["--value", "esr_mm_h=0"], {"values": {"esr_mm_h": 0}}),
    "age": (["--age", "59"], {"age": 59}),
    "age 0": (["--age", "0"], {"age": 0}),
    "sex": (["--sex", "male"], {"sex": "male"}),
    "duration": (["--duration-weeks", "8"], {"duration_weeks": 8}),
    "duration 0": (["--duration-weeks", "0"], {"duration_weeks": 0}),
    "all": (
        [
            *("--present", "fever", "--absent", "anorexia", "--unsure", "asthenia=2", "--value", "abi=1"),
            *("--age", "70.5", "--sex", "female", "--duration-weeks", "2.5"),
        ],
        {
            "present": ["fever"],
            "absent": ["anorexia"],
            "unsure": {"asthenia": 2},
            "values": {"abi": 1},
            "age": 70.5,
            "sex": "female",
            "duration_weeks": 2.5,
        },
    ),
}


@pytest.mark.parametrize(("arguments", "data"), OPTIONS.values(), ids=OPTIONS.keys())
def test_options_say_what_a_case_file_says(model, arguments, data):
    expected = diagnose(model, parse_case(data, model.priors.structure)).final
    found = run_json("diagnose", *arguments)
    assert found["posterior"] == dict(expected.posterior)
    assert found["log_evidence"] == expected.log_evidence


def test_standard_input():
    assert run_json("diagnose", "-", stdin=SEED.read_text(encoding="utf-8")) == run_json("diagnose", SEED)


@pytest.mark.parametrize(
    ("setting", "chosen", "used"),
    [
        (None, None, "documents"),
        ("emergency", None, "emergency"),
        ("emergency", "specialist", "specialist"),
        ("emergency", "documents", "documents"),
        (None, "primary_care", "primary_care"),
    ],
)
def test_profile_beats_setting_beats_documents(write, setting, chosen, used):
    path = write({"setting": setting, "present": ["fever"]})
    arguments = ["--profile", chosen] if chosen else []
    result = run_json("diagnose", path, *arguments)
    assert result["profile"] == used
    assert result["model_digest"] == load_model(used).digest
    assert f"Profile {used}" in run("diagnose", path, *arguments).stdout


def test_profiles_differ():
    priors = {
        name: run_json("diagnose", "--profile", name)["posterior"]["disc_herniation"] for name in available_profiles()
    }
    assert len(set(priors.values())) == 4


def test_profile_from_a_users_file(tmp_path):
    source = (PROJECT / "priors" / "profiles" / "emergency.csv").read_bytes()
    (tmp_path / "mine.csv").write_bytes(source)
    mine, emergency = (
        run_json("diagnose", "--profile", tmp_path / "mine.csv"),
        run_json("diagnose", "--profile", "emergency"),
    )
    assert mine["profile"] == str(tmp_path / "mine.csv")
    assert mine["posterior"] == emergency["posterior"]


def test_ignore_unknown_lists_what_it_dropped(write):
    path = write({"present": ["fever", "fevr"], "colour": 1})
    result = run("diagnose", path, "--ignore-unknown", "--json")
    assert result.exit_code == 0
    assert set(json.loads(result.stdout)["ignored"]) == {"fevr", "colour"}
    assert "fevr" in result.stderr
    assert "colour" in result.stderr
    plain = run("diagnose", path, "--ignore-unknown")
    assert "fevr" in plain.stdout


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_agree(engine):
    ours, theirs = run_json("diagnose", CASES[1]), run_json("diagnose", CASES[1], "--engine", engine)
    assert set(theirs) == set(ours)
    assert theirs["posterior"] == pytest.approx(ours["posterior"], abs=1e-9)
    assert theirs["complications"] == pytest.approx(ours["complications"], abs=1e-9)
    assert theirs["log_evidence"] == pytest.approx(ours["log_evidence"], abs=1e-9)
    assert theirs["model_digest"] == ours["model_digest"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        pytest.param(
            ["--present", "mri_lumbar_normal,mri_lumbar_cyst,fever"],
            ["mri_lumbar_normal=present", "mri_lumbar_cyst=present"],
            id="normal and cyst",
        ),
        pytest.param(
            ["--sex", "male", "--present", "cyclic_with_menstruation"],
            ["sex=male", "cyclic_with_menstruation=present"],
            id="man with cyclic pain",
        ),
    ],
)
def test_contradictions_are_refused_by_every_engine(engine, arguments, names):
    line = mistake("diagnose", *arguments, "--engine", engine)
    for name in names:
        assert name in line
    assert "fever" not in line


def test_intervals_are_added_and_nothing_else_changes():
    plain, found = run_json("diagnose", SEED), run_json("diagnose", SEED, "--intervals")
    for step in (found, *found["steps"]):
        given = step.pop("intervals")
        assert {key: list(given[key]) for key in given} == {
            key: list(step[key]) for key in ("posterior", "complications")
        }
        for end in (*given["posterior"].values(), *given["complications"].values()):
            assert 0 <= end["low"] < end["high"] <= 1
            assert min(end["low_error"], end["high_error"]) >= 0
    assert found == plain


def test_intervals_of_the_library():
    model = load_model()
    case = parse_case({"present": ["fever"], "unsure": {"night_pain": 2}}, model.priors.structure)
    given = run_json("diagnose", "--present", "fever", "--unsure", "night_pain=2", "--intervals")["intervals"]
    assert given == diagnose(model, case, intervals=True).final.bands.as_dict()


def test_intervals_have_a_table_of_their_own():
    words = "95 % interval"
    assert words not in run("diagnose", "--present", "fever").stdout
    text = run("diagnose", "--present", "fever", "--intervals").stdout
    assert words in text
    assert "draws" in text
    assert "Monte Carlo error" in text


def test_a_network_without_a_small_hub_is_answered_all_the_same(monkeypatch):
    wanted = run_json("diagnose", "--present", "fever")
    monkeypatch.setattr("model.hub.MAX_HUB_STATES", 1)
    found = run_json("diagnose", "--present", "fever")
    assert "elimination" in found.pop("remark")
    assert found["posterior"] == pytest.approx(wanted["posterior"], rel=1e-9)


# diagnose: mistakes. One line, exit code 2, nothing on standard output.

MISTAKES = {
    "missing file": (["diagnose", "no/such/case.json"], ["no/such/case.json", "No such file"]),
    "folder for a file": (["diagnose", "."], ["cannot read", "directory"]),
    "unknown finding": (["diagnose", "--present", "fevr"], ["'fevr'", "did you mean fever?"]),
    "finding twice": (["diagnose", "--present", "fever,fever"], ["fever", "twice"]),
    "finding in two lists": (["diagnose", "--present", "fever", "--absent", "fever"], ["fever", "present", "absent"]),
    "near profile": (["diagnose", "--profile", "specialst"], ["'specialst'", "did you mean specialist?"]),
    "far profile": (["diagnose", "--profile", "zzz"], ["'zzz'", "primary_care"]),
    "missing overlay": (["diagnose", "--profile", "no/such.csv"], ["no/such.csv", "missing"]),
    "file that is no overlay": (["diagnose", "--profile", "requirements.txt"], ["'requirements.txt'"]),
    "unknown engine": (["diagnose", "--engine", "nosuch"], ["engine", "'nosuch'", *ENGINES]),
    "age -3": (["diagnose", "--age", "-3"], ["age", "0 to 120 years", "-3"]),
    "age 400": (["diagnose", "--age", "400"], ["age", "0 to 120 years", "400"]),
    "age x": (["diagnose", "--age", "x"], ["age", "expected a number", "'x'"]),
    "age nan": (["diagnose", "--age", "nan"], ["age", "0 to 120 years", "nan"]),
    "age empty": (["diagnose", "--age", ""], ["age", "expected a number"]),
    "sex m": (["diagnose", "--sex", "m"], ["sex", "female or male", "'m'"]),
    "sex empty": (["diagnose", "--sex", ""], ["sex", "female or male"]),
    "duration inf": (["diagnose", "--duration-weeks", "inf"], ["duration_weeks", "inf"]),
    "unsure without ratio": (["diagnose", "--unsure", "fever"], ["--unsure", "name=number", "'fever'"]),
    "unsure in words": (["diagnose", "--unsure", "fever=maybe"], ["unsure fever", "fever", "'maybe'"]),
    "unsure 0": (["diagnose", "--unsure", "fever=0"], ["fever", "likelihood ratio above 0"]),
    "unsure twice": (["diagnose", "--unsure", "fever=2,fever=3"], ["fever", "twice"]),
    "unknown value": (["diagnose", "--value", "esr_mm=45"], ["'esr_mm'", "did you mean esr_mm_h?"]),
    "value nan": (["diagnose", "--value", "abi=nan"], ["abi", "nan"]),
    "file and options": (["diagnose", SEED, "--present", "fever"], ["file", "options", "not both"]),
    "file and age": (["diagnose", SEED, "--age", "40"], ["file", "options", "not both"]),
    "file and age 0": (["diagnose", SEED, "--age", "0"], ["file", "options", "not both"]),
    "export format": (["export", "--format", "zip", "--out", "x"], ["'zip'", "bif", "xmlbif", "xdsl", "net"]),
}


@pytest.mark.parametrize(("arguments", "said"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes(arguments, said):
    line = mistake(*arguments)
    for words in said:
        assert words in line, line


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param("{", ["not valid JSON"], id="bad JSON"),
        pytest.param("", ["is empty"], id="empty"),
        pytest.param("[" * 100_000, ["nested too deeply"], id="deep"),
        pytest.param({"present": ["fevr"]}, ["'fevr'"], id="unknown finding"),
        pytest.param({"age": 400}, ["400"], id="age"),
        pytest.param({"setting": "../../etc/passwd"}, ["setting", "'../../etc/passwd'", "documents"], id="path"),
        pytest.param({"setting": "/etc/passwd"}, ["setting", "'/etc/passwd'"], id="absolute path"),
        pytest.param({"setting": "priors/profiles/emergency.csv"}, ["setting"], id="CSV path"),
        pytest.param({"setting": "emergency.csv"}, ["setting", "did you mean emergency?"], id="CSV name"),
        pytest.param({"setting": "emergancy"}, ["setting", "did you mean emergency?"], id="near"),
        pytest.param({"setting": ""}, ["setting"], id="empty setting"),
        pytest.param({"setting": "a\nb"}, ["setting"], id="line feed in setting"),
        pytest.param({"a\nb": 1}, ["unknown key"], id="line feed in key"),
        pytest.param({"steps": [{"label": "a\nb", "age": 1}]}, ["step 1"], id="line feed in label"),
        pytest.param(
            {"steps": [{"label": "a\nb", "present": ["esr_over_50"], "absent": ["esr_raised"]}]},
            ["step 1", "esr_over_50"],
            id="contradiction under a label of two lines",
        ),
    ],
)
@pytest.mark.parametrize("way", ["file", "stdin"])
def test_bad_cases(write, data, said, way):
    text = data if isinstance(data, str) else json.dumps(data)
    line = mistake("diagnose", write(text)) if way == "file" else mistake("diagnose", "-", stdin=text)
    for words in said:
        assert words in line


def test_a_setting_never_opens_a_file(tmp_path, write):
    (tmp_path / "mine.csv").write_bytes((PROJECT / "priors" / "profiles" / "emergency.csv").read_bytes())
    assert "setting" in mistake("diagnose", write({"setting": str(tmp_path / "mine.csv")}))


def test_chosen_profile_makes_up_for_a_bad_setting(write):
    assert run_json("diagnose", write({"setting": "nowhere"}), "--profile", "emergency")["profile"] == "emergency"


def test_text_from_the_file_is_not_markup(write):
    text = run("diagnose", write({"id": "[red]x[/red]", "steps": [{"label": "[/nonsense] [bold]"}]})).stdout
    assert "[red]x[/red]" in text
    assert "[/nonsense] [bold]" in text


# The process: exit code, no traceback, encodings, what is imported.


@pytest.mark.parametrize(
    ("arguments", "stdin", "environment"),
    [
        pytest.param(["diagnose", "no/such.json"], b"", {}, id="missing file"),
        pytest.param(["diagnose", "--present", "fevr"], b"", {}, id="unknown finding"),
        pytest.param(["diagnose", "-"], b'{"id": "\xff"}', {"PYTHONIOENCODING": "utf-8:strict"}, id="stdin not UTF-8"),
        pytest.param(["diagnose", "-"], b'{"notes": "\xff"}', {}, id="stdin not UTF-8, default locale"),
        pytest.param(["diagnose", "--nonsense"], b"", {}, id="unknown option"),
        pytest.param(["diagnose", "a.json", "b.json"], b"", {}, id="two files"),
        pytest.param(["nonsense"], b"", {}, id="unknown command"),
        pytest.param(["score"], b"", {}, id="score without files"),
        pytest.param(["export", "--format", "net", "--out", "no/such/x.net"], b"", {}, id="export to a missing folder"),
        pytest.param(["export", "--format", "net", "--out", "."], b"", {}, id="export to this folder"),
        pytest.param(["export", "--format", "net", "--out", "/"], b"", {}, id="export to the root"),
        pytest.param(["export", "--format", "net", "--out", "priors"], b"", {}, id="export over a folder"),
    ],
)
def test_mistakes_end_the_process_with_2(arguments, stdin, environment):
    done = spawn(*arguments, stdin=stdin, **environment)
    errors = done.stderr.decode()
    assert "Traceback" not in errors
    assert done.returncode == 2, done.stdout
    assert "rror" in errors


@pytest.mark.parametrize("json_option", [[], ["--json"]], ids=["table", "json"])
@pytest.mark.parametrize(
    "text", [r'{"id": "\ud800"}', r'{"steps": [{"label": "\udfff"}]}'], ids=["in the id", "in a label"]
)
def test_half_a_character_is_refused_or_shown(text, json_option):
    """JSON can write half of a surrogate pair, which no output can encode."""
    done = spawn("diagnose", "-", *json_option, stdin=text.encode())
    assert b"Traceback" not in done.stderr
    assert done.returncode in (0, 2)


def test_mistake_is_one_line_of_the_process():
    done = spawn("diagnose", "--present", "fevr")
    assert done.stdout == b""
    assert done.stderr == b"error: unknown finding 'fevr'; did you mean fever?\n"


def test_standard_input_with_byte_order_mark():
    """PowerShell and Notepad write one; a file with one is accepted, so is a pipe."""
    done = spawn("diagnose", "-", "--json", stdin=b"\xef\xbb\xbf" + b'{"id": "a"}')
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["id"] == "a"


@pytest.mark.parametrize("json_option", [[], ["--json"]], ids=["table", "json"])
def test_output_in_an_ascii_terminal(json_option):
    text = json.dumps({"id": "Müller", "steps": [{"label": "été 患者"}]}).encode()
    done = spawn("diagnose", "-", *json_option, stdin=text, PYTHONIOENCODING="ascii")
    assert b"Traceback" not in done.stderr
    assert done.returncode == 0


def test_another_working_directory(tmp_path):
    done = spawn("diagnose", SEED, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    assert json.loads(done.stdout) == run_json("diagnose", SEED)
    assert list(tmp_path.iterdir()) == []


def test_a_file_called_like_a_package_does_no_harm_as_data(tmp_path):
    (tmp_path / "priors.json").write_text('{"present": ["fever"]}')
    done = spawn("diagnose", "priors.json", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


IMPORTS = """
import sys
from typer.testing import CliRunner
before = set(sys.modules)
from model.cli import app
result = CliRunner().invoke(app, ["diagnose", sys.argv[1]])
assert result.exit_code == 0, result.output
print(*sorted(sys.modules))
"""


def test_diagnose_imports_no_heavy_library():
    command = [sys.executable, "-c", IMPORTS, str(SEED)]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, env=environment, check=True)
    roots = {name.split(".")[0] for name in done.stdout.split()}
    assert "model" in roots
    assert "numpy" in roots
    for library in ("pgmpy", "scipy", "pyarrow", "streamlit", "pandas"):
        assert library not in roots, f"diagnose imports {library}"


# export


@pytest.mark.parametrize(
    ("file_format", "start"), [("bif", "network"), ("xmlbif", "<"), ("xdsl", "<?xml"), ("net", "net")]
)
def test_export_writes_a_file(tmp_path, file_format, start):
    path = tmp_path / f"out.{file_format}"
    result = run("export", "--format", file_format, "--out", path, "--profile", "emergency")
    assert result.exit_code == 0, result.stderr
    text = path.read_text(encoding="utf-8")
    assert text.startswith(start)
    for name in ("cause", "disc_herniation", "cauda_equina_syndrome", "straight_leg_raise_positive", "present"):
        assert name in text
    assert "profile emergency" in result.stderr
    assert load_model("emergency").digest in result.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_export_replaces_a_file_whole(tmp_path):
    path = tmp_path / "out.net"
    path.write_text("old " * 10)
    assert run("export", "--format", "net", "--out", path).exit_code == 0
    assert "old" not in path.read_text(encoding="utf-8").split()


def test_help_names_the_commands():
    result = run("--help")
    assert result.exit_code == 0
    for word in ("diagnose", "score", "export"):
        assert word in result.stdout


@pytest.mark.parametrize("command", ["diagnose", "score"])
def test_help_names_the_options(command):
    text = run(command, "--help").stdout
    for word in ("--intervals", "--engine", "--profile", "--ignore-unknown", *ENGINES):
        assert word in text


def test_help_of_score_names_the_formats():
    text = run("score", "--help").stdout
    for ending in (".jsonl", ".csv", ".parquet"):
        assert text.count(ending) == 2, "of the cases and of the results"
