"""The first page, driven by Streamlit's AppTest; and the app started from another folder in a child process."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from model import diagnose, load_model, parse_case, read_case
from model.words import percent
from priors.summary import summarise

ROOT = Path(__file__).resolve().parents[1]
SEED = ROOT / "validation" / "cases" / "buttock-sarcoma-59m.json"


@pytest.fixture
def page():
    app = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=60).run()
    assert not app.exception
    return app


def shown(app):
    """Everything the page says in words."""
    parts = [*app.title, *app.markdown, *app.caption, *app.info, *app.error]
    return "\n".join(str(part.value) for part in parts)


def posterior_column(app):
    table = app.dataframe[0].value
    return dict(zip(table["Cause"].str.removeprefix("▲ "), table["Now"], strict=True))


def test_empty_page_shows_the_prior_its_limits_and_the_four_discrepancies(page):
    text = shown(page)
    assert "Probabilities, not verdicts" in text
    assert "Nothing is entered yet" in text
    sentences = load_model().priors.discrepancies
    assert len(sentences) == 4
    for item in sentences:
        assert item.sentence in text
    assert posterior_column(page)["Disc herniation"] == "80 %"
    assert posterior_column(page)["Spinal infection"] == "0.010 %"
    assert "The prior of disc herniation is a range, 70 % to 90 %" in text


def test_a_finding_marked_in_its_group_moves_the_differential(page):
    page.segmented_control(key="finding_fever").set_value("present").run()
    assert not page.exception
    model = load_model()
    expected = diagnose(model, parse_case({"present": ["fever"]}, model.priors.structure)).final
    assert posterior_column(page)["Spinal infection"] == percent(expected.posterior["spinal_infection"])
    assert page.session_state["findings"] == {"fever": "present"}


def test_a_mark_taken_back_is_not_assessed_and_not_absent(page):
    before = posterior_column(page)
    page.segmented_control(key="finding_fever").set_value("absent").run()
    assert posterior_column(page) != before
    page.segmented_control(key="finding_fever").set_value(None).run()
    assert page.session_state["findings"] == {}
    assert posterior_column(page) == before


def test_search_enters_a_finding_and_shows_it_among_those_entered(page):
    page.selectbox(key="search").set_value("buttock_mass").run()
    assert not page.exception
    assert page.session_state["findings"] == {"buttock_mass": "present"}
    assert page.session_state["group"] == "entered"
    assert page.segmented_control(key="finding_buttock_mass").value == "present"
    assert page.selectbox(key="search").value is None


def test_search_can_enter_as_absent(page):
    page.segmented_control(key="search_status").set_value("absent").run()
    page.selectbox(key="search").set_value("night_pain").run()
    assert page.session_state["findings"] == {"night_pain": "absent"}


def test_the_seed_patient_is_stepped_through_his_five_stages(page):
    model = load_model()
    course = diagnose(model, read_case(SEED, model.priors.structure)).steps
    assert len(course) == 5
    for index, step in enumerate(course, start=1):
        page.segmented_control(key="step").set_value(str(index)).run()
        assert not page.exception
        short = {cause.name: cause.short for cause in model.priors.structure.causes}
        expected = {short[name]: percent(p) for name, p in step.posterior.items()}
        assert posterior_column(page) == expected
    assert page.session_state["age"] == 59
    before = page.session_state["findings"]
    page.segmented_control(key="step").set_value(None).run()
    assert page.session_state["findings"] == before


def test_opening_the_patient_keeps_what_was_entered_before_him(page):
    page.selectbox(key="search").set_value("claudication").run()
    page.number_input(key="age").set_value(72.0).run()
    page.segmented_control(key="step").set_value("2").run()
    page.segmented_control(key="step").set_value("4").run()
    assert "claudication" not in page.session_state["findings"]
    next(button for button in page.button if button.label == "Back to what was entered before").click().run()
    assert page.session_state["findings"] == {"claudication": "present"}
    assert page.session_state["age"] == 72
    assert page.segmented_control(key="step").value is None


def test_a_change_after_opening_a_stage_is_said(page):
    page.segmented_control(key="step").set_value("4").run()
    assert "Changed since stage" not in shown(page)
    page.segmented_control(key="finding_weight_loss").set_value(None).run()
    assert "Changed since stage 4" in shown(page)
    page.segmented_control(key="step").set_value("5").run()
    assert "Changed since stage" not in shown(page)


def test_the_page_says_how_much_is_judgement(page):
    counts = summarise(load_model().priors).by_kind
    share = counts["judgement"] / sum(counts.values())
    assert f"{percent(share)} of its numbers are judgements" in shown(page)


def test_age_sex_duration_and_profile_are_the_models(page):
    page.number_input(key="age").set_value(72.0)
    page.number_input(key="duration_weeks").set_value(30.0)
    page.segmented_control(key="sex").set_value("female")
    page.selectbox(key="profile").set_value("specialist").run()
    assert not page.exception
    model = load_model("specialist")
    case = parse_case({"age": 72, "duration_weeks": 30, "sex": "female"}, model.priors.structure)
    expected = diagnose(model, case).final.posterior["spinal_stenosis"]
    assert posterior_column(page)["Spinal stenosis"] == percent(expected)
    assert model.digest in shown(page)


def test_contradictory_findings_get_a_message_and_are_kept(page):
    page.selectbox(key="search").set_value("crossed_slr_positive").run()
    page.segmented_control(key="search_status").set_value("absent").run()
    page.selectbox(key="search").set_value("straight_leg_raise_positive").run()
    assert not page.exception
    findings = load_model().priors.structure.findings
    message = "\n".join(warning.value for warning in page.warning)
    assert f"{findings['crossed_slr_positive'].label} (present)" in message
    assert f"{findings['straight_leg_raise_positive'].label} (absent)" in message
    assert not page.error
    assert set(page.session_state["findings"]) == {"crossed_slr_positive", "straight_leg_raise_positive"}


def test_clear_all_takes_everything_back_and_keeps_the_profile(page):
    page.selectbox(key="profile").set_value("emergency").run()
    page.selectbox(key="search").set_value("fever").run()
    page.number_input(key="age").set_value(50.0).run()
    next(button for button in page.button if button.label == "Clear all").click().run()
    assert page.session_state["findings"] == {}
    assert page.session_state["age"] is None
    assert page.session_state["profile"] == "emergency"


@pytest.mark.parametrize("linear", ["log-odds", "linear"])
def test_both_scales_draw(page, linear):
    page.segmented_control(key="scale").set_value(linear).run()
    assert not page.exception


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def own_address():
    """An address of this machine that is not loopback, or one nobody has where there is none."""
    found = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    return next((address for address in found if not address.startswith("127.")), "127.255.255.1")


@pytest.mark.parametrize("command", [["-m", "streamlit"], ["-c", "from streamlit.web.cli import main; main()"]])
def test_the_app_starts_from_another_folder(tmp_path, command):
    """`streamlit run` puts app/ on the path and not the project: AppTest cannot see that, a child process can."""
    port = free_port()
    log = tmp_path / "log.txt"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    child = subprocess.Popen(
        [sys.executable, *command, "run", str(ROOT / "app" / "main.py"), f"--server.port={port}"],
        cwd=tmp_path,
        env=environment,
        stdout=log.open("w"),
        stderr=subprocess.STDOUT,
    )
    try:
        deadline = time.monotonic() + 60
        answer = b""
        while time.monotonic() < deadline and answer != b"ok":
            time.sleep(0.2)
            try:
                with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=5) as reply:
                    answer = reply.read()
            except OSError:
                continue
        assert answer == b"ok"
        said = log.read_text(encoding="utf-8")
        assert f"http://localhost:{port}" in said
        assert "usage statistics" not in said
        with socket.socket() as probe, pytest.raises(ConnectionRefusedError):  # bound to this machine alone
            probe.connect((own_address(), port))
    finally:
        child.terminate()
        child.wait(timeout=20)


def test_main_imports_in_a_child_process_without_the_project_on_the_path(tmp_path):
    """Run the entry file itself as `streamlit run` does: app/ first on the path, another working folder."""
    code = (
        "import sys, runpy\n"
        f"sys.path[0] = {str(ROOT / 'app')!r}\n"
        "from streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_file({str(ROOT / 'app' / 'main.py')!r}, default_timeout=60).run()\n"
        "print('exceptions', len(app.exception), 'titles', [t.value for t in app.title])\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert "exceptions 0 titles ['Lasègue']" in done.stdout, done.stdout + done.stderr


def test_search_knows_other_words_for_a_finding(page):
    options = page.selectbox(key="search").options
    for word in ("bladder", "numb", "Lasègue", "shingles", "lump"):
        assert any(word in option for option in options), word
