"""Rows of files of cases, whatever the format: one by one, or as columns of a table.

Not here: reading files (`model/casetable.py`), whole columns at once (`model/casecolumns.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from model.casefile import CARRIED
from model.errors import BadCase
from priors.records import ABSENT, AGE, DURATION, PRESENT, SEX
from priors.shapes import Structure
from priors.text import brief, plain_number, suggestion

CONTEXT_COLUMNS = ("id", AGE, SEX, DURATION, "setting")
WHOLE_FLOATS = 2**53  # up to here each whole number is a float of its own


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a file of cases.

    Parameters
    ----------
    line : int
        Line of the file where it begins; in Parquet, the row.
    data : object
        A case as the object of a case file; None where the row cannot be read.
    error : str
        Why it cannot be read; empty where it can.
    ignored : tuple of str
        Unknown columns that were passed over on request.
    """

    line: int
    data: Any
    error: str = ""
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class TableRows:
    """Some rows of a table of cases.

    Parameters
    ----------
    cells : pyarrow.RecordBatch
        One column a name, texts or numbers; null where blank.
    lines : sequence of int
        Line, or row, of each.
    known : frozenset of str
        Columns that the vocabulary knows; the others were passed over on request.
    errors : mapping of int to str
        Position -> why a row cannot be read.
    """

    cells: pa.RecordBatch
    lines: Sequence[int]
    known: frozenset[str]
    errors: dict[int, str] = field(default_factory=dict)

    def record(self, position: int, structure: Structure) -> Record:
        """Return one row by itself, as the object of a case file."""
        line = self.lines[position]
        if position in self.errors:
            return Record(line, None, self.errors[position])
        texts = {name: text_of(self.cells.column(name)[position].as_py()) for name in self.cells.schema.names}
        filled = {name: text for name, text in texts.items() if text}
        row = {name: text for name, text in filled.items() if name in self.known}
        try:
            return Record(line, case_of_row(row, structure), ignored=tuple(n for n in filled if n not in self.known))
        except BadCase as fault:
            return Record(line, {"id": row.get("id")}, str(fault))


Chunk = tuple[Record, ...] | TableRows


def text_of(value: Any) -> str:
    """Return the value of a cell as a person would type it.

    Examples
    --------
    >>> text_of(" p1 "), text_of(7.0), text_of(2.5), text_of(True), text_of(float("nan")), text_of(None)
    ('p1', '7', '2.5', 'true', '', '')
    """
    if value is None or value != value:  # NaN is how data frames write a blank
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < WHOLE_FLOATS:
        return str(int(value))  # data frames make floats of whole numbers where one is missing
    return str(value).strip()


def is_text(kind: pa.DataType) -> bool:
    """Say whether a column of a type holds texts, each spelt out or by its number in a dictionary."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def known_columns(columns: Sequence[str], path: Path, structure: Structure, ignore_unknown: bool) -> frozenset[str]:
    """Return the columns that the vocabulary knows; refuse the file for any other, unless told to pass over them."""
    if double := sorted(name for name, times in Counter(columns).items() if times > 1):
        raise BadCase(f"{path}: the column {brief(double[0])} stands twice")
    known = {*CONTEXT_COLUMNS, *structure.findings, *structure.values, *structure.facts, *CARRIED}
    unknown = tuple(name for name in columns if name not in known)
    if unknown and not ignore_unknown:
        near = "; columns are separated by commas" if ";" in unknown[0] else suggestion(unknown[0], sorted(known))
        raise BadCase(f"{path}: unknown column {brief(unknown[0])}{near}")
    return frozenset(known)


def case_of_row(row: dict[str, str], structure: Structure) -> dict[str, Any]:
    """Return a table row as the object of a case file, not yet checked.

    Parameters
    ----------
    row : dict of str to str
        Filled cells by column; all columns known.
    structure : Structure
        The vocabulary.

    Returns
    -------
    dict
        For `model.casefile.parse_case`.

    Raises
    ------
    BadCase
        Where the cell of a finding is neither present, absent nor a likelihood ratio; other cells are left to
        the case's own check.
    """
    case: dict[str, Any] = {PRESENT: [], ABSENT: [], "unsure": {}, "values": {}}
    for name, cell in row.items():
        number = plain_number(cell)
        if name in structure.findings:
            if cell in (PRESENT, ABSENT):
                case[cell].append(name)
            elif number is None:
                raise BadCase(f"{name}: expected present, absent, blank or a likelihood ratio, found {brief(cell)}")
            else:
                case["unsure"][name] = number
        elif name in structure.values:
            case["values"][name] = cell if number is None else number
        elif name in structure.facts:
            case[name] = {"true": True, "false": False}.get(cell.lower(), cell)
        else:
            case[name] = number if name in (AGE, DURATION) and number is not None else cell
    return case
