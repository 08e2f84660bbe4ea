"""Whole columns of a table at once: which rows are regular, and that they say what the same rows say read one by one.

Not here: files and their results (`test_model_score.py`).
"""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import BadCase, parse_case
from model.case import stages
from model.casecolumns import IRREGULAR, regular_rows
from model.casefile import CARRIED
from model.caserows import CONTEXT_COLUMNS, TableRows, text_of
from model.evidence_batch import evidence_of
from model.models import Models

MODELS = Models()
STRUCTURE = MODELS.structure
KNOWN = frozenset((*CONTEXT_COLUMNS, *STRUCTURE.findings, *STRUCTURE.values, *STRUCTURE.facts, *CARRIED))


def table(columns, errors=None):
    """Return rows as the readers hand them on."""
    batch = pa.RecordBatch.from_pydict({name: pa.array(cells) for name, cells in columns.items()})
    return TableRows(batch, range(1, batch.num_rows + 1), KNOWN, errors or {})


def read(columns, chosen=None, errors=None):
    return regular_rows(table(columns, errors), STRUCTURE, chosen, MODELS.profiles)


def codes(name, cells):
    """Return what a column's cells mean; `IRREGULAR` where they need a look of their own."""
    rows = read({name: cells})
    return [int(code) if fine else IRREGULAR for code, fine in zip(rows.answers[0], rows.regular, strict=True)]


WORDS = ["present", " absent\t", "", "  ", None, "Present", "2.5", "nan", "presentabsent"]
FORMS = {
    "texts": lambda cells: pa.array(cells, pa.string()),
    "large texts": lambda cells: pa.array(cells, pa.large_string()),
    "text views": lambda cells: pa.array(cells, pa.string_view()),
    "dictionary": lambda cells: pa.array(cells, pa.string()).dictionary_encode(),
    "dictionary of large texts": lambda cells: pa.array(cells, pa.large_string()).dictionary_encode(),
    "null in the dictionary": lambda cells: pa.DictionaryArray.from_arrays(
        pa.array(range(len(cells)), pa.int16()), pa.array(cells, pa.string())
    ),
    "part of a longer column": lambda cells: pa.array(["x", *cells, "x"], pa.string()).slice(1, len(cells)),
    "part of a longer dictionary": lambda cells: pa.array(["x", *cells, "x"]).dictionary_encode().slice(1, len(cells)),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_finding_is_present_absent_or_not_assessed(form):
    assert codes("fever", FORMS[form](WORDS)) == [1, 2, 0, 0, 0, *[IRREGULAR] * 4]


@pytest.mark.parametrize("form", FORMS)
def test_sexes_have_their_state(form):
    female, male = (STRUCTURE.sex.states.index(sex) + 1 for sex in ("female", "male"))
    cells = ["female", " male ", "", None, "m", "Female"]
    assert codes("sex", FORMS[form](cells)) == [female, male, 0, 0, IRREGULAR, IRREGULAR]


def ages(context):
    """Return numbers in and around every band."""
    starts = [band.start for band in context.bands]
    return [n + d for n in (*starts, context.minimum, context.maximum) for d in (-1.0, -0.25, 0.0, 0.25, 1.0)]


NUMBERS = {
    "float64": lambda cells: pa.array(cells, pa.float64()),
    "float32": lambda cells: pa.array(cells, pa.float32()),
    "texts": lambda cells: pa.array([None if cell is None else f" {cell} " for cell in cells], pa.string()),
    "dictionary": lambda cells: pa.array([None if cell is None else str(cell) for cell in cells]).dictionary_encode(),
}


@pytest.mark.parametrize("form", NUMBERS)
@pytest.mark.parametrize("context", [STRUCTURE.age, STRUCTURE.duration], ids=lambda context: context.name)
def test_numbers_have_the_band_that_a_case_gives_them(context, form):
    cells = [*ages(context), None]
    wanted = [
        0
        if n is None
        else context.states.index(context.band_of(n).state) + 1
        if context.minimum <= n <= context.maximum
        else IRREGULAR
        for n in cells
    ]
    assert set(range(len(context.bands) + 1)) | {IRREGULAR} == set(wanted)
    assert codes(context.name, NUMBERS[form](cells)) == wanted


@pytest.mark.parametrize("kind", [pa.int8(), pa.int64(), pa.uint8(), pa.uint64()], ids=str)
def test_whole_numbers_have_their_band(kind):
    cells = [0, 17, 18, 59, 120, 121, None]
    wanted = [STRUCTURE.age.states.index(STRUCTURE.age.band_of(n).state) + 1 for n in cells[:5]]
    assert codes("age", pa.array(cells, kind)) == [*wanted, IRREGULAR, 0]


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        pytest.param(pa.array([np.nan, None]), [0, 0], id="NaN"),
        pytest.param(pa.array([np.nan, None], pa.float32()), [0, 0], id="NaN of half the size"),
        pytest.param(pa.array(np.array([np.nan], np.float16)), [0], id="NaN of a quarter"),
        pytest.param(pa.nulls(2), [0, 0], id="nulls"),
        pytest.param(pa.array([np.inf, -np.inf]), [IRREGULAR] * 2, id="infinite"),
        pytest.param(pa.array([2**63 - 1, -(2**63)]), [IRREGULAR] * 2, id="beyond a float"),
        pytest.param(pa.array([2**64 - 1], pa.uint64()), [IRREGULAR], id="beyond a float, unsigned"),
        pytest.param(pa.array(["nan", "inf", "1e999", "5_9", "５９", "59 years", "0x3b"]), [IRREGULAR] * 7, id="words"),
        pytest.param(pa.array([True, None]), [IRREGULAR, 0], id="true"),
        pytest.param(pa.array([Decimal(59), None]), [IRREGULAR, 0], id="decimals, read one by one"),
        pytest.param(pa.array([59, None]).dictionary_encode(), [IRREGULAR, 0], id="dictionary, read one by one"),
    ],
)
def test_ages_that_are_none(cells, wanted):
    assert codes("age", cells) == wanted


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param(pa.array([True, None]), id="true"),
        pytest.param(pa.array([2.5, np.nan]), id="ratios"),
        pytest.param(pa.array([1, None]), id="whole numbers"),
        pytest.param(pa.array([1, None]).dictionary_encode(), id="dictionary of numbers"),
    ],
)
@pytest.mark.parametrize("name", ["fever", "sex"])
def test_a_word_column_of_numbers_is_regular_where_it_is_blank(name, cells):
    assert codes(name, cells) == [IRREGULAR, 0]


IDS = {
    "texts": (["p1", " p2 ", "", None], ["p1", "p2", None, None]),
    "whole numbers": ([1, 2, None, 4], ["1", "2", None, "4"]),
    "floats": ([1.0, 2.5, None, np.nan], ["1", "2.5", None, None]),
    "true": ([True, False, None, None], ["true", "false", None, None]),
    "dictionary": (pa.array(["p", None, "p", ""]).dictionary_encode(), ["p", None, "p", None]),
}


@pytest.mark.parametrize(("cells", "wanted"), IDS.values(), ids=IDS.keys())
def test_ids_are_those_of_rows_read_one_by_one(cells, wanted):
    rows = table({"id": cells})
    assert read({"id": cells}).ids == wanted
    assert [rows.record(i, STRUCTURE).data.get("id") for i in range(4)] == wanted


def test_a_setting_picks_the_profile():
    cells = ["emergency", " specialist ", "", None, "nowhere", "../emergency"]
    rows = read({"setting": cells})
    assert rows.profiles[:4] == ["emergency", "specialist", "documents", "documents"]
    assert rows.regular.tolist() == [True] * 4 + [False] * 2


def test_a_chosen_profile_makes_every_setting_regular():
    rows = read({"setting": ["emergency", "nowhere", ""]}, chosen="specialist")
    assert rows.profiles == ["specialist"] * 3
    assert rows.regular.all()


@pytest.mark.parametrize("name", ["first_episode", "esr_mm_h", "unheard_of"])
@pytest.mark.parametrize("blank", ["", "  ", None], ids=repr)
def test_columns_without_evidence_are_regular_where_blank(name, blank):
    assert read({name: [blank, "x"]}).regular.tolist() == [True, False]
    assert read({name: [None, 1.0]}).regular.tolist() == [True, False]


@pytest.mark.parametrize("name", CARRIED)
def test_carried_columns_are_always_regular(name):
    assert read({name: ["x", None]}).regular.all()


def test_rows_that_could_not_be_read_are_not_regular():
    rows = read({"fever": ["present", None, "absent"]}, errors={1: "not a text in UTF-8"})
    assert rows.regular.tolist() == [True, False, True]


def test_no_rows_and_no_findings():
    assert read({"fever": pa.array([], pa.string())}).answers.shape == (1, 0)
    rows = read({"id": ["a", "b"]})
    assert rows.regular.tolist() == [True, True]
    assert rows.batch(np.array([0, 1])).num_cases == 2


# The two ways of reading a row agree, whatever stands in it.

CELLS = st.sampled_from(
    [
        *("present", "absent", "", " present", "Present", "2.5", "0", "-1", "1e400", "nan", "inf", "x", "true", "59"),
        *("female", "male", "emergency", "nowhere", "120", "120.0001", "-0.0", "1e2", "=1+1", "\0", "\u00a0", "５"),
        None,
    ]
)
NAMES = ["id", "age", "sex", "duration_weeks", "setting", "fever", "night_pain", "esr_raised", "abi", "first_episode"]


def of_columns(cells):
    """Return a strategy for three rows of every column."""
    return st.fixed_dictionaries({name: st.lists(cells, min_size=3, max_size=3) for name in (*NAMES, "notes")})


def same_both_ways(rows):
    """Hold each regular row to be a case without a fault, and to say what the case says."""
    found = regular_rows(rows, STRUCTURE, None, MODELS.profiles)
    for position in np.flatnonzero(found.regular):
        record = rows.record(int(position), STRUCTURE)
        assert not record.error
        case = parse_case(record.data, STRUCTURE)
        assert found.ids[position] == case.id
        model = MODELS.for_case(case, None)
        assert found.profiles[position] == model.profile
        evidence = evidence_of(model.network, found.batch(np.array([position])), 0)
        wanted = stages(case, STRUCTURE)[-1].evidence
        assert set(evidence.observed) == set(wanted.observed)
        assert evidence.unsure == wanted.unsure == ()
    return found.regular


@given(of_columns(CELLS), st.sampled_from(list(FORMS)))
def test_regular_rows_say_what_they_say_one_by_one(columns, form):
    same_both_ways(table({name: FORMS[form](cells) for name, cells in columns.items()}))


@given(st.lists(st.floats(allow_nan=True, width=32) | st.none(), min_size=1, max_size=8))
@pytest.mark.parametrize("kind", [pa.float32(), pa.float64()], ids=str)
@pytest.mark.parametrize("name", ["age", "duration_weeks", "fever", "abi"])
def test_floats_say_what_they_say_one_by_one(name, kind, numbers):
    same_both_ways(table({name: pa.array(numbers, kind)}))


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-1, 130) | st.none(), min_size=1, max_size=8))
def test_whole_numbers_say_what_they_say_one_by_one(numbers):
    same_both_ways(table({"age": pa.array(numbers, pa.int64())}))


def test_rows_of_the_usual_words_are_all_regular():
    """Else the fast way would be right and never taken."""
    columns = {
        "id": ["a", "b", "c"],
        "age": ["59", "", "30.5"],
        "sex": ["male", "female", ""],
        "duration_weeks": ["8", "1e1", ""],
        "setting": ["", "emergency", "documents"],
        "fever": ["present", "absent", ""],
        "esr_mm_h": ["", "", ""],
        "first_episode": ["true", "FALSE", ""],
        "notes": ["anything", "", "2.5"],
    }
    assert same_both_ways(table(columns)).all()


# One row by itself.


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        *((59, "59"), (59.0, "59"), (59.5, "59.5"), (0.1, "0.1"), (-0.0, "0"), (1e22, "1e+22")),
        *((2.0**53, "9007199254740992.0"), (np.nan, ""), (Decimal("2.50"), "2.50")),
        *((None, ""), (True, "true"), (" x ", "x")),
    ],
    ids=repr,
)
def test_a_cell_as_a_person_would_type_it(value, wanted):
    assert text_of(value) == wanted


def test_a_row_by_itself_is_a_case():
    rows = table(
        {"id": ["a"], "age": [59.0], "fever": ["2.5"], "night_pain": ["absent"], "abi": [0.9], "first_episode": [True]}
    )
    assert rows.record(0, STRUCTURE).data == {
        **{"id": "a", "age": 59.0, "first_episode": True},
        **{"present": [], "absent": ["night_pain"], "unsure": {"fever": 2.5}, "values": {"abi": 0.9}},
    }


def test_a_bad_row_by_itself_keeps_its_id_and_line():
    record = table({"id": ["a", "b"], "fever": ["", "maybe"]}).record(1, STRUCTURE)
    assert (record.line, record.data) == (2, {"id": "b"})
    assert "fever: expected present, absent, blank or a likelihood ratio, found 'maybe'" in record.error
    with pytest.raises(BadCase):
        parse_case({"present": ["maybe"]}, STRUCTURE)
