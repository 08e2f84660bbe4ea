"""Break the folder of priors one thing at a time: the loader must say where, what, and what was expected.

Not here: laws of the shipped numbers (`test_priors_data.py`).
"""

import csv
import io
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from priors import PRIORS_FOLDER, PriorsError, Problem, load_priors
from priors.records import Key

HEADER = (
    *("parameter", "node", "state", "given", "causes", "value", "low", "high"),
    *("events", "total", "kind", "population", "source", "note"),
)
TABLES = ("prevalence.csv", "likelihoods.csv", "context.csv", "age_effects.csv", "dependence.csv", "thresholds.csv")
TOMLS = (
    *("causes.toml", "context.toml", "findings.toml", "syndromes.toml"),
    *("discrepancies.toml", "cannot_miss.toml", "cohorts.toml"),
)

UNREAD = "\n@misc{nobody1999unread,\n  author = {Nobody, N.},\n  title = {Never opened},\n  year = {1999},\n}\n"


@dataclass(frozen=True)
class Folder:
    """A copy of the priors that a test may break."""

    path: Path

    def rows(self, file):
        """Return all rows of a table as lists of cells."""
        with (self.path / file).open(encoding="utf-8", newline="") as handle:
            return list(csv.reader(handle))

    def write(self, file, rows, **style):
        """Write a table."""
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n", **style).writerows(rows)
        (self.path / file).write_text(text.getvalue(), encoding="utf-8")

    def find(self, file, skip=0, **cells):
        """Return the spreadsheet row (the header is 1) of the first row with these cells."""
        for number, row in enumerate(self.rows(file), start=1):
            found = dict(zip(HEADER, row, strict=True))
            if number > 1 and all(found[name] == cell for name, cell in cells.items()):
                if not skip:
                    return number
                skip -= 1
        raise AssertionError(f"{file}: no row with {cells}")

    def cell(self, file, number, name):
        """Return one cell."""
        return self.rows(file)[number - 1][HEADER.index(name)]

    def set(self, file, number, **cells):
        """Change cells of one row."""
        rows = self.rows(file)
        for name, cell in cells.items():
            rows[number - 1][HEADER.index(name)] = cell
        self.write(file, rows)

    def drop(self, file, number):
        """Remove one row."""
        rows = self.rows(file)
        del rows[number - 1]
        self.write(file, rows)

    def append(self, file, **cells):
        """Add a row at the end and return its spreadsheet row."""
        rows = self.rows(file)
        rows.append([cells.get(name, "") for name in HEADER])
        self.write(file, rows)
        return len(rows)

    def edit(self, file, old, new):
        """Replace the first occurrence of a text."""
        text = (self.path / file).read_text(encoding="utf-8")
        assert old in text, f"{file} no longer holds {old!r}"
        (self.path / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    def load(self, profile="documents"):
        """Load the copy."""
        return load_priors(self.path, profile)

    def problems(self, profile="documents"):
        """Return the faults that the loader must find."""
        with pytest.raises(PriorsError) as caught:
            self.load(profile)
        found = caught.value.problems
        assert found, "a PriorsError without a problem"
        assert str(caught.value).splitlines() == [str(problem) for problem in found]
        return found

    def only_problem(self, profile="documents"):
        """Return the fault, and see to it that there is one alone."""
        found = self.problems(profile)
        assert len(found) == 1, "one fault, several complaints:\n" + "\n".join(map(str, found))
        return found[0]


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "priors"
    shutil.copytree(PRIORS_FOLDER, path, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return Folder(path)


def expect(problem, file, row, field, *said):
    """Check the place of a problem, and that its text holds what the user needs."""
    assert (problem.file, problem.row, problem.field) == (file, row, field), str(problem)
    text = str(problem)
    place = f"{file}, row {row}" if row else file
    assert text.startswith(place), text
    assert field in text
    for words in said:
        assert words in problem.message, f"{words!r} not in {problem.message!r}"


def a_probability(folder):
    """Return the row of a probability with an interval, one cause and a plain key."""
    return folder.find("likelihoods.csv", node="anorexia", causes="buttock_sarcoma", events="")


def test_copy_loads_as_the_original(folder):
    assert folder.load().digest == load_priors().digest


# One cell at a time: cells changed, the field at fault, and words the message must hold.
CELLS = {
    "unknown source": ({"source": "nosuch2020key"}, "source", ["'nosuch2020key'", "references.bib"]),
    "one unknown source of two": ({"source": "desk_judgement;nosuch2020key"}, "source", ["'nosuch2020key'"]),
    "misspelt source": ({"source": "desk_judgment"}, "source", ["did you mean desk_judgement?"]),
    "interval misses value, above": (
        {"value": "0.9", "low": "0.2", "high": "0.4"},
        "value",
        ["0.9", "interval", "0.2", "0.4"],
    ),
    "interval misses value, below": ({"value": "0.1", "low": "0.2", "high": "0.4"}, "value", ["0.1", "interval"]),
    "interval turned round": ({"value": "0.3", "low": "0.4", "high": "0.2"}, "value", ["interval"]),
    "a point": ({"value": "0.3", "low": "0.3", "high": "0.3"}, "high", ["expected an interval"]),
    "no interval": ({"low": "", "high": ""}, "low", ["expected an interval", "events", "total"]),
    "half an interval": ({"high": ""}, "high", ["expected both low and high"]),
    "counts whose band misses": (
        {"value": "0.5", "low": "", "high": "", "events": "1", "total": "1000"},
        "value",
        ["0.5", "1 of 1000"],
    ),
    "more events than patients": (
        {"low": "", "high": "", "events": "11", "total": "10"},
        "events",
        ["events <= total", "11 of 10"],
    ),
    "counts of nobody": ({"low": "", "high": "", "events": "0", "total": "0"}, "events", ["events <= total"]),
    "half a patient": ({"events": "1.5", "total": "10"}, "events", ["expected a count", "1.5"]),
    "negative count": ({"events": "-1", "total": "10"}, "events", ["expected a count", "-1"]),
    "unknown cause": ({"causes": "disc_hernation"}, "causes", ["'disc_hernation'", "did you mean disc_herniation?"]),
    "no cause": ({"causes": ""}, "causes", ["empty", "expected", "others"]),
    "commas between causes": ({"causes": "buttock_sarcoma,other"}, "causes", ["unknown cause"]),
    "unknown kind": ({"kind": "guess"}, "kind", ["'guess'", "judgement", "measured"]),
    "misspelt kind": ({"kind": "judgment"}, "kind", ["did you mean judgement?"]),
    "no kind": ({"kind": ""}, "kind", ["empty"]),
    "no population": ({"population": ""}, "population", ["empty"]),
    "blank population": ({"population": "   "}, "population", ["empty"]),
    "no source": ({"source": ""}, "source", ["empty"]),
    "no note": ({"note": ""}, "note", ["empty"]),
    "no value": ({"value": ""}, "value", ["empty", "expected a number"]),
    "value in words": ({"value": "often"}, "value", ["expected a number", "'often'"]),
    "decimal comma": ({"value": "0,5"}, "value", ["expected a number", "'0,5'"]),
    "per cent": ({"value": "50 %"}, "value", ["expected a number", "'50 %'"]),
    "value NaN": ({"value": "NaN"}, "value", ["expected a number", "'NaN'"]),
    "value inf": ({"value": "inf"}, "value", ["expected a number", "'inf'"]),
    "unknown parameter": ({"parameter": "probabilty"}, "parameter", ["did you mean probability?"]),
    "unknown state": ({"state": "yes"}, "state", ["'yes'", "present"]),
    "unknown given": ({"given": "age=under_20"}, "given", ["'age=under_20'", "expected"]),
    "unknown finding": ({"node": "anorexi"}, "node", ["'anorexi'", "did you mean anorexia?"]),
    "no finding": ({"node": ""}, "node", ["empty"]),
}


@pytest.mark.parametrize(("cells", "field", "said"), CELLS.values(), ids=CELLS.keys())
def test_one_bad_cell(folder, cells, field, said):
    row = a_probability(folder)
    folder.set("likelihoods.csv", row, **cells)
    expect(folder.only_problem(), "likelihoods.csv", row, field, *said)


@pytest.mark.parametrize("number", ["1.2", "1", "0", "-0.1"])
def test_probability_out_of_range(folder, number):
    row = a_probability(folder)
    folder.set("likelihoods.csv", row, value=number, low="0.01", high="0.99")
    problems = folder.problems()
    expect(problems[0], "likelihoods.csv", row, "value", "above 0 and below 1", number)


@pytest.mark.parametrize(("field", "number"), [("low", "0"), ("low", "nan"), ("high", "1"), ("high", "-inf")])
def test_bounds_of_an_interval_are_checked(folder, field, number):
    row = a_probability(folder)
    folder.set("likelihoods.csv", row, **{field: number})
    expect(folder.problems()[0], "likelihoods.csv", row, field, "expected a", number)


@pytest.mark.parametrize(
    ("file", "parameter", "number", "said"),
    [
        pytest.param("age_effects.csv", "odds_multiplier", "0", "odds multiplier above 0", id="multiplier 0"),
        pytest.param("age_effects.csv", "odds_multiplier", "-2", "odds multiplier above 0", id="multiplier -2"),
        pytest.param("dependence.csv", "dependence", "0.97", "from 0 to 0.95", id="strength 0.97"),
        pytest.param("dependence.csv", "dependence", "-0.1", "from 0 to 0.95", id="strength -0.1"),
    ],
)
def test_other_parameters_have_their_own_range(folder, file, parameter, number, said):
    row = folder.find(file, parameter=parameter)
    folder.set(file, row, value=number)
    expect(folder.problems()[0], file, row, "value", said, number)


@pytest.mark.parametrize("kind", ["measured", "pooled"])
def test_a_read_number_needs_a_source_that_was_read(folder, kind):
    (folder.path / "references.bib").write_text(
        (folder.path / "references.bib").read_text(encoding="utf-8") + UNREAD, encoding="utf-8"
    )
    row = a_probability(folder)
    folder.set("likelihoods.csv", row, kind=kind, source="nobody1999unread")
    expect(folder.only_problem(), "likelihoods.csv", row, "source", "nobody1999unread", "read", kind)
    folder.set("likelihoods.csv", row, kind="judgement")
    folder.load()  # a judgement may lean on it


def test_events_without_total_is_not_passed_over(folder):
    row = a_probability(folder)
    folder.set("likelihoods.csv", row, events="3", total="")
    problem = folder.only_problem()
    assert (problem.file, problem.row) == ("likelihoods.csv", row)
    assert problem.field in ("events", "total")


def test_good_counts_need_no_interval(folder):
    row = a_probability(folder)
    folder.set("likelihoods.csv", row, value="0.7", low="", high="", events="53", total="73")
    assert folder.load().number(Key("probability", "anorexia", "present"), "buttock_sarcoma") == 0.7


# Rows that stand twice, or not at all.


def test_duplicate_row_names_the_first(folder):
    row = a_probability(folder)
    cells = dict(zip(HEADER, folder.rows("likelihoods.csv")[row - 1], strict=True))
    twin = folder.append("likelihoods.csv", **cells)
    expect(
        folder.only_problem(),
        "likelihoods.csv",
        twin,
        "causes",
        "anorexia",
        "buttock_sarcoma",
        f"likelihoods.csv, row {row}",
    )


def test_cause_covered_again_by_another_rows_list(folder):
    row = a_probability(folder)
    cells = dict(zip(HEADER, folder.rows("likelihoods.csv")[row - 1], strict=True))
    taken = {row[HEADER.index("causes")] for row in folder.rows("likelihoods.csv") if row[1] == "anorexia"}
    assert "others" in taken, "this test needs a cause that only `others` covers"
    twin = folder.append("likelihoods.csv", **cells | {"causes": "hip_osteoarthritis; buttock_sarcoma"})
    problem = next(p for p in folder.problems() if "buttock_sarcoma" in p.message)
    expect(problem, "likelihoods.csv", twin, "causes", "stands already", f"row {row}")


def test_cause_twice_in_one_list(folder):
    row = a_probability(folder)
    folder.set("likelihoods.csv", row, causes="buttock_sarcoma;buttock_sarcoma")
    problem = folder.problems()[0]
    expect(problem, "likelihoods.csv", row, "causes", "buttock_sarcoma")


def test_duplicate_prevalence(folder):
    row = folder.find("prevalence.csv", state="spinal_stenosis")
    twin = folder.append("prevalence.csv", **dict(zip(HEADER, folder.rows("prevalence.csv")[row - 1], strict=True)))
    expect(folder.only_problem(), "prevalence.csv", twin, "causes", "spinal_stenosis", f"prevalence.csv, row {row}")


def test_prevalence_names_its_cause_in_state(folder):
    row = folder.find("prevalence.csv", state="spinal_stenosis")
    folder.set("prevalence.csv", row, causes="spinal_stenosis")
    expect(folder.only_problem(), "prevalence.csv", row, "causes", "expected nothing", "state")


def test_missing_row_names_finding_and_cause(folder):
    rows = [row for row in folder.rows("likelihoods.csv") if row[1] == "anorexia"]
    assert len(rows) > 1
    row = folder.find("likelihoods.csv", node="anorexia", causes="others")
    folder.drop("likelihoods.csv", row)
    problem = folder.only_problem()
    expect(problem, "likelihoods.csv", None, "", "missing row", "anorexia=present")
    named = {cause for row in rows for cause in row[4].split(";")}
    for cause in load_priors().structure.cause_names:
        assert (cause in problem.message) == (cause not in named), problem.message


def test_missing_prevalence(folder):
    folder.drop("prevalence.csv", folder.find("prevalence.csv", state="spinal_cyst"))
    expect(folder.only_problem(), "prevalence.csv", None, "", "missing row", "cause=spinal_cyst")


@pytest.mark.parametrize("file", ["context.csv", "age_effects.csv", "dependence.csv"])
def test_missing_row_elsewhere(folder, file):
    cells = dict(zip(HEADER, folder.rows(file)[1], strict=True))
    folder.drop(file, 2)
    problems = folder.problems()
    assert all(problem.file == file for problem in problems)
    text = problems[0].message
    assert f"{cells['node']}={cells['state']}" in text
    assert "missing row" in text


def test_empty_table_lists_every_missing_parameter(folder):
    folder.write("prevalence.csv", [HEADER])
    problems = folder.problems()
    assert len(problems) == 14
    assert all("missing row" in problem.message for problem in problems)


# A file as a whole.


@pytest.mark.parametrize("cells", [13, 15])
def test_wrong_number_of_cells(folder, cells):
    row = a_probability(folder)
    rows = folder.rows("likelihoods.csv")
    rows[row - 1] = (rows[row - 1] + ["more"])[:cells]
    folder.write("likelihoods.csv", rows)
    expect(folder.only_problem(), "likelihoods.csv", row, "", "expected 14 cells", f"found {cells}")


@pytest.mark.parametrize("file", TABLES)
def test_wrong_header(folder, file):
    rows = folder.rows(file)
    rows[0][rows[0].index("kind")] = "type"
    folder.write(file, rows)
    expect(folder.only_problem(), file, 1, "header", "kind")


def test_columns_in_another_order_are_refused(folder):
    rows = folder.rows("context.csv")
    rows[0][6], rows[0][7] = rows[0][7], rows[0][6]
    folder.write("context.csv", rows)
    expect(folder.only_problem(), "context.csv", 1, "header", ",low,high,")


def test_semicolon_separated_file(folder):
    folder.write("context.csv", folder.rows("context.csv"), delimiter=";")
    expect(folder.only_problem(), "context.csv", 1, "header", "separated by commas")


def test_empty_file(folder):
    (folder.path / "context.csv").write_text("")
    expect(folder.only_problem(), "context.csv", 1, "header", "expected the columns")


def test_byte_order_mark_and_windows_line_ends_are_accepted(folder):
    before = folder.load().digest
    for file in TABLES:
        text = (folder.path / file).read_text(encoding="utf-8")
        with (folder.path / file).open("w", encoding="utf-8-sig", newline="") as handle:
            handle.write(text.replace("\n", "\r\n"))
    assert folder.load().digest == before


def test_blank_lines_do_not_shift_the_row_number(folder):
    row = a_probability(folder)
    folder.set("likelihoods.csv", row, value="often")
    lines = (folder.path / "likelihoods.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder.path / "likelihoods.csv").write_text("".join([lines[0], "\n", ",,,\n", *lines[1:]]), encoding="utf-8")
    expect(folder.only_problem(), "likelihoods.csv", row + 2, "value", "'often'")


@pytest.mark.parametrize("file", [*TABLES, *TOMLS, "references.bib"])
def test_not_utf8(folder, file):
    (folder.path / file).write_bytes((folder.path / file).read_bytes() + "\n# Müller\n".encode("latin-1"))
    problem = folder.only_problem()
    assert problem.file == file
    assert "utf" in problem.message.lower()


@pytest.mark.parametrize("file", [*TABLES, *TOMLS, "references.bib"])
def test_missing_file(folder, file):
    (folder.path / file).unlink()
    expect(folder.only_problem(), file, None, "", "missing")


@pytest.mark.parametrize("file", ["likelihoods.csv", "findings.toml", "references.bib"])
def test_a_folder_in_the_place_of_a_file(folder, file):
    (folder.path / file).unlink()
    (folder.path / file).mkdir()
    assert folder.only_problem().file == file


def test_missing_folder(tmp_path):
    with pytest.raises(PriorsError, match="nowhere"):
        load_priors(tmp_path / "nowhere")


def test_unclosed_quote_in_a_table(folder):
    rows = folder.path / "context.csv"
    rows.write_text(rows.read_text(encoding="utf-8") + '"never closed', encoding="utf-8")
    assert folder.only_problem().file == "context.csv"


@pytest.mark.parametrize("file", TOMLS)
def test_broken_toml(folder, file):
    (folder.path / file).write_text("[cause\nlabel = ", encoding="utf-8")
    expect(folder.only_problem(), file, None, "", "not valid TOML", "line 1")


BROKEN_BIB = {
    "entry never closed": "\n@article{open2020,\n  author = {A},\n  title = {T},\n  year = {2020},\n",
    "no equals sign": "\n@article{noequals2020,\n  author {A},\n  title = {T},\n  year = {2020},\n}\n",
    "same key twice": 2 * UNREAD,
    "no title": "\n@misc{untitled,\n  author = {A},\n  year = {2020},\n}\n",
    "no author": "\n@misc{anonymous,\n  title = {A},\n  year = {2020},\n}\n",
    "no year": "\n@misc{undated,\n  author = {A},\n  title = {T},\n}\n",
    "empty year": "\n@misc{undated,\n  author = {A},\n  title = {T},\n  year = {},\n}\n",
    "field twice": "\n@misc{twofold,\n  author = {A},\n  title = {T},\n  year = {2020},\n  year = {2021},\n}\n",
}


@pytest.mark.parametrize("entry", BROKEN_BIB.values(), ids=BROKEN_BIB.keys())
def test_broken_reference(folder, entry):
    path = folder.path / "references.bib"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + entry, encoding="utf-8")
    problems = folder.problems()
    assert {problem.file for problem in problems} == {"references.bib"}
    assert any((problem.row or 0) > text.count("\n") for problem in problems), "the line of the entry is not named"


def test_reference_broken_in_the_middle(folder):
    text = (folder.path / "references.bib").read_text(encoding="utf-8")
    head, _, tail = text.partition("\n}\n")  # the first entry loses its closing brace
    (folder.path / "references.bib").write_text(f"{head}\n{tail}", encoding="utf-8")
    assert any(problem.file == "references.bib" for problem in folder.problems())


@pytest.mark.parametrize(
    ("file", "old", "new", "field"),
    [
        pytest.param("causes.toml", "family =", 'colour = "red"\nfamily =', "colour", id="cause"),
        pytest.param("context.toml", "reference =", 'referense = "x"\nreference =', "referense", id="age"),
        pytest.param("findings.toml", "definition =", 'definitoin = "x"\ndefinition =', "definitoin", id="finding"),
        pytest.param("syndromes.toml", "label =", 'lable = "x"\nlabel =', "lable", id="syndrome"),
        pytest.param("discrepancies.toml", "id =", 'name = "x"\nid =', "name", id="discrepancy"),
        pytest.param("cannot_miss.toml", "action =", 'acton = "x"\naction =', "acton", id="outcome"),
        pytest.param("cohorts.toml", "caution =", 'cation = "x"\ncaution =', "cation", id="cohort"),
    ],
)
def test_unknown_toml_key(folder, file, old, new, field):
    folder.edit(file, old, new)
    problem = folder.only_problem()
    assert problem.file == file
    assert problem.field.split(".")[-1] == field
    assert "unknown key" in problem.message


@pytest.mark.parametrize("file", ["causes.toml", "context.toml", "findings.toml", "syndromes.toml"])
def test_missing_toml_key(folder, file):
    folder.edit(file, "label =", "# label =") if file != "context.toml" else folder.edit(file, 'label = "Age"\n', "")
    problem = folder.only_problem()
    assert problem.file == file
    assert problem.field.endswith("label")
    assert "missing" in problem.message


def test_toml_value_of_another_type(folder):
    folder.edit("findings.toml", "\nage = true", '\nage = "yes"')
    problem = folder.problems()[0]
    assert problem.file == "findings.toml"
    assert problem.field.endswith(".age")
    assert "expected bool, found 'yes'" in problem.message


def test_name_that_other_tools_refuse(folder):
    folder.edit("findings.toml", "[finding.fever]", '[finding."fever-38"]')
    assert any("fever-38" in p.field and "must match" in p.message for p in folder.problems())


def test_syndrome_name_that_other_tools_refuse(folder):
    folder.edit("syndromes.toml", "[root_tension]", '["root tension"]')
    assert any("root tension" in p.field and "must match" in p.message for p in folder.problems())


# Structure: what one file says against another.


def test_cycle_in_possible_if(folder):
    folder.edit(
        "findings.toml", '{any = ["motor_weakness=present"]}', '{any = ["bilateral_neurological_deficit=present"]}'
    )
    folder.edit(
        "findings.toml",
        '{any = ["motor_weakness=present", "sensory_loss=present"]}',
        '{any = ["progressive_motor_deficit=present"]}',
    )
    problem = folder.only_problem()
    expect(problem, "findings.toml", None, "possible_if", "cycle")
    assert "progressive_motor_deficit" in problem.message
    assert "bilateral_neurological_deficit" in problem.message


def test_finding_that_needs_itself(folder):
    folder.edit("findings.toml", '{any = ["motor_weakness=present"]}', '{any = ["progressive_motor_deficit=present"]}')
    expect(folder.only_problem(), "findings.toml", None, "possible_if", "cycle", "progressive_motor_deficit")


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        pytest.param('{any = ["motor_weakness=yes"]}', ["motor_weakness=yes", "present", "absent"], id="unknown state"),
        pytest.param('{any = ["motor_weaknes=present"]}', ["motor_weaknes=present"], id="unknown finding"),
        pytest.param('{any = ["motor_weakness"]}', ["motor_weakness", "present"], id="no state"),
        pytest.param('{any = ["cause=disc_herniation"]}', ["finding or context node"], id="on the cause"),
        pytest.param("{any = []}", ["at least one"], id="empty"),
        pytest.param('{some = ["motor_weakness=present"]}', ["any", "all"], id="neither any nor all"),
    ],
)
def test_bad_condition(folder, condition, said):
    folder.edit("findings.toml", '{any = ["motor_weakness=present"]}', condition)
    problem = folder.problems()[0]
    assert problem.file == "findings.toml"
    assert "progressive_motor_deficit.possible_if" in problem.field
    for words in said:
        assert words in problem.message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param(
            "slump_test_positive =", "slump_tset_positive =", ["slump_tset_positive", "unknown"], id="unknown"
        ),
        pytest.param(
            'motor_weakness = "present"',
            'motor_weakness = "present", slump_test_positive = "present"',
            ["slump_test_positive", "root_tension"],
            id="in two syndromes",
        ),
        pytest.param('slump_test_positive = "present"', 'slump_test_positive = "tense"', ["tense"], id="unknown state"),
        pytest.param('slump_test_positive = "present"', 'slump_test_positive = "absent"', ["absent"], id="remainder"),
        pytest.param("slump_test_positive =", "esr_over_50 =", ["esr_over_50", "possible_if"], id="bound by logic"),
        pytest.param('["relief_with_rest"]', '["fever"]', ["fever", "no member"], id="reversed outsider"),
    ],
)
def test_bad_syndrome_member(folder, old, new, said):
    folder.edit("syndromes.toml", old, new)
    problem = folder.problems()[0]
    assert problem.file == "syndromes.toml"
    for words in said:
        assert words in problem.message


def test_value_that_implies_an_unknown_finding(folder):
    folder.edit("context.toml", 'finding = "fever"', 'finding = "feever"')
    problem = folder.only_problem()
    assert problem.file == "context.toml"
    assert problem.field == "value.temperature_c.implies"
    assert "feever" in problem.message


def test_bands_out_of_order(folder):
    folder.edit("context.toml", "from = 35", "from = 19")
    problem = folder.only_problem()
    expect(problem, "context.toml", None, "age.bands", "ascending")


def test_reference_band_that_does_not_exist(folder):
    folder.edit("context.toml", 'reference = "age_35_49"', 'reference = "age_40"')
    expect(folder.only_problem(), "context.toml", None, "age.reference", "age_40")


def test_discrepancy_about_an_unknown_cause(folder):
    folder.edit("discrepancies.toml", '["disc_herniation"]', '["disc"]')
    problem = folder.only_problem()
    assert problem.file == "discrepancies.toml"
    assert "disc: unknown cause" in problem.message


# Sums.


def test_prevalences_that_do_not_sum(folder):
    row = folder.find("prevalence.csv", state="spinal_stenosis")
    folder.set("prevalence.csv", row, value="0.04")
    problem = folder.only_problem()
    assert problem.file == "prevalence.csv"
    assert problem.field == "value"
    assert "sum to 1.01" in problem.message
    assert "expected 1" in problem.message


@pytest.mark.parametrize("node", ["age", "sex", "duration_weeks"])
def test_context_shares_that_do_not_sum(folder, node):
    row = folder.find("context.csv", node=node)
    number = float(folder.cell("context.csv", row, "value"))
    folder.set("context.csv", row, value=repr(number + 1e-5))
    problems = folder.problems()
    for problem in problems:
        assert (problem.file, problem.field) == ("context.csv", "value")
        assert f"shares of {node} given" in problem.message
        assert "expected 1" in problem.message


def test_latent_shares_that_leave_no_remainder(folder):
    cells = {
        "kind": "judgement",
        "population": "x",
        "source": "desk_judgement",
        "note": "x",
        "parameter": "probability",
    }
    rows = [row for row in folder.rows("dependence.csv") if row[:2] != ["probability", "fracture_mechanism"]]
    folder.write("dependence.csv", rows)
    for state in ("fragility", "high_energy"):
        wide = {"value": "0.5", "low": "0.2", "high": "0.8"}
        folder.append("dependence.csv", node="fracture_mechanism", state=state, causes="all", **cells, **wide)
    problems = folder.problems()
    assert len(problems) == 14
    for problem in problems:
        assert (problem.file, problem.field) == ("dependence.csv", "value")
        assert "fracture_mechanism" in problem.message


# Several faults, and profiles.


def test_all_faults_are_listed_at_once(folder):
    row = a_probability(folder)
    folder.set("likelihoods.csv", row, value="often", kind="guess", note="", source="nosuch")
    folder.set("context.csv", 5, population="")
    folder.set("dependence.csv", 3, causes="disc")
    places = {(p.file, p.row, p.field) for p in folder.problems()}
    assert {
        ("likelihoods.csv", row, "value"),
        ("context.csv", 5, "population"),
        ("dependence.csv", 3, "causes"),
    } <= places


def test_all_faults_of_one_row_are_listed(folder):
    row = a_probability(folder)
    folder.set("likelihoods.csv", row, value="1.5", kind="guess", note="", source="nosuch", population="")
    fields = {p.field for p in folder.problems() if p.row == row}
    assert {"value", "kind", "note", "source", "population"} <= fields


def test_a_bad_number_does_not_hide_the_rest_of_its_row(folder):
    row = a_probability(folder)
    folder.set("likelihoods.csv", row, value="often", kind="guess", note="")
    fields = {p.field for p in folder.problems() if p.row == row}
    assert {"value", "kind", "note"} <= fields


def test_faults_of_two_toml_files_are_listed_at_once(folder):
    folder.edit("causes.toml", "family =", 'colour = "red"\nfamily =')
    folder.edit("syndromes.toml", "slump_test_positive =", "slump_tset_positive =")
    assert {p.file for p in folder.problems()} == {"causes.toml", "syndromes.toml"}


def test_others_in_a_profile_is_refused(folder):
    row = folder.append(
        "profiles/primary_care.csv",
        parameter="probability",
        node="anorexia",
        state="present",
        causes="others",
        value="0.01",
        low="0.001",
        high="0.1",
        kind="judgement",
        population="x",
        source="desk_judgement",
        note="x",
    )
    problem = folder.only_problem("primary_care")
    expect(problem, "profiles/primary_care.csv", row, "causes", "others", "name the causes")
    folder.load()  # the default profile does not read it


def test_profile_that_breaks_the_sum(folder):
    row = folder.find("profiles/primary_care.csv", state="spinal_stenosis")
    number = float(folder.cell("profiles/primary_care.csv", row, "value"))
    folder.set("profiles/primary_care.csv", row, value=repr(number + 0.01))
    problem = folder.only_problem("primary_care")
    assert problem.file == "profiles/primary_care.csv"
    assert "sum to 1.01" in problem.message


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("primary_car", "did you mean primary_care?", id="near"),
        pytest.param("zzz", "documents, emergency, primary_care, specialist", id="far"),
        pytest.param("Documents", "did you mean documents?", id="capital"),
        pytest.param("../profiles/emergency", "unknown profile", id="path without ending"),
        pytest.param("", "unknown profile", id="empty"),
    ],
)
def test_unknown_profile(name, said):
    with pytest.raises(PriorsError) as caught:
        load_priors(profile=name)
    text = str(caught.value)
    assert said in text
    assert repr(name) in text
    assert "\n" not in text


def test_unknown_profile_without_a_near_name_is_still_a_sentence():
    with pytest.raises(PriorsError) as caught:
        load_priors(profile="zzz")
    assert "'zzz' Expected" not in str(caught.value)


def test_overlay_path_that_does_not_exist(tmp_path):
    with pytest.raises(PriorsError, match=r"mine\.csv: missing"):
        load_priors(profile=str(tmp_path / "mine.csv"))


OVERLAY = {
    "parameter": "probability",
    "node": "history_of_cancer",
    "state": "present",
    "causes": "nonspecific",
    "value": "0.21",
    "low": "0.15",
    "high": "0.28",
    "kind": "judgement",
    "population": "spine clinic",
    "source": "desk_judgement",
    "note": "mine",
}


@pytest.fixture
def overlay(tmp_path):
    """Write a user's overlay of one row and return a function that rewrites it."""
    path = tmp_path / "mine.csv"

    def write(**cells):
        row = OVERLAY | cells
        Folder(tmp_path).write("mine.csv", [HEADER, [row.get(name, "") for name in HEADER]])
        return str(path)

    return write


def test_users_overlay_changes_its_rows_and_no_other(overlay):
    path = overlay()
    base, mine = load_priors(), load_priors(profile=path)
    changed = {
        (str(key), cause)
        for (key, cause), row in mine.cells.items()
        if row.estimate.value != base.cells[key, cause].estimate.value
    }
    assert changed == {("probability of history_of_cancer=present", "nonspecific")}
    assert mine.number(Key("probability", "history_of_cancer", "present"), "nonspecific") == 0.21
    assert mine.cells.keys() == base.cells.keys()
    assert mine.digest != base.digest
    assert mine.profile == path


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param({"note": "another word"}, id="note"),
        pytest.param({"population": "somebody else"}, id="population"),
        pytest.param({"source": "case_report_r"}, id="source"),
    ],
)
def test_text_changes_leave_the_digest(overlay, cells):
    before = load_priors(profile=overlay()).digest
    assert load_priors(profile=overlay(**cells)).digest == before


@pytest.mark.parametrize("cells", [{"value": "0.2101"}, {"low": "0.1501"}, {"high": "0.2801"}], ids=str)
def test_number_changes_change_the_digest(overlay, cells):
    before = load_priors(profile=overlay()).digest
    assert load_priors(profile=overlay(**cells)).digest != before


@pytest.mark.parametrize(
    ("cells", "field", "said"),
    [
        pytest.param({"value": "0.5"}, "value", "interval", id="interval misses"),
        pytest.param({"node": "history_of_cancr"}, "node", "did you mean history_of_cancer?", id="finding"),
        pytest.param({"causes": "nonspecifc"}, "causes", "did you mean nonspecific?", id="cause"),
        pytest.param({"source": "me"}, "source", "references.bib", id="source"),
    ],
)
def test_users_overlay_is_checked_as_strictly(overlay, cells, field, said):
    path = overlay(**cells)
    with pytest.raises(PriorsError) as caught:
        load_priors(profile=path)
    (problem,) = caught.value.problems
    expect(problem, path, 2, field, said)


def test_users_overlay_duplicate_row(overlay, tmp_path):
    path = overlay()
    row = (tmp_path / "mine.csv").read_text().splitlines()[1]
    (tmp_path / "mine.csv").write_text((tmp_path / "mine.csv").read_text() + row + "\n")
    with pytest.raises(PriorsError) as caught:
        load_priors(profile=path)
    (problem,) = caught.value.problems
    expect(problem, path, 3, "causes", "row 2")


# Questions, burdens, what a finding points to, what must not be missed


@pytest.mark.parametrize(
    ("old", "new", "field", "said"),
    [
        pytest.param('burden = "ask"', 'burden = "asking"', "burden", "expected one of ask, examine", id="burden"),
        pytest.param("minutes = 1\n", "minutes = 0\n", "minutes", "above 0", id="no minutes"),
        pytest.param("minutes = 1\n", 'minutes = "one"\n', "minutes", "expected float", id="minutes in words"),
        pytest.param(
            'points_to = ["spinal_infection"]',
            'points_to = ["spinal_infecton"]',
            "points_to",
            "did you mean spinal_infection?",
            id="points to nobody",
        ),
        pytest.param("\nquestion =", '\nqestion = "x"\nquestion =', "qestion", "unknown key", id="misspelt key"),
    ],
)
def test_a_fault_in_what_a_finding_takes(folder, old, new, field, said):
    folder.edit("findings.toml", old, new)
    problem = folder.only_problem()
    assert problem.file == "findings.toml"
    assert problem.field == f"finding.fever.{field}"
    assert said in problem.message


def test_a_finding_without_a_burden_is_told_once(folder):
    folder.edit("findings.toml", 'burden = "ask"\n', "")
    assert folder.only_problem().message == "missing; expected str"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param('"cause=spinal_infection"', '"cause=infection"', "expected one of disc_herniation", id="state"),
        pytest.param('"cause=spinal_infection"', '"fevr=present"', "a finding, cause or complication", id="node"),
        pytest.param('["cause=spinal_infection"]', "[]", "at least one", id="no terms"),
    ],
)
def test_a_fault_in_what_must_not_be_missed(folder, old, new, said):
    folder.edit("cannot_miss.toml", old, new)
    problem = folder.only_problem()
    assert problem.file == "cannot_miss.toml"
    assert "spinal_infection" in problem.field
    assert said in problem.message


def test_an_outcome_needs_its_threshold(folder):
    folder.drop("thresholds.csv", folder.find("thresholds.csv", node="spinal_infection"))
    problem = folder.only_problem()
    assert problem.file == "thresholds.csv"
    assert "missing row: threshold of spinal_infection=present" in problem.message


def test_a_threshold_needs_its_outcome(folder):
    number = folder.find("thresholds.csv", node="spinal_infection")
    folder.set("thresholds.csv", number, node="spinal_infecton")
    problems = folder.problems()
    expect(problems[0], "thresholds.csv", number, "node", "did you mean spinal_infection?")


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        pytest.param({"value": "1.2"}, "value", id="over one"),
        pytest.param({"causes": "disc_herniation"}, "causes", id="with a cause"),
    ],
)
def test_a_fault_in_a_threshold(folder, cells, field):
    number = folder.find("thresholds.csv", node="spinal_infection")
    folder.set("thresholds.csv", number, **cells)
    assert {(p.file, p.row, p.field) for p in folder.problems()} >= {("thresholds.csv", number, field)}


def test_an_overlay_may_change_a_threshold(folder, tmp_path):
    mine = tmp_path / "mine.csv"
    row = "threshold,spinal_malignancy,present,,,0.03,0.02,0.05,,,judgement,us,desk_judgement,As NICE has it."
    mine.write_text(",".join(HEADER) + "\n" + row + "\n", encoding="utf-8")
    assert folder.load(str(mine)).number(Key("threshold", "spinal_malignancy", "present")) == 0.03


# Cohorts


@pytest.mark.parametrize(
    ("old", "new", "field", "said"),
    [
        pytest.param('"buttock_sarcoma"', '"buttock_sarcomas"', "cause", "did you mean buttock_sarcoma?", id="cause"),
        pytest.param('"case_report_r"', '"case_report"', "sources", "references.bib", id="source"),
        pytest.param('["Mass", 53]', '["Mass", "53"]', "items", "expected [text, count]", id="count in words"),
        pytest.param("total = 73", 'total = "73"', "total", "expected int", id="total in words"),
    ],
)
def test_a_fault_in_a_cohort(folder, old, new, field, said):
    folder.edit("cohorts.toml", old, new)
    problem = folder.only_problem()
    assert problem.file == "cohorts.toml"
    assert problem.field.split(".")[-1] == field
    assert said in problem.message


# Pooled numbers and the studies behind them


def a_pooled(folder):
    return folder.find("likelihoods.csv", node="fever", causes="spinal_infection")


def test_a_pooled_number_must_be_what_its_studies_give(folder):
    number = a_pooled(folder)
    folder.set("likelihoods.csv", number, value="0.5")
    expect(folder.only_problem(), "likelihoods.csv", number, "value", "0.5 is not what its 7 studies give: 0.437")


def test_a_pooled_interval_may_not_be_narrower_than_its_studies(folder):
    number = a_pooled(folder)
    folder.set("likelihoods.csv", number, low="0.42", high="0.46")
    expect(folder.only_problem(), "likelihoods.csv", number, "low", "narrower", "0.345 to 0.534")


def test_a_pooled_number_needs_an_interval(folder):
    number = a_pooled(folder)
    folder.set("likelihoods.csv", number, low="", high="", events="437", total="1000")
    expect(folder.only_problem(), "likelihoods.csv", number, "low", "interval")


def test_a_pooled_number_needs_two_studies(folder):
    number = a_pooled(folder)
    lines = (folder.path / "studies.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    fever = [line for line in lines if line.startswith("fever,")]
    (folder.path / "studies.csv").write_text("".join(line for line in lines if line not in fever[1:]), encoding="utf-8")
    expect(folder.only_problem(), "likelihoods.csv", number, "kind", "two studies or more", "found 1")


def test_a_study_needs_its_pooled_number(folder):
    folder.set("likelihoods.csv", a_pooled(folder), kind="derived")
    problems = folder.problems()
    assert {(p.file, p.field) for p in problems} == {("studies.csv", "causes")}
    assert len(problems) == 7


@pytest.mark.parametrize(
    ("old", "new", "field", "said"),
    [
        pytest.param(
            "reihsaus2000spinal,604,915", "reihsaus2000spinal,916,915", "events", "events <= total", id="more"
        ),
        pytest.param("reihsaus2000spinal,604,915", "reihsaus2000spinal,60.4,915", "events", "a count", id="fraction"),
        pytest.param("reihsaus2000spinal,604", "reihsaus2000spina,604", "source", "did you mean", id="source"),
    ],
)
def test_a_fault_in_a_study(folder, old, new, field, said):
    folder.edit("studies.csv", old, new)
    problem = folder.problems()[0]
    assert (problem.file, problem.field) == ("studies.csv", field)
    assert said in problem.message


def test_a_study_needs_a_source_that_was_read(folder):
    folder.edit("references.bib", "@", UNREAD.strip() + "\n\n@")
    folder.edit("studies.csv", "reihsaus2000spinal,604", "nobody1999unread,604")
    problem = folder.problems()[0]
    assert (problem.file, problem.field) == ("studies.csv", "source")
    assert "read" in problem.message


# The digest: texts for people do not enter it, whatever changes a result does.


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        pytest.param("causes.toml", 'label = "Lumbar disc', 'label = "A lumbar disc', id="cause label"),
        pytest.param("findings.toml", 'label = "Fever"', 'label = "High temperature"', id="finding label"),
        pytest.param("findings.toml", "Temperature measured", "Measured temperature", id="definition"),
        pytest.param("syndromes.toml", 'label = "Root tension"', 'label = "Tense root"', id="syndrome label"),
        pytest.param("context.toml", 'label = "under 20"', 'label = "below 20"', id="band label"),
        pytest.param("context.toml", 'label = "Age"', 'label = "Age at visit"', id="age label"),
    ],
)
def test_labels_leave_the_digest(folder, file, old, new):
    before = folder.load().digest
    folder.edit(file, old, new)
    assert folder.load().digest == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        pytest.param("context.toml", "from = 20}", "from = 21}", id="band edge"),
        pytest.param("context.toml", "above = 20}", "above = 30}", id="limit of a typed value"),
        pytest.param("syndromes.toml", 'reversed = ["relief_with_rest"]', "reversed = []", id="reversed member"),
        pytest.param("findings.toml", "minutes = 1\n", "minutes = 2\n", id="minutes"),
        pytest.param("findings.toml", 'burden = "ask"', 'burden = "examine"', id="burden"),
        pytest.param("thresholds.csv", ",0.02,0.01,", ",0.015,0.01,", id="threshold"),
    ],
)
def test_what_changes_results_changes_the_digest(folder, file, old, new):
    before = folder.load().digest
    folder.edit(file, old, new)
    assert folder.load().digest != before


def test_problem_without_row_or_field_reads_well():
    assert str(Problem("a.csv", None, "", "gone")) == "a.csv: gone"
    assert str(Problem("a.csv", 3, "value", "bad")) == "a.csv, row 3, value: bad"
