"""The report: whole, self-contained, safe; the committed summary is that of the tree."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from validation.casebook import CASES
from validation.page import page
from validation.report import CARD_NAMES, MAKERS, Inputs, about
from validation.run import BadRequest, run_report, run_section
from validation.sections import Check, Grid, Picture, Section
from validation.summary import RENEW, SUMMARY, made_from, rounded, summarise, write_json

QUICK = ("published", "posttest", "claims")


@pytest.fixture(scope="module")
def inputs():
    return Inputs()


@pytest.fixture(scope="module")
def sections(inputs):
    return {name: MAKERS[name](inputs, lambda _: None) for name in QUICK}


@pytest.fixture(scope="module")
def committed():
    return json.loads(SUMMARY.read_text(encoding="utf-8"))


# the committed summary


def test_the_summary_is_that_of_the_models_and_inputs_in_the_tree(committed, models):
    assert committed["made_from"] == made_from(models), f"validation/summary.json is stale; renew it with `{RENEW}`"


def test_the_summary_has_every_section_and_says_how_it_is_renewed(committed):
    assert tuple(committed["sections"]) == tuple(MAKERS)
    assert committed["renewed_by"] == RENEW


@pytest.mark.parametrize("name", QUICK)
def test_the_summarys_figures_are_what_the_tree_gives(committed, sections, name):
    expected = summarise([sections[name]], {}, "")["sections"][name]
    found = committed["sections"][name]
    assert [check["holds"] for check in found["checks"]] == [check["holds"] for check in expected["checks"]]
    assert _flat(found["figures"]) == pytest.approx(_flat(json.loads(json.dumps(expected["figures"]))), rel=1e-4)


def _flat(value, path=""):
    """Return every number of nested figures by its path."""
    if isinstance(value, dict):
        return {k: v for key, own in value.items() for k, v in _flat(own, f"{path}.{key}").items()}
    if isinstance(value, list):
        return {k: v for index, own in enumerate(value) for k, v in _flat(own, f"{path}[{index}]").items()}
    return {path: value} if isinstance(value, (int, float)) else {}


def test_the_model_card_is_of_the_same_models(root, models):
    text = (root / "docs" / "model-card.md").read_text(encoding="utf-8")
    for model in models.values():
        assert model.digest in text, f"docs/model-card.md is stale; renew it with `{RENEW}`"
    assert "not measured in this run" not in text


def test_a_changed_input_makes_the_summary_stale(tmp_path, models, root):
    shutil.copytree(root / "validation", tmp_path / "validation", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    before = made_from(models, tmp_path / "validation")
    assert before == made_from(models)
    (tmp_path / "validation" / "cases" / "pub-01.json").write_text("{}")
    assert made_from(models, tmp_path / "validation")["inputs"] != before["inputs"]


def test_other_cases_are_told_apart(tmp_path, models):
    own = made_from(models)
    assert made_from(models, cases=CASES) == own
    shutil.copy(CASES / "pub-01.json", tmp_path)
    assert made_from(models, cases=tmp_path)["inputs"] != own["inputs"]


def test_rounding_keeps_six_digits_and_what_is_no_float():
    assert rounded({"a": (0.123456789, "x", None, True, 12345678)}) == {"a": [0.123457, "x", None, True, 12345678]}


def test_a_figure_that_is_no_number_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", {"a": float("nan")})
    assert list(tmp_path.iterdir()) == []


# the page


def hostile():
    text = '<script>alert(1)</script> & "quotes"'
    return Section(
        key="one",
        title=text,
        text=(text,),
        checks=(Check(text, False, text), Check("fine", True, "yes")),
        grids=(Grid(text, ("Name", text), ((text, "12 %"), ("b", "< 0.01 %"))), Grid("empty", ("a",), ())),
        pictures=(Picture(text, text, "<svg></svg>"),),
    )


def test_text_is_escaped_and_never_markup():
    html = page([hostile()], {"<b>": "<i>"})
    assert "<script>" not in html
    assert html.count("&lt;script&gt;") >= 8
    assert "1 of 2 checks hold" in html
    assert "empty" not in html


def test_what_does_not_hold_stands_on_top():
    html = page([hostile()], {})
    assert html.index("What does not hold") < html.index("<nav")
    assert "What does not hold" not in page([Section("one", "One", (), (Check("fine", True, ""),))], {})


def test_a_folded_table_is_there_and_closed():
    html = page([Section("one", "One", (), grids=(Grid("More", ("a",), (("b",),), folded=True),))], {})
    assert "<details><summary>More</summary>" in html
    assert "<details open" not in html


def test_numbers_are_set_flush_right():
    grid = Grid("t", ("Name", "P", "Words"), (("a", "12 %", "x"), ("b", "< 0.01 %", "1")))
    assert grid.numeric == {1}


def test_the_page_asks_nothing_of_the_world(sections, inputs):
    html = page(list(sections.values()), about(inputs, {"inputs": "x"}, "2026-01-01", "command"))
    assert "<script" not in html
    assert "<link" not in html
    assert not re.search(r"(?:src|href)=[\"'](?!#)", html)
    addresses = set(re.findall(r"https?://[^\s\"'<)]+", html))
    assert addresses <= {"http://www.w3.org/1999/xlink", "http://www.w3.org/2000/svg"}
    for section in sections.values():
        assert f'<section id="{section.key}"' in html
    assert html.count("<svg") == sum(len(section.pictures) for section in sections.values())
    assert "@media (prefers-color-scheme: dark)" in html
    assert "@media print" in html


def test_every_picture_has_words(sections):
    for section in sections.values():
        for picture in section.pictures:
            assert len(picture.alt) > 20
            assert "NaN" not in picture.svg


# the commands


def test_each_section_has_a_name_on_the_card(sections):
    assert set(CARD_NAMES) == set(MAKERS) - {"card"}
    assert all(section.headline for section in sections.values())


def test_a_section_runs_alone():
    assert run_section("claims", None).key == "claims"
    with pytest.raises(BadRequest, match="did you mean claims"):
        run_section("claim", None)


def test_part_of_a_report_is_written_with_its_figures(tmp_path, capsys):
    out = tmp_path / "report.html"
    run_report(out, None, ("claims",), renew=False)
    assert "The documents&#39; claims" in out.read_text(encoding="utf-8")
    figures = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert figures["sections"]["claims"]["claims"][0]["name"] == "weak_flag_age"
    assert "checks hold" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("report", "--only", "clams"), "unknown section 'clams'; did you mean claims?"),
        (("report", "--renew", "--only", "claims"), "--renew takes the committed cases and every section"),
        (("report", "--out", "nowhere/report.html"), "there is no folder nowhere"),
        (("report", "--out", "page.json"), "needs another ending than .json"),
        (("report", "--out", "EMPTY"), "something other than a file is there"),
        (("report", "--only", ","), "unknown section ''"),
        (("section", "published", "--cases", "EMPTY"), "no case file"),
        (("section", "engines", "--cases", "EMPTY"), "no case file"),
        (("section", "published", "--cases", "nowhere"), "expected a folder of case files"),
        (("section", "nothing"), "expected one of published"),
    ],
)
def test_a_mistake_is_told_in_a_line(tmp_path, root, arguments, message):
    (tmp_path / "EMPTY").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "validation", *arguments],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin", "LASEGUE_CACHE": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["EMPTY"]


def test_one_bad_case_does_not_spoil_a_section(tmp_path):
    shutil.copy(CASES / "pub-01.json", tmp_path)
    (tmp_path / "bad.json").write_text('{"present": ["feverr"], "final_diagnosis": "other"}')
    section = run_section("published", tmp_path)
    assert any("Left out: bad.json" in paragraph for paragraph in section.text)
    assert [case["id"] for case in section.figures["cases"]] == ["pub-01"]
    assert all("one case, no interval" in check.detail for check in section.checks)
