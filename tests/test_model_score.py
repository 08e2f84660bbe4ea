"""Files of many cases: right values, and no good row lost to a bad one.

Not here: single cases (`test_model_case.py`).
"""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

import model.cli
from model import BadCase, diagnose, load_model, parse_case
from model.cli import app
from model.files import part_path
from model.score import Models, score_file
from priors import PriorsError

PROJECT = Path(__file__).resolve().parents[1]
CASES = sorted((PROJECT / "validation" / "cases").glob("*.json"))

ROWS = [
    {"id": "p1", "age": 59, "sex": "male", "duration_weeks": 8, "present": ["night_pain"], "absent": ["fever"]},
    {"id": "p2", "age": 30, "sex": "female", "unsure": {"fever": 3.5}, "values": {"esr_mm_h": 45}},
    {"id": "p3", "setting": "emergency", "present": ["significant_trauma"]},
    {"id": "p4"},
]
TABLE = """id,age,sex,duration_weeks,setting,night_pain,fever,significant_trauma,esr_mm_h
p1,59,male,8,,present,absent,,
p2,30,female,,,,3.5,,45
p3,,,,emergency,,,present,
p4,,,,,,,,
"""
KEYS = {"id", "profile", "posterior", "complications", "log_evidence", "model_digest"}


@pytest.fixture(scope="module")
def shared():
    """Models built once for all tests of this file."""
    return Models()


@pytest.fixture
def score(tmp_path, shared):
    """Score a text given as a file, and return the rows of the results."""

    def score(content, name="in.jsonl", out="out.jsonl", **options):
        source, target = tmp_path / name, tmp_path / out
        source.write_bytes(content if isinstance(content, bytes) else content.encode())
        tally = score_file(source, target, shared, **options)
        rows = read(target)
        assert tally.scored == sum("posterior" in row for row in rows)
        assert tally.failed == sum("error" in row for row in rows)
        assert tally.scored + tally.failed == len(rows)
        return rows

    return score


def read(path):
    """Read results of either format into the shape of the JSON rows."""
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows = []
    with path.open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            if row["error"]:
                rows.append({"id": row["id"] or None, "error": row["error"]})
                continue
            parts = {"posterior": {}, "complications": {}}
            for column, cell in row.items():
                for part, values in parts.items():
                    if column.startswith(f"{part}."):
                        values[column.removeprefix(f"{part}.")] = float(cell)
            log_evidence = float(row["log_evidence"])
            plain = {key: row[key] or None for key in ("id", "profile", "model_digest")}
            rows.append(plain | parts | {"log_evidence": log_evidence})
    return rows


def jsonl(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def expected(shared, data):
    case = parse_case(data, shared.get("documents").priors.structure)
    return diagnose(shared.for_case(case, None), case).as_dict()


def run(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


# Right values, in every format.


@pytest.mark.parametrize("out", ["out.jsonl", "out.csv"])
@pytest.mark.parametrize(("name", "content"), [("in.jsonl", jsonl(ROWS)), ("in.csv", TABLE)], ids=["jsonl", "csv"])
def test_formats_crossed_give_what_diagnose_gives(score, shared, name, content, out):
    rows = score(content, name, out)
    assert len(rows) == len(ROWS)
    for row, data in zip(rows, ROWS, strict=True):
        assert set(row) == KEYS
        assert row == expected(shared, data)  # to the last digit: CSV cells hold the whole float


def test_shipped_cases_score_as_they_diagnose(score, shared):
    cases = [json.loads(path.read_text(encoding="utf-8")) for path in CASES]
    rows = score(jsonl(cases))
    assert rows == [json.loads(json.dumps(expected(shared, data))) for data in cases]
    assert "steps" in rows[0]


def test_csv_columns_are_the_documented(score, shared, tmp_path):
    score(TABLE, "in.csv", "out.csv")
    header = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    causes = shared.get("documents").priors.structure.cause_names
    wanted = {f"posterior.{cause}" for cause in causes} | {"complications.cauda_equina_syndrome"}
    assert wanted <= set(header)
    assert {"id", "profile", "log_evidence", "model_digest", "error"} <= set(header)
    assert header[0] == "id"


@pytest.mark.parametrize("profile", ["specialist", "documents"])
def test_chosen_profile_holds_for_every_row(score, profile):
    assert {row["profile"] for row in score(jsonl(ROWS), chosen=profile)} == {profile}


def test_setting_column_picks_the_profile_per_row(score):
    content = "id,setting\na,emergency\nb,\nc,specialist\nd,nowhere\ne,../../etc/passwd\nf,emergency\n"
    rows = score(content, "in.csv")
    assert [row.get("profile") for row in rows] == ["emergency", "documents", "specialist", None, None, "emergency"]
    assert rows[0]["model_digest"] == load_model("emergency").digest
    assert "line 5" in rows[3]["error"]
    assert "'nowhere'" in rows[3]["error"]
    assert "line 6" in rows[4]["error"]


def test_likelihood_ratio_cells(score, shared):
    rows = score("id,fever,night_pain\na,2.5,present\nb,0.1,1e3\n", "in.csv")
    assert rows[0] == expected(shared, {"id": "a", "present": ["night_pain"], "unsure": {"fever": 2.5}})
    assert rows[1] == expected(shared, {"id": "b", "unsure": {"fever": 0.1, "night_pain": 1000}})


def test_facts_and_carried_columns(score, shared):
    content = "id,first_episode,surgical_candidate,final_diagnosis,notes,thin\na,true,FALSE,other,x,true\n"
    assert score(content, "in.csv") == [expected(shared, {"id": "a"})]


# Bad rows: an error with the line, and every good row with its right value.

GOOD = jsonl([{"id": "good", "present": ["fever"]}])
BAD_LINES = {
    "bad JSON": ('{"id": "bad"', "not valid JSON"),
    "not UTF-8": (b'{"id": "bad\xff"}', "UTF-8"),
    "unknown finding": ('{"id": "bad", "present": ["fevr"]}', "did you mean fever?"),
    "contradiction": ('{"id": "bad", "present": ["esr_over_50"], "absent": ["esr_raised"]}', "esr_raised=absent"),
    "age": ('{"id": "bad", "age": 400}', "400"),
    "NaN": ('{"id": "bad", "age": NaN}', "NaN"),
    "duplicate key": ('{"id": "bad", "age": 4, "age": 5}', "twice"),
    "not an object": ("[1, 2]", "list"),
    "null": ("null", "null"),
    "deep": ("[" * 50_000, "nested"),
    "setting": ('{"id": "bad", "setting": "x.csv"}', "setting"),
    "id a list": ('{"id": ["bad"]}', "id"),
    "NUL": (b"\x00", "JSON"),
    "half a character in the id": (r'{"id": "bad\ud800"}', None),
    "half a character in a name": (r'{"id": "bad", "present": ["\ud800"]}', "no whole character"),
    "half a character in a label": (r'{"id": "bad", "steps": [{"label": "\ud800"}]}', None),
    "half a character before an error": (r'{"id": "bad\ud800", "age": 400}', "no whole character"),
    "half a character in a bad label": (
        r'{"id": "bad", "steps": [{"label": "\ud800", "present": ["esr_over_50"], "absent": ["esr_raised"]}]}',
        "no whole character",
    ),
}


@pytest.mark.parametrize("out", ["out.jsonl", "out.csv"])
@pytest.mark.parametrize(("line", "said"), BAD_LINES.values(), ids=BAD_LINES.keys())
def test_bad_line_of_jsonl(score, shared, line, said, out):
    line = line if isinstance(line, bytes) else line.encode()
    rows = score(GOOD.encode() + line + b"\n\n" + GOOD.encode(), out=out)
    good = expected(shared, {"id": "good", "present": ["fever"]})
    assert len(rows) == 3
    assert (rows[0], rows[2]) == (good, good)
    if said is not None:
        assert rows[1]["error"].startswith("line 2: ")
        assert said in rows[1]["error"]


def test_error_rows_keep_the_id(score):
    (row,) = score('{"id": "bad", "age": 400}\n')
    assert set(row) == {"id", "line", "error"}
    assert (row["id"], row["line"]) == ("bad", 1)


HEAD = "id,age,fever,night_pain,notes\n"
GOOD_ROW = "good,59,present,,n\n"
BAD_ROWS = {
    "bad cell": ("bad,59,maybe,,n\n", "'maybe'"),
    "capital": ("bad,59,Present,,n\n", "'Present'"),
    "age in words": ("bad,old,,,n\n", "'old'"),
    "age nan": ("bad,nan,,,n\n", "nan"),
    "ratio 0": ("bad,59,0,,n\n", "above 0"),
    "ratio inf": ("bad,59,inf,,n\n", "inf"),
    "ratio -1": ("bad,59,-1,,n\n", "-1"),
    "decimal comma": ("bad,59,1,5,,n\n", "5 cells, found 6"),
    "too many cells": ("bad,59,present,,n,m\n", "5 cells, found 6"),
    "too few cells": ("bad,59\n", "5 cells, found 2"),
    "not UTF-8": (b"bad\xff,59,present,,n\n", "UTF-8"),
    "unclosed quote at the end": ('bad,59,present,,"n\n', "CSV"),
    "unclosed quote at the start": ('"bad,59,present,,n\n', None),
    "text after a quote": ('"bad"x,59,present,,n\n', "CSV"),
}


@pytest.mark.parametrize(("line", "said"), BAD_ROWS.values(), ids=BAD_ROWS.keys())
def test_bad_row_of_csv(score, shared, line, said):
    line = line if isinstance(line, bytes) else line.encode()
    rows = score(HEAD.encode() + GOOD_ROW.encode() + line + 3 * GOOD_ROW.encode(), "in.csv")
    good = expected(shared, {"id": "good", "age": 59, "present": ["fever"]})
    assert [row == good for row in rows] == [True, False, True, True, True]
    assert rows[1]["error"].startswith("line 3: ")
    if said is not None:
        assert said in rows[1]["error"]


def test_unclosed_quote_far_from_the_end_costs_one_row(score):
    lines = [f"p{i},59,present,,n\n" for i in range(300)]
    lines[100] = 'p100,59,present,,"never closed\n'
    rows = score(HEAD + "".join(lines), "in.csv")
    assert [row["id"] for row in rows if "posterior" in row] == [f"p{i}" for i in range(300) if i != 100]
    (bad,) = [row for row in rows if "error" in row]
    assert bad["line"] == 102


def test_unclosed_quote_before_a_quoted_note(score):
    """The next quoted cell seems to close the quote; the rows between must survive."""
    content = f'{HEAD}bad,59,present,,"open\n{GOOD_ROW}{GOOD_ROW}good,59,present,,"a, b"\n{GOOD_ROW}'
    rows = score(content, "in.csv")
    assert [row["id"] for row in rows if "posterior" in row] == ["good"] * 4
    assert [row["line"] for row in rows if "error" in row] == [2]


def test_quoted_newlines_and_quotes_are_accepted(score, shared):
    content = f'{HEAD}good,59,present,,"two\nlines, a comma and ""quotes"""\ngood,59,present,,n\nbad,old,,,n\n'
    rows = score(content, "in.csv")
    good = expected(shared, {"id": "good", "age": 59, "present": ["fever"]})
    assert rows[:2] == [good, good]
    assert rows[2]["line"] == 5, "the line of the file, not the number of the record"


@pytest.mark.parametrize("mark", ["\u2028", "\u0085", "\x0b", "\x0c", "\x1c"], ids=ascii)
def test_unusual_line_breaks_inside_a_cell_are_text(score, shared, mark):
    """Only line feed and carriage return end a CSV row; text copied from a PDF or Word holds the others."""
    rows = score(f"id,notes,fever\na,before{mark}after,present\nb,n,present\n", "in.csv")
    assert rows == [expected(shared, {"id": name, "present": ["fever"]}) for name in "ab"]


@pytest.mark.parametrize("form", ["blank lines", "BOM", "CRLF", "no last newline", "spaces"])
@pytest.mark.parametrize(("name", "content"), [("in.jsonl", jsonl(ROWS)), ("in.csv", TABLE)], ids=["jsonl", "csv"])
def test_forms_of_the_same_file(score, shared, name, content, form):
    changed = {
        "blank lines": "\n" + content.replace("\n", "\n\n  \n")
        if name == "in.jsonl"
        else content.replace("\n", "\n\n"),
        "BOM": "\ufeff" + content,
        "CRLF": content.replace("\n", "\r\n"),
        "no last newline": content.rstrip("\n"),
        "spaces": content.replace(",", " , "),
    }[form]
    assert score(changed, name) == [expected(shared, data) for data in ROWS]


def test_old_macintosh_line_ends_lose_no_row_silently(score, tmp_path):
    """Excel's "CSV (Macintosh)" ends rows with a carriage return alone: score them, or refuse the file."""
    try:
        rows = score(TABLE.replace("\n", "\r"), "in.csv")
    except BadCase:
        assert not (tmp_path / "out.jsonl").exists()
    else:
        assert len(rows) == len(ROWS)


# The file as a whole: refused in one line, no result file left.

REFUSED = {
    "unknown column": ("id,fevr\na,present\n", ["'fevr'", "did you mean fever?"]),
    "unknown column without a near name": ("id,zzzzzz\na,present\n", ["'zzzzzz'"]),
    "column twice": ("id,fever,fever\na,present,\n", ["'fever'", "twice"]),
    "unnamed columns": ("id,fever,,\na,present,,\n", ["''"]),
    "empty file": ("", ["empty", "header", "id"]),
    "blank lines alone": ("\n\n\n", ["empty", "header"]),
    "BOM alone": (b"\xef\xbb\xbf", ["empty", "header"]),
    "semicolons": ("id;fever\na;present\n", ["id;fever"]),
    "header not UTF-8": (b"id,notes\xff\na,b\n", ["UTF-8"]),
    "header never closed": ('id,"notes\na,b\n', ["CSV", "header"]),
    "UTF-16": ("id,fever\na,present\n".encode("utf-16"), ["UTF-8"]),
}


@pytest.mark.parametrize(("content", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_table(score, tmp_path, content, said):
    with pytest.raises(BadCase) as caught:
        score(content, "in.csv")
    for words in said:
        assert words in str(caught.value)
    assert "in.csv" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_header_only_scores_nothing(score, tmp_path):
    assert score("id,fever\n", "in.csv") == []
    assert score("id,fever\n", "in.csv", "out.csv") == []
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").count("\n") == 1


def test_empty_jsonl_scores_nothing(score):
    assert score("") == []
    assert score("\n\n") == []


def test_ignore_unknown_passes_over_columns(score, shared):
    rows = score("colour,id,fever\nblue,a,present\n,b,\n", "in.csv", ignore_unknown=True)
    assert rows[0].pop("ignored") == ["colour"]
    assert rows == [expected(shared, {"id": "a", "present": ["fever"]}), expected(shared, {"id": "b"})]


@pytest.mark.parametrize("name", ["present", "absent", "unsure", "values", "steps", "clear", "label"])
@pytest.mark.parametrize("first", [True, False], ids=["before the findings", "after the findings"])
def test_ignore_unknown_columns_named_like_keys(score, shared, name, first):
    """A table has no such columns, so they are unknown ones: passed over like any other."""
    columns = [name, "fever", "abi"] if first else ["fever", "abi", name]
    cells = {"fever": "present", "abi": "0.8", name: "x"}
    content = f"id,{','.join(columns)}\na,{','.join(cells[column] for column in columns)}\n"
    rows = score(content, "in.csv", ignore_unknown=True)
    assert rows[0].pop("ignored", [name]) == [name]
    assert rows == [expected(shared, {"id": "a", "present": ["fever"], "values": {"abi": 0.8}})]


def test_columns_named_like_keys_are_unknown(score):
    with pytest.raises(BadCase, match="unknown column 'present'"):
        score("id,present\na,fever\n", "in.csv")


def test_ignore_unknown_in_jsonl(score, shared):
    rows = score(jsonl([{"id": "a", "colour": 1, "present": ["fevr", "fever"]}]), ignore_unknown=True)
    assert set(rows[0].pop("ignored")) == {"colour", "fevr"}
    assert rows == [expected(shared, {"id": "a", "present": ["fever"]})]


@pytest.mark.parametrize("out", ["out.jsonl", "out.csv"])
def test_ignore_unknown_says_somewhere_what_it_dropped(tmp_path, out):
    (tmp_path / "in.csv").write_text("id,colour,fever\na,blue,present\n")
    result = run("score", tmp_path / "in.csv", "--out", tmp_path / out, "--ignore-unknown")
    assert result.exit_code == 0
    assert "colour" in result.stderr + (tmp_path / out).read_text(encoding="utf-8")


def test_unknown_profile_refuses_the_file(score, tmp_path):
    with pytest.raises(PriorsError, match="did you mean specialist"):
        score(jsonl(ROWS), chosen="specialst")
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


# The command: what is said, what is written, what is left alone.


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text(jsonl(ROWS) + '{"age": 400}\n', encoding="utf-8")
    return path


def test_command_counts_rows(source, tmp_path):
    result = run("score", source, "--out", tmp_path / "out.jsonl")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "4 rows scored, 1 with an error" in result.stderr
    assert str(tmp_path / "out.jsonl") in result.stderr
    assert len(read(tmp_path / "out.jsonl")) == 5


COMMAND_MISTAKES = {
    "output is the input": (["{in}", "--out", "{in}"], ["in.jsonl", "file of cases itself"]),
    "output is the input by another path": (["{in}", "--out", "{dir}/../{name}/in.jsonl"], ["file of cases itself"]),
    "output in a missing folder": (["{in}", "--out", "{dir}/none/out.jsonl"], ["cannot write", "none"]),
    "output without ending": (["{in}", "--out", "{dir}/out"], [".jsonl or .csv"]),
    "output of another ending": (["{in}", "--out", "{dir}/out.xlsx"], [".jsonl or .csv"]),
    "output with an endless name": (["{in}", "--out", "{dir}/" + 300 * "x" + ".csv"], ["File name too long"]),
    "output is a folder": (["{in}", "--out", "{dir}/folder.csv"], ["cannot write"]),
    "missing input": (["{dir}/none.csv", "--out", "{dir}/out.csv"], ["cannot read", "none.csv"]),
    "input is a folder": (["{dir}/folder.csv", "--out", "{dir}/out.csv"], ["cannot read"]),
    "input of another ending": (["{dir}/in.txt", "--out", "{dir}/out.csv"], [".jsonl or .csv"]),
    "unknown profile": (["{in}", "--out", "{dir}/out.csv", "--profile", "specialst"], ["did you mean specialist?"]),
    "unknown engine": (["{in}", "--out", "{dir}/out.csv", "--engine", "nosuch"], ["engine", "'nosuch'"]),
}


@pytest.mark.parametrize(("arguments", "said"), COMMAND_MISTAKES.values(), ids=COMMAND_MISTAKES.keys())
def test_command_mistakes(source, tmp_path, arguments, said):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "in.txt").write_text("x")
    before, names = source.read_bytes(), sorted(tmp_path.iterdir())
    places = {"in": str(source), "dir": str(tmp_path), "name": tmp_path.name}
    result = run("score", *(argument.format(**places) for argument in arguments))
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    for words in said:
        assert words in line
    assert source.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == names, "a mistake left a file behind"


def test_output_that_is_a_link_to_the_input(source, tmp_path):
    before = source.read_bytes()
    (tmp_path / "link.jsonl").symlink_to(source)
    assert run("score", source, "--out", tmp_path / "link.jsonl").exit_code == 2
    assert source.read_bytes() == before


def test_an_older_result_is_replaced_whole(source, tmp_path):
    out = tmp_path / "out.jsonl"
    out.write_text("old\n" * 1000)
    assert run("score", source, "--out", out).exit_code == 0
    assert len(read(out)) == 5


def test_an_older_result_survives_a_mistake(tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("old\n")
    (tmp_path / "in.csv").write_text("id,fevr\na,present\n")
    assert run("score", tmp_path / "in.csv", "--out", out).exit_code == 2
    assert out.read_text() == "old\n"


def test_progress_of_a_long_file(source, tmp_path, monkeypatch):
    monkeypatch.setattr(model.cli, "PROGRESS_SECONDS", 0.0)
    result = run("score", source, "--out", tmp_path / "out.jsonl")
    lines = result.stderr.splitlines()
    assert [line for line in lines if line.endswith("rows done")][-1] == "5 rows done"
    assert "rows scored" in lines[-1]
    assert result.stdout == ""


def test_no_progress_for_a_short_file(source, tmp_path):
    assert "rows done" not in run("score", source, "--out", tmp_path / "out.jsonl").stderr


def test_killed_half_way_leaves_no_result(tmp_path):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    line = json.dumps({"age": 59, "present": ["fever", "night_pain", "straight_leg_raise_positive"]}) + "\n"
    source.write_text(line * 500_000)
    command = [sys.executable, "-m", "model", "score", str(source), "--out", str(out)]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 60
        while not any(path.name.endswith(".part") and path.stat().st_size for path in tmp_path.iterdir()):
            assert child.poll() is None, child.stderr.read()
            assert time.monotonic() < deadline, "scoring never began to write"
            time.sleep(0.02)
        child.terminate()
        assert child.wait(timeout=30) == -signal.SIGTERM
    finally:
        child.kill()
        child.communicate()
    assert not out.exists()


def test_interrupted_keeps_the_rows_done_under_another_name(tmp_path, shared):
    """Control-C raises inside: no file that could be taken for a whole one, and no row lost that was done."""
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(jsonl(ROWS))

    def press(done):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_file(source, out, shared, progress=press)
    assert not out.exists()
    done = [json.loads(line) for line in part_path(out).read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in done] == [json.loads(line)["id"] for line in jsonl(ROWS).splitlines()[:2]]


@pytest.mark.parametrize("name", ["in.jsonl", "in.csv"])
def test_a_disk_that_fails_while_reading_is_not_blamed_on_the_results(tmp_path, shared, monkeypatch, name):
    source, out = tmp_path / name, tmp_path / "out.jsonl"
    source.write_text("id\n")

    def fail(handle):
        raise OSError(5, "Input/output error")
        yield

    monkeypatch.setattr("model.casetable._lines", fail)
    with pytest.raises(BadCase, match=rf"cannot read .*{name}: Input/output error"):
        score_file(source, out, shared)
    assert not out.exists()
