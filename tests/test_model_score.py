"""Files of many cases: right values in every format, and no good row lost to a bad one.

Not here: single cases (`test_model_case.py`), the columns of regular rows (`test_model_casecolumns.py`).
"""

import csv
import io
import json
import math
import os
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import model.cli
import model.scorefiles
from model import BadCase, diagnose, load_model, parse_case
from model.banded import bands
from model.build import BINARY
from model.case import stages
from model.cli import app
from model.engines import engine_named
from model.files import part_path, remove_dead_parts, replacing, uninterrupted
from model.models import Models
from model.sampling import sample
from model.score import ScoreOptions, score_file
from priors import LasegueError, PriorsError, available_profiles

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
KEYS = ["id", "profile", "posterior", "complications", "log_evidence", "model_digest"]
TEXTS = ("id", "profile", "model_digest", "error")
ENDS = ("low", "high", "low_error", "high_error")
OUTS = ["out.jsonl", "out.csv", "out.parquet"]


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
        tally = score_file(source, target, shared, ScoreOptions(**options))
        rows = read(target)
        assert tally.scored == sum("posterior" in row for row in rows)
        assert tally.failed == sum("error" in row for row in rows)
        assert tally.scored + tally.failed == len(rows)
        return rows

    return score


def read(path, ending=None):
    """Read results of any format into the shape of the JSON rows."""
    ending = ending or path.suffix
    if ending == ".jsonl":
        return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
    if ending == ".parquet":
        return [nested(cells) for cells in pq.read_table(path).to_pylist()]
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle, restkey="too many", restval="too few"))
    number = {True: str, False: float}
    return [nested({k: number[k in TEXTS](cell) if cell else None for k, cell in cells.items()}) for cells in rows]


def nested(cells):
    """Return a row of a table as JSON has it; a cell must be blank where, and only where, it should be."""
    filled = {column: cell for column, cell in cells.items() if cell is not None}
    if "error" in filled:
        assert set(filled) <= {"id", "error"}
        return {"id": cells["id"], "error": cells["error"]}
    assert set(cells) - set(filled) <= {"id", "error"}
    row = {key: cells[key] for key in ("id", "profile")} | {"posterior": {}, "complications": {}}
    row |= {key: cells[key] for key in ("log_evidence", "model_digest")}
    for column, cell in cells.items():
        part, *names = column.split(".")
        if len(names) == 1:
            row[part][names[0]] = cell
        elif names:
            row.setdefault("intervals", {}).setdefault(part, {}).setdefault(names[0], {})[names[1]] = cell
    return row


def assert_same(found, wanted, name="row"):
    """Hold texts to be equal and numbers to agree to 1e-12 of their size."""
    if isinstance(wanted, dict):
        assert list(found) == list(wanted), name
        for key, value in wanted.items():
            assert_same(found[key], value, f"{name}.{key}")
    elif isinstance(wanted, list | tuple):
        assert len(found) == len(wanted), name
        for index, value in enumerate(wanted):
            assert_same(found[index], value, f"{name}[{index}]")
    elif isinstance(wanted, float):
        near_nothing = 1e-12 if "log_evidence" in name else 0.0  # ln 1 is a sum that may miss 0
        assert math.isclose(found, wanted, rel_tol=1e-12, abs_tol=near_nothing), f"{name}: {found} is not {wanted}"
    else:
        assert found == wanted, name


def jsonl(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def columns_of(text):
    """Return the cells of a CSV text by column."""
    header, *rows = csv.reader(io.StringIO(text))
    return {name: [row[index] for row in rows] for index, name in enumerate(header)}


def parquet(columns, **options):
    """Return the bytes of a Parquet file of some columns."""
    buffer = io.BytesIO()
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), buffer, **options)
    return buffer.getvalue()


def expected(shared, data, intervals=False):
    case = parse_case(data, shared.structure)
    return diagnose(shared.for_case(case, None), case, intervals=intervals).as_dict()


def run(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def start(source, out, *options):
    """Start a process that scores a file."""
    command = [sys.executable, "-m", "model", "score", str(source), "--out", str(out), *options]
    return subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell may have it ignored
    )


# Right values, in every format.

INPUTS = {"in.jsonl": jsonl(ROWS), "in.csv": TABLE, "in.parquet": parquet(columns_of(TABLE))}


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize("name", INPUTS)
def test_formats_crossed_give_what_diagnose_gives(score, shared, name, out):
    rows = score(INPUTS[name], name, out)
    assert [list(row) for row in rows] == [KEYS] * len(ROWS)
    assert_same(rows, [expected(shared, data) for data in ROWS])


def test_shipped_cases_score_as_they_diagnose(score, shared):
    cases = [json.loads(path.read_text(encoding="utf-8")) for path in CASES]
    rows = score(jsonl(cases))
    assert_same(rows, [json.loads(json.dumps(expected(shared, data))) for data in cases])
    assert "steps" in rows[0]


@pytest.mark.parametrize("intervals", [False, True], ids=["plain", "intervals"])
def test_columns_are_the_documented(score, shared, tmp_path, intervals):
    numbers = [f"posterior.{cause}" for cause in shared.structure.cause_names] + ["complications.cauda_equina_syndrome"]
    ends = [f"{name}.{end}" for name in numbers for end in ENDS] if intervals else []
    wanted = ["id", "profile", *numbers, *ends, "log_evidence", "model_digest", "error"]
    score("", out="out.csv", intervals=intervals)
    score("", out="out.parquet", intervals=intervals)
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == ",".join(wanted) + "\n"
    schema = pq.read_schema(tmp_path / "out.parquet")
    assert schema.names == wanted
    assert {str(schema.field(name).type) for name in TEXTS} == {"string"}
    assert {str(schema.field(name).type) for name in wanted if name not in TEXTS} == {"double"}


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("profile", ["specialist", "documents"])
def test_chosen_profile_holds_for_every_row(score, name, profile):
    assert {row["profile"] for row in score(INPUTS[name], name, profile=profile)} == {profile}


@pytest.mark.parametrize("name", ["in.csv", "in.parquet"])
def test_setting_column_picks_the_profile_per_row(score, name):
    content = "id,setting\na,emergency\nb,\nc,specialist\nd,nowhere\ne,../../etc/passwd\nf,emergency\n"
    rows = score(content if name == "in.csv" else parquet(columns_of(content)), name)
    assert [row.get("profile") for row in rows] == ["emergency", "documents", "specialist", None, None, "emergency"]
    assert rows[0]["model_digest"] == load_model("emergency").digest
    assert "'nowhere'" in rows[3]["error"]
    assert [row["line"] for row in rows[3:5]] == ([5, 6] if name == "in.csv" else [4, 5])


def test_chosen_profile_makes_up_for_a_bad_setting(score):
    rows = score("id,setting,fever\na,nowhere,present\nb,nowhere,2.5\n", "in.csv", profile="emergency")
    assert [row["profile"] for row in rows] == ["emergency"] * 2


def test_likelihood_ratio_cells(score, shared):
    rows = score("id,fever,night_pain\na,2.5,present\nb,0.1,1e3\n", "in.csv")
    assert_same(rows[0], expected(shared, {"id": "a", "present": ["night_pain"], "unsure": {"fever": 2.5}}))
    assert_same(rows[1], expected(shared, {"id": "b", "unsure": {"fever": 0.1, "night_pain": 1000}}))


@pytest.mark.parametrize("ratio", ["1e-300", "5e-324", "1e300", "1.7e308"])
def test_extreme_likelihood_ratios(score, shared, ratio):
    rows = score(f"id,fever,night_pain\na,{ratio},present\n", "in.csv")
    assert_same(rows, [expected(shared, {"id": "a", "present": ["night_pain"], "unsure": {"fever": float(ratio)}})])


def test_facts_and_carried_columns(score, shared):
    content = "id,first_episode,surgical_candidate,final_diagnosis,notes,thin\na,true,FALSE,other,x,true\n"
    assert_same(score(content, "in.csv"), [expected(shared, {"id": "a"})])


@pytest.fixture(scope="module")
def patients(shared):
    """Simulated patients of all profiles, each with findings of their own assessed, some unsure."""
    rng = np.random.default_rng(20261122)
    cases = []
    for profile in (*available_profiles(), None):
        network = shared.get(profile or "documents").network
        drawn = sample(network, 12, rng)
        for i in range(12):
            case = {"id": f"{profile}-{i}"} | ({"setting": profile} if profile else {})
            case |= {"present": [], "absent": [], "unsure": {}}
            if rng.random() < 0.7:
                case["age"] = shared.structure.age.bands[drawn["age"][i]].start + 0.5
            if rng.random() < 0.7:
                case["duration_weeks"] = int(shared.structure.duration.bands[drawn["duration_weeks"][i]].start)
            if rng.random() < 0.7:
                case["sex"] = network.node("sex").states[drawn["sex"][i]]
            for name in rng.permutation(list(shared.structure.findings)).tolist():
                if rng.random() < 0.25:
                    case[BINARY[drawn[name][i]]].append(name)
                elif i % 3 == 0 and rng.random() < 0.05:
                    case["unsure"][name] = math.exp(rng.normal(0, 2))
            cases.append(case)
    return cases, [expected(shared, case) for case in cases]


def table_of(cases, structure):
    """Return cases without values or steps as columns of texts."""
    names = ["id", "age", "sex", "duration_weeks", "setting", *structure.findings]
    columns = {name: [""] * len(cases) for name in names}
    for i, case in enumerate(cases):
        for name in names[:5]:
            columns[name][i] = str(case.get(name, ""))
        cells = dict.fromkeys(case["present"], "present") | dict.fromkeys(case["absent"], "absent")
        for name, cell in (cells | case["unsure"]).items():
            columns[name][i] = str(cell)
    return columns


def written(columns, name):
    """Return columns of texts as the content of a file."""
    if name.endswith(".parquet"):
        return parquet(columns)
    rows = zip(*columns.values(), strict=True)
    return "".join(",".join(row) + "\n" for row in (columns, *rows))


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize("name", ["in.jsonl", "in.csv", "in.parquet"])
def test_simulated_patients_score_as_they_diagnose(score, shared, patients, name, out):
    cases, wanted = patients
    content = jsonl(cases) if name == "in.jsonl" else written(table_of(cases, shared.structure), name)
    assert_same(score(content, name, out), wanted)


@pytest.mark.parametrize("name", ["in.csv", "in.parquet"])
def test_rows_read_one_by_one_score_as_whole_columns_do(score, shared, patients, name):
    """A fact is no evidence, and no column of regular rows has one: it sends each row the long way."""
    cases, wanted = patients
    slow = table_of(cases, shared.structure) | {"first_episode": ["true"] * len(cases)}
    assert_same(score(written(slow, name), name), wanted)
    mixed = slow | {"first_episode": ["true" if i % 2 else "" for i in range(len(cases))]}
    assert_same(score(written(mixed, name), name), wanted)


# Parquet: the same cells in other types.

TEXT_FORMS = {
    "texts": pa.array,
    "nulls": lambda cells: pa.array([cell or None for cell in cells]),
    "spaces around": lambda cells: pa.array([f"  {cell}\t" for cell in cells]),
    "large": lambda cells: pa.array(cells, pa.large_string()),
    "views": lambda cells: pa.array(cells, pa.string_view()),
    "dictionary": lambda cells: pa.array(cells).dictionary_encode(),
    "dictionary with nulls": lambda cells: pa.array([cell or None for cell in cells], pa.string()).dictionary_encode(),
    "large dictionary": lambda cells: pa.array(cells, pa.large_string()).dictionary_encode(),
    "all null where all blank": lambda cells: pa.array([cell or None for cell in cells]) if any(cells) else pa.nulls(4),
}


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize("form", TEXT_FORMS)
def test_parquet_columns_of_texts(score, shared, form, out):
    columns = columns_of(TABLE) | {"anorexia": [""] * 4}
    content = parquet({name: TEXT_FORMS[form](cells) for name, cells in columns.items()})
    assert_same(score(content, "in.parquet", out), [expected(shared, data) for data in ROWS])


NUMBERS = {"age": [59, None, 30], "duration_weeks": [8, 2, None], "fever": [3, None, 2], "esr_mm_h": [None, 45, 12]}
NUMBER_ROWS = [
    {"id": "n0", "age": 59, "duration_weeks": 8, "unsure": {"fever": 3}},
    {"id": "n1", "duration_weeks": 2, "values": {"esr_mm_h": 45}},
    {"id": "n2", "age": 30, "unsure": {"fever": 2}, "values": {"esr_mm_h": 12}},
]
NUMBER_FORMS = {
    **{str(kind): kind for kind in (pa.int8(), pa.int32(), pa.int64(), pa.uint8(), pa.uint64())},
    **{str(kind): kind for kind in (pa.float16(), pa.float32(), pa.float64())},
    **{str(kind): kind for kind in (pa.decimal128(21, 2), pa.decimal256(40, 1))},
    **{f"dictionary of {kind}": pa.dictionary(pa.int8(), kind) for kind in (pa.int64(), pa.float32())},
}


@pytest.mark.parametrize("form", NUMBER_FORMS)
def test_parquet_columns_of_numbers(score, shared, form):
    kind = NUMBER_FORMS[form]
    columns = {"id": ["n0", "n1", "n2"]} | {name: pa.array(cells, kind) for name, cells in NUMBERS.items()}
    assert_same(score(parquet(columns), "in.parquet"), [expected(shared, data) for data in NUMBER_ROWS])


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_not_a_number_in_parquet_is_a_blank(score, shared, kind):
    cells = {name: np.array([np.nan if n is None else n for n in column], kind) for name, column in NUMBERS.items()}
    rows = score(parquet({"id": ["n0", "n1", "n2"]} | cells), "in.parquet")
    assert_same(rows, [expected(shared, data) for data in NUMBER_ROWS])


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_fractions_in_parquet_keep_their_value(score, shared, kind):
    ages, ratios = np.array([49.99, 70.5], kind), np.array([0.1, 7.25], kind)
    rows = score(parquet({"age": ages, "fever": ratios}), "in.parquet")
    data = [{"age": float(age), "unsure": {"fever": float(ratio)}} for age, ratio in zip(ages, ratios, strict=True)]
    assert_same(rows, [expected(shared, case) for case in data])


PANDAS_FORMS = {
    "as read": lambda text: pd.read_csv(io.StringIO(text)),
    "all texts": lambda text: pd.read_csv(io.StringIO(text), dtype=str),
    "objects": lambda text: pd.read_csv(io.StringIO(text), dtype=str).astype(object),
    "categories": lambda text: pd.read_csv(io.StringIO(text), dtype="category"),
    "nullable": lambda text: pd.read_csv(io.StringIO(text)).convert_dtypes(),
    "arrow": lambda text: pd.read_csv(io.StringIO(text), dtype_backend="pyarrow"),
    "index of its own": lambda text: pd.read_csv(io.StringIO(text)).set_index(pd.Index([7, 5, 8, 6])),
    "id as index": lambda text: pd.read_csv(io.StringIO(text)).set_index("id"),
}


@pytest.mark.parametrize("form", PANDAS_FORMS)
def test_parquet_that_pandas_wrote(score, shared, form):
    buffer = io.BytesIO()
    PANDAS_FORMS[form](TABLE).to_parquet(buffer)
    assert_same(score(buffer.getvalue(), "in.parquet"), [expected(shared, data) for data in ROWS])


@pytest.mark.parametrize(
    ("ids", "wanted"),
    [
        pytest.param(pa.array([7, 8]), ["7", "8"], id="whole numbers"),
        pytest.param(pa.array([7.0, None]), ["7", None], id="whole numbers made floats by a blank"),
        pytest.param(pa.array([7.5, np.nan]), ["7.5", None], id="floats"),
        pytest.param(pa.array([2**60, 1]), [str(2**60), "1"], id="beyond a float"),
        pytest.param(pa.array([True, None]), ["true", None], id="true and false"),
        pytest.param(pa.array(["=1+1", " "]), ["=1+1", None], id="texts"),
        pytest.param(pa.array([Decimal("7.50"), None]), ["7.50", None], id="decimals"),
        pytest.param(pa.array([b"0123456789abcdef", None], pa.uuid()), ["30313233-3435-3637-3839-616263646566", None]),
    ],
)
@pytest.mark.parametrize("path", ["columns", "row by row"])
def test_parquet_ids(score, ids, wanted, path):
    extra = {"first_episode": [True, True]} if path == "row by row" else {}
    assert [row["id"] for row in score(parquet({"id": ids} | extra), "in.parquet")] == wanted


ODD_IDS = ["a\rb", "a\nb", "a\r\nb", "a,b", 'a"b', "=1+1", "@x", "a\0b", "\u2028", "患者", " a "]


@pytest.mark.parametrize("out", OUTS)
def test_odd_ids_come_back_as_they_were(score, out):
    """A result has one row a case, whatever stands in its id; a formula stays the text that was given."""
    assert [row["id"] for row in score(jsonl([{"id": name} for name in ODD_IDS]), out=out)] == ODD_IDS


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
    "contradiction in a step": (
        '{"id": "bad", "steps": [{}, {"label": "Lab", "present": ["esr_over_50"], "absent": ["esr_raised"]}]}',
        "step 2, Lab: ",
    ),
}


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize(("line", "said"), BAD_LINES.values(), ids=BAD_LINES.keys())
def test_bad_line_of_jsonl(score, shared, line, said, out):
    line = line if isinstance(line, bytes) else line.encode()
    rows = score(GOOD.encode() + line + b"\n\n" + GOOD.encode(), out=out)
    good = expected(shared, {"id": "good", "present": ["fever"]})
    assert len(rows) == 3
    assert_same([rows[0], rows[2]], [good, good])
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
    "huge cell": (f"bad,59,present,,{'x' * 1_000_000}\n", "CSV"),
    "huge number": (f"bad,{'9' * 1000},present,,n\n", "age"),
    "formula for a finding": ("bad,59,=1+1,,n\n", "'=1+1'"),
    "formula for an age": ("bad,=59,present,,n\n", "'=59'"),
    "NUL in a finding": (b"bad,59,pres\0ent,,n\n", "present, absent"),
    "full-width digits": ("bad,５９,present,,n\n", "age"),
}


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize(("line", "said"), BAD_ROWS.values(), ids=BAD_ROWS.keys())
def test_bad_row_of_csv(score, shared, line, said, out):
    line = line if isinstance(line, bytes) else line.encode()
    rows = score(HEAD.encode() + GOOD_ROW.encode() + line + 3 * GOOD_ROW.encode(), "in.csv", out)
    good = expected(shared, {"id": "good", "age": 59, "present": ["fever"]})
    assert len(rows) == 5
    assert_same([rows[0], *rows[2:]], [good] * 4)
    assert rows[1]["error"].startswith("line 3: ")
    assert len(rows[1]["error"]) < 300
    if said is not None:
        assert said in rows[1]["error"]


def not_utf8(*cells):
    """Return a column of texts that are none."""
    ends = np.cumsum([0, *map(len, cells)]).astype(np.int32)
    return pa.Array.from_buffers(pa.string(), len(cells), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(cells))])


BAD_CELLS = {
    "unknown word": ({"fever": ["", "maybe", ""]}, "'maybe'"),
    "unknown word in a dictionary": ({"fever": pa.array([None, "maybe", None]).dictionary_encode()}, "'maybe'"),
    "capital": ({"fever": ["", "Present", ""]}, "'Present'"),
    "age 400": ({"age": [None, 400, None]}, "found 400"),
    "age 400 as text": ({"age": ["", "400", ""]}, "found 400"),
    "age -1": ({"age": [None, -1.0, None]}, "found -1"),
    "age inf": ({"age": [None, np.inf, None]}, "'inf'"),
    "age beyond a float": ({"age": [None, 2**62, None]}, "found 4611686018427387904"),
    "age a decimal": ({"age": [None, Decimal("120.01"), None]}, "found 120.01"),
    "age true": ({"age": [None, True, None]}, "'true'"),
    "duration": ({"duration_weeks": pa.array([None, 1e9, None], pa.float32())}, "duration_weeks"),
    "sex": ({"sex": ["", "m", ""]}, "female or male"),
    "sex a number": ({"sex": [None, 1, None]}, "female or male"),
    "setting": ({"setting": ["", "nowhere", ""]}, "'nowhere'"),
    "contradiction": ({"esr_over_50": ["", "present", ""], "esr_raised": ["", "absent", ""]}, "esr_raised=absent"),
    "true for present": ({"fever": [None, True, None]}, "'true'"),
    "ratio 0": ({"fever": [None, 0, None]}, "above 0"),
    "ratio -inf": ({"fever": [None, -np.inf, None]}, "'-inf'"),
    "fact 1": ({"first_episode": [None, 1, None]}, "true or false"),
    "value in words": ({"abi": ["", "low", ""]}, "'low'"),
    "value against its finding": ({"esr_mm_h": [None, 60, None], "esr_over_50": ["", "absent", ""]}, "esr_over_50"),
    "not UTF-8": ({"fever": not_utf8(b"", b"pres\xffent", b"")}, "UTF-8"),
    "not UTF-8 in a dictionary": (
        {"sex": pa.DictionaryArray.from_arrays(pa.array([None, 0, None], pa.int32()), not_utf8(b"\xff"))},
        "UTF-8",
    ),
}


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize(("columns", "said"), BAD_CELLS.values(), ids=BAD_CELLS.keys())
def test_bad_row_of_parquet(score, shared, columns, said, out):
    columns = {"id": ["a", "bad", "c"], "night_pain": ["present"] * 3} | columns
    rows = score(parquet(columns), "in.parquet", out)
    assert len(rows) == 3
    assert_same(rows[::2], [expected(shared, {"id": name, "present": ["night_pain"]}) for name in "ac"])
    assert rows[1]["error"].startswith("line 2: ")
    assert said in rows[1]["error"]
    assert rows[1]["id"] == (None if "UTF-8" in said else "bad")


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
    assert_same(rows[:2], [good, good])
    assert rows[2]["line"] == 5, "the line of the file, not the number of the record"


@pytest.mark.parametrize("mark", ["\u2028", "\u0085", "\x0b", "\x0c", "\x1c"], ids=ascii)
def test_unusual_line_breaks_inside_a_cell_are_text(score, shared, mark):
    """Only line feed and carriage return end a CSV row; text copied from a PDF or Word holds the others."""
    rows = score(f"id,notes,fever\na,before{mark}after,present\nb,n,present\n", "in.csv")
    assert_same(rows, [expected(shared, {"id": name, "present": ["fever"]}) for name in "ab"])


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
    assert_same(score(changed, name), [expected(shared, data) for data in ROWS])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=ascii)
@pytest.mark.parametrize("name", ["in.jsonl", "in.csv"])
@pytest.mark.parametrize("at_once", [1, 2, 3, 7])
def test_line_ends_across_the_pieces_that_are_read(score, shared, monkeypatch, end, name, at_once):
    monkeypatch.setattr("model.casetext.BYTES_AT_ONCE", at_once)
    content = {"in.jsonl": jsonl(ROWS) + "{\n\n{", "in.csv": TABLE + "x\n\ny"}[name]
    rows = score(content.replace("\n", end), name)
    assert_same(rows[:4], [expected(shared, data) for data in ROWS])
    assert [row["line"] for row in rows[4:]] == ([5, 7] if name == "in.jsonl" else [6, 8])


def test_old_macintosh_line_ends_lose_no_row_silently(score, tmp_path):
    """Excel's "CSV (Macintosh)" ends rows with a carriage return alone: score them, or refuse the file."""
    try:
        rows = score(TABLE.replace("\n", "\r"), "in.csv")
    except BadCase:
        assert not (tmp_path / "out.jsonl").exists()
    else:
        assert len(rows) == len(ROWS)


# Chunks: where one ends makes no difference.

NOTED = """id,notes,age,fever,night_pain,esr_over_50,esr_raised
a,"two
lines",59,present,,,
b,,30,2.5,absent,,
c,,,maybe,,,
d,"three

lines",400,,,,

e,,,,,present,absent
f,,,,,,
g,x
h,,71,absent,present,present,
"""
NOTED_LINES = {"in.csv": [5, 6, 10, 12], "in.parquet": [3, 4, 5, 7], "in.jsonl": [3, 4, 5, 7]}
NOTED_JSONL = [
    {"id": "a", "age": 59, "present": ["fever"]},
    {"id": "b", "age": 30, "unsure": {"fever": 2.5}, "absent": ["night_pain"]},
    {"id": "c", "present": ["maybe"]},
    {"id": "d", "age": 400},
    {"id": "e", "present": ["esr_over_50"], "absent": ["esr_raised"]},
    {"id": "f", "steps": [{"present": ["fever"]}, {"absent": ["fever"]}]},
    {"id": "g", "x": 1},
    {"id": "h", "age": 71, "present": ["night_pain", "esr_over_50"], "absent": ["fever"]},
]
NOTED_INPUTS = {
    "in.jsonl": jsonl(NOTED_JSONL),
    "in.csv": NOTED,
    "in.parquet": parquet(columns_of(NOTED.replace("\n\ne", "\ne").replace("g,x", "g,x,,2e,,,")), row_group_size=3),
}


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize("name", NOTED_INPUTS)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_chunk_borders_change_nothing(score, name, out, size):
    """Sums of another order may end in another last digit; nothing else may differ."""
    whole = score(NOTED_INPUTS[name], name, out, chunk_rows=1000)
    assert_same(score(NOTED_INPUTS[name], name, out, chunk_rows=size), whole)
    assert "".join(row["id"] or "g" for row in whole) == "abcdefgh"
    errors = [row["error"] for row in whole if "error" in row]
    assert [int(error.removeprefix("line ").partition(":")[0]) for error in errors] == NOTED_LINES[name]


def test_progress_is_told_after_each_chunk(tmp_path, shared):
    for name, total in (("in.jsonl", None), ("in.csv", None), ("in.parquet", 4)):
        (tmp_path / name).write_bytes(INPUTS[name] if total else INPUTS[name].encode())
        told = []
        options = ScoreOptions(chunk_rows=3)
        score_file(tmp_path / name, tmp_path / "out.csv", shared, options, lambda *given, told=told: told.append(given))
        assert told == [(3, total), (4, total)]


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
    "10,000 columns": ("id," + ",".join(f"c{i}" for i in range(10_000)) + "\n", ["'c0'"]),
    "formula for a column": ("id,=1+1\na,b\n", ["'=1+1'"]),
    "Parquet by another name": (parquet({"id": ["a"]}), ["unknown column 'PAR1"]),
}


@pytest.mark.parametrize(("content", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_table(score, tmp_path, content, said):
    with pytest.raises(BadCase) as caught:
        score(content, "in.csv")
    for words in said:
        assert words in str(caught.value)
    assert "in.csv" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


WHOLE = parquet(columns_of(TABLE))
PLAIN = {"compression": "none", "use_dictionary": False, "write_statistics": False, "write_page_checksum": True}
SPOILT = parquet({"fever": ["present"]}, **PLAIN).replace(b"present", b"absent ")
REFUSED_PARQUET = {
    "not Parquet": (b"no Parquet file at all, only words", ["not a readable Parquet file"]),
    "CSV by another name": (TABLE.encode(), ["not a readable Parquet file"]),
    "empty file": (b"", ["not a readable Parquet file"]),
    "magic bytes alone": (b"PAR1", ["not a readable Parquet file"]),
    "truncated": (WHOLE[: len(WHOLE) // 2], ["not a readable Parquet file"]),
    "last byte missing": (WHOLE[:-1], ["not a readable Parquet file"]),
    "start missing": (WHOLE[40:], ["cannot read"]),
    "changed on the disk": (SPOILT, ["CRC checksum"]),
    "column name not UTF-8": (parquet({"feverx": ["a"]}).replace(b"feverx", b"\xff\xfe\xfd\xfc\xfb\xfa"), ["UTF-8"]),
    "unknown column": (parquet({"id": ["a"], "fevr": ["present"]}), ["'fevr'", "did you mean fever?"]),
    "unnamed column": (parquet({"": ["a"]}), ["''"]),
    "column twice": (parquet(pa.table([["present"], [""]], names=["fever", "fever"])), ["'fever'", "twice"]),
    "no columns": (parquet(pa.table({})), ["no columns", "id, age"]),
    "10,000 columns": (parquet({f"c{i}": ["x"] for i in range(10_000)}), ["'c0'"]),
}


@pytest.mark.parametrize(("content", "said"), REFUSED_PARQUET.values(), ids=REFUSED_PARQUET.keys())
def test_refused_parquet(tmp_path, content, said):
    source = tmp_path / "in.parquet"
    source.write_bytes(content)
    result = run("score", source, "--out", tmp_path / "out.parquet")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert str(source) in line
    for words in said:
        assert words.lower() in line.lower()
    assert list(tmp_path.iterdir()) == [source]


HOSTILE = {
    "list": pa.array([["present"], None]),
    "empty list": pa.array([[], None], pa.list_(pa.string())),
    "struct": pa.array([{"present": 1}, None]),
    "map": pa.array([[("present", 1)], None], pa.map_(pa.string(), pa.int32())),
    "binary": pa.array([b"present", None]),
    "binary of fixed size": pa.array([b"59", None], pa.binary(2)),
    "timestamp": pa.array([0, None]).cast(pa.timestamp("us")),
    "timestamp beyond the calendar": pa.array([2**60, None]).cast(pa.timestamp("us")),
    "timestamp of no time zone": pa.array([0, None]).cast(pa.timestamp("us", tz="Nowhere/City")),
    "date beyond the calendar": pa.array([2**31 - 1, None], pa.int32()).cast(pa.date32()),
    "time": pa.array([59, None], pa.int64()).cast(pa.time64("us")),
    "duration": pa.array([2**62, None]).cast(pa.duration("s")),
    "JSON": pa.array(['"present"', None], pa.json_()),
}


@pytest.mark.parametrize("column", ["id", "age", "sex", "fever", "esr_mm_h", "setting", "first_episode"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_column_that_holds_neither_texts_nor_numbers_is_refused(score, tmp_path, column, kind):
    with pytest.raises(BadCase, match=rf"in.parquet: the column {column} holds .*; expected texts or numbers"):
        score(parquet({column: HOSTILE[kind]}), "in.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]


@pytest.mark.parametrize("kind", [*HOSTILE, "not UTF-8"])
@pytest.mark.parametrize("path", ["columns", "row by row"])
def test_a_carried_column_may_hold_anything(score, shared, kind, path):
    columns = {"id": ["a", "b"], "notes": HOSTILE.get(kind, not_utf8(b"\xff", b"x"))}
    columns |= {"first_episode": [True, True]} if path == "row by row" else {}
    assert_same(score(parquet(columns), "in.parquet"), [expected(shared, {"id": name}) for name in "ab"])


@pytest.mark.parametrize("kind", HOSTILE)
def test_an_unknown_column_may_hold_anything_on_request(score, shared, kind):
    columns = {"id": ["a", "b"], "colour": HOSTILE[kind]}
    rows = score(parquet(columns), "in.parquet", ignore_unknown=True)
    assert rows[0].pop("ignored") == ["colour"]
    assert_same(rows, [expected(shared, {"id": name}) for name in "ab"])


def test_a_table_of_carried_columns_alone_has_its_rows(score, shared):
    assert_same(score(parquet({"notes": [["x"], None, []]}), "in.parquet"), [expected(shared, {})] * 3)
    assert_same(score("notes\nx\ny\n", "in.csv"), [expected(shared, {})] * 2)


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize(
    ("name", "content"),
    [("in.csv", "id,fever\n"), ("in.parquet", parquet({"id": pa.array([], pa.string()), "fever": pa.nulls(0)}))],
    ids=["csv", "parquet"],
)
def test_a_table_without_rows_scores_nothing(score, tmp_path, name, content, out):
    assert score(content, name, out) == []
    assert (tmp_path / out).exists()


def test_empty_jsonl_scores_nothing(score):
    assert score("") == []
    assert score("\n\n") == []


@pytest.mark.parametrize("name", ["in.csv", "in.parquet"])
def test_ignore_unknown_passes_over_columns(score, shared, name):
    content = "colour,id,fever\nblue,a,present\n,b,\n"
    rows = score(content if name == "in.csv" else parquet(columns_of(content)), name, ignore_unknown=True)
    assert rows[0].pop("ignored") == ["colour"]
    assert_same(rows, [expected(shared, {"id": "a", "present": ["fever"]}), expected(shared, {"id": "b"})])


def test_ignore_unknown_passes_over_10000_columns(score, shared):
    names = [f"c{i}" for i in range(10_000)]
    rows = score(f"id,{','.join(names)}\na{',x' * 10_000}\n", "in.csv", ignore_unknown=True)
    assert rows[0].pop("ignored") == names
    assert_same(rows, [expected(shared, {"id": "a"})])


@pytest.mark.parametrize("name", ["present", "absent", "unsure", "values", "steps", "clear", "label"])
@pytest.mark.parametrize("first", [True, False], ids=["before the findings", "after the findings"])
def test_ignore_unknown_columns_named_like_keys(score, shared, name, first):
    """A table has no such columns, so they are unknown ones: passed over like any other."""
    columns = [name, "fever", "abi"] if first else ["fever", "abi", name]
    cells = {"fever": "present", "abi": "0.8", name: "x"}
    content = f"id,{','.join(columns)}\na,{','.join(cells[column] for column in columns)}\n"
    rows = score(content, "in.csv", ignore_unknown=True)
    assert rows[0].pop("ignored", [name]) == [name]
    assert_same(rows, [expected(shared, {"id": "a", "present": ["fever"], "values": {"abi": 0.8}})])


def test_columns_named_like_keys_are_unknown(score):
    with pytest.raises(BadCase, match="unknown column 'present'"):
        score("id,present\na,fever\n", "in.csv")


def test_ignore_unknown_in_jsonl(score, shared):
    rows = score(jsonl([{"id": "a", "colour": 1, "present": ["fevr", "fever"]}]), ignore_unknown=True)
    assert set(rows[0].pop("ignored")) == {"colour", "fevr"}
    assert_same(rows, [expected(shared, {"id": "a", "present": ["fever"]})])


@pytest.mark.parametrize("out", OUTS)
def test_ignore_unknown_says_what_it_dropped(tmp_path, out):
    (tmp_path / "in.csv").write_text("id,colour,fever\na,blue,present\n")
    result = run("score", tmp_path / "in.csv", "--out", tmp_path / out, "--ignore-unknown")
    assert result.exit_code == 0
    assert "colour" in result.stderr


def test_unknown_profile_refuses_the_file(score, tmp_path):
    with pytest.raises(PriorsError, match="did you mean specialist"):
        score(jsonl(ROWS), profile="specialst")
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


@pytest.mark.parametrize("seed", range(8))
def test_damaged_parquet_is_refused_or_scored(tmp_path, shared, seed):
    """Bits turned, the end cut off: an error that names the file, or rows; never anything else."""
    rng = np.random.default_rng(seed)
    source, out = tmp_path / "in.parquet", tmp_path / "out.jsonl"
    for _ in range(25):
        damaged = bytearray(WHOLE[: int(rng.integers(len(WHOLE) // 2, len(WHOLE) + 1))])
        for place in rng.integers(0, len(damaged), 2):
            damaged[place] ^= 1 << int(rng.integers(8))
        source.write_bytes(damaged)
        said = ""
        try:
            score_file(source, out, shared)
        except LasegueError as error:
            said = str(error)
        assert not said or (str(source) in said and "\n" not in said)
        assert {path.name for path in tmp_path.iterdir()} <= {source.name, out.name}


# The command: what is said, what is written, what is left alone.


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text(jsonl(ROWS) + '{"age": 400}\n', encoding="utf-8")
    return path


@pytest.mark.parametrize("out", OUTS)
def test_command_counts_rows(source, tmp_path, out):
    result = run("score", source, "--out", tmp_path / out)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "4 rows scored, 1 with an error" in result.stderr
    assert str(tmp_path / out) in result.stderr
    assert len(read(tmp_path / out)) == 5


COMMAND_MISTAKES = {
    "output is the input": (["{in}", "--out", "{in}"], ["in.jsonl", "file of cases itself"]),
    "output is the input by another path": (["{in}", "--out", "{dir}/../{name}/in.jsonl"], ["file of cases itself"]),
    "output in a missing folder": (["{in}", "--out", "{dir}/none/out.jsonl"], ["cannot write", "none"]),
    "Parquet in a missing folder": (["{in}", "--out", "{dir}/none/out.parquet"], ["cannot write", "none"]),
    "output without ending": (["{in}", "--out", "{dir}/out"], [".jsonl, .csv or .parquet"]),
    "output of another ending": (["{in}", "--out", "{dir}/out.xlsx"], [".jsonl, .csv or .parquet"]),
    "output with an endless name": (["{in}", "--out", "{dir}/" + 300 * "x" + ".csv"], ["File name too long"]),
    "output is a folder": (["{in}", "--out", "{dir}/folder.csv"], ["cannot write"]),
    "Parquet output is a folder": (["{in}", "--out", "{dir}/folder.parquet"], ["cannot write"]),
    "missing input": (["{dir}/none.csv", "--out", "{dir}/out.csv"], ["cannot read", "none.csv"]),
    "missing Parquet": (["{dir}/none.parquet", "--out", "{dir}/out.csv"], ["cannot read", "none.parquet"]),
    "input is a folder": (["{dir}/folder.csv", "--out", "{dir}/out.csv"], ["cannot read"]),
    "Parquet input is a folder": (["{dir}/folder.parquet", "--out", "{dir}/out.csv"], ["cannot read"]),
    "input of another ending": (["{dir}/in.txt", "--out", "{dir}/out.csv"], [".jsonl, .csv or .parquet"]),
    "unknown profile": (["{in}", "--out", "{dir}/out.csv", "--profile", "specialst"], ["did you mean specialist?"]),
    "unknown engine": (["{in}", "--out", "{dir}/out.csv", "--engine", "nosuch"], ["engine", "'nosuch'", "compiled"]),
}


@pytest.mark.parametrize(("arguments", "said"), COMMAND_MISTAKES.values(), ids=COMMAND_MISTAKES.keys())
def test_command_mistakes(source, tmp_path, arguments, said):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "folder.parquet").mkdir()
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


@pytest.mark.parametrize("out", OUTS)
def test_an_older_result_is_replaced_whole(source, tmp_path, out):
    (tmp_path / out).write_text("old\n" * 10_000)
    assert run("score", source, "--out", tmp_path / out).exit_code == 0
    assert len(read(tmp_path / out)) == 5


@pytest.mark.parametrize("out", OUTS)
def test_an_older_result_survives_a_mistake(tmp_path, out):
    (tmp_path / out).write_text("old\n")
    (tmp_path / "in.csv").write_text("id,fevr\na,present\n")
    assert run("score", tmp_path / "in.csv", "--out", tmp_path / out).exit_code == 2
    assert (tmp_path / out).read_text() == "old\n"


@pytest.mark.parametrize("name", INPUTS)
def test_progress_of_a_long_file(tmp_path, monkeypatch, name):
    monkeypatch.setattr(model.cli, "PROGRESS_SECONDS", 0.0)
    source = tmp_path / name
    source.write_bytes(INPUTS[name] if isinstance(INPUTS[name], bytes) else INPUTS[name].encode())
    result = run("score", source, "--out", tmp_path / "out.jsonl")
    lines = result.stderr.splitlines()
    said = "4 of 4 rows done" if name == "in.parquet" else "4 rows done"
    assert [line for line in lines if line.endswith("rows done")][-1] == said
    assert "rows scored" in lines[-1]
    assert result.stdout == ""


def test_no_progress_for_a_short_file(source, tmp_path):
    assert "rows done" not in run("score", source, "--out", tmp_path / "out.jsonl").stderr


# Interrupted, killed, out of room, side by side.


@pytest.fixture(scope="module")
def long_file(tmp_path_factory):
    """More rows than are scored before a test stops waiting for the first."""
    path, size = tmp_path_factory.mktemp("long") / "in.parquet", 3_000_000
    words = pa.DictionaryArray.from_arrays(pa.array(np.arange(size) % 2, pa.int8()), ["present", "absent"])
    pq.write_table(pa.table({"id": np.arange(size), "fever": words, "night_pain": words}), path)
    return path


def first_rows_written(child, out):
    """Wait until a process has begun to write its results, and return where."""
    part, deadline = out.with_name(f"{out.name}.{child.pid}.part"), time.monotonic() + 60
    while not part.exists() or part.stat().st_size < 10_000:
        assert child.poll() is None, child.stderr.read()
        assert time.monotonic() < deadline, "scoring never began to write"
        time.sleep(0.01)
    return part


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["terminated", "killed"])
def test_killed_half_way_leaves_no_result_and_the_next_run_is_whole(score, shared, tmp_path, long_file, how, out):
    child = start(long_file, tmp_path / out)
    try:
        part = first_rows_written(child, tmp_path / out)
        child.send_signal(how)
        assert child.wait(timeout=30) == -how
    finally:
        child.kill()
        child.communicate()
    assert [path.name for path in tmp_path.iterdir()] == [part.name], "no file under the asked name"
    with pytest.raises(BadCase, match="expected a file ending in"):  # nor is the part taken for a file of cases
        score_file(part, tmp_path / "again.csv", shared)
    assert_same(score(jsonl(ROWS), out=out), [expected(shared, data) for data in ROWS])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", out], "the dead part is gone"


@pytest.mark.parametrize("out", OUTS)
def test_control_c_keeps_the_rows_done(tmp_path, long_file, out):
    child = start(long_file, tmp_path / out)
    try:
        part = first_rows_written(child, tmp_path / out)
        child.send_signal(signal.SIGINT)
        errors = child.communicate(timeout=30)[1]
    finally:
        child.kill()
    assert child.returncode == 130
    assert errors.splitlines()[-1] == f"interrupted; the rows done so far are in {part}"
    assert list(tmp_path.iterdir()) == [part]
    rows = read(part, Path(out).suffix)
    assert 0 < len(rows) < 3_000_000
    assert [row["id"] for row in rows] == [str(i) for i in range(len(rows))]


@pytest.mark.parametrize("out", OUTS)
def test_interrupted_keeps_the_rows_done_under_another_name(tmp_path, shared, out):
    """Control-C raises inside: no file that could be taken for a whole one, and no row lost that was done."""
    source, target = tmp_path / "in.jsonl", tmp_path / out
    source.write_text(jsonl(ROWS))

    def press(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_file(source, target, shared, ScoreOptions(chunk_rows=1), press)
    assert not target.exists()
    assert_same(read(part_path(target), target.suffix), [expected(shared, data) for data in ROWS[:2]])


@pytest.fixture
def control_c():
    """Have Control-C raise, as it does unless a shell started this process in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: os.kill(os.getpid(), signal.SIGINT)
    signal.signal(signal.SIGINT, before)


WRITERS = {"out.jsonl": "_json_lines", "out.csv": "_csv_rows", "out.parquet": "_record_batch"}


@pytest.mark.parametrize("out", OUTS)
def test_control_c_while_rows_are_written_waits_for_the_last(tmp_path, shared, monkeypatch, control_c, out):
    source, target, make = tmp_path / "in.jsonl", tmp_path / out, getattr(model.scorefiles, WRITERS[out])
    source.write_text(jsonl(ROWS))

    def press(results, *given):
        if results.ids[0] == "p2":
            control_c()
        return make(results, *given)

    monkeypatch.setattr(model.scorefiles, WRITERS[out], press)
    with pytest.raises(KeyboardInterrupt):
        score_file(source, target, shared, ScoreOptions(chunk_rows=1))
    assert_same(read(part_path(target), target.suffix), [expected(shared, data) for data in ROWS[:2]])


def test_control_c_is_held_back_and_not_lost(control_c):
    done = []

    def press():
        with uninterrupted():
            control_c()
            done.append("the rest of the block")

    with pytest.raises(KeyboardInterrupt):
        press()
    assert done
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_control_c_stays_ignored_where_it_was(control_c):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with uninterrupted():
        control_c()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_files_are_scored_outside_the_main_thread(tmp_path, shared):
    """Where Python lets nobody touch signals."""
    (tmp_path / "in.csv").write_text(TABLE)
    with ThreadPoolExecutor(1) as pool:
        tally = pool.submit(score_file, tmp_path / "in.csv", tmp_path / "out.csv", shared).result()
    assert tally.scored == 4


@pytest.mark.parametrize("out", OUTS)
def test_a_full_disk_leaves_no_file(tmp_path, out):
    source = tmp_path / "in.csv"
    source.write_text("fever\n" + "".join(f"1.{i:04}\n" for i in range(500)))  # numbers that do not compress
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        result = run("score", source, "--out", tmp_path / out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert result.exit_code == 2
    assert result.stderr == f"error: cannot write {tmp_path / out}: File too large\n"
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize("out", OUTS)
def test_two_runs_to_one_file_at_once(tmp_path, out):
    source = tmp_path / "in.parquet"
    source.write_bytes(parquet({"id": np.arange(20_000), "fever": ["present", "absent"] * 10_000}))
    children = [start(source, tmp_path / out) for _ in range(2)]
    errors = [child.communicate(timeout=120)[1] for child in children]
    assert [child.returncode for child in children] == [0, 0], errors
    assert [row["id"] for row in read(tmp_path / out)] == [str(i) for i in range(20_000)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.parquet", out]


@pytest.fixture(scope="module")
def dead():
    """Number of a process that is no more."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


@pytest.mark.parametrize("name", ["out.csv", "o[1]+.csv", "*.csv", "-rf.csv"])
def test_parts_of_dead_processes_go_and_all_else_stays(tmp_path, dead, name):
    gone = f"{name}.{dead}.part"
    stay = [f"{name}.{os.getpid()}.part", f"{name}.{os.getppid()}.part", f"{name}.1.part", f"other.csv.{dead}.part"]
    stay += [f"{name}.part", f"{name}.0.part", f"{name}.-1.part", f"{name}.{10**30}.part", f"{name}.x.part"]
    stay += [f"{name}.{dead}.part.bak", f"{name}.{dead}", f"x{name}.{dead}.part", f"{name}.٣.part", name]
    for other in (gone, *stay):
        (tmp_path / other).write_text("x")
    remove_dead_parts(tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} == set(stay)


def test_a_folder_called_like_a_dead_part_does_no_harm(score, tmp_path, dead):
    (tmp_path / f"out.jsonl.{dead}.part").mkdir()
    assert len(score(jsonl(ROWS))) == 4


def test_a_run_that_fails_leaves_dead_parts_alone(score, tmp_path, dead):
    part = tmp_path / f"out.jsonl.{dead}.part"
    part.write_text("rows of a run that was interrupted")
    with pytest.raises(BadCase):
        score("id,fevr\n", "in.csv")
    assert part.exists()


@pytest.mark.parametrize("name", ["in.jsonl", "in.csv"])
def test_a_disk_that_fails_while_reading_is_not_blamed_on_the_results(tmp_path, shared, monkeypatch, name):
    source, out = tmp_path / name, tmp_path / "out.jsonl"
    source.write_text("id\n")

    def fail(handle):
        raise OSError(5, "Input/output error")
        yield

    monkeypatch.setattr("model.casetext._lines", fail)
    with pytest.raises(BadCase, match=rf"cannot read .*{name}: Input/output error"):
        score_file(source, out, shared)
    assert not out.exists()


def test_a_disk_that_fails_while_reading_parquet(tmp_path, shared, monkeypatch):
    source = tmp_path / "in.parquet"
    source.write_bytes(WHOLE)

    def fail(*given, **named):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", fail)
    with pytest.raises(BadCase, match=r"cannot read .*in.parquet: Input/output error"):
        score_file(source, tmp_path / "out.parquet", shared)
    assert list(tmp_path.iterdir()) == [source]


# Intervals.

UNSURE_ROWS = [
    {"id": "a", "age": 59, "present": ["fever"]},
    {"id": "b", "unsure": {"fever": 2.5}},
    {"id": "bad", "age": 400},
    {"id": "d", "setting": "emergency"},
]
UNSURE_TABLE = "id,age,setting,fever\na,59,,present\nb,,,2.5\nbad,400,,\nd,,emergency,\n"


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize("name", ["in.jsonl", "in.csv", "in.parquet"])
def test_intervals(score, shared, name, out):
    content = {"in.jsonl": jsonl(UNSURE_ROWS), "in.csv": UNSURE_TABLE}.get(name, parquet(columns_of(UNSURE_TABLE)))
    rows = score(content, name, out, intervals=True)
    assert "intervals" not in rows.pop(2)
    for row, data in zip(rows, [UNSURE_ROWS[i] for i in (0, 1, 3)], strict=True):
        wanted = expected(shared, data, intervals=True)
        found, given = row.pop("intervals"), wanted.pop("intervals")
        assert_same(found, json.loads(json.dumps(given)))
        assert_same(row, wanted)
        for end in (*found["posterior"].values(), *found["complications"].values()):
            assert 0 <= end["low"] < end["high"] <= 1
            assert end["low_error"] >= 0
            assert end["high_error"] >= 0


def test_intervals_of_a_case_with_steps_are_of_its_last(score, shared):
    data = {"steps": [{"present": ["fever"]}, {"absent": ["fever"], "present": ["night_pain"]}]}
    (row,) = score(jsonl([data]), intervals=True)
    wanted = bands(shared.get("documents"), stages(parse_case(data, shared.structure), shared.structure)[-1].evidence)
    assert_same(row["intervals"], wanted.as_dict())


@pytest.mark.parametrize("out", OUTS)
def test_no_intervals_unless_asked_for(source, tmp_path, out):
    assert run("score", source, "--out", tmp_path / out).exit_code == 0
    assert not any("intervals" in row for row in read(tmp_path / out))
    assert run("score", source, "--out", tmp_path / out, "--intervals").exit_code == 0
    assert ["intervals" in row for row in read(tmp_path / out)] == [True] * 4 + [False]


# Other engines.


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize(("engine", "size"), [("compiled", 4), ("elimination", 4), ("pgmpy", 1)])
def test_engines_agree(tmp_path, shared, name, engine, size):
    content = {"in.jsonl": jsonl(ROWS[:size]), "in.csv": "".join(TABLE.splitlines(keepends=True)[: size + 1])}
    source = tmp_path / name
    source.write_bytes(content[name].encode() if name in content else parquet(columns_of(content["in.csv"])))
    options = ScoreOptions(engine=engine_named(engine))
    score_file(source, tmp_path / "out.jsonl", shared, options)
    for row, data in zip(read(tmp_path / "out.jsonl"), ROWS[:size], strict=True):
        wanted = expected(shared, data)
        assert list(row) == KEYS
        assert row["posterior"] == pytest.approx(wanted["posterior"], rel=1e-9)
        assert row["complications"] == pytest.approx(wanted["complications"], rel=1e-9)
        assert row["log_evidence"] == pytest.approx(wanted["log_evidence"], rel=1e-9, abs=1e-12)


def test_the_engine_asked_for_is_the_one_that_answers(score):
    asked = []

    class Telling:
        def query(self, *given):
            asked.append(given)
            return engine_named("elimination").query(*given)

    score(TABLE, "in.csv", engine=Telling())
    assert len(asked) == 4


@pytest.mark.parametrize("engine", ["compiled", "elimination"])
def test_engines_name_the_same_contradiction(score, engine):
    content = "id,esr_raised,fever,esr_over_50\na,absent,present,present\nb,present,present,present\n"
    rows = score(content, "in.csv", engine=engine_named(engine))
    assert rows[0]["error"].startswith("line 2: these findings cannot hold together: ")
    assert "esr_over_50=present" in rows[0]["error"]
    assert "fever" not in rows[0]["error"]
    assert "posterior" in rows[1]


def test_a_network_without_a_small_hub_is_scored_one_by_one(score, shared, tmp_path, monkeypatch):
    wanted = score(TABLE, "in.csv")
    monkeypatch.setattr("model.hub.MAX_HUB_STATES", 1)
    result = run("score", tmp_path / "in.csv", "--out", tmp_path / "slow.jsonl")
    assert result.exit_code == 0
    remarks = [line for line in result.stderr.splitlines() if "one by one by elimination" in line]
    assert sorted(line.partition(":")[0] for line in remarks) == ["profile documents", "profile emergency"]
    assert_same(read(tmp_path / "slow.jsonl"), wanted)


def test_a_remark_is_made_once_for_all_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("model.hub.MAX_HUB_STATES", 1)
    (tmp_path / "in.csv").write_text("id,fever\n" + "a,present\n" * 4)
    tally = score_file(tmp_path / "in.csv", tmp_path / "out.csv", Models(), ScoreOptions(chunk_rows=1))
    assert len(tally.remarks) == 1


# Memory.

PEAK = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-m", "model", "score", sys.argv[1], "--out", sys.argv[2]], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(tmp_path, shared):
    size, rng = 400_000, np.random.default_rng(7)
    network = shared.get("documents").network
    drawn = sample(network, size, rng)
    columns = {"id": pa.array(np.arange(size)).cast(pa.string()), "age": pa.array(rng.integers(18, 90, size))}
    for name in shared.structure.findings:
        answers = pa.array(drawn[name].astype(np.int8), mask=rng.random(size) < 0.6)
        columns[name] = pa.DictionaryArray.from_arrays(answers, list(BINARY))
    table, peaks = pa.table(columns), []
    for rows in (size // 2, size):
        source, out = tmp_path / f"{rows}.parquet", tmp_path / f"{rows}.out.parquet"
        pq.write_table(table.slice(0, rows), source)
        command = [sys.executable, "-c", PEAK, str(source), str(out)]
        environment = os.environ | {"PYTHONPATH": str(PROJECT)}
        # a small process in between: a child's peak counts what its parent held when it was started
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout))
        assert pq.read_metadata(out).num_rows == rows
    assert peaks[1] < 1.15 * peaks[0]


# What the user should be told


@pytest.mark.parametrize("cell", ["1", "1.0", "1e0"])
def test_a_likelihood_ratio_of_one_is_remarked_on(tmp_path, shared, cell):
    """A table that codes findings 0 and 1 would else be read as telling nothing."""
    (tmp_path / "in.csv").write_text(f"id,fever\na,{cell}\nb,{cell}\n")
    tally = score_file(tmp_path / "in.csv", tmp_path / "out.csv", shared)
    assert [remark for remark in tally.remarks if "tells nothing" in remark] == list(tally.remarks)
    assert len(tally.remarks) == 1


def test_usual_cells_are_not_remarked_on(tmp_path, shared):
    (tmp_path / "in.csv").write_text("id,fever,first_episode\na,present,true\nb,2,\n")
    assert score_file(tmp_path / "in.csv", tmp_path / "out.csv", shared).remarks == ()


def test_a_case_with_steps_has_intervals_at_each_as_diagnose_gives_them(score, shared):
    data = {
        "id": "a",
        "age": 60,
        "steps": [{"label": "x", "present": ["fever"]}, {"label": "y", "absent": ["night_pain"]}],
    }
    (row,) = score(jsonl([data]), intervals=True)
    model = shared.get("documents")
    wanted = diagnose(model, parse_case(data, model.priors.structure), intervals=True).as_dict()
    assert len(row["steps"]) == 2
    for found, step in zip([row, *row["steps"]], [wanted, *wanted["steps"]], strict=True):
        assert found["intervals"] == step["intervals"]


def test_an_interruption_before_anything_was_written_names_no_file(tmp_path, monkeypatch):
    (tmp_path / "in.jsonl").write_text("{}\n")

    def press(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("model.score.score_file", press)
    result = run("score", tmp_path / "in.jsonl", "--out", tmp_path / "out.jsonl")
    assert result.exit_code == 130
    assert result.stderr.splitlines() == ["interrupted"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_or_a_device_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="not a regular file"), replacing(pipe) as handle:
        handle.write("x")
    assert pipe.is_fifo()
    target, link = tmp_path / "target.txt", tmp_path / "link.txt"
    target.write_text("old")
    link.symlink_to(target)
    with replacing(link) as handle:
        handle.write("new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.txt", "pipe", "target.txt"]
